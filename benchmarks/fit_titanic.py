"""Time of `tabular-dl fit titanic` beyond importing its libraries.

Each round times, as whole processes and in turn, the imports alone and the fit of 20 networks with everything else:
checks, training, baselines, figures, MLflow. Printed are the median of the rounds' differences and ratios.

    python benchmarks/fit_titanic.py [rounds]
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAR = 12.0  # seconds beyond the imports
IMPORTS = [sys.executable, "-c", "import tensorflow, mlflow, sklearn, pandas"]
FIT = [sys.executable, "-m", "tabular_dl.cli.app", "fit", "titanic", "--quiet"]


def seconds(command: list[str], folder: Path) -> float:
    """Return the wall-clock seconds of a process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(rounds: int = 3) -> None:
    """Time the rounds and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Once not counted: it creates MLflow's database, and fills the file cache.
        seconds(FIT, folder)
        pairs = [(seconds(IMPORTS, folder), seconds(FIT, folder)) for _ in range(rounds)]
    beyond = statistics.median(fit - imports for imports, fit in pairs)
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {rounds} rounds")
    print(f"imports alone        {statistics.median(a for a, _ in pairs):6.1f} s")
    print(f"fit titanic          {statistics.median(b for _, b in pairs):6.1f} s")
    print(f"beyond the imports   {beyond:6.1f} s   (bar: {BAR:.0f} s)")
    print(f"fit / imports        {statistics.median(b / a for a, b in pairs):6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

"""Time that MLflow takes in `tabular-dl fit titanic` with 16 members and 5 folds, and its share of the fit.

The store exists already, since MLflow's migrations of a new database take some seconds. Tracking is everything
from the first call of MLflow to the last: parameters, curves, five child runs, tables, figures, report and model.

    python benchmarks/tracking.py [rounds]
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from tabular_dl import tracking
from tabular_dl.workflows.fit import fit

BAR = 3.0  # seconds of tracking


def main(rounds: int = 3) -> None:
    """Time the rounds and print a table."""
    spent: list[float] = []

    def timed(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = step(*arguments)
            spent[-1] += time.perf_counter() - start
            return result

        return run

    tracking.write_results, tracking.log_results = timed(tracking.write_results), timed(tracking.log_results)
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number in range(rounds + 1):
            spent.append(0.0)
            start = time.perf_counter()
            fit("titanic", ["ensemble.members=16"], console=Console(quiet=True))
            if number:  # the first one makes the database, and compiles
                shares.append(spent[-1] / (time.perf_counter() - start))
        os.chdir("/")
    seconds = statistics.median(spent[1:])
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {rounds} rounds, 16 members x 5 folds")
    print(f"tracking             {seconds:6.1f} s   (bar: {BAR:.0f} s)")
    print(f"share of the fit     {statistics.median(shares):6.0%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

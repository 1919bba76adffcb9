"""Fit of a generated table of ROWS x 30 columns in blocks: coded rows a minute, and memory of the process over time.

    python benchmarks/larger_than_memory.py 2000000 [FOLDER [EPOCHS]]

The table is written to FOLDER (by default a temporary one) unless it is there, as CSV files of a million rows. A child
process fits it; this one reads the child's memory ten times a second. Besides the resident memory (RSS), which has
pages of files in it, the memory that belongs to the process alone is drawn.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from matplotlib.figure import Figure

NUMBERS, CATEGORIES, PART = 22, 8, 1_000_000
PIPELINE = """
name: large
problem: binary
baselines: none
data: {source: SOURCE, train: "part-*.csv", target: y}
columns:
  - {columns: ["x*"], scale: minmax}
  - {columns: ["c*"], encode: onehot}
network: {hidden: [64, 32]}
training: {epochs: EPOCHS, batch_size: 4096, early_stopping: 2}
ensemble: {folds: 5, members: 1}
"""
FIT = "from tabular_dl.cli.app import main; import sys; sys.argv = ['tabular-dl', 'fit', 'large']; main()"


def generate(folder: Path, rows: int) -> None:
    """Write the files that are missing; each is drawn with a seed of its own."""
    import pyarrow
    import pyarrow.csv

    for part in range(-(-rows // PART)):
        path = folder / f"part-{part:03d}.csv"
        if path.exists():
            continue
        random, count = np.random.default_rng(part), min(PART, rows - part * PART)
        table = {f"x{k:02d}": random.normal(size=count).astype(np.float32).round(4) for k in range(NUMBERS)}
        signal = table["x00"] + table["x01"] * table["x02"]
        for k in range(CATEGORIES - 1):
            codes = random.integers(0, 4 * (k + 1), count)
            table[f"c{k}"] = np.array([f"city-{code}" for code in range(4 * (k + 1))])[codes]
        signal += random.normal(0, 0.5, count)
        table["y"] = (signal > 0).astype(np.int8)
        partial = path.with_suffix(".partial")
        pyarrow.csv.write_csv(pyarrow.Table.from_pandas(pd.DataFrame(table)), partial)
        partial.rename(path)


def watch(command: list[str], folder: Path) -> tuple[str, list[tuple[float, float, float]]]:
    """Return the output of a command, and seconds, resident and private bytes while it ran."""
    log, curve, start = folder / "fit.log", [], time.perf_counter()
    with log.open("w") as output, subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as child:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                memory = process.memory_info()
            except psutil.Error:
                break
            curve.append((time.perf_counter() - start, memory.rss, memory.rss - memory.shared))
            time.sleep(0.1)
    return log.read_text(), curve


def main() -> None:
    """Generate, fit, and print and draw the memory."""
    rows, work = int(sys.argv[1]), Path(tempfile.mkdtemp())
    data = Path(sys.argv[2]) if len(sys.argv) > 2 else work / "data"
    data.mkdir(parents=True, exist_ok=True)
    generate(data, rows)
    size = sum(path.stat().st_size for path in data.glob("part-*.csv"))
    (work / "pipelines").mkdir()
    epochs = sys.argv[3] if len(sys.argv) > 3 else "2"
    text = PIPELINE.replace("SOURCE", str(data.resolve())).replace("EPOCHS", epochs)
    (work / "pipelines" / "large.yaml").write_text(text)
    output, curve = watch([sys.executable, "-c", FIT], work)
    seconds, resident, private = np.array(curve).T
    print(output)
    print(f"{rows:,} rows, {size / 1e9:.2f} GB of CSV, {epochs} epochs, {seconds[-1]:,.0f} s")
    print(f"peak RSS {resident.max() / 1e9:.2f} GB, of the process alone {private.max() / 1e9:.2f} GB")
    for speed in re.findall(r"([\d,]+) rows/s", output)[-1:]:
        print(f"{60 * int(speed.replace(',', '')):,} rows a minute were coded")
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(seconds, resident / 1e9, label="resident")
    axes.plot(seconds, private / 1e9, label="of the process alone")
    axes.set(xlabel="seconds", ylabel="GB", title=f"fit of {rows:,} rows in blocks", ylim=0)
    axes.legend()
    figure.savefig(work / "memory.png", dpi=120)
    print(f"memory over time: {work / 'memory.png'}")


if __name__ == "__main__":
    main()

"""Time and memory of whole commands, with and without their training, on tables of 891 to 500,000 rows.

Each measurement runs in its own processes, for one working tree or for several in turn, so that figures before and
after a change come from the same run on the same machine.

    python benchmarks/fit_scale.py [--only NAMES] [--code DIR] [--code DIR] [--rows N]

================  ================================================================================================
titanic           seconds of `fit titanic` over those of importing its libraries, first run and second
large             500,000 rows x 30 columns: CPU seconds without training, over those of LightGBM's own training
wide              2,000 rows x 3,000 columns: seconds of a fit
cores             seconds of a fit of 100,000 rows on one core, over those on all
search            the same for a search of 64 configurations x 5 folds
submit            seconds of `submit` beyond the imports
compare           seconds of `compare` on 10,000 runs beyond the imports
================  ================================================================================================
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
APP = [sys.executable, "-m", "tabular_dl.cli.app"]
IMPORTS = [sys.executable, "-c", "import tensorflow, mlflow, sklearn, pandas"]
FOLDS, TREES, EPOCHS = 5, 100, 3
RUNS = 10_000
# A fit that prints its CPU seconds, those of the training alone, its wall seconds and its peak memory.
FIT = """
import json, resource, sys, time
start = time.perf_counter()
from tabular_dl.estimators import joint_fit
from tabular_dl.cli.app import main
spent = [0.0]
train = joint_fit.train_tasks
def timed(*arguments, **settings):
    before = time.process_time()
    try:
        return train(*arguments, **settings)
    finally:
        spent[0] += time.process_time() - before
joint_fit.train_tasks = timed
sys.argv = ["tabular-dl", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu = sum(each.ru_utime + each.ru_stime for each in usage)
wall, megabytes = time.perf_counter() - start, usage[0].ru_maxrss / 1024
print("FIGURES", json.dumps({"cpu": cpu, "training": spent[0], "wall": wall, "megabytes": megabytes}))
"""
LIGHTGBM = """
import sys, time, lightgbm, pandas
from sklearn.model_selection import KFold
table = pandas.read_csv("train.csv")
X, y = table.drop(columns=["id", "y"]), table["y"]
X = X.apply(lambda column: column if column.dtype.kind in "if" else column.astype("category"))
start = time.process_time()
for train, _ in KFold(int(sys.argv[1]), shuffle=True, random_state=0).split(X):
    lightgbm.LGBMClassifier(n_estimators=int(sys.argv[2]), verbose=-1).fit(X.iloc[train], y.iloc[train])
print("FIGURES", time.process_time() - start)
"""


def table(rows: int, columns: int, seed: int = 0) -> pd.DataFrame:
    """Return rows with an id, numbers, categories of 10 to 300 values, and a target of two classes."""
    rng = np.random.default_rng(seed)
    numbers = max(2, columns * 2 // 3)
    frame = {"id": np.arange(rows)}
    frame |= {f"x{k}": np.round(rng.normal(size=rows), 4) for k in range(numbers)}
    for k in range(columns - numbers):
        values = rng.integers(0, (10, 50, 300)[k % 3], rows)
        frame[f"c{k}"] = np.char.add("v", values.astype(str)) if k % 2 else values
    signal = frame["x0"] + frame["x1"] * (rng.normal(size=rows) > 0) + rng.normal(size=rows)
    return pd.DataFrame({**frame, "y": (signal > 0).astype(int)})


def run(command: Sequence[str], folder: Path, code: Path, one_core: bool = False) -> tuple[float, str]:
    """Return the wall seconds of a process and its output; on one core if asked."""
    environment = {**os.environ, "PYTHONPATH": str(code), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    command = ["taskset", "-c", "0", *command] if one_core else command
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))[:200]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return time.perf_counter() - start, done.stdout


def figures(output: str) -> dict[str, float]:
    """Return the figures that a process has printed."""
    return json.loads(output.rsplit("FIGURES ", 1)[1].splitlines()[0])


def fit_table(folder: Path, code: Path, *settings: str, one_core: bool = False) -> dict[str, float]:
    """Return the figures of a fit of the table in a folder."""
    changes = [part for each in (f"training.epochs={EPOCHS}", *settings) for part in ("--set", each)]
    command = [sys.executable, "-c", FIT, "fit", "--train", "train.csv", "--target", "y", "--quiet", *changes]
    return figures(run(command, folder, code, one_core)[1])


def titanic(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Time a first and a second `fit titanic` beside the imports."""
    del rows
    run(IMPORTS, folder, code)  # fills the file cache
    imports = min(run(IMPORTS, folder, code)[0] for _ in range(2))
    first, second = (run([*APP, "fit", "titanic", "--quiet"], folder, code)[0] for _ in range(2))
    return {
        "imports s": imports,
        "first s": first,
        "first / imports": first / imports,
        "second / imports": second / imports,
    }


def large(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Compare all CPU seconds but those of training with LightGBM's own training of the same folds."""
    table(rows, 30).to_csv(folder / "train.csv", index=False)
    fit = fit_table(folder, code, f"ensemble.folds={FOLDS}", "ensemble.members=1")
    trees = figures(run([sys.executable, "-c", LIGHTGBM, str(FOLDS), str(TREES)], folder, code)[1])
    around = fit["cpu"] - fit["training"]
    return {
        **{"CPU s without training": around, "training CPU s": fit["training"], "LightGBM CPU s": float(trees)},
        **{"without training / LightGBM": around / float(trees), "peak MB": fit["megabytes"], "wall s": fit["wall"]},
    }


def wide(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Time a fit of 3,000 columns."""
    del rows
    table(2_000, 3_000).to_csv(folder / "train.csv", index=False)
    fit = fit_table(folder, code, "ensemble.members=1")
    return {"wall s": fit["wall"], "CPU s": fit["cpu"], "CPU s without training": fit["cpu"] - fit["training"]}


def cores(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Compare a fit on one core with one on all."""
    del rows
    table(100_000, 30).to_csv(folder / "train.csv", index=False)
    one, every = (fit_table(folder, code, one_core=single)["wall"] for single in (True, False))
    return {"one core s": one, "all cores s": every, "one / all": one / every}


def search(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Compare a search on one core with one on all."""
    del rows
    options = ["--rounds", "1", "--trials", "64", "--set", "ensemble.folds=5"]
    one, every = (
        run([*APP, "search", "titanic", *options, "--quiet"], folder, code, single)[0] for single in (True, False)
    )
    return {"one core s": one, "all cores s": every, "one / all": one / every}


def submit(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Time a submission beyond the imports of what it needs at most."""
    del rows
    run([*APP, "fit", "titanic", "--quiet"], folder, code)
    imports = min(run(IMPORTS, folder, code)[0] for _ in range(2))
    seconds = min(run([*APP, "submit", "titanic"], folder, code)[0] for _ in range(2))
    return {"submit s": seconds, "beyond imports s": seconds - imports}


def compare(folder: Path, code: Path, rows: int) -> dict[str, float]:
    """Time the leaderboard of many runs beyond the imports."""
    del rows
    run([*APP, "fit", "titanic", "--quiet", "--set", f"training.epochs={EPOCHS}"], folder, code)
    copy_runs(folder / "mlflow.db", RUNS)
    imports = min(run([sys.executable, "-c", "import mlflow, pandas"], folder, code)[0] for _ in range(2))
    seconds = min(run([*APP, "compare", "titanic"], folder, code)[0] for _ in range(2))
    return {"compare s": seconds, "beyond imports s": seconds - imports}


def copy_runs(database: Path, count: int) -> None:
    """Copy the only fit of a database, with its metrics, parameters and tags, under other ids."""
    import sqlite3

    with sqlite3.connect(database) as connection:
        query = "SELECT run_uuid FROM tags WHERE key = 'tabular_dl.kind' AND value = 'fit'"
        ((source,),) = connection.execute(query).fetchall()
        for name in ("runs", "latest_metrics", "params", "tags"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            copied = ", ".join("?" if column == "run_uuid" else column for column in columns)
            insert = f"INSERT INTO {name} ({', '.join(columns)}) "
            insert += f"SELECT {copied} FROM {name} WHERE run_uuid = ?"  # noqa: S608 (tables of MLflow, no user input)
            connection.executemany(insert, [(f"{number:032x}", source) for number in range(count)])


MEASUREMENTS: Mapping[str, Callable[[Path, Path, int], dict[str, float]]] = {
    each.__name__: each for each in (titanic, large, wide, cores, search, submit, compare)
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="names with commas")
    parser.add_argument("--code", action="append", type=Path, help="working tree; may be repeated")
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the large table")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in arguments.only.split(","):
        for code in arguments.code or [ROOT]:
            with tempfile.TemporaryDirectory(prefix="fit-scale-") as folder:
                measured = MEASUREMENTS[name](Path(folder), code.resolve(), arguments.rows)
            values = "  ".join(f"{key} {value:.2f}" for key, value in measured.items())
            print(f"{name:8} {code.resolve().name:14} {values}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Time of the first fit of a process with an empty and with a filled folder of compiled programs.

Each fit runs in its own process, in turn without a folder, with an empty one, and with the one that the second fit has
filled, so that the load of the machine is the same for all of them. Figures are medians, of wall-clock and of processor
seconds, without the import of TensorFlow. The weights of all fits have to be the same, bit for bit.

    python benchmarks/compiled_programs.py
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

ROUNDS = 3
CASES = {
    "Titanic: 891 x 26, 64-32, 20 networks": {"rows": 891, "features": 26, "hidden": [64, 32], "size": 20},
    "891 x 26, 256-256-256, 40 networks": {"rows": 891, "features": 26, "hidden": [256, 256, 256], "size": 40},
}
FIT = """
import hashlib, json, sys, time
import numpy as np
from tabular_dl.nn import Members, Network, Training, fit_population, program

case = json.loads(sys.argv[1])
X = np.random.default_rng(0).normal(size=(case["rows"], case["features"])).astype("float32")
y = (X[:, :1] > 0).astype("float32")
held_out = case["rows"] // 5
members = Members(
    seeds=list(range(case["size"])),
    training_rows=[np.arange(held_out, case["rows"])] * case["size"],
    validation_rows=[np.arange(held_out)] * case["size"],
    l2=1e-4,
    dropout=0.3,
    patience=1000,
)
training = Training("binary_crossentropy", ("binary_accuracy",), epochs=1, batch_size=32, compile=True)
network = Network(case["features"], tuple(case["hidden"]), 1, output_activation="sigmoid", dropout=True)
seconds = {}


def timed(name, function):
    def call(*arguments):
        start = time.perf_counter(), time.process_time()
        result = function(*arguments)
        seconds[name] = time.perf_counter() - start[0], time.process_time() - start[1]
        return result
    return call


def of_xla(function):
    def call(traced, *arguments):
        return timed(function.__name__, function)(traced, *arguments) if traced.xla else function(traced, *arguments)
    return call


Traced = program.Traced
Traced._trace, Traced.__call__ = of_xla(Traced._trace), of_xla(Traced.__call__)
population = timed("fit", fit_population)(network, X, y, members, training)
digest = hashlib.sha256(b"".join(weights.tobytes() for weights in population.weights.values())).hexdigest()
print(json.dumps({"digest": digest, **seconds}))
"""
PARTS = {"fit": "whole fit of one epoch", "_trace": "tracing", "__call__": "compiling or loading, and the epoch"}


def fit(case: dict[str, object], folder: str) -> dict[str, tuple[float, float]]:
    """Return wall-clock and processor seconds of the parts of a fit in a new process, and the digest of its weights."""
    environment = {**os.environ, "TABULAR_DL_COMPILED_CACHE": folder, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", FIT, json.dumps(case)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return json.loads(output)


def compare(case: dict[str, object]) -> dict[str, list[dict[str, tuple[float, float]]]]:
    """Return the fits of a case, in turn without, with an empty and with a filled folder."""
    fits: dict[str, list[dict[str, tuple[float, float]]]] = {"no folder": [], "cold": [], "warm": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as temporary:
            folder = str(Path(temporary).resolve())
            for name, setting in (("no folder", "off"), ("cold", folder), ("warm", folder)):
                fits[name].append(fit(case, setting))
    digests = {run["digest"] for runs in fits.values() for run in runs}
    if len(digests) > 1:
        raise AssertionError(f"the weights differ: {digests}")
    return fits


def main() -> None:
    """Print a table of all cases."""
    for title, case in CASES.items():
        grid = Grid("Part", "No folder", "Cold", "Warm", title=f"{title}: seconds (of the processor)")
        fits = compare(case)
        for part, described in PARTS.items():
            medians = [
                [statistics.median(run[part][kind] for run in runs) for kind in (0, 1)] for runs in fits.values()
            ]
            grid.add_row(described, *(f"{wall:.2f} ({processor:.2f})" for wall, processor in medians))
        Console().print(grid)


if __name__ == "__main__":
    main()

"""Time of a network and epoch against pytabkit's RealMLP-TD, where PyTorch and pytabkit are installed.

Ours and theirs train the same architecture with the same batch size on the same rows, on one core, in one run. The time
of an epoch is what further epochs add to a fit.

    taskset -c 0 python benchmarks/pytorch.py
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table as Grid

ROWS, FEATURES = 6_400, 20
FEW, MORE = 2, 6  # epochs
REALMLPS = 40  # networks of the population


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def epoch(fit: Callable[[int], object]) -> float:
    """Return the seconds that an epoch adds to a fit: the median of three differences."""
    fit(FEW)
    differences = (seconds(lambda: fit(MORE)) - seconds(lambda: fit(FEW)) for _ in range(3))
    return statistics.median(differences) / (MORE - FEW)


def ours(preset: str, members: int, **settings: Any) -> float:
    """Return the seconds of an epoch of a member."""
    from tabular_dl import KerasClassifier

    def fit(epochs: int) -> None:
        network = KerasClassifier(
            preset=preset, members=members, epochs=epochs, validation_fraction=0.0, random_state=0, **settings
        )
        network.set_params(restore_best=False, early_stopping=None).fit(X, Y)

    return epoch(fit) / members


def theirs(name: str, **settings: Any) -> float:
    """Return the seconds of an epoch of pytabkit's network."""
    import pytabkit

    model_class = getattr(pytabkit, name)
    common = {"device": "cpu", "random_state": 0, "n_threads": 1, "val_fraction": 0.02}
    return epoch(lambda epochs: model_class(n_epochs=epochs, **common, **settings).fit(X, Y))


X = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)
Y = (X[:, 0] + np.random.default_rng(1).normal(size=ROWS) > 0).astype(int)


def main() -> None:
    """Measure and print the table."""
    if importlib.util.find_spec("pytabkit") is None:
        sys.exit("pytabkit is not installed: pip install pytabkit torch")
    rows = [
        ("RealMLP-TD, 3 x 256", theirs("RealMLP_TD_Classifier"), ours("realmlp", REALMLPS), 3.0),
    ]
    grid = Grid(title=f"Milliseconds of a network and epoch, {ROWS:,} x {FEATURES}, one core")
    for heading in ("network", "pytabkit", "tabular_dl", "theirs / ours", "must reach"):
        grid.add_column(heading)
    for name, their_time, our_time, bar in rows:
        ratio = f"{their_time / our_time:.1f}"
        grid.add_row(name, f"{their_time * 1e3:.0f}", f"{our_time * 1e3:.0f}", ratio, f"{bar:.0f}")
    Console(width=120).print(grid)


if __name__ == "__main__":
    main()

"""Speed of the population engine: ratios to Keras's `Model.fit` and shares of NumPy's matrix product, in one run.

Each figure is the median of three measurements in this process. The time of an epoch is steady: what further epochs
add to a fit, without tracing and compiling. Keras trains the same network, warm, on the same rows and batches. A
training has 6 x parameters x rows x epochs x P floating-point operations: two for each weight forward, four backward.

    python benchmarks/engine.py
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from sklearn.neural_network import MLPClassifier

from tabular_dl.nn import Members, Network, Training, fit_population, program

LOSS, METRICS = "binary_crossentropy", ("binary_accuracy",)
TITANIC = {"rows": 891, "features": 26, "hidden": (64, 32), "batch": 32}
# RealMLP and TabM with the constants of their papers (docs/networks.md).
REALMLP: dict[str, Any] = {
    "initializer": "unit_variance",
    "bias_initializer": "he+5",
    "activation": "selu",
    "parametric": True,
    "scaling": True,
    "numeric_embedding": "pbld",
    "vector_size": 4,
    "components": 16,
    "frequency_scale": 0.1,
    "dropout_schedule": "flat_cos",
}
REALMLP_TRAINING: dict[str, Any] = {
    "schedule": "coslog4",
    "weight_decay_schedule": "flat_cos",
    "parametrization": "ntk",
    "rate_factors": (("bias", 0.1), ("scaling", 6.0)),
    "drop_last": True,
}
TABM: dict[str, Any] = {
    "networks": 32,
    "sharing": "full",
    "numeric_embedding": "piecewise_linear",
    "vector_size": 16,
    "components": 48,
}
WIDE = {"rows": 20_000, "features": 50, "hidden": (256, 256, 256), "batch": 256}
BIG_ROWS, BIG_FEATURES = 4_000_000, 50


def median_of_three(measure: Callable[[], float]) -> float:
    """Return the median of three measurements."""
    return statistics.median(measure() for _ in range(3))


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Case:
    """One shape of table and network, trained by the engine, by Keras and by scikit-learn.

    Parameters
    ----------
    rows, features, hidden, batch
        The shape.
    dropout, l2 : float
        Regularisation.
    batch_norm : bool
        Whether batch normalisation is on.
    held_out : int
        Validation rows; with them, early stopping evaluates each epoch, but never stops.
    """

    def __init__(
        self,
        rows: int,
        features: int,
        hidden: tuple[int, ...],
        batch: int,
        dropout: float = 0.0,
        l2: float = 0.0,
        batch_norm: bool = False,
        held_out: int = 0,
    ) -> None:
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(rows, features)).astype(np.float32)
        self.y = (self.X[:, :1] + rng.normal(size=(rows, 1)) > 0).astype(np.float32)
        self.hidden, self.batch, self.dropout, self.l2, self.batch_norm = hidden, batch, dropout, l2, batch_norm
        self.train, self.held_out = np.arange(held_out, rows), np.arange(held_out)

    @property
    def network(self) -> Network:
        """The architecture."""
        return Network(
            self.X.shape[1],
            self.hidden,
            1,
            output_activation="sigmoid",
            dropout=self.dropout > 0,
            batch_norm=self.batch_norm,
        )

    def fit(self, size: int, epochs: int) -> None:
        """Train a population."""
        members = Members(
            seeds=list(range(size)),
            training_rows=[self.train] * size,
            validation_rows=[self.held_out] * size,
            l2=self.l2,
            dropout=self.dropout,
            patience=1000 if len(self.held_out) else np.inf,
        )
        training = Training(LOSS, METRICS, epochs=epochs, batch_size=self.batch, compile=True)
        fit_population(self.network, self.X, self.y, members, training)

    def epoch(self, size: int, epochs: int) -> float:
        """Return the steady seconds of an epoch of a population."""
        self.fit(size, 1)
        self.fit(size, 1 + epochs)  # a long training may have programs of its own
        return median_of_three(
            lambda: (seconds(lambda: self.fit(size, 1 + epochs)) - seconds(lambda: self.fit(size, 1))) / epochs
        )

    def keras_model(self) -> keras.Model:
        """Return the same network, compiled by Keras."""
        layers: list[keras.layers.Layer] = [keras.Input((self.X.shape[1],))]
        penalty = keras.regularizers.L2(self.l2) if self.l2 else None
        for width in self.hidden:
            layers.append(keras.layers.Dense(width, kernel_regularizer=penalty, kernel_initializer="he_normal"))
            if self.batch_norm:
                layers.append(keras.layers.BatchNormalization())
            layers.append(keras.layers.Activation("relu"))
            if self.dropout:
                layers.append(keras.layers.Dropout(self.dropout))
        layers.append(keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty))
        model = keras.Sequential(layers)
        model.compile("adam", LOSS, metrics=list(METRICS))
        return model

    def keras_fit(self, model: keras.Model, epochs: int) -> None:
        """Train by `Model.fit`."""
        watch = {}
        if len(self.held_out):
            stop = keras.callbacks.EarlyStopping(patience=1000, restore_best_weights=True)
            watch = {"validation_data": (self.X[self.held_out], self.y[self.held_out]), "callbacks": [stop]}
        X, y = self.X[self.train], self.y[self.train]
        model.fit(X, y, epochs=epochs, batch_size=self.batch, verbose=0, **watch)

    def keras_epoch(self, epochs: int) -> float:
        """Return the seconds of an epoch of one Keras model, warm."""
        model = self.keras_model()
        self.keras_fit(model, 1)
        return median_of_three(lambda: seconds(lambda: self.keras_fit(model, epochs)) / epochs)

    def scikit_epoch(self, epochs: int) -> float:
        """Return the seconds of an epoch of scikit-learn's MLPClassifier."""
        model = MLPClassifier(
            self.hidden, batch_size=self.batch, alpha=self.l2, max_iter=epochs, tol=0.0, n_iter_no_change=10**6
        )
        return median_of_three(lambda: seconds(lambda: _without_warning(model, self.X, self.y[:, 0])) / epochs)

    def operations(self, size: int) -> float:
        """Return the floating-point operations of an epoch of a population."""
        return 6.0 * self.network.parameters * len(self.train) * size


class PresetCase(Case):
    """A table and the network of a preset with its own dropout, rates and bins, trained by the engine.

    Parameters
    ----------
    rows, features, hidden, batch
        The shape.
    parts : dict
        Parameters of `Network`.
    training : dict
        Parameters of `Training`.
    """

    def __init__(
        self,
        rows: int,
        features: int,
        hidden: tuple[int, ...],
        batch: int,
        parts: dict[str, Any],
        training: dict[str, Any],
    ) -> None:
        super().__init__(rows, features, hidden, batch, dropout=0.15)
        self.parts, self.training = {"dropout": True, "continuous": features, **parts}, training

    @property
    def network(self) -> Network:
        """The architecture."""
        return Network(self.X.shape[1], self.hidden, 1, output_activation="sigmoid", **self.parts)

    def fit(self, size: int, epochs: int) -> None:
        """Train a population."""
        bins = None
        if self.network.numeric_embedding == "piecewise_linear":
            edges = np.quantile(self.X, np.linspace(0, 1, self.network.components + 1), axis=0).T
            slopes = 1 / np.diff(edges)
            bins = [np.stack([slopes, -slopes * edges[:, :-1]], axis=1)] * size
        members = Members(
            seeds=list(range(size)),
            training_rows=[self.train] * size,
            bins=bins,
            learning_rate=0.003,
            weight_decay=0.01,
            dropout=self.dropout,
        )
        training = Training(LOSS, METRICS, epochs=epochs, batch_size=self.batch, compile=True, **self.training)
        fit_population(self.network, self.X, self.y, members, training)

    def operations(self, size: int) -> float:
        """Return the floating-point operations of an epoch: those of matrix products, without waves and bins."""
        return super().operations(size) * self.network.networks


def _without_warning(model: MLPClassifier, X: np.ndarray, y: np.ndarray) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the few epochs do not converge
        model.fit(X, y)


def sgemm() -> float:
    """Return NumPy's operations a second in a product of two 2048 x 2048 float32 matrices."""
    a = np.random.default_rng(0).normal(size=(2048, 2048)).astype(np.float32)
    np.matmul(a, a)
    return 2 * 2048**3 / median_of_three(lambda: seconds(lambda: [np.matmul(a, a) for _ in range(5)]) / 5)


def share_of_sgemm(case: Case, size: int, epochs: int) -> float:
    """Return the share of NumPy's rate that a population reaches: the median of three pairs measured in turn."""
    return statistics.median(case.operations(size) / case.epoch(size, epochs) / sgemm() for _ in range(3))


def everything_included(case: Case, size: int, epochs: int) -> float:
    """Return Keras's seconds of one fit over ours of a population, tracing and compiling included in both."""

    def ours() -> float:
        program._programs.clear()
        return seconds(lambda: case.fit(size, epochs))

    keras_seconds = median_of_three(lambda: seconds(lambda: case.keras_fit(case.keras_model(), epochs)))
    return keras_seconds / median_of_three(ours)


def anonymous_memory() -> int:
    """Return this process's anonymous resident memory in bytes: files that are mapped do not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def train_memory_map(path: str) -> None:
    """Train on a memory map for an epoch and print by how many MB the anonymous memory grew at most."""
    shape = (BIG_ROWS, BIG_FEATURES)
    X = np.memmap(path, np.float32, "r", shape=shape)
    y = np.zeros((BIG_ROWS, 1), np.float32)
    y[::2] = 1.0
    idle = peak = anonymous_memory()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    members = Members(seeds=[0, 1, 2, 3], training_rows=[np.arange(BIG_ROWS)] * 4)
    network = Network(BIG_FEATURES, (64, 32), 1, output_activation="sigmoid")
    fit_population(network, X, y, members, Training(LOSS, METRICS, epochs=1, batch_size=1024))
    done.set()
    watcher.join()
    print((peak - idle) / 1e6)


def memory_map_megabytes() -> float:
    """Measure `train_memory_map` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.float32"
        table = np.memmap(path, np.float32, "w+", shape=(BIG_ROWS, BIG_FEATURES))
        rng = np.random.default_rng(0)
        for start in range(0, BIG_ROWS, 500_000):
            table[start : start + 500_000] = rng.random((500_000, BIG_FEATURES), np.float32)
        table.flush()
        del table
        command = [sys.executable, __file__, "--memory-map", str(path)]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(result.stdout.split()[-1])


def growth_over_fits() -> tuple[float, float]:
    """Return the anonymous memory in MB after fit 20 and after fit 200 of one shape."""
    case, after = Case(200, 8, (16,), 32), {}
    for number in range(1, 201):
        case.fit(2, 2)
        after[number] = anonymous_memory() / 1e6
    return after[20], after[200]


def main() -> None:
    """Measure and print the table, as Markdown too."""
    small = Case(**TITANIC)
    full = Case(**TITANIC, dropout=0.3, l2=1e-4, held_out=89)
    wide = Case(**WIDE)
    normed = Case(**WIDE, dropout=0.2, batch_norm=True)
    realmlp = PresetCase(6_400, 20, (256, 256, 256), 256, REALMLP, REALMLP_TRAINING)
    tabm = PresetCase(1_536, 20, (512, 512), 256, TABM, {"optimizer": "adamw"})
    keras_small, keras_full, keras_wide = small.keras_epoch(5), full.keras_epoch(5), wide.keras_epoch(2)
    one, short, many, everything = small.epoch(1, 50), small.epoch(32, 20), small.epoch(32, 200), full.epoch(32, 200)
    scikit_small, scikit_wide = small.scikit_epoch(10), wide.scikit_epoch(1)
    wide_one = wide.epoch(1, 4)
    wide_share, normed_share = share_of_sgemm(wide, 8, 2), share_of_sgemm(normed, 8, 2)
    realmlp_share = share_of_sgemm(realmlp, 40, 2)
    tabm_share = share_of_sgemm(tabm, 5, 1)
    rate = sgemm()
    full.fit(20, 1)
    epochs = 20
    second = median_of_three(lambda: seconds(lambda: full.fit(20, epochs))) - epochs * full.epoch(20, epochs)
    at_20, at_200 = growth_over_fits()
    rows = [
        ("891 x 26, 64-32, batch 32", "epoch, P = 1: Keras / ours", keras_small / one, 20, "{:.0f}"),
        ("the same", "epoch, P = 1: MLPClassifier / ours", scikit_small / one, None, "{:.0f}"),
        ("the same, 20 epochs", "per member, P = 32: Keras / ours", keras_small / short * 32, None, "{:.0f}"),
        ("the same, 200 epochs", "per member, P = 32: Keras / ours", keras_small / many * 32, 150, "{:.0f}"),
        (
            "200 epochs, dropout 0.3, L2, validation",
            "per member, P = 32: Keras / ours",
            keras_full / everything * 32,
            100,
            "{:.0f}",
        ),
        (
            "the same, 50 epochs, with compiling",
            "one Keras fit / P = 20",
            everything_included(full, 20, 50),
            1,
            "{:.1f}",
        ),
        ("20,000 x 50, 3 x 256, batch 256", "epoch, P = 1: Keras / ours", keras_wide / wide_one, 1.8, "{:.1f}"),
        ("the same", "epoch, P = 1: MLPClassifier / ours", scikit_wide / wide_one, None, "{:.1f}"),
        ("the same", "P = 8: share of sgemm", wide_share, 0.6, "{:.0%}"),
        (
            "with dropout 0.2, batch norm",
            "P = 8: share of sgemm",
            normed_share,
            0.4,
            "{:.0%}",
        ),
        ("6,400 x 20, RealMLP: 3 x 256, PBLD, batch 256", "P = 40: share of sgemm", realmlp_share, 0.5, "{:.0%}"),
        (
            "1,536 x 20, TabM: 32 networks, 2 x 512, bins, batch 256",
            "P = 5: share of sgemm",
            tabm_share,
            0.5,
            "{:.0%}",
        ),
        ("second fit of a shape, P = 20", "seconds beyond its epochs", second, -0.15, "{:.2f} s"),
        ("4,000,000 x 50 memory map, P = 4", "MB above idle", memory_map_megabytes(), -700, "{:.0f} MB"),
        ("200 fits of one shape", "MB after fit 200 / after fit 20", at_200 / at_20, None, "{:.2f}"),
    ]
    print_table(rows, rate)


def print_table(rows: list[tuple[str, str, float, float | None, str]], rate: float) -> None:
    """Print the figures, each beside what it must reach."""
    grid = Grid(title="The population engine", caption=f"NumPy's sgemm: {rate / 1e9:.0f} GFLOP/s")
    for heading in ("shape", "figure", "measured", "must reach", ""):
        grid.add_column(heading)
    markdown = ["| shape | figure | measured | must reach |", "| --- | --- | --- | --- |"]
    for shape, figure, value, bar, form in rows:
        wanted = "" if bar is None else ("under " if bar < 0 else "") + form.format(abs(bar))
        reached = "" if bar is None else ("yes" if (value <= -bar if bar < 0 else value >= bar) else "NO")
        grid.add_row(shape, figure, form.format(value), wanted, reached)
        markdown.append(f"| {shape} | {figure} | {form.format(value)} | {wanted} |")
    console = Console(width=120)
    console.print(grid)
    versions = f"Python {platform.python_version()}, TensorFlow {version('tensorflow')}, Keras {keras.__version__}"
    console.print(f"{os.cpu_count()} CPU cores ({platform.machine()}), {versions}")
    console.print("\n".join(markdown), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory-map"]:
        train_memory_map(sys.argv[2])
    else:
        main()

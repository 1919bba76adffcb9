"""Speed of a population search: 64 configurations x 5 folds, against scikit-learn's random search, in one run.

Titanic, 20 epochs, hidden layers 64-32, batches of 32. The population is `PopulationSearchCV` in one round, with
compiling and the refit, without the second training of the leading configurations, which scikit-learn does not do. Its
`RandomizedSearchCV` runs over the same network in plain Keras, timed on 4 configurations and scaled to 64 (compiling a
Keras model is paid for each fit, so the time is proportional), and over `MLPClassifier`, all 64. Quality is the best
cross-validated accuracy that each has reached after the wall time of the population.

    python benchmarks/search.py
"""

from __future__ import annotations

import os
import time
import warnings
from importlib.metadata import version
from typing import Any, Self

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier

from tabular_dl.competition import load_competition
from tabular_dl.estimators import KerasClassifier
from tabular_dl.model_selection import PopulationSearchCV
from tabular_dl.problems import get_problem
from tabular_dl.spec import build_pipeline, columns_used, load_spec

CONFIGURATIONS, FOLDS, EPOCHS, HIDDEN, BATCH = 64, 5, 20, (64, 32), 32
TIMED = 4
CV = StratifiedKFold(FOLDS, shuffle=True, random_state=0)


class PlainKeras(ClassifierMixin, BaseEstimator):
    """The same network as a user would write it in Keras."""

    def __init__(self, learning_rate: float = 1e-3, l2: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.l2 = l2

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Train."""
        self.classes_ = np.unique(y)
        penalty = keras.regularizers.L2(self.l2)
        layers = [keras.layers.Dense(width, activation="relu", kernel_regularizer=penalty) for width in HIDDEN]
        output = keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty)
        self.model_ = keras.Sequential([keras.Input((X.shape[1],)), *layers, output])
        self.model_.compile(keras.optimizers.Adam(self.learning_rate), "binary_crossentropy", metrics=["accuracy"])
        self.model_.fit(X, y, epochs=EPOCHS, batch_size=BATCH, verbose=0)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict labels."""
        return (self.model_.predict(X, verbose=0)[:, 0] > 0.5).astype(int)


def table() -> tuple[np.ndarray, np.ndarray]:
    """Return Titanic's rows as numbers: encoded once on all rows, the same for all models."""
    spec = load_spec("titanic")
    train = load_competition("titanic", spec.data.target, spec.data.id).train
    steps = build_pipeline(spec, get_problem("binary"))[:-1]
    X = steps.fit_transform(train[columns_used(spec, train)])
    return np.asarray(X, np.float32), train[spec.data.target].to_numpy()


def seconds(work: Any) -> tuple[float, Any]:
    """Return how long some work takes, and what it returns."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def best_within(model: Any, ranges: dict[str, Any], budget: float, X: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Return the best score of a random search within a time budget, and the number of configurations tried."""
    start, best, tried = time.perf_counter(), 0.0, 0
    for params in ParameterSampler(ranges, 10_000, random_state=1):
        best = max(best, float(cross_val_score(model.set_params(**params), X, y, cv=CV).mean()))
        tried += 1
        if time.perf_counter() - start > budget:
            break
    return best, tried


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    X, y = table()
    network = KerasClassifier(
        hidden=HIDDEN, epochs=EPOCHS, batch_size=BATCH, members=1, dropout=0.0, early_stopping=None, random_state=0
    )
    space = {"learning_rate": {"log_uniform": [1e-4, 3e-2]}, "l2": {"log_uniform": [1e-7, 1e-2]}}
    search = PopulationSearchCV(
        network, space, n_iter=CONFIGURATIONS, rounds=1, cv=CV, pick="best", repeats=0, random_state=0
    )
    ours, fitted = seconds(lambda: search.fit(X, y))
    keras_ranges = {"learning_rate": loguniform(1e-4, 3e-2), "l2": loguniform(1e-7, 1e-2)}
    plain = RandomizedSearchCV(PlainKeras(), keras_ranges, n_iter=TIMED, cv=CV, random_state=0, error_score="raise")
    keras_seconds = seconds(lambda: plain.fit(X, y))[0] / (TIMED * FOLDS + 1) * (CONFIGURATIONS * FOLDS + 1)
    mlp = MLPClassifier(HIDDEN, batch_size=BATCH, max_iter=EPOCHS, tol=0.0, n_iter_no_change=10**6)
    mlp_ranges = {"learning_rate_init": loguniform(1e-4, 3e-2), "alpha": loguniform(1e-5, 1.0)}
    random = RandomizedSearchCV(mlp, mlp_ranges, n_iter=CONFIGURATIONS, cv=CV, random_state=0, error_score="raise")
    mlp_seconds = seconds(lambda: random.fit(X, y))[0]
    first = fitted.cv_results_["round"] == 1
    quality = {
        "ours": (float(fitted.cv_results_["mean_test_score"][first].max()), int(first.sum())),
        "plain Keras": best_within(PlainKeras(), keras_ranges, ours, X, y),
        "MLPClassifier": best_within(mlp, mlp_ranges, ours, X, y),
    }
    grid = Table(title=f"{CONFIGURATIONS} configurations x {FOLDS} folds, {EPOCHS} epochs, 891 x {X.shape[1]}")
    for heading in (
        "against",
        "times as fast",
        "must reach",
        "best accuracy in our time",
        "configurations tried in it",
    ):
        grid.add_column(heading)
    grid.add_row("ours", "1", "", f"{quality['ours'][0]:.4f}", str(quality["ours"][1]))
    for name, took, bar in (("plain Keras", keras_seconds, 100), ("MLPClassifier", mlp_seconds, 8)):
        best, tried = quality[name]
        grid.add_row(name, f"{took / ours:.1f}", str(bar), f"{best:.4f}", str(tried))
    console = Console(width=120)
    console.print(grid)
    console.print(
        f"Ours took {ours:.1f} s with compiling and the refit. Keras: timed on {TIMED} configurations, scaled."
    )
    console.print(f"{os.cpu_count()} CPU cores, TensorFlow {version('tensorflow')}, Keras {keras.__version__}")


if __name__ == "__main__":
    main()

"""A row's prediction is the same whatever rows stand beside it, to 1e-9 of its value, on every processor."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.model_selection.crossfit import CrossFitClassifier

ROWS, COLUMNS = 300, 9
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(ROWS, COLUMNS)).astype("float32")
CODES = np.column_stack([NUMBERS[:, 1:], np.arange(ROWS) % 7]).astype("float32")
TARGET = NUMBERS[:, :3].sum(axis=1) + 0.1 * RNG.normal(size=ROWS)
LABELS = np.digitize(TARGET, [-1.0, 1.0])
# Two epochs: what is tested is prediction, whatever has been learned. Widths that no vector unit divides.
SETTINGS: dict[str, Any] = {"hidden": [37, 21], "epochs": 2, "members": 3, "random_state": 0, "early_stopping": None}
# What a subprocess tries again.
AGAIN = ("vectors of categories", "numbers")
# One machine stands for several: with the instruction sets of older processors, and without oneDNN's kernels.
PROCESSORS = {
    "SSE": {"TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
    "AVX": {"ONEDNN_MAX_CPU_ISA": "AVX", "XLA_FLAGS": "--xla_cpu_max_isa=AVX"},
}


def predictors() -> dict[str, tuple[Any, np.ndarray, np.ndarray]]:
    """Return unfitted estimators of every kind of network, each with its rows and its target."""
    pipeline = Pipeline([("scaler", StandardScaler()), ("network", KerasClassifier(**SETTINGS))])
    return {
        "labels": (KerasClassifier(**SETTINGS, activation="gelu"), NUMBERS, LABELS),
        "two labels, normalised": (KerasClassifier(**SETTINGS, batch_norm=True), NUMBERS, LABELS > 1),
        "vectors of categories": (KerasClassifier(**SETTINGS, categorical_features=[COLUMNS - 1]), CODES, LABELS),
        "thinned by dropout": (KerasClassifier(**SETTINGS, dropout=0.3, mc_dropout=3), NUMBERS, LABELS),
        "numbers": (KerasRegressor(**SETTINGS, activation="tanh"), NUMBERS, TARGET),
        "a cross-fit": (CrossFitClassifier(pipeline, cv=2, random_state=0), NUMBERS, LABELS),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", predictors())
def test_the_rows_beside_a_row_do_not_matter(kind: str) -> None:
    estimator, X, y = predictors()[kind]
    estimator.fit(X, y)
    predict = estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.predict
    whole = predict(X)
    order = RNG.permutation(ROWS)
    np.testing.assert_allclose(predict(X[order]), whole[order], rtol=1e-9)
    for size in (1, 2, 3, 5, 8, 17, 64, 129, 299):
        start = int(RNG.integers(ROWS - size + 1))
        rows = slice(start, start + size)
        np.testing.assert_allclose(predict(X[rows]), whole[rows], rtol=1e-9)
        # Behind as many rows of other values.
        other = np.concatenate([3 * X[:size] - 1 if kind != "vectors of categories" else X[:size], X[rows]])
        np.testing.assert_allclose(predict(other)[size:], whole[rows], rtol=1e-9)
    if kind in ("labels", "numbers"):
        np.testing.assert_allclose(predict(csr_matrix(X[:20])), whole[:20], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("processor", PROCESSORS)
def test_nor_do_they_on_another_processor(processor: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += [f"{__file__}::{test_the_rows_beside_a_row_do_not_matter.__name__}[{kind}]" for kind in AGAIN]
    environment = {**os.environ, **PROCESSORS[processor]}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(AGAIN)} passed" in ended.stdout

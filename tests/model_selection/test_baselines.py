"""Simple models on the matrices of the folds, and on matrices that are encoded again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import KerasRegressor
from tabular_dl.model_selection import baselines
from tabular_dl.model_selection.crossfit import CrossFitRegressor
from tabular_dl.preprocessing import DerivedFeatures, build_preprocessing
from tabular_dl.problems import get_metric

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.normal(size=60), "city": RNG.choice(list("pqrs"), 60)})
Y = (2 * X["a"] + (X["city"] == "p") + 0.1 * RNG.normal(size=60)).to_numpy()
RULES = [
    {"columns": ["a", "b", "c"], "scale": "standard"},
    {"columns": ["city"], "encode": "target", "scale": "standard"},
    {"columns": ["city"], "encode": "onehot"},
]
SPLITS = list(KFold(3).split(X))
RMSE = get_metric("rmse")


def fitted() -> tuple[CrossFitRegressor, list[Sequence[np.ndarray]]]:
    steps = [
        ("features", DerivedFeatures({"c": {"eval": "a * b"}})),
        ("preprocessing", build_preprocessing(RULES, classification=False, random_state=0)),
        ("network", KerasRegressor(hidden=[2], epochs=1, members=1)),
    ]
    encoded: list[Sequence[np.ndarray]] = []
    return CrossFitRegressor(Pipeline(steps), SPLITS, 0).fit(X, Y, on_encoded=encoded.append), encoded


def test_the_matrices_of_the_folds_serve_as_well_as_those_that_are_encoded_again() -> None:
    model, (matrices,) = fitted()
    assert [matrix.shape for matrix in matrices] == [(60, 8)] * 3
    models = {"mean": DummyRegressor(), "linear": LinearRegression()}
    again = baselines.baseline_scores(model, X, Y, models, RMSE)
    found = baselines.baseline_scores(model, X, Y, models, RMSE, matrices)
    assert found["mean"].tolist() == again["mean"].tolist()
    np.testing.assert_allclose(found["linear"], again["linear"], rtol=1e-6)
    expected = []
    for matrix, (train, test) in zip(matrices, SPLITS, strict=True):
        linear = LinearRegression().fit(matrix[train].astype(float), Y[train])
        expected.append(np.sqrt(np.mean((linear.predict(matrix[test].astype(float)) - Y[test]) ** 2)))
    np.testing.assert_allclose(found["linear"], expected, rtol=1e-9)


def test_a_fitted_model_keeps_no_matrix() -> None:
    model, (matrices,) = fitted()
    kept = [value for value in vars(model).values() if isinstance(value, list)]
    assert not any(part is matrix for value in kept for part in value for matrix in matrices)
    assert vars(model).keys() == vars(CrossFitRegressor(model.pipeline, SPLITS, 0).fit(X, Y)).keys()


def test_the_mean_needs_no_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = fitted()
    monkeypatch.setattr(baselines, "fold_matrix", None)
    found = baselines.baseline_scores(model, X, Y, {"mean": DummyRegressor()}, RMSE)["mean"]
    assert found.tolist() == [np.sqrt(np.mean((Y[test] - Y[train].mean()) ** 2)) for train, test in SPLITS]
    assert baselines.baseline_scores(model, X, Y, {}, RMSE) == {}


def test_more_cells_than_may_be_copied_are_fitted_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (matrices,) = fitted()
    models = {"linear": LinearRegression()}
    together = baselines.baseline_scores(model, X, Y, models, RMSE, matrices)["linear"]
    monkeypatch.setattr(baselines, "MOST_COPIED", 1)
    monkeypatch.setattr(baselines, "cores", lambda: 4)
    assert baselines.baseline_scores(model, X, Y, models, RMSE, matrices)["linear"].tolist() == together.tolist()

"""Meta models on one and two levels: what they are trained on, and that no fold has seen itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.blend_weights import optimal_weights
from tabular_dl.model_selection.blending import Blend
from tabular_dl.model_selection.meta_models import PENALTIES, RawColumns
from tabular_dl.problems.metrics import get_metric

pytestmark = pytest.mark.slow

ROWS = 60
FOLDS = np.array_split(np.random.default_rng(5).permutation(ROWS), 3)
RMSE, LOSS = get_metric("rmse"), get_metric("log_loss")


@pytest.fixture(autouse=True)
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "tabular_dl.model_selection.meta_models"
    monkeypatch.setattr(f"{path}.TREES", {"max_iter": 5, "max_leaf_nodes": 3, "min_samples_leaf": 5})
    monkeypatch.setattr(f"{path}.NETWORK", {"hidden": [3], "linear_skip": True, "epochs": 3, "learning_rate": 0.01})


def numbers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of three models, and the numbers they predict."""
    rng = np.random.default_rng(seed)
    y = rng.gamma(4.0, size=ROWS)
    return np.stack([y * (1 + 0.2 * k) + rng.normal(0, 1 + k, ROWS) for k in range(3)])[:, :, None], y


def labels(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of three models, and the labels 0 and 1 they predict."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, ROWS)
    p = 1 / (1 + np.exp(-rng.normal(2.0 * y - 1, 1.0, (3, ROWS))))
    return np.stack([1 - p, p], axis=2), y


def ridge(inputs: np.ndarray, y: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the predictions of scikit-learn's ridge on standardised predictions of some rows."""
    scaler = StandardScaler().fit(inputs[rows])
    model = RidgeCV(PENALTIES).fit(scaler.transform(inputs[rows]), y[rows])
    return model.predict(scaler.transform(inputs[wanted]))


def without(*folds: np.ndarray) -> np.ndarray:
    return np.setdiff1d(np.arange(ROWS), np.concatenate(folds))


def test_ridge_is_that_of_scikit_learn_on_the_rows_of_the_other_folds() -> None:
    predictions, y = numbers()
    blend = Blend("stack")
    nested = blend.fit_predict(predictions, y, FOLDS, RMSE, None)
    inputs = predictions[:, :, 0].T
    for fold in FOLDS:
        np.testing.assert_allclose(nested[fold, 0], ridge(inputs, y, without(fold), fold))
    everything = np.arange(ROWS)
    np.testing.assert_allclose(blend.combine(predictions)[:, 0], ridge(inputs, y, everything, everything))
    sizes = np.abs(RidgeCV(PENALTIES).fit(StandardScaler().fit_transform(inputs), y).coef_)
    np.testing.assert_allclose(blend.weights_, sizes / sizes.sum())


def test_a_target_that_is_learned_by_its_logarithm_is_stacked_by_it() -> None:
    predictions, y = numbers()
    blend = Blend("stack", settings={"target_transform": "log1p", "bounds": (0.0, 5.0)})
    nested = blend.fit_predict(predictions, y, FOLDS, RMSE, None)
    inputs = np.log1p(np.maximum(predictions[:, :, 0].T, 0))
    for fold in FOLDS:
        expected = np.expm1(ridge(inputs, np.log1p(y), without(fold), fold))
        np.testing.assert_allclose(nested[fold, 0], np.clip(expected, 0, 5))
    assert nested.max() == 5


def test_logistic_reads_logits_and_weighs_classes_as_the_runs_do() -> None:
    predictions, y = labels()
    blend = Blend("stack", meta="logistic", settings={"class_weight": {0: 1.0, 1: 5.0}})
    nested = blend.fit_predict(predictions, y, FOLDS, LOSS, np.arange(2))
    logits = np.log(predictions[:, :, 1] / predictions[:, :, 0]).T
    for fold in FOLDS:
        rows = without(fold)
        weights = np.where(y[rows] == 1, 5.0, 1.0)
        model = LogisticRegression(max_iter=5000).fit(logits[rows], y[rows], weights)
        np.testing.assert_allclose(nested[fold], model.predict_proba(logits[fold]), atol=1e-3)


def test_raw_columns_are_encoded_by_the_training_rows_of_each_meta_model() -> None:
    predictions, y = numbers()
    X = pd.DataFrame({"a": np.random.default_rng(1).normal(size=ROWS), "b": y**2})
    raw = RawColumns(X, Pipeline([("scale", StandardScaler())]))
    blend = Blend("stack", passthrough=True)
    nested = blend.fit_predict(predictions, y, FOLDS, RMSE, None, raw)
    inputs = np.hstack([X.to_numpy(), predictions[:, :, 0].T])
    for fold in FOLDS:
        np.testing.assert_allclose(nested[fold, 0], ridge(inputs, y, without(fold), fold))
    everything = np.arange(ROWS)
    np.testing.assert_allclose(blend.combine(predictions, X)[:, 0], ridge(inputs, y, everything, everything))
    assert len(blend.weights_) == 3


def test_the_second_level_is_trained_on_what_the_first_predicts_of_rows_it_has_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tabular_dl.model_selection.stacking.BESIDE_LINEAR", ())
    predictions, y = numbers()
    weights, stacked = Blend("stack", levels=2), Blend("stack", levels=2, meta="ridge")
    by_weights, by_ridge = (blend.fit_predict(predictions, y, FOLDS, RMSE, None) for blend in (weights, stacked))
    inputs = predictions[:, :, 0].T
    for fold in FOLDS:
        rows, first = without(fold), np.zeros(ROWS)
        first[fold] = ridge(inputs, y, rows, fold)
        for other in FOLDS:
            if other is not fold:
                first[other] = ridge(inputs, y, without(fold, other), other)
        level = np.column_stack([inputs, first])
        np.testing.assert_allclose(by_ridge[fold, 0], ridge(level, y, rows, fold))
        best = optimal_weights(level[rows].T[:, :, None], y[rows], None)
        np.testing.assert_allclose(by_weights[fold, 0], level[fold] @ best)
    assert list(weights.level_weights_) == ["ridge"]
    assert weights.weights_.sum() + weights.level_weights_["ridge"] == pytest.approx(1)
    everything = np.arange(ROWS)
    level = np.column_stack([inputs, ridge(inputs, y, everything, everything)])
    shares = [*weights.weights_, weights.level_weights_["ridge"]]
    np.testing.assert_allclose(weights.combine(predictions)[:, 0], level @ shares)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("options", [{"meta": "hist_gradient_boosting"}, {"meta": "network"}, {"levels": 2}])
def test_targets_of_a_fold_do_not_change_its_predictions(options: dict[str, Any], kind: str) -> None:
    predictions, y = labels() if kind == "classes" else numbers()
    metric, classes = (LOSS, np.arange(2)) if kind == "classes" else (RMSE, None)
    # The targets are in the columns as well, as their mean of a category, and so would leak through them.
    X = pd.DataFrame({"place": np.where(np.arange(ROWS) % 2 == 0, "a", "b")})
    target_type = "continuous" if classes is None else "binary"
    raw = RawColumns(X, Pipeline([("mean", TargetEncoder(target_type=target_type, cv=KFold(2)))]))
    fold = FOLDS[1]
    changed = y.copy()
    changed[fold] = 1 - y[fold] if kind == "classes" else 100 * y[fold]
    first, second = (
        Blend("stack", passthrough=True, **options).fit_predict(predictions, target, FOLDS, metric, classes, raw)
        for target in (y, changed)
    )
    np.testing.assert_allclose(first[fold], second[fold], rtol=1e-5)
    assert np.abs(first - second).max() > 1e-3  # of the other folds, which were trained on them
    if classes is not None:
        np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-6)


def test_boosted_trees_rise_in_each_prediction_and_have_no_weights() -> None:
    predictions, y = labels()
    blend = Blend("stack", meta="hist_gradient_boosting").fit(predictions, y, LOSS, np.arange(2))
    assert blend.weights_ is None
    for model in range(3):
        grid = np.repeat(predictions[:, :1], 50, axis=1)
        grid[model, :, 1] = np.linspace(0.01, 0.99, 50)
        grid[model, :, 0] = 1 - grid[model, :, 1]
        assert (np.diff(blend.combine(grid)[:, 1]) >= 0).all()


@pytest.mark.parametrize(
    ("kind", "options", "folds", "message"),
    [
        ("classes", {"meta": "ridge"}, FOLDS, "--meta ridge predicts numbers, .*write --meta logistic"),
        ("numbers", {"meta": "logistic"}, FOLDS, "--meta logistic predicts classes, .*write --meta ridge"),
        ("numbers", {"levels": 2}, FOLDS[:2], "--levels 2 needs runs of three folds or more, these have 2"),
    ],
)
def test_meta_models_that_do_not_suit_the_runs_are_refused(
    kind: str, options: dict[str, Any], folds: Any, message: str
) -> None:
    predictions, y = labels() if kind == "classes" else numbers()
    metric, classes = (LOSS, np.arange(2)) if kind == "classes" else (RMSE, None)
    with pytest.raises(SpecError, match=message):
        Blend("stack", **options).fit_predict(predictions, y, folds, metric, classes)


def test_missing_values_are_for_boosted_trees_alone() -> None:
    predictions, y = numbers()
    X = pd.DataFrame({"a": np.where(np.arange(ROWS) % 7 == 0, np.nan, 1.0)})
    raw = RawColumns(X, Pipeline([("as they are", "passthrough")]), missing=True)
    with pytest.raises(SpecError, match=r"--passthrough: .* missing values, which ridge does not read"):
        Blend("stack", passthrough=True).fit_predict(predictions, y, FOLDS, RMSE, None, raw)
    trees = Blend("stack", passthrough=True, meta="hist_gradient_boosting")
    assert np.isfinite(trees.fit_predict(predictions, y, FOLDS, RMSE, None, raw)).all()
    assert np.isfinite(trees.combine(predictions, X)).all()

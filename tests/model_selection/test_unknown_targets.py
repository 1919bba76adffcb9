"""Rows that lack some of several numbers: each target is learned from, and scored on, the rows that have it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import KerasRegressor, ModelRegressor
from tabular_dl.model_selection import (
    CrossFitRegressor,
    baseline_scores,
    check_known_targets,
    fold_scores,
    target_fold_scores,
)
from tabular_dl.model_selection.blend_weights import class_weights, optimal_weights
from tabular_dl.model_selection.folds import stratification
from tabular_dl.model_selection.importance import hardest_rows
from tabular_dl.problems import get_metric

RNG = np.random.default_rng(0)
ROWS = 90
X = pd.DataFrame(RNG.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
FULL = 5 + X.to_numpy() @ RNG.normal(size=(3, 2)) + 0.1 * RNG.normal(size=(ROWS, 2))
Y = np.where(RNG.random((ROWS, 2)) < [0.1, 0.5], np.nan, FULL)
Y[:, 0] = np.where(np.isnan(Y).all(axis=1), FULL[:, 0], Y[:, 0])  # each row has one of them
KNOWN, WEIGHTS = ~np.isnan(Y), RNG.integers(1, 4, ROWS).astype(float)
RMSE = get_metric("rmse")


def fitted(model: ModelRegressor | KerasRegressor, y: np.ndarray = Y, cv: object = 3) -> CrossFitRegressor:
    return CrossFitRegressor(Pipeline([("model", model)]), cv=cv, random_state=0).fit(X, y, sample_weight=WEIGHTS)


@pytest.fixture(scope="module")
def ridge() -> CrossFitRegressor:
    return fitted(ModelRegressor("ridge"))


def parts(model: CrossFitRegressor) -> list[tuple[int, np.ndarray, np.ndarray, int]]:
    """Return the known training and test rows of each fold and target."""
    folds = enumerate(zip(model.train_rows_, model.test_rows_, strict=True))
    return [(fold, train[KNOWN[train, j]], test[KNOWN[test, j]], j) for fold, (train, test) in folds for j in range(2)]


def test_another_model_is_trained_on_the_rows_that_have_its_target(ridge: CrossFitRegressor) -> None:
    table = X.to_numpy()
    for _, train, test, j in parts(ridge):
        own = Ridge().fit(table[train], Y[train, j], sample_weight=WEIGHTS[train])
        np.testing.assert_allclose(ridge.oof_predictions_[test, j], own.predict(table[test]))
    assert np.isfinite(ridge.oof_predictions_).all()  # rows without a value of a target are predicted as well


def test_scores_are_means_over_targets_of_the_rows_that_have_them(ridge: CrossFitRegressor) -> None:
    expected, r2 = np.zeros((3, 2)), np.zeros((3, 2))
    for fold, _, test, j in parts(ridge):
        truth, values, weights = Y[test, j], ridge.oof_predictions_[test, j], WEIGHTS[test]
        expected[fold, j] = root_mean_squared_error(truth, values, sample_weight=weights)
        r2[fold, j] = r2_score(truth, values, sample_weight=weights)
    np.testing.assert_allclose(target_fold_scores(ridge, Y, RMSE), expected)
    np.testing.assert_allclose(fold_scores(ridge, Y, RMSE), expected.mean(axis=1))
    np.testing.assert_allclose(fold_scores(ridge, Y, get_metric("r2")), r2.mean(axis=1))


def test_simple_models_learn_each_target_from_its_rows(ridge: CrossFitRegressor) -> None:
    scores = baseline_scores(ridge, X, Y, {"linear": LinearRegression()}, RMSE)["linear"]
    expected, table = np.zeros((3, 2)), StandardScaler().fit_transform(X)
    for fold, train, test, j in parts(ridge):
        own = LinearRegression().fit(table[train], Y[train, j], sample_weight=WEIGHTS[train])
        expected[fold, j] = root_mean_squared_error(Y[test, j], own.predict(table[test]), sample_weight=WEIGHTS[test])
    np.testing.assert_allclose(scores, expected.mean(axis=1))


def test_networks_standardise_and_predict_what_is_known() -> None:
    network = KerasRegressor(hidden=(), epochs=150, learning_rate=0.1, batch_size=64, members=1, early_stopping=None)
    model = fitted(network)
    for pipeline, train in zip(model.pipelines_, model.train_rows_, strict=True):
        for j in range(2):
            rows = train[KNOWN[train, j]]
            mean = np.average(Y[rows, j], weights=WEIGHTS[rows])
            assert pipeline[-1].target_mean_[j] == pytest.approx(mean)
    error = np.sqrt(np.mean((model.oof_predictions_ - FULL) ** 2, axis=0))
    assert (error < 0.2).all(), error  # also in rows whose values were unknown; the noise alone is 0.1
    assert np.isfinite(model.pipelines_[0][-1].curves_["loss"]).all()


def test_a_loss_of_the_user_cannot_leave_values_out() -> None:
    network = KerasRegressor(hidden=(), epochs=1, members=1, loss=lambda y, p: (y - p) ** 2)
    with pytest.raises(SpecError, match="loss: one of your own cannot leave out the missing values of targets"):
        fitted(network)


def test_a_row_without_any_target_is_refused() -> None:
    empty = Y.copy()
    empty[7] = np.nan
    with pytest.raises(ValueError, match="a row without any target, the first is 7"):
        fitted(ModelRegressor("ridge"), empty)


def test_folds_share_the_rows_that_lack_a_target() -> None:
    strata = stratification(Y, 3, classification=False)
    assert strata is not None
    assert all(len(np.unique(KNOWN[strata == label, 1])) == 1 for label in np.unique(strata))
    assert stratification(FULL, 3, classification=False) is None


def test_a_fold_that_lacks_a_target_is_named() -> None:
    y = np.where(np.arange(6)[:, np.newaxis] < [6, 2], 1.0, np.nan)
    splits = [(np.arange(2, 6), np.arange(2)), (np.arange(2), np.arange(2, 6))]
    with pytest.raises(DataError, match=r"Fold 1 of 2 would have no training row with a value of the target b"):
        check_known_targets(splits, y, ["a", "b"])
    with pytest.raises(DataError, match=r"Fold 1 of 1 .* no test row .* target number 2, which 2 of 6 rows have"):
        check_known_targets(splits[1:], y)
    check_known_targets(splits, y[:, :1].repeat(2, axis=1))


def test_weights_of_a_blend_are_learned_from_known_values() -> None:
    a, b = RNG.normal(size=(2, ROWS, 2))
    y = np.where(KNOWN, [0.3, 0.8] * a + [0.7, 0.2] * b, np.nan)
    weights = class_weights(np.stack([a, b]), y, None)
    np.testing.assert_allclose(weights, [[0.3, 0.8], [0.7, 0.2]], atol=1e-3)
    both = optimal_weights(np.stack([a, b]), np.where(KNOWN, 0.3 * a + 0.7 * b, np.nan), None, WEIGHTS)
    np.testing.assert_allclose(both, [0.3, 0.7], atol=1e-3)


def test_the_hardest_rows_are_those_of_known_values() -> None:
    y = np.array([[1.0, np.nan], [1.0, 2.0], [2.0, 3.0]])
    hardest = hardest_rows(y, np.array([[1.0, 9.0], [1.0, 2.5], [2.0, 3.0]]), None, 2)
    assert hardest["place"].tolist() == [1, 0]
    assert hardest["true"].tolist() == ["1, 2", "1, nan"]

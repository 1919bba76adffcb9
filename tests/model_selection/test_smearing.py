"""Smearing: the mean of a model of logarithms is corrected by the other folds, where that is better for them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import ModelRegressor
from tabular_dl.model_selection import CrossFitRegressor, fold_scores
from tabular_dl.problems import get_metric

RMSE = get_metric("rmse")
RNG = np.random.default_rng(0)
ROWS = 300
X = pd.DataFrame({"a": RNG.normal(size=ROWS)})
Y = np.expm1(5 + 0.3 * X["a"].to_numpy() + RNG.normal(scale=0.9, size=ROWS)).clip(0)


def fitted(y: np.ndarray = Y, transform: str | None = "log1p") -> CrossFitRegressor:
    model = ModelRegressor("ridge", target_transform=transform)
    return CrossFitRegressor(Pipeline([("model", model)]), cv=3, random_state=0).fit(X, y)


def ratio(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean((1 + y) / (1 + predicted)))


@pytest.fixture(scope="module")
def plain() -> CrossFitRegressor:
    return fitted()


@pytest.fixture(scope="module")
def corrected() -> CrossFitRegressor:
    return fitted().choose_smearing(Y, RMSE)


def test_each_fold_is_corrected_by_the_ratio_of_the_other_folds(
    plain: CrossFitRegressor, corrected: CrossFitRegressor
) -> None:
    oof = plain.oof_predictions_
    for fold, test in enumerate(plain.test_rows_):
        others = np.setdiff1d(np.arange(ROWS), test)
        factor = ratio(Y[others], oof[others])
        assert factor > 1.2, "the mean of a lognormal number is above its median"
        np.testing.assert_allclose(corrected.oof_predictions_[test], (1 + oof[test]) * factor - 1)
        np.testing.assert_allclose(corrected.predict_fold(fold, X.iloc[test]), corrected.oof_predictions_[test])
    np.testing.assert_allclose(corrected.predict(X), (1 + plain.predict(X)) * ratio(Y, oof) - 1)


def test_the_score_is_better_and_both_are_told(plain: CrossFitRegressor, corrected: CrossFitRegressor) -> None:
    before, after = (fold_scores(model, Y, RMSE).mean() for model in (plain, corrected))
    assert after < before
    np.testing.assert_allclose(corrected.smearing_scores_, [before, after])


def test_the_target_of_a_fold_does_not_reach_its_own_correction(corrected: CrossFitRegressor) -> None:
    changed, test = Y.copy(), corrected.test_rows_[2]
    changed[test] *= 100
    other = fitted()
    other.choose_smearing(changed, RMSE)
    assert other.fold_smearing_[2] == corrected.fold_smearing_[2]
    assert other.smearing_ != corrected.smearing_


def test_repeated_folds_are_corrected_by_the_others_of_their_repeat() -> None:
    model = ModelRegressor("ridge", target_transform="log1p")
    folds = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    repeated = CrossFitRegressor(Pipeline([("model", model)]), cv=folds, random_state=0).fit(X, Y)
    before, values = repeated.repeat_predictions_.copy(), repeated.predict(X)
    scores = fold_scores(repeated, Y, RMSE)
    repeated.choose_smearing(Y, RMSE)
    assert repeated.fold_smearing_.shape == (6,)
    for fold, test in enumerate(repeated.test_rows_):
        own, others = before[fold // 3], np.setdiff1d(np.arange(ROWS), test)
        expected = (1 + own[test]) * ratio(Y[others], own[others]) - 1
        np.testing.assert_allclose(repeated.repeat_predictions_[fold // 3, test], expected)
        np.testing.assert_allclose(repeated.predict_fold(fold, X.iloc[test]), expected)
    np.testing.assert_allclose(repeated.oof_predictions_, repeated.repeat_predictions_.mean(axis=0))
    factor = np.mean([ratio(Y, own) for own in before])
    np.testing.assert_allclose(repeated.predict(X), (1 + values) * factor - 1)
    np.testing.assert_allclose(repeated.smearing_scores_, [scores.mean(), fold_scores(repeated, Y, RMSE).mean()])
    assert repeated.smearing_scores_[1] < repeated.smearing_scores_[0]


def test_a_correction_that_is_worse_is_left_out() -> None:
    y = np.expm1(3 + X["a"].to_numpy().clip(-2, 2)).clip(0)
    y[::30] *= 0.01  # a few rows far below draw the logarithms down
    y[3] = 5e4  # one row far above draws the ratio of its fold up
    model = fitted(y)
    before = model.oof_predictions_
    model.choose_smearing(y, RMSE)
    assert model.smearing_scores_[1] > model.smearing_scores_[0]
    assert model.smearing_ == 1
    np.testing.assert_array_equal(model.predict(X), fitted(y).predict(X))
    assert before.shape == model.oof_predictions_.shape


@pytest.mark.parametrize(("transform", "metric"), [(None, "rmse"), ("log1p", "mae"), ("log1p", "rmsle")])
def test_nothing_is_corrected_without_a_logarithm_or_for_other_metrics(transform: str | None, metric: str) -> None:
    model = fitted(Y, transform)
    before = model.oof_predictions_
    assert model.choose_smearing(Y, get_metric(metric)).smearing_ is None
    np.testing.assert_array_equal(model.oof_predictions_, before)


def test_a_new_fit_forgets_the_correction(plain: CrossFitRegressor) -> None:
    again = fitted().choose_smearing(Y, RMSE).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), plain.predict(X))

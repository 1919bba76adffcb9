"""Cut points of a regression: chosen on the other folds for the score, on all folds for predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import ModelRegressor
from tabular_dl.model_selection import Blend, BlendedRegressor, CrossFitRegressor, ImportedRegressor, fold_scores
from tabular_dl.problems import apply_cut_points, best_cut_points, get_metric

KAPPA, RMSE = get_metric("qwk"), get_metric("rmse")
RNG = np.random.default_rng(0)
ROWS = 120
Y = RNG.integers(0, 4, ROWS)
X = pd.DataFrame({"a": Y + RNG.normal(scale=1.5, size=ROWS), "b": RNG.normal(size=ROWS)})
LABELS = np.arange(4)


@pytest.fixture(scope="module")
def crossfit() -> CrossFitRegressor:
    model = CrossFitRegressor(Pipeline([("model", ModelRegressor("ridge"))]), cv=3, random_state=0)
    return model.fit(X, Y).choose_cut_points(Y, KAPPA)


def test_each_fold_is_scored_with_the_cut_points_of_the_other_folds(crossfit: CrossFitRegressor) -> None:
    oof, expected = crossfit.oof_predictions_, []
    for test in crossfit.test_rows_:
        others = np.setdiff1d(np.arange(ROWS), test)
        cut_points = best_cut_points(Y[others], oof[others], LABELS, KAPPA)
        expected.append(KAPPA(Y[test], apply_cut_points(oof[test], cut_points, LABELS)))
    np.testing.assert_array_equal(fold_scores(crossfit, Y, KAPPA), expected)
    np.testing.assert_array_equal(crossfit.cut_points_, best_cut_points(Y, oof, LABELS, KAPPA))
    rounded = np.mean([KAPPA(Y[test], oof[test]) for test in crossfit.test_rows_])
    assert np.mean(expected) > rounded + 0.05, "predictions are shrunk, so that rounding leaves out the outer labels"


def test_labels_are_predicted_and_values_are_there_too(crossfit: CrossFitRegressor) -> None:
    values = crossfit.predict_values(X)
    np.testing.assert_allclose(values, np.mean([p.predict(X) for p in crossfit.pipelines_], axis=0))
    np.testing.assert_array_equal(crossfit.predict(X), apply_cut_points(values, crossfit.cut_points_, LABELS))
    assert crossfit.predict(X).dtype == Y.dtype


def test_the_labels_of_a_fold_do_not_reach_its_own_cut_points(crossfit: CrossFitRegressor) -> None:
    changed = Y.copy()
    test = crossfit.test_rows_[1]
    changed[test] = 3 - changed[test]
    before = crossfit.oof_cut_points_[test]
    other = ImportedRegressor("id").fit_predictions(np.arange(ROWS), crossfit.oof_predictions_, crossfit.test_rows_)
    other.choose_cut_points(changed, KAPPA)
    np.testing.assert_array_equal(other.oof_cut_points_[test], before)
    assert not np.array_equal(other.cut_points_, crossfit.cut_points_)


def test_predictions_without_information_have_no_score(crossfit: CrossFitRegressor) -> None:
    """Cut points that were chosen on the scored rows would find something in noise."""
    nested, planted = [], []
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(size=ROWS)
        model = ImportedRegressor("id").fit_predictions(np.arange(ROWS), noise, crossfit.test_rows_)
        model.choose_cut_points(Y, KAPPA)
        nested.append(fold_scores(model, Y, KAPPA).mean())
        labels = apply_cut_points(noise, model.cut_points_, LABELS)
        planted.append(np.mean([KAPPA(Y[test], labels[test]) for test in crossfit.test_rows_]))
    assert abs(np.mean(nested)) < 0.08
    assert np.mean(planted) > np.mean(nested) + 0.05


def test_a_blend_reads_values_and_chooses_cut_points_of_its_own(crossfit: CrossFitRegressor) -> None:
    blended = BlendedRegressor([crossfit, crossfit], Blend("mean")).fit_blend(Y, KAPPA)
    blended.choose_cut_points(Y, KAPPA)
    np.testing.assert_allclose(blended.oof_predictions_, crossfit.oof_predictions_)
    np.testing.assert_allclose(blended.cut_points_, crossfit.cut_points_)
    np.testing.assert_array_equal(blended.predict(X), crossfit.predict(X))


def test_a_metric_of_values_and_a_new_fit_have_no_cut_points(crossfit: CrossFitRegressor) -> None:
    model = CrossFitRegressor(Pipeline([("model", ModelRegressor("ridge"))]), cv=3, random_state=0).fit(X, Y)
    assert model.choose_cut_points(Y, KAPPA).cut_points_ is not None
    assert model.choose_cut_points(Y, RMSE).cut_points_ is None
    assert model.choose_cut_points(Y, KAPPA).fit(X, Y).cut_points_ is None
    np.testing.assert_array_equal(model.predict(X), model.predict_values(X))

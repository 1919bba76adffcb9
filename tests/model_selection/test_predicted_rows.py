"""By time, nothing that predicts a row has seen a later one: no model, no threshold, no weight of a blend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import ModelClassifier, ModelRegressor, RowTimes
from tabular_dl.model_selection.blended_models import BlendedClassifier, BlendedRegressor, nested_scores
from tabular_dl.model_selection.blending import METHODS, Blend
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.model_selection.folds import folds_by_time
from tabular_dl.model_selection.importance import permutation_importance
from tabular_dl.model_selection.imported_predictions import ImportedClassifier, ImportedRegressor
from tabular_dl.model_selection.predicted_rows import error_ratio, own_predictions, predicted_rows, scored_folds
from tabular_dl.model_selection.scoring import fold_scores
from tabular_dl.problems.metrics import get_metric

RNG = np.random.default_rng(0)
ROWS, FOLDS = 90, 4
TIME = RNG.permutation(np.repeat(np.arange(30), 3))
X = pd.DataFrame({"t": TIME / 30, "a": RNG.normal(size=ROWS)})
Y = 2.0 * X["t"].to_numpy() + X["a"].to_numpy() + RNG.normal(0, 0.3, ROWS)
LABELS = (np.median(Y) < Y).astype(int)
TIMES = RowTimes.of(TIME, 2)
SPLITS = folds_by_time(FOLDS, TIMES)
RMSE, F1, LOSS = get_metric("rmse"), get_metric("f1"), get_metric("log_loss")
EARLIEST = TIME[SPLITS[0][1]].min() > TIME


def regressor(cv: Any = FOLDS) -> CrossFitRegressor:
    return CrossFitRegressor(Pipeline([("model", ModelRegressor("ridge"))]), cv=cv, random_state=0)


def test_each_fold_is_predicted_from_the_rows_before_it_and_the_earliest_rows_by_none() -> None:
    model = regressor().fit(X, Y, TIMES)
    assert np.isnan(model.oof_predictions_).tolist() == EARLIEST.tolist()
    np.testing.assert_array_equal(predicted_rows(model), np.flatnonzero(~EARLIEST))
    for train, test in SPLITS:
        alone = ModelRegressor("ridge").fit(X.iloc[train], Y[train])
        np.testing.assert_allclose(model.oof_predictions_[test], alone.predict(X.iloc[test]))
    expected = [np.sqrt(np.mean((model.oof_predictions_[test] - Y[test]) ** 2)) for _, test in SPLITS]
    np.testing.assert_allclose(fold_scores(model, Y, RMSE), expected)
    # New rows follow all others: a model of all rows predicts them.
    np.testing.assert_allclose(model.predict(X), ModelRegressor("ridge").fit(X, Y).predict(X))
    assert error_ratio(model) == pytest.approx(np.mean([len(test) / len(train) for train, test in SPLITS]))
    importances = permutation_importance(model, X, Y, RMSE, ["a"])
    assert importances["importance"][0] > 0.2


@pytest.mark.parametrize("fold", range(FOLDS))
def test_later_targets_change_no_prediction_of_earlier_rows(fold: int) -> None:
    later = TIME[SPLITS[fold][1]].min() - 2 <= TIME  # those in the gap count as unknown, too
    changed = np.where(later, -50.0, Y)
    first, second = (regressor().fit(X, y, TIMES).oof_predictions_ for y in (Y, changed))
    same = TIME[SPLITS[fold][1]].max() + 1 > TIME
    np.testing.assert_array_equal(first[same], second[same])


def imported(y: np.ndarray, seed: int, splits: Any = None, classes: Any = None) -> Any:
    """Return predictions of all rows that some fold predicts, better or worse by seed."""
    values = y + np.random.default_rng(seed).normal(0, 0.2 + 0.3 * seed, ROWS)
    splits = splits or SPLITS
    predicted = np.unique(np.concatenate([test for _, test in splits]))
    values[np.setdiff1d(np.arange(ROWS), predicted)] = np.nan
    train, test = map(list, zip(*splits, strict=True))
    if classes is not None:
        p = 1 / (1 + np.exp(-(values - 0.5) * 3))
        model: Any = ImportedClassifier("Id")
        return model.fit_predictions(range(ROWS), np.stack([1 - p, p], 1), test, train_rows=train, classes=classes)
    return ImportedRegressor("Id").fit_predictions(range(ROWS), values, test, train_rows=train)


BLENDS = [*({"method": method} for method in METHODS), {"method": "stack", "levels": 2}]


@pytest.mark.parametrize("options", BLENDS, ids=[" ".join(map(str, options.values())) for options in BLENDS])
def test_a_blend_learns_from_earlier_folds_alone(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.model_selection.stacking.BESIDE_LINEAR", ("hist_gradient_boosting",))
    models = [imported(Y, seed) for seed in range(3)]
    changed = np.where(TIME[SPLITS[2][1]].min() - 2 <= TIME, -Y, Y)
    one, other = (BlendedRegressor(models, Blend(**options)).fit_blend(y, RMSE) for y in (Y, changed))
    assert np.isnan(one.oof_predictions_).tolist() == EARLIEST.tolist()
    known = np.concatenate([test for _, test in SPLITS[:3]])
    np.testing.assert_array_equal(one.oof_predictions_[known], other.oof_predictions_[known])
    if options["method"] not in ("mean", "rank"):
        assert not np.allclose(one.oof_predictions_[SPLITS[3][1]], other.oof_predictions_[SPLITS[3][1]])
    # Before the first fold there is nothing to learn weights from.
    first = SPLITS[0][1]
    np.testing.assert_allclose(
        one.oof_predictions_[first], np.mean([model.oof_predictions_[first] for model in models], axis=0)
    )
    np.testing.assert_array_equal(nested_scores(Blend(**options), models, Y, RMSE, None), fold_scores(one, Y, RMSE))


def test_runs_of_other_folds_by_time_are_blended_on_the_rows_that_all_predict() -> None:
    models = [regressor(cv).fit(X, Y, TIMES) for cv in (4, 2)]
    later = folds_by_time(2, TIMES)[0][1]
    blended = BlendedRegressor(models, Blend("weighted")).fit_blend(Y, RMSE)
    both = TIME[later].min() <= TIME
    assert np.isnan(blended.oof_predictions_).tolist() == (~both).tolist()
    scores = fold_scores(blended, Y, RMSE)
    assert len(scores) == len(blended.test_rows_) <= 4
    np.testing.assert_array_equal(nested_scores(Blend("weighted"), models, Y, RMSE, None, blended), scores)
    changed = BlendedRegressor(models, Blend("weighted")).fit_blend(
        np.where(TIME[blended.test_rows_[-1]].min() - 2 <= TIME, -Y, Y), RMSE
    )
    np.testing.assert_array_equal(changed.oof_predictions_[both], blended.oof_predictions_[both])
    # The second model's fold before the last of the first one has not seen its rows.
    last = len(blended.test_rows_) - 1
    rows = blended.test_rows_[last]
    expected = [models[0].predict_fold(3, X.iloc[rows]), models[1].predict_fold(1, X.iloc[rows])]
    assert not set(models[1].train_rows_[1]) & set(rows)
    combined = blended.blend_.combine(np.stack(expected)[..., None])[:, 0]
    np.testing.assert_allclose(blended.predict_fold(last, X.iloc[rows]), combined)


def test_a_threshold_is_chosen_on_earlier_folds_alone() -> None:
    model = imported(LABELS, 1, classes=np.array([0, 1]))
    model.choose_threshold("auto", LABELS, F1)
    before = model.oof_thresholds_.copy()
    assert (before[SPLITS[0][1]] == 0.5).all()
    assert (before[EARLIEST] == 0.5).all()
    later = TIME[SPLITS[2][1]].min() - 2 <= TIME
    model.choose_threshold("auto", np.where(later, 1 - LABELS, LABELS), F1)
    known = np.concatenate([test for _, test in SPLITS[:3]])
    np.testing.assert_array_equal(model.oof_thresholds_[known], before[known])
    assert (model.oof_thresholds_[SPLITS[3][1]] != before[SPLITS[3][1]]).all()


def test_classes_are_blended_by_time_as_numbers_are() -> None:
    models = [imported(LABELS, seed, classes=np.array([0, 1])) for seed in range(3)]
    blended = BlendedClassifier(models, Blend("weighted")).fit_blend(LABELS, LOSS)
    assert np.isnan(blended.oof_predictions_).any(axis=1).tolist() == EARLIEST.tolist()
    scored = scored_folds(blended)
    assert len(scored.sources[0]) == 0
    fold, source = SPLITS[3][1], scored.rows[scored.sources[3]]
    assert TIME[source].max() == TIME[fold].min() - 3
    alone = Blend("weighted").fit(
        np.stack([model.oof_predictions_[source] for model in models]), LABELS[source], LOSS, np.array([0, 1])
    )
    expected = alone.combine(np.stack([model.oof_predictions_[fold] for model in models]))
    np.testing.assert_allclose(blended.oof_predictions_[fold], expected)


# Repeated folds


REPEATED = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(X))


def test_repeated_folds_are_scored_each_by_its_own_predictions_and_averaged() -> None:
    model = regressor(REPEATED).fit(X, Y)
    apart = [regressor(REPEATED[:3]).fit(X, Y), regressor(REPEATED[3:]).fit(X, Y)]
    np.testing.assert_allclose(model.oof_predictions_, np.mean([own.oof_predictions_ for own in apart], axis=0))
    np.testing.assert_allclose(
        fold_scores(model, Y, RMSE), np.concatenate([fold_scores(own, Y, RMSE) for own in apart])
    )
    np.testing.assert_allclose(own_predictions(model, 4), apart[1].oof_predictions_[REPEATED[4][1]])
    assert error_ratio(model) == pytest.approx(1 / 2)
    assert error_ratio(apart[0]) is None
    np.testing.assert_allclose(model.predict(X), np.mean([own.predict(X) for own in apart], axis=0))


def test_repeated_folds_are_blended_repeat_by_repeat() -> None:
    models = [regressor(REPEATED).fit(X, Y), regressor(REPEATED).fit(X, Y + 1.0)]
    blended = BlendedRegressor(models, Blend("weighted")).fit_blend(Y, RMSE)
    assert len(fold_scores(blended, Y, RMSE)) == 6
    np.testing.assert_allclose(nested_scores(Blend("weighted"), models, Y, RMSE, None), fold_scores(blended, Y, RMSE))
    train, test = REPEATED[4]
    alone = Blend("weighted").fit(
        np.stack([model.repeat_predictions_[1][train] for model in models])[..., None], Y[train], RMSE, None
    )
    expected = alone.combine(np.stack([own_predictions(model, 4) for model in models])[..., None])[:, 0]
    np.testing.assert_allclose(blended.repeat_predictions_[1][test], expected)
    np.testing.assert_allclose(blended.oof_predictions_, blended.repeat_predictions_.mean(axis=0))


def test_folds_of_repeats_are_thresholded_once() -> None:
    pipeline = Pipeline([("model", ModelClassifier("logistic"))])
    model = CrossFitClassifier(pipeline, cv=REPEATED, random_state=0).fit(X, LABELS)
    model.choose_threshold("auto", LABELS, F1)
    assert model.oof_thresholds_.shape == (ROWS,)
    assert len(np.unique(model.oof_thresholds_)) <= 3
    assert len(fold_scores(model, LABELS, F1)) == 6

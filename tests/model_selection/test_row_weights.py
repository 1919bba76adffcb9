"""Weights of rows: a row of weight 2 is the row twice, weights of 1 are none, and a fold without weights is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError
from tabular_dl.estimators import ModelClassifier, ModelRegressor
from tabular_dl.model_selection import (
    Blend,
    BlendedRegressor,
    CrossFitClassifier,
    CrossFitRegressor,
    OutOfFold,
    baseline_scores,
    evaluate_models,
    fold_scores,
    nested_scores,
    permutation_importance,
)
from tabular_dl.problems import best_threshold, get_metric

RNG = np.random.default_rng(0)
ROWS = 40
WEIGHTS = RNG.integers(1, 4, ROWS).astype(float)
X = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.normal(size=ROWS)})
Y = X["a"].to_numpy() + RNG.normal(size=ROWS)
YES = (Y > 0.3).astype(int)
FOLDS = [np.arange(0, 20), np.arange(20, 40)]
SPLITS = [(FOLDS[1], FOLDS[0]), (FOLDS[0], FOLDS[1])]
REPEATED = np.repeat(np.arange(ROWS), WEIGHTS.astype(int))  # rows of the table in which heavy rows stand several times
RMSE, ACCURACY = get_metric("rmse"), get_metric("accuracy")


def fitted(kind: Any, model: Any, y: np.ndarray, weights: np.ndarray | None, rows: np.ndarray | None = None) -> Any:
    """Return a cross-fit of all rows in two halves, or of a table that has some rows several times."""
    chosen = np.arange(ROWS) if rows is None else rows
    halves = [np.flatnonzero(chosen < 20), np.flatnonzero(chosen >= 20)]
    cv = [(halves[1], halves[0]), (halves[0], halves[1])]
    crossfit = kind(Pipeline([("model", model)]), cv=cv, random_state=0)
    return crossfit.fit(X.iloc[chosen], y[chosen], sample_weight=weights)


@pytest.fixture(scope="module")
def weighted() -> CrossFitRegressor:
    return fitted(CrossFitRegressor, ModelRegressor("ridge"), Y, WEIGHTS)


@pytest.fixture(scope="module")
def repeated() -> CrossFitRegressor:
    return fitted(CrossFitRegressor, ModelRegressor("ridge"), Y, None, REPEATED)


def test_training_and_scores_are_those_of_a_table_that_has_heavy_rows_several_times(
    weighted: CrossFitRegressor, repeated: CrossFitRegressor
) -> None:
    np.testing.assert_allclose(weighted.oof_predictions_[REPEATED], repeated.oof_predictions_)
    np.testing.assert_allclose(fold_scores(weighted, Y, RMSE), fold_scores(repeated, Y[REPEATED], RMSE))
    unweighted = fitted(CrossFitRegressor, ModelRegressor("ridge"), Y, None)
    assert not np.allclose(unweighted.oof_predictions_, weighted.oof_predictions_)
    importance = permutation_importance(weighted, X, Y, RMSE, ["a"], repeats=1)["importance"][0]
    rows = np.arange(20)  # one permutation each, drawn as the function draws it
    rng = np.random.default_rng(0)
    by_hand = []
    for fold, test in enumerate(FOLDS):
        worse = X.iloc[test].assign(a=X["a"].to_numpy()[test][rng.permutation(rows)])
        predicted = [weighted.predict_fold(fold, table) for table in (X.iloc[test], worse)]
        before, after = (np.sqrt(np.average((Y[test] - p) ** 2, weights=WEIGHTS[test])) for p in predicted)
        by_hand.append(after - before)
    assert importance == pytest.approx(np.mean(by_hand))


def test_weights_of_1_change_nothing_by_one_bit() -> None:
    for kind, model, y in (
        (CrossFitRegressor, ModelRegressor("ridge"), Y),
        (CrossFitClassifier, ModelClassifier("hist_gradient_boosting", parameters={"max_iter": 3}), YES),
    ):
        ones, none = (fitted(kind, model, y, weights) for weights in (np.ones(ROWS), None))
        np.testing.assert_array_equal(ones.oof_predictions_, none.oof_predictions_)


def test_a_search_trains_and_scores_by_weights(weighted: CrossFitRegressor) -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("model", ModelRegressor("ridge"))])
    for weights in (WEIGHTS, None):
        (outcome,) = evaluate_models([pipeline], X, Y, SPLITS, RMSE, [0], sample_weight=weights)
        rows = np.ones(ROWS) if weights is None else weights
        expected = []
        for train, test in SPLITS:
            scaled = StandardScaler().fit(X.iloc[train])
            model = ModelRegressor("ridge").fit(scaled.transform(X.iloc[train]), Y[train], rows[train])
            errors = Y[test] - model.predict(scaled.transform(X.iloc[test]))
            expected.append(np.sqrt(np.average(errors**2, weights=rows[test])))
        np.testing.assert_allclose(outcome.scores, expected)


def test_simple_models_are_fitted_and_scored_by_weights(weighted: CrossFitRegressor) -> None:
    found = baseline_scores(weighted, X, Y, {"linear": LinearRegression()}, RMSE)["linear"]
    expected = []
    for train, test in SPLITS:
        model = LinearRegression().fit(X.iloc[train], Y[train], WEIGHTS[train])
        expected.append(np.sqrt(np.average((Y[test] - model.predict(X.iloc[test])) ** 2, weights=WEIGHTS[test])))
    np.testing.assert_allclose(found, expected)
    logged = fitted(CrossFitRegressor, ModelRegressor("ridge", target_transform="log1p"), np.exp(Y), WEIGHTS)
    found = baseline_scores(logged, X, np.exp(Y), {"linear": LinearRegression()}, RMSE)["linear"]
    (train, test), y = SPLITS[0], np.exp(Y)
    model = TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1)
    model.fit(X.iloc[train], y[train], sample_weight=WEIGHTS[train])
    assert found[0] == pytest.approx(RMSE(y[test], model.predict(X.iloc[test]), None, WEIGHTS[test]))


def test_a_threshold_is_that_of_the_rows_several_times() -> None:
    p = np.column_stack([1 - (k := 1 / (1 + np.exp(-X["a"].to_numpy()))), k])
    f1, classes = get_metric("f1"), np.arange(2)
    assert best_threshold(YES, p, classes, f1, WEIGHTS) == best_threshold(YES[REPEATED], p[REPEATED], classes, f1)
    crossfit = fitted(CrossFitClassifier, ModelClassifier("logistic"), YES, WEIGHTS)
    crossfit.choose_threshold("auto", YES, ACCURACY)
    oof = crossfit.oof_predictions_
    assert crossfit.threshold_ == best_threshold(YES, oof, classes, ACCURACY, WEIGHTS)
    assert crossfit.oof_thresholds_[0] == best_threshold(YES[20:], oof[20:], classes, ACCURACY, WEIGHTS[20:])


@pytest.mark.parametrize("method", ["weighted", "per_class", "stack"])
def test_a_blend_is_that_of_the_rows_several_times(method: str) -> None:
    noise = RNG.normal(size=(2, ROWS)) * [[0.5], [1.0]]
    for y, classes in ((Y, None), (YES, np.arange(2))):
        values = [Y + own if classes is None else 1 / (1 + np.exp(-3 * (Y + own))) for own in noise]
        predictions = np.stack([v[:, None] if classes is None else np.column_stack([1 - v, v]) for v in values])
        metric = RMSE if classes is None else ACCURACY
        once = Blend(method).fit(predictions, y, metric, classes, sample_weight=WEIGHTS)
        several = Blend(method).fit(predictions[:, REPEATED], y[REPEATED], metric, classes)
        if method == "stack":  # whose predictions are scaled without weights
            plain = Blend(method).fit(predictions, y, metric, classes)
            assert not np.allclose(once.combine(predictions), plain.combine(predictions))
        else:
            np.testing.assert_allclose(once.weights_, several.weights_, atol=1e-3)


def test_a_greedy_blend_and_its_nested_scores_use_weights(weighted: CrossFitRegressor) -> None:
    # Of two models the second is right where rows weigh much, and the first elsewhere.
    heavy = WEIGHTS == 3
    first, second = np.where(heavy, Y + 2, Y), np.where(heavy, Y, Y + 2)
    weights = np.where(heavy, 100.0, 1.0)
    shares = Blend("greedy").fit(np.stack([first, second])[..., None], Y, RMSE, None, sample_weight=weights).weights_
    assert shares is not None
    assert shares[1] > 0.9
    training = [np.setdiff1d(np.arange(len(Y)), rows) for rows in FOLDS]
    models = [OutOfFold(values, training, FOLDS, None, weights) for values in (first, second)]
    scores = nested_scores(Blend("mean"), models, Y, RMSE, None)
    expected = [np.sqrt(np.average(((first + second) / 2 - Y)[rows] ** 2, weights=weights[rows])) for rows in FOLDS]
    np.testing.assert_allclose(scores, expected)
    blended = BlendedRegressor([weighted, weighted], Blend("mean")).fit_blend(Y, RMSE)
    np.testing.assert_allclose(fold_scores(blended, Y, RMSE), fold_scores(weighted, Y, RMSE))


def test_a_fold_whose_rows_do_not_count_is_refused() -> None:
    for rows, purpose in ((FOLDS[0], "tested"), (FOLDS[1], "trained")):
        weights = WEIGHTS.copy()
        weights[rows] = 0
        with pytest.raises(DataError, match=rf"fold 1 of 2 is {purpose} on have zero weight \(20 rows\): give some"):
            fitted(CrossFitRegressor, ModelRegressor("ridge"), Y, weights)


@pytest.mark.parametrize("method", ["weighted", "per_class"])
@pytest.mark.parametrize("kind", ["numbers", "labels", "classes"])
def test_a_blend_of_several_targets_is_that_of_the_rows_several_times(method: str, kind: str) -> None:
    noise = np.random.default_rng(7).normal(size=(2, ROWS, 2)) * np.array([0.5, 1.0])[:, None, None]
    numbers = np.column_stack([Y, -Y + 0.3 * X["a"].to_numpy()])
    values = numbers + noise
    chance = 1 / (1 + np.exp(-3 * values))
    predictions, y, classes = {
        "numbers": (values, numbers, None),
        "labels": (chance, (numbers > 0).astype(int), np.arange(2)),
        "classes": (
            np.stack([1 - chance, chance], axis=-1).reshape(2, ROWS, 4),
            np.where(numbers > 0, "yes", "no"),
            [np.array(["no", "yes"])] * 2,
        ),
    }[kind]
    metric = RMSE if classes is None else ACCURACY
    once = Blend(method).fit(predictions, y, metric, classes, sample_weight=WEIGHTS)
    several = Blend(method).fit(predictions[:, REPEATED], y[REPEATED], metric, classes)
    np.testing.assert_allclose(once.weights_, several.weights_, atol=1e-3)

"""Configurations of a model score what a plain loop over the folds scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.estimators.population import derived_seed
from tabular_dl.model_selection import model_evaluation
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.model_selection.folds import make_folds
from tabular_dl.model_selection.model_evaluation import evaluate_models
from tabular_dl.model_selection.scoring import fold_scores
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.problems.metrics import get_metric

RNG = np.random.default_rng(0)
ROWS = 120
TABLE = pd.DataFrame({"kind": RNG.choice(list("abcd"), ROWS), "x": RNG.normal(size=ROWS), "z": RNG.normal(size=ROWS)})
TABLE.loc[::9, "z"] = np.nan
SCORE = TABLE["x"].to_numpy() * 2 + (TABLE["kind"] == "a").to_numpy() + RNG.normal(0, 0.5, ROWS)
LABELS = np.where(SCORE > 0.5, "yes", "no")
CLASSES = np.array(["no", "yes"])
SPLITS = list(StratifiedKFold(3, shuffle=True, random_state=0).split(TABLE, LABELS))
RULES = [
    {"columns": ["kind"], "encode": "native"},
    {"columns": ["x"], "scale": "standard"},
    {"columns": ["z"], "impute": "none"},
]
FEW: dict[str, Any] = {"num_leaves": 4, "min_child_samples": 5}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, "openmp"):
        yield


def lightgbm(rounds: int = 20, rate: float = 0.3, **settings: Any) -> Pipeline:
    parameters = {**FEW, "n_estimators": rounds, "learning_rate": rate}
    model = ModelClassifier("lightgbm", parameters=parameters, categorical_features=[0], **settings)
    return Pipeline([("columns", build_preprocessing(RULES)), ("model", model)])


def plain_loop(pipeline: Pipeline, y: np.ndarray, seed: int, metric: Any) -> list[float]:
    scores = []
    for fold, (train, test) in enumerate(SPLITS):
        alone = clone(pipeline).set_params(model__random_state=derived_seed(seed, fold))
        alone.fit(TABLE.iloc[train], y[train])
        classes = CLASSES if hasattr(alone, "classes_") else None
        predicted = alone.predict(TABLE.iloc[test]) if classes is None else alone.predict_proba(TABLE.iloc[test])
        scores.append(metric(y[test], predicted, classes))
    return scores


def test_scores_are_those_of_a_plain_loop_whatever_model_and_preprocessing() -> None:
    metric = get_metric("log_loss")
    configurations = [lightgbm(), lightgbm(rate=0.1), lightgbm(early_stopping=None)]
    outcomes = evaluate_models(configurations, TABLE, LABELS, SPLITS, metric, [1, 2, 3], classes=CLASSES)
    for configuration, seed, outcome in zip(configurations, [1, 2, 3], outcomes, strict=True):
        np.testing.assert_allclose(outcome.scores, plain_loop(configuration, LABELS, seed, metric), rtol=1e-12)
        assert outcome.parameters == round(outcome.epochs)
        assert 1 <= outcome.epochs <= 20
    assert outcomes[2].epochs == 20


def test_models_without_rounds_are_scored_once_and_each_by_its_own_preprocessing() -> None:
    metric = get_metric("rmse")
    pipelines = [
        Pipeline([("columns", build_preprocessing([{"columns": ["x"]}])), ("scale", scaler), ("model", model)])
        for scaler, model in (
            (StandardScaler(), ModelRegressor("knn", parameters={"n_neighbors": 3})),
            (MinMaxScaler(), ModelRegressor("knn", parameters={"n_neighbors": 9})),
        )
    ]
    stages: list[int] = []
    outcomes = evaluate_models(
        pipelines, TABLE, SCORE, SPLITS, metric, [0, 0], halving=True, on_epoch=lambda stage, _: stages.append(stage)
    )
    for pipeline, outcome in zip(pipelines, outcomes, strict=True):
        np.testing.assert_allclose(outcome.scores, plain_loop(pipeline, SCORE, 0, metric), rtol=1e-12)
        assert outcome.epochs == 0
    assert stages == []


def test_halving_ends_the_worse_half_and_grows_the_better_to_all_rounds() -> None:
    metric = get_metric("log_loss")
    rates = [0.2, 1e-4, 0.1, 1e-3]
    configurations = [lightgbm(16, rate, early_stopping=None) for rate in rates]
    growing: list[tuple[int, int]] = []
    outcomes = evaluate_models(
        configurations,
        TABLE,
        LABELS,
        SPLITS,
        metric,
        [1, 2, 3, 4],
        classes=CLASSES,
        halving=True,
        on_epoch=lambda stage, still: growing.append((stage, still)),
    )
    # A quarter of the rounds, half of them, all.
    epochs = [outcome.epochs for outcome in outcomes]
    assert sorted(epochs) == [4, 4, 8, 16]
    assert {epochs[1], epochs[3]} == {4}
    assert growing == [(1, 2), (2, 1)]
    for configuration, seed, outcome in zip(configurations, [1, 2, 3, 4], outcomes, strict=True):
        parameters = configuration[-1].parameters | {"n_estimators": int(outcome.epochs)}
        short = clone(configuration).set_params(model__parameters=parameters)
        np.testing.assert_allclose(outcome.scores, plain_loop(short, LABELS, seed, metric), rtol=1e-12)


def test_trees_that_have_stopped_early_are_not_grown_again_and_those_at_the_end_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The best round of the first stage may lie a little before its end: it has not stopped."""
    caps: list[int] = []

    def fit(models: Any, *_: Any, **__: Any) -> None:
        caps.append(models[0].parameters["n_estimators"])
        for model in models:
            # The first configuration is best after 3 rounds, the second two rounds before the end of each stage.
            own = models[0].parameters["learning_rate"]
            model.rounds_ = np.array([3 if own == 0.3 else caps[-1] - 2])

    monkeypatch.setattr(model_evaluation, "fit_models", fit)
    monkeypatch.setattr(model_evaluation, "_predict", lambda model, X: np.full((len(X), 2), 0.5))
    configurations = [lightgbm(40, rate, early_stopping=5) for rate in (0.3, 0.1)]
    monkeypatch.setattr(model_evaluation, "halve", lambda means, alive: np.zeros(2, bool))
    outcomes = evaluate_models(
        configurations, TABLE, LABELS, SPLITS, get_metric("log_loss"), [1, 2], classes=CLASSES, halving=True
    )
    assert caps == [10, 10, 20, 40]
    assert [outcome.epochs for outcome in outcomes] == [3, 38]


def test_rounds_by_another_name_are_shortened_too() -> None:
    model = ModelClassifier("catboost", parameters={"num_trees": 8, "depth": 2}, early_stopping=None)
    pipelines = [Pipeline([("scale", StandardScaler()), ("model", clone(model))]) for _ in range(2)]
    outcomes = evaluate_models(
        pipelines, TABLE[["x"]], LABELS, SPLITS, get_metric("log_loss"), [1, 2], classes=CLASSES, halving=True
    )
    assert sorted(outcome.epochs for outcome in outcomes) == [2, 8]


def test_a_configuration_that_the_library_refuses_has_no_score_and_disturbs_no_other() -> None:
    refused = lightgbm()
    refused.set_params(model__parameters={**FEW, "num_leaves": 1})
    metric = get_metric("log_loss")
    for halving in (False, True):
        outcomes = evaluate_models(
            [refused, lightgbm()], TABLE, LABELS, SPLITS, metric, [1, 2], classes=CLASSES, halving=halving
        )
        assert np.isnan(outcomes[0].scores).all()
        np.testing.assert_allclose(outcomes[1].scores, plain_loop(lightgbm(), LABELS, 2, metric), rtol=1e-12)


# Cross-fits


def test_a_cross_fit_of_trees_predicts_each_row_by_the_fold_that_has_not_seen_it() -> None:
    crossfit = CrossFitClassifier(lightgbm(members=2), cv=3, random_state=4).fit(TABLE, LABELS)
    assert crossfit.curves_ == {}
    assert crossfit.rounds_.shape == (6,)
    assert not crossfit.interrupted_
    means = []
    for fold, (train, test) in enumerate(zip(crossfit.train_rows_, crossfit.test_rows_, strict=True)):
        alone = clone(lightgbm(members=2)).set_params(model__random_state=derived_seed(4, fold))
        alone.fit(TABLE.iloc[train], LABELS[train])
        np.testing.assert_allclose(crossfit.oof_predictions_[test], alone.predict_proba(TABLE.iloc[test]), atol=1e-12)
        np.testing.assert_allclose(crossfit.predict_fold(fold, TABLE), alone.predict_proba(TABLE), atol=1e-12)
        means.append(alone.predict_proba(TABLE))
    np.testing.assert_allclose(crossfit.predict_proba(TABLE), np.mean(means, axis=0), atol=1e-12)
    expected = [np.mean(crossfit.predict(TABLE)[rows] == LABELS[rows]) for rows in crossfit.test_rows_]
    assert len(fold_scores(crossfit, LABELS, get_metric("accuracy"))) == len(expected)


@pytest.mark.parametrize("encode", ["native", "target"])
def test_nothing_of_a_folds_test_rows_reaches_its_model(encode: str) -> None:
    """Other targets, and other values of the features, of a fold's test rows leave its model as it is."""
    rules = [{**RULES[0], "encode": encode}, {**RULES[1]}, {**RULES[2]}]
    model = ModelRegressor(
        "lightgbm",
        parameters={**FEW, "n_estimators": 20},
        early_stopping=3,
        categorical_features=[0] if encode == "native" else None,
    )
    columns = build_preprocessing(rules, classification=False, random_state=0)
    pipeline = Pipeline([("columns", columns), ("model", model)])
    splits = make_folds(3, SCORE, None, stratified=False, seed=0)
    before = CrossFitRegressor(pipeline, cv=splits, random_state=0).fit(TABLE, SCORE)
    rows, (_, test) = TABLE.copy(), splits[1]
    rows.loc[test, "x"] *= 1000
    rows.loc[test, "kind"] = "unheard of"
    other = np.where(np.isin(np.arange(ROWS), test), -50.0, SCORE)
    after = CrossFitRegressor(pipeline, cv=splits, random_state=0).fit(rows, other)
    np.testing.assert_array_equal(after.predict_fold(1, TABLE), before.predict_fold(1, TABLE))
    assert not np.array_equal(after.predict_fold(0, TABLE), before.predict_fold(0, TABLE))

"""A last training on all rows: as long as the folds' on average, with no row held out, beside the folds."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.estimators import KerasRegressor, ModelRegressor, RowTimes, derived_seed
from tabular_dl.model_selection.crossfit import CrossFitRegressor

ROWS, FOLDS = 80, 2
SPLITS = list(KFold(FOLDS, shuffle=True, random_state=1).split(np.arange(ROWS)))
RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(ROWS, 2)), columns=["a", "b"])
Y = (X["a"] * X["b"] + RNG.normal(0, 0.3, ROWS)).to_numpy()
OTHERS = pd.DataFrame(RNG.normal(size=(30, 2)), columns=["a", "b"])
TREES: dict[str, Any] = {"parameters": {"max_iter": 60, "min_samples_leaf": 5}, "early_stopping": 3}
NETWORK: dict[str, Any] = {
    **{"hidden": [4], "epochs": 12, "learning_rate": 0.1, "members": 2, "batch_size": 8, "early_stopping": 1},
    "reduce_lr": 5,
}


def crossfit(model: Any, **settings: Any) -> CrossFitRegressor:
    steps = Pipeline([("scale", StandardScaler()), ("model", model)])
    return CrossFitRegressor(steps, **{"cv": SPLITS, "random_state": 0, "refit": True, **settings})


def last_seed(member: int, models: int = FOLDS) -> int:
    return derived_seed(derived_seed(0, models), member)


def test_boosted_trees_grow_the_mean_number_of_rounds_on_all_rows() -> None:
    model = crossfit(ModelRegressor(**TREES)).fit(X, Y)
    rounds = round(model.rounds_.mean())
    assert {*model.rounds_} != {60}
    trees = HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=rounds, min_samples_leaf=5, early_stopping=False, random_state=last_seed(0)
    )
    scaler = StandardScaler().fit(X)
    expected = trees.fit(scaler.transform(X), Y).predict(scaler.transform(OTHERS))
    np.testing.assert_allclose(model.final_pipeline_.predict(OTHERS), expected)
    folds = [pipeline.predict(OTHERS) for pipeline in model.pipelines_]
    np.testing.assert_allclose(model.predict(OTHERS), np.mean([*folds, expected], axis=0))
    plain = crossfit(ModelRegressor(**TREES), refit=False).fit(X, Y)
    np.testing.assert_array_equal(model.oof_predictions_, plain.oof_predictions_)


def test_networks_train_the_mean_number_of_epochs_on_all_rows() -> None:
    model = crossfit(KerasRegressor(**NETWORK)).fit(X, Y)
    epochs = round(model.best_epoch_.mean())
    assert 0 < epochs < 12
    alone = KerasRegressor(**{**NETWORK, "epochs": epochs, "early_stopping": None, "reduce_lr": None})
    alone.set_params(random_state=derived_seed(0, FOLDS)).fit(StandardScaler().fit_transform(X), Y)
    last = model.final_pipeline_[-1]
    assert last.best_epoch_.tolist() == [epochs, epochs]
    for name, weights in alone.weights_.items():
        np.testing.assert_allclose(last.weights_[name], weights, rtol=1e-4, atol=1e-5)


def test_schedules_are_those_of_all_epochs() -> None:
    model = crossfit(KerasRegressor(**{**NETWORK, "schedule": "cosine"})).fit(X, Y)
    last = model.final_pipeline_[-1]
    assert last.epochs == 12
    assert len(last.curves_["loss"]) == round(model.best_epoch_.mean())


def test_by_time_the_last_model_predicts_alone() -> None:
    times = RowTimes.of(np.arange(ROWS))
    model = crossfit(ModelRegressor("ridge"), cv=2).fit(X, Y, times)
    np.testing.assert_array_equal(model.predict(OTHERS), model.final_pipeline_.predict(OTHERS))
    assert len(model.fitted_pipelines) == 3


def test_pseudo_labels_of_the_last_training_are_those_of_the_folds() -> None:
    exact = {"name": "ridge", "parameters": {"alpha": 1e-9}}
    model = crossfit(ModelRegressor(**exact), pseudo_labels={"share": 1.0, "rounds": 1}).fit(X, Y, unlabeled=OTHERS)
    labels = np.mean([pipeline.predict(OTHERS) for pipeline in model.pipelines_], axis=0)
    rows, y = pd.concat([X, OTHERS]).to_numpy(), np.concatenate([Y, labels])
    solution = np.linalg.lstsq(np.column_stack([rows, np.ones(len(rows))]), y, rcond=None)[0]
    np.testing.assert_allclose(model.final_pipeline_.predict(OTHERS), OTHERS @ solution[:2] + solution[2], rtol=1e-5)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_no_further_training_begins_when_told_to_stop(kept: int) -> None:
    words: list[str] = []

    def goes_on(name: str) -> bool:
        words.append(name)
        return len(words) <= kept

    settings = {"pseudo_labels": {"share": 0.5, "rounds": 2}}
    model = crossfit(ModelRegressor("ridge"), **settings).fit(X, Y, unlabeled=OTHERS, on_training=goes_on)
    rounds = ["pseudo-labels, round 1 of 2", "pseudo-labels, round 2 of 2", "all rows"]
    assert words == rounds[: kept + 1]
    assert model.pseudo_rounds_ == kept
    assert model.final_pipeline_ is None


@pytest.mark.parametrize("training", [1, 2, 3])
def test_ctrl_c_keeps_the_last_whole_training(training: int, interruptible: None) -> None:
    del interruptible
    started: list[int] = []

    def on_epoch(epoch: int, *_: Any) -> None:
        if epoch == 1:
            started.append(epoch)
            if len(started) == training:
                os.kill(os.getpid(), signal.SIGINT)

    settings = {"pseudo_labels": {"share": 0.5, "rounds": 1}}
    model = crossfit(KerasRegressor(**{**NETWORK, "early_stopping": 3}), **settings)
    model.fit(X, Y, unlabeled=OTHERS, on_epoch=on_epoch)
    assert model.interrupted_ == (training == 1)
    assert model.pseudo_rounds_ == (training == 3)
    assert model.final_pipeline_ is None
    assert np.isfinite(model.predict(OTHERS)).all()

"""A configuration among many scores what it would alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.estimators.population import derived_seed
from tabular_dl.model_selection.evaluation import _Judge, evaluate
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.problems.metrics import get_metric

pytestmark = pytest.mark.slow

ROWS = 80
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)).astype("float32")
SCORE = X @ np.array([1.0, -2.0, 0.5]) + RNG.normal(size=ROWS)
Y = (SCORE > 0).astype(int)
SPLITS = list(StratifiedKFold(2, shuffle=True, random_state=0).split(X, Y))
TINY: dict[str, Any] = {"hidden": [4], "epochs": 8, "members": 1, "dropout": 0.2, "early_stopping": 5}


def pipeline(scaler: Any, **settings: Any) -> Pipeline:
    return Pipeline([("scale", scaler), ("network", KerasClassifier(**{**TINY, **settings}))])


def test_shapes_rates_and_preprocessing_may_vary_and_each_scores_what_it_would_alone() -> None:
    configurations = [
        pipeline(StandardScaler(), learning_rate=0.01),
        pipeline(MinMaxScaler(), learning_rate=0.02),
        pipeline(StandardScaler(), hidden=[6], l2=0.1),
        pipeline(StandardScaler(), learning_rate=0.03, dropout=0.0),
    ]
    metric, seeds = get_metric("log_loss"), [11, 12, 13, 14]
    outcomes = evaluate(configurations, X, Y, SPLITS, metric, seeds, classes=np.array([0, 1]))
    for configuration, seed, outcome in zip(configurations, seeds, outcomes, strict=True):
        for fold, (train, test) in enumerate(SPLITS):
            alone = clone(configuration).set_params(network__random_state=derived_seed(seed, fold))
            alone.fit(X[train], Y[train])
            expected = metric(Y[test], alone.predict_proba(X[test]), np.array([0, 1]))
            assert outcome.scores[fold] == pytest.approx(expected, abs=1e-4)
    assert [outcome.parameters for outcome in outcomes] == [21, 21, 31, 21]


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_networks_thinned_by_dropout_score_what_they_predict(kind: str) -> None:
    y, estimator, name = (Y, KerasClassifier, "log_loss") if kind == "classes" else (SCORE, KerasRegressor, "rmse")
    settings = {**TINY, "hidden": [8], "members": 2, "learning_rate": 0.05}
    models = [estimator(**{**settings, "dropout": rate, "mc_dropout": n}) for rate, n in [(0.9, 0), (0.9, 3), (0.2, 3)]]
    classes, metric = np.array([0, 1]) if kind == "classes" else None, get_metric(name)
    outcomes = evaluate(models, X, y, SPLITS, metric, [7, 7, 8], classes=classes)
    for model, seed, outcome in zip(models, [7, 7, 8], outcomes, strict=True):
        for fold, (train, test) in enumerate(SPLITS):
            alone = clone(model).set_params(random_state=derived_seed(seed, fold)).fit(X[train], y[train])
            predicted = alone.predict(X[test]) if classes is None else alone.predict_proba(X[test])
            assert outcome.scores[fold] == pytest.approx(metric(y[test], predicted, classes), abs=1e-4)
    assert outcomes[0].scores[0] != pytest.approx(outcomes[1].scores[0], abs=1e-3)


def test_target_encoded_training_rows_are_cross_fitted() -> None:
    table = pd.DataFrame({"a": RNG.integers(0, 30, ROWS), "x": X[:, 0]})
    rules = [{"columns": ["a"], "encode": "target"}, {"columns": ["x"]}]
    network = KerasClassifier(**{**TINY, "learning_rate": 0.1})
    model = Pipeline([("columns", build_preprocessing(rules, random_state=0)), ("network", network)])
    metric, classes = get_metric("log_loss"), np.array([0, 1])
    (outcome,) = evaluate([model], table, Y, SPLITS, metric, [5], classes=classes)
    for fold, (train, test) in enumerate(SPLITS):
        alone = clone(model).set_params(network__random_state=derived_seed(5, fold))
        expected = metric(Y[test], alone.fit(table.iloc[train], Y[train]).predict_proba(table.iloc[test]), classes)
        assert outcome.scores[fold] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("steps", [[], [("scale", MaxAbsScaler().set_output(transform="pandas"))]])
def test_categories_may_be_named(steps: list[Any]) -> None:
    table = pd.DataFrame({"x": X[:, 0], "kind": (RNG.integers(0, 2, ROWS)).astype(float)})
    networks = [KerasClassifier(**TINY, categorical_features=[column]) for column in ("kind", 1)]
    models = [Pipeline([*steps, ("network", network)]) for network in networks]
    metric = get_metric("log_loss")
    named, numbered = evaluate(models, table, Y, SPLITS, metric, [5, 5], classes=np.array([0, 1]))
    np.testing.assert_array_equal(named.scores, numbered.scores)


def test_a_sparse_table_scores_what_the_dense_one_does() -> None:
    model, metric, classes = pipeline(MaxAbsScaler()), get_metric("log_loss"), np.array([0, 1])
    found, expected = (evaluate([model], rows, Y, SPLITS, metric, [5], classes=classes) for rows in (csr_matrix(X), X))
    np.testing.assert_allclose(found[0].scores, expected[0].scores, rtol=1e-5)


def test_numbers_are_scored_in_their_own_units() -> None:
    model = KerasRegressor(**{**TINY, "epochs": 40, "learning_rate": 0.05})
    (outcome,) = evaluate([model], X, 1000 * SCORE, SPLITS, get_metric("rmse"), [3])
    for fold, (train, test) in enumerate(SPLITS):
        alone = clone(model).set_params(random_state=derived_seed(3, fold)).fit(X[train], 1000 * SCORE[train])
        error = np.sqrt(np.mean((alone.predict(X[test]) - 1000 * SCORE[test]) ** 2))
        assert outcome.scores[fold] == pytest.approx(error, rel=1e-3)


def test_the_worse_half_stops_early_the_better_train_to_the_end() -> None:
    rates = [0.02, 1e-7, 0.03, 1e-6]
    models = [KerasClassifier(**{**TINY, "early_stopping": 100, "learning_rate": rate}) for rate in rates]
    alive: list[int] = []
    outcomes = evaluate(
        models,
        X,
        Y,
        SPLITS,
        get_metric("accuracy"),
        [1, 2, 3, 4],
        classes=np.array([0, 1]),
        halving=True,
        on_epoch=lambda epoch, still: alive.append(still),
    )
    epochs = [outcome.epochs for outcome in outcomes]
    assert sorted(epochs) == [2, 2, 4, 8]
    assert max(epochs[1], epochs[3]) < max(epochs[0], epochs[2])
    assert alive == [4, 4, 2, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("patience", [1, None])
def test_a_fold_that_stopped_early_still_speaks_for_its_configuration(patience: int | None) -> None:
    networks = [KerasClassifier(epochs=8, members=1, early_stopping=patience)] * 4
    judge = _Judge(networks, folds=2, halving=True, on_epoch=None)
    nan = float("nan")
    # The first configuration's first fold stops after the first of the two epochs, with the best loss of all.
    assert judge(1, {"val_loss": np.array([0.1, 0.9, 0.6, 0.5])}, np.array([False, True, True, True])) is None
    stopped = judge(2, {"val_loss": np.array([nan, 0.9, 0.6, 0.7])}, np.array([False, True, True, True]))
    assert stopped is not None
    # Means by hand: (0.1 + 0.9) / 2 = 0.5, against (0.6 + 0.7) / 2 = 0.65, or with the best epochs (0.6 + 0.5) / 2.
    assert stopped.tolist() == [False, False, True, True]
    keeps_best = np.array([0.1, 0.9, 0.6, 0.5])
    np.testing.assert_array_equal(judge.losses, keeps_best if patience else [0.1, 0.9, 0.6, 0.7])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_configuration_that_diverges_has_no_score_and_disturbs_no_other() -> None:
    settings = {**TINY, "optimizer": "sgd", "hidden": [], "dropout": 0.0}
    models = [KerasRegressor(**settings, learning_rate=rate) for rate in (0.01, 1e30)]
    sound, diverged = evaluate(models, X, SCORE, SPLITS, get_metric("rmse"), [1, 2])
    assert np.isfinite(sound.scores).all()
    assert np.isnan(diverged.scores).all()

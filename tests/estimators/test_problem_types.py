"""Each type of problem end to end: what is inferred, what is predicted, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.problems.description import describe
from tabular_dl.problems.problem_types import PROBLEMS

pytestmark = pytest.mark.slow

ROWS = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)).astype("float32")
SCORE = X @ np.array([1.0, -2.0, 0.5])
LABELS = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.5]).astype(int)
SHARE = 1 / (1 + np.exp(-SCORE))
QUICK: dict[str, Any] = {
    "hidden": [16],
    "epochs": 60,
    "members": 2,
    "dropout": 0.0,
    "learning_rate": 0.02,
    "random_state": 0,
    "early_stopping": None,
}


def test_several_labels_at_once_have_a_probability_each() -> None:
    model = KerasClassifier(**QUICK).fit(X, LABELS)
    p = model.predict_proba(X)
    assert (model.problem_, p.shape, model.classes_.tolist()) == ("multilabel", (ROWS, 2), [0, 1])
    assert not np.allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), (p > 0.5).astype(int))
    assert np.mean(model.predict(X) == LABELS) > 0.95
    assert model.score(X, LABELS) == np.mean((model.predict(X) == LABELS).all(axis=1))
    np.testing.assert_allclose(model.model_(X), p, atol=1e-5)


def test_several_targets_of_classes_have_probabilities_each() -> None:
    size = np.where(X[:, 0] > 0.5, "large", np.where(X[:, 0] < -0.5, "small", "middle"))
    y = np.column_stack([size, np.where(X[:, 1] > 0, "yes", "no")])
    model = KerasClassifier(problem="multioutput", monitor="log_loss", restore_best=True, **QUICK).fit(X, y)
    p = model.predict_proba(X)
    assert [labels.tolist() for labels in model.classes_] == [["large", "middle", "small"], ["no", "yes"]]
    np.testing.assert_allclose(p[:, :3].sum(axis=1), 1)
    np.testing.assert_allclose(p[:, 3:].sum(axis=1), 1)
    assert np.mean(model.predict(X) == y) > 0.9
    np.testing.assert_allclose(model.model_(X), p, atol=1e-5)


def test_several_numbers_at_once_are_each_in_their_own_units() -> None:
    y = np.column_stack([SCORE, 1000 * X[:, 0] + 5000])
    model = KerasRegressor(**QUICK).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert r2_score(y, model.predict(X), multioutput="raw_values").min() > 0.9
    np.testing.assert_allclose(model.target_mean_, y.mean(axis=0))
    np.testing.assert_allclose(model.target_scale_, y.std(axis=0))


@pytest.mark.parametrize("loss", [None, "binary_crossentropy"])
def test_a_number_between_bounds_stays_between_them(loss: str | None) -> None:
    y = 10 + 90 * SHARE
    model = KerasRegressor(**QUICK, bounds=(10, 100), loss=loss).fit(X, y)
    assert model.problem_ == "bounded_regression"
    far = model.predict(50 * X)
    assert far.min() >= 10
    assert far.max() <= 100
    assert model.score(X, y) > 0.9
    assert KerasRegressor(**QUICK, problem="bounded_regression").fit(X, SHARE).predict(50 * X).max() <= 1


def test_a_number_out_of_its_bounds_is_refused() -> None:
    with pytest.raises(DataError, match=r"outside the bounds 0.0 and 1.0"):
        KerasRegressor(**QUICK, problem="bounded_regression").fit(X, 3 * SHARE)


def test_one_hot_targets_and_class_numbers_are_trained_alike() -> None:
    y = np.digitize(SCORE, [-1.0, 1.0])
    sparse, one_hot = (KerasClassifier(**QUICK, loss=loss).fit(X, y) for loss in (None, "categorical_crossentropy"))
    np.testing.assert_allclose(sparse.predict_proba(X), one_hot.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(sparse.curves_["accuracy"], one_hot.curves_["accuracy"], atol=1e-6)


def test_two_classes_named_multiclass_make_two_units() -> None:
    model = KerasClassifier(**QUICK, problem="multiclass").fit(X, SCORE > 0)
    assert model.network_["outputs"] == 2
    assert model.score(X, SCORE > 0) > 0.9


def test_sigmoids_may_stand_for_a_softmax() -> None:
    y = np.digitize(SCORE, [-1.0, 1.0])
    model = KerasClassifier(**QUICK, output="sigmoid").fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.asarray(model.model_(X)), model.predict_proba(X), atol=1e-5)
    assert model.score(X, y) > 0.85


@pytest.mark.parametrize("loss", ["binary_focal_crossentropy", "mse", "huber"])
def test_other_losses_learn_too(loss: str) -> None:
    assert KerasClassifier(**QUICK, loss=loss).fit(X, SCORE > 0).score(X, SCORE > 0) > 0.9


def test_focal_losses_take_labels_of_text_and_their_settings() -> None:
    y = np.array(["few", "many", "more"])[np.digitize(SCORE, [-1.0, 1.0])]
    settings = {**QUICK, "loss": "categorical_focal_crossentropy"}
    model = KerasClassifier(**settings, focal_gamma=1.0).fit(X, y)
    assert model.score(X, y) > 0.85
    p = model.predict_proba(X)
    other = KerasClassifier(**settings, focal_gamma=4.0).fit(X, y).predict_proba(X)
    assert other.max(axis=1).mean() < p.max(axis=1).mean() - 0.02  # rows that are predicted well count less


def test_alpha_moves_predictions_to_the_second_class() -> None:
    shares = [
        KerasClassifier(**QUICK, loss="binary_focal_crossentropy", focal_alpha=alpha).fit(X, SCORE > 0).predict(X)
        for alpha in (0.1, 0.9)
    ]
    assert shares[0].mean() < shares[1].mean()


def test_metrics_that_are_followed_are_named_by_the_user() -> None:
    model = KerasRegressor(**QUICK, metrics=["mse", "mean_absolute_error"]).fit(X, 10 * SCORE)
    assert set(model.curves_) == {"loss", "mse", "mae"}
    np.testing.assert_allclose(model.curves_["mse"], model.curves_["loss"] * model.target_scale_[0] ** 2, rtol=1e-4)


@pytest.mark.parametrize(
    ("estimator", "settings", "y", "message"),
    [
        (
            KerasClassifier,
            {"output": "softmax"},
            SCORE > 0,
            "output: binary has one unit, and softmax over one unit is",
        ),
        (KerasClassifier, {"output": "linear"}, SCORE > 0, "linear returns any number, which does not fit one of two"),
        (KerasClassifier, {"output": "sofmax"}, SCORE > 0, "no output activation 'sofmax'. Did you mean 'softmax'"),
        (
            KerasRegressor,
            {"loss": "categorical_crossentropy"},
            SCORE,
            "it cannot train a regression problem with output",
        ),
        (KerasRegressor, {"loss": "hubber"}, SCORE, "loss: there is no 'hubber'. Did you mean 'huber'"),
        (KerasRegressor, {"metrics": ["accuracy"]}, SCORE, "metrics: 'accuracy' cannot be followed row by row"),
        (KerasRegressor, {"problem": "binary"}, SCORE, "problem: binary is not for KerasRegressor: use KerasCl"),
        (
            KerasClassifier,
            {"problem": "regression"},
            SCORE > 0,
            "regression is not for KerasClassifier: use KerasR",
        ),
        (KerasClassifier, {"problem": "binary"}, np.digitize(SCORE, [-1, 1]), "problem: binary needs two classes"),
        (KerasClassifier, {"problem": "multilabel"}, SCORE > 0, "multilabel does not fit a target of one column"),
        (KerasClassifier, {"class_weight": {"x": 2}}, SCORE > 0, "class_weight: there is no class 'x'"),
        (
            KerasClassifier,
            {"class_weight": {False: -1.0}},
            SCORE > 0,
            "a number from 0 on for the class False, found -1",
        ),
        (KerasClassifier, {"class_weight": {True: "2"}}, SCORE > 0, "a number from 0 on for the class True, found '2'"),
        (
            KerasClassifier,
            {"bounds": [0, 1]},
            SCORE > 0,
            "bounds: [0, 1] are for a bounded_regression, the problem is b",
        ),
        (
            KerasRegressor,
            {"bounds": [0, 1], "problem": "regression"},
            SCORE,
            "the problem is regression. Remove bounds",
        ),
        (KerasClassifier, {"class_weight": "balanced"}, LABELS, "class_weight: only single labels"),
        (
            KerasClassifier,
            {"label_smoothing": 0.1, "loss": "mse"},
            SCORE > 0,
            "no effect on the loss mean_squared_error",
        ),
        (
            KerasClassifier,
            {"label_smoothing": 0.1, "loss": "kl_divergence"},
            np.digitize(SCORE, [-1, 1]),
            "the losses sparse_categorical_crossentropy, categorical_crossentropy, categorical_focal_crossentropy.",
        ),
        (
            KerasRegressor,
            {"label_smoothing": 0.1},
            SCORE,
            "label_smoothing 0.1 is for classes, the problem is regressi",
        ),
        (
            KerasRegressor,
            {"label_smoothing": 0.1, "bounds": (-9, 9), "loss": "binary_crossentropy"},
            np.tanh(SCORE),
            "label_smoothing 0.1 is for classes, the problem is bounded_regression",
        ),
        (KerasClassifier, {"focal_gamma": 3.0}, SCORE > 0, "focal_gamma is for a focal loss; the loss is that of the"),
        (
            KerasClassifier,
            {"focal_alpha": 0.3, "loss": "categorical_focal_crossentropy"},
            np.digitize(SCORE, [-1, 1]),
            "Set loss to binary_focal_crossentropy, or focal_alpha to null.",
        ),
        (
            KerasClassifier,
            {"focal_alpha": 1.0, "loss": "binary_focal_crossentropy"},
            SCORE > 0,
            "focal_alpha should be",
        ),
        (KerasClassifier, {"monitor": "rmse", "early_stopping": 3}, SCORE > 0, "monitor: rmse cannot score a binary"),
    ],
)
def test_what_cannot_work_together_is_refused_with_the_reason(
    estimator: Any, settings: dict[str, Any], y: Any, message: str
) -> None:
    with pytest.raises(SpecError) as error:
        estimator(**{**QUICK, **settings}).fit(X, y)
    assert message in str(error.value)


def test_the_table_of_problems_can_be_printed() -> None:
    rows = describe()
    assert [row["problem"] for row in rows] == list(PROBLEMS)
    assert all(row[key] for row in rows for key in ("units", "output", "loss", "followed", "scored by", "target"))

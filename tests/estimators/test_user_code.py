"""Code of the user in classifiers and regressors: what it is given, and what it may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops
from sklearn.base import clone

from tabular_dl.errors import SpecError
from tabular_dl.estimators import KerasClassifier, KerasRegressor

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
NUMBER = 100.0 + 10.0 * X[:, 0]
CLASSES = np.array(["a", "b", "c"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
SETTINGS: dict[str, Any] = {"hidden": [4], "epochs": 2, "members": 2, "random_state": 0, "early_stopping": None}


def squared(y: Any, p: Any) -> Any:
    return ops.mean(ops.square(y - p), axis=-1)


def crossentropy(y: Any, p: Any) -> Any:
    return -ops.sum(y * ops.log(p), axis=-1)


def binary(y: Any, p: Any) -> Any:
    return -(y * ops.log(p) + (1.0 - y) * ops.log(1.0 - p))[:, 0]


@pytest.mark.parametrize(
    ("kind", "loss", "name", "y", "settings"),
    [
        (KerasRegressor, squared, "mean_squared_error", NUMBER, {}),
        (KerasRegressor, squared, "mean_squared_error", np.stack([NUMBER, X[:, 1]], axis=1), {}),
        (KerasRegressor, squared, "mean_squared_error", NUMBER, {"bounds": [0.0, 200.0]}),
        (KerasClassifier, crossentropy, "categorical_crossentropy", CLASSES, {}),
        (KerasClassifier, binary, "binary_crossentropy", CLASSES == "b", {"class_weight": "balanced"}),
        (KerasClassifier, squared, "mean_squared_error", np.eye(3, dtype=int)[(X[:, 0] > 0).astype(int)], {}),
    ],
)
def test_each_type_of_problem_gives_the_loss_what_keras_gives_its_own(
    kind: Any, loss: Any, name: str, y: Any, settings: dict[str, Any]
) -> None:
    by_user = kind(loss=loss, **SETTINGS, **settings).fit(X, y)
    by_keras = kind(loss=name, **SETTINGS, **settings).fit(X, y)
    predicted = [getattr(model, "predict_proba", model.predict)(X[:5]) for model in (by_user, by_keras)]
    np.testing.assert_allclose(*predicted, rtol=1e-4)
    assert sorted(by_user.curves_) == sorted(by_keras.curves_)
    for curve, values in by_keras.curves_.items():
        np.testing.assert_allclose(by_user.curves_[curve], values, rtol=1e-4)


def test_a_loss_is_a_parameter_like_others() -> None:
    model = KerasRegressor(loss=squared, **SETTINGS)
    assert clone(model).get_params()["loss"] is squared
    assert clone(model).fit(X, NUMBER).loss is squared
    assert KerasRegressor(loss=lambda y, p: ops.abs(y - p)[:, 0], **SETTINGS).fit(X, NUMBER).predict(X).shape == (40,)


@pytest.mark.parametrize("loss", [3, ["huber"], "huber:er"])
def test_what_is_neither_a_name_nor_a_function_is_refused(loss: Any) -> None:
    with pytest.raises(SpecError, match=r"^loss"):
        KerasRegressor(loss=loss, **SETTINGS).fit(X, NUMBER)


def test_settings_of_cross_entropies_do_not_apply() -> None:
    with pytest.raises(SpecError, match=r"label_smoothing 0\.1 has no effect on the loss .*:crossentropy"):
        KerasClassifier(loss=crossentropy, label_smoothing=0.1, **SETTINGS).fit(X, CLASSES)


def test_a_loss_is_tried_before_anything_is_trained() -> None:
    with pytest.raises(SpecError, match="returned a tensor of shape"):
        KerasRegressor(loss=lambda y, p: ops.mean(y - p), **SETTINGS).fit(X, NUMBER)


class Half:
    """Half as many units."""

    def weights(self, features: int) -> dict[str, Any]:
        return {"kernel": ((features, features // 2), "glorot_uniform")}

    def forward(self, x: Any, weights: dict[str, Any]) -> Any:
        return x @ weights["kernel"]


def test_blocks_and_activations_are_parameters_like_others() -> None:
    model = clone(KerasClassifier(blocks=[Half, ops.tanh], activation=ops.softsign, **SETTINGS)).fit(X, CLASSES)
    assert model.weights_["head.kernel"].shape == (2, 2, 3)
    np.testing.assert_allclose(model.model_(X), model.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"blocks": [Half], "hidden": []}, "blocks come after hidden layers"),
        ({"blocks": [Half], "mc_dropout": 2}, "mc_dropout is for networks without"),
        ({"blocks": Half}, "blocks should be a list"),
        ({"blocks": ["relu"]}, "blocks .*should be callable"),
        ({"blocks": [lambda x: x[:, 0]]}, "blocks: .* returned a tensor of shape"),
        ({"activation": lambda x: x[:, :1]}, "activation: .* returned 1 features for 4"),
        ({"activation": 3}, "activation: there is no 3"),
    ],
)
def test_code_that_networks_cannot_be_made_of_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(SpecError, match=reason):
        KerasRegressor(**SETTINGS | settings).fit(X, NUMBER)

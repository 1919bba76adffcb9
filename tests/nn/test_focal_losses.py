"""Focal losses, beside Keras's and formulas written out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.focal_losses import focal_loss
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import fit_population

LOGITS = np.random.default_rng(0).normal(0, 2, (2, 9, 3)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[np.random.default_rng(1).integers(0, 3, (2, 9))]


@pytest.mark.parametrize("settings", [{}, {"gamma": 0.0}, {"gamma": 0.7}, {"gamma": 3.0, "alpha": 0.8}])
def test_two_classes_have_the_values_of_the_formula(settings: dict[str, Any]) -> None:
    of_predictions, of_logits = focal_loss("binary_focal_crossentropy", settings)
    p = 1 / (1 + np.exp(-LOGITS.astype(float)))
    p_true = np.where(ONE_HOT == 1, p, 1 - p)
    expected = (1 - p_true) ** settings.get("gamma", 2.0) * -np.log(p_true)
    if "alpha" in settings:
        expected *= np.where(ONE_HOT == 1, settings["alpha"], 1 - settings["alpha"])
    np.testing.assert_allclose(of_logits(ONE_HOT, LOGITS), expected.mean(axis=-1), rtol=1e-4)
    np.testing.assert_allclose(of_predictions(ONE_HOT, p.astype("float32")), expected.mean(axis=-1), rtol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"gamma": 0.0}, {"gamma": 0.7}])
def test_several_classes_have_the_values_of_keras(settings: dict[str, Any]) -> None:
    of_predictions, of_logits = focal_loss("categorical_focal_crossentropy", settings)
    smooth = ONE_HOT * 0.9 + 0.1 / 3
    for y in (ONE_HOT, smooth):
        keras_values = keras.losses.categorical_focal_crossentropy(y, LOGITS, from_logits=True, **settings)
        np.testing.assert_allclose(of_logits(y, LOGITS), keras_values, rtol=1e-4)
        np.testing.assert_allclose(of_predictions(y, tf.nn.softmax(LOGITS)), keras_values, rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("name", ["binary_focal_crossentropy", "categorical_focal_crossentropy"])
def test_gradients_of_sure_predictions_are_finite_and_mend_wrong_ones(name: str, gamma: float) -> None:
    logits = tf.constant([[200.0, 0.0], [-200.0, 0.0]])
    y = tf.constant([[1.0, 0.0], [1.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = focal_loss(name, {"gamma": gamma})[1](y, logits)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] == pytest.approx(0, abs=1e-6)
    assert gradient[1, 0] < -0.2


def test_unknown_targets_are_left_out() -> None:
    X = LOGITS.reshape(-1, 3)
    y = (X > 0.5).astype("float32")
    network = Network(3, (), 3, output_activation="sigmoid")
    members = Members([1], [np.arange(len(X))], learning_rate=0.1)

    def heads(targets: np.ndarray, **changes: Any) -> np.ndarray:
        how = Training("binary_focal_crossentropy", (), epochs=5, batch_size=len(X), compile=False, **changes)
        return fit_population(network, X, targets, members, how).weights["head.kernel"][0]

    whole, masked = heads(y), y.copy()
    masked[:, 2] = np.nan
    known = heads(masked, unknown_targets=True)
    # Adam's steps do not depend on the scale of a loss, which is a mean of two targets instead of three.
    np.testing.assert_allclose(known[:, :2], whole[:, :2], rtol=1e-3)
    assert np.isfinite(known).all()
    assert not np.allclose(known[:, 2], whole[:, 2], rtol=0.1)


def test_gamma_changes_what_a_population_learns_and_0_is_the_cross_entropy() -> None:
    X = LOGITS.reshape(-1, 3)
    y = (X[:, :1] > 1).astype("float32")
    members = Members([1], [np.arange(len(X))], learning_rate=0.1)

    def head(loss: str, *settings: tuple[str, float]) -> np.ndarray:
        how = Training(loss, (), epochs=5, batch_size=len(X), compile=False, loss_settings=settings)
        return fit_population(Network(3, (), 1, output_activation="sigmoid"), X, y, members, how).weights["head.kernel"]

    plain, focal = head("binary_crossentropy"), head("binary_focal_crossentropy", ("gamma", 0.0))
    np.testing.assert_allclose(focal, plain, rtol=1e-4)
    assert not np.allclose(head("binary_focal_crossentropy"), plain, rtol=1e-2)

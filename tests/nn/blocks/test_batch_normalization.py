"""Batch normalisation keeps statistics of each member's own rows, as Keras's layer does for one network."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks import BatchNormalization, TrainingStep

NORM = BatchNormalization("norm_0", 3, momentum=0.9)
GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(2.0, 3.0, size=(2, 40, 3)).astype("float32")
WEIGHTS = {name: tf.constant(GENERATOR.uniform(0.5, 1.5, size=(2, 1, 3)).astype("float32")) for name in NORM.weights}


def step(counted: np.ndarray, live: list[bool]) -> TrainingStep:
    zeros = tf.zeros((2, 1, 1), tf.uint32)
    return TrainingStep(zeros, zeros, {}, tf.constant(counted), tf.constant(live)[:, None, None], None)


def layer(member: int) -> keras.layers.BatchNormalization:
    made = keras.layers.BatchNormalization(momentum=0.9)
    made.build((None, 3))
    made.set_weights([WEIGHTS[name][member, 0].numpy() for name in ("gamma", "beta", "mean", "variance")])
    return made


def test_training_and_prediction_are_keras_own_for_each_member() -> None:
    training = step(np.ones((2, 40, 1), "float32"), [True, True])
    trained, predicted = NORM.forward(ROWS, WEIGHTS, training), NORM.forward(ROWS, WEIGHTS)
    for member in range(2):
        plain = layer(member)
        np.testing.assert_allclose(predicted[member], plain(ROWS[member], training=False), atol=1e-5)
        np.testing.assert_allclose(trained[member], plain(ROWS[member], training=True), atol=1e-5)
        for name, variable in (("mean", plain.moving_mean), ("variance", plain.moving_variance)):
            np.testing.assert_allclose(training.updates[f"norm_0.{name}"][member, 0], variable, rtol=1e-5)


def test_rows_that_fill_up_a_batch_do_not_count() -> None:
    counted = np.ones((2, 40, 1), "float32")
    counted[0, 30:] = 0
    training = step(counted, [True, True])
    trained = NORM.forward(ROWS, WEIGHTS, training)
    np.testing.assert_allclose(trained[0, :30], layer(0)(ROWS[0, :30], training=True), atol=1e-5)


def test_a_member_that_has_stopped_keeps_its_averages() -> None:
    training = step(np.ones((2, 40, 1), "float32"), [False, True])
    NORM.forward(ROWS, WEIGHTS, training)
    for name in ("mean", "variance"):
        np.testing.assert_array_equal(training.updates[f"norm_0.{name}"][0], WEIGHTS[name][0])
        assert not np.allclose(training.updates[f"norm_0.{name}"][1], WEIGHTS[name][1])

"""Scaling, layer normalisation, additions, limits and their Keras layers, by hand and by Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.blocks import (
    Activation,
    Addition,
    Clamp,
    LayerNormalization,
    LinearPath,
    OwnInputs,
    Scaling,
    TrainingStep,
)
from tabular_dl.nn.blocks.keras_layer import BlockLayer, apply_as_layer

RNG = np.random.default_rng(6)
X = RNG.normal(size=(2, 5, 4)).astype("float32")


def test_layer_normalisation_is_keras_own() -> None:
    block, layer = LayerNormalization("norm", 4), keras.layers.LayerNormalization(epsilon=1e-3)
    layer.build((None, 4))
    gamma, beta = RNG.normal(size=(2, 2, 1, 4)).astype("float32")
    outputs = block.forward(tf.constant(X), {"gamma": tf.constant(gamma), "beta": tf.constant(beta)}).numpy()
    for member in range(2):
        layer.set_weights([gamma[member, 0], beta[member, 0]])
        np.testing.assert_allclose(outputs[member], layer(X[member]), atol=1e-5)


def test_a_parametric_activation_goes_from_the_function_to_nothing() -> None:
    strength = tf.constant([[[1.0, 0.0, 0.5, 2.0]], [[0.0, 0.0, 0.0, 0.0]]])
    outputs = Activation("activation", "relu", 4).forward(tf.constant(X), {"strength": strength}).numpy()
    relu = np.maximum(X, 0)
    np.testing.assert_allclose(outputs, X + strength.numpy() * (relu - X), atol=1e-6)
    np.testing.assert_allclose(outputs[0, :, 0], relu[0, :, 0])
    np.testing.assert_allclose(outputs[1], X[1])


def test_residual_connections_and_the_linear_path_add_what_was_before() -> None:
    earlier = RNG.normal(size=(2, 5, 3)).astype("float32")
    kernel = RNG.normal(size=(2, 3, 4)).astype("float32")
    assert (Addition("residual", "dense").forward((tf.constant(X), tf.constant(X)), {}).numpy() == 2 * X).all()
    path = LinearPath("linear", "inputs", (0, 3, 0), 1, 4)
    outputs = path.forward((tf.constant(X), tf.constant(earlier)), {"kernel": tf.constant(kernel)})
    np.testing.assert_allclose(outputs, X + np.einsum("pri,pio->pro", earlier, kernel), atol=1e-5)
    assert not np.any(path.draw("kernel", np.arange(3), [1]))


def test_members_have_factors_of_their_own_inputs() -> None:
    scaling = Scaling("scaling", (4, 3, 2), length=2)
    assert scaling.own_rows(OwnInputs(3, (5,), continuous=1))["factor"].tolist() == [0, 1, 4, 5, 7, 8]


def test_limits_hold_at_prediction_only() -> None:
    clamp = Clamp("clamp", 4)
    limits = {"low": tf.fill((2, 1, 4), -0.5), "high": tf.fill((2, 1, 4), 0.5)}
    training = TrainingStep(None, None, {}, None, None, None)
    np.testing.assert_array_equal(clamp.forward(tf.constant(X), limits, training), X)
    np.testing.assert_array_equal(clamp.forward(tf.constant(X), limits), np.clip(X, -0.5, 0.5))
    [low], [high] = (clamp.draw(name, np.arange(1), [0]) for name in ("low", "high"))
    assert low.max() < -1e38 < 1e38 < high.min()


def test_a_layer_of_a_block_is_stored_without_code() -> None:
    inputs = keras.Input((4,))
    output, variables = apply_as_layer(Scaling("scaling", (0, 4, 0)), inputs)
    variables["factor"].assign([[1.0], [2.0], [3.0], [4.0]])
    layer = keras.Model(inputs, output).layers[-1]
    copy = BlockLayer.from_config(layer.get_config())
    copy(X[0])
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(copy(X[0]), X[0] * [1, 2, 3, 4], rtol=1e-6)
    with pytest.raises(ValueError, match="There is no block 'System'"):
        BlockLayer("System", {"name": "x"})

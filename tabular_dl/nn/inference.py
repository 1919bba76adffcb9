"""Trained populations at work: one traced call to predict, plain Keras models for whoever wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.network import Network, StackedModel

__all__ = ["ensemble_model", "plain_model", "predict"]

# Rows that are predicted in one go: bounds the memory of the activations.
PREDICTION_ROWS = 8192


def predict(network: Network, weights: Sequence[np.ndarray], X: np.ndarray) -> np.ndarray:
    """Return every member's outputs for the same rows, by one traced call a block of rows.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them.
    X : ndarray of shape (rows, features)
        The feature matrix.

    Returns
    -------
    ndarray of shape (P, rows, units), float32
        After the output activation.
    """
    members = len(weights[0])
    forward = _forward(network, members)
    tensors = [tf.constant(weight) for weight in weights]
    blocks = [
        forward(*tensors, tf.constant(X[start : start + PREDICTION_ROWS], tf.float32)).numpy()
        for start in range(0, len(X), PREDICTION_ROWS)
    ]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((members, 0, network.outputs), "float32")


@lru_cache(maxsize=32)
def _forward(network: Network, members: int) -> Any:
    """Trace the forward pass once an architecture; the number of rows may vary."""
    model = StackedModel(network, members)
    activation = keras.activations.get(network.output_activation)
    learned = [id(variable) for variable in model.learned]

    def forward(*tensors: Any) -> Any:
        *weights, X = tensors
        given = dict(zip(learned, weights, strict=True))

        def values(variables: Sequence[Any]) -> list[Any]:
            return [given.get(id(variable), variable.value) for variable in variables]

        trainable, fixed = model.trainable_variables, model.non_trainable_variables
        outputs, _ = model.stateless_call(values(trainable), values(fixed), X[tf.newaxis])
        return activation(outputs)

    signature = [tf.TensorSpec(variable.shape, tf.float32) for variable in model.learned]
    rows = tf.TensorSpec((None, network.inputs), tf.float32)
    # The concrete function is kept, as a `tf.function` warns of retracing when five architectures have been seen.
    return tf.function(forward, autograph=False).get_concrete_function(*signature, rows)


def plain_model(network: Network, weights: Sequence[np.ndarray], member: int) -> keras.Model:
    """Return one member as a plain Keras model of standard layers, output activation included.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them.
    member : int
        Which member.

    Returns
    -------
    keras.Model
        Input (rows, features), output (rows, units); loads anywhere without this package.
    """
    layers: list[Any] = [keras.Input((network.inputs,))]
    for width in network.hidden:
        if network.batch_norm:
            normed = [keras.layers.BatchNormalization(), keras.layers.Activation(network.activation)]
            layers += [keras.layers.Dense(width, use_bias=False), *normed]
        else:
            layers.append(keras.layers.Dense(width, activation=network.activation))
    layers.append(keras.layers.Dense(network.outputs, activation=network.output_activation))
    model = keras.Sequential(layers)
    set_plain_weights(model, weights, member)
    return model


def set_plain_weights(model: keras.Model, weights: Sequence[np.ndarray], member: int) -> None:
    """Give a model of `plain_model` the weights of a member."""
    model.set_weights([w[member].reshape(v.shape) for w, v in zip(weights, model.weights, strict=True)])


def ensemble_model(network: Network, weights: Sequence[np.ndarray]) -> tuple[keras.Model, list[keras.Model]]:
    """Return all members as one plain Keras model whose output is their mean, and its members.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them.

    Returns
    -------
    model : keras.Model
        Input (rows, features), output (rows, units), averaged over the members.
    members : list of keras.Model
        The models that it is made of; they share its weights.
    """
    members = [plain_model(network, weights, k) for k in range(len(weights[0]))]
    inputs = keras.Input((network.inputs,))
    outputs = [member(inputs) for member in members]
    return keras.Model(inputs, keras.layers.Average()(outputs) if len(outputs) > 1 else outputs[0]), members

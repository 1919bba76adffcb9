"""Trained populations at work: one traced call to predict, plain Keras models for whoever wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import issparse

from tabular_dl.nn.layers import EPSILON
from tabular_dl.nn.network import Network

__all__ = ["ensemble_model", "plain_model", "plain_outputs", "predict", "set_plain_weights", "thinned"]

# Memory that the activations of the rows predicted in one go may take, and the most of such rows.
PREDICTION_BYTES = 2**28
PREDICTION_ROWS = 8192


def predict(network: Network, weights: Sequence[np.ndarray], X: Any) -> np.ndarray:
    """Return every member's outputs for the same rows, by one traced call a block of rows.

    The arithmetic is in float64. A product of float32 matrices rounds by their shapes, by a row's place in them and by
    the processor, so that a row's prediction would depend on the rows beside it by some 1e-7 of its value.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them.
    X : ndarray or CSR matrix of shape (rows, features)
        The feature matrix; a sparse one is made dense block by block.

    Returns
    -------
    ndarray of shape (P, rows, units), float64
        After the output activation.
    """
    members = len(weights[0])
    forward, size = _forward(network), rows_a_block(network, members)
    tensors = [tf.constant(weight, tf.float64) for weight in weights]
    blocks = [
        forward(tf.constant(_dense(X[start : start + size])), *tensors).numpy() for start in range(0, X.shape[0], size)
    ]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((members, 0, network.outputs))


def rows_a_block(network: Network, members: int) -> int:
    """Return how many rows to predict in one go, so that the activations of all members stay in bounds.

    Examples
    --------
    >>> network = Network(inputs=50, hidden=(256, 256), outputs=1)
    >>> rows_a_block(network, 4), rows_a_block(network, 120)
    (8192, 496)
    """
    floats = members * (network.inputs + network.embedded + sum(network.hidden) + network.outputs)
    return int(np.clip(PREDICTION_BYTES // (8 * floats), 1, PREDICTION_ROWS))


def _dense(rows: Any) -> np.ndarray:
    return (rows.toarray() if issparse(rows) else rows).astype(np.float64, copy=False)


def thinned(
    network: Network, weights: Sequence[np.ndarray], dropout: Any, input_dropout: float, samples: int, seed: int
) -> list[np.ndarray]:
    """Draw networks from a population by dropout: Monte Carlo dropout (Gal & Ghahramani, 2016, arXiv:1506.02142).

    A unit that is dropped is a row of zeros in the kernel behind it; the others are divided by the share that is kept.
    All rows of a table go through the same thinned networks, so a row's prediction does not depend on its neighbours.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them.
    dropout : float or sequence of float
        The rate of all hidden layers, or of each.
    input_dropout : float
        The rate of the inputs.
    samples : int
        How many networks to draw from each member.
    seed : int
        Fixes the draws.

    Returns
    -------
    list of ndarray of shape (P x samples, in, out)
    """
    rates = [input_dropout, *np.broadcast_to(dropout, len(network.hidden)).tolist()]
    stream = np.random.default_rng([seed, 4])
    many = [np.repeat(weight, samples, axis=0) for weight in weights]
    # A hidden layer has a kernel and a bias, or with batch normalisation a kernel and four more.
    each = 5 if network.batch_norm else 2
    for layer, rate in enumerate(rates):
        kernel = many[each * layer]
        kept = stream.random((len(kernel), kernel.shape[1], 1)) >= rate
        many[each * layer] = np.where(kept, kernel / np.float32(1 - rate), np.float32(0))
    return many


@lru_cache(maxsize=32)
def _forward(network: Network) -> Any:
    """Trace the forward pass once an architecture; the numbers of members and rows may vary."""
    signature: list[Any] = []
    for index, (rows, columns) in enumerate(network.shapes(network.numeric)):
        after = 4 if network.batch_norm and index < len(network.hidden) else 1
        signature += [(rows, columns), *[(1, columns)] * after]
    signature += network.embeddings
    weights = [tf.TensorSpec((None, *shape), tf.float64) for shape in signature]
    # The concrete function is kept, as a `tf.function` warns of retracing when five architectures have been seen.
    traced = tf.function(lambda X, *weights: _outputs(network, weights, X), autograph=False)
    return traced.get_concrete_function(tf.TensorSpec((None, network.inputs), tf.float64), *weights)


def _outputs(network: Network, weights: Sequence[Any], X: Any) -> Any:
    """Do what `StackedModel` does in prediction, and the output activation, without variables of its own.

    A model for each number of members, of which many are kept, would hold weights that nobody reads.
    """
    x, order = X[tf.newaxis], iter(weights)
    if network.embeddings:
        x = _looked_up(network, weights, X)
    activation = keras.activations.get(network.activation)
    for _ in network.hidden:
        x = tf.matmul(x, next(order))
        if network.batch_norm:
            gamma, beta, mean, variance = (next(order) for _ in range(4))
            scale = gamma * tf.math.rsqrt(variance + EPSILON)
            x = x * scale + (beta - mean * scale)
        else:
            x += next(order)
        x = activation(x)
    return keras.activations.get(network.output_activation)(tf.matmul(x, next(order)) + next(order))


def _looked_up(network: Network, weights: Sequence[Any], X: Any) -> Any:
    """Put the vectors of categories behind the numbers, (P, rows, features)."""
    codes = tf.cast(X[:, network.numeric :], tf.int32)
    tables = weights[-len(network.embeddings) :]
    vectors = [tf.gather(table, codes[:, index], axis=1) for index, table in enumerate(tables)]
    shape = (tf.shape(vectors[0])[0], tf.shape(X)[0], network.numeric)
    return tf.concat([tf.broadcast_to(X[tf.newaxis, :, : network.numeric], shape), *vectors], axis=2)


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
    inputs = keras.Input((network.inputs,))
    return keras.Model(inputs, plain_outputs(network, weights, member, inputs))


def plain_outputs(network: Network, weights: Sequence[np.ndarray], member: int, inputs: Any) -> Any:
    """Apply one member, as standard Keras layers, to a symbolic tensor (rows, inputs); return (rows, units)."""
    x = _embedded(network, inputs) if network.embeddings else inputs
    for width in network.hidden:
        if network.batch_norm:
            x = keras.layers.BatchNormalization()(keras.layers.Dense(width, use_bias=False)(x))
            x = keras.layers.Activation(network.activation)(x)
        else:
            x = keras.layers.Dense(width, activation=network.activation)(x)
    outputs = keras.layers.Dense(network.outputs, activation=network.output_activation)(x)
    set_plain_weights(keras.Model(inputs, outputs), weights, member)
    return outputs


def _embedded(network: Network, inputs: Any) -> Any:
    """Put the vectors of the categories, whose codes are the last inputs, behind the numbers."""
    parts = [inputs[:, : network.numeric]] if network.numeric else []
    for index, (categories, units) in enumerate(network.embeddings):
        layer = keras.layers.Embedding(categories, units)
        parts.append(layer(inputs[:, network.numeric + index]))
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def set_plain_weights(model: keras.Model, weights: Sequence[np.ndarray], member: int) -> None:
    """Give a model of `plain_model` the weights of a member."""
    tables = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    others = [layer for layer in model.layers if not isinstance(layer, keras.layers.Embedding)]
    variables = [variable for layer in (*others, *tables) for variable in layer.weights]
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(weight[member].reshape(variable.shape))


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
    inputs = keras.Input((network.inputs,))
    outputs = [plain_outputs(network, weights, k, inputs) for k in range(len(weights[0]))]
    mean = keras.layers.Average()(outputs) if len(outputs) > 1 else outputs[0]
    return keras.Model(inputs, mean), [keras.Model(inputs, own) for own in outputs]

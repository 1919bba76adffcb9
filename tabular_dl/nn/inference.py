"""Trained populations: predictions by one traced call, and members as plain Keras models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from tabular_dl.nn.network import Network, Weights, exported, forward

__all__ = ["EnsembleModel", "ensemble_model", "plain_model", "plain_outputs", "predict", "thinned"]

# Memory that the activations of the rows predicted in one go may take, and the most of such rows.
PREDICTION_BYTES = 2**28
PREDICTION_ROWS = 8192


def predict(network: Network, weights: Mapping[str, np.ndarray], X: np.ndarray | csr_matrix) -> np.ndarray:
    """Return every member's outputs for the same rows, by one traced call a block of rows.

    The arithmetic is in float64. A product of float32 matrices rounds by their shapes, by a row's place in them and by
    the processor, so that a row's prediction would depend on the rows beside it by some 1e-7 of its value.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`.
    X : ndarray or CSR matrix of shape (rows, features)
        The feature matrix; a sparse one is made dense block by block.

    Returns
    -------
    ndarray of shape (P, rows, units), float64
        After the output activation.
    """
    members = len(next(iter(weights.values())))
    outputs, size = _predictor(network), rows_a_block(network, members)
    tensors = [tf.constant(weights[name], tf.float64) for name in network.weights]
    blocks = [
        outputs(tf.constant(_dense(X[start : start + size])), *tensors).numpy() for start in range(0, X.shape[0], size)
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
    return int(np.clip(PREDICTION_BYTES // (8 * members * network.activations), 1, PREDICTION_ROWS))


def _dense(rows: np.ndarray | csr_matrix) -> np.ndarray:
    return (rows if isinstance(rows, np.ndarray) else rows.toarray()).astype(np.float64, copy=False)


def thinned(
    network: Network,
    weights: Mapping[str, np.ndarray],
    dropout: float | Sequence[float],
    input_dropout: float,
    samples: int,
    seed: int,
) -> Weights:
    """Draw networks from a population by dropout: Monte Carlo dropout (Gal & Ghahramani, 2016, arXiv:1506.02142).

    A unit that is dropped is a row of zeros in the kernel behind it; the others are divided by the share that is kept.
    All rows of a table go through the same thinned networks, so a row's prediction does not depend on its neighbours.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`.
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
    dict of str to ndarray of shape (P x samples, in, out)
    """
    rates = [input_dropout, *np.broadcast_to(dropout, len(network.hidden)).tolist()]
    stream = np.random.default_rng([seed, 4])
    many = {name: np.repeat(weight, samples, axis=0) for name, weight in weights.items()}
    for name, rate in zip(network.kernels, rates, strict=True):
        kernel = many[name]
        kept = stream.random((len(kernel), kernel.shape[1], 1)) >= rate
        many[name] = np.where(kept, kernel / np.float32(1 - rate), np.float32(0))
    return many


@lru_cache(maxsize=32)
def _predictor(network: Network) -> Any:
    """Trace the prediction pass once an architecture; the numbers of members and rows may vary.

    It has no variables of its own: a model for each number of members, of which many are kept, would hold weights that
    nobody reads.
    """

    def outputs(X: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        by_name = dict(zip(network.weights, weights, strict=True))
        return keras.activations.get(network.output_activation)(forward(network, by_name, X[tf.newaxis]))

    shapes = [(None, weight.inputs, weight.outputs) for weight in network.weights.values()]
    weights = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
    # The concrete function is kept, as a `tf.function` warns of retracing when five architectures have been seen.
    traced = tf.function(outputs, autograph=False)
    return traced.get_concrete_function(tf.TensorSpec((None, network.inputs), tf.float64), *weights)


def plain_model(network: Network, weights: Mapping[str, np.ndarray], member: int) -> keras.Model:
    """Return one member as a plain Keras model of standard layers, output activation included.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`.
    member : int
        Number of the member, from 0.

    Returns
    -------
    keras.Model
        Input (rows, features), output (rows, units); loads anywhere without this package.
    """
    inputs = keras.Input((network.inputs,))
    return keras.Model(inputs, plain_outputs(network, weights, member, inputs))


def plain_outputs(
    network: Network, weights: Mapping[str, np.ndarray], member: int, inputs: keras.KerasTensor
) -> keras.KerasTensor:
    """Apply one member, as standard Keras layers, to a symbolic tensor (rows, inputs); return (rows, units)."""
    outputs, variables = exported(network, inputs)
    assign(variables, weights, member)
    return outputs


def assign(variables: Mapping[str, keras.Variable], weights: Mapping[str, np.ndarray], member: int) -> None:
    """Give variables of an exported member the member's weights of the same names."""
    for name, variable in variables.items():
        variable.assign(weights[name][member].reshape(variable.shape))


@dataclass(frozen=True)
class EnsembleModel:
    """All members as one plain Keras model whose output is their mean, and its parts.

    Parameters
    ----------
    model : keras.Model
        Input (rows, features), output (rows, units), averaged over the members.
    members : list of keras.Model
        The models that it is made of; they share its weights.
    variables : list of dict of str to keras.Variable
        Each member's variables by name.
    """

    model: keras.Model
    members: list[keras.Model]
    variables: list[dict[str, keras.Variable]]

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Give all members their weights, each of shape (P, in, out)."""
        for member, variables in enumerate(self.variables):
            assign(variables, weights, member)


def ensemble_model(network: Network, weights: Mapping[str, np.ndarray]) -> EnsembleModel:
    """Return all members as one plain Keras model whose output is their mean.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`.
    """
    inputs = keras.Input((network.inputs,))
    size = len(next(iter(weights.values())))
    outputs, variables = zip(*(exported(network, inputs) for _ in range(size)), strict=True)
    mean = keras.layers.Average()(list(outputs)) if size > 1 else outputs[0]
    members = [keras.Model(inputs, own) for own in outputs]
    ensemble = EnsembleModel(keras.Model(inputs, mean), members, list(variables))
    ensemble.assign(weights)
    return ensemble

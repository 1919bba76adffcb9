"""Predictions of trained populations by one traced call, and members as plain Keras models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix

from tabular_dl.nn.devices import placed
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.passes import exported, forward, predictions

__all__ = ["EnsembleModel", "MatrixPredictor", "ensemble_model", "plain_model", "plain_outputs", "predict", "thinned"]

# Limits of a block of rows that is predicted by one call: memory of its activations, and number of rows.
PREDICTION_BYTES = 2**28
PREDICTION_ROWS = 8192


def predict(network: Network, weights: Mapping[str, np.ndarray], X: np.ndarray | csr_matrix) -> np.ndarray:
    """Return every member's outputs for the same rows, by one traced call per block of rows.

    Computations are in float64. The rounding of a product of float32 matrices depends on their shapes, on a row's
    position and on the processor, so a row's prediction would depend on the other rows, by about 1e-7 of its value.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    X : ndarray or CSR matrix of shape (rows, features)
        Feature matrix; blocks of a sparse matrix are made dense.

    Returns
    -------
    ndarray of shape (P, rows, units), float64
        Outputs after the output activation.
    """
    members = len(next(iter(weights.values())))
    outputs, size = _predictor(network), rows_a_block(network, members)
    tensors = _tensors(network, weights)
    with placed("cpu"):
        blocks = [
            outputs(tf.constant(_dense(X[start : start + size])[np.newaxis]), *tensors).numpy()
            for start in range(0, X.shape[0], size)
        ]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((members, 0, network.outputs))


class MatrixPredictor:
    """Prediction pass of networks that read different rows, prepared for many calls; computations are in float64.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    sizes : sequence of int
        Number of networks that read each matrix; their sum is P.
    """

    def __init__(self, network: Network, weights: Mapping[str, np.ndarray], sizes: Sequence[int]) -> None:
        self._outputs = _predictor(network)
        self._weights = _tensors(network, weights)
        self._sizes = list(sizes)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return every network's outputs, (P, rows, units).

        Parameters
        ----------
        X : ndarray of shape (matrices, rows, features)
            Matrices.
        """
        repeated = np.repeat(X, self._sizes, axis=0).astype(np.float64, copy=False)
        with placed("cpu"):
            return self._outputs(tf.constant(repeated), *self._weights).numpy()


def rows_a_block(network: Network, members: int) -> int:
    """Return the number of rows to predict by one call, so that the activations of all members fit into memory.

    Parameters
    ----------
    network : Network
        Architecture.
    members : int
        Number of members.

    Returns
    -------
    int
        Number of rows, at most 8192.

    Examples
    --------
    >>> network = Network(inputs=50, hidden=(256, 256), outputs=1)
    >>> rows_a_block(network, 4), rows_a_block(network, 120)
    (8192, 496)
    """
    return int(np.clip(PREDICTION_BYTES // (8 * members * network.activations), 1, PREDICTION_ROWS))


def _tensors(network: Network, weights: Mapping[str, np.ndarray]) -> list[tf.Tensor]:
    """Return weights as the arguments of `_predictor`."""
    with placed("cpu"):
        return [tf.constant(weights[name], tf.float64) for name in network.weights]


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

    Dropping a unit sets its row in the next kernel to zero; the other rows are divided by the share of units kept. All
    rows of a table pass through the same networks, so a row's prediction does not depend on other rows.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    dropout : float or sequence of float
        Dropout rate of all hidden layers, or of each.
    input_dropout : float
        Dropout rate of the inputs.
    samples : int
        Number of networks to draw from each member.
    seed : int
        Seed of the draws.

    Returns
    -------
    dict of str to ndarray of shape (P x samples, in, out)
        Weights of the networks, those of one member after those of another.
    """
    rates = [input_dropout, *np.broadcast_to(dropout, len(network.hidden)).tolist()]
    stream = np.random.default_rng([seed, 4])
    repeated = {name: np.repeat(weight, samples, axis=0) for name, weight in weights.items()}
    for name, rate in zip(network.kernels, rates, strict=True):
        kernel = repeated[name]
        kept = stream.random((len(kernel), kernel.shape[1], 1)) >= rate
        repeated[name] = np.where(kept, kernel / np.float32(1 - rate), np.float32(0))
    return repeated


@lru_cache(maxsize=32)
def _predictor(network: Network) -> Callable[..., tf.Tensor]:
    """Trace the prediction pass of an architecture, for any number of members and rows.

    Weights are arguments, not variables: many predictors are kept, and each would hold weights that are not used again.
    """

    def outputs(X: tf.Tensor, *weights: tf.Tensor) -> tf.Tensor:
        by_name = dict(zip(network.weights, weights, strict=True))
        return predictions(network, forward(network, by_name, X))

    shapes = [(None, weight.inputs, weight.outputs) for weight in network.weights.values()]
    weights = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
    # The concrete function is returned, as a `tf.function` warns of retracing after five architectures.
    traced = tf.function(outputs, autograph=False)
    with placed("cpu"):
        return traced.get_concrete_function(tf.TensorSpec((None, None, network.inputs), tf.float64), *weights)


def plain_model(network: Network, weights: Mapping[str, np.ndarray], member: int) -> keras.Model:
    """Return one member as a plain Keras model of standard layers, output activation included.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    member : int
        Number of the member, from 0.

    Returns
    -------
    keras.Model
        Model with input (rows, features) and output (rows, units); once saved, it loads without this package.
    """
    inputs = keras.Input((network.inputs,))
    return keras.Model(inputs, plain_outputs(network, weights, member, inputs))


def plain_outputs(
    network: Network, weights: Mapping[str, np.ndarray], member: int, inputs: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the outputs of one member, applied to a symbolic tensor as standard Keras layers.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    member : int
        Number of the member, from 0.
    inputs : KerasTensor of shape (rows, inputs)
        Inputs of the member.

    Returns
    -------
    KerasTensor of shape (rows, units)
        Outputs after the output activation.
    """
    outputs, variables = exported(network, inputs)
    assign(variables, weights, member)
    return outputs


def assign(variables: Mapping[str, keras.Variable], weights: Mapping[str, np.ndarray], member: int) -> None:
    """Assign a member's weights to the variables of the same names of its Keras layers."""
    for name, variable in variables.items():
        variable.assign(weights[name][member].reshape(variable.shape))


@dataclass(frozen=True)
class EnsembleModel:
    """Plain Keras model of all members, whose output is their mean, and the models of the members.

    Parameters
    ----------
    model : keras.Model
        Model with input (rows, features) and output (rows, units), averaged over the members.
    members : list of keras.Model
        Model of each member; they share the weights of ``model``.
    variables : list of dict of str to keras.Variable
        Variables of each member by name.
    """

    model: keras.Model
    members: list[keras.Model]
    variables: list[dict[str, keras.Variable]]

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Assign the members' weights, each of shape (P, in, out), to the models."""
        for member, variables in enumerate(self.variables):
            assign(variables, weights, member)


def ensemble_model(network: Network, weights: Mapping[str, np.ndarray]) -> EnsembleModel:
    """Return all members as one plain Keras model whose output is their mean.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.

    Returns
    -------
    EnsembleModel
        The model and its parts.
    """
    inputs = keras.Input((network.inputs,))
    size = len(next(iter(weights.values())))
    outputs, variables = zip(*(exported(network, inputs) for _ in range(size)), strict=True)
    mean = keras.layers.Average()(list(outputs)) if size > 1 else outputs[0]
    members = [keras.Model(inputs, output) for output in outputs]
    ensemble = EnsembleModel(keras.Model(inputs, mean), members, list(variables))
    ensemble.assign(weights)
    return ensemble

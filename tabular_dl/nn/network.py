"""What a network looks like: stacked for training, traced for prediction, plain for whoever wants one member.

    inputs -> (dense -> activation -> dropout) for each hidden width -> dense head -> output activation

The stacked model ends at the head: training takes the loss from there, where cross-entropies are exact, and
prediction applies the output activation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.layers import MemberDense, MemberDropout

__all__ = ["ACTIVATIONS", "Network", "StackedModel", "initial_weights", "plain_model", "predict"]

# Every activation that Keras knows by name, but `glu`, which halves the width, and `threshold`, which needs arguments.
ACTIVATIONS = frozenset(name for name in dir(keras.activations) if name[0].islower()) - {
    "deserialize",
    "get",
    "glu",
    "serialize",
    "threshold",
}

# Rows that are predicted in one go: bounds the memory of the activations.
PREDICTION_ROWS = 8192


@dataclass(frozen=True)
class Network:
    """The architecture that all members of a population share.

    Parameters
    ----------
    inputs : int
        Number of input features.
    hidden : tuple of int
        Widths of the hidden layers.
    outputs : int
        Number of output units.
    activation : str
        Keras's name of the hidden activation.
    output_activation : str
        Keras's name of the output activation.
    dropout : bool
        Whether hidden layers are followed by dropout; the rates belong to the members.

    Examples
    --------
    >>> Network(inputs=13, hidden=(64, 32), outputs=3).parameters
    3075
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str = "relu"
    output_activation: str = "linear"
    dropout: bool = False

    @property
    def parameters(self) -> int:
        """How many weights one member has."""
        return sum((a + 1) * b for a, b in self.shapes(self.inputs))

    def shapes(self, inputs: int) -> list[tuple[int, int]]:
        """Return the (in, out) of each dense layer, for a member with so many input features."""
        widths = (inputs, *self.hidden, self.outputs)
        return list(itertools.pairwise(widths))


class StackedModel(keras.Model):
    """P networks as one Keras model: input (P or 1, rows, features), output (P, rows, units) before activation.

    Parameters
    ----------
    network : Network
        The architecture.
    members : int
        P.
    """

    def __init__(self, network: Network, members: int) -> None:
        super().__init__()
        self.activation = keras.activations.get(network.activation)
        self.hidden = [MemberDense(members, width) for width in network.hidden]
        self.dropouts = [MemberDropout(members, index) for index in range(len(network.hidden) * network.dropout)]
        self.head = MemberDense(members, network.outputs)
        self.kernels = [*self.hidden, self.head]
        self(np.zeros((members, 1, network.inputs), "float32"), steps=tf.zeros((members, 1, 1), tf.uint32))

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Return the outputs before the output activation; ``steps`` (P, 1, 1) makes it a training pass."""
        x = inputs
        for index, dense in enumerate(self.hidden):
            x = self.activation(dense(x))
            if self.dropouts:
                x = self.dropouts[index](x, steps)
        return self.head(x)


def initial_weights(network: Network, seeds: Sequence[int], widths: Sequence[int]) -> list[np.ndarray]:
    """Draw each member's initial weights from its own seed.

    Hidden kernels are He-normal (He et al., 2015, arXiv:1502.01852), the head's Glorot-uniform (Glorot & Bengio,
    2010), biases zero. A member whose own matrix is narrower than the population's draws the kernel of its own width,
    and the rest is zero: those inputs are zero too, so the rows never change.

    Parameters
    ----------
    network : Network
        The architecture.
    seeds : sequence of int, length P
        The members' seeds.
    widths : sequence of int, length P
        How many input features each member really has.

    Returns
    -------
    list of ndarray of shape (P, in, out)
        Kernel and bias of each layer in turn.

    Examples
    --------
    >>> network = Network(inputs=3, hidden=(4,), outputs=1)
    >>> two, one = initial_weights(network, [7, 8], [3, 2]), initial_weights(network, [8], [2])
    >>> bool((two[0][1] == one[0][0]).all()), two[0][1, 2].tolist()
    (True, [0.0, 0.0, 0.0, 0.0])
    """
    stacked = []
    for layer, (rows, columns) in enumerate(network.shapes(network.inputs)):
        kernels = np.zeros((len(seeds), rows, columns), "float32")
        drawn: dict[tuple[int, int], np.ndarray] = {}
        for member, (seed, width) in enumerate(zip(seeds, widths, strict=True)):
            own = width if layer == 0 else rows
            if (seed, own) not in drawn:
                drawn[seed, own] = _draw(network, layer, (own, columns), seed)
            kernels[member, :own] = drawn[seed, own]
        stacked += [kernels, np.zeros((len(seeds), 1, columns), "float32")]
    return stacked


def _draw(network: Network, layer: int, shape: tuple[int, int], seed: int) -> np.ndarray:
    kind = keras.initializers.HeNormal if layer < len(network.hidden) else keras.initializers.GlorotUniform
    stream = int(np.random.SeedSequence([seed, layer]).generate_state(1)[0]) % 2**31
    return np.asarray(kind(seed=stream)(shape))


def predict(network: Network, weights: Sequence[np.ndarray], X: np.ndarray) -> np.ndarray:
    """Return every member's outputs for the same rows, by one traced call a block of rows.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        Kernel and bias of each layer in turn.
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
        forward(tensors, tf.constant(X[start : start + PREDICTION_ROWS], tf.float32)).numpy()
        for start in range(0, len(X), PREDICTION_ROWS)
    ]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((members, 0, network.outputs), "float32")


@lru_cache(maxsize=32)
def _forward(network: Network, members: int) -> Any:
    """Trace the forward pass once an architecture; the number of rows may vary."""
    model = StackedModel(network, members)
    activation = keras.activations.get(network.output_activation)
    fixed = [variable.value for variable in model.non_trainable_variables]
    signature = (
        [tf.TensorSpec(variable.shape, tf.float32) for variable in model.trainable_variables],
        tf.TensorSpec((None, network.inputs), tf.float32),
    )

    @tf.function(input_signature=signature, autograph=False)
    def forward(weights: Any, X: Any) -> Any:
        outputs, _ = model.stateless_call(weights, fixed, X[tf.newaxis])
        return activation(outputs)

    # The concrete function: a `tf.function` warns of retracing when five architectures have predicted.
    return forward.get_concrete_function()


def plain_model(network: Network, weights: Sequence[np.ndarray], member: int) -> keras.Model:
    """Return one member as a plain Keras model of standard layers, output activation included.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (P, in, out)
        Kernel and bias of each layer in turn.
    member : int
        Which member.

    Returns
    -------
    keras.Model
        Input (rows, features), output (rows, units); loads anywhere without this package.
    """
    layers = [keras.layers.Dense(width, activation=network.activation) for width in network.hidden]
    layers.append(keras.layers.Dense(network.outputs, activation=network.output_activation))
    model = keras.Sequential([keras.Input((network.inputs,)), *layers])
    model.set_weights([w[member, 0] if i % 2 else w[member] for i, w in enumerate(weights)])
    return model

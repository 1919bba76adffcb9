r"""What a network looks like, stacked for training.

    numbers -> (shift) -> (noise) \
                                   -> (dropout) -> [dense -> (batch normalisation) -> activation -> (dropout)] ...
    codes -> embedding             /                                                               -> dense head

The stacked model ends at the head: training takes the loss from there, where cross-entropies are exact, and prediction
applies the output activation (`tabular_dl.nn.inference`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.layers import MemberBatchNormalization, MemberDense, MemberEmbedding
from tabular_dl.nn.regularization_layers import MemberDropout, MemberNoise, MemberShift

__all__ = ["ACTIVATIONS", "INITIALIZERS", "Network", "StackedModel", "initial_weights"]

# Keras's activations by name, without those that take arguments or change the width.
ACTIVATIONS = frozenset(name for name in dir(keras.activations) if name[0].islower()) - {
    "deserialize",
    "get",
    "glu",
    "serialize",
    "threshold",
}

# Fewer kernels than this are drawn one by one: to trace a loop costs as much as some ten of them.
DRAWS_THAT_PAY_FOR_A_TRACE = 40
# Keras's initialisers by name that draw a kernel from its shape and a seed.
INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
)


@dataclass(frozen=True)
class Network:
    """The architecture that all members of a population share.

    Parameters
    ----------
    inputs : int
        Number of input features; the last ones are codes of categories, where there are embeddings.
    hidden : tuple of int
        Widths of the hidden layers.
    outputs : int
        Number of output units.
    activation, output_activation : str
        Keras's names of the hidden activation and of the output activation.
    initializer : str
        Keras's name of the hidden kernels' initialiser; the head's are Glorot-uniform, biases zero.
    batch_norm : bool
        Whether batch normalisation stands between a hidden layer and its activation.
    dropout, input_dropout, noise : bool
        Whether hidden layers are followed by dropout, inputs go through dropout, and numeric inputs get noise; the
        rates belong to the members.
    embeddings : tuple of (categories, units)
        For each column of codes how many there are, the unknown one (0) included, and the length of their vectors.
    shift : int
        By how many pixels images move at most in training, of all members; each has its own most.
    image_shape : (int, int)
        Height and width of the images that the numeric inputs are, where they may be shifted.

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
    initializer: str = "he_normal"
    batch_norm: bool = False
    dropout: bool = False
    input_dropout: bool = False
    noise: bool = False
    embeddings: tuple[tuple[int, int], ...] = ()
    shift: int = 0
    image_shape: tuple[int, int] = (0, 0)

    @property
    def parameters(self) -> int:
        """How many trainable weights one member has."""
        dense = sum((a + 1) * b for a, b in self.shapes(self.numeric)) + sum(self.hidden) * self.batch_norm
        return dense + sum(categories * units for categories, units in self.embeddings)

    @property
    def numeric(self) -> int:
        """How many inputs are numbers, not codes."""
        return self.inputs - len(self.embeddings)

    @property
    def embedded(self) -> int:
        """The length of all embeddings' vectors together."""
        return sum(units for _, units in self.embeddings)

    def shapes(self, numeric: int) -> list[tuple[int, int]]:
        """Return the (in, out) of each dense layer, for a member with so many numeric inputs."""
        return list(itertools.pairwise((numeric + self.embedded, *self.hidden, self.outputs)))


class StackedModel(keras.Model):
    """P networks as one Keras model: input (P or 1, rows, features), output (P, rows, units) before activation.

    Parameters
    ----------
    network : Network
        The architecture.
    members : int
        P.

    Attributes
    ----------
    dense : list of MemberDense
        The hidden layers, then the head.
    norms, dropouts : list of MemberBatchNormalization, list of MemberDropout
        One a hidden layer, or none.
    shift, noise : MemberShift or None, MemberNoise or None
        On the numeric inputs.
    embeddings, input_dropouts : list of MemberEmbedding, list of MemberDropout
        One a column of codes; one or none.
    """

    def __init__(self, network: Network, members: int) -> None:
        super().__init__()
        self.activation = keras.activations.get(network.activation)
        self.numeric = network.numeric
        self.shift = MemberShift(members, *network.image_shape, network.shift) if network.shift else None
        self.noise = MemberNoise(members) if network.noise else None
        self.embeddings = [MemberEmbedding(members, *size, index) for index, size in enumerate(network.embeddings)]
        # Hidden layers' dropout counts from 0.
        on_inputs = (members, len(network.hidden), network.embedded)
        self.input_dropouts = [MemberDropout(*on_inputs) for _ in range(network.input_dropout)]
        # Batch normalisation takes any bias before it away again: what Adam made of its gradient, which is rounding
        # alone, would differ from population to population.
        hidden = [MemberDense(members, width, use_bias=not network.batch_norm) for width in network.hidden]
        self.dense = [*hidden, MemberDense(members, network.outputs)]
        self.norms = [MemberBatchNormalization(members) for _ in network.hidden if network.batch_norm]
        self.dropouts = [MemberDropout(members, index) for index in range(len(network.hidden)) if network.dropout]
        steps, rows = tf.zeros((members, 1, 1), tf.uint32), tf.ones((members, 1, 1))
        self(np.zeros((members, 1, network.inputs), "float32"), steps=steps, counted=rows, live=rows > 0)

    @property
    def learned(self) -> list[Any]:
        """All that trained members consist of, in `initial_weights`' order: Variables of shape (P, in, out)."""
        tables = [embedding.table for embedding in self.embeddings]
        return [*_in_order([dense.weights for dense in self.dense], [norm.weights for norm in self.norms]), *tables]

    def call(self, inputs: Any, steps: Any = None, counted: Any = None, live: Any = None) -> Any:
        """Return the outputs before the output activation.

        Parameters
        ----------
        inputs : Tensor of shape (P or 1, rows, features)
            The rows.
        steps : Tensor of shape (P, 1, 1), uint32, or None
            How many updates each member has had: makes this a training pass.
        counted : Tensor of shape (P, rows, 1) or None
            1 for rows that count in batch statistics.
        live : Tensor of shape (P, 1, 1), bool, or None
            Whose moving averages may change.
        """
        x = inputs[:, :, : self.numeric] if self.embeddings else inputs
        if self.shift is not None:
            x = self.shift(x, steps)
        if self.noise is not None:
            x = self.noise(x, steps)
        if self.embeddings:
            x = self._embedded(inputs, x, steps)
        for dropout in self.input_dropouts:
            x = dropout(x, steps)
        for index, dense in enumerate(self.dense[:-1]):
            x = dense(x)
            if self.norms:
                x = self.norms[index](x, counted, live)
            x = self.activation(x)
            if self.dropouts:
                x = self.dropouts[index](x, steps)
        return self.dense[-1](x)

    def _embedded(self, inputs: Any, numbers: Any, steps: Any) -> Any:
        """Put the vectors of categories behind the numbers."""
        codes = [inputs[:, :, self.numeric + index :][:, :, :1] for index in range(len(self.embeddings))]
        vectors = [embedding(code, steps) for embedding, code in zip(self.embeddings, codes, strict=True)]
        members = tf.shape(vectors[0])[0]
        same = tf.broadcast_to(numbers, (members, tf.shape(numbers)[1], self.numeric))
        return tf.concat([same, *vectors], axis=2)


def _in_order(dense: Sequence[list[Any]], norms: Sequence[list[Any]]) -> list[Any]:
    """Put a network's parts in the order of `initial_weights`: each layer's dense, then its normalisation."""
    padded = [*norms, *([[]] * (len(dense) - len(norms)))]
    return [part for pair in zip(dense, padded, strict=True) for parts in pair for part in parts]


def initial_weights(
    network: Network, seeds: Sequence[int], widths: Sequence[int] | np.ndarray, categories: Any = None
) -> list[np.ndarray]:
    """Draw each member's initial weights from its own seed.

    A member whose own matrix is narrower than the population's draws the kernel of its own width, and the rest is zero:
    those inputs are zero too, so the rows never change.

    Parameters
    ----------
    network : Network
        The architecture.
    seeds : sequence of int, length P
        The members' seeds.
    widths : sequence of int, length P
        How many numeric inputs each member really has.
    categories : array of shape (P, embeddings), optional
        How many categories each embedding of a member really has; by default all.

    Returns
    -------
    list of ndarray of shape (P, in, out)
        For each layer kernel and bias; where batch normalisation follows, kernel, scale, offset, moving mean and
        moving variance. At the end the embeddings' tables, (P, categories, units).

    Examples
    --------
    >>> network = Network(inputs=3, hidden=(4,), outputs=1)
    >>> two, one = initial_weights(network, [7, 8], [3, 2]), initial_weights(network, [8], [2])
    >>> bool((two[0][1] == one[0][0]).all()), two[0][1, 2].tolist()
    (True, [0.0, 0.0, 0.0, 0.0])
    """
    dense = []
    for layer, (rows, columns) in enumerate(network.shapes(network.numeric)):
        kernels = np.zeros((len(seeds), rows, columns), "float32")
        owns = [int(width) + network.embedded if layer == 0 else rows for width in widths]
        drawn = _draws(network, layer, columns, sorted({*zip(seeds, owns, strict=True)}))
        for member, (seed, own) in enumerate(zip(seeds, owns, strict=True)):
            numeric = own - network.embedded if layer == 0 else own
            kernels[member, :numeric] = drawn[seed, own][:numeric]
            # What comes from embeddings stands behind all numeric inputs, also those that the member does not have.
            kernels[member, rows - own + numeric :] = drawn[seed, own][numeric:]
        bias = (
            []
            if network.batch_norm and layer < len(network.hidden)
            else [np.zeros((len(seeds), 1, columns), "float32")]
        )
        dense.append([kernels, *bias])
    shapes = [(len(seeds), 1, width) for width in network.hidden if network.batch_norm]
    norms = [[np.full(shape, value, "float32") for value in (1, 0, 0, 1)] for shape in shapes]
    tables = [_tables(network, index, seeds, categories) for index in range(len(network.embeddings))]
    return [*_in_order(dense, norms), *tables]


def _tables(network: Network, index: int, seeds: Sequence[int], categories: Any) -> np.ndarray:
    """Draw each member's vectors for its own categories, as Keras's Embedding does: uniform between -0.05 and 0.05."""
    most, units = network.embeddings[index]
    tables = np.zeros((len(seeds), most, units), "float32")
    for member, seed in enumerate(seeds):
        own = most if categories is None else int(categories[member][index])
        stream = np.random.default_rng([seed, 3, index])
        tables[member, :own] = stream.uniform(-0.05, 0.05, (own, units))
    return tables


def _draws(
    network: Network, layer: int, columns: int, wanted: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], np.ndarray]:
    """Draw the kernels, (rows, columns), for pairs of a member's seed and rows, as Keras's initialiser does."""
    name = network.initializer if layer < len(network.hidden) else "glorot_uniform"
    kind = type(keras.initializers.get(name))
    drawn: dict[tuple[int, int], np.ndarray] = {}
    for rows in {own for _, own in wanted}:
        seeds = [seed for seed, own in wanted if own == rows]
        streams = [int(np.random.SeedSequence([seed, layer]).generate_state(1)[0]) % 2**31 for seed in seeds]
        if len(seeds) < DRAWS_THAT_PAY_FOR_A_TRACE:
            kernels: Any = [np.asarray(kind(seed=stream)((rows, columns))) for stream in streams]
        else:
            kernels = _drawn_in_one_loop(kind(seed=0), (rows, columns), streams)
        drawn |= {(seed, rows): kernel for seed, kernel in zip(seeds, kernels, strict=True)}
    return drawn


def _drawn_in_one_loop(initializer: Any, shape: tuple[int, int], streams: Sequence[int]) -> np.ndarray:
    """Draw a kernel for each seed by the same operations as one by one, but pass through Keras once for all."""
    stream = _Stream()
    initializer.seed = stream

    def draw(seed: tf.Tensor) -> tf.Tensor:
        stream.seed = seed
        return initializer(shape)

    pairs = tf.constant([[seed, 0] for seed in streams], "uint32")  # what Keras makes of a whole number
    loop = tf.function(lambda seeds: tf.map_fn(draw, seeds, fn_output_signature=tf.float32))
    # Each call is of a new function, which TensorFlow would take for one that is traced again and again, and warn.
    return loop.get_concrete_function(pairs)(pairs).numpy()


class _Stream(keras.random.SeedGenerator):
    """A seed that is given."""

    def __init__(self) -> None:
        self.seed: Any = None

    def next(self, ordered: bool = True) -> Any:  # noqa: ARG002 (Keras's signature)
        return self.seed

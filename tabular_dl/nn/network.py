r"""The architecture of a network: the one place that says which blocks it has, and in which order.

    numbers, codes -> (shift) -> (noise) -> (embeddings) -> (dropout)
                   -> [dense -> (batch normalisation) -> activation -> (dropout)] ... -> dense head

All else follows from the list of blocks: initial weights, training and prediction passes, Keras models of members. The
list ends at the head: training takes the loss from there, where cross-entropies are exact, and prediction applies the
output activation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.activation import ACTIVATIONS, Activation
from tabular_dl.nn.blocks.base import Block, OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.batch_normalization import BatchNormalization
from tabular_dl.nn.blocks.dense import Dense
from tabular_dl.nn.blocks.dropout import Dropout
from tabular_dl.nn.blocks.embeddings import Embeddings
from tabular_dl.nn.blocks.noise import Noise
from tabular_dl.nn.blocks.shift import Shift

__all__ = [
    "ACTIVATIONS",
    "Network",
    "Weights",
    "exported",
    "forward",
    "in_old_order",
    "initial_weights",
    "own_weights",
]

# Stacked weights by name, each of shape (P, in, out).
Weights = dict[str, np.ndarray]


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
        For each column of codes the number of categories, the unknown one (0) included, and the length of a vector.
    shift : int
        The most pixels by which images move in training, of all members; each has its own most.
    image_shape : (int, int)
        Height and width of the images that the numeric inputs are, where they may be shifted.

    Examples
    --------
    >>> network = Network(inputs=13, hidden=(64, 32), outputs=3)
    >>> network.parameters, [block.name for block in network.blocks]
    (3075, ['dense_0', 'activation_0', 'dense_1', 'activation_1', 'head'])
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

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks in the order in which activations pass them, without the output activation."""
        layers = len(self.hidden)
        blocks: list[tuple[Block, bool]] = [
            (Shift("shift", *self.image_shape, self.shift), self.shift > 0),
            (Noise("noise", self.numeric), self.noise),
            (Embeddings("embeddings", self.numeric, self.embeddings), bool(self.embeddings)),
            (Dropout("input_dropout", layers, layers, "input_dropout", self.embedded), self.input_dropout),
        ]
        features, numeric = self.numeric + self.embedded, [self.numeric, *[None] * layers]
        for index, width in enumerate(self.hidden):
            # Batch normalisation takes any bias before it away again: what Adam made of its gradient, which is
            # rounding alone, would differ from population to population.
            dense = Dense(
                f"dense_{index}", index, features, width, self.initializer, not self.batch_norm, numeric[index]
            )
            blocks += [
                (dense, True),
                (BatchNormalization(f"norm_{index}", width), self.batch_norm),
                (Activation(f"activation_{index}", self.activation), True),
                (Dropout(f"dropout_{index}", index, layers), self.dropout),
            ]
            features = width
        blocks.append((Dense("head", layers, features, self.outputs, numeric=numeric[layers]), True))
        return tuple(block for block, used in blocks if used)

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """All weights by name, in the order of the blocks."""
        return {f"{block.name}.{name}": weight for block in self.blocks for name, weight in block.weights.items()}

    @property
    def parameters(self) -> int:
        """Number of trained weights of one member."""
        return sum(weight.inputs * weight.outputs for weight in self.weights.values() if weight.trained)

    @property
    def kernels(self) -> list[str]:
        """Names of the dense layers' kernels, the head's last."""
        return [f"{block.name}.kernel" for block in self.blocks if isinstance(block, Dense)]

    @property
    def numeric(self) -> int:
        """Number of inputs that are numbers, not codes."""
        return self.inputs - len(self.embeddings)

    @property
    def embedded(self) -> int:
        """Length of all embeddings' vectors together."""
        return sum(units for _, units in self.embeddings)

    @property
    def activations(self) -> int:
        """Number of activations of one row in one member, inputs and outputs included."""
        return self.inputs + self.embedded + sum(self.hidden) + self.outputs


def forward(
    network: Network, weights: Mapping[str, tf.Tensor], x: tf.Tensor, step: TrainingStep | None = None
) -> tf.Tensor:
    """Pass rows through all members.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : mapping of str to Tensor of shape (P, in, out)
        By name.
    x : Tensor of shape (P or 1, rows, inputs)
        The rows.
    step : TrainingStep, optional
        Makes this a training pass; None is prediction.

    Returns
    -------
    Tensor of shape (P, rows, outputs)
        Before the output activation.
    """
    for block in network.blocks:
        x = block.forward(x, {name: weights[f"{block.name}.{name}"] for name in block.weights}, step)
    return x


def initial_weights(
    network: Network, seeds: Sequence[int], widths: Sequence[int] | np.ndarray, categories: np.ndarray | None = None
) -> Weights:
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
        Number of numeric inputs that each member really has.
    categories : array of shape (P, embeddings), optional
        Number of categories that each embedding of a member really has; by default all.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`.

    Examples
    --------
    >>> network = Network(inputs=3, hidden=(4,), outputs=1)
    >>> two, one = initial_weights(network, [7, 8], [3, 2]), initial_weights(network, [8], [2])
    >>> bool((two["dense_0.kernel"][1] == one["dense_0.kernel"][0]).all()), two["dense_0.kernel"][1, 2].tolist()
    (True, [0.0, 0.0, 0.0, 0.0])
    """
    sizes = [size for size, _ in network.embeddings]
    own = [
        OwnInputs(int(width), tuple(sizes if categories is None else map(int, categories[member])))
        for member, width in enumerate(widths)
    ]
    drawn: Weights = {}
    for block in network.blocks:
        places = [block.own_rows(inputs) for inputs in own]
        for name, weight in block.weights.items():
            rows = [place.get(name, np.arange(weight.inputs)) for place in places]
            drawn[f"{block.name}.{name}"] = _stacked(block, name, weight, seeds, rows)
    return drawn


def _stacked(block: Block, name: str, weight: Weight, seeds: Sequence[int], rows: Sequence[np.ndarray]) -> np.ndarray:
    """Draw one weight of all members, (P, in, out): each pair of seed and number of rows once."""
    stacked = np.zeros((len(seeds), weight.inputs, weight.outputs), "float32")
    for size in {len(own) for own in rows}:
        members = [member for member, own in enumerate(rows) if len(own) == size]
        different = sorted({seeds[member] for member in members})
        values = dict(zip(different, block.draw(name, size, different), strict=True))
        for member in members:
            stacked[member, rows[member]] = values[seeds[member]]
    return stacked


def own_weights(network: Network, weights: Mapping[str, np.ndarray], inputs: OwnInputs) -> Weights:
    """Cut the weights of members down to the inputs that these members really have.

    Parameters
    ----------
    network : Network
        The architecture of the population.
    weights : mapping of str to ndarray of shape (P, in, out)
        Of members with the same inputs.
    inputs : OwnInputs
        What they have.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        Those of the network with these inputs.
    """
    cut = {}
    for block in network.blocks:
        rows = block.own_rows(inputs)
        for name in block.weights:
            weight = weights[f"{block.name}.{name}"]
            cut[f"{block.name}.{name}"] = np.ascontiguousarray(weight[:, rows[name]] if name in rows else weight)
    return cut


def in_old_order(network: Network) -> Iterator[str]:
    """Yield the names of weights in the order in which models were stored before weights had names: tables last."""
    names = list(network.weights)
    yield from (name for name in names if not name.startswith("embeddings."))
    yield from (name for name in names if name.startswith("embeddings."))


def exported(network: Network, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
    """Apply one member, output activation included, as standard Keras layers.

    Parameters
    ----------
    network : Network
        The architecture.
    x : KerasTensor of shape (rows, inputs)
        What the member is given.

    Returns
    -------
    output : KerasTensor of shape (rows, outputs)
    variables : dict of str to keras.Variable
        The layers' variables by the names of `Network.weights`.
    """
    variables: dict[str, keras.Variable] = {}
    for block in network.blocks:
        x, own = block.export(x)
        variables |= {f"{block.name}.{name}": variable for name, variable in own.items()}
    return keras.layers.Activation(network.output_activation)(x), variables

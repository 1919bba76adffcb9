r"""Architecture of a network: its blocks and their order.

    numbers, codes -> (shift) -> (noise) -> (embeddings) -> (dropout)
                   -> [dense -> (batch normalisation) -> activation -> (dropout)] ... -> dense head

Initial weights, training and prediction passes and Keras models of members are derived from the list of blocks. It ends
at the head: training computes the loss from there, as cross-entropies are exact before the output activation, and
prediction applies the output activation.
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
from tabular_dl.nn.compiled_programs import use_kept_programs

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

# Everything that runs TensorFlow imports this module first.
use_kept_programs()

# Stacked weights by name, each of shape (P, in, out).
Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """Architecture that all members of a population share.

    Parameters
    ----------
    inputs : int
        Number of input features; with embeddings, the last of them are codes of categories.
    hidden : tuple of int
        Widths of the hidden layers.
    outputs : int
        Number of output units.
    activation, output_activation : str, default="relu", "linear"
        Keras's names of the hidden activation and of the output activation.
    initializer : str, default="he_normal"
        Keras's name of the initialiser of hidden kernels; that of the head is Glorot-uniform, biases are zero.
    batch_norm : bool, default=False
        Whether each hidden layer is followed by batch normalisation, before its activation.
    dropout, input_dropout, noise : bool, default=False
        Whether there is dropout after hidden layers, dropout of inputs, and noise on numeric inputs; the rates are
        settings of the members.
    embeddings : tuple of (categories, units)
        Number of categories, including the unknown category (0), and length of the vectors of each column of codes.
    shift : int, default=0
        Maximum number of pixels by which images of any member move in training; each member has its own maximum.
    image_shape : (int, int), default=(0, 0)
        Height and width of the images whose pixels are the numeric inputs, if images are shifted.

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
        """Blocks in the order of the prediction pass, without the output activation."""
        layers = len(self.hidden)
        blocks: list[tuple[Block, bool]] = [
            (Shift("shift", *self.image_shape, self.shift), self.shift > 0),
            (Noise("noise", self.numeric), self.noise),
            (Embeddings("embeddings", self.numeric, self.embeddings), bool(self.embeddings)),
            (Dropout("input_dropout", layers, layers, "input_dropout", self.embedded), self.input_dropout),
        ]
        features, numeric = self.numeric + self.embedded, [self.numeric, *[None] * layers]
        for index, width in enumerate(self.hidden):
            # Batch normalisation subtracts any bias before it. The bias's gradient would be rounding error, which Adam
            # scales up, and it would depend on the population.
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
        """Weights of all blocks by name, in the order of the blocks."""
        return {f"{block.name}.{name}": weight for block in self.blocks for name, weight in block.weights.items()}

    @property
    def parameters(self) -> int:
        """Number of trained weights of one member."""
        return sum(weight.inputs * weight.outputs for weight in self.weights.values() if weight.trained)

    @property
    def kernels(self) -> list[str]:
        """Names of the kernels of dense layers; the last is the head's."""
        return [f"{block.name}.kernel" for block in self.blocks if isinstance(block, Dense)]

    @property
    def numeric(self) -> int:
        """Number of inputs that are numbers, not codes of categories."""
        return self.inputs - len(self.embeddings)

    @property
    def embedded(self) -> int:
        """Total length of the vectors of all embeddings."""
        return sum(units for _, units in self.embeddings)

    @property
    def activations(self) -> int:
        """Number of activations of one row in one member, including inputs and outputs."""
        return self.inputs + self.embedded + sum(self.hidden) + self.outputs


def forward(
    network: Network, weights: Mapping[str, tf.Tensor], x: tf.Tensor, step: TrainingStep | None = None
) -> tf.Tensor:
    """Pass rows through all members.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to Tensor of shape (P, in, out)
        Weights by the names of `Network.weights`.
    x : Tensor of shape (P or 1, rows, inputs)
        Inputs of each member, or inputs that all members share.
    step : TrainingStep, optional
        Arguments of a training pass; None for a prediction pass.

    Returns
    -------
    Tensor of shape (P, rows, outputs)
        Outputs before the output activation.
    """
    for block in network.blocks:
        x = block.forward(x, {name: weights[f"{block.name}.{name}"] for name in block.weights}, step)
    return x


def initial_weights(
    network: Network, seeds: Sequence[int], widths: Sequence[int] | np.ndarray, categories: np.ndarray | None = None
) -> Weights:
    """Draw each member's initial weights from its seed.

    For a member with fewer inputs than the population, a kernel of its width is drawn and the other rows are zero: the
    inputs there are zero as well, so these rows never change.

    Parameters
    ----------
    network : Network
        Architecture.
    seeds : sequence of int, length P
        Seed of each member.
    widths : sequence of int, length P
        Number of numeric inputs of each member.
    categories : array of shape (P, embeddings), optional
        Number of categories of each embedding of each member; by default those of the network.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.

    Examples
    --------
    >>> network = Network(inputs=3, hidden=(4,), outputs=1)
    >>> two, one = initial_weights(network, [7, 8], [3, 2]), initial_weights(network, [8], [2])
    >>> bool((two["dense_0.kernel"][1] == one["dense_0.kernel"][0]).all()), two["dense_0.kernel"][1, 2].tolist()
    (True, [0.0, 0.0, 0.0, 0.0])
    """
    sizes = [size for size, _ in network.embeddings]
    inputs = [
        OwnInputs(int(width), tuple(sizes if categories is None else map(int, categories[member])))
        for member, width in enumerate(widths)
    ]
    weights: Weights = {}
    for block in network.blocks:
        rows_used = [block.own_rows(members_inputs) for members_inputs in inputs]
        for name, weight in block.weights.items():
            rows = [used.get(name, np.arange(weight.inputs)) for used in rows_used]
            weights[f"{block.name}.{name}"] = _stacked(block, name, weight, seeds, rows)
    return weights


def _stacked(block: Block, name: str, weight: Weight, seeds: Sequence[int], rows: Sequence[np.ndarray]) -> np.ndarray:
    """Draw one weight of all members, (P, in, out); each pair of seed and number of rows is drawn once."""
    stacked = np.zeros((len(seeds), weight.inputs, weight.outputs), "float32")
    for size in {len(numbers) for numbers in rows}:
        members = [member for member, numbers in enumerate(rows) if len(numbers) == size]
        unique_seeds = sorted({seeds[member] for member in members})
        values = dict(zip(unique_seeds, block.draw(name, size, unique_seeds), strict=True))
        for member in members:
            stacked[member, rows[member]] = values[seeds[member]]
    return stacked


def own_weights(network: Network, weights: Mapping[str, np.ndarray], inputs: OwnInputs) -> Weights:
    """Reduce the weights of members to their inputs, without those that only other members have.

    Parameters
    ----------
    network : Network
        Architecture of the population.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights of members with the same inputs.
    inputs : OwnInputs
        Inputs of these members.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        Weights of a network with these inputs.
    """
    cut = {}
    for block in network.blocks:
        rows = block.own_rows(inputs)
        for name in block.weights:
            weight = weights[f"{block.name}.{name}"]
            cut[f"{block.name}.{name}"] = np.ascontiguousarray(weight[:, rows[name]] if name in rows else weight)
    return cut


def in_old_order(network: Network) -> Iterator[str]:
    """Yield the names of weights in the order of models stored before weights had names: embedding tables last."""
    names = list(network.weights)
    yield from (name for name in names if not name.startswith("embeddings."))
    yield from (name for name in names if name.startswith("embeddings."))


def exported(network: Network, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
    """Apply one member, including the output activation, as standard Keras layers.

    Parameters
    ----------
    network : Network
        Architecture.
    x : KerasTensor of shape (rows, inputs)
        Inputs of the member.

    Returns
    -------
    output : KerasTensor of shape (rows, outputs)
        Outputs after the output activation.
    variables : dict of str to keras.Variable
        Variables of the layers by the names of `Network.weights`, to be assigned their values.
    """
    variables: dict[str, keras.Variable] = {}
    for block in network.blocks:
        x, block_variables = block.export(x)
        variables |= {f"{block.name}.{name}": variable for name, variable in block_variables.items()}
    return keras.layers.Activation(network.output_activation)(x), variables

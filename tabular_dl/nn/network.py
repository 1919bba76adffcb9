r"""Architecture of a network: its blocks and their order.

    numbers, codes -> (shift) -> (noise) -> (numeric embedding) -> (embeddings) -> (scaling) -> (dropout) -> (tile)
                   -> [(adapter) -> dense -> (adapter) -> (normalisation) -> activation -> (dropout)] ...
                   -> (the user's blocks) -> dense head -> (linear path) -> (clamp)

with residual connections

                   -> dense -> [(normalisation) -> dense -> activation -> (dropout) -> dense -> addition] ...
                   -> (normalisation) -> activation -> (the user's blocks) -> dense head -> (linear path) -> (clamp)

Initial weights, training and prediction passes and Keras models of members are derived from the list of blocks
(`tabular_dl.nn.passes`). It ends at the head: training computes the loss from there, as cross-entropies are exact
before the output activation, and prediction applies the output activation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tabular_dl.nn.blocks.activation import ACTIVATIONS, Activation
from tabular_dl.nn.blocks.addition import Addition, LinearPath
from tabular_dl.nn.blocks.base import Block, OwnInputs, Weight
from tabular_dl.nn.blocks.batch_normalization import BatchNormalization
from tabular_dl.nn.blocks.clamp import Clamp
from tabular_dl.nn.blocks.dense import Dense
from tabular_dl.nn.blocks.dropout import Dropout
from tabular_dl.nn.blocks.embeddings import Embeddings
from tabular_dl.nn.blocks.layer_normalization import LayerNormalization
from tabular_dl.nn.blocks.noise import Noise
from tabular_dl.nn.blocks.numeric_embedding import NumericEmbedding
from tabular_dl.nn.blocks.scaling import Scaling
from tabular_dl.nn.blocks.shift import Shift
from tabular_dl.nn.blocks.user_block import UserBlock
from tabular_dl.nn.blocks.weight_sharing import Adapter, Average, Heads, Tile
from tabular_dl.nn.choices import BiasInitializer, Schedule, Sharing
from tabular_dl.nn.choices import NumericEmbedding as EmbeddingKind
from tabular_dl.nn.compiled_programs import use_program_folder

__all__ = ["ACTIVATIONS", "Network", "Weights"]

# Everything that runs TensorFlow imports this module first.
use_program_folder()

# Stacked weights by name, each of shape (P, in, out).
Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """Architecture that all members of a population share.

    Parameters
    ----------
    inputs : int
        Number of input features: continuous ones, other numbers, then codes of categories.
    hidden : tuple of int
        Widths of the hidden layers.
    outputs : int
        Number of output units.
    activation, output_activation : str, default="relu", "linear"
        Keras's names of the hidden activation, which may be a function of the user, and of the output activation.
    initializer : str, default="he_normal"
        Name of the initialiser of hidden kernels (`tabular_dl.nn.blocks.dense`); that of the head is Glorot-uniform, or
        "unit_variance" as well.
    batch_norm, layer_norm : bool, default=False
        Whether each hidden layer is followed by batch or layer normalisation, before its activation.
    dropout, input_dropout, noise : bool, default=False
        Whether there is dropout after hidden layers, dropout of inputs, and noise on numeric inputs; the rates are
        settings of the members.
    embeddings : tuple of (categories, units)
        Number of categories, including the unknown category (0), and length of the vectors of each column of codes.
    shift : int, default=0
        Maximum number of pixels by which images of any member move in training; each member has its own maximum.
    image_shape : (int, int), default=(0, 0)
        Height and width of the images whose pixels are the numeric inputs, if images are shifted.
    continuous : int, default=0
        Number of the first numeric inputs, which have a numeric embedding.
    numeric_embedding : str, default="none"
        Type of numeric embedding (`tabular_dl.nn.blocks.numeric_embedding`).
    vector_size, components : int, default=16, 48
        Length of the vectors of numbers, and number of their bins or frequencies.
    frequency_scale : float, default=1.0
        Standard deviation of the initial frequencies.
    normal_embeddings : bool, default=False
        Whether vectors of categories are standard normal at first.
    scaling, parametric : bool, default=False
        Whether features have a learned factor before the first layer, and activations a learned strength.
    bias_initializer : {"zeros", "he+5"}
        Initialiser of biases (`tabular_dl.nn.blocks.dense`).
    head_gain : float, default=1.0
        Factor of the initial kernel of the head.
    residual : bool, default=False
        Whether hidden layers are residual; all have the same width then.
    linear_path, clamp : bool, default=False
        Whether there is a linear map from the features to the outputs; whether predictions are limited to the range of
        the training target.
    dropout_schedule : str, default="constant"
        Schedule of the dropout rates (`tabular_dl.nn.schedules`).
    networks : int, default=1
        Number of networks within a member, which share weights (`tabular_dl.nn.blocks.weight_sharing`).
    sharing : {"mini", "full"}
        Factors that each of these networks has for itself: of the inputs only, or of inputs and outputs of each layer.
    own_batches : bool, default=True
        Whether each of these networks has batches of its own.
    user_blocks : tuple of (code, outputs, weights)
        The user's blocks after the hidden layers, as `tabular_dl.nn.block_checks.plan_block` returns them.

    Examples
    --------
    >>> network = Network(inputs=13, hidden=(64, 32), outputs=3)
    >>> network.parameters, [block.name for block in network.blocks]
    (3075, ['dense_0', 'activation_0', 'dense_1', 'activation_1', 'head'])
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str | Callable[..., Any] = "relu"
    output_activation: str = "linear"
    initializer: str = "he_normal"
    batch_norm: bool = False
    dropout: bool = False
    input_dropout: bool = False
    noise: bool = False
    embeddings: tuple[tuple[int, int], ...] = ()
    shift: int = 0
    image_shape: tuple[int, int] = (0, 0)
    layer_norm: bool = False
    continuous: int = 0
    numeric_embedding: EmbeddingKind = "none"
    vector_size: int = 16
    components: int = 48
    frequency_scale: float = 1.0
    normal_embeddings: bool = False
    scaling: bool = False
    parametric: bool = False
    bias_initializer: BiasInitializer = "zeros"
    head_gain: float = 1.0
    residual: bool = False
    linear_path: bool = False
    clamp: bool = False
    dropout_schedule: Schedule = "constant"
    networks: int = 1
    sharing: Sharing = "mini"
    own_batches: bool = True
    user_blocks: tuple[tuple[Callable[..., Any], int, tuple[tuple[str, tuple[int, ...], str], ...]], ...] = ()

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks in the order of the prediction pass, without the output activation."""
        first = self._of_inputs()
        features = first[-1].name if first else "inputs"
        last: list[tuple[Block, bool]] = [
            (LinearPath("linear", features, self.parts, self.length, self.outputs), self.linear_path),
            (Clamp("clamp", self.outputs), self.clamp),
        ]
        hidden = self._residual() if self.residual else self._hidden()
        user_blocks = [UserBlock(f"block_{index}", index, *block) for index, block in enumerate(self.user_blocks)]
        return (*first, *_used(hidden), *user_blocks, self._head(), *_used(last))

    @cached_property
    def ending(self) -> tuple[Block, ...]:
        """Blocks that turn outputs into predictions: output activation, and mean of the networks within a member."""
        return tuple(
            _used(
                [
                    (Activation("output", self.output_activation), True),
                    (Average("average", self.networks), self.networks > 1),
                ]
            )
        )

    def _of_inputs(self) -> list[Block]:
        layers = len(self.hidden)
        # A random factor for each network, as the weights after it are shared (arXiv:2410.24210, appendix).
        start = "normal" if self.embedded or self._vectors else "signs"
        lengths = tuple(units for _, units in self.embeddings)
        adapter = Adapter("adapter", 0, self.networks, self.features, start, False, self.parts, self.length, lengths)
        return _used(
            [
                (Shift("shift", *self.image_shape, self.shift), self.shift > 0),
                (Noise("noise", self.numeric, self.continuous), self.noise),
                *((block, True) for block in self._vectors),
                (
                    Embeddings("embeddings", self.features - self.embedded, self.embeddings, self.normal_embeddings),
                    bool(self.embeddings),
                ),
                (Scaling("scaling", self.parts, self.length), self.scaling),
                (Dropout("input_dropout", layers, layers, "input_dropout", self.parts), self.input_dropout),
                (Tile("tile", self.networks, self.own_batches), self.networks > 1),
                (adapter, self.networks > 1),
            ]
        )

    def _dense(self, name: str, index: int, inputs: int | None, outputs: int, *, use_bias: bool = True) -> Dense:
        """Return a dense layer of hidden activations, or of the inputs' features if ``inputs`` is None."""
        reads_features = inputs is None
        return Dense(
            name,
            index,
            self.features if inputs is None else inputs,
            outputs,
            initializer=self.initializer,
            use_bias=use_bias,
            parts=self.parts if reads_features else None,
            length=self.length if reads_features else 1,
            group="first" if reads_features else "hidden",
            bias_initializer=self.bias_initializer,
        )

    def _normalization(self, name: str, width: int) -> list[tuple[Block, bool]]:
        return [(BatchNormalization(name, width), self.batch_norm), (LayerNormalization(name, width), self.layer_norm)]

    def _activation(self, name: str, width: int) -> tuple[Block, bool]:
        return Activation(name, self.activation, width if self.parametric else 0), True

    def _dropout(self, index: int) -> tuple[Block, bool]:
        dropout = Dropout(f"dropout_{index}", index, len(self.hidden), schedule=self.dropout_schedule)
        return dropout, self.dropout

    def _hidden(self) -> list[tuple[Block, bool]]:
        full = self.networks > 1 and self.sharing == "full"
        blocks: list[tuple[Block, bool]] = []
        inputs: int | None = None
        for index, width in enumerate(self.hidden):
            # Batch normalisation subtracts any bias before it. The bias's gradient would be rounding error, which Adam
            # scales up, and it would depend on the population.
            use_bias = not (self.batch_norm or full)
            blocks += [
                (Adapter(f"before_{index}", index, self.networks, inputs or 1), full and index > 0),
                (self._dense(f"dense_{index}", index, inputs, width, use_bias=use_bias), True),
                (Adapter(f"after_{index}", index, self.networks, width, bias=not self.batch_norm), full),
                *self._normalization(f"norm_{index}", width),
                self._activation(f"activation_{index}", width),
                self._dropout(index),
            ]
            inputs = width
        return blocks

    def _residual(self) -> list[tuple[Block, bool]]:
        layers, width = len(self.hidden), self.hidden[0]
        blocks: list[tuple[Block, bool]] = [(self._dense("projection", 2 * layers + 1, None, width), True)]
        earlier = "projection"
        for index in range(layers):
            blocks += [
                *self._normalization(f"norm_{index}", width),
                (self._dense(f"dense_{index}", index, width, width), True),
                self._activation(f"activation_{index}", width),
                self._dropout(index),
                (self._dense(f"back_{index}", layers + 1 + index, width, width), True),
                (Addition(f"residual_{index}", earlier), True),
            ]
            earlier = f"residual_{index}"
        return [*blocks, *self._normalization("norm", width), self._activation("activation", width)]

    def _head(self) -> Block:
        layers, inputs = len(self.hidden), [self.features, *self.widths][-1]
        if self.networks > 1:
            return Heads("head", layers, self.networks, inputs, self.outputs, self.head_gain)
        learned = self.initializer == "unit_variance"
        return Dense(
            "head",
            layers,
            inputs,
            self.outputs,
            initializer=self.initializer if learned else "glorot_uniform",
            parts=None if self.hidden else self.parts,
            length=1 if self.hidden else self.length,
            group="head",
            bias_initializer=self.bias_initializer,
            gain=self.head_gain,
        )

    @cached_property
    def _vectors(self) -> tuple[NumericEmbedding, ...]:
        """Numeric embedding, if there is one."""
        if self.numeric_embedding == "none" or not self.continuous:
            return ()
        sizes = (self.continuous, self.vector_size, self.components, self.frequency_scale)
        return (NumericEmbedding("numeric_embedding", self.numeric_embedding, *sizes),)

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
        """Names of the kernels of dense layers; the last is the head's, if it is a dense layer."""
        return [f"{block.name}.kernel" for block in self.blocks if isinstance(block, Dense)]

    @property
    def numeric(self) -> int:
        """Number of inputs that are numbers, not codes of categories."""
        return self.inputs - len(self.embeddings)

    @property
    def length(self) -> int:
        """Number of features of each continuous input."""
        return self._vectors[0].length if self._vectors else 1

    @property
    def embedded(self) -> int:
        """Total length of the vectors of all categories' embeddings."""
        return sum(units for _, units in self.embeddings)

    @property
    def parts(self) -> tuple[int, int, int]:
        """Number of features from continuous inputs, from other numbers, and from embeddings of categories."""
        return self.continuous * self.length, self.numeric - self.continuous, self.embedded

    @property
    def features(self) -> int:
        """Number of features that the first layer reads."""
        return sum(self.parts)

    @property
    def widths(self) -> list[int]:
        """Number of output features of each hidden layer and of each of the user's blocks."""
        return [*self.hidden, *(outputs for _, outputs, _ in self.user_blocks)]

    @property
    def activations(self) -> int:
        """Number of activations of one row in one member, including inputs and outputs."""
        copies = self.networks if self.own_batches else 1
        waves = copies * self.continuous * self.components * len(self._vectors)
        per_network = self.features + sum(self.widths) + self.outputs
        return len(self.embeddings) + waves + self.networks * per_network

    def own(self, inputs: OwnInputs) -> Network:
        """Return the architecture of a member with fewer inputs than the population."""
        sizes = zip(inputs.categories, self.embeddings, strict=True)
        embeddings = tuple((categories, units) for categories, (_, units) in sizes)
        width = inputs.numeric + len(embeddings)
        return replace(self, inputs=width, embeddings=embeddings, continuous=inputs.continuous)


def _used(blocks: Iterable[tuple[Block, bool]]) -> list[Block]:
    return [block for block, used in blocks if used]

"""Blocks of networks that share weights within a member (Gorishniy et al., 2025, TabM, arXiv:2410.24210).

A member then holds N networks. Their rows follow each other: row b of network i is row ``i * rows + b`` of the member,
so a layer whose weights all of them share is one product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import LayerBlock
from tabular_dl.nn.blocks.scaling import own_features

__all__ = ["Adapter", "Average", "Heads", "Tile"]


def _per_network(x: tf.Tensor, networks: int) -> tf.Tensor:
    """Return activations by network, (P, networks, rows, features)."""
    return tf.reshape(x, (tf.shape(x)[0], networks, -1, x.shape[2]))


def _together(x: tf.Tensor) -> tf.Tensor:
    """Return activations by network as those of the member, (P, networks * rows, features)."""
    return tf.reshape(x, (tf.shape(x)[0], -1, x.shape[3]))


@dataclass(frozen=True)
class Tile(LayerBlock):
    """Rows repeated for each network of a member.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    networks : int
        Number of networks of a member.
    own_batches : bool
        Whether each network has batches of its own in training, so that only predictions repeat rows.

    Examples
    --------
    >>> Tile("tile", 2, own_batches=True).forward(tf.constant([[[1.0], [2.0]]]), {}).numpy().ravel().tolist()
    [1.0, 2.0, 1.0, 2.0]
    """

    name: str
    networks: int
    own_batches: bool

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the rows, as many times as there are networks."""
        del weights
        return x if step is not None and self.own_batches else tf.tile(x, (1, self.networks, 1))


@dataclass(frozen=True)
class Adapter(LayerBlock):
    """Product of each feature with a factor of each network, and, with a bias, a number added to it.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    index : int
        Number of the block in the network, for its random numbers.
    networks : int
        Number of networks of a member.
    features : int
        Number of features.
    start : {"ones", "signs", "normal"}
        Initial factors: 1, or a random sign or a standard normal number for each input and network, which all features
        of the input share.
    bias : bool, default=False
        Whether to add a bias of each network.
    parts, length
        As for `Scaling`, if the features are those of the inputs; by default they are hidden activations.
    vectors : tuple of int
        Lengths of the vectors of the categorical inputs.
    """

    name: str
    index: int
    networks: int
    features: int
    start: str = "ones"
    bias: bool = False
    parts: tuple[int, int, int] | None = None
    length: int = 1
    vectors: tuple[int, ...] = ()

    @property
    def weights(self) -> dict[str, Weight]:
        """Factors, and biases if there are any: a row per feature, a column per network."""
        factor = {"factor": Weight(self.features, self.networks, group="adapter")}
        return factor | ({"bias": Weight(self.features, self.networks, group="bias")} if self.bias else {})

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the rows of the member's features."""
        if self.parts is None:
            return {}
        return dict.fromkeys(self.weights, own_features(self.parts, self.length, inputs))

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return zeros for biases, and the initial factors."""
        if weight == "bias" or self.start == "ones":
            return [np.full((len(rows), self.networks), float(weight == "factor"), "float32")] * len(seeds)
        places = np.unique(self._inputs()[rows], return_inverse=True)[1]
        shape = (places.max(initial=-1) + 1, self.networks)
        generators = [np.random.default_rng([seed, 7, self.index]) for seed in seeds]
        if self.start == "normal":
            return [generator.normal(size=shape)[places] for generator in generators]
        return [generator.choice([-1.0, 1.0], shape)[places] for generator in generators]

    def _inputs(self) -> np.ndarray:
        """Return the number of the input that each feature belongs to."""
        continuous, others, _ = self.parts or (0, self.features, 0)
        lengths = [*[self.length] * (continuous // self.length), *[1] * others, *self.vectors]
        return np.repeat(np.arange(len(lengths)), lengths)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return ``x * factor + bias`` of each network."""
        del step
        values = {name: tf.linalg.matrix_transpose(weight)[:, :, None] for name, weight in weights.items()}
        scaled = _per_network(x, self.networks) * values["factor"]
        return _together(scaled + values["bias"] if self.bias else scaled)


@dataclass(frozen=True)
class Heads(LayerBlock):
    """Dense head of each network: ``outputs[i] = x[i] @ kernel[i] + bias[i]``.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    index : int
        Number of the block in the network, for its random numbers.
    networks : int
        Number of networks of a member.
    inputs, outputs : int
        Number of input features and of output units.
    gain : float, default=1.0
        Factor of the initial kernels.
    """

    name: str
    index: int
    networks: int
    inputs: int
    outputs: int
    gain: float = 1.0

    @property
    def weights(self) -> dict[str, Weight]:
        """Kernels side by side, (inputs, networks * outputs), and biases, (1, networks * outputs)."""
        size = self.networks * self.outputs
        return {
            "kernel": Weight(self.inputs, size, penalised=True, group="head"),
            "bias": Weight(1, size, group="bias"),
        }

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw kernels uniformly within ``1 / sqrt(inputs)``; biases are zero."""
        shape = (len(rows), self.networks * self.outputs)
        if weight == "bias":
            return [np.zeros(shape, "float32")] * len(seeds)
        limit = self.gain / math.sqrt(self.inputs)
        return [np.random.default_rng([seed, 7, self.index]).uniform(-limit, limit, shape) for seed in seeds]

    def output_features(self, features: int) -> int:
        """Return the number of output units of a network."""
        del features
        return self.outputs

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the outputs of each network, (P, networks * rows, outputs)."""
        del step
        kernel = tf.reshape(weights["kernel"], (-1, self.inputs, self.networks, self.outputs))
        outputs = tf.matmul(_per_network(x, self.networks), tf.transpose(kernel, (0, 2, 1, 3)))
        return _together(outputs + tf.reshape(weights["bias"], (-1, self.networks, 1, self.outputs)))


@dataclass(frozen=True)
class Average(LayerBlock):
    """Mean of the predictions of a member's networks.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    networks : int
        Number of networks of a member.
    """

    name: str
    networks: int

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the mean over networks, (P, rows, outputs)."""
        del weights, step
        return tf.reduce_mean(_per_network(x, self.networks), axis=1)

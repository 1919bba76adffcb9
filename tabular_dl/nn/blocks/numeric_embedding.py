"""Numeric embedding block: vectors of numbers in place of the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import LayerBlock
from tabular_dl.nn.blocks.waves import cosine, sine
from tabular_dl.nn.choices import WeightGroup

__all__ = ["NumericEmbedding"]

# Streams of the seeds of each weight.
_STREAMS = {"frequency": 0, "phase": 1, "kernel": 2, "bias": 3, "linear": 4}


@dataclass(frozen=True)
class NumericEmbedding(LayerBlock):
    """Vector of each continuous input, per member; the other inputs follow unchanged.

    ================  ============================================================================================
    piecewise_linear  ``x u + b + sum_t V_t clip((x - e_t) / (e_t+1 - e_t), 0, 1)`` with edges e of bins
                      (arXiv:2203.05556; V is zero at first, as in arXiv:2410.24210, so training starts from x alone)
    periodic          ``sin(2 pi w x), cos(2 pi w x)`` for each of the learned frequencies w (arXiv:2203.05556)
    plr               ``relu(periodic @ V + b)`` (the same)
    pbld              ``x, cos(2 pi w x + c) @ V + b`` (arXiv:2407.04491)
    ================  ============================================================================================

    Parameters
    ----------
    name : str
        Name, unique in the network.
    kind : {"piecewise_linear", "periodic", "plr", "pbld"}
        Type of embedding.
    continuous : int
        Number of leading inputs with an embedding.
    size : int
        Length of the vectors; those of "periodic" are twice as long as the number of frequencies.
    components : int
        Number of bins, or of frequencies.
    scale : float
        Standard deviation of the initial frequencies.
    """

    name: str
    kind: Literal["piecewise_linear", "periodic", "plr", "pbld"]
    continuous: int
    size: int
    components: int
    scale: float = 1.0

    @property
    def length(self) -> int:
        """Length of the vectors."""
        return 2 * self.components if self.kind == "periodic" else self.size

    @property
    def _waves(self) -> int:
        """Number of values that the linear map of each input takes."""
        return 2 * self.components if self.kind == "plr" else self.components

    @property
    def _mapped(self) -> int:
        """Number of values that the linear map of each input gives."""
        return self.size - 1 if self.kind == "pbld" else self.size

    @property
    def weights(self) -> dict[str, Weight]:
        """Frequencies, or slopes and offsets of bins, a row per input; and the linear map of each input."""
        inputs = self.continuous
        group: WeightGroup = "numeric_embedding"
        if self.kind == "piecewise_linear":
            weights = {name: Weight(inputs, self.components, trained=False) for name in ("slope", "offset")}
            weights["linear"] = Weight(inputs, self.size, group=group)
        else:
            weights = {"frequency": Weight(inputs, self.components, group=group)}
            if self.kind == "pbld":
                weights["phase"] = Weight(inputs, self.components, group=group)
        if self.kind != "periodic":
            weights["kernel"] = Weight(inputs * self._waves, self._mapped, group=group)
            weights["bias"] = Weight(inputs, self._mapped, group=group)
        return weights

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the rows of the member's continuous inputs."""
        per_input = {name: weight.inputs // max(1, self.continuous) for name, weight in self.weights.items()}
        return {name: np.arange(inputs.continuous * rows) for name, rows in per_input.items()}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw frequencies from a normal distribution, phases and linear maps from uniform ones."""
        shape = (len(rows), self.weights[weight].outputs)
        if weight in ("slope", "offset") or (weight == "kernel" and self.kind == "piecewise_linear"):
            return [np.zeros(shape, "float32")] * len(seeds)
        generators = [np.random.default_rng([seed, 6, _STREAMS[weight]]) for seed in seeds]
        if weight == "frequency":
            return [generator.normal(0.0, self.scale, shape) for generator in generators]
        piecewise = self.kind == "piecewise_linear"
        limit = math.pi if weight == "phase" else 1.0 / math.sqrt(self.size if piecewise else self._waves)
        return [generator.uniform(-limit, limit, shape) for generator in generators]

    def output_features(self, features: int) -> int:
        """Return the number of features of vectors and other inputs."""
        return features + self.continuous * (self.length - 1)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return vectors and other inputs, of shape (P, rows, continuous * length + other inputs)."""
        numbers, others = x[:, :, : self.continuous], x[:, :, self.continuous :]
        vectors = self._vectors(numbers, weights, exact=step is None)
        rows = tf.shape(vectors)[1]
        flat = tf.reshape(vectors, (-1, rows, self.continuous * self.length))
        if x.shape[2] == self.continuous:
            return flat
        others = tf.broadcast_to(others, (tf.shape(flat)[0], rows, x.shape[2] - self.continuous))
        return tf.concat([flat, others], axis=2)

    def _vectors(self, numbers: tf.Tensor, weights: Mapping[str, tf.Tensor], *, exact: bool) -> tf.Tensor:
        """Return the vectors, (P, rows, continuous, length)."""
        column = numbers[..., None]
        if self.kind == "piecewise_linear":
            filled = tf.clip_by_value(column * weights["slope"][:, None] + weights["offset"][:, None], 0.0, 1.0)
            return column * weights["linear"][:, None] + self._map(filled, weights)
        turns = column * weights["frequency"][:, None]
        if self.kind == "pbld":
            waves = cosine(turns + weights["phase"][:, None] / (2.0 * math.pi), exact=exact)
            mapped = self._map(waves, weights)
            return tf.concat([tf.broadcast_to(column, tf.concat([tf.shape(mapped)[:3], [1]], 0)), mapped], axis=3)
        waves = tf.concat([sine(turns, exact=exact), cosine(turns, exact=exact)], axis=3)
        if self.kind == "plr":
            return tf.nn.relu(self._map(waves, weights))
        # An input that only other members have is 0, and so are its frequencies; the cosine of 0 is not.
        used = tf.reduce_any(weights["frequency"] != 0.0, axis=2)
        return tf.where(used[:, None, :, None], waves, tf.zeros_like(waves))

    def _map(self, waves: tf.Tensor, weights: Mapping[str, tf.Tensor]) -> tf.Tensor:
        shape = (-1, self.continuous, self._waves, self._mapped)
        return tf.einsum("prim,pimo->prio", waves, tf.reshape(weights["kernel"], shape)) + weights["bias"][:, None]

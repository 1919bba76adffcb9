"""Batch normalisation block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep, Weight

__all__ = ["BatchNormalization"]

_START = {"gamma": 1.0, "beta": 0.0, "mean": 0.0, "variance": 1.0}


@dataclass(frozen=True)
class BatchNormalization(Block):
    """Batch normalisation with statistics per member (Ioffe & Szegedy, 2015, arXiv:1502.03167).

    Training normalises by the rows of the member's batch, without those that only fill it up; prediction by moving
    averages. As in Keras::

        moving = momentum * moving + (1 - momentum) * batch

    Keras's layer cannot be used: it has one set of statistics for all members.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    features : int
        Number of features.
    momentum, epsilon : float, default=0.99, 0.001
        As in `keras.layers.BatchNormalization`.
    """

    name: str
    features: int
    momentum: float = 0.99
    epsilon: float = 1e-3

    @property
    def weights(self) -> dict[str, Weight]:
        """Scale ``gamma``, offset ``beta`` and moving ``mean`` and ``variance``, each of shape (1, features)."""
        return {
            name: Weight(1, self.features, trained=name in ("gamma", "beta"), group="normalization") for name in _START
        }

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return initial values, the same for all members: scale and variance one, offset and mean zero."""
        return [np.full((len(rows), self.features), _START[weight], "float32")] * len(seeds)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``; a training pass updates moving averages."""
        mean, variance = weights["mean"], weights["variance"]
        if step is not None:
            rows = tf.maximum(tf.reduce_sum(step.counted, axis=1, keepdims=True), 1.0)
            mean = tf.reduce_sum(x * step.counted, axis=1, keepdims=True) / rows
            variance = tf.reduce_sum(tf.square(x - mean) * step.counted, axis=1, keepdims=True) / rows
            for name, batch in (("mean", mean), ("variance", variance)):
                moved = weights[name] * self.momentum + batch * (1.0 - self.momentum)
                step.updates[f"{self.name}.{name}"] = tf.where(step.live, moved, weights[name])
        scale = weights["gamma"] * tf.math.rsqrt(variance + self.epsilon)
        return x * scale + (weights["beta"] - mean * scale)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.BatchNormalization`."""
        layer = keras.layers.BatchNormalization(momentum=self.momentum, epsilon=self.epsilon)
        output = layer(x)
        variables = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        return output, dict(zip(_START, variables, strict=True))

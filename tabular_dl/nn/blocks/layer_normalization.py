"""Layer normalisation block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep, Weight

__all__ = ["LayerNormalization"]


@dataclass(frozen=True)
class LayerNormalization(Block):
    """Layer normalisation, over the features of each row (Ba et al., 2016, arXiv:1607.06450).

    Parameters
    ----------
    name : str
        Name, unique in the network.
    features : int
        Number of features.
    epsilon : float, default=0.001
        As in `keras.layers.LayerNormalization`.

    Examples
    --------
    >>> block = LayerNormalization("norm_0", 2)
    >>> weights = {"gamma": tf.ones((1, 1, 2)), "beta": tf.zeros((1, 1, 2))}
    >>> block.forward(tf.constant([[[0.0, 4.0]]]), weights).numpy().round(3)
    array([[[-1.,  1.]]], dtype=float32)
    """

    name: str
    features: int
    epsilon: float = 1e-3

    @property
    def weights(self) -> dict[str, Weight]:
        """Scale ``gamma`` and offset ``beta``, each of shape (1, features)."""
        return {name: Weight(1, self.features, group="normalization") for name in ("gamma", "beta")}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return ones for the scale, zeros for the offset."""
        return [np.full((len(rows), self.features), float(weight == "gamma"), "float32")] * len(seeds)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``."""
        del step
        mean = tf.reduce_mean(x, axis=2, keepdims=True)
        variance = tf.reduce_mean(tf.square(x - mean), axis=2, keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + self.epsilon) * weights["gamma"] + weights["beta"]

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.LayerNormalization`."""
        layer = keras.layers.LayerNormalization(epsilon=self.epsilon)
        output = layer(x)
        return output, {"gamma": layer.gamma, "beta": layer.beta}

"""Activation block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep

__all__ = ["ACTIVATIONS", "Activation"]

# Keras's activations by name, without those that take arguments or change the width.
ACTIVATIONS = frozenset(name for name in dir(keras.activations) if name[0].islower()) - {
    "deserialize",
    "get",
    "glu",
    "serialize",
    "threshold",
}


@dataclass(frozen=True)
class Activation(Block):
    """Activation function of Keras, the same for all members.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    function : str
        Keras's name of the function, one of `ACTIVATIONS`.

    Examples
    --------
    >>> Activation("activation_0", "relu").forward(keras.ops.array([[[-1.0, 2.0]]]), {}).numpy()
    array([[[0., 2.]]], dtype=float32)
    """

    name: str
    function: str

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the values of the function."""
        del weights, step
        return keras.activations.get(self.function)(x)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Activation`."""
        return keras.layers.Activation(self.function)(x), {}

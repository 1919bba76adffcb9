"""Activation block, with a learned strength or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import apply_as_layer
from tabular_dl.nn.blocks.user_block import WeightLayer, of_rows

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
    """Activation function of Keras or of the user, the same for all members.

    With ``features``, it is parametric: ``x + strength * (f(x) - x)``, with a strength of each feature and member that
    is 1 at first and trained (arXiv:2407.04491).

    Parameters
    ----------
    name : str
        Name, unique in the network.
    function : str or callable
        Keras's name of the function, one of `ACTIVATIONS`, or a function of activations (rows, features).
    features : int, default=0
        Number of features, if the activation is parametric.

    Examples
    --------
    >>> Activation("activation_0", "relu").forward(keras.ops.array([[[-1.0, 2.0]]]), {}).numpy()
    array([[[0., 2.]]], dtype=float32)
    """

    name: str
    function: str | Callable[..., Any]
    features: int = 0

    @property
    def weights(self) -> dict[str, Weight]:
        """Strength of each feature, (1, features), if the activation is parametric."""
        return {"strength": Weight(1, self.features, group="activation")} if self.features else {}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return ones."""
        if not self.features:
            return super().draw(weight, rows, seeds)
        return [np.ones((len(rows), self.features), "float32")] * len(seeds)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the values of the function."""
        del step
        values = of_rows(self.function, x) if callable(self.function) else keras.activations.get(self.function)(x)
        return x + weights["strength"] * (values - x) if self.features else values

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Activation`, or the block as a Keras layer if it is parametric.

        Operations of a user's function become those of the model.
        """
        if callable(self.function):
            values = self.function(x)
            if not self.features:
                return values, {}
            strength = WeightLayer((1, self.features))
            return x + strength(x) * (values - x), {"strength": strength.weight}
        if self.features:
            return apply_as_layer(self, x)
        return keras.layers.Activation(self.function)(x), {}

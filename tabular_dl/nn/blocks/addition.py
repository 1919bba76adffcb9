"""Addition block: residual connections, and a linear path from the inputs to the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Joint, OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import apply_as_layer
from tabular_dl.nn.blocks.scaling import own_features

__all__ = ["Addition", "LinearPath"]


@dataclass(frozen=True)
class Addition(Joint):
    """Sum of the inputs and of an earlier block's outputs: a residual connection (He et al., 2016, arXiv:1512.03385).

    Parameters
    ----------
    name : str
        Name, unique in the network.
    earlier : str
        Name of the earlier block.
    """

    name: str
    earlier: str

    def forward(
        self,
        x: tuple[tf.Tensor, tf.Tensor],
        weights: Mapping[str, tf.Tensor],
        step: TrainingStep | None = None,
    ) -> tf.Tensor:
        """Return the sum of both."""
        del weights, step
        return x[0] + x[1]

    def export(
        self, x: tuple[keras.KerasTensor, keras.KerasTensor]
    ) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Add`."""
        return keras.layers.Add()(list(x)), {}


@dataclass(frozen=True)
class LinearPath(Joint):
    """Sum of the head's outputs and a linear map of the features (wide and deep, Cheng et al., 2016, arXiv:1606.07792).

    The map is zero at first, so that training starts from the network without it.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    earlier : str
        Name of the block that gives the features.
    parts : (int, int, int)
        Number of features from continuous inputs, from other numeric inputs, and from embeddings of categories.
    length : int
        Number of features of each continuous input.
    outputs : int
        Number of output units.
    """

    name: str
    earlier: str
    parts: tuple[int, int, int]
    length: int
    outputs: int

    @property
    def weights(self) -> dict[str, Weight]:
        """Kernel of shape (features, outputs)."""
        return {"kernel": Weight(sum(self.parts), self.outputs, penalised=True, group="linear")}

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the kernel's rows of the member's features."""
        return {"kernel": own_features(self.parts, self.length, inputs)}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return zeros."""
        del weight
        return [np.zeros((len(rows), self.outputs), "float32")] * len(seeds)

    def forward(
        self,
        x: tuple[tf.Tensor, tf.Tensor],
        weights: Mapping[str, tf.Tensor],
        step: TrainingStep | None = None,
    ) -> tf.Tensor:
        """Return the head's outputs plus the linear map of the features."""
        del step
        return x[0] + tf.matmul(x[1], weights["kernel"])

    def export(
        self, x: tuple[keras.KerasTensor, keras.KerasTensor]
    ) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply the block as a Keras layer."""
        return apply_as_layer(self, list(x))

"""Noise block, for numeric inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import NOISE_STREAM, input_numbers, normal

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise(Block):
    """Gaussian noise added to the numeric inputs in training, with a standard deviation and a stream per member.

    Columns of zeros after the inputs of a narrower member stay zero. Codes of categories, which come after the numeric
    inputs, do not change.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    numeric : int
        Number of leading numeric inputs.
    continuous : int, default=0
        Number of the first of them that have an embedding.
    """

    name: str
    numeric: int
    continuous: int = 0

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's standard deviation, and numbers of inputs with an embedding and of others."""
        widths = [self.numeric] * len(members) if members.widths is None else members.widths
        continuous = [self.continuous] * len(members) if members.continuous is None else members.continuous
        return {"deviation": members.noise, "continuous": continuous, "others": np.subtract(widths, continuous)}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the inputs; a training pass adds noise."""
        del weights
        if step is None:
            return x
        numbers, codes = x[:, :, : self.numeric], x[:, :, self.numeric :]
        columns = input_numbers(self.continuous, self.numeric - self.continuous)
        places = tf.constant([*range(self.continuous), *range(self.numeric - self.continuous)], tf.float32)
        first = tf.range(self.numeric) < self.continuous
        counts = (step.settings[f"{self.name}.{part}"] for part in ("continuous", "others"))
        used = places < tf.where(first, *counts)
        noise = normal(step.seeds, NOISE_STREAM, step.steps, (tf.shape(x)[1], self.numeric), columns)
        numbers += tf.where(used, step.settings[f"{self.name}.deviation"], 0.0) * noise
        return tf.concat([numbers, codes], axis=2) if x.shape[2] > self.numeric else numbers

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the inputs: prediction adds no noise."""
        return x, {}

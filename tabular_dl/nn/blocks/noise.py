"""The noise block, for numeric inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import NOISE_STREAM, normal

__all__ = ["Noise"]


@dataclass(frozen=True)
class Noise(Block):
    """Gaussian noise on the numeric inputs in training, with a standard deviation and a stream for each member.

    The zero columns that fill up a member whose own matrix is narrower stay zero, and the codes of categories, which
    stand behind the numbers, stay as they are.

    Parameters
    ----------
    name : str
        Unique in its network.
    numeric : int
        Number of leading inputs that are numbers.
    """

    name: str
    numeric: int

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's standard deviation, and the number of its own numeric inputs."""
        widths = [self.numeric] * len(members) if members.widths is None else members.widths
        return {"deviation": members.noise, "width": widths}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the inputs, in training with noise."""
        del weights
        if step is None:
            return x
        numbers, codes = x[:, :, : self.numeric], x[:, :, self.numeric :]
        columns = tf.range(self.numeric)
        own = tf.cast(columns, tf.float32) < step.settings[f"{self.name}.width"]
        noise = normal(step.seeds, NOISE_STREAM, step.steps, (tf.shape(x)[1], self.numeric), columns)
        numbers += tf.where(own, step.settings[f"{self.name}.deviation"], 0.0) * noise
        return tf.concat([numbers, codes], axis=2) if x.shape[2] > self.numeric else numbers

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the inputs: in prediction there is no noise."""
        return x, {}

"""Dropout block, for hidden activations and for inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep
from tabular_dl.nn.choices import Schedule
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import input_numbers, uniform
from tabular_dl.nn.schedules import SCHEDULES

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout(Block):
    """Inverted dropout with a rate and a stream of masks per member.

    Training keeps an activation with probability ``1 - rate`` and divides it by ``1 - rate``, so its expectation does
    not change; prediction keeps all (Srivastava et al., 2014, JMLR 15).

    Keras's Dropout cannot be used: its generator has a state that the members would share, and XLA on a CPU runs it 20
    to 40 times slower than the rest of a step.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    index : int
        Number of the layer in the network; the masks of different layers are independent.
    hidden : int, default=1
        Number of hidden layers, each of which may have its own rate.
    rates : {"dropout", "input_dropout"}
        Name of the members' setting that holds the rates.
    parts : (int, int, int) or None
        Number of features from continuous inputs, from other numeric inputs, and from embeddings of categories, for
        dropout of the inputs; None for a hidden layer. Members may have fewer of each, so that each part is numbered by
        itself: a member's masks do not depend on the population.
    schedule : str, default="constant"
        Schedule of the rates (`tabular_dl.nn.schedules`).
    """

    name: str
    index: int
    hidden: int = 1
    rates: Literal["dropout", "input_dropout"] = "dropout"
    parts: tuple[int, int, int] | None = None
    schedule: Schedule = "constant"

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's probability that an activation is dropped."""
        if self.rates == "input_dropout":
            return {"rate": members.input_dropout}
        rates = np.asarray(members.dropout, np.float32).reshape(len(members), -1)
        return {"rate": np.broadcast_to(rates, (len(members), self.hidden))[:, self.index]}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the activations; a training pass drops some and scales the others."""
        del weights
        if step is None:
            return x
        shape = (tf.shape(x)[1], x.shape[2])
        rates = step.settings[f"{self.name}.rate"]
        if self.schedule != "constant":
            rates *= SCHEDULES[self.schedule](step.progress)
        columns = None if self.parts is None else input_numbers(*self.parts)
        kept = uniform(step.seeds, self.index, step.steps, shape, columns) >= rates
        return tf.where(kept, x / (1.0 - rates), 0.0)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the activations: prediction drops none."""
        return x, {}

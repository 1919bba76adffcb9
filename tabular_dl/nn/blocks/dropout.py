"""The dropout block, for hidden activations and for inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import uniform

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout(Block):
    """Inverted dropout with a rate and a stream of masks for each member.

    In training an activation is kept with probability ``1 - rate`` and then divided by ``1 - rate``, which leaves its
    expectation unchanged; in prediction nothing happens (Srivastava et al., 2014, JMLR 15).

    Keras's own Dropout draws from a stateful generator, which the members would share, and which XLA on a CPU runs 20
    to 40 times slower than the rest of a step.

    Parameters
    ----------
    name : str
        Unique in its network.
    index : int
        The layer's number in its network: layers of one network drop independently of each other.
    hidden : int
        Number of hidden layers, each of which may have a rate of its own.
    rates : {"dropout", "input_dropout"}
        The members' setting that holds the rates.
    embedded : int or None
        None for a hidden layer. For the inputs, the number of last features that come from embeddings. They stand
        behind as many numbers as the widest member has, so they count from the end, and numbers from the start: the
        masks of a member are those that it would have alone.
    """

    name: str
    index: int
    hidden: int = 1
    rates: Literal["dropout", "input_dropout"] = "dropout"
    embedded: int | None = None

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's probability that an activation is dropped."""
        if self.rates == "input_dropout":
            return {"rate": members.input_dropout}
        rates = np.asarray(members.dropout, np.float32).reshape(len(members), -1)
        return {"rate": np.broadcast_to(rates, (len(members), self.hidden))[:, self.index]}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return activations, in training some of them zero and the others larger."""
        del weights
        if step is None:
            return x
        shape = (tf.shape(x)[1], x.shape[2])
        rates = step.settings[f"{self.name}.rate"]
        kept = uniform(step.seeds, self.index, step.steps, shape, self._columns(shape[1])) >= rates
        return tf.where(kept, x / (1.0 - rates), 0.0)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the activations: in prediction nothing is dropped."""
        return x, {}

    def _columns(self, features: int) -> tf.Tensor | None:
        if self.embedded is None:
            return None
        return tf.constant([*range(features - self.embedded), *range(-self.embedded, 0)], tf.int32)

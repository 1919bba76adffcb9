"""Clamp block: predictions within the range of the training target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import LayerBlock

__all__ = ["Clamp"]


@dataclass(frozen=True)
class Clamp(LayerBlock):
    """Limits of the outputs at prediction: the range of the member's training targets (arXiv:2407.04491).

    Training is without limits, as their gradient would be zero.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    outputs : int
        Number of output units.
    """

    name: str
    outputs: int

    @property
    def weights(self) -> dict[str, Weight]:
        """Least and greatest target, each of shape (1, outputs); not trained."""
        return {name: Weight(1, self.outputs, trained=False) for name in ("low", "high")}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return limits without effect; those of the targets are learned (`tabular_dl.nn.learned_start`)."""
        limit = np.finfo("float32").max
        return [np.full((len(rows), self.outputs), -limit if weight == "low" else limit, "float32")] * len(seeds)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the outputs; a prediction pass limits them."""
        return x if step is not None else tf.clip_by_value(x, weights["low"], weights["high"])

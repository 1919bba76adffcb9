"""Scaling block: a learned factor of each feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.keras_layer import LayerBlock

__all__ = ["Scaling"]


@dataclass(frozen=True)
class Scaling(LayerBlock):
    """Product of each feature with a learned factor, 1 at first, per member (arXiv:2407.04491, section 3).

    Trained by a larger rate than other weights, the factors weaken features without information.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    parts : (int, int, int)
        Number of features from continuous inputs, from other numeric inputs, and from embeddings of categories.
    length : int, default=1
        Number of features of each continuous input.

    Examples
    --------
    >>> factors = tf.constant([[[2.0], [3.0]]])
    >>> Scaling("scaling", (0, 2, 0)).forward(tf.ones((1, 1, 2)), {"factor": factors}).numpy()
    array([[[2., 3.]]], dtype=float32)
    """

    name: str
    parts: tuple[int, int, int]
    length: int = 1

    @property
    def weights(self) -> dict[str, Weight]:
        """Factor of each feature, a row each, as members may have fewer."""
        return {"factor": Weight(sum(self.parts), 1, group="scaling")}

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the rows of the member's features."""
        return {"factor": own_features(self.parts, self.length, inputs)}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Return ones."""
        del weight
        return [np.ones((len(rows), 1), "float32")] * len(seeds)

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the features times their factors."""
        del step
        return x * tf.linalg.matrix_transpose(weights["factor"])


def own_features(parts: tuple[int, int, int], length: int, inputs: OwnInputs) -> np.ndarray:
    """Return the numbers of a member's features among those of a population, after all embeddings.

    Parameters
    ----------
    parts : (int, int, int)
        Number of features from continuous inputs, from other numeric inputs, and from embeddings of categories.
    length : int
        Number of features of each continuous input.
    inputs : OwnInputs
        Inputs of the member.

    Returns
    -------
    ndarray of int
        Numbers of features.

    Examples
    --------
    >>> own_features((4, 2, 3), 2, OwnInputs(2, (5,), continuous=1)).tolist()
    [0, 1, 4, 6, 7, 8]
    """
    numeric = inputs.columns(parts[0] // length, length)
    return np.concatenate([numeric, np.arange(parts[0] + parts[1], sum(parts))])

"""Embeddings block: vectors of categories in place of their codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, OwnInputs, TrainingStep, Weight
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import MASKING_STREAM, uniform

__all__ = ["Embeddings"]


@dataclass(frozen=True)
class Embeddings(Block):
    """Learned vectors of the categories of some columns, per member: ``outputs[k] = table[k][codes]``.

    Embeddings of categories are from Guo & Berkhahn, 2016, arXiv:1604.06737. Code 0 is the unknown category. Training
    replaces a code by 0 with the member's masking probability, so that the unknown vector is learned too.

    Training looks vectors up by a product with one-hot rows, whose gradient is a product as well; the gradient of a
    gather is a scatter, a serial loop under XLA. Prediction uses a gather, which needs no memory for one-hot rows.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    numeric : int
        Number of leading numeric inputs; the codes come after them, one column per embedding.
    sizes : tuple of (categories, units)
        Number of codes, including the unknown category, and length of the vectors of each embedding.
    normal : bool, default=False
        Whether vectors are drawn from a standard normal distribution, instead of uniformly between -0.05 and 0.05.
    """

    name: str
    numeric: int
    sizes: tuple[tuple[int, int], ...]
    normal: bool = False

    @property
    def weights(self) -> dict[str, Weight]:
        """Table of shape (categories, units) of each embedding."""
        return {f"table_{index}": Weight(*size, group="embedding") for index, size in enumerate(self.sizes)}

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the tables' rows of the member's categories."""
        return {f"table_{index}": np.arange(count) for index, count in enumerate(inputs.categories)}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw vectors uniformly between -0.05 and 0.05, as Keras's Embedding does, or from a normal distribution."""
        index = int(weight.removeprefix("table_"))
        shape = (len(rows), self.sizes[index][1])
        generators = [np.random.default_rng([seed, 3, index]) for seed in seeds]
        if self.normal:
            return [generator.normal(size=shape) for generator in generators]
        return [generator.uniform(-0.05, 0.05, shape) for generator in generators]

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's probability of replacing a code by 0."""
        return {"masking": members.masking}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return numeric inputs and vectors, of shape (P, rows, numeric + units of all embeddings)."""
        parts = [self._vectors(x, index, weights[f"table_{index}"], step) for index in range(len(self.sizes))]
        if self.numeric:
            shape = (tf.shape(parts[0])[0], tf.shape(x)[1], self.numeric)
            parts.insert(0, tf.broadcast_to(x[:, :, : self.numeric], shape))
        return tf.concat(parts, axis=2)

    def _vectors(self, x: tf.Tensor, index: int, table: tf.Tensor, step: TrainingStep | None) -> tf.Tensor:
        codes = x[:, :, self.numeric + index]
        if step is None:
            numbers = tf.cast(codes, tf.int32)
            numbers = tf.broadcast_to(numbers, (tf.shape(table)[0], tf.shape(numbers)[1]))
            return tf.gather(table, numbers, batch_dims=1)
        shape = (tf.shape(x)[1], 1)
        masking = step.settings[f"{self.name}.masking"]
        kept = uniform(step.seeds, MASKING_STREAM + index, step.steps, shape) >= masking
        codes = tf.where(kept[:, :, 0], codes, 0.0)
        return tf.matmul(tf.one_hot(tf.cast(codes, tf.int32), self.sizes[index][0]), table)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Embedding` per column, and append the vectors to the numeric inputs."""
        parts = [x[:, : self.numeric]] if self.numeric else []
        variables = {}
        for index, (categories, units) in enumerate(self.sizes):
            layer = keras.layers.Embedding(categories, units)
            parts.append(layer(x[:, self.numeric + index]))
            variables[f"table_{index}"] = layer.embeddings
        return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0], variables

"""The shift block, for images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep
from tabular_dl.nn.members import Members
from tabular_dl.nn.random_numbers import SHIFT_STREAM, uniform

__all__ = ["Shift"]


@dataclass(frozen=True)
class Shift(Block):
    """Small shifts of images in training, with a range and a stream for each member.

    Each image of a batch moves by whole pixels, ``dy`` down and ``dx`` to the right, both uniform on the whole numbers
    from ``-range`` to ``range``, and zeros come in from the edge::

        outputs[r, c] = inputs[r - dy, c - dx]        0 where there is no such pixel

    Every shift is a slice at a fixed place, of which each image takes its own: a gather of single pixels would be a
    serial loop under XLA.

    Parameters
    ----------
    name : str
        Unique in its network.
    height, width : int
        Of an image, in pixels; the leading ``height x width`` inputs are an image, row by row.
    most : int
        The largest range of any member, in pixels.
    """

    name: str
    height: int
    width: int
    most: int

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return the most pixels by which images of each member move."""
        return {"range": members.shift}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the inputs, in training with shifted images."""
        del weights
        if step is None:
            return x
        pixels, rows = self.height * self.width, tf.shape(x)[1]
        most = step.settings[f"{self.name}.range"]
        drawn = uniform(step.seeds, SHIFT_STREAM, step.steps, (rows, 2))
        # A number just below 1 times the count may be rounded up to the count.
        moves = tf.minimum(tf.floor(drawn * (2.0 * most + 1.0)), 2.0 * most) - most
        images = tf.reshape(x[:, :, :pixels], (-1, rows, self.height, self.width))
        images = self._moved(images, moves[:, :, 0, None, None], 2)
        images = self._moved(images, moves[:, :, 1, None, None], 3)
        images = tf.reshape(images, (-1, rows, pixels))
        if x.shape[2] == pixels:
            return images
        codes = tf.broadcast_to(x[:, :, pixels:], (tf.shape(images)[0], rows, x.shape[2] - pixels))
        return tf.concat([images, codes], axis=2)

    def _moved(self, images: tf.Tensor, by: tf.Tensor, axis: int) -> tf.Tensor:
        """Move (P or 1, rows, height, width) along an axis by (P, rows, 1, 1) pixels."""
        size = images.shape[axis]
        padded = tf.pad(images, [[self.most, self.most] if each == axis else [0, 0] for each in range(4)])
        moved = images
        for move in (*range(-self.most, 0), *range(1, self.most + 1)):
            places = slice(self.most - move, self.most - move + size)
            part = padded[:, :, places] if axis == 2 else padded[:, :, :, places]
            moved = tf.where(by == float(move), part, moved)
        return moved

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the inputs: in prediction nothing moves."""
        return x, {}

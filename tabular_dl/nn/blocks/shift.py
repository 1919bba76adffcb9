"""Shift block, for images."""

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
    """Random shifts of images in training, with a range and a stream per member.

    Each image of a batch moves by ``dy`` pixels down and ``dx`` pixels to the right, both uniform on the whole numbers
    from ``-range`` to ``range``::

        outputs[r, c] = inputs[r - dy, c - dx]        0 where there is no such pixel

    All possible shifts are computed as slices, and each image selects one: a gather of single pixels would be a serial
    loop under XLA.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    height, width : int
        Size of an image in pixels; the leading ``height x width`` inputs are the pixels of an image, row by row.
    most : int
        Largest range of any member, in pixels.
    """

    name: str
    height: int
    width: int
    most: int

    def settings(self, members: Members) -> dict[str, np.ndarray]:
        """Return each member's range in pixels."""
        return {"range": members.shift}

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the inputs; a training pass shifts the images."""
        del weights
        if step is None:
            return x
        pixels, rows = self.height * self.width, tf.shape(x)[1]
        limits = step.settings[f"{self.name}.range"]
        drawn = uniform(step.seeds, SHIFT_STREAM, step.steps, (rows, 2))
        # Rounding may turn the product of the count and a number just below 1 into the count.
        moves = tf.minimum(tf.floor(drawn * (2.0 * limits + 1.0)), 2.0 * limits) - limits
        images = tf.reshape(x[:, :, :pixels], (-1, rows, self.height, self.width))
        images = self._move(images, moves[:, :, 0, None, None], 2)
        images = self._move(images, moves[:, :, 1, None, None], 3)
        images = tf.reshape(images, (-1, rows, pixels))
        if x.shape[2] == pixels:
            return images
        codes = tf.broadcast_to(x[:, :, pixels:], (tf.shape(images)[0], rows, x.shape[2] - pixels))
        return tf.concat([images, codes], axis=2)

    def _move(self, images: tf.Tensor, pixels: tf.Tensor, axis: int) -> tf.Tensor:
        """Move images (P or 1, rows, height, width) along an axis by (P, rows, 1, 1) pixels."""
        size = images.shape[axis]
        padded = tf.pad(images, [[self.most, self.most] if number == axis else [0, 0] for number in range(4)])
        moved = images
        for move in (*range(-self.most, 0), *range(1, self.most + 1)):
            window = slice(self.most - move, self.most - move + size)
            part = padded[:, :, window] if axis == 2 else padded[:, :, :, window]
            moved = tf.where(pixels == float(move), part, moved)
        return moved

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Return the inputs: prediction does not shift images."""
        return x, {}

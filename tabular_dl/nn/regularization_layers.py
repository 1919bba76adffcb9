"""Keras layers that change what passes through them at random, in training only, each member by its own stream.

In prediction they do nothing. Each draws by member, step and place (`tabular_dl.nn.random_numbers`), so that a member's
masks are the same in any population.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tabular_dl.nn.layers import MemberLayer
from tabular_dl.nn.random_numbers import NOISE_STREAM, SHIFT_STREAM, normal, uniform

__all__ = ["MemberDropout", "MemberNoise", "MemberShift"]


@keras.saving.register_keras_serializable("tabular_dl")
class MemberDropout(MemberLayer):
    """Inverted dropout with a rate and a stream of masks for each member.

    In training an activation is kept with probability ``1 - rate`` and then divided by ``1 - rate``, which leaves its
    expectation unchanged; in prediction nothing happens (Srivastava et al., 2014, JMLR 15).

    Keras's own Dropout draws from a stateful generator, which the members would share, and which XLA on a CPU runs 20
    to 40 times slower than the rest of a step.

    Parameters
    ----------
    members : int
        P, the number of networks.
    index : int
        The layer's number in its network; layers of one network drop independently of each other.
    embedded : int or None
        None for a hidden layer. For the inputs: how many of the last features come from embeddings. They stand behind
        as many numbers as the widest member has, so they count from the end, and numbers from the start: the masks of a
        member are those that it would have alone.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Attributes
    ----------
    rates : Variable of shape (P, 1, 1)
        The probability with which an activation is dropped.
    seeds : Variable of shape (P, 1, 1), uint32
        The members' seeds.
    """

    def __init__(self, members: int, index: int, embedded: int | None = None, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.index, self.embedded = index, embedded

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the members' rates (zero) and seeds (zero)."""
        del input_shape
        self.rates = self._setting("rates")
        self.seeds = self._setting("seeds", "uint32")

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Drop activations of step ``steps``, of shape (P, 1, 1) and type uint32; None is prediction."""
        if steps is None:
            return inputs
        shape = (tf.shape(inputs)[1], inputs.shape[2])
        rates = self.rates.value
        kept = uniform(self.seeds.value, self.index, steps, shape, self._columns(shape[1])) >= rates
        return tf.where(kept, inputs / (1.0 - rates), 0.0)

    def _columns(self, features: int) -> Any:
        if self.embedded is None:
            return None
        return tf.constant([*range(features - self.embedded), *range(-self.embedded, 0)], tf.int32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "index": self.index, "embedded": self.embedded}


@keras.saving.register_keras_serializable("tabular_dl")
class MemberNoise(MemberLayer):
    """Gaussian noise on the inputs in training, with a standard deviation and a stream for each member.

    The zero columns that fill up a member whose own matrix is narrower stay zero, so that they teach it nothing.

    Parameters
    ----------
    members : int
        P, the number of networks.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Attributes
    ----------
    rates : Variable of shape (P, 1, 1)
        The standard deviation of the noise.
    widths : Variable of shape (P, 1, 1)
        How many of the inputs a member really has.
    seeds : Variable of shape (P, 1, 1), uint32
        The members' seeds.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the members' standard deviations (zero), widths (zero) and seeds (zero)."""
        del input_shape
        self.rates = self._setting("rates")
        self.widths = self._setting("widths")
        self.seeds = self._setting("seeds", "uint32")

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Add noise of step ``steps``, of shape (P, 1, 1) and type uint32; None is prediction."""
        if steps is None:
            return inputs
        shape = (tf.shape(inputs)[1], inputs.shape[2])
        columns = tf.range(shape[1])
        own = tf.cast(columns, tf.float32) < self.widths.value
        noise = normal(self.seeds.value, NOISE_STREAM, steps, shape, columns)
        return inputs + tf.where(own, self.rates.value, 0.0) * noise


@keras.saving.register_keras_serializable("tabular_dl")
class MemberShift(MemberLayer):
    """Small shifts of images in training, with a range and a stream for each member.

    Each image of a batch moves by whole pixels, ``dy`` down and ``dx`` to the right, both uniform on the whole numbers
    from ``-rate`` to ``rate``, and zeros come in from the edge::

        outputs[r, c] = inputs[r - dy, c - dx]        0 where there is no such pixel

    Parameters
    ----------
    members : int
        P, the number of networks.
    height, width : int
        Of an image, in pixels.
    most : int
        The largest rate of any member.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Attributes
    ----------
    rates : Variable of shape (P, 1, 1)
        By how many pixels an image moves at most.
    seeds : Variable of shape (P, 1, 1), uint32
        The members' seeds.

    Notes
    -----
    Input and output ``(P or 1, rows, height x width)``, images row by row. Every shift is a slice at a fixed place, of
    which each image takes its own: a gather of single pixels would be a serial loop under XLA.
    """

    def __init__(self, members: int, height: int, width: int, most: int, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.height, self.width, self.most = height, width, most

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the members' ranges (zero) and seeds (zero)."""
        del input_shape
        self.rates = self._setting("rates")
        self.seeds = self._setting("seeds", "uint32")

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Shift images in step ``steps``, of shape (P, 1, 1) and type uint32; None is prediction."""
        if steps is None:
            return inputs
        rows, rates = tf.shape(inputs)[1], self.rates.value
        drawn = uniform(self.seeds.value, SHIFT_STREAM, steps, (rows, 2))
        # A number just below 1 times the count may be rounded up to the count.
        moves = tf.minimum(tf.floor(drawn * (2.0 * rates + 1.0)), 2.0 * rates) - rates
        images = tf.reshape(inputs, (-1, rows, self.height, self.width))
        images = self._moved(images, moves[:, :, 0, None, None], 2)
        images = self._moved(images, moves[:, :, 1, None, None], 3)
        return tf.reshape(images, (-1, rows, self.height * self.width))

    def _moved(self, images: Any, by: Any, axis: int) -> Any:
        """Move (P or 1, rows, height, width) along an axis by (P, rows, 1, 1) pixels."""
        size = images.shape[axis]
        padded = tf.pad(images, [[self.most, self.most] if each == axis else [0, 0] for each in range(4)])
        moved = images
        for move in (*range(-self.most, 0), *range(1, self.most + 1)):
            places = slice(self.most - move, self.most - move + size)
            part = padded[:, :, places] if axis == 2 else padded[:, :, :, places]
            moved = tf.where(by == float(move), part, moved)
        return moved

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width, "most": self.most}

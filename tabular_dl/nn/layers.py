"""Keras layers that hold P networks side by side.

Every weight has three axes, ``(member, in, out)``, also where one of them has length 1: a bias is ``(member, 1, out)``.
So whatever belongs to a member (a rate, a mask, a step count) has the shape ``(member, 1, 1)``, and meets every weight
by plain broadcasting. Activations are ``(member, row, feature)``; no operation here mixes two members.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["MemberDense", "MemberDropout"]


@keras.saving.register_keras_serializable("tabular_dl")
class MemberDense(keras.layers.Layer):
    """A dense layer for each member: ``outputs[k] = inputs[k] @ kernel[k] + bias[k]``.

    Weights start at zero; the engine assigns each member's own initial weights.

    Parameters
    ----------
    members : int
        P, the number of networks.
    units : int
        Width of the output.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Notes
    -----
    Input ``(P or 1, rows, features)``, output ``(P, rows, units)``.
    Kernel ``(P, features, units)``, bias ``(P, 1, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> layer = MemberDense(members=2, units=1)
    >>> outputs = layer(np.ones((2, 3, 4), "float32"))
    >>> layer.set_weights([np.ones((2, 4, 1)), np.array([[[0.0]], [[10.0]]])])
    >>> layer(np.ones((2, 3, 4), "float32")).numpy()[:, 0, 0]
    array([ 4., 14.], dtype=float32)
    """

    def __init__(self, members: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernel and bias for inputs of this shape."""
        features = input_shape[-1]
        self.kernel = self.add_weight(shape=(self.members, features, self.units), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(self.members, 1, self.units), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return each member's outputs."""
        return keras.ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(P, rows, units)``."""
        return (self.members, input_shape[1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "members": self.members, "units": self.units}


@keras.saving.register_keras_serializable("tabular_dl")
class MemberDropout(keras.layers.Layer):
    """Inverted dropout with a rate and a stream of masks for each member.

    In training an activation is kept with probability ``1 - rate`` and then divided by ``1 - rate``, which leaves its
    expectation unchanged; in prediction nothing happens (Srivastava et al., 2014, JMLR 15).

    A mask is a hash of (member's seed, member's step, layer, position), so member k drops the same activations
    whatever the population around it. Keras's own Dropout draws from a stateful generator, which the members would
    share, and which XLA on a CPU runs 20 to 40 times slower than the rest of a step.

    Parameters
    ----------
    members : int
        P, the number of networks.
    index : int
        The layer's number in its network; layers of one network drop independently of each other.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Attributes
    ----------
    rates : Variable of shape (P, 1, 1)
        The probability with which an activation is dropped.
    seeds : Variable of shape (P, 1, 1), uint32
        The members' seeds.
    """

    def __init__(self, members: int, index: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members
        self.index = index

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the members' rates (zero) and seeds (zero)."""
        del input_shape
        shape = (self.members, 1, 1)
        self.rates = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="rates")
        self.seeds = self.add_weight(shape=shape, initializer="zeros", trainable=False, dtype="uint32", name="seeds")

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Drop activations of step ``steps``, of shape (P, 1, 1) and type uint32; None is prediction."""
        if steps is None:
            return inputs
        rows, features = tf.shape(inputs)[1], inputs.shape[2]
        key = _mix(_mix(self.seeds.value + tf.constant(0x9E3779B9 * (self.index + 1) % 2**32, tf.uint32)) + steps)
        position = tf.cast(tf.reshape(tf.range(rows * features), (1, rows, features)), tf.uint32)
        # The upper 24 bits, as a float32 holds them exactly: uniform on [0, 1).
        uniform = (
            tf.cast(tf.bitwise.right_shift(_mix(key + position), tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24
        )
        rates = self.rates.value
        return tf.where(uniform >= rates, inputs / (1.0 - rates), 0.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "members": self.members, "index": self.index}


def _mix(x: Any) -> Any:
    """Scramble uint32 numbers by the finaliser of MurmurHash3 (A. Appleby, 2011, public domain)."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32)))
    x *= tf.constant(0x85EBCA6B, tf.uint32)
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(13, tf.uint32)))
    x *= tf.constant(0xC2B2AE35, tf.uint32)
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32)))

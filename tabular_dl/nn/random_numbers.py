"""Random numbers in a compiled program: a stream per member, which does not depend on the population.

A number is a hash of (member's seed, layer, member's step, position). There is no shared generator, so member k gets
the same numbers alone, in any population, and in any order of the members.
"""

from __future__ import annotations

import math

import tensorflow as tf

__all__ = ["MASKING_STREAM", "NOISE_STREAM", "SHIFT_STREAM", "input_numbers", "normal", "uniform"]

# Streams of dropout layers are numbered from 0; noise, masking of embeddings and shifts have separate streams.
NOISE_STREAM = 1 << 20
MASKING_STREAM = 1 << 22
SHIFT_STREAM = 1 << 23

# Rows and features; the number of rows may only be known when a program runs.
Shape = tuple[int | tf.Tensor, int]
# Number of the first feature of continuous inputs: far from those of others.
CONTINUOUS = 1 << 28
GOLDEN = 0x9E3779B9  # 2**32 divided by the golden ratio: spreads small integers over all bits


def uniform(
    seeds: tf.Tensor, layer: int, steps: tf.Tensor, shape: Shape, columns: tf.Tensor | None = None
) -> tf.Tensor:
    """Return random numbers uniform on [0, 1).

    Parameters
    ----------
    seeds, steps : Tensor of shape (P, 1, 1), uint32
        Seed of each member, and number of its updates so far.
    layer : int
        Number of the network's stream.
    shape : (rows, features)
        Shape of each member's random numbers.
    columns : Tensor of shape (features,), int32, optional
        Number that identifies each feature. Random numbers then depend on the row and on this number instead of on the
        number of features, of which a member may have fewer alone.

    Returns
    -------
    Tensor of shape (P, rows, features), float32
        Random numbers of each member.

    Examples
    --------
    >>> seeds, steps = tf.constant([[[1]], [[2]]], tf.uint32), tf.zeros((2, 1, 1), tf.uint32)
    >>> numbers = uniform(seeds, 0, steps, (1000, 10)).numpy()
    >>> numbers.shape, bool(abs(numbers.mean() - 0.5) < 0.01)
    ((2, 1000, 10), True)
    """
    rows, features = shape
    if columns is None:
        positions = tf.cast(tf.reshape(tf.range(rows * features), (1, rows, features)), tf.uint32)
    else:
        # Multiples of this constant are as far apart as possible: positions differ while rows x features is below 1e9.
        starts = tf.cast(tf.range(rows), tf.uint32) * tf.constant(GOLDEN, tf.uint32)
        positions = (starts[:, None] + tf.cast(columns, tf.uint32))[None]
    key = _mix(_mix(seeds + tf.constant(GOLDEN * (layer + 1) % 2**32, tf.uint32)) + steps)
    # Positions are mixed first: otherwise two keys that are close together would give shifted copies.
    bits = _mix(tf.bitwise.bitwise_xor(key, _mix(positions)))
    # The upper 24 bits: a float32 holds them exactly.
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def normal(seeds: tf.Tensor, layer: int, steps: tf.Tensor, shape: Shape, columns: tf.Tensor | None = None) -> tf.Tensor:
    """Return standard normal random numbers, by the transform of Box and Muller (1958).

    Parameters
    ----------
    seeds, layer, steps, shape, columns
        As for `uniform`.

    Returns
    -------
    Tensor of shape (P, rows, features), float32
        Random numbers of each member.
    """
    radius = tf.sqrt(-2.0 * tf.math.log(1.0 - uniform(seeds, 2 * layer, steps, shape, columns)))
    return radius * tf.cos(2.0 * math.pi * uniform(seeds, 2 * layer + 1, steps, shape, columns))


def input_numbers(continuous: int, others: int, embedded: int = 0) -> tf.Tensor:
    """Return numbers that identify a member's inputs whatever the population: each part is numbered by itself.

    Parameters
    ----------
    continuous, others : int
        Number of features of continuous inputs, and of the other numeric inputs.
    embedded : int, default=0
        Number of features of embeddings of categories.

    Returns
    -------
    Tensor of shape (features,), int32
        Numbers for `uniform` and `normal`.

    Examples
    --------
    >>> input_numbers(0, 2, 1).numpy().tolist()
    [0, 1, -1]
    """
    first = range(CONTINUOUS, CONTINUOUS + continuous)
    return tf.constant([*first, *range(others), *range(-embedded, 0)], tf.int32)


def _mix(x: tf.Tensor) -> tf.Tensor:
    """Scramble uint32 numbers by the finaliser of MurmurHash3 (A. Appleby, 2011, public domain)."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32)))
    x *= tf.constant(0x85EBCA6B, tf.uint32)
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(13, tf.uint32)))
    x *= tf.constant(0xC2B2AE35, tf.uint32)
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32)))

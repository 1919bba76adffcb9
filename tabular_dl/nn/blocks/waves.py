"""Sines and cosines of numbers of turns, fast enough for training."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["cosine", "sine"]

# Degree of the polynomials: their error, below 1e-7, is that of float32.
DEGREE = 8


def _fitted(function: Callable[[np.ndarray], np.ndarray]) -> list[float]:
    """Return coefficients, the constant first, of a function of the square of a turn between -1/2 and 1/2."""
    chebyshev = np.polynomial.Chebyshev.interpolate(lambda squares: function(np.sqrt(squares)), DEGREE, [0.0, 0.25])
    return [float(value) for value in chebyshev.convert(kind=np.polynomial.Polynomial).coef]


_COSINE = _fitted(lambda turns: np.cos(2.0 * np.pi * turns))
_SINE = _fitted(lambda turns: 2.0 * np.pi * np.sinc(2.0 * turns))  # sin(2 pi r) / r


def _polynomial(coefficients: list[float], x: tf.Tensor) -> tf.Tensor:
    value = tf.fill(tf.shape(x), tf.cast(coefficients[-1], x.dtype))
    for coefficient in coefficients[-2::-1]:
        value = value * x + tf.cast(coefficient, x.dtype)
    return value


def _rest(turns: tf.Tensor) -> tf.Tensor:
    return turns - tf.round(turns)


@tf.custom_gradient
def _cosine(turns: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    rest = _rest(turns)
    square = rest * rest
    return _polynomial(_COSINE, square), lambda above: -2.0 * math.pi * rest * _polynomial(_SINE, square) * above


@tf.custom_gradient
def _sine(turns: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    rest = _rest(turns)
    square = rest * rest
    return rest * _polynomial(_SINE, square), lambda above: 2.0 * math.pi * _polynomial(_COSINE, square) * above


def cosine(turns: tf.Tensor, *, exact: bool) -> tf.Tensor:
    """Return ``cos(2 pi turns)``.

    XLA calls the C library for each cosine on a CPU, which takes seven times as long as the rest of an embedding. In
    training, whole turns are subtracted and a polynomial is computed instead, and so is the gradient.

    Parameters
    ----------
    turns : Tensor
        Numbers of turns.
    exact : bool
        Whether to use TensorFlow's function instead of the polynomial.

    Returns
    -------
    Tensor
        Cosines, within 1e-6 of the exact ones.

    Examples
    --------
    >>> cosine(tf.constant([0.0, 0.25, 1.5]), exact=False).numpy().round(6) + 0.0
    array([ 1.,  0., -1.], dtype=float32)
    """
    return tf.cos(2.0 * math.pi * turns) if exact else _cosine(turns)


def sine(turns: tf.Tensor, *, exact: bool) -> tf.Tensor:
    """Return ``sin(2 pi turns)``, as `cosine` does.

    Parameters
    ----------
    turns : Tensor
        Numbers of turns.
    exact : bool
        Whether to use TensorFlow's function instead of the polynomial.

    Returns
    -------
    Tensor
        Sines, within 1e-6 of the exact ones.
    """
    return tf.sin(2.0 * math.pi * turns) if exact else _sine(turns)

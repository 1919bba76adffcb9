"""Focal losses (arXiv:1708.02002): cross-entropies in which rows that are predicted well count little.

A row whose class has the probability p has the loss ``(1 - p) ** gamma * -log(p)``. The values are those of Keras.
Keras computes them from probabilities, whose gradient is 0 where a network is sure and wrong, and NaN for a gamma below
1 where it is sure and right; from logits, they are finite and right everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import ops

__all__ = ["FOCAL", "focal_loss"]

SMALLEST = 1e-30  # of the share that a row counts: the slope of a power below 1 is infinite at 0
CONSTANT = 0.25  # factor of Keras's loss of several classes


def focal_loss(
    name: str, settings: Mapping[str, float]
) -> tuple[Callable[[tf.Tensor, tf.Tensor], tf.Tensor], Callable[[tf.Tensor, tf.Tensor], tf.Tensor]]:
    """Return a focal loss as a function of targets and probabilities, and as one of targets and logits.

    Parameters
    ----------
    name : str
        Keras's name, a key of `FOCAL`.
    settings : mapping of str to float
        ``gamma``, 2 by default; for two classes also ``alpha``, the weight of the class 1, where that of the class 0 is
        ``1 - alpha``.

    Returns
    -------
    of_predictions, of_logits : callable
        Functions of targets (..., units) and probabilities or logits (..., units) that return a value a row, (...).

    Examples
    --------
    >>> y, logits = tf.constant([[1.0], [0.0]]), tf.constant([[2.0], [1.0]])
    >>> of_predictions, of_logits = focal_loss("binary_focal_crossentropy", {"gamma": 3.0})
    >>> losses = of_logits(y, logits), of_predictions(y, tf.sigmoid(logits))
    >>> [[f"{value:.4f}" for value in loss.numpy()] for loss in losses]
    [['0.0002', '0.5131'], ['0.0002', '0.5131']]
    """
    balancing = {"apply_class_balancing": True} if "alpha" in settings else {}
    return partial(getattr(keras.losses, name), **settings, **balancing), partial(FOCAL[name], **settings)


def _binary(y: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0, alpha: float | None = None) -> tf.Tensor:
    wrong = y * ops.sigmoid(-logits) + (1.0 - y) * ops.sigmoid(logits)
    weight = ops.power(ops.maximum(wrong, SMALLEST), gamma)
    if alpha is not None:
        weight *= y * alpha + (1.0 - y) * (1.0 - alpha)
    return ops.mean(weight * ops.binary_crossentropy(y, logits, from_logits=True), axis=-1)


def _categorical(y: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    wrong = ops.maximum(1.0 - ops.softmax(logits), keras.config.epsilon())
    return CONSTANT * ops.sum(ops.power(wrong, gamma) * -y * ops.log_softmax(logits), axis=-1)


# Functions of logits, by Keras's names.
FOCAL: dict[str, Callable[..., Any]] = {
    "binary_focal_crossentropy": _binary,
    "categorical_focal_crossentropy": _categorical,
}

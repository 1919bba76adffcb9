"""Check of a user's loss on a few rows, before networks are trained by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.errors import SpecError
from tabular_dl.nn.trials import check_alone, gradient_of, tried
from tabular_dl.nn.user_code import code_name

__all__ = ["check_loss"]


def check_loss(loss: Callable[..., Any], targets: np.ndarray, units: int, activation: str) -> None:
    """Raise an error for a user's loss that networks cannot be trained by, found with made-up predictions.

    Parameters
    ----------
    loss : callable
        Function of targets and predictions, float32 tensors of shape (rows, targets) and (rows, units), that returns a
        value for each row, (rows,).
    targets : ndarray of shape (rows, targets)
        A few coded targets.
    units : int
        Number of output units.
    activation : str
        Keras's name of the output activation.

    Raises
    ------
    SpecError
        If it does not return a finite number for each row, a row's value depends on other rows, it has no gradient with
        respect to predictions, or XLA cannot compile it. The message begins with "loss".

    Examples
    --------
    >>> check_loss(keras.losses.mean_squared_error, np.zeros((8, 1)), 1, "linear")
    >>> check_loss(lambda y, p: keras.ops.mean(p - y), np.zeros((8, 1)), 1, "linear")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: loss: ...<lambda> returned a tensor of shape () for 8 rows: expected shape (8,), ...
    """
    subject = f"loss: {code_name(loss)}"
    y = tf.constant(targets, tf.float32)
    numbers = np.random.default_rng(0).normal(size=(len(targets), units))
    predictions = keras.activations.get(activation)(tf.constant(numbers, tf.float32))

    def trial(y: tf.Tensor, predictions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            values = loss(y, predictions)
            _check_values(values, len(targets), subject)
        half = (len(targets) + 1) // 2
        parts = [loss(y[rows], predictions[rows]) for rows in (slice(half), slice(half, None)) if len(targets[rows])]
        return values, gradient_of(tape, values, [predictions], subject)[0], tf.concat(parts, axis=0)

    values, gradients, apart = tried(trial, [y, predictions], repr(loss), subject)
    for what, figures in (("value", values), ("gradient", gradients)):
        finite = np.isfinite(figures).reshape(len(figures), -1).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise SpecError(
                f"{subject} has the {what} {figures[row].tolist()} for target {targets[row].tolist()} and prediction "
                f"{predictions[row].numpy().tolist()}: expected finite numbers."
            )
    check_alone(values, apart, subject)
    if not gradients.any():
        raise SpecError(
            f"{subject} has the gradient 0 for each of {len(values)} rows, so that networks would learn nothing: "
            "compute it from the predictions by functions with a slope."
        )


def _check_values(values: Any, rows: int, subject: str) -> None:
    """Raise an error unless values are a tensor with a number for each row."""
    if not tf.is_tensor(values):
        raise SpecError(f"{subject} returned {type(values).__name__}: expected a tensor with a value for each row.")
    if values.shape.rank is None or values.shape.as_list() != [rows]:
        raise SpecError(
            f"{subject} returned a tensor of shape {values.shape} for {rows} rows: expected shape ({rows},), a value "
            "for each row, such as keras.ops.mean(..., axis=-1)."
        )
    if values.dtype != tf.float32:
        raise SpecError(
            f"{subject} returned numbers of type {values.dtype.name}: expected float32, the type of its arguments."
        )

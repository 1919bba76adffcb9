"""Loss, metrics and output activation of a program, as functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from tabular_dl.nn.focal_losses import FOCAL, focal_loss
from tabular_dl.nn.program_key import ProgramKey

__all__ = ["loss_and_metrics"]

# Metric or activation.
TensorFunction = Callable[..., tf.Tensor]
# Function of targets, outputs and smoothing that returns the loss and the smoothed loss.
LossFunction = Callable[[tf.Tensor, tf.Tensor, tf.Tensor | None], tuple[tf.Tensor, tf.Tensor]]


def loss_and_metrics(
    key: ProgramKey,
) -> tuple[LossFunction, TensorFunction, tuple[TensorFunction, ...], TensorFunction]:
    """Return the functions of loss, loss of predictions, metrics and output activation."""
    activation = keras.activations.get(key.network.output_activation)
    of_rows: TensorFunction
    if callable(key.loss):
        name, of_rows = "", partial(_of_members, key.loss)
    else:
        name, of_rows = key.loss, getattr(keras.losses, key.loss)
    of_logits: TensorFunction | None = None
    if name in FOCAL:
        of_rows, of_logits = focal_loss(name, dict(key.loss_settings))
    # Some functions are in `keras.losses` only, though they are metrics as well.
    metrics = tuple(getattr(keras.metrics, name, None) or getattr(keras.losses, name) for name in key.metrics)
    if "unknown_targets" in key.uses:
        of_rows, metrics = partial(_of_known, of_rows), tuple(partial(_of_known, metric) for metric in metrics)
        of_logits = None if of_logits is None else partial(_of_known, of_logits)
    # Cross-entropies are exact if computed before their activation.
    from_logits = name.endswith("crossentropy") and key.network.output_activation in ("sigmoid", "softmax")

    def compute(function: TensorFunction, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        if from_logits:
            return function(y, outputs, from_logits=True) if of_logits is None else of_logits(y, outputs)
        return function(y, activation(outputs))

    def loss(y: tf.Tensor, outputs: tf.Tensor, smoothing: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        value = compute(of_rows, y, outputs)
        if smoothing is None or not name.endswith("crossentropy"):
            return value, value
        if name.startswith("sparse"):
            one_hot = tf.one_hot(tf.cast(y[..., 0], tf.int32), key.network.outputs)
            targets = one_hot * (1.0 - smoothing) + smoothing / key.network.outputs
            return value, compute(keras.losses.categorical_crossentropy, targets, outputs)
        classes = key.network.outputs if name.startswith("categorical") else 2
        return value, compute(of_rows, y * (1.0 - smoothing) + smoothing / classes, outputs)

    return loss, of_rows, metrics, activation


def _of_known(function: TensorFunction, y: tf.Tensor, predicted: tf.Tensor, **options: bool) -> tf.Tensor:
    """Return the mean of a loss or metric over the targets that each row has, (P, rows); unknown ones are NaN."""
    has_target = tf.math.is_finite(y)
    # Gradients of values that are left out have to be finite as well, and so have the values.
    values = function(
        tf.where(has_target, y, 0.5)[..., None], tf.where(has_target, predicted, 0.5)[..., None], **options
    )
    count = tf.reduce_sum(tf.cast(has_target, values.dtype), axis=-1)
    return tf.reduce_sum(tf.where(has_target, values, 0.0), axis=-1) / tf.maximum(count, 1.0)


def _of_members(function: TensorFunction, y: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Return the values of a user's loss, (P, rows): it is given the rows of all members as those of one network."""
    values = function(tf.reshape(y, (-1, y.shape[-1])), tf.reshape(predicted, (-1, predicted.shape[-1])))
    return tf.reshape(values, tf.shape(predicted)[:2])

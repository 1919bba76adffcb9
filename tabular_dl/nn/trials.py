"""Trials of the user's functions: called once on a few made-up rows, compiled as training is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tabular_dl.errors import SpecError
from tabular_dl.nn.compiled_programs import record_programs
from tabular_dl.nn.tracing import numbered

__all__ = ["check_alone", "gradient_of", "tried"]

# Largest difference of a row's values among other rows, as a share of the largest value: that of rounding is smaller.
ROUNDING = 1e-4


def tried(
    function: Callable[..., Sequence[tf.Tensor]], tensors: Sequence[tf.Tensor], label: str, subject: str
) -> list[np.ndarray]:
    """Return the results of a function that XLA compiles.

    Parameters
    ----------
    function : callable
        Function of tensors that returns several.
    tensors : sequence of Tensor
        Arguments.
    label : str
        Text that identifies the function, the same in every process.
    subject : str
        Beginning of the message.

    Returns
    -------
    list of ndarray
        Results.

    Raises
    ------
    SpecError
        If XLA cannot compile it.
    """
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    with numbered(f"{label} {specs}"):
        traced = tf.function(function, jit_compile=True, autograph=False).get_concrete_function(*specs)
    try:
        results = [result.numpy() for result in traced(*tensors)]
    except tf.errors.OpError as error:
        reason = str(error.message).splitlines()[0][:300]
        raise SpecError(
            f"{subject} cannot be compiled by XLA, as training is: {reason} Write it with keras.ops."
        ) from None
    record_programs()
    return results


def gradient_of(tape: tf.GradientTape, values: tf.Tensor, sources: Any, subject: str) -> list[tf.Tensor]:
    """Return gradients of values that are summed with respect to each of several tensors.

    Raises
    ------
    SpecError
        If there is no gradient with respect to one of them.
    """
    try:
        gradients = tape.gradient(values, sources)
    except LookupError:  # an operation without a gradient
        gradients = [None]
    if any(gradient is None for gradient in gradients):
        raise SpecError(
            f"{subject} has no gradient, so that networks cannot learn by it: compute it by keras.ops that have one, "
            "without rounding or comparing."
        )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def check_alone(values: np.ndarray, apart: np.ndarray, subject: str) -> None:
    """Raise an error if the values of a row depend on other rows.

    Parameters
    ----------
    values, apart : ndarray of shape (rows, ...)
        Values of rows together, and of each half of the rows apart.
    subject : str
        Beginning of the message.

    Raises
    ------
    SpecError
        If they differ by more than rounding.
    """
    difference = np.abs(values - apart)
    if difference.max() > ROUNDING * np.abs(values).max():
        place = np.unravel_index(difference.argmax(), values.shape)
        raise SpecError(
            f"{subject} returned {values[place]:.6g} for a row among {len(values)}, and {apart[place]:.6g} for the "
            "same row among others: expected values that depend on their own row alone."
        )

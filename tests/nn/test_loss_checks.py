"""What a loss of the user has to be, and what is said of one that is not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops

from tabular_dl.errors import SpecError
from tabular_dl.nn.loss_checks import check_loss

TARGETS = np.linspace(-1.0, 1.0, 9)[:, None]


def error(y: Any, p: Any) -> Any:
    return ops.mean(ops.square(y - p), axis=-1)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (lambda y, p: ops.mean(error(y, p)), r"returned a tensor of shape \(\) for 9 rows: expected shape \(9,\)"),
        (lambda y, p: ops.square(y - p), r"returned a tensor of shape \(9, 1\) for 9 rows"),
        (lambda y, p: error(y, p)[1:], r"returned a tensor of shape \(8,\)"),
        (lambda *_: None, "returned NoneType: expected a tensor"),
        (lambda y, p: ops.cast(error(y, p), "float64"), "type float64: expected float32"),
        (lambda y, p: ops.log(y[:, 0]) * p[:, 0], r"has the value nan for target \[-1\.0\] and prediction \[0\.12"),
        (lambda y, p: ops.sqrt(0.0 * error(y, p)), "has the gradient .*nan.* for target"),
        (lambda y, p: ops.square(y - ops.stop_gradient(p))[:, 0], "has no gradient"),
        (lambda y, p: ops.cast(ops.round(p) == y, "float32")[:, 0], "has no gradient"),
        (lambda y, p: 0.0 * p[:, 0] + y[:, 0], "has the gradient 0 for each of 9 rows"),
        (lambda y, p: error(y, p) - ops.mean(error(y, p)), "for the same row among others: expected values that"),
        (lambda y, p: error(y, p)[::-1], "returned .* for a row among 9"),
        (lambda y, p: tf.ensure_shape(tf.numpy_function(np.abs, [p], "float32"), p.shape)[:, 0], "has no gradient"),
    ],
)
def test_a_loss_that_cannot_train_is_told_why(loss: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=re.compile(reason, re.DOTALL)) as refused:
        check_loss(loss, TARGETS, 1, "linear")
    assert re.match(r"loss: \S*test_loss_checks:<lambda> ", str(refused.value))


def test_a_loss_that_xla_cannot_compile_is_refused() -> None:
    def printed(y: Any, p: Any) -> Any:
        weight = tf.py_function(lambda: tf.constant(2.0), [], "float32")
        return tf.ensure_shape(weight, ()) * error(y, p)

    with pytest.raises(SpecError, match=r"cannot be compiled by XLA, as training is: .*EagerPyFunc"):
        check_loss(printed, TARGETS, 1, "linear")


@pytest.mark.parametrize(
    ("loss", "targets", "units", "activation"),
    [
        (losses.mean_squared_error, TARGETS, 1, "linear"),
        (losses.mean_absolute_error, TARGETS[:1], 1, "linear"),
        (losses.binary_crossentropy, TARGETS > 0, 1, "sigmoid"),
        (losses.categorical_crossentropy, np.eye(3), 3, "softmax"),
        (losses.huber, np.zeros((4, 2)), 2, "linear"),
    ],
)
def test_losses_of_keras_pass(loss: Any, targets: np.ndarray, units: int, activation: str) -> None:
    check_loss(loss, targets, units, activation)

"""What a block or an activation of the user has to be, and what is said of one that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tabular_dl.errors import SpecError
from tabular_dl.nn.block_checks import check_activation, plan_block


def block(declared: Any, forward: Any = lambda x, w: x @ w["kernel"]) -> type:
    """Return a class that declares weights."""

    class Own:
        def weights(self, features: int) -> Any:
            return declared(features) if callable(declared) else declared

        def forward(self, x: Any, weights: Any) -> Any:
            return forward(x, weights)

    return Own


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda _: None, "returned NoneType: expected a tensor with features of each row"),
        (lambda x: ops.sum(x, axis=1), r"returned a tensor of shape \(9,\) for 9 rows: expected \(9, outputs\)"),
        (lambda x: x[1:], r"returned a tensor of shape \(8, 4\)"),
        (lambda x: ops.cast(x, "float32"), "returned float32 for float64: expected the type of its inputs"),
        (lambda x: x - ops.mean(x, axis=0), "values that depend on their own row alone"),
        (lambda x: ops.round(x), "has no gradient"),
        (lambda x: ops.log(x), "has values that are not finite"),
        (lambda x: tf.ensure_shape(tf.py_function(np.abs, [x], x.dtype), x.shape), "cannot be compiled by XLA"),
        (block(None), "weights returned None: expected {name: .shape, initializer.}"),
        (block({}), "without weights, write a function"),
        (block({"kernel": "zeros"}), "'kernel' is 'zeros': expected a name with .shape, initializer."),
        (block({"kernel": ((2, 3, 4), "zeros")}), "at most two axes"),
        (block({"kernel": ((0, 4), "zeros")}), "'kernel' is"),
        (block({3: ((4, 4), "zeros")}), "3 is"),
        (block({"kernel": ((4, 4), "glorot")}), "there is no initializer 'glorot'. Did you mean 'glorot_"),
        (block(lambda n: {"kernel": ((n, 2), "he_normal"), "unused": (3, "ones")}), "has no gradient"),
    ],
)
def test_a_block_that_networks_cannot_be_made_of_is_told_why(code: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as refused:
        plan_block(code, 4)
    assert str(refused.value).startswith("blocks: ")


def test_what_a_network_knows_of_a_block() -> None:
    declared = block(lambda n: {"kernel": ((n, 2), "he_normal"), "shift": (2, "zeros")}, _shifted)
    code, outputs, shapes = plan_block(declared, 4)
    assert code is declared
    assert outputs == 2
    assert shapes == (("kernel", (4, 2), "he_normal"), ("shift", (2,), "zeros"))


def _shifted(x: Any, weights: Any) -> Any:
    return x @ weights["kernel"] + weights["shift"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda x: x[:, :2], "returned 2 features for 4: expected as many"),
        (
            block({"kernel": ((4, 4), "zeros")}),
            "expected a function of activations, found a class: name it under blocks",
        ),
    ],
)
def test_an_activation_returns_as_many_features(code: Any, reason: str) -> None:
    check_activation(ops.tanh, 4)
    with pytest.raises(SpecError, match=f"^activation: .*{reason}"):
        check_activation(code, 4)

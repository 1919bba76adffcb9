"""Checks of the user's blocks and activations on a few rows, before networks are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from tabular_dl.errors import SpecError, UserError, did_you_mean
from tabular_dl.nn.blocks.activation import Activation
from tabular_dl.nn.blocks.base import Block
from tabular_dl.nn.blocks.user_block import CONSTANTS, UserBlock
from tabular_dl.nn.choices import INITIALIZERS
from tabular_dl.nn.trials import check_alone, gradient_of, tried
from tabular_dl.nn.user_code import call_method, code_name, is_class

__all__ = ["check_activation", "plan_block"]

ROWS = 9  # made-up rows
SEEDS = (0, 1)  # members that a block is tried with
KNOWN = (*CONSTANTS, *(name for name in INITIALIZERS if name != "unit_variance"))

# Name, shape and initialiser of each weight.
Shapes = tuple[tuple[str, tuple[int, ...], str], ...]


@lru_cache(maxsize=32)
def plan_block(code: Callable[..., Any], features: int) -> tuple[Callable[..., Any], int, Shapes]:
    """Return the code, number of outputs and weights of a user's block, after trying it.

    Parameters
    ----------
    code : callable
        Function of activations (rows, features) that returns (rows, outputs), or class with methods
        ``weights(features)``, which returns ``{name: (shape, initializer)}``, and ``forward(x, weights)``.
    features : int
        Number of input features.

    Returns
    -------
    code : callable
        The same.
    outputs : int
        Number of output features.
    shapes : tuple of (name, shape, initializer)
        Weights.

    Raises
    ------
    SpecError
        If networks cannot be trained with the block, or predict by it; the message begins with "blocks".

    Examples
    --------
    >>> plan_block(tf.abs, 4)[1:]
    (4, ())
    """
    subject = f"blocks: {code_name(code)}"
    shapes = _shapes(call_method(code, "weights", features), subject) if is_class(code) else ()
    block = UserBlock("block", 0, code, features, shapes)
    return code, _check_block(block, block.of_network, features, subject), shapes


@lru_cache(maxsize=32)
def check_activation(code: Callable[..., Any], features: int) -> None:
    """Raise an error for a user's activation that networks cannot be trained with.

    Parameters
    ----------
    code : callable
        Function of activations (rows, features) that returns as many.
    features : int
        Number of features.

    Raises
    ------
    SpecError
        If they cannot; the message begins with "activation".
    """
    subject = f"activation: {code_name(code)}"
    if is_class(code):
        raise SpecError(f"{subject}: expected a function of activations, found a class: name it under blocks.")
    outputs = _check_block(Activation("activation", code), code, features, subject)
    if outputs != features:
        raise SpecError(f"{subject} returned {outputs} features for {features}: expected as many.")


def _shapes(declared: Any, subject: str) -> Shapes:
    """Return the weights that a block declares, checked."""
    if not isinstance(declared, Mapping) or not declared:
        raise SpecError(
            f"{subject}.weights returned {declared!r}: expected {{name: (shape, initializer)}}, such as "
            '{"kernel": ((features, 8), "glorot_uniform")}; without weights, write a function.'
        )
    return tuple((str(name), *_shape(name, value, subject)) for name, value in declared.items())


def _shape(name: object, value: Any, subject: str) -> tuple[tuple[int, ...], str]:
    """Return shape and initialiser of a weight."""
    valid = isinstance(name, str) and name.isidentifier() and isinstance(value, Sequence) and len(value) == 2
    shape, initializer = value if valid else ((), "")
    if valid and (isinstance(shape, bool) or not isinstance(shape, Sequence | int)):
        valid = False
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if not valid or len(sizes) > 2 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise SpecError(
            f"{subject}.weights: {name!r} is {value!r}: expected a name with (shape, initializer), where shape has at "
            'most two axes, such as ((4, 8), "glorot_uniform").'
        )
    if initializer not in KNOWN:
        raise SpecError(
            f"{subject}.weights: {name!r}: there is no initializer {initializer!r}. "
            f"{did_you_mean(str(initializer), KNOWN)}"
        )
    return sizes, str(initializer)


def _check_block(block: Block, of_network: Callable[..., Any], features: int, subject: str) -> int:
    """Try a block, and return its number of output features.

    Parameters
    ----------
    block : Block
        Block.
    of_network : callable
        Function of activations of one network, (rows, features), and the block's weights, that the block applies to
        each member.
    features : int
        Number of input features.
    subject : str
        Beginning of messages.
    """
    generator = np.random.default_rng(0)
    x = tf.constant(generator.normal(size=(len(SEEDS), ROWS, features)), tf.float32)
    weights = {
        name: tf.constant(np.stack(block.draw(name, np.arange(weight.inputs), SEEDS)), tf.float32)
        for name, weight in block.weights.items()
    }
    first = [tensor[0] for tensor in (x, *weights.values())]
    outputs = _outputs(of_network, first, subject)
    try:
        _outputs(of_network, [tf.cast(tensor, tf.float64) for tensor in first], subject)
    except UserError as error:
        raise SpecError(f"{error} Networks predict in float64, so code has to work for both types.") from None

    def forward(x: tf.Tensor, values: Sequence[tf.Tensor]) -> tf.Tensor:
        return block.forward(x, dict(zip(weights, values, strict=True)))

    def trial(x: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch([x, *values])
            result = forward(x, values)
        apart = tf.concat([forward(x[:, : ROWS // 2], values), forward(x[:, ROWS // 2 :], values)], axis=1)
        return result, apart, *gradient_of(tape, result, [x, *values], subject)

    values, apart, *gradients = tried(trial, [x, *weights.values()], f"{block!r} {features}", subject)
    for what, arrays in (("values", [values]), ("gradients", gradients)):
        if not all(np.isfinite(array).all() for array in arrays):
            raise SpecError(f"{subject} has {what} that are not finite for standard normal activations.")
    check_alone(np.moveaxis(values, 1, 0), np.moveaxis(apart, 1, 0), subject)
    return outputs


def _outputs(of_network: Callable[..., Any], tensors: Sequence[tf.Tensor], subject: str) -> int:
    """Return the number of features that a block makes of activations (rows, features), without computing them."""
    results: list[Any] = []
    traced = tf.function(lambda *arguments: results.append(of_network(*arguments)), autograph=False)
    traced.get_concrete_function(*tensors)
    (result,), dtype = results, tensors[0].dtype
    if not tf.is_tensor(result):
        raise SpecError(f"{subject} returned {type(result).__name__}: expected a tensor with features of each row.")
    if result.shape.rank != 2 or result.shape[0] != ROWS or not result.shape[1]:
        raise SpecError(
            f"{subject} returned a tensor of shape {result.shape} for {ROWS} rows: expected ({ROWS}, outputs)."
        )
    if result.dtype != dtype:
        raise SpecError(f"{subject} returned {result.dtype.name} for {dtype.name}: expected the type of its inputs.")
    return int(result.shape[1])

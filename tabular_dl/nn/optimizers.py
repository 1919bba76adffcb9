"""Keras's optimizers, with a learning rate, a weight decay and a step count for each member of a population.

Keras's update rules stay as they are. What is replaced is what they read and write: the learning rate and the number
of past steps become arrays of shape ``(member, 1, 1)``, which meet the stacked weights ``(member, in, out)`` by
broadcasting, and every write goes through a mask, so that a member that has stopped, or has no rows left in this
epoch, keeps its weights and its momenta to the last bit.

That is right for every rule that treats each weight by itself. Rules that look at a whole weight matrix at once (Muon,
LAMB, Adafactor: norms, factorisations) would mix the members, and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.errors import SpecError, did_you_mean

__all__ = ["OPTIMIZERS", "clipped", "make_optimizer"]

OPTIMIZERS: dict[str, type[keras.Optimizer]] = {
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "adamw": keras.optimizers.AdamW,
    "ftrl": keras.optimizers.Ftrl,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
WHOLE_MATRIX = ("adafactor", "lamb", "muon")

# Elsewhere Keras's own default stands: 0.01 for SGD, 0.001 for all others. Adagrad's steps only ever shrink.
DEFAULT_RATES = {"adagrad": 0.01}


class _MemberOptimizer:
    """A mixin by which a Keras optimizer treats the leading axis of its variables as members.

    Attributes
    ----------
    rates, decays : tf.Variable of shape (P, 1, 1)
        Learning rate and decoupled weight decay of each member.
    factors : tf.Variable of shape (P, 1, 1)
        Factors of the rates in this step, from schedule and plateau.
    steps : tf.Variable of shape (P, 1, 1)
        Number of updates that each member has had; exact up to 2**24.
    live : tf.Variable of shape (P, 1, 1), bool
        Whether the update under way is for a member.
    decaying : bool
        Whether any member has weight decay.
    """

    decaying = False

    def _give_members(self, members: int) -> None:
        shape = (members, 1, 1)
        rate = float(self._learning_rate.numpy())  # type: ignore[attr-defined]
        decay = float(self.weight_decay or 0.0)  # type: ignore[attr-defined]
        self.rates = tf.Variable(tf.fill(shape, rate), trainable=False)
        self.decays = tf.Variable(tf.fill(shape, decay), trainable=False)
        self.factors = tf.Variable(tf.ones(shape), trainable=False)
        self.steps = tf.Variable(tf.zeros(shape), trainable=False)
        self.live = tf.Variable(tf.ones(shape, tf.bool), trainable=False)

    @property
    def iterations(self) -> tf.Variable:
        """The members' own step counts, which the update rules read for their bias corrections."""
        return self.steps

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the state of the update rule, one for each member."""
        super().build(variables)  # type: ignore[misc]
        if hasattr(self, "_u_product"):  # Nadam's only state that is not shaped like a weight
            self._u_product = keras.Variable(np.ones((variables[0].shape[0], 1, 1)), dtype="float32")

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable] | None = None) -> None:
        """Update the live members, and count the step for them."""
        super().apply(gradients, variables)  # type: ignore[misc]
        self.steps.assign_add(tf.cast(self.live, tf.float32))

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """Update one stacked weight by the members' own rates, not by the optimizer's single one."""
        del learning_rate
        super().update_step(gradient, variable, self.rates * self.factors)  # type: ignore[misc]

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        # A pass over all weights, left out where no member asks for it.
        for variable in variables if self.decaying else ():
            self.assign_sub(variable, variable * self.decays * self.rates * self.factors)

    def assign(self, variable: keras.Variable, value: tf.Tensor) -> None:
        """Write the live members' values only."""
        super().assign(variable, tf.where(self.live, value, variable))  # type: ignore[misc]

    def assign_add(self, variable: keras.Variable, value: tf.Tensor) -> None:
        """Add to the live members' values only."""
        super().assign_add(variable, tf.where(self.live, value, 0.0))  # type: ignore[misc]

    def assign_sub(self, variable: keras.Variable, value: tf.Tensor) -> None:
        """Subtract from the live members' values only."""
        super().assign_sub(variable, tf.where(self.live, value, 0.0))  # type: ignore[misc]


@cache
def _member_class(name: str) -> type[keras.Optimizer]:
    return type(f"Member{OPTIMIZERS[name].__name__}", (_MemberOptimizer, OPTIMIZERS[name]), {})


def make_optimizer(
    name: str, variables: Sequence[keras.Variable], settings: Mapping[str, Any] | None = None, *, decaying: bool = False
) -> keras.Optimizer:
    """Return a Keras optimizer that updates the members of a population side by side.

    Parameters
    ----------
    name : str
        Keras's name of the optimizer, in lower case.
    variables : sequence of Variable of shape (P, in, out)
        The stacked weights that it will update.
    settings : mapping, optional
        Further arguments of the Keras optimizer, like ``{"momentum": 0.9}``.
    decaying : bool
        Whether any member has weight decay; AdamW always decays.

    Returns
    -------
    keras.Optimizer
        At the optimizer's default rate; assign ``rates``, ``decays`` and ``live``, of shape (P, 1, 1), for others.

    Raises
    ------
    SpecError
        If there is no such optimizer, or if its rule would mix the members.

    Examples
    --------
    >>> import keras, numpy as np
    >>> weight = keras.Variable(np.ones((2, 1, 1)), dtype="float32")
    >>> optimizer = make_optimizer("sgd", [weight])
    >>> optimizer.rates.assign([[[0.1]], [[0.5]]])
    <tf.Variable ...>
    >>> optimizer.apply([np.ones((2, 1, 1), "float32")])
    >>> weight.numpy().ravel()
    array([0.9, 0.5], dtype=float32)
    """
    if name in WHOLE_MATRIX:
        raise SpecError(
            f"optimizer: {name} looks at whole weight matrices, which would mix the members of a population. "
            f"Take one of: {', '.join(OPTIMIZERS)}."
        )
    if name not in OPTIMIZERS:
        raise SpecError(f"optimizer: {name!r} is not one that trains a population. {did_you_mean(name, OPTIMIZERS)}")
    rate = {"learning_rate": DEFAULT_RATES[name]} if name in DEFAULT_RATES else {}
    optimizer = _member_class(name)(**rate, **(settings or {}))
    optimizer._give_members(int(variables[0].shape[0]))
    optimizer.decaying = decaying or bool(optimizer.weight_decay)
    optimizer.build(variables)
    return optimizer


def clipped(gradients: Sequence[tf.Tensor], norms: tf.Tensor) -> list[tf.Tensor]:
    """Scale each member's gradients so that their common Euclidean norm does not exceed the member's bound.

    Parameters
    ----------
    gradients : sequence of Tensor of shape (P, in, out)
        One a weight.
    norms : Tensor of shape (P, 1, 1)
        The bounds; infinity does not clip.

    Returns
    -------
    list of Tensor

    Examples
    --------
    >>> [clip] = clipped([tf.constant([[[3.0, 4.0]], [[3.0, 4.0]]])], tf.constant([[[1.0]], [[10.0]]]))
    >>> clip.numpy()[:, 0].round(3).tolist()
    [[0.6..., 0.8...], [3.0, 4.0]]
    """
    squares = [tf.reduce_sum(tf.square(gradient), axis=(1, 2), keepdims=True) for gradient in gradients]
    norm = tf.sqrt(tf.add_n(squares))
    return [gradient * tf.minimum(1.0, norms / tf.maximum(norm, 1e-12)) for gradient in gradients]

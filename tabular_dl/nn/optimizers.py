"""Keras's optimizers, with a learning rate, a weight decay and a step count per member of a population.

Keras's update rules do not change, only the values that they read and write: the learning rate and the number of past
steps are arrays of shape ``(member, 1, 1)``, which broadcast to the stacked weights ``(member, in, out)``, and every
write is masked, so that a member that has stopped, or has no rows left in this epoch, keeps its weights and its momenta
bit for bit.

This is correct for every rule that treats each weight by itself. Rules that use a whole weight matrix (Muon, LAMB,
Adafactor: norms, factorisations) would mix the members, and raise an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, get_args

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.errors import SpecError, did_you_mean, listed
from tabular_dl.nn.choices import Optimizer

__all__ = ["OPTIMIZERS", "clipped", "make_optimizer"]

_KERAS_CLASSES = {name.lower(): value for name, value in vars(keras.optimizers).items() if isinstance(value, type)}
OPTIMIZERS: dict[str, type[keras.Optimizer]] = {name: _KERAS_CLASSES[name] for name in get_args(Optimizer)}
WHOLE_MATRIX = ("adafactor", "lamb", "muon")

# All others keep Keras's default: 0.01 for SGD, 0.001 otherwise, which is too low for Adagrad as its steps only shrink.
DEFAULT_RATES = {"adagrad": 0.01}


class _MemberOptimizer:
    """Mixin for Keras optimizers that treats the leading axis of variables as the member axis.

    Attributes
    ----------
    rates, decays : tf.Variable of shape (P, 1, 1)
        Learning rate and decoupled weight decay of each member.
    factors : tf.Variable of shape (P, 1, 1)
        Factors of the rates in this step, from schedule and plateau.
    steps : tf.Variable of shape (P, 1, 1)
        Number of updates of each member so far; exact up to 2**24.
    live : tf.Variable of shape (P, 1, 1), bool
        Whether the current update changes a member.
    decaying : bool
        Whether any member has weight decay.
    decay_factors : tf.Variable of shape (P, 1, 1)
        Factors of the weight decays in this step, from their schedule.
    of_weights : list of (tf.Variable, tf.Variable)
        Factors of the rates of updates and of decay of each weight, (P, 1, 1), in their order; empty if all are 1.
    """

    decaying = False
    of_weights: list[tuple[tf.Variable, tf.Variable]]

    def _create_member_variables(self, members: int) -> None:
        shape = (members, 1, 1)
        rate = float(self._learning_rate.numpy())  # type: ignore[attr-defined]
        decay = float(self.weight_decay or 0.0)  # type: ignore[attr-defined]
        self.rates = tf.Variable(tf.fill(shape, rate), trainable=False)
        self.decays = tf.Variable(tf.fill(shape, decay), trainable=False)
        self.factors = tf.Variable(tf.ones(shape), trainable=False)
        self.decay_factors = tf.Variable(tf.ones(shape), trainable=False)
        self.of_weights = []
        self.steps = tf.Variable(tf.zeros(shape), trainable=False)
        self.live = tf.Variable(tf.ones(shape, tf.bool), trainable=False)

    @property
    def iterations(self) -> tf.Variable:
        """Step counts of the members, which the update rules read for their bias corrections."""
        return self.steps

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the state of the update rule for each member."""
        super().build(variables)  # type: ignore[misc]
        if hasattr(self, "_u_product"):  # the only state of any rule without the shape of a weight, Nadam's
            self._u_product = keras.Variable(np.ones((variables[0].shape[0], 1, 1)), dtype="float32")

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[keras.Variable] | None = None) -> None:
        """Update the live members, and increment their step counts."""
        super().apply(gradients, variables)  # type: ignore[misc]
        self.steps.assign_add(tf.cast(self.live, tf.float32))

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
        """Update one stacked weight by the members' rates instead of the optimizer's single rate."""
        del learning_rate
        rates = self.rates * self.factors
        if self.of_weights:
            rates *= self.of_weights[self._get_variable_index(variable)][0]  # type: ignore[attr-defined]
        super().update_step(gradient, variable, rates)  # type: ignore[misc]

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        # Skipped if no member has weight decay, as it is a pass over all weights.
        for variable in variables if self.decaying else ():
            shares = self.decays * self.decay_factors * self.rates * self.factors
            if self.of_weights:
                shares *= self.of_weights[self._get_variable_index(variable)][1]  # type: ignore[attr-defined]
            self.assign_sub(variable, variable * shares)

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
    name: str,
    variables: Sequence[keras.Variable],
    settings: Mapping[str, Any] | None = None,
    *,
    decaying: bool = False,
    factors: bool = False,
) -> keras.Optimizer:
    """Return a Keras optimizer that updates the members of a population side by side.

    Parameters
    ----------
    name : str
        Keras's name of the optimizer, in lower case.
    variables : sequence of Variable of shape (P, in, out)
        Stacked weights to update.
    settings : mapping, optional
        Further arguments of the Keras optimizer, such as ``{"momentum": 0.9}``.
    decaying : bool, default=False
        Whether any member has weight decay; AdamW always decays.
    factors : bool, default=False
        Whether weights have factors of the rates of updates and of decay, ``of_weights``.

    Returns
    -------
    keras.Optimizer
        Optimizer with its default rate for all members; assign ``rates``, ``decays`` and ``live``, of shape (P, 1, 1),
        to change them.

    Raises
    ------
    SpecError
        If there is no such optimizer, or its rule would mix the members.

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
            f"optimizer: {name} uses whole weight matrices, which would mix the members of a population. "
            f"Choose one of: {listed(list(OPTIMIZERS), len(OPTIMIZERS))}."
        )
    if name not in OPTIMIZERS:
        raise SpecError(f"optimizer: {name!r} cannot train a population. {did_you_mean(name, OPTIMIZERS)}")
    rate = {"learning_rate": DEFAULT_RATES[name]} if name in DEFAULT_RATES else {}
    # Keras would number the names of optimizers: programs of another process would not be found by them.
    optimizer = _member_class(name)(**{"name": name, **rate, **(settings or {})})
    optimizer._create_member_variables(int(variables[0].shape[0]))
    optimizer.decaying = decaying or bool(optimizer.weight_decay)
    if factors:
        ones = tf.ones((int(variables[0].shape[0]), 1, 1))
        optimizer.of_weights = [tuple(tf.Variable(ones, trainable=False) for _ in range(2)) for _ in variables]
    optimizer.build(variables)
    return optimizer


def clipped(gradients: Sequence[tf.Tensor], norms: tf.Tensor) -> list[tf.Tensor]:
    """Scale each member's gradients so that their joint Euclidean norm does not exceed the member's bound.

    Parameters
    ----------
    gradients : sequence of Tensor of shape (P, in, out)
        Gradient of each weight.
    norms : Tensor of shape (P, 1, 1)
        Bound of each member; infinity for no clipping.

    Returns
    -------
    list of Tensor of shape (P, in, out)
        Scaled gradients.

    Examples
    --------
    >>> [clip] = clipped([tf.constant([[[3.0, 4.0]], [[3.0, 4.0]]])], tf.constant([[[1.0]], [[10.0]]]))
    >>> clip.numpy()[:, 0].round(3).tolist()
    [[0.6..., 0.8...], [3.0, 4.0]]
    """
    squares = [tf.reduce_sum(tf.square(gradient), axis=(1, 2), keepdims=True) for gradient in gradients]
    norm = tf.sqrt(tf.add_n(squares))
    return [gradient * tf.minimum(1.0, norms / tf.maximum(norm, 1e-12)) for gradient in gradients]

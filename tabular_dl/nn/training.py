"""The engine: one compiled program trains a whole population of networks.

A population is P networks of one architecture. Their weights are stacked along a leading member axis,
``kernel: (member, in, out)``, and each member has its own initial weights, training rows, validation rows, shuffling,
dropout masks, learning rate, L2, dropout rate and early-stopping state. One fit, an ensemble, the folds of a
cross-validation of it: all are a population, of 1, K or folds x K members.

An epoch, for all members at once::

    host      each member shuffles its own training rows           rows    (step, member, batch)
    program   for each step: gather rows -> forward -> loss of each member -> sum -> gradients
              the sum of the members' losses has for member k's weights the gradient of member k's loss alone
              optimizer: member k moves by its own rate, if it is live
    program   each member's loss and metric on its own validation rows   (member,)
    host      who has improved keeps a copy of the weights; who has not for `patience` epochs stops

Python runs once an epoch and never once a step. Members whose rows make fewer batches sit out the last steps, so that
member k is exactly the network that it would be alone. The last batch of an epoch is filled up with rows of weight 0.

Programs are kept: a second fit of the same shapes traces and compiles nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.errors import UserError
from tabular_dl.nn.network import Network, StackedModel, initial_weights
from tabular_dl.nn.optimizers import make_optimizer

__all__ = ["DivergedError", "EpochCallback", "Members", "Population", "Training", "fit_population"]

# Compiling with XLA costs one to three seconds, and saves some milliseconds a step: it pays from about here.
STEPS_THAT_PAY_FOR_XLA = 400
PROGRAMS_KEPT = 8

EpochCallback = Callable[[int, dict[str, np.ndarray], np.ndarray], None]


class DivergedError(UserError):
    """A network's loss became NaN or infinite before it had learned anything that could be kept."""


@dataclass(frozen=True)
class Members:
    """What belongs to each member of a population.

    Parameters
    ----------
    seeds : sequence of int, length P
        Fix initial weights, shuffling and dropout masks.
    training_rows, validation_rows : sequence of P integer arrays
        Row numbers of the feature matrix. Validation rows may be empty for all members, not for some.
    widths : sequence of int, length P
        How many leading features of its rows a member really has; the rest is zero.
    learning_rate : ndarray of shape (P,) or None
        None is the optimizer's default.
    l2 : ndarray of shape (P,)
        Adds ``l2 * sum(kernel ** 2)`` over all kernels to a member's loss.
    dropout : ndarray of shape (P, hidden layers)
        The probability that an activation is dropped.
    """

    seeds: Sequence[int]
    training_rows: Sequence[np.ndarray]
    validation_rows: Sequence[np.ndarray]
    widths: Sequence[int]
    learning_rate: np.ndarray | None
    l2: np.ndarray
    dropout: np.ndarray

    def __len__(self) -> int:
        return len(self.seeds)


@dataclass(frozen=True)
class Training:
    """What all members share: how a population is trained.

    Parameters
    ----------
    loss, row_metric : str
        Keras's names of the loss and of the metric followed beside it.
    optimizer : str
        Keras's name, in lower case.
    epochs, batch_size : int
        At most so many passes over the training rows; rows a step.
    patience : int or None
        Epochs without a better validation loss after which a member stops and goes back to its best epoch.
    compile : {"auto", True, False}
        Whether to compile by XLA; "auto" does where the training is long enough for that to pay.
    """

    loss: str
    row_metric: str
    optimizer: str = "adam"
    epochs: int = 100
    batch_size: int = 32
    patience: int | None = None
    compile: Literal["auto"] | bool = "auto"


@dataclass(frozen=True)
class Population:
    """A trained population.

    Attributes
    ----------
    weights : list of ndarray of shape (P, in, out)
        Kernel and bias of each layer in turn; with early stopping, those of each member's best epoch.
    history : dict of str to ndarray of shape (epochs, P)
        "loss", "metric" and, with validation rows, "val_loss", "val_metric": means over rows, penalties not
        included, training figures as they were during the epoch; NaN where a member had stopped.
    best_epoch : ndarray of shape (P,)
        The epoch, from 1, that the weights are from.
    """

    weights: list[np.ndarray]
    history: dict[str, np.ndarray]
    best_epoch: np.ndarray


def fit_population(
    network: Network,
    X: np.ndarray,
    y: np.ndarray,
    members: Members,
    training: Training,
    on_epoch: EpochCallback | None = None,
) -> Population:
    """Train P networks of one architecture side by side.

    Parameters
    ----------
    network : Network
        The architecture.
    X : ndarray of shape (rows, features)
        All rows that members refer to. Matrices of several folds are stacked one below the other.
    y : ndarray of shape (rows, targets)
        Coded targets: 0 or 1, class numbers, or standardised numbers.
    members : Members
        Rows, seeds and hyperparameters of each member.
    training : Training
        What they share.
    on_epoch : callable, optional
        Called after each epoch with its number from 1, the figures of the epoch ``{name: (P,)}`` and which members
        are still training, ``(P,)``.

    Returns
    -------
    Population
        Trained weights and history.

    Raises
    ------
    DivergedError
        If a member's loss is not finite in its first epoch, or at the end where no best epoch is kept.
    """
    longest = max(len(rows) for rows in members.training_rows)
    # A batch wider than the rows would only be filled up with rows of weight zero.
    training = replace(training, batch_size=min(training.batch_size, longest))
    steps = -(-longest // training.batch_size)
    with _checked_out_program(network, members, training, X.shape, y.shape, steps) as program:
        program.reset(initial_weights(network, members.seeds, members.widths), members)
        figures, best_epoch = _run_epochs(program, X, y, members, training, steps, on_epoch)
        weights = program.weights(best=training.patience is not None)
    _refuse_diverged(weights, training)
    return Population(weights, figures, best_epoch)


def _run_epochs(
    program: _Program,
    X: np.ndarray,
    y: np.ndarray,
    members: Members,
    training: Training,
    steps: int,
    on_epoch: EpochCallback | None,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Train epoch by epoch; return the history and the epoch that each member's weights are from."""
    tables = tf.constant(X, tf.float32), tf.constant(y, tf.float32)
    held_out = max(len(rows) for rows in members.validation_rows)
    validation = tuple(tf.constant(array) for array in _padded(members.validation_rows, held_out))
    generators = [np.random.default_rng([seed, 1]) for seed in members.seeds]
    state = _Stopping(len(members), training.patience)
    history: list[dict[str, np.ndarray]] = []
    for epoch in range(1, training.epochs + 1):
        shuffled = [g.permutation(rows) for g, rows in zip(generators, members.training_rows, strict=True)]
        rows, weights = _batches(shuffled, steps, training.batch_size)
        results = program.epoch(*tables, rows, weights, *validation)
        figures = {name: value.numpy() for name, value in results.items()}
        figures = {name: np.where(state.active, value, np.nan) for name, value in figures.items()}
        history.append(figures)
        improved = state.update(epoch, figures.get("val_loss", figures["loss"]))
        if training.patience is not None and improved.any():
            program.keep_best(improved)
        if on_epoch is not None:
            on_epoch(epoch, figures, state.active)
        if not state.active.any():
            break
        program.active.assign(state.active[:, None, None])
    return {name: np.stack([h[name] for h in history]) for name in history[0]}, state.best_epoch


class _Stopping:
    """Who is still training, and from which epoch each member's weights are."""

    def __init__(self, members: int, patience: int | None) -> None:
        self.patience = patience
        self.active = np.ones(members, bool)
        self.best = np.full(members, np.inf)
        self.best_epoch = np.zeros(members, int)

    def update(self, epoch: int, loss: np.ndarray) -> np.ndarray:
        """Take in the loss of an epoch, shape (P,); return which members improved."""
        if self.patience is None:
            self.best_epoch[:] = epoch
            return self.active
        improved = self.active & (loss < self.best)
        self.best[improved] = loss[improved]
        self.best_epoch[improved] = epoch
        # A loss that is not finite will not recover: its member stops at once.
        self.active = self.active & np.isfinite(loss) & (epoch - self.best_epoch < self.patience)
        return improved


def _padded(rows: Sequence[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Put row lists of unequal lengths into arrays (member, row) of row numbers and weights.

    A short list is filled up with rows of weight zero: the member's own rows once more, as weight zero does not hide
    a foreign row whose loss overflows or whose class the network does not have (0 * inf is NaN).
    """
    numbers = np.stack([np.resize(own, length) for own in rows]).astype(np.int32)
    weights = np.stack([np.arange(length) < len(own) for own in rows]).astype(np.float32)
    return numbers, weights


def _batches(rows: Sequence[np.ndarray], steps: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut each member's shuffled rows into batches: two arrays (step, member, batch)."""
    shape = (len(rows), steps, batch_size)
    numbers, weights = (a.reshape(shape).swapaxes(0, 1) for a in _padded(rows, steps * batch_size))
    return np.ascontiguousarray(numbers), np.ascontiguousarray(weights)


def _refuse_diverged(weights: list[np.ndarray], training: Training) -> None:
    finite = np.all([np.isfinite(w).all(axis=(1, 2)) for w in weights], axis=0)
    if not finite.all():
        numbers = ", ".join(str(k) for k in np.flatnonzero(~finite))
        raise DivergedError(
            f"Training diverged: the loss of member {numbers} (of {len(finite)}) became NaN or infinite with optimizer "
            f"{training.optimizer}. Lower learning_rate, or scale the numeric columns (scale: standard)."
        )


@dataclass
class _Program:
    """The compiled epoch and the variables that it works on. Made once for a set of shapes, then reused."""

    network: Network
    size: int
    training: Training
    xla: bool
    traces: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.model = StackedModel(self.network, self.size)
        self.variables = self.model.trainable_variables
        self.optimizer = make_optimizer(self.training.optimizer, self.variables)
        self.fresh = [variable.numpy() for variable in self.optimizer.variables]
        self.default_rate = self.optimizer.rates.numpy()
        self.best = [tf.Variable(v.value, trainable=False) for v in self.variables]
        self.active = tf.Variable(tf.ones((self.size, 1, 1), tf.bool), trainable=False)
        self.l2 = tf.Variable(tf.zeros((self.size,)), trainable=False)
        self.loss, self.row_metric, self.activation = _functions(self.training, self.network)
        improved = tf.TensorSpec((self.size,), tf.bool)
        self.keep_best = tf.function(self._keep_best).get_concrete_function(improved)
        self._compiled: Any = None

    def reset(self, weights: Sequence[np.ndarray], members: Members) -> None:
        """Start anew: initial weights, no momenta, the members' own settings."""
        for variable, best, value in zip(self.variables, self.best, weights, strict=True):
            variable.assign(value)
            best.assign(np.full_like(value, np.nan))
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)
        shape = (self.size, 1, 1)
        rate = members.learning_rate
        self.optimizer.rates.assign(self.default_rate if rate is None else np.reshape(rate, shape))
        self.optimizer.steps.assign(np.zeros(shape))
        self.active.assign(np.ones(shape, bool))
        self.l2.assign(members.l2)
        streams = [np.random.SeedSequence([seed, 2]).generate_state(1)[0] for seed in members.seeds]
        for dropout, rates in zip(self.model.dropouts, np.transpose(members.dropout), strict=False):
            dropout.rates.assign(np.reshape(rates, shape))
            dropout.seeds.assign(np.reshape(np.array(streams, np.uint32), shape))

    def weights(self, *, best: bool) -> list[np.ndarray]:
        """Return copies of the members' weights: the best kept, or the last."""
        return [np.array(variable.numpy()) for variable in (self.best if best else self.variables)]

    def epoch(self, *arrays: Any) -> Any:
        """Run the compiled epoch, tracing it at the first call.

        The concrete function is kept, as a `tf.function` warns of retracing when five programs have been made.
        """
        if self._compiled is None:
            self._compiled = tf.function(self._epoch, jit_compile=self.xla).get_concrete_function(*arrays)
        return self._compiled(*arrays)

    def _epoch(self, X: Any, y: Any, rows: Any, weights: Any, held_out: Any, held_out_weights: Any) -> Any:
        """One pass over all training rows, then the validation rows. Traced once, never run by Python."""
        self.traces += 1

        def step(number: Any, totals: Any) -> Any:
            batch = rows[number]
            return number + 1, totals + self._step(tf.gather(X, batch), tf.gather(y, batch), weights[number])

        _, totals = tf.while_loop(lambda number, _: number < rows.shape[0], step, (0, tf.zeros((3, self.size))))
        figures = {"loss": totals[0] / totals[2], "metric": totals[1] / totals[2]}
        if held_out.shape[1]:
            outputs = self.model(tf.gather(X, held_out))
            sums = self._sums(tf.gather(y, held_out), outputs, held_out_weights)
            figures |= {"val_loss": sums[0] / sums[2], "val_metric": sums[1] / sums[2]}
        return figures

    def _step(self, X: Any, y: Any, weights: Any) -> Any:
        """Move each live member by one batch; return its summed loss, metric and weight, shape (3, P)."""
        weight = tf.reduce_sum(weights, axis=1)
        self.optimizer.live.assign(tf.logical_and(self.active, weight[:, None, None] > 0))
        with tf.GradientTape() as tape:
            outputs = self.model(X, steps=tf.cast(self.optimizer.steps, tf.uint32))
            sums = self._sums(y, outputs, weights)
            penalty = tf.add_n([tf.reduce_sum(tf.square(layer.kernel), axis=(1, 2)) for layer in self.model.kernels])
            objective = tf.reduce_sum(sums[0] / tf.maximum(weight, 1e-12) + self.l2 * penalty)
        gradients = tape.gradient(objective, [variable.value for variable in self.variables])
        self.optimizer.apply(gradients, self.variables)
        return sums

    def _sums(self, y: Any, outputs: Any, weights: Any) -> Any:
        """Return weighted sums over rows of loss, metric and weight, shape (3, P)."""
        loss = self.loss(y, outputs)
        metric = self.row_metric(y, self.activation(outputs))
        metric = tf.reshape(metric, tf.shape(loss))
        return tf.stack([tf.reduce_sum(value * weights, axis=1) for value in (loss, metric, tf.ones_like(loss))])

    def _keep_best(self, improved: Any) -> None:
        mask = tf.reshape(improved, (self.size, 1, 1))
        for best, variable in zip(self.best, self.variables, strict=True):
            best.assign(tf.where(mask, variable.value, best))


def _functions(training: Training, network: Network) -> tuple[Any, Any, Any]:
    """Return loss, row metric and output activation; a cross-entropy takes outputs before the activation."""
    activation = keras.activations.get(network.output_activation)
    loss, row_metric = getattr(keras.losses, training.loss), getattr(keras.metrics, training.row_metric)
    if training.loss.endswith("crossentropy"):
        return lambda y, outputs: loss(y, outputs, from_logits=True), row_metric, activation
    return lambda y, outputs: loss(y, activation(outputs)), row_metric, activation


_programs: OrderedDict[Any, _Program] = OrderedDict()


@contextmanager
def _checked_out_program(
    network: Network, members: Members, training: Training, X: tuple[int, ...], y: tuple[int, ...], steps: int
) -> Iterator[_Program]:
    """Lend a program for these shapes; it is out of the shelf while in use, so threads never share one."""
    xla = steps * training.epochs >= STEPS_THAT_PAY_FOR_XLA if training.compile == "auto" else training.compile
    held_out = max(len(rows) for rows in members.validation_rows)
    shared = (training.loss, training.row_metric, training.optimizer, training.batch_size, xla)
    key = (network, len(members), shared, X, y, steps, held_out)
    program = _programs.pop(key, None) or _Program(network, len(members), training, xla)
    yield program
    _programs[key] = program
    while len(_programs) > PROGRAMS_KEPT:
        _programs.popitem(last=False)

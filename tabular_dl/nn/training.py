"""The engine: one compiled program trains a whole population of networks.

A population is P networks of one architecture. Their weights are stacked along a leading member axis,
``kernel: (member, in, out)``, and each member has its own initial weights, rows, shuffling, dropout masks, rates,
penalties and early-stopping state (`Members`). One fit, an ensemble, the folds of a cross-validation of it, the
configurations of a search: all are a population, of 1, K, folds x K or configurations x folds members.

An epoch, for all members at once::

    host      each member shuffles its own training rows                       rows    (step, member, batch)
    program   for each step: gather rows -> forward -> loss of each member -> sum -> gradients
              the sum of the members' losses has for member k's weights the gradient of member k's loss alone
              clip by each member's own norm; move by its own rate, if it is live
    program   each member's figures on its own validation rows                 loss, metric (member,)
    host      who has improved keeps a copy of weights and batch statistics; who has not for `patience` epochs stops

Python runs once an epoch (once a block, for a table that does not fit into one) and never once a step. Members whose
rows make fewer batches sit out the last steps, so that member k is exactly the network that it would be alone. The last
batch of an epoch is filled up with rows of weight 0. When half of the members have stopped, the rest moves to a program
of half the size, if what is left to do is worth compiling it. A population too large for memory trains in equal chunks.

Programs are kept (`tabular_dl.nn.program`): a second fit of the same shapes traces and compiles nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabular_dl.errors import UserError
from tabular_dl.nn.callbacks import EpochCallbacks, interrupt_after_epoch
from tabular_dl.nn.feeding import Feed, Table
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, initial_weights
from tabular_dl.nn.program import Program, ProgramKey, checked_out
from tabular_dl.nn.stopping import Stopping

__all__ = ["DivergedError", "DivergedWarning", "EpochCallback", "Population", "fit_population"]

# Compiling with XLA costs one to three seconds, and saves some milliseconds a step: it pays from about here.
STEPS_THAT_PAY_FOR_XLA = 400
# Floating-point operations that take about as long as compiling a smaller program.
WORK_THAT_PAYS_FOR_COMPACTION = 2e11
# Memory that the variables and activations of one program may take.
CHUNK_BYTES = 2**30

EpochCallback = Callable[[int, dict[str, np.ndarray], np.ndarray], None]


class DivergedError(UserError):
    """The loss of every network became NaN or infinite before it had learned anything that could be kept."""


class DivergedWarning(UserWarning):
    """The loss of some networks became NaN or infinite; they keep their best epoch."""


@dataclass(frozen=True)
class Population:
    """A trained population.

    Attributes
    ----------
    weights : list of ndarray of shape (P, in, out)
        As `tabular_dl.nn.network.initial_weights` orders them; those of the best epoch for members with patience and
        for those that diverged, of the last epoch for others.
    history : dict of str to ndarray of shape (epochs, P)
        "loss", "metric" and, with validation rows, "val_loss", "val_metric" and a monitor of its own: means over rows,
        penalties and smoothing not included, training figures as they were during the epoch; NaN where a member had
        stopped.
    best_epoch : ndarray of shape (P,)
        The epoch, from 1, that the weights are from; 0 for a member that diverged in its first.
    diverged : ndarray of shape (P,), bool
        Whose loss became NaN or infinite.
    """

    weights: list[np.ndarray]
    history: dict[str, np.ndarray]
    best_epoch: np.ndarray
    diverged: np.ndarray


def fit_population(
    network: Network,
    X: np.ndarray,
    y: np.ndarray,
    members: Members,
    training: Training,
    callbacks: Sequence[Any] = (),
    on_epoch: EpochCallback | None = None,
) -> Population:
    """Train P networks of one architecture side by side.

    Parameters
    ----------
    network : Network
        The architecture.
    X : ndarray or memory map of shape (rows, features) or (groups, rows, features)
        One matrix for all members, or one for each group of them.
    y : ndarray of shape (rows, targets) or (groups, rows, targets)
        Coded targets: 0 or 1, class numbers, or standardised numbers.
    members : Members
        Rows, seeds and hyperparameters of each member.
    training : Training
        What they share.
    callbacks : sequence of keras.callbacks.Callback
        Called at the boundaries of epochs, with the mean of all members as model; for each chunk, where there are many.
    on_epoch : callable, optional
        Called after each epoch with its number from 1, the figures of the epoch ``{name: (P,)}`` and which members
        are still training, ``(P,)``.

    Returns
    -------
    Population
        Trained weights and history. After Ctrl-C, as they were at the end of the epoch under way.

    Raises
    ------
    DivergedError
        If the loss of every member became NaN or infinite before anything had been learned.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(64, 2)).astype("float32")
    >>> y = (X[:, :1] > 0).astype("float32")
    >>> members = Members(seeds=[1, 2], training_rows=[np.arange(64)] * 2, learning_rate=np.array([0.1, 0.001]))
    >>> training = Training("binary_crossentropy", "binary_accuracy", epochs=5)
    >>> population = fit_population(Network(2, (4,), 1, output_activation="sigmoid"), X, y, members, training)
    >>> population.history["loss"].shape, bool(np.diff(population.history["loss"][-1])[0] > 0)
    ((5, 2), True)
    """
    table = Table(X, y)
    parts = []
    for numbers, wanted in _chunks(network, members, training):
        part = _fit_chunk(network, table, members.take(numbers), training, callbacks, on_epoch)
        parts.append(_first(part, wanted))
    population = parts[0] if len(parts) == 1 else _joined(parts)
    _report_diverged(population, members, training)
    return population


def _fit_chunk(
    network: Network,
    table: Table,
    members: Members,
    training: Training,
    callbacks: Sequence[Any],
    on_epoch: EpochCallback | None,
) -> Population:
    """Train members that fit into one program together."""
    feed = Feed(table, members, training.batch_size)
    widths = np.full(len(members), network.inputs) if members.widths is None else members.widths
    weights = initial_weights(network, members.seeds, widths)
    stopping = Stopping(members, training.monitor)
    keras_callbacks = EpochCallbacks(callbacks, network, weights, training.epochs)
    history: list[dict[str, np.ndarray]] = []
    with ExitStack() as stack, interrupt_after_epoch() as interrupt:
        crew = _Crew(stack, network, members, training, feed, weights)
        for epoch in range(1, training.epochs + 1):
            keras_callbacks.begin(epoch)
            figures = crew.run_epoch(epoch, table, feed, stopping.active)
            history.append(figures)
            prefix = "val_" if members.held_out else ""
            improved = stopping.update(epoch, figures[prefix + training.monitor.name], figures["loss"])
            crew.keep_best(improved)
            ended = keras_callbacks.end(epoch, figures, crew.present_weights)
            if on_epoch is not None:
                on_epoch(epoch, figures, stopping.active)
            if ended or interrupt.asked or not stopping.active.any():
                break
            crew.shrink(stopping.active, feed, training.epochs - epoch)
            crew.let(stopping.active, stopping.rate_factors)
        best = np.isfinite(members.patience) | stopping.diverged
        learned = crew.final_weights(best)
    keras_callbacks.finish()
    best_epoch = np.where(best, stopping.best_epoch, stopping.last_epoch)
    together = {name: np.stack([figures[name] for figures in history]) for name in history[0]}
    return Population(learned, together, best_epoch, stopping.diverged)


class _Crew:
    """The members that are in a program now, and the weights of those that have left it."""

    def __init__(
        self,
        stack: ExitStack,
        network: Network,
        members: Members,
        training: Training,
        feed: Feed,
        weights: list[np.ndarray],
    ) -> None:
        self.stack, self.network, self.members, self.training = stack, network, members, training
        self.numbers = np.arange(len(members))
        self.best, self.last = [w.copy() for w in weights], [w.copy() for w in weights]
        table = feed.table
        self.shapes = (table.block_rows, len(table.X), feed.steps, feed.batch_size, feed.held_out)
        steps = feed.steps * table.blocks * training.epochs
        self.xla = steps >= STEPS_THAT_PAY_FOR_XLA if training.compile == "auto" else training.compile
        self.rows_an_epoch = feed.steps * feed.batch_size * table.blocks
        self.program = self._program(members)
        self.program.reset(weights, members, feed.steps_an_epoch, training.epochs)

    def _program(self, members: Members) -> Program:
        key = ProgramKey.of(self.network, members, self.training, self.shapes, self.xla)
        return self.stack.enter_context(checked_out(key))

    def run_epoch(self, epoch: int, table: Table, feed: Feed, active: np.ndarray) -> dict[str, np.ndarray]:
        """Train an epoch; return its figures, each (P,), NaN for members that do not train any more."""
        sums = np.zeros((3, len(self.numbers)))
        for block, batches in feed.epoch(epoch):
            sums += self.program.train(*table.block(block), batches)
        figures = {"loss": sums[0] / sums[2], "metric": sums[1] / sums[2]}
        if self.members.held_out:
            figures |= self._validate(table, feed, active[self.numbers])
        return {name: self._spread(values, active) for name, values in figures.items()}

    def _validate(self, table: Table, feed: Feed, active: np.ndarray) -> dict[str, np.ndarray]:
        monitor = self.training.monitor
        total = np.zeros((3, len(self.numbers)))
        seen: list[tuple[np.ndarray, ...]] = []
        for block, batches in feed.validation_blocks():
            sums, outputs, targets = self.program.evaluate(*table.block(block), batches)
            total += sums
            if monitor.function is not None:
                seen.append((outputs, targets, batches.weights[0] > 0))
        figures = {"val_loss": total[0] / total[2], "val_metric": total[1] / total[2]}
        if monitor.function is not None:
            outputs, targets, counted = (np.concatenate(parts, axis=1) for parts in zip(*seen, strict=True))
            figures[f"val_{monitor.name}"] = np.array(
                [
                    monitor.function(targets[k][counted[k]], outputs[k][counted[k]]) if active[k] else np.nan
                    for k in range(len(self.numbers))
                ]
            )
        return figures

    def _spread(self, values: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Put values of the members that are present at their places among all."""
        spread = np.full(len(self.members), np.nan)
        spread[self.numbers] = values
        return np.where(active, spread, np.nan)

    def keep_best(self, improved: np.ndarray) -> None:
        """Keep the weights of the members that improved, (P,)."""
        if improved.any():
            self.program.keep_best(improved[self.numbers])

    def let(self, active: np.ndarray, rate_factors: np.ndarray) -> None:
        """Say who trains on, and by which factors of the learning rate; both of shape (P,)."""
        self.program.let(active[self.numbers], rate_factors[self.numbers])

    def shrink(self, active: np.ndarray, feed: Feed, epochs_left: int) -> None:
        """Move to a program of half the size when half have stopped and enough is left to do.

        The rule counts operations, not seconds: a time would make results depend on the machine's mood.
        """
        half = -(-len(self.numbers) // 2)
        saved = 6.0 * self.network.parameters * self.rows_an_epoch * epochs_left * (len(self.numbers) - half)
        if len(self.numbers) == 1 or active.sum() > half or saved < WORK_THAT_PAYS_FOR_COMPACTION:
            return
        # Places that are left over go to members that have stopped, so that sizes halve and programs are met again.
        staying = np.argsort(~active[self.numbers], kind="stable")[:half]
        self._remember()
        smaller = self._program(self.members.take(self.numbers[staying]))
        smaller.take_over(self.program, staying)
        self.program = smaller
        self.numbers = self.numbers[staying]
        feed.take(staying)

    def _remember(self) -> None:
        for kept, best in ((self.best, True), (self.last, False)):
            for all_members, present in zip(kept, self.program.weights(best=best), strict=True):
                all_members[self.numbers] = present

    def present_weights(self) -> list[np.ndarray]:
        """Return all members' weights as they are now."""
        self._remember()
        return self.last

    def final_weights(self, best: np.ndarray) -> list[np.ndarray]:
        """Return the best weights of the members marked, (P,), the last of the others."""
        self._remember()
        mask = best[:, None, None]
        return [np.where(mask, kept, last) for kept, last in zip(self.best, self.last, strict=True)]


def _chunks(network: Network, members: Members, training: Training) -> Iterator[tuple[list[int], int]]:
    """Yield member numbers that train together, and how many of them count.

    All chunks are of one size, and so of one program: the last is filled up with its last member once more.
    """
    widths = sum(network.hidden) + network.outputs + network.inputs
    held_out = max(len(rows) for rows in members.validation_rows or ())
    floats = 8 * network.parameters + (4 * training.batch_size + 2 * held_out) * widths
    most = max(1, CHUNK_BYTES // (4 * floats))
    count = -(-len(members) // most)
    size = -(-len(members) // count)
    for start in range(0, len(members), size):
        numbers = list(range(start, min(start + size, len(members))))
        yield numbers + numbers[-1:] * (size - len(numbers)), len(numbers)


def _first(population: Population, count: int) -> Population:
    history = {name: values[:, :count] for name, values in population.history.items()}
    weights = [w[:count] for w in population.weights]
    return Population(weights, history, population.best_epoch[:count], population.diverged[:count])


def _joined(parts: Sequence[Population]) -> Population:
    """Put chunks side by side; histories that ended earlier are filled up with NaN."""
    epochs = max(len(part.history["loss"]) for part in parts)

    def long(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, epochs - len(values)), (0, 0)), constant_values=np.nan)

    return replace(
        parts[0],
        weights=[np.concatenate(arrays) for arrays in zip(*(part.weights for part in parts), strict=True)],
        history={name: np.concatenate([long(p.history[name]) for p in parts], axis=1) for name in parts[0].history},
        best_epoch=np.concatenate([part.best_epoch for part in parts]),
        diverged=np.concatenate([part.diverged for part in parts]),
    )


def _report_diverged(population: Population, members: Members, training: Training) -> None:
    numbers = np.flatnonzero(population.diverged)
    if not len(numbers):
        return
    first = numbers[0]
    advice = "Lower learning_rate, set clip_norm, or scale the numeric columns (scale: standard)."
    said = f"the loss of member {first} ({members.describe(first)}) became NaN or infinite with {training.optimizer}"
    if (population.best_epoch == 0).all():
        raise DivergedError(f"Training diverged for all {len(members)} members: {said} in its first epoch. {advice}")
    others = f", as did {len(numbers) - 1} others ({', '.join(map(str, numbers[1:]))})" if len(numbers) > 1 else ""
    warnings.warn(f"Training diverged: {said}{others}. They keep their best epoch. {advice}", DivergedWarning, 3)

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
    host      members that improved keep a copy of weights and batch statistics; after `patience` epochs without
              improvement a member stops

Python runs once an epoch (once a block, for a table that does not fit into one) and never once a step. Members whose
rows make fewer batches sit out the last steps, so that member k is exactly the network that it would be alone. The last
batch of an epoch is filled up with rows of weight 0. When half of the members have stopped, the rest moves to a program
of half the size, if what is left to do is worth compiling it. A population too large for memory trains in chunks that
take turns, and a long training of narrow networks in chunks side by side (`tabular_dl.nn.parallel`).

Programs are kept (`tabular_dl.nn.program`): a second fit of the same shapes traces and compiles nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tabular_dl.errors import UserError
from tabular_dl.nn.batches import Table
from tabular_dl.nn.callbacks import EpochCallbacks, interrupt_after_epoch
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights, initial_weights
from tabular_dl.nn.parallel import Crew

__all__ = ["DivergedError", "DivergedWarning", "EpochCallback", "Population", "fit_population"]

EpochCallback = Callable[[int, dict[str, np.ndarray], np.ndarray], Any]


class DivergedError(UserError):
    """The loss of every network became NaN or infinite before it had learned anything that could be kept."""


class DivergedWarning(UserWarning):
    """The loss of some networks became NaN or infinite; they keep their best epoch."""


@dataclass(frozen=True)
class Population:
    """A trained population.

    Attributes
    ----------
    weights : dict of str to ndarray of shape (P, in, out)
        By the names of `Network.weights`; those of the best epoch for members with patience and
        for those that diverged, of the last epoch for others.
    history : dict of str to ndarray of shape (epochs, P)
        "loss", the metrics and, with validation rows, the same with "val_" and a monitor of its own: means over rows,
        penalties and smoothing not included, training figures as they were during the epoch; NaN where a member had
        stopped.
    best_epoch : ndarray of shape (P,)
        The epoch, from 1, that the weights are from; 0 for a member that diverged before any could be kept. Without
        held-out rows, one that diverged has those at the start of the epoch with the best loss, as that is their loss.
    diverged : ndarray of shape (P,), bool
        Whether a member's loss became NaN or infinite.
    interrupted : bool
        Whether Ctrl-C ended training while members still had epochs to go.
    """

    weights: Weights
    history: dict[str, np.ndarray]
    best_epoch: np.ndarray
    diverged: np.ndarray
    interrupted: bool = False


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
        Called at the boundaries of epochs, with the mean of all members as model.
    on_epoch : callable, optional
        Called after each epoch with its number from 1, the figures of the epoch ``{name: (P,)}`` and which members
        are still training, ``(P,)``. May return which of them shall stop, ``(P,)``.

    Returns
    -------
    Population
        Trained weights and history. After Ctrl-C, as they were at the end of the epoch under way.

    Raises
    ------
    DivergedError
        If the loss of every member became NaN or infinite before anything had been learned.
    DataError
        If the monitored figure of a member cannot be computed on its validation rows.
    ValueError
        If the monitor looks at validation rows and there are none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(64, 2)).astype("float32")
    >>> y = (X[:, :1] > 0).astype("float32")
    >>> members = Members(seeds=[1, 2], training_rows=[np.arange(64)] * 2, learning_rate=np.array([0.1, 0.001]))
    >>> training = Training("binary_crossentropy", ("binary_accuracy",), epochs=5)
    >>> population = fit_population(Network(2, (4,), 1, output_activation="sigmoid"), X, y, members, training)
    >>> population.history["loss"].shape, bool(np.diff(population.history["loss"][-1])[0] > 0)
    ((5, 2), True)
    """
    if training.monitor.function is not None and not members.held_out:
        raise ValueError(f"monitor: {training.monitor.name} is computed on validation rows, and there are none")
    widths = np.full(len(members), network.numeric) if members.widths is None else members.widths
    weights = initial_weights(network, members.seeds, widths, members.categories)
    history: list[dict[str, np.ndarray]] = []
    with ExitStack() as stack, interrupt_after_epoch() as interrupt:
        crew = Crew(stack, network, Table(X, y), members, training, weights)
        keras_callbacks = EpochCallbacks(callbacks, network, weights, training.epochs)
        for epoch in range(1, training.epochs + 1):
            keras_callbacks.begin(epoch)
            history.append(crew.epoch(epoch))
            ended = keras_callbacks.end(epoch, history[-1], lambda: crew.weights(best=False))
            active = crew.stopping("active")
            if on_epoch is not None:
                stopped = on_epoch(epoch, history[-1], active)
                active = crew.stop(stopped) if stopped is not None else active
            if ended or interrupt.requested or not active.any():
                break
        keras_callbacks.finish()
        cut = interrupt.requested and len(history) < training.epochs and bool(active.any())
        crew.finish()
        population = replace(_trained(crew, members, history), interrupted=cut)
    _report_diverged(population, members, training)
    return population


def _trained(crew: Crew, members: Members, history: Sequence[dict[str, np.ndarray]]) -> Population:
    """Take the weights of the best epoch of those with patience and of those that diverged, of the last of others."""
    diverged = crew.stopping("diverged")
    wants_best = np.isfinite(members.patience) | diverged
    best, last = crew.weights(best=True), crew.weights(best=False)
    weights = {name: np.where(wants_best[:, None, None], best[name], last[name]) for name in best}
    best_epoch = np.maximum(crew.stopping("best_epoch") - members.kept_at_start, 0)
    best_epoch = np.where(wants_best, best_epoch, crew.stopping("last_epoch"))
    together = {name: np.stack([figures[name] for figures in history]) for name in history[0]}
    return Population(weights, together, best_epoch, diverged)


def _report_diverged(population: Population, members: Members, training: Training) -> None:
    numbers = np.flatnonzero(population.diverged)
    if not len(numbers):
        return
    first = numbers[0]
    advice = "Lower learning_rate, set clip_norm, or scale the numeric columns (scale: standard)."
    reason = f"the loss of member {first} ({members.describe(first)}) became NaN or infinite with {training.optimizer}"
    if (population.best_epoch == 0).all():
        raise DivergedError(
            f"Training diverged for all {len(members)} members: {reason} before it had learned anything. {advice}"
        )
    others = f", as did {len(numbers) - 1} others ({', '.join(map(str, numbers[1:]))})" if len(numbers) > 1 else ""
    warnings.warn(f"Training diverged: {reason}{others}. They keep their best epoch. {advice}", DivergedWarning, 3)

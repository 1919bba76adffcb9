"""Training of a population of networks by one compiled program.

A population is P networks of one architecture. Their weights are stacked along a leading member axis,
``kernel: (member, in, out)``, and each member has its own initial weights, rows, shuffling, dropout masks, rates,
penalties and early-stopping state (`Members`). A single network, an ensemble, the folds of its cross-validation and the
configurations of a search are populations of 1, K, folds x K and configurations x folds members.

An epoch of all members::

    host      shuffle each member's training rows                              rows    (step, member, batch)
    program   for each step: gather rows -> forward -> loss of each member -> sum -> gradients
              with respect to member k's weights, the gradient of the sum is that of member k's loss
              clip by each member's norm; update each live member by its rate
    program   compute each member's figures on its validation rows             loss, metric (member,)
    host      copy weights and batch statistics of members that improved; stop members after `patience` epochs
              without improvement

Python runs once per epoch (per block, for a table of several blocks), never once per step. Members with fewer batches
skip the last steps, so member k is exactly the network that it would be alone. The last batch of an epoch is filled up
with rows of weight 0. When half of the members have stopped, the others move to a program of half the size, if the
remaining work justifies compiling it. A population too large for memory trains in chunks, one after another, and a long
training of narrow networks in chunks side by side (`tabular_dl.nn.parallel`).

Programs are kept (`tabular_dl.nn.program`): a second fit of the same shapes does not trace or compile again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from tabular_dl.errors import UserError, listed
from tabular_dl.nn.batches import Table
from tabular_dl.nn.callbacks import EpochCallbacks, interrupt_after_epoch
from tabular_dl.nn.devices import placed, resolved_device
from tabular_dl.nn.learned_start import learn_start
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.parallel import Chunks
from tabular_dl.nn.weights import initial_weights

__all__ = [
    "DivergedError",
    "DivergedWarning",
    "EpochCallback",
    "Population",
    "fit_population",
    "prepared",
    "report_diverged",
    "trained_population",
]

# Function of the epoch's number, its figures and the members that still train; returns members to stop, or None.
EpochCallback = Callable[[int, dict[str, np.ndarray], np.ndarray], Any]


class DivergedError(UserError):
    """Error for networks whose loss became NaN or infinite before an epoch whose weights could be kept."""


class DivergedWarning(UserWarning):
    """Warning of networks whose loss became NaN or infinite, and which keep the weights of their best epoch."""


@dataclass(frozen=True)
class Population:
    """Trained population.

    Attributes
    ----------
    weights : dict of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`: those of the best epoch for members with patience or `restore_best`
        and members that diverged, those of the last epoch for others.
    history : dict of str to ndarray of shape (epochs, P)
        "loss", the metrics and, with validation rows, the same with "val_" and the monitored figure. Values are means
        over rows without penalties and smoothing, those of training rows during the epoch; NaN if a member had stopped.
    best_epoch : ndarray of shape (P,)
        Epoch, from 1, of the weights; 0 for a member that diverged before any could be kept. Without held-out rows, a
        member that diverged has the weights at the start of the epoch with the best loss, as the loss is theirs.
    diverged : ndarray of shape (P,), bool
        Whether a member's loss became NaN or infinite.
    interrupted : bool
        Whether Ctrl-C ended training before the last epoch of some members.
    """

    weights: Weights
    history: dict[str, np.ndarray]
    best_epoch: np.ndarray
    diverged: np.ndarray
    interrupted: bool = False


def fit_population(
    network: Network,
    X: np.ndarray | csr_matrix | Sequence[np.ndarray],
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
        Architecture.
    X : ndarray, memory map or CSR matrix of shape (rows, features), or ndarray of shape (groups, rows, features)
        Matrix of all members, or of each group of members, which may be separate arrays.
    y : ndarray of shape (rows, targets) or (groups, rows, targets)
        Coded targets: 0 or 1, class numbers, or standardised numbers.
    members : Members
        Rows, seeds and hyperparameters of each member.
    training : Training
        Settings that all members share.
    callbacks : sequence of keras.callbacks.Callback
        Callbacks to call at the boundaries of epochs, with the mean of all members as model.
    on_epoch : callable, optional
        Function to call after each epoch with its number from 1, its figures ``{name: (P,)}`` and whether each member
        still trains, ``(P,)``. May return whether to stop each member, ``(P,)``.

    Returns
    -------
    Population
        Trained weights and history; after Ctrl-C, those at the end of the current epoch.

    Raises
    ------
    DivergedError
        If the loss of every member became NaN or infinite before an epoch whose weights could be kept.
    DataError
        If the monitored figure of a member cannot be computed on its validation rows.
    ValueError
        If the monitored figure is computed on validation rows and there are none.

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
    training = prepared(training, members)
    weights = initial_weights(network, members.seeds, members.widths, members.categories, members.continuous)
    history: list[dict[str, np.ndarray]] = []
    with placed(training.device), ExitStack() as stack, interrupt_after_epoch() as interrupt:
        table = Table(X, y)
        learn_start(network, weights, table, members)
        chunks = Chunks(stack, network, table, members, training, weights)
        keras_callbacks = EpochCallbacks(callbacks, network, weights, training.epochs)
        for epoch in range(1, training.epochs + 1):
            keras_callbacks.begin(epoch)
            history.append(chunks.epoch(epoch))
            stop_requested = keras_callbacks.end(epoch, history[-1], lambda: chunks.weights(best=False))
            active = chunks.stopping("active")
            if on_epoch is not None:
                stopped = on_epoch(epoch, history[-1], active)
                active = chunks.stop(stopped) if stopped is not None else active
            if stop_requested or interrupt.requested or not active.any():
                break
        keras_callbacks.finish()
        interrupted = interrupt.requested and len(history) < training.epochs and bool(active.any())
        chunks.finish()
        population = replace(trained_population(chunks, members, history), interrupted=interrupted)
    report_diverged(population, members, training)
    return population


def prepared(training: Training, members: Members) -> Training:
    """Return settings of a training with the device that it takes, after a check of what it monitors.

    Raises
    ------
    SpecError
        If the device is a GPU and TensorFlow sees none.
    ValueError
        If the monitored figure is computed on validation rows and there are none.
    """
    if training.monitor.function is not None and not members.held_out:
        raise ValueError(f"monitor: {training.monitor.name} needs validation rows, found none")
    return replace(training, device=resolved_device(training.device))


def trained_population(chunks: Chunks, members: Members, history: Sequence[dict[str, np.ndarray]]) -> Population:
    """Return the population: the best epoch of members with patience and that diverged, the last epoch of others.

    Parameters
    ----------
    chunks, members
        Trained chunks, and their members.
    history : sequence of dict of str to ndarray of shape (P,)
        Figures of each epoch.

    Returns
    -------
    Population
        The population.
    """
    diverged = chunks.stopping("diverged")
    use_best = np.isfinite(members.patience) | members.restore_best | diverged
    best, last = chunks.weights(best=True), chunks.weights(best=False)
    weights = {name: np.where(use_best[:, None, None], best[name], last[name]) for name in best}
    best_epoch = np.maximum(chunks.stopping("best_epoch") - members.kept_at_start, 0)
    best_epoch = np.where(use_best, best_epoch, chunks.stopping("last_epoch"))
    stacked = {name: np.stack([figures[name] for figures in history]) for name in history[0]}
    return Population(weights, stacked, best_epoch, diverged)


def report_diverged(population: Population, members: Members, training: Training) -> None:
    """Warn of members that diverged; raise an error if none has learned anything.

    Parameters
    ----------
    population, members, training
        Trained population, and what it was trained with.

    Raises
    ------
    DivergedError
        If all members diverged before an epoch whose weights could be kept.
    """
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
    others = f", as did {len(numbers) - 1} others ({listed(numbers[1:].tolist())})" if len(numbers) > 1 else ""
    warnings.warn(f"Training diverged: {reason}{others}. They keep their best epoch. {advice}", DivergedWarning, 3)

"""Parts of a population that are trained in steps: up to an epoch, and later on from there, in any process.

A part is some members of a population. Its training is a pure function of the table, the members and the state that it
starts from, which is plain arrays and numbers::

    train_part(..., until=5) -> state -> train_part(..., state, until=20)

are the weights of ``train_part(..., until=20)``, bit for bit. A part uses one program after another, never threads: its
result does not depend on the number of cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from tabular_dl.nn.batches import Table
from tabular_dl.nn.chunk_plan import training_work
from tabular_dl.nn.chunk_states import ChunkState, continue_from, state_of
from tabular_dl.nn.devices import placed
from tabular_dl.nn.learned_start import learn_start
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.parallel import Chunks
from tabular_dl.nn.training import Population, prepared, trained_population
from tabular_dl.nn.weights import initial_weights

__all__ = ["PartState", "join_parts", "members_of_parts", "train_part"]

# Floating-point operations of a part: about a minute on a core, at 3e10 a second.
WORK_OF_A_PART = 2e12


@dataclass(frozen=True)
class PartState:
    """State of a part after an epoch.

    Attributes
    ----------
    history : list of dict of str to ndarray of shape (members,)
        Figures of each epoch so far.
    active : list of ndarray of shape (members,)
        Whether each member still trained after each epoch.
    chunks : list of ChunkState
        State to go on from; empty after the last epoch.
    population : Population or None
        Trained members, after the last epoch.
    """

    history: list[dict[str, np.ndarray]]
    active: list[np.ndarray]
    chunks: list[ChunkState]
    population: Population | None = None


def members_of_parts(network: Network, members: Members, training: Training) -> list[np.ndarray]:
    """Return the numbers of the members of each part.

    The size of a part follows from the work of a member, never from the number of processes.

    Parameters
    ----------
    network, members, training
        As for `tabular_dl.nn.training.fit_population`.

    Returns
    -------
    list of ndarray of int
        Consecutive members, in parts of almost equal size.

    Examples
    --------
    >>> members = Members(seeds=range(100), training_rows=[np.arange(10**5)] * 100)
    >>> network = Network(100, (256, 256), 1)
    >>> parts = members_of_parts(network, members, Training("mean_squared_error", (), epochs=10))
    >>> len(parts), len(parts[0]), len(parts[-1])
    (34, 3, 2)
    """
    rows = max(map(len, members.training_rows))
    size = max(1, int(WORK_OF_A_PART // training_work(network, rows, training.epochs)))
    return np.array_split(np.arange(len(members)), -(-len(members) // size))


def train_part(
    network: Network,
    table: Table,
    members: Members,
    training: Training,
    state: PartState | None = None,
    stopped: np.ndarray | None = None,
    until: int | None = None,
) -> PartState:
    """Train the members of a part up to an epoch.

    Parameters
    ----------
    network, members, training
        As for `tabular_dl.nn.training.fit_population`.
    table : Table
        Features and targets of the population.
    state : PartState, optional
        State to go on from; by default the members begin.
    stopped : ndarray of shape (members,), bool, optional
        Members to stop before the next epoch.
    until : int, optional
        Last epoch to train; by default that of the training.

    Returns
    -------
    PartState
        State after that epoch, or after the epoch in which the last member stopped.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> table, network = Table(X, X[:, :1]), Network(2, (4,), 1)
    >>> members = Members(seeds=[1, 2], training_rows=[np.arange(64)] * 2)
    >>> training = Training("mean_squared_error", (), epochs=3)
    >>> half = train_part(network, table, members, training, until=1)
    >>> whole = train_part(network, table, members, training, half)
    >>> len(half.history), half.population, len(whole.history), whole.population.best_epoch.tolist()
    (1, None, 3, [3, 3])
    """
    until, training = training.epochs if until is None else until, prepared(training, members)
    history, active = ([], []) if state is None else (list(state.history), list(state.active))
    with placed(training.device), ExitStack() as stack:
        weights = _first_weights(network, table, members, state)
        chunks = Chunks(stack, network, table, members, training, weights, most_threads=1)
        if state is not None:
            for chunk, chunk_state in zip(chunks.chunks, state.chunks, strict=True):
                continue_from(chunk, chunk_state)
        if stopped is not None:
            chunks.stop(stopped)
        for epoch in range(len(history) + 1, until + 1):
            if not chunks.stopping("active").any():
                break
            history.append(chunks.epoch(epoch))
            active.append(chunks.stopping("active"))
        if until < training.epochs and chunks.stopping("active").any():
            return PartState(history, active, [state_of(chunk) for chunk in chunks.chunks])
        chunks.finish()
        return PartState(history, active, [], trained_population(chunks, members, history))


def _first_weights(network: Network, table: Table, members: Members, state: PartState | None) -> Weights:
    """Return initial weights, or others of their shapes if a state replaces them."""
    weights = initial_weights(network, members.seeds, members.widths, members.categories, members.continuous)
    if state is None:
        learn_start(network, weights, table, members)
    return weights


def join_parts(states: Sequence[PartState]) -> Population:
    """Return the population of parts that have been trained to the end.

    Parameters
    ----------
    states : sequence of PartState
        Parts, in the order of their members.

    Returns
    -------
    Population
        All members, with as many epochs as the longest part.
    """
    parts = [state.population for state in states if state.population is not None]
    epochs = max(len(state.history) for state in states)

    def joined(name: str) -> np.ndarray:
        curves = [part.history[name] for part in parts]
        missing = [np.full((epochs - len(curve), curve.shape[1]), np.nan) for curve in curves]
        return np.concatenate([np.vstack(pair) for pair in zip(curves, missing, strict=True)], axis=1)

    return Population(
        {name: np.concatenate([part.weights[name] for part in parts]) for name in parts[0].weights},
        {name: joined(name) for name in parts[0].history},
        np.concatenate([part.best_epoch for part in parts]),
        np.concatenate([part.diverged for part in parts]),
    )

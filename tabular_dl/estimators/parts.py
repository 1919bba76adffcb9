"""Training of a population in parts on a cluster: up to a barrier, the callback's stops, and on from there.

What trains where changes nothing: the parts follow from the shapes, and a part is a pure function of table, members and
state (`tabular_dl.nn.parts`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.clusters import Cluster, arrays_of, digest_of

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback, Members, Network, PartState, Population, Table, Training

__all__ = ["fit_in_parts"]

# The latest table of a worker, by its digest.
_tables: dict[str, Table] = {}


def fit_in_parts(
    cluster: Cluster,
    network: Network,
    X: Sequence[Any],
    y: np.ndarray,
    members: Members,
    training: Training,
    on_epoch: EpochCallback | None = None,
    barriers: Collection[int] = (),
) -> Population:
    """Train a population in parts.

    Parameters
    ----------
    cluster : Cluster
        Processes that train.
    network, X, y, members, training
        As for `tabular_dl.nn.training.fit_population`, with the matrix of each group.
    on_epoch : callable, optional
        As there, but called for each epoch after all parts have reached the next barrier. Members that it stops before
        a barrier train until there.
    barriers : collection of int
        Epochs after which it may stop members.

    Returns
    -------
    Population
        Trained population.

    Raises
    ------
    UserError
        If a part fails three times, or training as `fit_population` does.
    """
    from tabular_dl.nn import join_parts, members_of_parts, report_diverged

    parts = members_of_parts(network, members, training)
    names = [f"part {k + 1}: {_described(members, numbers)}" for k, numbers in enumerate(parts)]
    arrays = [*X, y]
    digest = digest_of(arrays)
    states: list[PartState | None] = [None] * len(parts)
    stopped, done = np.zeros(len(members), bool), 0
    with cluster.shared(arrays) as shared:
        for until in sorted({*(epoch for epoch in barriers if epoch < training.epochs), training.epochs}):
            going_on = [k for k, state in enumerate(states) if state is None or state.population is None]
            calls = [
                (shared, digest, network, members.take(parts[k]), training, states[k], stopped[parts[k]], until)
                for k in going_on
            ]
            trained = cluster.run(_train, calls, [names[k] for k in going_on])
            for k, state in zip(going_on, trained, strict=True):
                states[k] = state
            reached = [state for state in states if state is not None]
            stopped |= _replayed(reached, on_epoch, done, until)
            done = until
    population = join_parts(reached)
    report_diverged(population, members, training)
    return population


def _described(members: Members, numbers: np.ndarray) -> str:
    """Return the members of a part and the settings of its first, for messages."""
    first, last = int(numbers[0]), int(numbers[-1])
    which = f"members {first} to {last}" if last > first else f"member {first}"
    return f"{which} (the first with {members.describe(first)})"


def _train(shared: Any, digest: str, network: Network, members: Members, *further: Any) -> PartState:
    """Train a part in a worker, which keeps its table and its programs for the next part."""
    from tabular_dl.nn import Table, train_part

    if digest not in _tables:
        _tables.clear()
        *matrices, y = arrays_of(shared, digest)
        _tables[digest] = Table(matrices if len(matrices) > 1 else matrices[0], y)
    training, state, stopped, until = further
    return train_part(network, _tables[digest], members, training, state, stopped, until)


def _replayed(states: Sequence[PartState], on_epoch: EpochCallback | None, done: int, until: int) -> np.ndarray:
    """Call the callback for each epoch since the last barrier, and return the members that it stops."""
    sizes = [len(state.active[0]) for state in states]
    stopped = np.zeros(sum(sizes), bool)
    for epoch in range(done + 1, until + 1):
        present = [len(state.history) >= epoch for state in states]
        if on_epoch is None or not any(present):
            break
        rows = [
            state.history[epoch - 1] if there else dict.fromkeys(state.history[0], np.full(size, np.nan))
            for state, there, size in zip(states, present, sizes, strict=True)
        ]
        figures = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        pairs = zip(states, present, sizes, strict=True)
        active = np.concatenate([s.active[epoch - 1] if there else np.zeros(n, bool) for s, there, n in pairs])
        answer = on_epoch(epoch, figures, active & ~stopped)
        if answer is not None:
            stopped |= answer
    return stopped

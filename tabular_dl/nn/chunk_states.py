"""State of a chunk between two epochs as plain arrays and numbers, from which another process goes on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular_dl.nn.network import Weights
from tabular_dl.nn.parallel import Chunk

__all__ = ["ChunkState", "continue_from", "state_of"]

# Attributes of `Stopping` that change during training.
STOPPING = ("active", "diverged", "best", "best_epoch", "last_epoch", "waited", "rate_factors")


@dataclass(frozen=True)
class ChunkState:
    """State of a chunk after an epoch.

    Attributes
    ----------
    numbers : ndarray of int
        Members that are present in the program.
    stopping : dict of str to ndarray of shape (members,)
        State of early stopping.
    figures : dict of str to ndarray of shape (members,)
        Figures of the last epoch.
    best, last : dict of str to ndarray of shape (members, in, out)
        Weights of members that have left the program.
    variables : list of ndarray
        Variables of the program: weights, those of the best epoch, momenta, settings.
    generators : list of dict
        State of the random generator of each member that is present.
    """

    numbers: np.ndarray
    stopping: dict[str, np.ndarray]
    figures: dict[str, np.ndarray]
    best: Weights
    last: Weights
    variables: list[np.ndarray]
    generators: list[dict[str, Any]]


def state_of(chunk: Chunk) -> ChunkState:
    """Return the state of a chunk.

    Parameters
    ----------
    chunk : Chunk
        Chunk after an epoch.

    Returns
    -------
    ChunkState
        Copies of all that the next epoch depends on.
    """
    return ChunkState(
        chunk.numbers,
        {name: getattr(chunk.stopping, name).copy() for name in STOPPING},
        chunk.figures,
        chunk.best,
        chunk.last,
        chunk.enter().save(),
        [deepcopy(dict(generator.bit_generator.state)) for generator in chunk.feed.generators],
    )


def continue_from(chunk: Chunk, state: ChunkState) -> None:
    """Bring a new chunk of the same members into a state.

    Parameters
    ----------
    chunk : Chunk
        Chunk before its first epoch.
    state : ChunkState
        State that `state_of` returned, perhaps in another process.
    """
    # Arrays from another process may be read-only, and training changes them in place.
    for name, values in state.stopping.items():
        setattr(chunk.stopping, name, values.copy())
    chunk.figures = state.figures
    chunk.best, chunk.last = ({name: w.copy() for name, w in kept.items()} for kept in (state.best, state.last))
    if len(state.numbers) < len(chunk.numbers):
        chunk.numbers, chunk.feed = state.numbers, chunk.feed.take(state.numbers)
        chunk.key = chunk.key_of(chunk.members.take(state.numbers))
    chunk.enter().restore(state.variables)
    for generator, of_generator in zip(chunk.feed.generators, state.generators, strict=True):
        generator.bit_generator.state = of_generator

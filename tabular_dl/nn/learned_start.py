"""Initial weights that are learned from each member's training rows, after others were drawn.

Bins of numbers, limits of predictions, kernels of unit variance and biases at training rows. All of a member's depend
on its own rows and seed only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.sparse import issparse

from tabular_dl.nn.batches import Table
from tabular_dl.nn.blocks.base import Block
from tabular_dl.nn.members import Members
from tabular_dl.nn.network import Network, Weights
from tabular_dl.nn.passes import own_part, walk

__all__ = ["learn_start"]

# Number of training rows of a member that its kernels and biases are learned from, and limit of their activations.
ROWS = 512
NUMBERS_AT_ONCE = 2**25


def learn_start(network: Network, weights: Weights, table: Table, members: Members) -> None:
    """Replace drawn weights by those that are learned from the members' training rows.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : dict of str to ndarray of shape (P, in, out)
        Drawn weights, which are changed.
    table : Table
        Features and targets.
    members : Members
        Rows, bins and seeds of each member.
    """
    if members.bins is not None and "numeric_embedding.slope" in weights:
        for member, bins in enumerate(members.bins):
            for number, name in enumerate(("slope", "offset")):
                weights[f"numeric_embedding.{name}"][member, : len(bins), : bins.shape[2]] = bins[:, number]
    if network.clamp:
        for member, rows in enumerate(members.training_rows):
            targets = table.y[members.groups[member], rows]
            # Without unknown targets, which are NaN; one that no row has may be predicted as 0.
            weights["clamp.low"][member] = np.nan_to_num(np.fmin.reduce(targets, axis=0))
            weights["clamp.high"][member] = np.nan_to_num(np.fmax.reduce(targets, axis=0))
    learning = [number for number, block in enumerate(network.blocks) if block.learns]
    if learning:
        blocks = network.blocks[: learning[-1] + 1]
        for numbers, x in _samples(network, table, members):
            _learn(blocks, weights, numbers, x, [members.seeds[member] for member in numbers])


def _learn(
    blocks: Sequence[Block], weights: Weights, numbers: Sequence[int], x: np.ndarray, seeds: Sequence[int]
) -> None:
    """Pass rows of some members through the blocks; each block learns from the outputs of the blocks before it."""

    def apply(block: Block, inputs: Any) -> tf.Tensor:
        drawn = {name: tf.constant(weight[numbers]) for name, weight in own_part(block, weights).items()}
        if block.learns:
            for name, value in block.learn(inputs, drawn, seeds).items():
                weights[f"{block.name}.{name}"][numbers] = value
                drawn[name] = tf.constant(weights[f"{block.name}.{name}"][numbers])
        return block.forward(inputs, drawn)

    walk(blocks, tf.constant(x), apply)


def _samples(network: Network, table: Table, members: Members) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield numbers of members with the same number of rows, and rows of each, (members, rows, features)."""
    by_size: dict[int, list[int]] = {}
    for member, rows in enumerate(members.training_rows):
        by_size.setdefault(min(ROWS, len(rows)), []).append(member)
    for size, numbers in by_size.items():
        at_once = max(1, NUMBERS_AT_ONCE // (size * network.activations))
        for start in range(0, len(numbers), at_once):
            part = numbers[start : start + at_once]
            yield part, np.stack([_rows(table, members, member, size) for member in part])


def _rows(table: Table, members: Members, member: int, size: int) -> np.ndarray:
    """Return a member's sample of its training rows, (rows, features)."""
    generator = np.random.default_rng([members.seeds[member], 9])
    rows = np.sort(generator.choice(members.training_rows[member], size, replace=False))
    read = table.matrices[members.groups[member]][rows]
    X = np.ascontiguousarray(read.toarray() if issparse(read) else read, np.float32)
    # In an order of their own, so that what is learned does not depend on the order of a table whose rows are all used.
    return X[np.argsort(X.view(np.dtype((np.void, X.itemsize * X.shape[1])))[:, 0], kind="stable")]

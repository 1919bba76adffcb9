"""Rows for a program: blocks of the table, and each member's shuffled batches of a block.

A table that fits into one block is uploaded once, and each member shuffles all of its rows each epoch. A larger one, a
memory map for instance, is read block by block in a new order each epoch, and rows are shuffled inside a block, so that
memory is bounded by a block. Blocks depend on the table alone, never on the population.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import tensorflow as tf
from scipy.sparse import issparse

from tabular_dl.nn.members import Members

__all__ = ["Batches", "Feed", "Table"]

BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Batches:
    """Rows for one call of a program.

    Attributes
    ----------
    rows : ndarray of shape (steps, P, batch), int32
        Row numbers inside the block.
    weights : ndarray of shape (steps, P, batch), float32
        0 for rows that only fill up a batch.
    partners : ndarray of shape (steps, P, batch), int32
        The rows that mixup mixes into them.
    partner_weights : ndarray of shape (steps, P, batch), float32
        The weights of those.
    shares : ndarray of shape (steps, P, 1), float32
        Share of the row itself in a mixed row; 1 without mixup.
    """

    rows: np.ndarray
    weights: np.ndarray
    partners: np.ndarray
    partner_weights: np.ndarray
    shares: np.ndarray


class Table:
    """A feature matrix and its targets, in blocks of equal shape.

    Parameters
    ----------
    X : ndarray or memory map of shape (rows, features) or (groups, rows, features), or CSR matrix (rows, features)
        Features; a sparse matrix is made dense block by block.
    y : ndarray of shape (rows, targets) or (groups, rows, targets)
        Coded targets.
    """

    def __init__(self, X: Any, y: np.ndarray) -> None:
        self.X = X if X.ndim == 3 or issparse(X) else X[np.newaxis]
        self.y = y if y.ndim == 3 else y[np.newaxis]
        self.groups, rows, features = self.X.shape if self.X.ndim == 3 else (1, *self.X.shape)
        groups = self.groups
        self.block_rows = min(rows, max(1, BLOCK_BYTES // (4 * groups * features)))
        self.blocks = -(-rows // self.block_rows)
        self._loaded: tuple[int, tuple[tf.Tensor, tf.Tensor]] | None = None

    def block(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return a block's features (groups * rows, features) and targets; the last is filled up with zeros."""
        if self._loaded is None or self._loaded[0] != number:
            part = slice(number * self.block_rows, (number + 1) * self.block_rows)
            X = self.X[part].toarray()[np.newaxis] if issparse(self.X) else self.X[:, part]
            self._loaded = (number, (self._upload(X), self._upload(self.y[:, part])))
        return self._loaded[1]

    def _upload(self, part: np.ndarray) -> tf.Tensor:
        missing = self.block_rows - part.shape[1]
        if missing:
            part = np.pad(part, ((0, 0), (0, missing), (0, 0)))
        return tf.constant(part.reshape(-1, part.shape[2]).astype(np.float32, copy=False))


class Feed:
    """Each member's training and validation batches, block by block.

    Parameters
    ----------
    table : Table
        Where the rows are.
    members : Members
        Whose rows they are.
    batch_size : int
        Rows a step.
    """

    def __init__(self, table: Table, members: Members, batch_size: int) -> None:
        self.table = table
        offsets = members.groups * table.block_rows
        self.training = [_by_block(rows, table, at) for rows, at in zip(members.training_rows, offsets, strict=True)]
        self.weights = _weights_by_block(members.training_rows, table, members.training_weights)
        held_out = members.validation_rows or ()
        self.validation = [_by_block(rows, table, at) for rows, at in zip(held_out, offsets, strict=True)]
        self.validation_weights = _weights_by_block(held_out, table, members.validation_weights)
        self.mixup = np.asarray(members.mixup)
        self.generators = [np.random.default_rng([seed, 1]) for seed in members.seeds]
        longest = max(len(rows) for own in self.training for rows in own)
        # A batch wider than the rows would only be filled up with rows of weight zero.
        self.batch_size = min(batch_size, longest)
        self.steps = -(-longest // self.batch_size)
        self.held_out = max((len(rows) for own in self.validation for rows in own), default=0)

    @property
    def steps_an_epoch(self) -> np.ndarray:
        """Number of updates that each member has in an epoch, (P,)."""
        return np.array([sum(-(-len(rows) // self.batch_size) for rows in own) for own in self.training])

    def epoch(self, number: int) -> Iterator[tuple[int, Batches]]:
        """Yield the blocks of an epoch in its order, with each member's shuffled batches."""
        order = np.random.default_rng(number).permutation(self.table.blocks)
        for block in order:
            yield int(block), self._shuffled(int(block))

    def validation_blocks(self) -> Iterator[tuple[int, Batches]]:
        """Yield the blocks with each member's validation rows, as one step."""
        for block in range(self.table.blocks):
            rows = [own[block] for own in self.validation]
            weights = None if self.validation_weights is None else [own[block] for own in self.validation_weights]
            if any(len(own) for own in rows):
                yield block, _filled(rows, weights, 1, self.held_out)

    def samples(self) -> Iterator[tuple[int, Batches]]:
        """Yield the blocks with a batch of each member's own training rows that lie in them, in no order."""
        for block in range(self.table.blocks):
            rows = [own[block][: self.batch_size] for own in self.training]
            weights = None
            if self.weights is not None:
                weights = [own[block][: self.batch_size] for own in self.weights]
            yield block, _filled(rows, weights, 1, self.batch_size)

    def take(self, numbers: Sequence[int] | np.ndarray) -> Self:
        """Return a feed of these members only, in this order, of the same shapes; their shuffles go on from here."""
        part = copy(self)
        part.training = [self.training[k] for k in numbers]
        part.weights = None if self.weights is None else [self.weights[k] for k in numbers]
        part.validation = [self.validation[k] for k in numbers]
        part.validation_weights = self.validation_weights and [self.validation_weights[k] for k in numbers]
        part.mixup = self.mixup[list(numbers)]
        part.generators = [deepcopy(self.generators[k]) for k in numbers]
        return part

    def _shuffled(self, block: int) -> Batches:
        orders = [g.permutation(len(own[block])) for g, own in zip(self.generators, self.training, strict=True)]
        rows = [own[block][order] for own, order in zip(self.training, orders, strict=True)]
        weights = None
        if self.weights is not None:
            weights = [own[block][order] for own, order in zip(self.weights, orders, strict=True)]
        batches = _filled(rows, weights, self.steps, self.batch_size)
        if not self.mixup.any():
            return batches
        partners = [own[block] for own in self.training]
        partner_weights = None if self.weights is None else [own[block] for own in self.weights]
        for member in np.flatnonzero(self.mixup):
            alpha, own = self.mixup[member], partners[member]
            # As many draws as the member has steps of its own: its stream is the same in any population.
            steps = -(-len(own) // self.batch_size)
            batches.shares[:steps, member, 0] = self.generators[member].beta(alpha, alpha, steps)
            order = self.generators[member].permutation(len(own))
            partners[member] = own[order]
            if partner_weights is not None:
                partner_weights[member] = partner_weights[member][order]
        others = _filled(partners, partner_weights, self.steps, self.batch_size)
        return replace(batches, partners=others.rows, partner_weights=others.weights)


def _by_block(rows: np.ndarray, table: Table, offset: int, values: np.ndarray | None = None) -> list[np.ndarray]:
    """Sort row numbers (or values that belong to them) into blocks, in their order; numbers count inside the block."""
    rows = np.asarray(rows)
    wanted = (rows % table.block_rows + offset).astype(np.int32) if values is None else np.asarray(values, np.float32)
    if table.blocks == 1:
        return [wanted]
    return [wanted[rows // table.block_rows == block] for block in range(table.blocks)]


def _weights_by_block(
    rows: Sequence[np.ndarray], table: Table, weights: Sequence[np.ndarray] | None
) -> list[list[np.ndarray]] | None:
    if weights is None:
        return None
    return [_by_block(own, table, 0, values) for own, values in zip(rows, weights, strict=True)]


def _filled(rows: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None, steps: int, batch: int) -> Batches:
    """Cut row lists of unequal lengths into batches, filled up with rows of weight zero.

    Those are the member's own rows once more: weight zero does not hide a foreign row whose loss overflows or whose
    class the network does not have, as 0 * inf is NaN.
    """
    numbers = np.zeros((len(rows), steps * batch), np.int32)
    counted = np.zeros((len(rows), steps * batch), np.float32)
    for member, own in enumerate(rows):
        if len(own):
            numbers[member] = np.resize(own, steps * batch)
            counted[member, : len(own)] = 1.0 if weights is None else weights[member]
    stepwise = (np.ascontiguousarray(a.reshape(-1, steps, batch).swapaxes(0, 1)) for a in (numbers, counted))
    chosen, weight = stepwise
    return Batches(chosen, weight, chosen, weight, np.ones((steps, len(rows), 1), np.float32))

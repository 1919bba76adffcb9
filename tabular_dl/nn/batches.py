"""Rows for a program: blocks of the table, and each member's shuffled batches of a block.

A table of one block is uploaded once, and each member shuffles all its rows each epoch. A larger table, such as a
memory map, is read block by block in a new order each epoch, and rows are shuffled within a block, so that memory is
limited to a block. Blocks depend on the table, not on the population.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix, issparse

from tabular_dl.nn.members import Members

__all__ = ["Batches", "Feed", "Table"]

BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Batches:
    """Rows for one call of a program.

    Attributes
    ----------
    rows : ndarray of shape (steps, P, batch), int32
        Row numbers within the block.
    weights : ndarray of shape (steps, P, batch), float32
        Weights of the rows; 0 for rows that only fill up a batch.
    partners : ndarray of shape (steps, P, batch), int32
        Row numbers to mix with ``rows`` by mixup.
    partner_weights : ndarray of shape (steps, P, batch), float32
        Weights of the partners.
    shares : ndarray of shape (steps, P, 1), float32
        Share of ``rows`` in the mixed rows; 1 without mixup.
    """

    rows: np.ndarray
    weights: np.ndarray
    partners: np.ndarray
    partner_weights: np.ndarray
    shares: np.ndarray


class Table:
    """Feature matrix and targets in blocks of equal shape.

    Parameters
    ----------
    X : ndarray or memory map of shape (rows, features) or (groups, rows, features), or CSR matrix (rows, features)
        Features; blocks of a sparse matrix are made dense. Or a sequence with the matrix of each group, of which only
        blocks are put together.
    y : ndarray of shape (rows, targets) or (groups, rows, targets)
        Coded targets.
    """

    def __init__(self, X: np.ndarray | csr_matrix | Sequence[np.ndarray], y: np.ndarray) -> None:
        one = issparse(X) or (isinstance(X, np.ndarray) and X.ndim == 2)
        self.matrices: list[Any] = [X] if one else list(X)
        self.y = y if y.ndim == 3 else y[np.newaxis]
        self.groups, (rows, features) = len(self.matrices), self.matrices[0].shape
        self.block_rows = min(rows, max(1, BLOCK_BYTES // (4 * self.groups * features)))
        self.blocks = -(-rows // self.block_rows)
        self._loaded: tuple[int, tuple[tf.Tensor, tf.Tensor]] | None = None

    def block(self, number: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return a block's features and targets.

        Parameters
        ----------
        number : int
            Number of the block, from 0.

        Returns
        -------
        X : Tensor of shape (groups * rows, features), float32
            Features, with rows of zeros after those of the last block.
        y : Tensor of shape (groups * rows, targets), float32
            Coded targets.
        """
        if self._loaded is None or self._loaded[0] != number:
            part = slice(number * self.block_rows, (number + 1) * self.block_rows)
            groups = [matrix[part].toarray() if issparse(matrix) else matrix[part] for matrix in self.matrices]
            X = groups[0][np.newaxis] if len(groups) == 1 else np.stack(groups, dtype=np.float32, casting="same_kind")
            self._loaded = (number, (self._upload(X), self._upload(self.y[:, part])))
        return self._loaded[1]

    def _upload(self, part: np.ndarray) -> tf.Tensor:
        missing = self.block_rows - part.shape[1]
        if missing:
            part = np.pad(part, ((0, 0), (0, missing), (0, 0)))
        return tf.constant(part.reshape(-1, part.shape[2]).astype(np.float32, copy=False))


class Feed:
    """Training and validation batches of each member, block by block.

    Parameters
    ----------
    table : Table
        Features and targets.
    members : Members
        Rows of each member, their weights, and seeds.
    batch_size : int
        Rows per step, of each network within a member.
    copies : int, default=1
        Number of networks within a member that have batches of their own: rows of one follow those of another.
    drop_last : bool, default=False
        Whether to leave out the last batch of a member if it is not full, unless it is its only one.
    """

    def __init__(
        self, table: Table, members: Members, batch_size: int, *, copies: int = 1, drop_last: bool = False
    ) -> None:
        self.table, self.copies, self.drop_last = table, copies, drop_last
        offsets = members.groups * table.block_rows
        self.training = [_by_block(rows, table, at) for rows, at in zip(members.training_rows, offsets, strict=True)]
        self.weights = _weights_by_block(members.training_rows, table, members.training_weights)
        held_out = members.validation_rows or ()
        self.validation = [_by_block(rows, table, at) for rows, at in zip(held_out, offsets, strict=True)]
        self.validation_weights = _weights_by_block(held_out, table, members.validation_weights)
        self.mixup = np.asarray(members.mixup)
        self.generators = [np.random.default_rng([seed, 1]) for seed in members.seeds]
        longest = max(len(rows) for blocks in self.training for rows in blocks)
        # A larger batch would only hold more rows of weight 0.
        self.batch_size = min(batch_size, longest)
        self.steps = self._steps(longest)
        self.held_out = max((len(rows) for blocks in self.validation for rows in blocks), default=0)

    @property
    def steps_an_epoch(self) -> np.ndarray:
        """Number of updates of each member in an epoch, (P,)."""
        return np.array([sum(self._steps(len(rows)) for rows in blocks) for blocks in self.training])

    def _steps(self, rows: int) -> int:
        """Return the number of batches of a member's rows of a block."""
        full, rest = divmod(rows, self.batch_size)
        return full if self.drop_last and full else full + (rest > 0)

    def epoch(self, number: int) -> Iterator[tuple[int, Batches]]:
        """Yield the numbers of an epoch's blocks in its order, with each member's shuffled batches."""
        order = np.random.default_rng(number).permutation(self.table.blocks)
        for block in order:
            yield int(block), self._shuffled(int(block))

    def validation_blocks(self) -> Iterator[tuple[int, Batches]]:
        """Yield the numbers of blocks that hold validation rows, with each member's validation rows as one step."""
        for block in range(self.table.blocks):
            rows = [blocks[block] for blocks in self.validation]
            weights = None if self.validation_weights is None else [blocks[block] for blocks in self.validation_weights]
            if any(map(len, rows)):
                yield block, _filled(rows, weights, 1, self.held_out)

    def samples(self) -> Iterator[tuple[int, Batches]]:
        """Yield the numbers of all blocks, with one batch of each member's training rows, not shuffled."""
        for block in range(self.table.blocks):
            rows = [blocks[block][: self.batch_size] for blocks in self.training]
            weights = None
            if self.weights is not None:
                weights = [blocks[block][: self.batch_size] for blocks in self.weights]
            yield block, _filled(rows, weights, 1, self.batch_size)

    def take(self, numbers: Sequence[int] | np.ndarray) -> Self:
        """Return a feed of some members, with batches of the same shapes.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the members, in the order of the new feed.

        Returns
        -------
        Feed
            Feed that continues each member's random numbers.
        """
        part = copy(self)
        part.training = [self.training[k] for k in numbers]
        part.weights = None if self.weights is None else [self.weights[k] for k in numbers]
        part.validation = [self.validation[k] for k in numbers]
        part.validation_weights = self.validation_weights and [self.validation_weights[k] for k in numbers]
        part.mixup = self.mixup[list(numbers)]
        part.generators = [deepcopy(self.generators[k]) for k in numbers]
        return part

    def _shuffled(self, block: int) -> Batches:
        if self.copies == 1:
            return self._shuffled_once(block)
        parts = [vars(self._shuffled_once(block)) for _ in range(self.copies)]
        joined = {name: np.concatenate([part[name] for part in parts], axis=2) for name in parts[0] if name != "shares"}
        return Batches(**joined, shares=parts[0]["shares"])

    def _shuffled_once(self, block: int) -> Batches:
        orders = [g.permutation(len(blocks[block])) for g, blocks in zip(self.generators, self.training, strict=True)]
        rows = [blocks[block][order] for blocks, order in zip(self.training, orders, strict=True)]
        weights = None
        if self.weights is not None:
            weights = [blocks[block][order] for blocks, order in zip(self.weights, orders, strict=True)]
        if self.drop_last:
            # The orders are random, so these are other rows in each epoch.
            kept = [self._steps(len(part)) * self.batch_size for part in rows]
            rows = [part[:size] for part, size in zip(rows, kept, strict=True)]
            weights = weights and [part[:size] for part, size in zip(weights, kept, strict=True)]
        batches = _filled(rows, weights, self.steps, self.batch_size)
        if not self.mixup.any():
            return batches
        partners = [blocks[block] for blocks in self.training]
        partner_weights = None if self.weights is None else [blocks[block] for blocks in self.weights]
        for member in np.flatnonzero(self.mixup):
            alpha, members_rows = self.mixup[member], partners[member]
            # One draw per step of the member, so that its random numbers do not depend on the population.
            steps = self._steps(len(members_rows))
            batches.shares[:steps, member, 0] = self.generators[member].beta(alpha, alpha, steps)
            order = self.generators[member].permutation(len(members_rows))[: len(rows[member])]
            partners[member] = members_rows[order]
            if partner_weights is not None:
                partner_weights[member] = partner_weights[member][order]
        mixed_in = _filled(partners, partner_weights, self.steps, self.batch_size)
        return replace(batches, partners=mixed_in.rows, partner_weights=mixed_in.weights)


def _by_block(rows: np.ndarray, table: Table, offset: int, values: np.ndarray | None = None) -> list[np.ndarray]:
    """Return row numbers within their block, or values of the rows, as one array per block, in the order of rows."""
    rows = np.asarray(rows)
    parts = (rows % table.block_rows + offset).astype(np.int32) if values is None else np.asarray(values, np.float32)
    if table.blocks == 1:
        return [parts]
    return [parts[rows // table.block_rows == block] for block in range(table.blocks)]


def _weights_by_block(
    rows: Sequence[np.ndarray], table: Table, weights: Sequence[np.ndarray] | None
) -> list[list[np.ndarray]] | None:
    if weights is None:
        return None
    return [_by_block(numbers, table, 0, values) for numbers, values in zip(rows, weights, strict=True)]


def _filled(rows: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None, steps: int, batch: int) -> Batches:
    """Cut row lists of unequal lengths into batches, filled up with rows of weight 0.

    A member's rows are repeated for this. Rows of other members would not do: their loss may be infinite or their class
    unknown to the network, and 0 * inf is NaN.
    """
    numbers = np.zeros((len(rows), steps * batch), np.int32)
    values = np.zeros((len(rows), steps * batch), np.float32)
    for member, members_rows in enumerate(rows):
        if len(members_rows):
            numbers[member] = np.resize(members_rows, steps * batch)
            values[member, : len(members_rows)] = 1.0 if weights is None else weights[member]
    stepwise = (np.ascontiguousarray(a.reshape(-1, steps, batch).swapaxes(0, 1)) for a in (numbers, values))
    batch_rows, batch_weights = stepwise
    return Batches(batch_rows, batch_weights, batch_rows, batch_weights, np.ones((steps, len(rows), 1), np.float32))

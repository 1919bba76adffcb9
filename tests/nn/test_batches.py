"""Rows for a program: every training row once an epoch, in blocks that bound the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabular_dl.nn import batches as module
from tabular_dl.nn.batches import Feed, Table
from tabular_dl.nn.members import Members

ROWS, FEATURES = 23, 2
X = np.arange(ROWS * FEATURES, dtype=np.float32).reshape(ROWS, FEATURES)
Y = np.arange(ROWS, dtype=np.float32)[:, None]


def rows_fed(feed: Feed, table: Table, epoch: int, member: int) -> list[float]:
    """Return the targets (which are row numbers) that a member meets in an epoch, in order."""
    met: list[float] = []
    for block, batches in feed.epoch(epoch):
        targets = table.block(block)[1].numpy()[:, 0]
        counted = batches.weights[:, member] > 0
        met.extend(targets[batches.rows[:, member][counted]])
    return met


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(block=st.integers(1, 40), batch=st.integers(1, 9), epoch=st.integers(1, 3), data=st.data())
def test_each_member_meets_each_of_its_rows_once_an_epoch(
    monkeypatch: pytest.MonkeyPatch, block: int, batch: int, epoch: int, data: Any
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * FEATURES * block)
    own = [data.draw(st.lists(st.integers(0, ROWS - 1), min_size=1, unique=True)) for _ in range(2)]
    table = Table(X, Y)
    assert table.block_rows == min(ROWS, block)
    feed = Feed(table, Members([1, 2], [np.array(rows) for rows in own]), batch)
    for member, rows in enumerate(own):
        assert sorted(rows_fed(feed, table, epoch, member)) == sorted(rows)


def test_a_members_rows_come_in_the_same_order_in_any_population() -> None:
    table = Table(X, Y)
    three = Feed(table, Members([5, 6, 7], [np.arange(20), np.arange(23), np.arange(9)]), 4)
    one = Feed(table, Members([6], [np.arange(23)]), 4)
    for epoch in (1, 2):
        assert rows_fed(three, table, epoch, 1) == rows_fed(one, table, epoch, 0)


def test_weights_follow_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * FEATURES * 10)
    rows = np.array([3, 17, 8, 20])
    feed = Feed(Table(X, Y), Members([1], [rows], training_weights=[rows + 0.5]), 3)
    for block, batches in feed.epoch(1):
        counted = batches.weights > 0
        np.testing.assert_array_equal(batches.weights[counted], block * 10 + batches.rows[counted] + 0.5)


def test_partners_of_mixup_bring_their_own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * FEATURES * 10)
    rows = np.arange(ROWS)
    members = Members([1, 2], [rows, rows[::-1]], training_weights=[rows + 0.5, rows[::-1] + 0.5], mixup=[0.5, 0.0])
    for block, batches in Feed(Table(X, Y), members, 3).epoch(1):
        counted = batches.partner_weights > 0
        np.testing.assert_array_equal(counted, batches.weights > 0)
        found = block * 10 + batches.partners[counted] + 0.5
        np.testing.assert_array_equal(batches.partner_weights[counted], found)
        assert not np.array_equal(batches.partners[:, 0], batches.rows[:, 0])


def test_groups_read_their_own_matrix() -> None:
    table = Table(np.stack([X, -X]), np.stack([Y, -Y]))
    feed = Feed(table, Members([1, 2], [np.arange(5)] * 2, groups=np.array([0, 1])), 5)
    assert sorted(rows_fed(feed, table, 1, 1)) == [-4, -3, -2, -1, 0]


def test_separate_matrices_of_groups_are_fed_like_one_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2 * 4 * FEATURES * 10)
    stacked, separate = Table(np.stack([X, -X]), np.stack([Y, -Y])), Table([X, -X], np.stack([Y, -Y]))
    assert separate.blocks == stacked.blocks == 3
    for block in range(3):
        for one, other in zip(separate.block(block), stacked.block(block), strict=True):
            np.testing.assert_array_equal(one, other)
    assert separate.matrices[0] is X


def test_a_memory_map_is_fed_like_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * FEATURES * 10)
    mapped = np.memmap(tmp_path / "rows", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    for block in range(3):
        for one, other in zip(Table(mapped, Y).block(block), Table(X, Y).block(block), strict=True):
            np.testing.assert_array_equal(one, other)


def test_rows_that_fill_up_a_batch_are_the_members_own_and_do_not_count() -> None:
    feed = Feed(Table(X, Y), Members([1, 2], [np.array([4, 5]), np.arange(7)]), 4)
    [(_, batches)] = feed.epoch(1)
    assert batches.rows.shape == (2, 2, 4)
    assert set(batches.rows[:, 0].ravel()) == {4, 5}
    assert batches.weights.sum(axis=(0, 2)).tolist() == [2, 7]

"""Settings of members: a number stands for all, an array for each, and lengths have to fit."""

from __future__ import annotations

import numpy as np
import pytest

from tabular_dl.nn.members import Members

ROWS = [np.arange(4), np.arange(4, 6), np.arange(6)]


def test_a_single_number_stands_for_all_members() -> None:
    members = Members(seeds=[1, 2, 3], training_rows=ROWS, l2=0.5, dropout=[[0.1, 0.2]] * 3)
    assert members.l2.tolist() == [0.5] * 3
    assert np.shape(members.dropout) == (3, 2)
    assert members.learning_rate is None
    assert not members.held_out


def test_members_are_taken_with_all_that_belongs_to_them() -> None:
    members = Members([1, 2, 3], ROWS, validation_rows=ROWS[::-1], learning_rate=np.array([0.1, 0.2, 0.3]), l1=0.5)
    some = members.take([2, 0])
    assert some.seeds == [3, 1]
    assert some.learning_rate.tolist() == [0.3, 0.1]
    assert some.training_rows[0] is ROWS[2]
    assert some.validation_rows is not None
    assert some.validation_rows[1] is ROWS[2]
    assert some.l1.tolist() == [0.5, 0.5]


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"training_rows: expected 2 entries, .*found 3"):
        Members([1, 2], ROWS)
    for wrong in ([0.1, 0.2], [0.1]):
        found = f"l2: expected one number or 3 entries, .*found {len(wrong)}"
        with pytest.raises(ValueError, match=found):
            Members([1, 2, 3], ROWS, l2=np.array(wrong))


def test_either_all_members_hold_out_rows_or_none() -> None:
    with pytest.raises(ValueError, match=r"validation_rows: .*all members or .*none"):
        Members([1, 2, 3], ROWS, validation_rows=[ROWS[0], ROWS[1], np.array([], int)])


def test_a_member_is_described_by_what_differs_from_the_defaults() -> None:
    members = Members([1, 2, 3], ROWS, l2=np.array([0.0, 0.25, 0.0]), patience=3)
    assert members.describe(0) == "patience 3"
    assert members.describe(1) == "l2 0.25, patience 3"

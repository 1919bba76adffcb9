"""Rows that early stopping holds out by time are the latest, a gap after those that are trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.estimators.held_out import RowTimes, hold_out


@given(st.lists(st.integers(0, 12), min_size=6, max_size=40), st.floats(0.05, 0.6), st.integers(0, 3))
def test_the_latest_rows_are_held_out_a_gap_after_the_others(times: list[int], share: float, gap: int) -> None:
    values = np.array(times, float)
    rows = np.arange(100, 100 + len(times))
    different = np.unique(values)
    size = max(1, round(share * len(times)))
    if size >= len(times):
        return
    if len(different) < 2 + gap:
        with pytest.raises(DataError, match="different times, too few to hold out the latest"):
            hold_out(rows, None, share, 0, RowTimes.of(values, gap))
        return
    train, held_out = hold_out(rows, None, share, 0, RowTimes.of(values, gap))
    first = values[held_out - 100].min()
    # All rows of that time and later, as many as were asked for if another time is left.
    np.testing.assert_array_equal(np.sort(held_out), rows[values >= first])
    assert len(held_out) >= size or first == different[gap + 1]
    between = different[(different > values[train - 100].max()) & (different < first)]
    assert len(between) == gap
    np.testing.assert_array_equal(np.sort(train), rows[values <= values[train - 100].max()])


def test_rows_of_one_time_cannot_be_held_out_and_trained_on() -> None:
    with pytest.raises(DataError, match="The training rows of a fold have 1 different times, too few"):
        hold_out(np.arange(5), None, 0.2, 0, RowTimes.of(np.zeros(5)))

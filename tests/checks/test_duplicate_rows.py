"""Equal rows have equal keys, whatever file they come from; others do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.checks.duplicate_rows import find_overlap, find_twins, row_keys, shared_columns

NAN = float("nan")
VALUES = st.one_of(st.integers(-3, 3), st.none())
ROWS = st.lists(st.tuples(VALUES, st.sampled_from(["a", "b", None])), min_size=1, max_size=12)


def table(rows: list[tuple[object, object]]) -> pd.DataFrame:
    columns = {"x": [x for x, _ in rows], "c": [c for _, c in rows]}
    return pd.DataFrame(columns).astype({"x": "float64", "c": "str"}).set_axis(range(1, len(rows) + 1))


@settings(max_examples=50)
@given(ROWS, ROWS)
def test_keys_are_equal_where_rows_are_as_told_by_a_plain_loop(one: list, other: list) -> None:
    first, second = row_keys(table(one), table(other))
    for row, key in zip(one, first, strict=True):
        assert [key == other_key for other_key in second] == [row == other_row for other_row in other]


@settings(max_examples=50)
@given(ROWS, st.data())
def test_twins_are_counted_as_by_a_plain_loop(rows: list, data: st.DataObject) -> None:
    y = data.draw(st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows)))
    (keys,) = row_keys(table(rows))
    twins = find_twins(keys, pd.Series(y, index=table(rows).index))
    again = [place for place, row in enumerate(rows) if row in rows[:place]]
    assert twins.rows == len(again)
    assert twins.alike == sum(rows.count(row) > 1 for row in rows)
    answers = [{answer for answer, other in zip(y, rows, strict=True) if other == row} for row in rows]
    assert twins.conflicting == sum(len(answer) > 1 for answer in answers)
    assert twins.first == ((rows.index(rows[again[0]]) + 1, again[0] + 1) if again else None)


@settings(max_examples=50)
@given(ROWS, ROWS)
def test_an_overlap_is_counted_as_by_a_plain_loop(one: list, other: list) -> None:
    keys = row_keys(table(one), table(other))
    overlap = find_overlap(*(pd.Series(own, index=range(1, len(own) + 1)) for own in keys))
    known = [place for place, row in enumerate(other) if row in one]
    assert overlap.rows == len(known)
    assert overlap.first == ((known[0] + 1, one.index(other[known[0]]) + 1) if known else None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([7.25], [7.2500001]),
        ([0.0], [-0.0]),
        ([9.9999999], [10.0]),
        ([3, 4], [3.0, 4.0]),
        ([True, False], [1, 0]),
        ([NAN, 1.0], [np.float64("nan"), 1]),
        (["O'Dwyer, Miss. Ellen 'Nellie'"], ['ODwyer,  miss. Ellen "Nellie" ']),
        ([None, "a"], [NAN, "A"]),
        ([1.0, "x"], ["1", "x"]),
        ([1e-200, 1e300], [1.0000001e-200, 1.0000001e300]),
    ],
)
def test_what_two_files_write_differently_is_the_same(one: list, other: list) -> None:
    first, second = row_keys(pd.DataFrame({"x": one}), pd.DataFrame({"x": other}))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(
    ("one", "other"), [(7.25, 7.2501), (1, -1), ("a+", "a-"), ("1", "2"), ("ab", "a b"), (NAN, 0.0), (1e-5, 2e-5)]
)
def test_what_means_something_else_is_another_row(one: object, other: object) -> None:
    first, second = row_keys(pd.DataFrame({"x": [one]}), pd.DataFrame({"x": [other]}))
    assert first[0] != second[0]


def test_a_value_belongs_to_its_column() -> None:
    keys = row_keys(pd.DataFrame({"a": ["x", "y"], "b": ["y", "x"]}))[0]
    assert keys[0] != keys[1]


def test_shared_columns_are_in_the_order_of_the_first_table() -> None:
    tables = [pd.DataFrame(columns=["Id", "b", "a", "y"]), pd.DataFrame(columns=["a", "b", "Id"])]
    assert shared_columns(tables, ["Id", None]) == ["b", "a"]

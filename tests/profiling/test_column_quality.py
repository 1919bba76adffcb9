"""Constant, repeated and squeezed columns are detected, and similar columns are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.profiling.column_quality import constant_columns, duplicate_columns, squeezed_into

NAN = float("nan")
RANDOM = np.random.default_rng(0)


def test_constant_columns() -> None:
    table = pd.DataFrame(
        {"one": [1, 1, 1], "none": [NAN] * 3, "text": ["a"] * 3, "two": [1, 1, 2], "half": [1, NAN, 1]}
    )
    assert constant_columns(table) == ["one", "none", "text"]


@pytest.mark.parametrize(
    ("other", "twin"),
    [
        ([1.0, 2.0, NAN, 1.0], True),
        ([1.0, 2.0, 3.0, 1.0], False),
        ([2.0, 4.0, NAN, 2.0], False),  # numbers of another scale may be scaled otherwise
        ([True, False, True, True], False),
    ],
)
def test_numbers_are_duplicates_if_they_are_equal(other: list, twin: bool) -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, NAN, 1.0], "b": other})
    assert duplicate_columns(table) == ({"b": "a"} if twin else {})


def test_whole_numbers_and_floats_of_the_same_values_are_duplicates() -> None:
    assert duplicate_columns(pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0], "c": [True, False]})) == {"b": "a"}


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["a", "b", None]), min_size=2, max_size=9), st.permutations(["x", "y"]))
def test_categories_under_other_names_are_duplicates_unless_they_are_constant(values: list, names: list) -> None:
    table = pd.DataFrame({"one": pd.Series(values * 10, dtype=object)})
    table["other"] = table["one"].map(dict(zip("ab", names, strict=True)))
    assert duplicate_columns(table) == ({"other": "one"} if len(set(values)) > 1 else {})


@settings(max_examples=50)
@given(st.lists(st.floats(allow_infinity=False), min_size=20, max_size=40))
def test_no_finite_numbers_are_too_much(values: list[float]) -> None:
    column = pd.Series(values, dtype="float64")
    squeezed = squeezed_into(column)
    assert squeezed is None or 0 < squeezed[0] < 0.1


def test_text_that_is_different_in_every_row_is_a_duplicate_only_of_the_same_text() -> None:
    names = pd.Series([f"name {row}" for row in range(50)])
    table = pd.DataFrame({"name": names, "ticket": names.str[5:], "copy": names})
    assert duplicate_columns(table) == {"copy": "name"}


@pytest.mark.parametrize("sign", [1, -1])
def test_far_values_squeeze_the_others(sign: int) -> None:
    values = sign * np.concatenate([np.linspace(0, 1, 299), [1000.0]])
    share, low, high = squeezed_into(pd.Series(RANDOM.permutation(values))) or (NAN, NAN, NAN)
    # 297 of 300 rows are 99 %; two of those left out are at the far side, as one may choose.
    assert share == pytest.approx((values[296] - values[0]) / (values[299] - values[0]), rel=0.02)
    assert (low, high) == ((0, 1000) if sign > 0 else (-1000, 0))


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(0, 1, 300),
        RANDOM.normal(size=1000),
        [*np.linspace(0, 1, 290), *[50.0] * 10],  # more than 1 %: a group of its own
        [0.0] * 299 + [1.0],  # nearly constant, which no scale changes
        [5.0] * 300,
        [*np.linspace(0, 1, 18), 1000.0],  # few rows
        [NAN] * 300,
    ],
    ids=["even", "normal", "a group", "a rare flag", "constant", "few rows", "missing"],
)
def test_other_columns_are_not_squeezed(values: list) -> None:
    assert squeezed_into(pd.Series(values)) is None

"""Numbers of a column: what networks can compute with, or the row that they cannot; categories of a column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.tables import category_codes, category_text, read_categories, read_numbers


def test_a_number_that_networks_cannot_compute_with_is_refused() -> None:
    assert read_numbers(pd.Series([1e38, -1e38]), "column x", "").tolist() == [1e38, -1e38]
    with pytest.raises(
        DataError, match=r"column x, row 1: expected a finite number of at most 1e38, found -1e\+200\. Fix"
    ):
        read_numbers(pd.Series([1e38, -1e200]), "column x", "Fix it.")


def test_commas_separate_thousands_as_in_columns_of_a_table() -> None:
    assert read_numbers(pd.Series(["1,240", "-1,240,000.5", "7", 8]), "column x", "").tolist() == [
        1240,
        -1240000.5,
        7,
        8,
    ]
    with pytest.raises(DataError, match="column x, row 1: expected a finite number, found '1,24'"):
        read_numbers(pd.Series(["1,240", "1,24"]), "column x", "")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(2**53, 2**53 + 3),
    st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e-7, 1e300, float("inf"), float("nan")]),
    st.sampled_from(["1", "1.0", "", " a", "a", "True", "nan", "é"]),
    st.sampled_from([pd.Timestamp("2024-01-31"), np.int64(3), np.float32(0.1), np.str_("a"), Decimal("1.50")]),
)


@settings(deadline=None)
@given(values=st.lists(VALUES, max_size=12), dtype=st.sampled_from([object, None]))
def test_categories_are_the_texts_of_the_cells_whatever_is_asked_of_different_ones(
    values: list[Any], dtype: type[object] | None
) -> None:
    column = pd.Series(values, dtype=dtype)
    expected = [None if pd.isna(value) else category_text(value) for value in column]
    assert [None if pd.isna(text) else text for text in read_categories(column)] == expected
    codes, texts = category_codes(column)
    assert [None if code < 0 else texts[code] for code in codes] == expected
    assert texts.tolist() == [text for text in dict.fromkeys(expected) if text is not None]

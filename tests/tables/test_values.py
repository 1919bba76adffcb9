"""Numbers of a column: what networks can compute with, or the row that they cannot."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.tables import read_numbers


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

"""A pattern stands for the columns that a shell's would; a name that a column has stands for that column alone."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.column_patterns import ColumnSelection, has_pattern, missing_names, resolve

NAMES = st.text(alphabet="ab1*?[]-", min_size=1, max_size=4)


@given(st.lists(NAMES, max_size=6, unique=True), st.lists(NAMES, max_size=3), st.lists(NAMES, max_size=2))
def test_a_rule_means_the_columns_of_its_names_and_patterns(
    columns: list[str], names: list[str], never: list[str]
) -> None:
    expected: list[str] = []
    for name in names:
        if name in columns:
            expected.append(name)
        else:
            expected += [column for column in columns if fnmatchcase(column, name) and column not in never]
    assert resolve(names, columns, never) == list(dict.fromkeys(expected))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x*"], ["x1", "x2", "x10"]),  # the table's order
        (["x?"], ["x1", "x2"]),
        (["x[2-3]"], ["x2"]),
        (["x2", "x*"], ["x2", "x1", "x10"]),  # each once, where it is named first
        (["X*"], []),
        (["price [EUR]"], ["price [EUR]"]),
        (["*"], ["y", "x1", "x2", "x10", "price [EUR]"]),
    ],
)
def test_worked_examples(names: list[str], expected: list[str]) -> None:
    assert resolve(names, ["Id", "y", "x1", "x2", "x10", "price [EUR]"], never=["Id"]) == expected


def test_a_column_that_a_pattern_never_means_may_still_be_named() -> None:
    assert resolve(["Id", "*"], ["Id", "x"], never=["Id"]) == ["Id", "x"]


def test_has_pattern() -> None:
    assert [has_pattern([name]) for name in ("a", "a*", "?", "a[b", "")] == [False, True, True, True, False]


def test_what_is_missing_is_told_with_the_nearest_name() -> None:
    said = missing_names(["Age", "agee", "pixl*", "pixel*"], ["Age", "pixel0"])
    assert list(said.values()) == ["'agee': Did you mean 'Age'?", "'pixl*' matches no column. Did you mean 'pixel0'?"]


def test_a_selection_of_a_table_refuses_what_is_not_there() -> None:
    table = pd.DataFrame({"Id": [1], "x1": [2], "x2": [3]})
    assert ColumnSelection(["*"], ["Id"])(table) == ["x1", "x2"]
    with pytest.raises(DataError, match=r"^the table lacks columns that the rules name. 'z\*' matches no column"):
        ColumnSelection(["x1", "z*"])(table)

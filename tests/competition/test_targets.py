"""Several targets of a table: rows without any are parted, and numbers may be missing in some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabular_dl.competition.targets import part_by_targets
from tabular_dl.errors import DataError

PATH = Path("train.csv")


def table(**targets: list) -> pd.DataFrame:
    frame = pd.DataFrame({"x": range(4), **targets})
    return frame.set_index(pd.RangeIndex(1, 5))


def test_rows_without_any_target_are_left_out_and_numbers_are_whole_again() -> None:
    rows = part_by_targets(table(a=[1, None, 3, 4], b=[0.5, None, None, 2]), ["a", "b"], PATH)
    assert rows.labeled.index.tolist() == [1, 3, 4]
    assert rows.labeled["a"].tolist() == [1, 3, 4]
    assert rows.labeled["a"].dtype == "int64"
    np.testing.assert_array_equal(rows.labeled["b"], [0.5, np.nan, 2])
    assert rows.unlabeled["x"].tolist() == [1]
    assert rows.notes == (
        "train.csv: 1 of 4 rows has no value of any target, the first is row 2; they are left out of training",
        "train.csv: 1 of 3 rows has no value of b (a target), the first is row 3; the other targets learn from them",
    )


def test_a_whole_table_is_returned_as_it_is() -> None:
    whole = table(a=[1, 2, 3, 4], b=[0.5, 1, 1, 2])
    rows = part_by_targets(whole, ["a", "b"], PATH)
    pd.testing.assert_frame_equal(rows.labeled, whole)
    assert (len(rows.unlabeled), rows.notes) == (0, ())


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"a": [1, 2, 3, 4], "b": ["x", None, "y", "x"]}, "column b .* 1 of 4 rows have no value, the first is row 2"),
        ({"a": [1, 2, 3, 4], "b": ["x", None, "y", "x"]}, "each row needs all of several targets of classes"),
        ({"a": [None] * 4, "b": [None] * 4}, "no row has a value of a, b"),
        ({"a": [1, 2, 3, 4], "b": [np.nan] * 4}, "column b .*: no row has a value"),
        ({"a": [1, 2, 3, 4], "b": [7, np.nan, 7, 7]}, r"column b .*: every row has the value 7\.0"),
        ({"a": [1, 2, 3, 4]}, "there is no column 'b'"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(targets: dict[str, list], message: str) -> None:
    with pytest.raises(DataError, match=message):
        part_by_targets(table(**targets), ["a", "b"], PATH)

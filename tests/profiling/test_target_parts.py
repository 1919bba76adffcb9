"""Columns that the target consists of are found by the relation, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabular_dl.profiling.target_parts import target_parts

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "casual": RANDOM.poisson(20, 300),
        "registered": RANDOM.poisson(90, 300),
        "temp": RANDOM.normal(size=300),
        "place": RANDOM.choice(["a", "b", "c"], 300),
    }
)


def parts(target: pd.Series, table: pd.DataFrame = TABLE, *, classification: bool = False) -> dict[str, str]:
    return target_parts(table, target.rename("y"), classification=classification)


@pytest.mark.parametrize(
    ("target", "relation"),
    [
        (TABLE["casual"] + TABLE["registered"], "casual + registered = y"),
        (TABLE["casual"] - 2 * TABLE["registered"] + 7, "casual - 2 registered + 7 = y"),
        ((TABLE["registered"] - TABLE["casual"]) / 4 - 1, "-0.25 casual + 0.25 registered - 1 = y"),
    ],
)
def test_an_exact_sum(target: pd.Series, relation: str) -> None:
    assert parts(target) == {"casual": relation, "registered": relation}
    # A single row that does not obey is enough: then the columns are only like the target.
    assert relation not in parts(target.where(target.index != 5, target + 1)).values()


def test_a_column_that_nearly_equals_the_target() -> None:
    near = np.exp(TABLE["temp"]) * 100
    assert parts(near) == {"temp": "its rank correlation with y is 1.00"}
    assert parts(-near) == {"temp": "its rank correlation with y is -1.00"}
    assert parts(TABLE["temp"] + RANDOM.normal(0, 1, 300)) == {}


def test_few_rows_obey_by_chance_and_are_no_evidence() -> None:
    wide = pd.DataFrame(RANDOM.normal(size=(30, 20))).add_prefix("c")
    assert parts(pd.Series(RANDOM.normal(size=30)), wide) == {}


def test_a_column_with_missing_values_is_no_part_of_a_sum_but_may_be_alike() -> None:
    table = TABLE[["casual", "registered"]].mask(RANDOM.random((300, 2)) < 0.1)
    assert parts(TABLE["casual"] + TABLE["registered"], table) == {}
    assert set(parts(TABLE["casual"], table)) == {"casual"}


def test_values_of_one_label_each() -> None:
    label = TABLE["place"].map({"a": "no", "b": "yes", "c": "no"})
    assert parts(label, classification=True) == {"place": "100.0% of the rows of its values have the same y"}
    mixed = label.where(RANDOM.random(300) < 0.9, "no")
    assert parts(mixed, classification=True) == {}
    assert parts(label, pd.DataFrame({"row": range(300), "empty": None}), classification=True) == {}


def test_nothing_is_part_of_nothing() -> None:
    assert parts(TABLE["temp"], TABLE[[]]) == {}
    assert parts(TABLE["temp"], TABLE[["place"]]) == {}


def test_what_never_varies_has_no_correlation() -> None:
    table = TABLE.assign(always=1.5, never=np.nan)
    assert parts(TABLE["temp"] * 2 + RANDOM.normal(0, 0.01, 300), table).keys() == {"temp"}
    assert parts(pd.Series(7.0, index=TABLE.index), table) == {}

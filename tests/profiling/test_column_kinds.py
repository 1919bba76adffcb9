"""What kind a column is: column by column on tables like real ones, and rule by rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.profiling.column_kinds import ColumnKind, column_kinds
from tabular_dl.tables import NumberForm
from tests.competitions import COMPETITIONS

HUNDRED = np.random.default_rng(0).permutation(np.arange(100))


def kind(values: Any, test: Any = None, name: str = "x") -> ColumnKind:
    frames = [None if column is None else pd.DataFrame({name: column}) for column in (values, test)]
    (found,) = column_kinds(*frames)
    return found


@pytest.mark.parametrize("name", COMPETITIONS)
def test_each_column_of_a_table_like_real_ones_is_of_its_kind(name: str) -> None:
    made = COMPETITIONS[name]()
    found = column_kinds(made.train.drop(columns=[made.target, *([made.id] if made.id else [])]), made.test)
    assert {column.name: column.kind for column in found} == made.kinds
    assert all(column.reason for column in found)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None] * 30, "missing"),
        ([7] * 30, "constant"),
        (["a", None] * 15, "low_cardinality"),
        ([0, 1] * 15, "boolean"),
        ([0.0, None, 1.0] * 10, "boolean"),
        (["Yes", "no"] * 15, "boolean"),
        ([True, False, None] * 10, "boolean"),
        (["on ", "OFF"] * 15, "boolean"),
        (["male", "female"] * 15, "low_cardinality"),
        ([1, 2, 3] * 10, "low_cardinality"),
        (list(range(11)) * 3, "numeric"),
        ([1.5, 2.5, 3.5] * 10, "numeric"),
        (["1", "2.5", "-3", "4"] * 10, "numeric"),
        (["007", "008", "123"] * 10, "low_cardinality"),
        (["1", "2", "many"] * 10, "low_cardinality"),
        ([f"word{k}" for k in range(21)] * 2, "high_cardinality"),
        ([f"word{k}" for k in range(20)] * 2, "low_cardinality"),
        ([f"word{k}" for k in range(20)], "id"),
        ([f"word{k}" for k in range(19)], "low_cardinality"),
        ([f"A{k} of b c" for k in range(40)], "text"),
        (["one of four such"] * 20 + ["another of four such"] * 20, "low_cardinality"),
        (HUNDRED, "id"),
        (HUNDRED.astype(float), "id"),
        (HUNDRED + 0.5, "numeric"),
        (HUNDRED * 3, "id"),
        (HUNDRED * 7919 + 1_000, "numeric"),
        (HUNDRED * 7919 + 100_000_000, "id"),
        (pd.date_range("2020-01-01", periods=30), "date"),
    ],
)
def test_a_rule_and_its_edge(values: Any, expected: str) -> None:
    assert kind(values).kind == expected


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y", "%B %d, %Y", "%d-%b-%y"],
)
def test_dates_of_common_formats_are_dates(form: str) -> None:
    days = pd.date_range("2021-01-20", periods=60, freq="37h").strftime(form)
    assert kind(days).kind == "date"
    assert kind(days).trouble is None


def test_of_dates_with_a_few_other_texts_the_first_is_named() -> None:
    days = list(pd.date_range("2021-01-20", periods=60).strftime("%Y-%m-%d"))
    found = kind([*days[:40], "soon", *days[40:]])
    assert (found.kind, found.trouble) == ("date", "'soon' in row 40 is none")
    assert kind([*days[:40], *["soon", "later"] * 4]).kind == "high_cardinality"


def test_a_number_that_names_rows_by_its_name_alone_needs_different_values_in_every_row() -> None:
    assert kind(HUNDRED * 3, name="CustomerId").kind == "id"
    assert kind(HUNDRED // 2 * 3, name="CustomerId").kind == "numeric"


def test_training_and_test_rows_are_read_alike() -> None:
    numbers = np.random.default_rng(0).normal(size=40)
    assert kind(numbers, ["?", *map(str, numbers)]).kind == "high_cardinality"
    assert kind(numbers, [None] * 5) == kind(numbers, [None] * 5)
    assert kind(numbers, [None] * 5).reason == "no value in any test row"


def test_columns_that_the_test_table_lacks_are_left_out() -> None:
    train = pd.DataFrame({"a": [1.5, 2.5], "b": [1.5, 2.5]})
    assert [column.name for column in column_kinds(train, train[["b"]])] == ["b"]


def test_an_infinite_value_is_named() -> None:
    assert kind([1.5, np.inf, 2.5] * 5).trouble == "row 1 is infinite"


def test_the_numbers_that_a_kind_rests_on() -> None:
    values = np.random.default_rng(0).lognormal(0, 1.5, 500)
    found = kind([*values, *[None] * 500])
    assert found.missing == 0.5
    assert found.distinct == len(np.unique(values))
    centred = values - values.mean()
    plain = (centred**3).mean() / (centred**2).mean() ** 1.5  # without the correction for bias
    assert found.skewness == pytest.approx(plain, rel=0.01)
    assert found.heavy_tailed
    assert not kind(np.random.default_rng(0).normal(size=500)).heavy_tailed
    assert kind([1, 1, 1, 2, 2, 3] * 3).rarest == 3
    assert kind([f"one two three n{k}" for k in range(30)]).words == 4.0


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=12), st.integers(-(2**62), 2**62), st.floats(), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60)
def test_every_column_is_of_some_kind_with_a_reason(values: list[Any]) -> None:
    column = pd.Series(values, dtype=object)
    found = kind(column)
    assert found.reason
    assert found == kind(column)
    if found.kind not in ("missing", "constant"):
        assert 0 < found.rarest <= len(values)


# Numbers in text


def test_numbers_with_a_unit_are_numbers_and_cells_that_are_none_are_missing() -> None:
    generator = np.random.default_rng(0)
    values = [f"{value:.2f} kmpl" for value in generator.normal(20, 4, 99)]
    column = kind([*values, "unknown"])
    assert (column.kind, column.number_form) == ("numeric", NumberForm("kmpl"))
    assert column.missing == pytest.approx(0.01)
    assert column.reason == "numbers in kmpl; missing in 1 of 100 values that are none, such as 'unknown'"
    assert column.skewness is not None
    assert abs(column.skewness) < 1


def test_few_whole_numbers_with_a_unit_are_categories_and_numbers() -> None:
    column = kind([f"{n} yrs" for n in (1, 2, 3, 5)] * 10)
    assert (column.kind, column.ordered, column.distinct) == ("low_cardinality", True, 4)


def test_a_form_is_needed_in_the_training_rows_too() -> None:
    assert kind(["large", "small", "tiny"] * 10, [f"{n} kg" for n in range(200)]).number_form is None


def test_dates_and_ids_with_units_of_time_stay_what_they_are() -> None:
    assert kind([f"{day}/01/2024" for day in range(1, 29)]).kind == "date"
    assert kind([f"{n}-{n + 1}" for n in range(100, 140)]).number_form is None

"""What kind a column is: column by column on tables like real ones, and rule by rule."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.preprocessing import learn_dates
from tabular_dl.profiling.column_kinds import ColumnKind, column_kinds
from tabular_dl.profiling.date_columns import as_dates
from tabular_dl.tables import NumberForm, find_number_form
from tests.competitions import COMPETITIONS

HUNDRED = np.random.default_rng(0).permutation(np.arange(100))


def kind(values: Any, test: Any = None, name: str = "x") -> ColumnKind:
    frames = [None if column is None else pd.DataFrame({name: column}) for column in (values, test)]
    (column,) = column_kinds(*frames)
    return column


@pytest.mark.parametrize("name", COMPETITIONS)
def test_each_column_of_a_table_like_real_ones_is_of_its_kind(name: str) -> None:
    made = COMPETITIONS[name]()
    columns = column_kinds(made.train.drop(columns=[made.target, *([made.id] if made.id else [])]), made.test)
    assert {column.name: column.kind for column in columns} == made.kinds
    assert all(column.reason for column in columns)


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
        ([f"Ann{k} Lee" for k in range(40)], "text"),
        ([f"Ann{k} Lee" for k in range(30)] * 2, "high_cardinality"),
        ([20240101 + k for k in range(28)], "id"),
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
    column = kind([*days[:40], "soon", *days[40:]])
    assert (column.kind, column.trouble) == ("date", "'soon' in row 40 is no date")
    assert kind([*days[:40], *["soon", "later"] * 4]).kind == "high_cardinality"


def test_a_number_that_names_rows_by_its_name_alone_needs_different_values_in_every_row() -> None:
    assert kind(HUNDRED * 3, name="CustomerId").kind == "id"
    assert kind(HUNDRED // 2 * 3, name="CustomerId").kind == "numeric"


def test_whole_numbers_are_dates_where_the_name_says_so() -> None:
    days = [20240101 + k for k in range(28)]
    assert kind(days, name="sale_date").kind == "date"
    assert kind(days, name="amount").kind == "id"


def test_months_days_and_hours_are_categories_and_numbers() -> None:
    hours = list(range(24)) * 3
    assert (kind(hours, name="hr").kind, kind(hours, name="hr").ordered) == ("low_cardinality", True)
    assert kind(hours, name="rooms").kind == "numeric"
    assert kind([*range(60)] * 2, name="day").kind == "numeric"


def test_what_test_rows_have_and_training_rows_have_not() -> None:
    codes = list("abc") * 20
    assert kind(codes, ["a", "b"]).new_categories == "none"
    assert kind(codes, ["a", "b", "d"]).new_categories == "some"
    assert kind(codes, ["a", "d", "d"]).new_categories == "most"
    assert kind([1, 2, 3] * 20, [1.0, None]).new_categories == "none"  # 1 and 1.0 are one category
    assert not kind(codes, ["a", "b"]).newly_missing
    assert kind(codes, ["a", None]).newly_missing
    assert not kind([*codes, None], ["a", None]).newly_missing


def test_training_and_test_rows_are_read_alike() -> None:
    numbers = np.random.default_rng(0).normal(size=40)
    assert kind(numbers, ["?", *map(str, numbers)]).kind == "high_cardinality"
    assert kind(numbers, [None] * 5) == kind(numbers, [None] * 5)
    assert kind(numbers, [None] * 5).reason == "no value in any test row"


def test_columns_that_the_test_table_lacks_are_left_out() -> None:
    train = pd.DataFrame({"a": [1.5, 2.5], "b": [1.5, 2.5]})
    assert [column.name for column in column_kinds(train, train[["b"]])] == ["b"]


def test_an_infinite_value_is_named() -> None:
    column = kind([1.5, np.inf, 2.5] * 5)
    assert (column.kind, column.reason, column.infinite, column.trouble) == (
        "numeric",
        "numbers; row 1 is infinite",
        True,
        None,
    )
    assert column.missing == pytest.approx(1 / 3)
    beside = kind([1.5, 2.5] * 10, [1.5, -np.inf])
    assert (beside.infinite, beside.reason) == (True, "numbers; row 1 of the test rows is infinite")
    assert kind(["1.5", "inf"] * 10).kind == "numeric"
    assert kind([1.5, np.inf] * 3).reason == "numbers; row 1 is infinite"
    assert kind([np.inf] * 5).kind == "constant"


def test_a_number_that_networks_cannot_compute_with_is_named() -> None:
    assert kind([1.5, 2.5, 1e39] * 5).trouble == "row 2 is 1e+39, beyond 1e38"


def test_the_numbers_that_a_kind_rests_on() -> None:
    values = np.random.default_rng(0).lognormal(0, 1.5, 500)
    column = kind([*values, *[None] * 500])
    assert column.missing == 0.5
    assert column.distinct == len(np.unique(values))
    centred = values - values.mean()
    plain = (centred**3).mean() / (centred**2).mean() ** 1.5  # without the correction for bias
    assert column.skewness == pytest.approx(plain, rel=0.01)
    assert column.heavy_tailed
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
    column_kind = kind(column)
    assert column_kind.reason
    assert column_kind == kind(column)
    if column_kind.kind not in ("missing", "constant"):
        assert 0 < column_kind.rarest <= len(values)


# Numbers in text


def test_numbers_with_a_unit_are_numbers_and_cells_that_are_none_are_missing() -> None:
    generator = np.random.default_rng(0)
    values = [f"{value:.2f} kmpl" for value in generator.normal(20, 4, 99)]
    column = kind([*values, "unknown"])
    assert (column.kind, column.number_form) == ("numeric", NumberForm("kmpl"))
    assert column.missing == pytest.approx(0.01)
    assert column.reason.startswith("numbers in kmpl; 1 of 100 values ")
    assert column.reason.endswith("such as 'unknown'")
    assert column.skewness is not None
    assert abs(column.skewness) < 1


def test_few_whole_numbers_with_a_unit_are_categories_and_numbers() -> None:
    column = kind([f"{n} yrs" for n in (1, 2, 3, 5)] * 10)
    assert (column.kind, column.ordered, column.distinct) == ("low_cardinality", True, 4)


def test_few_ranges_are_categories_and_numbers() -> None:
    ages = ["18-25", "26-35", "36-64", "65+"]
    column = kind(ages * 10)
    assert (column.kind, column.ordered, column.distinct) == ("low_cardinality", True, 4)
    assert column.reason == "4 different numbers written as text ('18-25' as 21.5, '65+' as 65): categories, or amounts"
    years = kind([*map(str, range(20, 65)), "65+"] * 4)
    assert (years.kind, years.reason) == ("numeric", "numbers written as text ('65+' as 65)")


@pytest.mark.parametrize("values", [["2019-20", "2020-21", "2021-22"], ["3-1", "1-3", "0-2", "2-2"]])
def test_seasons_and_scores_are_categories_without_an_order(values: list[str]) -> None:
    column = kind(values * 20)
    assert (column.kind, column.ordered, column.number_form) == ("low_cardinality", False, None)


def test_a_form_is_needed_in_the_training_rows_too() -> None:
    assert kind(["large", "small", "tiny"] * 10, [f"{n} kg" for n in range(200)]).number_form is None


def test_dates_and_ids_with_units_of_time_stay_what_they_are() -> None:
    assert kind([f"{day}/01/2024" for day in range(1, 29)]).kind == "date"
    assert kind([f"{n}-{n + 1}" for n in range(100, 140)]).number_form is None


# What is asked of each different value, asked of each cell

WORDS = ["red", "dark red", "a b c d", "12 km", "13 km", "14.5 km", "31.12.2024", "01.02.2025", "2024-01-31", "x1", ""]


def cell_by_cell(train: list[str], test: list[str]) -> tuple[str | None, str | None, float | None, tuple[Any, ...]]:
    """Return format and first fault of dates, mean words of texts, and the number form, from every cell."""
    both = pd.Series([*train, *test], dtype=object)
    written = learn_dates(both)["format"]
    dates = [written is not None and not pd.isna(as_dates(both[[n]], written)[n]) for n in both.index]
    starts = [re.match(r"\s*(\d{1,4}[-/. ]|[A-Za-z]{3,9} \d{1,2})\S*\d", text) is not None for text in both[:100]]
    if np.mean(starts) >= 0.95 and np.mean(dates) >= 0.95:
        fault = None if all(dates) else f"{both[dates.index(False)]!r} in row {dates.index(False)} is no date"
        return written, fault, None, ()
    forms = [find_number_form(iter(texts)) for texts in (train, [*train, *test])]
    return None, None, float(np.mean([len(text.split()) for text in train])), tuple(forms)


@settings(max_examples=40, deadline=None)
@given(
    pool=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True),
    seed=st.integers(0, 1000),
    rows=st.integers(20, 25),
    odd=st.sampled_from(["", "soon", "12.5 kg"]),
)
def test_kinds_from_different_values_are_those_of_every_cell(pool: list[str], seed: int, rows: int, odd: str) -> None:
    generator = np.random.default_rng(seed)
    train, test = ([str(text) for text in generator.choice(pool, size)] for size in (rows, 5))
    if odd:
        train[int(generator.integers(rows))] = odd
    if len(set(train)) < 2:
        return
    index = pd.RangeIndex(rows + 5)
    column = kind(pd.Series(train, index[:rows]), pd.Series(test, index[rows:]))
    written, fault, words, forms = cell_by_cell(train, test)
    assert column.date_format == written
    if written is not None:
        assert (column.kind, column.trouble) == ("date", fault)
    elif None not in forms:
        assert column.number_form == forms[1]
    elif column.kind != "boolean":
        assert column.number_form is None
        assert column.words == words

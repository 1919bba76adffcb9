"""Ranges in text are numbers where they are parts of one scale; seasons, scores and telephone numbers are none."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.tables.number_ranges import range_ends
from tabular_dl.tables.unit_numbers import find_number_form, read_unit_numbers


def number(text: str, unit: object = True, decimal: str = ".") -> float:
    return read_unit_numbers(pd.Series([text], dtype="str"), unit, decimal).item()


# Single cells


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("18-25", True, 21.5),
        ("18 \u2013 25", True, 21.5),
        ("18 to 25", True, 21.5),
        ("ages 18-25", True, 21.5),
        ("18-24 years old", "year", 21),
        ("10 - 20 kg", "g", 15000),
        ("between 1 and 5 km", "km", 3),
        ("500 m - 2 km", "km", 1.25),
        ("1h30-2h", "min", 105),
        ("$1,000-1,999", "$", 1499.5),
        ("$1-2k", "$", 1500),
        ("500-1k", True, 750),
        ("5-10 EUR", "€", 7.5),
        ("10-20%", "%", 15),
        ("[70-80)", True, 75),
        ("(-0.5, 10.0]", True, 4.75),
        ("1990-1999", True, 1994.5),
        # without an end
        ("65+", True, 65),
        ("ages 65+", True, 65),
        ("10+ years", "year", 10),
        ("1,000+", True, 1000),
        ("$500k+", "$", 5e5),
        ("> 100", True, 100),
        (">=5 kg", "kg", 5),
        ("More than 100 Days", "Days", 100),
        ("65 years or older", "year", 65),
        ("(35.5, inf]", True, 35.5),
        ("< 1 year", "year", 0.5),
        ("under 18", True, 9),
        ("less than 1 hour", "min", 30),
        ("5 or less", True, 2.5),
        ("<0", True, 0),
        ("< -5", True, -5),  # no middle between 0 and the end
    ],
)
def test_a_range_is_its_middle_or_the_end_that_it_has(text: str, unit: object, expected: float) -> None:
    assert number(text, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("2020-21", "2019-2020", "2024-01-31", "01-12"),  # seasons and dates
        *("3-1", "2-2", "25-18", "-5-3", "5--3", "1-2-3"),  # scores and codes
        *("10 kg - 20", "5 kg - 10 km", "1 - many", "A-5", "3-5 March", "10-12 am", "9:00-17:00"),
        *("A+", "O+", "1+1", "5 + 3", "+", "65++", ">", "< b", "<b>5</b>", "under", "over there", "1 or 2"),
        *("(1, 2)", "[1, 2]", "[5-", "inf-5", "1e999-2e999"),
    ],
)
def test_anything_else_is_missing_whatever_the_unit(text: str) -> None:
    for unit in (True, "kg", "$", "h", "year", ["kmpl", "km/kg"]):
        assert math.isnan(number(text, unit)), unit


def test_ends_are_read_in_the_declared_decimal_sign() -> None:
    assert [number(text, "km", ",") for text in ("1,5-2,5 km", "1.000 - 3.000 km")] == [2, 2000]


def test_a_long_text_is_no_range() -> None:
    assert range_ends(f"18 - {'0' * 60}") is None


# Laws

AMOUNTS = st.integers(0, 10**6).map(lambda n: n / 8)
FORMS = {"{}-{}": (True, 1), "{} to {} kg": ("g", 1000), "between {} and {} h": ("min", 60), "[{}, {})": (True, 1)}


@given(AMOUNTS, AMOUNTS, st.sampled_from(list(FORMS)))
def test_a_range_is_halfway_between_its_ends(first: float, second: float, form: str) -> None:
    (unit, factor), low, high = FORMS[form], min(first, second), max(first, second)
    read = number(form.format(low, high), unit)
    if low < high and not (high == low + 1 and low % 1 == 0 and 1900 <= low < 2100):
        assert read == pytest.approx(factor * (low + (high - low) / 2), rel=1e-12)
    elif "{}-{}" in form:
        assert math.isnan(read)


@settings(max_examples=50)
@given(st.sets(st.integers(0, 1800), min_size=4, max_size=12).map(sorted), st.sampled_from(["{}-{}", "{} to {} kg"]))
def test_parts_of_one_scale_are_numbers_in_their_order(edges: list[int], form: str) -> None:
    parts = [form.format(low, high) for low, high in pairwise(edges)]
    texts = [f"< {edges[0]}", *parts, f"{edges[-1]}+"]
    number_form = find_number_form(texts)
    assert number_form is not None
    assert number_form.unit == ("kg" if "kg" in form else True)
    numbers = read_unit_numbers(pd.Series(texts), number_form.unit)
    assert numbers.is_monotonic_increasing
    assert find_number_form([*texts, form.format(edges[0], edges[-1])]) is None  # overlaps the others


# The form of a column


@pytest.mark.parametrize(
    ("texts", "unit", "ranges"),
    [
        (["18-25", "26-35", "36-45", "46+"], True, ("'18-25' as 21.5", "'46+' as 46")),
        (
            ["10+ years", "< 1 year", "1 year", "2 years", "3 years"],
            "years",
            ("'< 1 year' as 0.5", "'10+ years' as 10"),
        ),
        (["0-10", "11-20", "21-30", "More than 30 Days"], "Days", ("'0-10' as 5", "'More than 30 Days' as 30")),
        (["$0-999", "1,000-1,999", "> $2,000"], "$", ("'$0-999' as 499.5", "'> $2,000' as 2000")),
        ([*map(str, range(18, 65)), "65+"], True, ("'65+' as 65",)),  # one cell is enough beyond all numbers
        (["<1", ">20", *map(str, range(1, 21))], True, ("'<1' as 0.5", "'>20' as 20")),
        (["0+", "1,000+", "5,000,000+"], True, ("'0+' as 0",)),
        ([*map(str, range(800, 900)), "805-810", "1133 - 1384", "803-812"], True, ("'805-810' as 807.5",)),
        ([f"[{n}-{n + 10})" for n in range(0, 100, 10)], True, ("'[0-10)' as 5",)),
        (["2h30", "1h", "90 min", "2h05", "1h 05m"], "min", ()),
    ],
)
def test_nearly_all_cells_share_a_form(texts: list[str], unit: object, ranges: tuple[str, ...]) -> None:
    form = find_number_form(texts)
    assert form is not None
    assert (form.unit, form.ranges) == (unit, ranges)
    assert read_unit_numbers(pd.Series(texts), form.unit).notna().all()
    assert all(example in form.in_words for example in ranges)


@pytest.mark.parametrize(
    "texts",
    [
        ["2019-20", "2020-21", "2021-22"],
        ["2019-2020", "2020-2021", "2021-2022"],
        ["3-1", "1-3", "0-2", "2-2"],
        ["1-3", "0-2", "2-3", "0-1"],  # the guest always wins
        ["555-1234", "556-7890", "312-4567"],  # telephones
        ["12345-6789", "22345-6789", "92345-1001"],  # postal codes
        [f"{n}-{n + 1}" for n in range(100, 140)],  # parts of one scale, but too many
        ["1-5", "12-5", "3-12", "4-7"],  # days and months
        ["18-25", "26+"],  # two categories
        ["1-2 kg", "3-4 km", "5-6 kg"],
        ["18-25", "26-35", "36+", "unknown"],
        [*map(str, range(18, 65)), "30+"],  # a code among numbers
        ["1H19", "2H19", "1H20"],
        ["A+", "B+", "AB+"],
    ],
)
def test_other_columns_have_no_form(texts: list[str]) -> None:
    assert find_number_form(texts) is None


def test_ranges_of_a_column_keep_their_rows() -> None:
    column = pd.Series(["26-35", None, "65+", "26-35"], index=[4, 2, 9, 7], name="age", dtype="str")
    expected = pd.Series([30.5, np.nan, 65, 30.5], index=[4, 2, 9, 7], name="age")
    pd.testing.assert_series_equal(read_unit_numbers(column, True), expected)

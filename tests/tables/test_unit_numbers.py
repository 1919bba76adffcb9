"""Text in one of the forms is a number; dates, codes and other text with digits are none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.tables.unit_numbers import NumberForm, find_number_form, read_unit_numbers


def number(text: str, unit: object = True, decimal: str = ".") -> float:
    return read_unit_numbers(pd.Series([text], dtype="str"), unit, decimal).item()


# Single cells


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("19.67 kmpl", "kmpl", 19.67),
        ("1240 CC", "CC", 1240),
        ("74bhp", "bhp", 74),
        (" 1,240 cc ", "CC", 1240),
        ("$4,436", "$", 4436),
        ("-$5.50", "$", -5.5),
        ("$-5.50", "$", -5.5),
        ("($1,200)", "$", -1200),
        ("4,436 EUR", "€", 4436),
        ("US$ 5", "$", 5),
        ("$1.5M", "$", 1.5e6),
        ("$3m", "$", 3e6),
        ("17.1%", "%", 17.1),
        ("1.2e3 km", "km", 1200),
        ("5'11\"", "in", 71),
        ("5' 11''", "in", 71),
        ("5'11", "ft", 5 + 11 / 12),
        ("3 yrs", "yr", 3),
        ("3 yrs 6 mths", "yr", 3.5),
        ("2h 50m", "min", 170),
        ("2h30", "min", 150),
        ("2 h 05", "h", 2 + 5 / 60),
        ("0h45m", "min", 45),
        ("2h30min", "min", 150),
        ("1h2m3s", "s", 3723),
        ("50m", "min", 50),
        ("2h 50m", "m", 170),  # minutes, as only they are of a dimension with hours
        ("800 m", "km", 0.8),
        ("\u22124 kg", "kg", -4),
        (".5 kg", "g", 500),
        ("512 MB", "GB", 0.5),
        ("1,200 Sq. Ft.", "sqft", 1200),
        ("(1,200)", True, -1200),
        ("1.5M", True, 1.5e6),
        ("20k", True, 2e4),
        ("3 million", True, 3e6),
        ("45.5 Lakh", True, 4.55e6),
        ("1,240", True, 1240),
        ("0", "$", 0),
        ("7", "kmpl", 7),  # a plain number counts as one in the declared unit
        ("3 BHK", ["BHK", "Bedroom"], 3),
        ("4 Bedrooms", ["BHK", "Bedroom"], 4),
    ],
)
def test_a_number_is_read_in_the_declared_unit(text: str, unit: object, expected: float) -> None:
    assert number(text, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-31", "31/01/2024", "12 Jan", "Jan 12", "3 March", "12 Mon"),  # dates
        *("12:30", "12:30 PM", "10 AM", "5pm"),  # times
        *("20-10", "1/2", "4x4", "10-20-30", "2020-21", "2019-2020", "3-1", "1+1", "[1, 2]", "(1, 2)"),
        *("1.2.3", "v1.2", "4.0.3 and up"),  # versions
        *("007", "02139", "0012 kg", "12A", "747X", "C85", "7e", "0x1F", "A/5 21171"),  # codes
        *("+1 555 1234", "(555) 1234", "192.168.0.1"),  # telephones, addresses
        *("1st", "2nd", "3rd", "4th", "12 Main Street", "2 of 5", "300 K", "3D"),
        *("1,24 km", "12,34,567", "1.5.2 kg", "null bhp", "kg", "$", "%", "", " ", "()", "(-5)", "--5", "+-3 kg"),
        *("5 $ 6", "$5/hr", "$5 kg", "50m 2h", "2h 3kg", "inf", "nan", "1e999 km"),
    ],
)
def test_anything_else_is_missing_whatever_the_unit(text: str) -> None:
    for unit in (True, "kg", "$", "h", "year", "%", ["kmpl", "km/kg"]):
        assert math.isnan(number(text, unit)), unit


@pytest.mark.parametrize(
    ("text", "unit"), [("5 kg", "km"), ("5 kmpl", "km/kg"), ("€5", "$"), ("5%", True), ("5 m", "kg")]
)
def test_a_number_of_another_dimension_is_missing(text: str, unit: object) -> None:
    assert math.isnan(number(text, unit))


def test_a_decimal_comma_is_read_where_it_is_declared() -> None:
    assert [number(text, "km", ",") for text in ("19,67 km", "1.234,5 km", "1 234 km")] == [19.67, 1234.5, 1234]
    assert math.isnan(number("19,67 km", "km"))


def test_rows_keep_their_index_and_missing_cells_stay_missing() -> None:
    column = pd.Series(["2 GB", None, "512 MB", "2 GB"], index=[4, 2, 9, 7], name="memory", dtype="str")
    expected = pd.Series([2, np.nan, 0.5, 2], index=[4, 2, 9, 7], name="memory")
    pd.testing.assert_series_equal(read_unit_numbers(column, "GB"), expected)
    pd.testing.assert_series_equal(read_unit_numbers(pd.Series([1, 2]), "GB"), pd.Series([1.0, 2.0]))


# Laws

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=3)
FORMS = {
    "{0} kmpl": ("kmpl", 1),
    "{0:,} CC": ("CC", 1),
    "{0}%": ("%", 1),
    "{0:e} km": ("m", 1000),
    "{0} lbs.": ("kg", 0.45359237),
    "${0:,}": ("$", 1),
    "{0:,} USD": ("$", 1),
    "{0}k": (True, 1000),
    "{0:,}": (True, 1),
}


@given(AMOUNTS, st.sampled_from(list(FORMS)))
def test_a_number_written_in_a_form_is_read_as_itself(amount: object, form: str) -> None:
    unit, factor = FORMS[form]
    assert number(form.format(amount), unit) == pytest.approx(float(str(amount)) * factor, rel=1e-12)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_hours_minutes_and_seconds_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert number(f"{hours}h {minutes}m {seconds}s", "s") == pytest.approx(3600 * hours + 60 * minutes + seconds)


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_no_text_raises_and_plain_digits_alone_have_no_form(text: str) -> None:
    number(text, "kg")
    assert find_number_form([text, "12", "13", "14"]) is None or {*text} & {*"+<>≤≥"}


# The form of a column


def cells(form: str, count: int = 40) -> list[str]:
    return [form.format(3 * place + 0.5) for place in range(count)]


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        (cells("{} kmpl"), "kmpl"),
        (cells("{}bhp"), "bhp"),
        (cells("${:,}"), "$"),
        (cells("{}%"), "%"),
        ([f"{n} yrs" for n in range(4)], "yrs"),
        ([f"{n} GB" for n in range(1, 30)] + ["512 MB", "64 MB"], "GB"),
        ([f"{n}h {3 * n}m" for n in range(1, 15)] + ["45m", "5h"], "min"),
        ([f"{n}'{m}\"" for n in (5, 6) for m in range(12)], "inch"),
        (["1,200", "(300)", "(45)", "7", "12", "8", "9"], True),
        (["1.5M", "20k", "3M", "12", "7M"], True),
        (["$0", *cells("${}")], "$"),
        (["0", *cells("${}")], "$"),
        (["Varies with device", *cells("{}M")], True),
        (["2 BHK", "3 BHK", "4 BHK", "2 Bedroom", "6 Bedrooms"], ("BHK", "Bedroom")),
    ],
)
def test_nearly_all_cells_share_a_form(texts: list[str], unit: object) -> None:
    form = find_number_form(texts)
    assert form is not None
    assert form.unit == unit
    assert read_unit_numbers(pd.Series(texts), form.unit, form.decimal).notna().mean() >= 0.95


@pytest.mark.parametrize(
    "texts",
    [
        [f"2024-01-{day:02d}" for day in range(1, 29)],
        [f"{day} Jan" for day in range(1, 29)],
        [f"{hour}:30" for hour in range(1, 24)],
        [f"1.{n}.0" for n in range(20)],
        [f"0{n}139" for n in range(10)],
        [f"{n}A" for n in range(1, 20)],
        [f"{n}{letter}" for n in range(1, 9) for letter in "ABCDEF"],  # seats
        [f"C{n}" for n in range(20)],
        [f"{n}{'st' if n == 1 else 'nd' if n == 2 else 'rd' if n == 3 else 'th'}" for n in range(1, 20)],
        [f"({n})" for n in range(200, 220)],  # area codes
        [f"+1 555 {n}" for n in range(1000, 1020)],
        [f"{n} {name} street" for n in range(20) for name in ("Main", "High", "Oak")],
        [f"{n} {name}" for n in range(5) for name in ("Main", "High", "Oak", "Elm", "Ash", "Lime")],
        ["36 months", "60 months"],  # two categories
        [*cells("{} kmpl", 18), "unknown", "none"],  # a tenth has no form
        [str(n) for n in range(20)] + ["T2N"],
        ["yes", "no"],
        [],
    ],
)
def test_other_columns_have_no_form(texts: list[str]) -> None:
    assert find_number_form(texts) is None


def test_a_decimal_comma_is_found_and_a_comma_for_thousands_is_none() -> None:
    assert find_number_form(["19,67 km", "5,1 km", "7 km"]) == NumberForm("km", ",")
    assert find_number_form(["1,967 km", "5,100 km", "7 km"]) == NumberForm("km")


def test_units_that_cannot_be_converted_are_spelled_as_in_the_cells() -> None:
    form = find_number_form([*cells("{} kmpl"), *cells("{} km/kg", 10)])
    assert form == NumberForm(("kmpl", "km/kg"), ".", ("km/kg", "kmpl"))
    assert form.in_words == "numbers in kmpl and km/kg"

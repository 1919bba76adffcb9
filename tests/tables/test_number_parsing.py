"""A column of texts is numeric if all of its cells are numbers in one notation; otherwise it stays text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.tables import number_parsing
from tabular_dl.tables.number_parsing import read_cells, read_labels, read_number

NAN = float("nan")


def column(*texts: str | None) -> pd.Series:
    return pd.Series(texts, dtype="str", index=pd.RangeIndex(1, len(texts) + 1), name="x")


def expect(texts: pd.Series, values: list[object], dtype: str, *, decimal_comma: bool = False) -> tuple[str, ...]:
    cells = read_cells(texts, decimal_comma=decimal_comma)
    pd.testing.assert_series_equal(cells.column, pd.Series(values, dtype=dtype, index=texts.index, name="x"))
    return cells.remarks


# Missing


@pytest.mark.parametrize("mark", ["?", "-", "--"])
def test_marks_are_missing_among_numbers_and_among_text(mark: str) -> None:
    remarks = (f"{mark!r} is read as missing",)
    assert expect(column("1.5", f" {mark} ", "2"), [1.5, NAN, 2.0], "float64") == remarks
    assert expect(column("a", mark, "b"), ["a", NAN, "b"], "str") == remarks


@pytest.mark.parametrize("word", [None, "", "  ", " NA", "N/A ", " NaN ", " null", " None"])
def test_words_with_spaces_around_them_are_missing_too_and_that_is_usual(word: str | None) -> None:
    assert expect(column("1", word), [1.0, NAN], "float64") == ()


def test_a_minus_beside_a_plus_is_a_sign() -> None:
    assert expect(column("+", "-", "?"), ["+", "-", NAN], "str") == ("'?' is read as missing",)


def test_a_column_without_any_value_is_a_column_of_missing_numbers() -> None:
    assert expect(column("?", None, "-"), [NAN] * 3, "float64") == ("'?' is read as missing", "'-' is read as missing")


# Numbers


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,234", "12", "0"], [1234, 12, 0]),
        (["-1,234,567", "+1,000"], [-1234567, 1000]),
        (["1,234.5", "0.25"], [1234.5, 0.25]),
    ],
)
def test_commas_between_thousands(texts: list[str], values: list[float]) -> None:
    dtype = "int64" if all(isinstance(value, int) for value in values) else "float64"
    assert expect(column(*texts), values, dtype) == ("commas are read as thousands separators",)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,5", "2"], [1.5, 2.0]),
        (["1.234,5", "12,25"], [1234.5, 12.25]),
        (["1 234,5", "1\u00a0000", "1\u202f000\u202f000"], [1234.5, 1000.0, 1e6]),
        (["-0,5", "1,5e-3"], [-0.5, 0.0015]),
    ],
)
def test_a_decimal_comma(texts: list[str], values: list[float]) -> None:
    assert expect(column(*texts), values, "float64", decimal_comma=True) == ("a comma is read as the decimal sign",)


@pytest.mark.parametrize("decimal_comma", [False, True])
def test_plain_numbers_are_plain_wherever_they_stand(decimal_comma: bool) -> None:
    texts = column("1.5", "?", "1e3", ".5", "5.", "-inf", "Infinity")
    values = [1.5, NAN, 1000.0, 0.5, 5.0, -np.inf, np.inf]
    assert expect(texts, values, "float64", decimal_comma=decimal_comma) == ("'?' is read as missing",)


@pytest.mark.parametrize(
    ("texts", "decimal_comma"),
    [
        (["007", "12"], False),  # names
        (["00", "1"], False),
        (["1,5", "2,25"], False),  # no thousands
        (["1,2345"], False),
        (["12,34,567"], False),
        (["0,123"], False),
        (["1.234", "5,5"], True),  # 1234, or 1.234
        (["1,5", "1.5"], True),
        (["1", "abc"], False),
        (["0x1F", "1_000"], False),
        (["12%", "3"], False),
        (["2020-01-31", "31/01/2020"], False),
        (["yes", "no"], False),
        (["9007199254740993", "?"], False),  # as a float it would be another number
        (["123456789012345678901", "5"], False),
    ],
)
def test_what_is_no_number_or_could_be_two_stays_text(texts: list[str], decimal_comma: bool) -> None:
    cells = read_cells(column(*texts), decimal_comma=decimal_comma)
    assert cells.column.dtype == "str"
    assert cells.column.dropna().tolist() == [text for text in texts if text != "?"]


def test_long_integers_that_a_type_holds_are_exact() -> None:
    expect(column("9007199254740993", "1"), [9007199254740993, 1], "int64")


def test_one_text_far_below_makes_a_column_text() -> None:
    assert read_cells(column(*["1,234"] * 500, "x")).column.tolist() == [*["1,234"] * 500, "x"]


@settings(max_examples=25)
@given(st.lists(st.integers(-(10**12), 10**12) | st.none(), min_size=1, max_size=8))
def test_integers_are_read_back_from_pythons_own_thousands(numbers: list[int | None]) -> None:
    values = read_cells(column(*(None if number is None else f"{number:,}" for number in numbers))).column
    assert [None if np.isnan(value) else int(value) for value in values] == numbers


@settings(max_examples=25)
@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=8))
def test_decimals_are_read_back_from_the_european_way_of_writing(numbers: list[object]) -> None:
    swapped = [f"{number:,}".translate(str.maketrans(",.", ".,")) for number in numbers]
    values = read_cells(column(*swapped), decimal_comma=True).column
    assert values.tolist() == [float(str(number)) for number in numbers]


# Labels


def test_words_for_nothing_are_labels_where_labels_are_asked_for() -> None:
    read = read_labels(column("None", "?", "-", "Apnea", "", " NA ", None))
    assert read.isna().tolist() == [False] * 4 + [True] * 3
    assert read.dropna().tolist() == ["None", "?", "-", "Apnea"]


def test_a_text_of_thousands_of_digits_is_no_number() -> None:
    assert read_number("1" + "0" * 300) == 10**300
    assert read_number("1" + "0" * 5000) is None


TEXTS = [
    "1",
    "-2.5",
    "1,234",
    "1.234,5",
    "1 234",
    "007",
    "12a",
    "a",
    " b ",
    "?",
    "-",
    "+",
    "--",
    " NA",
    "",
    "1e5",
    None,
]


@given(texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), comma=st.booleans())
def test_words_that_are_told_at_a_glance_are_those_that_all_cells_tell(texts: list[str | None], comma: bool) -> None:
    cells = read_cells(column(*texts), decimal_comma=comma)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_parsing, "_is_plain_text", lambda *_, **__: False)
        expected = read_cells(column(*texts), decimal_comma=comma)
    pd.testing.assert_series_equal(cells.column, expected.column)
    assert cells.remarks == expected.remarks

"""Columns of dates are distinguished from numbers and text, and names of units of time from other names."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular_dl.profiling.date_columns import as_dates, date_format, is_date_number, time_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("date", ["time"]),
        ("date_block_num", ["time"]),
        ("saleDate", ["time"]),
        ("weekofyear", ["week"]),
        ("Week of Year", ["week"]),
        ("YrSold", ["year"]),
        ("MoSold", ["month"]),
        ("year_month", ["year", "month"]),
        ("day_of_week", []),
        ("DayOfWeek", []),
        ("dayofweek", []),
        ("update", []),
        ("candidate", []),
        ("price", []),
        ("birthday", []),
    ],
)
def test_names_that_speak_of_time(name: str, words: list[str]) -> None:
    assert time_words(name) == words


def test_text_that_writes_dates() -> None:
    days = pd.date_range("2024-01-25", periods=40)
    assert date_format(pd.Series(days.astype(str))) == "ISO8601"
    assert date_format(pd.Series([*days.strftime("%d/%m/%Y"), None])) == "%d/%m/%Y"
    assert date_format(pd.Series(["12 red", "7 blue"] * 20)) is None
    assert date_format(pd.Series([None, None], dtype=object)) is None


def test_whole_numbers_are_dates_if_each_is_one_and_their_name_says_so() -> None:
    numbers = [20240229, 20231231]
    assert is_date_number(pd.Series([*numbers, None], name="sale_date"))
    assert not is_date_number(pd.Series(numbers, name="amount"))
    assert not is_date_number(pd.Series([*numbers, 20230229], name="sale_date"))
    assert not is_date_number(pd.Series([2023, 2024], name="year"))


def test_dates_are_read_in_their_format_and_missing_ones_stay_missing() -> None:
    dates = as_dates(pd.Series(["02.01.2025", None, "soon", "02.01.2025"], index=[3, 5, 7, 9]), "%d.%m.%Y")
    assert dates.index.tolist() == [3, 5, 7, 9]
    assert dates.isna().tolist() == [False, True, True, False]
    assert dates[9] == pd.Timestamp("2025-01-02", tz="UTC")

"""Dates are read as they are written, whatever the way, and refused where they are written in two."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.dates import FORMATS, cyclic_part, date_part, learn_dates

MOMENTS = st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2030, 1, 1))


def part(values: list[object], name: str, **settings: str) -> list[float]:
    column = pd.Series(values)
    return date_part(column, name, learn_dates(column, settings.get("format")), "feature 'F'").tolist()


@settings(max_examples=40)
@given(st.lists(MOMENTS, min_size=1, max_size=4), st.sampled_from(FORMATS))
def test_a_format_that_is_found_reads_every_date(moments: list[datetime.datetime], written: str) -> None:
    # A day above 12 tells it from the month.
    moments = [*moments, datetime.datetime(2024, 5, 31, 13, 45)]
    texts = [each.isoformat() if written == "ISO8601" else each.strftime(written) for each in moments]
    assert part(texts, "dayofyear") == [each.timetuple().tm_yday for each in moments]
    assert part(texts, "year") == [each.year for each in moments]


@pytest.mark.parametrize(
    ("values", "months"),
    [
        (["2024-01-31", "2024-02-01T10:30:00", "20240301"], [1, 2, 3]),
        ([20240131, 20240201], [1, 2]),
        ([pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-01 12:00")], [1, 2]),
        ([datetime.date(2024, 1, 31), datetime.date(2024, 2, 1)], [1, 2]),
        (["31 Jan 2024", "1 Feb 2024"], [1, 2]),
        (["January 31, 2024", "February 1, 2024"], [1, 2]),
        (["1/31/2024", "2/1/2024"], [1, 2]),
        (["31/1/2024", "1/2/2024"], [1, 2]),
        (["31.01.2024 17:06", "01.02.2024 00:00"], [1, 2]),
        (["01/31/24 05:06 PM", "02/01/24 01:00 AM"], [1, 2]),
        (["2024-01-31T23:30:00-02:00", "2024-02-01T00:30:00+00:00"], [2, 2]),
        (["9999-12-31", "1677-01-01"], [12, 1]),
    ],
)
def test_common_ways_to_write_a_date(values: list[object], months: list[int]) -> None:
    assert part(values, "month") == months


def test_where_day_and_month_could_be_either_the_month_comes_first_unless_told_otherwise() -> None:
    assert part(["03/04/2024", "05/06/2024"], "month") == [3, 5]
    assert part(["03/04/2024", "05/06/2024"], "month", format="%d/%m/%Y") == [4, 6]


def test_weeks_begin_on_monday_and_days_elapse_in_fractions() -> None:
    # 1 January 2024 was a Monday.
    assert part(["2024-01-01", "2024-01-07"], "weekday") == [0, 6]
    assert part(["2024-01-01 06:00", "2023-12-31 00:00"], "elapsed") == [1.25, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["2024-01-31", "2024-02-01", "31/01/2024"],
            r"row 2: expected a date like 2024-01-31, .* found '31/01/2024'\. .*`format: '%d/%m/%Y'`",
        ),
        (["2024-01-31", "soon", "later", "2024-02-01"], r"row 1: .* found 'soon' \(and 1 more such rows\)"),
        (["2024-02-30"], "row 0: expected a date like 2024-01-31, found '2024-02-30'"),
        ([3.5, 4.5], "row 0: expected a date like 2024-01-31, found '3.5'"),
        ([1, 2, 3], "row 0: .* found '1'"),
    ],
)
def test_what_is_no_date_or_written_in_a_second_way_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(DataError, match=f"feature 'F', {message}"):
        part(values, "day")


def test_a_named_format_holds_for_every_row() -> None:
    with pytest.raises(DataError, match=r"row 1: expected a date like 31/01/2024, .* found '01/31/2024'"):
        part(["31/01/2024", "01/31/2024"], "day", format="%d/%m/%Y")


@pytest.mark.parametrize(
    ("part", "values"),
    [("hour", range(24)), ("month", range(1, 13)), ("weekday", range(7)), ("minute", range(60)), ("day", range(1, 32))],
)
def test_cyclic_parts_put_all_values_on_a_circle_at_equal_distances(part: str, values: range) -> None:
    numbers = pd.Series([*values, None], dtype="float64")
    points = np.column_stack([cyclic_part(numbers, part, function) for function in ("sin", "cos")])
    np.testing.assert_allclose(np.hypot(*points[:-1].T), 1)
    np.testing.assert_allclose(points[0], [0, 1], atol=1e-12)
    gaps = np.hypot(*(points[:-1] - np.roll(points[:-1], 1, axis=0)).T)
    np.testing.assert_allclose(gaps, gaps[0])
    assert np.isnan(points[-1]).all()

"""Parts of dates are features where they differ between rows, and where test rows share them."""

from __future__ import annotations

import pandas as pd
import pytest

from tabular_dl.drafting.date_parts import useful_parts

DAYS = pd.Series(pd.date_range("2022-01-01", "2023-12-31"))
HOURS = pd.Series(pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h"))


@pytest.mark.parametrize(
    ("train", "test", "parts"),
    [
        (DAYS, None, ["month", "weekday", "day", "year", "elapsed"]),
        (HOURS, None, ["month", "weekday", "hour", "day", "year", "elapsed"]),
        (DAYS[:600], DAYS[600:631], ["month", "weekday", "day", "elapsed"]),  # the year would be the second all along
        (DAYS[:365], DAYS[365:396], ["month", "weekday", "day", "elapsed"]),  # the year is the same in all rows
        (DAYS[:730], DAYS[:31] + pd.Timedelta(days=730), ["month", "weekday", "day", "elapsed"]),  # a third year
        (DAYS[:300], DAYS[304:330], ["weekday", "day", "elapsed"]),  # a month that no training row has
        (HOURS[HOURS.dt.day < 20], HOURS[HOURS.dt.day >= 20], ["month", "weekday", "hour", "year", "elapsed"]),
        (DAYS[:3], None, ["weekday", "day", "elapsed"]),
        (DAYS[:1], None, []),
        (DAYS.where(DAYS.index > 400), None, ["month", "weekday", "day", "elapsed"]),
    ],
)
def test_parts(train: pd.Series, test: pd.Series | None, parts: list[str]) -> None:
    assert [part for part, _ in useful_parts(train, test, None)] == parts


def test_dates_are_read_in_the_format_that_is_given() -> None:
    days = DAYS[:12].dt.strftime("%d/%m/%Y")
    assert "month" not in dict(useful_parts(days, None, "%d/%m/%Y"))
    assert "day" not in dict(useful_parts(days, None, "%m/%d/%Y"))


def test_days_of_the_month_are_categories_where_each_has_rows_enough() -> None:
    uses = {"month": "circle", "weekday": "circle", "day": "categories", "year": "number", "elapsed": "number"}
    assert dict(useful_parts(DAYS, None, None)) == uses
    assert dict(useful_parts(DAYS[:500], None, None)) == uses | {"day": "number"}  # nine months with a day 31
    assert dict(useful_parts(HOURS, None, None))["hour"] == "circle"


def test_few_places_on_a_circle_are_categories() -> None:
    assert dict(useful_parts(HOURS[HOURS.dt.hour.isin([0, 6, 12])], None, None))["hour"] == "categories"
    assert dict(useful_parts(HOURS[HOURS.dt.hour.isin([0, 6, 12, 18])], None, None))["hour"] == "circle"

"""Test rows that follow the training rows are distinguished from test rows between them, and from rows in no order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.preprocessing.expressions import evaluate, parse
from tabular_dl.profiling.time_order import TimeOrder, find_time_order

DAYS = pd.Series(pd.date_range("2023-11-01", periods=120))
MONTHS = pd.DataFrame({"year": 2022 + np.arange(36) // 12, "month": np.arange(36) % 12 + 1})


def order(values: Any, where: Any, name: str = "date") -> TimeOrder | None:
    """Return the order of rows and of those of them that are held out."""
    table = pd.DataFrame({name: values, "x": 1.5})
    return find_time_order(table[~where], table[where])


LAST = np.arange(120) >= 100


@pytest.mark.parametrize(
    ("name", "values", "last", "first"),
    [
        ("date", DAYS, "2024-02-08 00:00:00", "2024-02-09 00:00:00"),
        ("sold", DAYS.dt.strftime("%Y-%m-%d"), "2024-02-08", "2024-02-09"),
        ("sold", DAYS.dt.strftime("%d.%m.%Y"), "08.02.2024", "09.02.2024"),
        ("date", DAYS.dt.strftime("%Y%m%d").astype(int), "20240208", "20240209"),
        ("weekofyear", pd.Series(np.arange(120) // 4), "24", "25"),
        ("date_block_num", pd.Series(np.arange(120) // 50), "1", "2"),
        ("timestamp", pd.Series(1_700_000_000 + 60 * np.arange(120)), "1700005940", "1700006000"),
    ],
)
def test_rows_that_follow(name: str, values: pd.Series, last: str, first: str) -> None:
    time_order = order(values, LAST, name)
    assert time_order is not None
    assert (time_order.kind, time_order.columns, time_order.last, time_order.first) == ("later", (name,), last, first)
    assert time_order.different == values[~LAST].nunique()
    ends = f"training rows end with {last}, test rows begin with {first}"
    assert time_order.reason == f"test rows follow the training rows in {name}: {ends}"


@pytest.mark.parametrize("units", [("year", "month"), ("Yr", "Mo"), ("the year", "month no")])
def test_a_year_and_a_month_tell_the_time_together(units: tuple[str, str]) -> None:
    rows = pd.concat([MONTHS] * 4, ignore_index=True).set_axis([*units], axis=1)
    later = np.tile(np.arange(36) >= 31, 4)  # August 2024 and later
    time_order = find_time_order(rows[~later], rows[later])
    assert time_order is not None
    assert (time_order.columns, time_order.last, time_order.first, time_order.different) == (
        units,
        "2024-7",
        "2024-8",
        31,
    )
    # The expression grows with time: sorting by it is sorting by year, then by month.
    values = evaluate(parse(time_order.expression), lambda name: rows[name].to_numpy(float), lambda name: rows[name])
    ranked = rows.assign(t=values).sort_values("t", kind="stable")
    assert ranked[[*units]].equals(rows.sort_values([*units], kind="stable"))


def test_three_columns_tell_the_time_as_a_date_does() -> None:
    parts = {unit: getattr(DAYS.dt, unit) for unit in ("year", "month", "day")}
    table = pd.DataFrame(parts).assign(hour=7)
    time_order = find_time_order(table[~LAST], table[LAST])
    assert time_order is not None
    assert (time_order.columns, time_order.expression) == (("year", "month", "day"), "(year * 100 + month) * 100 + day")
    assert (time_order.last, time_order.first, time_order.different) == ("2024-2-8", "2024-2-9", 100)


def test_a_year_that_suffices_is_enough_unless_months_are_finer() -> None:
    later = MONTHS["year"] == 2024
    assert find_time_order(MONTHS[["year"]][~later], MONTHS[["year"]][later]).columns == ("year",)  # type: ignore[union-attr]
    assert find_time_order(MONTHS[~later], MONTHS[later]).columns == ("year", "month")  # type: ignore[union-attr]


def test_parts_that_recur_are_no_order() -> None:
    hours = pd.Series(pd.date_range("2011-01-01", periods=24 * 90, freq="h"))
    late_days = (hours.dt.day >= 20).to_numpy()
    assert order(hours.dt.day, late_days, "day") is None
    assert order(hours.dt.hour, (hours.dt.hour > 18).to_numpy(), "hour") is None
    assert order(hours.dt.day_of_week, (hours.dt.day_of_week > 4).to_numpy(), "day_of_week") is None


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M"])
def test_stretches_between_training_rows_are_no_later_rows(written: str) -> None:
    hours = pd.Series(pd.date_range("2011-01-01", periods=24 * 300, freq="h"))
    time_order = order(hours.dt.strftime(written), (hours.dt.day >= 20).to_numpy())
    assert time_order is not None
    assert time_order.kind == "between"
    assert time_order.reason == "test rows are stretches of date between stretches of training rows"


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_rows_in_random_order_are_in_no_order(seed: int, share: float) -> None:
    held_out = np.random.default_rng(seed).random(500) < share
    assert order(pd.Series(pd.date_range("2020-01-01", periods=500, freq="h")), held_out) is None


def test_what_is_not_evidence_enough() -> None:
    assert order(pd.Series(np.arange(120)), LAST, "amount") is None
    assert order(pd.Series(np.arange(120) + 0.5), LAST, "time") is None
    assert order(DAYS, np.arange(120) >= 119) is None  # the last of 120 rows may be the last by chance
    assert order(DAYS.where(DAYS.index < 100), LAST) is None
    assert order(pd.Series(DAYS.dt.strftime("%Y-%m-%d")).where(DAYS.index % 2 == 0, "soon"), LAST) is None
    train = pd.DataFrame({"date": DAYS})
    assert find_time_order(train, pd.DataFrame({"x": [1.5] * 30})) is None


def test_a_tenth_of_the_test_rows_may_be_earlier() -> None:
    table = pd.DataFrame({"date": DAYS.dt.strftime("%Y-%m-%d")})
    few, many = table[LAST | (DAYS.index < 2)], table[LAST | (DAYS.index < 5)]
    assert find_time_order(table[~LAST], few) is not None
    assert find_time_order(table[~LAST], many) is None

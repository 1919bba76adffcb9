"""Blocks of time are the longest unit that fits into a stretch of test rows, and are numbered as the feature does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.profiling.time_blocks import time_blocks
from tabular_dl.profiling.time_order import find_time_order

HOURS = pd.Series(pd.date_range("2011-01-03 05:00", periods=24 * 240, freq="h"))
DAYS = pd.Series(pd.date_range("2011-01-03", periods=900))


def found(times: Any, late: Any, name: str = "when") -> Any:
    table = pd.DataFrame({name: times, "x": 1.5})
    order = find_time_order(table[~late], table[late])
    return order, time_blocks(order, table[~late], 5), table[~late]


@pytest.mark.parametrize(
    ("times", "late", "unit", "stretch"),
    [
        (HOURS, HOURS.dt.day >= 20, "week", 12),
        (HOURS, np.arange(len(HOURS)) // 24 % 9 >= 6, "day", 3),
        (HOURS, np.arange(len(HOURS)) % 24 >= 18, None, 6 / 24),
        (DAYS, np.arange(900) % 21 >= 14, "week", 7),
        (DAYS, np.arange(900) % 21 >= 15, "day", 6),
    ],
)
def test_the_longest_unit_that_fits(times: pd.Series, late: Any, unit: str | None, stretch: float) -> None:
    order, blocks, _ = found(times, np.asarray(late))
    assert order.stretch == pytest.approx(stretch, rel=0.05)
    assert (None if blocks is None else blocks.unit) == unit


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M"])
def test_numbers_are_those_of_the_feature(written: str) -> None:
    order, blocks, train = found(HOURS.dt.strftime(written), (HOURS.dt.day >= 20).to_numpy(), "the time")
    assert blocks.name == "the time_week"
    values = DerivedFeatures(blocks.features).fit_transform(train[["the time"]])[blocks.name]
    np.testing.assert_array_equal(values, blocks.numbers(order))
    start = HOURS[0]
    np.testing.assert_array_equal(values, (HOURS[train.index] - start) // pd.Timedelta(days=7))


def test_names_that_are_taken_are_left_alone() -> None:
    table = pd.DataFrame({"when": HOURS, "when_week": 3, "when_elapsed": 1})
    late = HOURS.dt.day >= 20
    order = find_time_order(table[~late], table[late])
    blocks = time_blocks(order, table[~late], 28)
    assert blocks is not None
    assert list(blocks.features) == ["when_elapsed_", "when_week_"]
    assert order is not None
    assert len(set(blocks.numbers(order))) == 28
    assert time_blocks(order, table[~late], 29) is None


def test_no_blocks_of_numbers_of_missing_times_or_of_later_rows() -> None:
    late = (HOURS.dt.day >= 20).to_numpy()
    assert found(np.arange(len(HOURS)), late, "time")[1] is None
    assert found(HOURS.where(HOURS.index != 7), late)[1] is None
    order, blocks, _ = found(HOURS, np.arange(len(HOURS)) > 5000)
    assert (order.kind, order.stretch, blocks) == ("later", None, None)
    assert time_blocks(None, pd.DataFrame(), 2) is None

"""Levels of groups that change are distinguished from levels that stay, and from effects of date and group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.profiling.group_drift import GroupDrift, find_group_drift
from tabular_dl.profiling.time_order import find_time_order

STORES, DAYS, AHEAD = 8, 400, 20


def shops(drift: float, seed: int = 0, trend: float = 0.0) -> pd.DataFrame:
    """Rows of stores whose levels change by a number a day, with a week and a year that all share."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2022-01-03", periods=DAYS)
    level = rng.normal(5, 1, STORES) + np.cumsum(rng.normal(0, drift, (DAYS, STORES)), axis=0)
    shared = 0.3 * np.sin(2 * np.pi * dates.day_of_year / 365) + 0.2 * (dates.day_of_week > 4) + trend * np.arange(DAYS)
    y = np.exp(level + shared.to_numpy()[:, np.newaxis] + rng.normal(0, 0.2, (DAYS, STORES)))
    store = np.tile([f"s{k}" for k in range(STORES)], DAYS)
    date = np.repeat(dates.strftime("%Y-%m-%d"), STORES)
    return pd.DataFrame({"date": date, "store": store, "promo": rng.integers(0, 2, DAYS * STORES), "y": y.ravel()})


def found(table: pd.DataFrame, ahead: int = AHEAD * STORES, time: str = "date") -> GroupDrift | None:
    train, test = table[:-ahead], table[-ahead:].drop(columns="y")
    order = find_time_order(train[[time]], test[[time]])
    return find_group_drift(train.drop(columns="y"), test, train["y"], order)


def test_levels_that_drift_are_found_with_the_correlation_of_a_plain_computation() -> None:
    table = shops(0.03)
    drift = found(table)
    assert drift is not None
    assert (drift.by, drift.time, drift.ahead, drift.window, drift.unit) == (("store",), "date", AHEAD, 28, "day")
    train = table[: -AHEAD * STORES]
    logs = np.log1p(train["y"])
    past = DerivedFeatures({"past": drift.feature("y")}, "y").fit_transform(train.drop(columns="y"), logs)["past"]
    # Residuals of a regression on indicators of store, month, weekday and day, beside means taken away in turns.
    dates = pd.to_datetime(train["date"])
    parts = [train["store"], dates.dt.month, dates.dt.day_of_week, dates.dt.day]
    known = past.notna()
    design = pd.concat([pd.get_dummies(part.astype(str)) for part in parts], axis=1)[known].to_numpy(float)
    both = np.column_stack([logs[known], past[known]])
    residuals = both - design @ np.linalg.lstsq(design, both)[0]
    assert drift.correlation == pytest.approx(np.corrcoef(residuals.T)[0, 1], abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_levels_that_stay_are_not_found(seed: int) -> None:
    assert found(shops(0.0, seed)) is None


def test_a_trend_that_all_share_is_found() -> None:
    drift = found(shops(0.0, trend=0.003))
    assert drift is not None
    assert drift.correlation > 0.2


def test_groups_of_two_columns_and_numbered_weeks() -> None:
    table = shops(0.08).assign(week=np.repeat(np.arange(DAYS), STORES)).drop(columns="date")
    split = table["store"].str[1:].astype(int)
    table = table.assign(store=(split // 4).map({0: "x", 1: "z"}), item=split % 4)
    drift = found(table, time="week")
    assert drift is not None
    assert (drift.by, drift.time, drift.unit, drift.window) == (("store", "item"), "week", "number", 8)
    assert drift.feature("y")["by"] == ["store", "item"]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(store=t["store"].where(t.index < len(t) - AHEAD * STORES, "new")),
        lambda t: pd.concat([t, t]).sort_values("date", kind="stable", ignore_index=True),
        lambda t: t.assign(store=np.random.default_rng(0).permutation(len(t)).astype(str)),
        lambda t: t.assign(store=t["store"].where(t.index != 9)),
        lambda t: t[t["store"] == "s0"],
        lambda t: t[-70 * STORES :],
    ],
    ids=["new stores", "two rows a day", "as many stores as rows", "a missing store", "one store", "too few days"],
)
def test_where_there_are_no_groups(change: Any) -> None:
    table = change(shops(0.03))
    ahead = int((table["date"] > "2023-01-17").sum())
    assert found(table, ahead) is None


def test_other_orders_and_constant_targets() -> None:
    table = shops(0.03)
    train, test = table[: -AHEAD * STORES], table[-AHEAD * STORES :]
    order = find_time_order(train[["date"]], test[["date"]])
    rows = train.drop(columns="y")
    assert find_group_drift(rows, test, pd.Series(1.0, index=train.index), order) is None
    assert find_group_drift(rows, None, train["y"], order) is None
    assert find_group_drift(rows, test, train["y"], None) is None

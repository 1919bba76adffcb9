"""Levels of groups, such as stores, that change over time: earlier targets of a group predict better than its mean.

Where test rows follow the training rows by up to L steps, the latest level that is known for all of them is that of L
steps earlier: the mean m of a group's targets in a window that ends L steps before a row. It is informative if y and m
are correlated over the training rows after their means by group, and by month, weekday, day of the month and hour, are
subtracted: features of group and date have that information already. For times that are no dates, means by step are
subtracted. Targets from 0 on are transformed to log(1 + y), so that factors that all groups share are constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.profiling.time_order import TimeOrder

__all__ = ["GroupDrift", "find_group_drift"]

CORRELATION = 0.2  # least correlation
ERRORS = 3.0  # the same in standard errors of that of independent windows
ONCE = 0.99  # least share of the rows that are the only ones of their group and step
REGULAR = 0.75  # least share of the steps of which a group has a row
FEWEST_GROUPS = 2
CONSTANT = 1e-9  # standard deviation below which a column is constant
KNOWN = 0.9  # least share of the test rows of groups that training rows have
MOST_COLUMNS = 12  # tried as groups
WINDOWS = {"hour": 168, "day": 28, "week": 8, "month": 6, "year": 3}
WINDOW = 8  # of other steps
FEWEST_WINDOWS = 4  # that the steps with a known level fill
PASSES = 5  # of subtracting means, which are not orthogonal


@dataclass(frozen=True)
class GroupDrift:
    """Groups whose level changes.

    Attributes
    ----------
    by : tuple of str
        Columns that make up a group.
    time : str
        Column of the time.
    ahead, window : int
        Steps from the last training row to the last test row, and steps of the window.
    unit : str
        Unit of a step.
    correlation : float
        Correlation of the target with the group's earlier level.
    """

    by: tuple[str, ...]
    time: str
    ahead: int
    window: int
    unit: str
    correlation: float

    def feature(self, target: str) -> dict[str, Any]:
        """Return the declaration of the feature of earlier targets."""
        by: Any = self.by[0] if len(self.by) == 1 else [*self.by]
        rolling = {"window": self.window, "statistic": "mean"}
        return {"from": target, "by": by, "time": self.time, "lag": self.ahead, "rolling": rolling}


def find_group_drift(
    train: pd.DataFrame, test: pd.DataFrame | None, target: pd.Series[Any], order: TimeOrder | None
) -> GroupDrift | None:
    """Return the groups whose level changes, if test rows follow the training rows.

    Groups are of one column, or of two, of which each step has at most one row, and most steps one.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows.
    target : Series of shape (rows,)
        Numbers.
    order : TimeOrder or None
        Order of both tables in time.

    Returns
    -------
    GroupDrift or None
        None if there are no such groups, or the correlation is too small.

    References
    ----------
    B. H. Baltagi, Econometric Analysis of Panel Data, 1995, chapters 2 and 3 (means by group and time).

    Examples
    --------
    >>> from tabular_dl.profiling.time_order import find_time_order
    >>> rng = np.random.default_rng(0)
    >>> levels = np.cumsum(rng.normal(size=(300, 6)), axis=0)
    >>> shops = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=300).repeat(6), "shop": [*"abcdef"] * 300})
    >>> train, test = shops[:1740], shops[1740:]
    >>> drift = find_group_drift(train, test, pd.Series(levels.ravel()[:1740]), find_time_order(train, test))
    >>> drift.by, drift.ahead, drift.unit, drift.correlation > 0.3
    (('shop',), 10, 'day', True)
    """
    if order is None or order.kind != "later" or order.missing or len(order.columns) != 1 or test is None:
        return None
    [time] = order.columns
    by = next(_groups(train, test, order.times.to_numpy(), time), None)
    if by is None:
        return None
    name = str(target.name or "target")
    latest = DerivedFeatures({"past": {"from": name, "by": [*by], "time": time, "lag": 1}}, name)
    rows = train[[*by, time]]
    steps = latest.fit(rows, target).steps_ahead(test[[*by, time]]).get("past")
    if steps is None:
        return None
    ahead, unit = steps
    drift = GroupDrift(by, time, ahead, WINDOWS.get(unit, WINDOW), unit, 0.0)
    correlation = _correlation(rows, target.rename(name), drift, order)
    return None if correlation is None else replace(drift, correlation=correlation)


def _correlation(rows: pd.DataFrame, y: pd.Series[Any], drift: GroupDrift, order: TimeOrder) -> float | None:
    """Return the correlation of the target with the earlier level; None if it is too small, or of too few rows."""
    numbers: pd.Series[Any] = y.astype(float)
    if numbers.min() >= 0:
        numbers = pd.Series(np.log1p(numbers.to_numpy()), numbers.index, name=numbers.name)
    past = DerivedFeatures({"past": drift.feature(str(y.name))}, str(y.name)).fit_transform(rows, numbers)["past"]
    has_past = past.notna().to_numpy()
    times = order.times.to_numpy()[has_past]
    if len(np.unique(times)) < FEWEST_WINDOWS * drift.window:
        return None
    values = np.column_stack([numbers, past])[has_past]
    groups = [_codes(rows, drift.by)[has_past], *_parts(times, drift.unit)]
    for codes in groups * PASSES:
        counts = np.bincount(codes)[codes, np.newaxis]
        values = values - np.column_stack([np.bincount(codes, column)[codes] for column in values.T]) / counts
    if (values.std(axis=0) < CONSTANT).any():
        return None
    correlation = float(np.corrcoef(values.T)[0, 1])
    least = max(CORRELATION, ERRORS / np.sqrt(len(values) / drift.window))
    return correlation if correlation >= least else None


def _parts(times: np.ndarray[Any, Any], unit: str) -> list[np.ndarray[Any, Any]]:
    """Return the number of each row's month, weekday, day and hour, or of its step if times are no dates."""
    if unit == "number":
        return [pd.factorize(times)[0]]
    dates = pd.DatetimeIndex(pd.to_datetime(times, unit="s"))
    return [pd.factorize(part)[0] for part in (dates.month, dates.day_of_week, dates.day, dates.hour)]


def _groups(
    train: pd.DataFrame, test: pd.DataFrame, times: np.ndarray[Any, Any], time: str
) -> Iterator[tuple[str, ...]]:
    """Yield columns whose values, or whose pairs of values, have one row in most steps."""
    steps = pd.factorize(times)[0]
    names = [str(name) for name in train if name != time and name in test and train[name].dtype.kind in "OiubSU"]
    usable = [name for name in names if train[name].notna().all() and len(train[name].unique()) > 1][:MOST_COLUMNS]
    for by in (*((name,) for name in usable), *combinations(usable, 2)):
        codes = _codes(train, by)
        groups = int(codes.max()) + 1
        if groups < FEWEST_GROUPS or len(train) < REGULAR * groups * (steps.max() + 1):
            continue
        once = ~pd.Series(codes * np.int64(steps.max() + 1) + steps).duplicated()
        in_train = pd.MultiIndex.from_frame(test[[*by]]).isin(pd.MultiIndex.from_frame(train[[*by]].drop_duplicates()))
        if once.mean() >= ONCE and in_train.mean() >= KNOWN:
            yield by


def _codes(rows: pd.DataFrame, by: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return the number of each row's group."""
    return rows.groupby([*by], sort=False, dropna=False).ngroup().to_numpy()

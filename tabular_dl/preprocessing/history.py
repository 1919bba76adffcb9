"""Features of earlier rows: lags and rolling statistics of a column, or of the target, by group.

Times are counted in steps (`tabular_dl.preprocessing.time_steps`). For a row at step t of a group, with the lag L, or 1
without a lag,

    end     = the latest step, of any group, that is t - L or earlier and of which a value is known
    lag     = mean of the group's values at the latest of its steps up to end
    rolling = statistic of the group's values of the steps in (end - window, end]

so that both read strictly earlier rows only. If no value is known of the steps before a row, as of a target months
after the last training row, the latest known steps are read instead: the last value is carried forward, and a window
ends at the last known value. With ``unit: row``, lag and window count the group's earlier rows instead of steps.

Values are known of the training rows and, for a column other than the target, of rows that are transformed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.group_statistics import statistic_by
from tabular_dl.preprocessing.stored_tables import pack_texts, unpack_texts

__all__ = ["History", "past_values"]

BLOCK = 2_000_000  # values of windows that are in memory at once


class History:
    """Known values of a column by group and step.

    Parameters
    ----------
    keys : ndarray of object, shape (rows,)
        Group of each row; NaN where missing.
    steps, values : ndarray of float64, shape (rows,)
        Step and value of each row; NaN where missing. Rows without group, step or value are left out.

    Attributes
    ----------
    groups : list of str
        Groups.
    codes : ndarray of int32, shape (known rows,)
        Number of each row's group, ascending; rows of a group are in the order of their steps, then of the table.
    steps, numbers : ndarray of float64, shape (known rows,)
        Steps and values.

    Examples
    --------
    >>> shops = np.array(["b", "a", "a"], dtype=object)
    >>> history = History(shops, np.array([1.0, 2.0, 1.0]), np.array([5.0, 7.0, 6.0]))
    >>> history.groups, history.numbers.tolist()
    (['b', 'a'], [5.0, 6.0, 7.0])
    """

    def __init__(self, keys: np.ndarray, steps: np.ndarray, values: np.ndarray) -> None:
        complete = ~(pd.isna(keys) | np.isnan(steps) | np.isnan(values))
        codes, groups = pd.factorize(keys[complete])
        order = np.lexsort((steps[complete], codes))
        self.groups = [str(group) for group in groups]
        self.codes = codes[order].astype(np.int32)
        self.steps, self.numbers = steps[complete][order], values[complete][order]

    @classmethod
    def stored(cls, state: Mapping[str, Any]) -> History:
        """Return the history of a `state`.

        Raises
        ------
        DataError
            If the arrays do not fit each other.
        """
        history = cls.__new__(cls)
        history.groups = list(unpack_texts(state["groups"]))
        history.codes, history.steps, history.numbers = (state[name] for name in ("codes", "steps", "numbers"))
        rows, kinds = history.codes.shape, (history.codes.dtype, history.steps.dtype, history.numbers.dtype)
        fits = len(rows) == 1 and history.steps.shape == history.numbers.shape == rows
        if not fits or kinds != (np.int32, np.float64, np.float64):
            raise DataError("a history consists of other arrays than codes, steps and numbers of each row")
        if rows[0] and not 0 <= history.codes.min() <= history.codes.max() < len(history.groups):
            raise DataError(f"a history has rows of other groups than its {len(history.groups)}")
        return history

    def equals(self, other: History) -> bool:
        """Return whether another history has the same values."""
        same = self.groups == other.groups
        names = ("codes", "steps", "numbers")
        return same and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)

    @cached_property
    def state(self) -> dict[str, Any]:
        """Groups, codes, steps and numbers as arrays, in which they are stored: once for several features."""
        return {"groups": pack_texts(self.groups), "codes": self.codes, "steps": self.steps, "numbers": self.numbers}

    def with_rows(self, keys: np.ndarray, steps: np.ndarray, values: np.ndarray) -> History:
        """Return the history with further rows.

        A row that equals a known one in group, step and value is not added, since training rows may be transformed
        again. Of several equal rows, as many are left out as are known.

        Parameters
        ----------
        keys, steps, values
            As for the constructor.
        """
        before = pd.DataFrame({"key": self.keys, "step": self.steps, "value": self.numbers})
        rows = pd.DataFrame({"key": keys, "step": steps, "value": values})
        for part in (before, rows):
            part["copy"] = part.groupby(["key", "step", "value"]).cumcount()
        joined = pd.concat([before, rows.dropna()], ignore_index=True).drop_duplicates()
        return History(*(joined[name].to_numpy() for name in ("key", "step", "value")))

    @property
    def keys(self) -> np.ndarray:
        """Group of each row, (known rows,)."""
        return np.array(self.groups, dtype=object)[self.codes]


def past_values(
    feature: Mapping[str, Any], history: History, keys: np.ndarray, steps: np.ndarray, *, rows: bool
) -> np.ndarray[Any, Any]:
    """Return the lag or rolling statistic of each row.

    Parameters
    ----------
    feature : mapping
        Valid declaration with ``lag``, ``rolling`` or both.
    history : History
        Known values.
    keys : ndarray of object, shape (rows,)
        Group of each row; NaN where missing.
    steps : ndarray of float64, shape (rows,)
        Step of each row; NaN where missing.
    rows : bool
        Whether lag and window count rows instead of steps.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Values; NaN where group or step is missing, or nothing earlier is known. A ``count`` of nothing is 0.

    Examples
    --------
    >>> shops, days = np.array(["a"] * 4, dtype=object), np.arange(4.0)
    >>> sales = History(shops, days, np.array([1.0, 2.0, 6.0, 9.0]))
    >>> past_values({"lag": 2}, sales, shops, days, rows=False)
    array([nan, nan,  1.,  2.])
    >>> later = np.array([1.0, 3.0, 9.0, np.nan])
    >>> past_values({"rolling": {"window": 2, "statistic": "sum"}}, sales, shops, later, rows=False)
    array([ 1.,  8., 15., nan])
    """
    rolling = feature.get("rolling")
    starts, ends = _windows(history, keys, steps, feature.get("lag", 1), rolling and rolling["window"], rows=rows)
    statistic = rolling["statistic"] if rolling else "mean"
    result = np.full(len(keys), np.nan)
    if statistic == "count":
        complete = ~(pd.isna(keys) | np.isnan(steps))
        result[complete] = (ends - starts)[complete]
        return result
    filled = np.flatnonzero(ends > starts)
    # Rows of the same group and step have the same window.
    size = len(history.numbers) + 1
    windows, place = np.unique(starts[filled] * size + ends[filled], return_inverse=True)
    result[filled] = _statistics(history.numbers, windows // size, windows % size, statistic)[place]
    return result


def _windows(
    history: History, keys: np.ndarray, steps: np.ndarray, lag: int, window: int | None, *, rows: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of the history that each row reads, and the one after the last: equal if there is none."""
    codes = pd.Index(history.groups, dtype=object).get_indexer(pd.Index(keys, dtype=object))
    usable = (codes >= 0) & ~np.isnan(steps)
    codes, at = codes[usable].astype(np.int64), steps[usable]
    known_steps = np.unique(history.steps)
    # Group and step of each row of the history as one ascending number.
    size = len(known_steps) + 1
    places = history.codes * np.int64(size) + np.searchsorted(known_steps, history.steps)
    if rows:
        ends = np.searchsorted(places, codes * size + np.searchsorted(known_steps, at, "left"), "left") - (lag - 1)
        firsts = np.searchsorted(places, codes * size, "left")
        starts = np.maximum(firsts, ends - (window or 1))
    else:
        last = np.searchsorted(known_steps, at - lag, "right") - 1
        ends = np.searchsorted(places, codes * size + last, "right")
        if window is None:
            # The latest step of the group, if it has one so early.
            latest = places[np.maximum(ends - 1, 0)] if len(places) else codes
            starts = np.where(latest // size == codes, np.searchsorted(places, latest, "left"), ends)
        else:
            oldest = np.where(last >= 0, known_steps[np.maximum(last, 0)] - window, -np.inf) if size > 1 else at
            starts = np.searchsorted(places, codes * size + np.searchsorted(known_steps, oldest, "right"), "left")
    bounds = np.zeros((2, len(keys)), dtype=np.int64)
    bounds[:, usable] = np.minimum(starts, ends), ends
    bounds[:, usable] = np.where((ends > starts) & (ends > 0), bounds[:, usable], 0)
    return bounds[0], bounds[1]


def _statistics(values: np.ndarray, starts: np.ndarray, ends: np.ndarray, statistic: str) -> np.ndarray:
    """Return the statistic of each window of values, which is not empty, (windows,)."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    results = [np.empty(0)]
    for block in np.split(np.arange(len(starts)), np.flatnonzero(np.diff(before // BLOCK)) + 1):
        sizes = lengths[block]
        window = np.repeat(block, sizes)
        read = pd.Series(values[np.repeat(starts[block] - before[block], sizes) + _counting(before[block], sizes)])
        results.append(statistic_by(read, window, statistic).to_numpy(dtype=np.float64))
    return np.concatenate(results)


def _counting(firsts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the consecutive numbers from the first of all firsts, as many as the sizes are in sum."""
    return np.arange(int(sizes.sum())) + (firsts[0] if len(firsts) else 0)

"""Order in time of training and test rows: test rows that follow the training rows, or lie between them in stretches.

Times are read from a column of dates, from a column of numbers that is named after a unit of time (``weekofyear``,
``date_block_num``), or from several of these together, the year first (``year`` and ``month``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from tabular_dl.profiling.date_columns import as_dates, date_format, is_date_number, time_words
from tabular_dl.tables import category_text, read_categories

__all__ = ["TIME_FEATURE", "TimeOrder", "find_time_order", "in_expression"]

TIME_FEATURE = "time_order"  # name of the feature that is computed from several columns of times

LATER = 0.9  # least share of the test rows after the last training row
NEW = 0.9  # least share of the test rows at times that no training row has
CHANCE = 0.001  # largest probability of an order that rows in random order have
RUNS = 0.25  # most stretches of training and test rows, as a share of those in random order
FEWEST_RUNS = 20  # fewest stretches of rows in random order
DAY = 86_400  # seconds
# Parts of a time, from the greatest to the least. Those that recur are in order only after the greater ones.
_PARTS = (("year",), ("quarter", "month", "week"), ("day",), ("hour",))
_RECURRING = {"quarter", "month", "week", "day", "hour"}


class _Times(NamedTuple):
    """Known times of a column, or of several, as numbers: of training rows, and of test rows."""

    earlier: pd.Series[Any]
    later: pd.Series[Any]
    dates: bool = False


@dataclass(frozen=True)
class TimeOrder:
    """Order of two tables in time.

    Attributes
    ----------
    kind : {"later", "between"}
        Whether test rows follow the training rows, or are stretches of time between stretches of training rows.
    columns : tuple of str
        Columns that have the time: one, or several, the year first.
    last, first : str
        Last time of the training rows, and first time of the test rows.
    different : int
        Number of different times of the training rows.
    names : tuple of str
        All columns of times, these and others.
    missing : int
        Number of training rows without a time.
    stretch : float or None
        Median length of the stretches of test rows between training rows in days; None for other orders and times.
    times : Series of shape (training rows with a time,)
        Times of the training rows as numbers, by their positions.
    """

    kind: Literal["later", "between"]
    columns: tuple[str, ...]
    last: str
    first: str
    different: int
    names: tuple[str, ...]
    missing: int
    stretch: float | None
    times: pd.Series[Any] = field(repr=False, compare=False)

    @property
    def expression(self) -> str:
        """Expression of a derived feature that grows with time: each column times 100, plus the next."""
        text = ""
        for name in self.columns:
            column = in_expression(name)
            text = f"{f'({text})' if '+' in text else text} * 100 + {column}" if text else column
        return text

    @property
    def reason(self) -> str:
        """Description of the order, for messages."""
        by = " and ".join(self.columns)
        if self.kind == "later":
            return (
                f"test rows follow the training rows in {by}: training rows end with {self.last}, test rows begin with "
                f"{self.first}"
            )
        return f"test rows are stretches of {by} between stretches of training rows"


def find_time_order(train: pd.DataFrame, test: pd.DataFrame) -> TimeOrder | None:
    """Return the order in time of two tables.

    Test rows follow the training rows if at least 90 % of them are later than all training rows. They lie between them
    if at least 90 % of them are of times that no training row has, and training and test rows alternate at most a
    quarter as often as in random order.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows.
    test : DataFrame of shape (test rows, columns)
        Raw test rows.

    Returns
    -------
    TimeOrder or None
        None if no column has times, or rows of both tables are of the same times.

    References
    ----------
    A. Wald and J. Wolfowitz, On a test whether two samples are from the same population, Annals of Mathematical
    Statistics 11, 1940 (runs of two samples that are sorted together).

    Examples
    --------
    >>> sales = pd.DataFrame({"year": 2024, "month": [10, 11, 12] * 9})
    >>> order = find_time_order(sales, sales.assign(year=2025, month=1))
    >>> order.columns, order.last, order.first, order.expression
    (('year', 'month'), '2024-12', '2025-1', 'year * 100 + month')
    """
    tables = train.reset_index(drop=True), test.reset_index(drop=True)
    times = {
        str(name): pair
        for name in train
        if name in test and (pair := _times(tables[0][name], tables[1][name])) is not None
    }
    ranked: list[tuple[tuple[bool, int, int], TimeOrder]] = []
    for columns, (earlier, later, dates) in _candidates(times):
        kind = _kind(earlier.to_numpy(), later.to_numpy())
        if kind is None:
            continue
        rows: tuple[Any, Any] = (earlier.idxmax(), later.idxmin())
        last, first = (
            "-".join(category_text(table[name].tolist()[row]) for name in columns)
            for table, row in zip(tables, rows, strict=True)
        )
        different = int(earlier.nunique())
        # The finest order is the best, and one column is better than several.
        rank = (kind == "later", different, -len(columns))
        missing = len(train) - len(earlier)
        stretch = _stretch(earlier.to_numpy(), later.to_numpy()) / DAY if dates and kind == "between" else None
        ranked.append((rank, TimeOrder(kind, columns, last, first, different, tuple(times), missing, stretch, earlier)))
    return max(ranked, key=lambda pair: pair[0])[1] if ranked else None


def in_expression(name: str) -> str:
    """Return a column as the expression of a derived feature names it.

    Examples
    --------
    >>> in_expression("year"), in_expression("year sold")
    ('year', "col('year sold')")
    """
    return name if name.isidentifier() and name.isascii() else f"col({name!r})"


def _candidates(times: Mapping[str, _Times]) -> Iterator[tuple[tuple[str, ...], _Times]]:
    """Yield columns, one or several, with the times that they have together."""
    units: dict[str, str] = {}
    for name in (name for name, pair in times.items() if not pair.dates):
        for word in time_words(name):
            units.setdefault(word, name)
    year = times.get(units.get("year", ""))
    one_year = year is None or year.earlier.min() == year.later.max()
    for name, pair in times.items():
        words = {word for word, column in units.items() if column == name}
        recurring = words & _RECURRING and not words - _RECURRING
        if not recurring or (one_year and words & {*_PARTS[1]}):
            yield (name,), pair
    columns: list[str] = []
    for level in _PARTS:
        part = next((units[word] for word in level if word in units and units[word] not in columns), None)
        if part is None:
            return  # days without months are in no order
        columns.append(part)
        if len(columns) > 1:
            weights = {name: 100.0**-place for place, name in enumerate(columns)}
            sides = (pd.DataFrame({name: times[name][side] * weights[name] for name in columns}) for side in (0, 1))
            earlier, later = (side.sum(axis=1, skipna=False).dropna() for side in sides)
            yield tuple(columns), _Times(earlier, later)


def _times(train: pd.Series[Any], test: pd.Series[Any]) -> _Times | None:
    """Return the known times of a column in both tables as numbers; None if it has no times."""
    kinds = {column.dtype.kind for column in (train, test)}
    if kinds <= {*"iuf"} and not time_words(str(train.name)):
        return None  # as most columns of a wide table
    known = [train.dropna(), test.dropna()]
    if any(column.empty for column in known):
        return None
    written: str | None = None
    if kinds != {"M"}:
        if all(is_date_number(column) for column in known):
            written = "%Y%m%d"
        elif kinds <= {*"iuf"}:
            whole = all(bool((column % 1 == 0).all()) for column in known)
            if not whole:
                return None
            return _Times(known[0].astype(float), known[1].astype(float))
        else:
            written = date_format(known[0]) if kinds == {"O"} else None
            if written is None:
                return None
        known = [pd.Series(read_categories(column), column.index, dtype=object) for column in known]
    dates = [as_dates(column, written).dropna() for column in known]
    if any(len(column) < LATER * len(values) for column, values in zip(dates, known, strict=True)):
        return None
    earlier, later = ((column - pd.Timestamp(0, tz="UTC")).dt.total_seconds() for column in dates)
    return _Times(earlier, later, dates=True)


def _kind(earlier: np.ndarray[Any, Any], later: np.ndarray[Any, Any]) -> Literal["later", "between"] | None:
    """Return the order of the times of two tables; None if they are in no order."""
    m, n = len(earlier), len(later)
    # The number of ways to order rows of two tables.
    orders = math.lgamma(m + n + 1) - math.lgamma(m + 1) - math.lgamma(n + 1)
    if np.ptp(earlier) == 0 or orders < -math.log(CHANCE):
        return None
    if (later > earlier.max()).mean() >= LATER:
        return "later"
    expected = 1 + 2 * m * n / (m + n)
    if (~np.isin(later, earlier)).mean() < NEW or expected < FEWEST_RUNS:
        return None
    of_test = np.repeat([False, True], [m, n])[np.argsort(np.concatenate([earlier, later]), kind="stable")]
    runs = 1 + int(np.count_nonzero(np.diff(of_test)))
    return "between" if runs <= RUNS * expected else None


def _stretch(earlier: np.ndarray[Any, Any], later: np.ndarray[Any, Any]) -> float:
    """Return the median length of the stretches of later times between earlier ones, both ends included."""
    times = np.unique(np.concatenate([earlier, later]))
    of_test = np.isin(times, later) & ~np.isin(times, earlier)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], of_test, [False]])))
    spans = times[edges[1::2] - 1] - times[edges[::2]]
    return float(np.median(spans) + np.median(np.diff(times)))

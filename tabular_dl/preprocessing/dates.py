"""Dates as numbers: the format of a column's dates, and their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.feature_rules import PERIODS
from tabular_dl.tables import read_categories

__all__ = ["FORMATS", "cyclic_part", "date_part", "learn_dates", "read_dates", "times_as_numbers"]

_DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y"),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d-%b-%y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# In order of preference: of formats that read equally many values, the first is used.
FORMATS = ("ISO8601", *(day + time for time, day in product(_TIMES, _DAYS)), "%a %b %d %H:%M:%S %Y")

# Names in pandas, where they differ.
_PANDAS_NAMES = {"weekday": "day_of_week", "dayofyear": "day_of_year"}

# Number of distinct values that formats are first tested on, because pandas takes a millisecond per format.
_SAMPLE_SIZE = 20


def learn_dates(column: pd.Series, date_format: str | None = None) -> dict[str, Any]:
    """Learn the format of a column's dates, and the earliest date.

    Formats are ISO 8601 (``2024-01-31``, ``2024-01-31 10:30``, ``20240131``), and days and months with slashes, dots,
    dashes or names, with and without time. If the order of day and month is ambiguous, as in 03/04/2024 with no day
    above 12, the month comes first unless a format is given.

    Parameters
    ----------
    column : Series of shape (rows,)
        Training rows of any type: dates of pandas or Python, texts, or whole numbers such as 20240131.
    date_format : str or None, default=None
        Format of the dates, such as ``%d/%m/%Y``; None detects it.

    Returns
    -------
    dict
        ``format`` and ``earliest`` as texts; None if the column has no dates.

    Examples
    --------
    >>> learn_dates(pd.Series(["31/01/2024", "02/03/2023", None]))
    {'format': '%d/%m/%Y', 'earliest': '2023-03-02T00:00:00'}
    """
    texts = [text for text in dict.fromkeys(read_categories(column)) if isinstance(text, str)]
    if not texts:
        return {"format": None, "earliest": None}
    date_format = date_format or _best_format(texts)
    earliest = _read(texts, date_format).min()
    return {"format": date_format, "earliest": None if pd.isna(earliest) else earliest.isoformat()}


def date_part(column: pd.Series, part: str, learned: Mapping[str, Any], subject: str) -> pd.Series:
    """Return a part of each date.

    Parameters
    ----------
    column : Series of shape (rows,)
        Dates as for `learn_dates`. Times with an offset are converted to UTC.
    part : str
        ``year``, ``month``, ``day``, ``weekday`` (Monday is 0), ``dayofyear``, ``hour``, ``minute``, or ``elapsed``:
        days since the earliest training date, with fractions, negative for earlier dates.
    learned : dict
        Result of `learn_dates` for the training rows.
    subject : str
        Beginning of error messages.

    Returns
    -------
    Series of float64 of shape (rows,)
        Parts; NaN where the date is missing, and in all rows if training rows had no dates.

    Raises
    ------
    DataError
        If a value is not a date in the format of the training rows; the message names row and value.

    Examples
    --------
    >>> sold = pd.Series(["2024-01-31", None, "2024-02-02 12:00"])
    >>> date_part(sold, "elapsed", learn_dates(sold), "feature 'Days'").tolist()
    [0.0, nan, 2.5]
    """
    values = read_dates(column, learned, subject)
    if part == "elapsed":
        return (values - pd.Timestamp(learned["earliest"])) / pd.Timedelta(days=1)
    return getattr(values.dt, _PANDAS_NAMES.get(part, part)).astype(np.float64)


def cyclic_part(numbers: pd.Series, part: str, function: str) -> pd.Series:
    """Return the sine or cosine of a part of each date, as an angle of the circle on which the part goes round.

    Parameters
    ----------
    numbers : Series of shape (rows,)
        Result of `date_part`.
    part : str
        Part with a period: month, day, weekday, dayofyear, hour or minute.
    function : {"sin", "cos"}
        Coordinate on the circle. Together they tell all values apart, and the last one is as near to the first as any
        other two neighbours are.

    Returns
    -------
    Series of float64 of shape (rows,)
        Numbers from -1 to 1; NaN where missing.

    Examples
    --------
    >>> cyclic_part(pd.Series([0.0, 6.0, 18.0]), "hour", "sin").round(3).tolist()
    [0.0, 1.0, -1.0]
    """
    first, period = PERIODS[part]
    return getattr(np, function)(2 * np.pi * (numbers - first) / period)


def read_dates(column: pd.Series, learned: Mapping[str, Any], subject: str) -> pd.Series:
    """Return a column as dates in the format that training rows had.

    Parameters
    ----------
    column, learned, subject
        As for `date_part`.

    Returns
    -------
    Series of datetime64 of shape (rows,)
        Dates without a time zone; missing where the date is, and in all rows if training rows had no dates.

    Raises
    ------
    DataError
        If a value is not a date in this format; the message names row and value.

    Examples
    --------
    >>> sold = pd.Series(["31/01/2024", None])
    >>> read_dates(sold, learn_dates(sold), "column 'Sold'").dt.month.tolist()
    [1.0, nan]
    """
    texts = read_categories(column)
    codes, distinct = pd.factorize(texts)
    if not learned["format"] or not len(distinct):
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns]")
    dates = _read(distinct, learned["format"])
    invalid = np.flatnonzero(np.append(dates.isna(), False)[codes])
    if len(invalid):
        others = f" (and {len(invalid) - 1} more such rows)" if len(invalid) > 1 else ""
        raise DataError(
            f"{subject}, row {column.index[invalid[0]]}: expected a date {_example(learned)}, found "
            f"{texts[invalid[0]]!r}{others}. Correct the value, write all dates in one format, or name their format: "
            "`format: '%d/%m/%Y'`."
        )
    with_missing = pd.concat([dates, pd.Series([pd.NaT], dtype=dates.dtype)], ignore_index=True)
    return with_missing.iloc[codes].set_axis(column.index)


def times_as_numbers(column: pd.Series, subject: str) -> np.ndarray:
    """Return times as numbers that are in the same order: numbers as they are, dates as days since the earliest.

    Parameters
    ----------
    column : Series of shape (rows,)
        Numbers, or dates as for `learn_dates`, of any type.
    subject : str
        Beginning of error messages.

    Returns
    -------
    ndarray of float64 of shape (rows,)
        Times; NaN where missing.

    Raises
    ------
    DataError
        If a value is neither; the message names row and value.

    Examples
    --------
    >>> times_as_numbers(pd.Series(["2024-01-31", "2024-02-02"]), "t.csv, column day").tolist()
    [0.0, 2.0]
    >>> times_as_numbers(pd.Series(["12", "7"]), "t.csv, column month").tolist()
    [12.0, 7.0]
    """
    if column.dtype.kind in "biuf":
        return column.to_numpy(np.float64)
    texts = pd.Series(read_categories(column), index=column.index, dtype=object)
    numbers = pd.to_numeric(texts, errors="coerce")
    if (numbers.isna() == texts.isna()).all():
        return numbers.to_numpy(np.float64)
    return date_part(column, "elapsed", learn_dates(column), subject).to_numpy()


def _example(learned: Mapping[str, Any]) -> str:
    """Return the earliest date in the learned format, for messages."""
    earliest = pd.Timestamp(learned["earliest"] or "2024-01-31")
    date_format = "%Y-%m-%d" if learned["format"] == "ISO8601" else learned["format"]
    example = f"like {earliest.strftime(date_format)}"
    return f"{example}, the format of most training rows" if learned["earliest"] else example


def _best_format(texts: Sequence[str]) -> str:
    """Return the format that reads the most texts."""
    iso, *others = FORMATS
    if _read(texts, iso).notna().all():
        return iso
    texts_to_try = texts[:: max(1, len(texts) // _SAMPLE_SIZE)]
    formats = [date_format for date_format in others if any(_fits(text, date_format) for text in texts_to_try)]
    return max([iso, *formats], key=lambda date_format: int(_read(texts, date_format).notna().sum()))


def _fits(text: str, date_format: str) -> bool:
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def _read(texts: Sequence[str] | np.ndarray[Any, Any], date_format: str) -> pd.Series:
    """Return texts as dates without a time zone; those that do not have the format are missing."""
    dates = pd.to_datetime(pd.Series(texts, dtype="str"), format=date_format, errors="coerce", utc=True)
    return dates.dt.tz_localize(None)

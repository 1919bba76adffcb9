"""Columns of dates: text, and whole numbers such as 20240131 in columns that are named after a unit of time."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.preprocessing import learn_dates
from tabular_dl.tables import category_codes, read_categories

__all__ = ["as_dates", "date_format", "is_date_number", "time_words"]

DATE_SHARE = 0.95  # least share of the values that are dates; the first other value is named
EARLIEST, LATEST = 1900_01_01, 2100_12_31  # dates written as whole numbers
_MAY_BE_A_DATE = re.compile(r"\s*(\d{1,4}[-/. ]|[A-Za-z]{3,9} \d{1,2})\S*\d")
_TIME_WORDS = {
    **dict.fromkeys(["year", "yr", "yyyy"], "year"),
    **dict.fromkeys(["quarter", "qtr"], "quarter"),
    **dict.fromkeys(["month", "mnth", "mth", "mo"], "month"),
    **dict.fromkeys(["week", "weekofyear", "weeknumber", "wk"], "week"),
    **dict.fromkeys(["day", "dayofmonth", "dayofyear", "dy"], "day"),
    **dict.fromkeys(["hour", "hr"], "hour"),
    **dict.fromkeys(
        ["date", "dates", "datetime", "dt", "time", "timestamp", "ts", "epoch", "period", "dteday"], "time"
    ),
}


def time_words(name: str) -> list[str]:
    """Return the unit of time in the name of a column: year, quarter, month, week, day, hour, or time for other words.

    Examples
    --------
    >>> [time_words(name) for name in ("weekofyear", "date_block_num", "YrSold", "update", "day_of_week")]
    [['week'], ['time'], ['year'], [], []]
    """
    words = re.sub(r"[^a-z]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    # A day of the week recurs without any order; of a week of the year, the week counts.
    words = re.sub(r"\b([a-z]+) of [a-z]+", r"\1", re.sub(r"\bday ?of ?week\b", "", words))
    return [_TIME_WORDS[word] for word in words.split() if word in _TIME_WORDS]


def date_format(column: pd.Series[Any]) -> str | None:
    """Return the format of dates in text: ISO8601, or as for `time.strftime`; None if it does not consist of dates.

    At least 95 % of the values must be dates of one format.

    Examples
    --------
    >>> date_format(pd.Series(["31.12.2024", "02.01.2025", None])), date_format(pd.Series(["2024", "2025"]))
    ('%d.%m.%Y', None)
    """
    known = column.dropna()
    first = pd.Series(read_categories(known.head(100)), dtype=object)
    if first.empty or not first.str.match(_MAY_BE_A_DATE).mean() >= DATE_SHARE:
        return None  # 2024 or 20240131 may be anything
    codes, values = category_codes(known)
    texts = pd.Series(values, dtype=object)
    learned = str(learn_dates(texts)["format"])
    return learned if as_dates(texts, learned).notna().to_numpy()[codes].mean() >= DATE_SHARE else None


def is_date_number(column: pd.Series[Any]) -> bool:
    """Whether a column consists of whole numbers that are dates, such as 20240131, and is named after a unit of time.

    Examples
    --------
    >>> is_date_number(pd.Series([20240131, 20240201], name="sale_date"))
    True
    >>> is_date_number(pd.Series([20240131, 20240201], name="price"))
    False
    """
    if column.dtype.kind not in "iuf" or not time_words(str(column.name)):
        return False
    known = column.dropna()
    if known.empty or not known.between(EARLIEST, LATEST).all() or (known % 1 != 0).any():
        return False
    return bool(as_dates(pd.Series(read_categories(known)), "%Y%m%d").notna().all())


def as_dates(column: pd.Series[Any], written: str | None) -> pd.Series[Any]:
    """Return dates as timestamps in UTC; values that are no dates become missing.

    Examples
    --------
    >>> as_dates(pd.Series(["31.12.2024", "soon"]), "%d.%m.%Y").dt.year.tolist()
    [2024.0, nan]
    """
    if written is None:
        return pd.to_datetime(column, errors="coerce", utc=True)
    codes, values = pd.factorize(column)
    dates = pd.to_datetime(pd.Series(values, dtype=object), format=written, errors="coerce", utc=True)
    dates = pd.concat([dates, pd.Series([pd.NaT], dtype=dates.dtype)], ignore_index=True)  # the code -1 is missing
    return dates.iloc[np.where(codes < 0, len(values), codes)].set_axis(column.index)

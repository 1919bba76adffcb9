"""Dates as numbers: how a column writes its dates, and the parts of a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.tables import read_categories

__all__ = ["FORMATS", "date_part", "learn_dates"]

_DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y"),
    *("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d-%b-%y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
# Tried in this order: of two that read as many values, the first is taken.
FORMATS = ("ISO8601", *(day + time for time, day in product(_TIMES, _DAYS)), "%a %b %d %H:%M:%S %Y")

# Parts whose short names pandas is about to drop.
_PANDAS_NAMES = {"weekday": "day_of_week", "dayofyear": "day_of_year"}

# How many different values each format is first tried on: pandas takes a millisecond for a format, however few.
_TRIED = 20


def learn_dates(column: pd.Series, date_format: str | None = None) -> dict[str, Any]:
    """Learn how a column writes its dates, and which is the earliest.

    ISO 8601 (``2024-01-31``, ``2024-01-31 10:30``, ``20240131``), days and months with slashes, dots, dashes or names,
    with and without time. Where day and month could be either, as in 03/04/2024 and no day above 12, the month is taken
    to come first; a format says otherwise.

    Parameters
    ----------
    column : Series of shape (n,)
        Training rows, of any type: dates as pandas or Python knows them, text, whole numbers such as 20240131.
    date_format : str, optional
        How dates are written, such as ``%d/%m/%Y``.

    Returns
    -------
    dict
        ``format`` and ``earliest`` as text; None if no date is known.

    Examples
    --------
    >>> learn_dates(pd.Series(["31/01/2024", "02/03/2023", None]))
    {'format': '%d/%m/%Y', 'earliest': '2023-03-02T00:00:00'}
    """
    texts = [text for text in dict.fromkeys(read_categories(column)) if isinstance(text, str)]
    if not texts:
        return {"format": None, "earliest": None}
    found = date_format or _best_format(texts)
    earliest = _read(texts, found).min()
    return {"format": found, "earliest": None if pd.isna(earliest) else earliest.isoformat()}


def date_part(column: pd.Series, part: str, learned: Mapping[str, Any], subject: str) -> pd.Series:
    """Return a part of each date.

    Parameters
    ----------
    column : Series of shape (n,)
        As for `learn_dates`. A time with an offset is taken in UTC.
    part : str
        ``year``, ``month``, ``day``, ``weekday`` (Monday is 0), ``dayofyear``, ``hour``, ``minute``, or ``elapsed``,
        days since the earliest training date, with fractions, negative before it.
    learned : dict
        What `learn_dates` learned from training rows.
    subject : str
        How a message begins.

    Returns
    -------
    Series of float64
        NaN where the date is missing, and everywhere if training had none.

    Raises
    ------
    DataError
        For a value that is no date in the format that training rows have, naming row and value.

    Examples
    --------
    >>> sold = pd.Series(["2024-01-31", None, "2024-02-02 12:00"])
    >>> date_part(sold, "elapsed", learn_dates(sold), "feature 'Days'").tolist()
    [0.0, nan, 2.5]
    """
    texts = read_categories(column)
    codes, different = pd.factorize(texts)
    if not learned["format"] or not len(different):
        return pd.Series(np.nan, index=column.index, dtype=np.float64)
    dates = _read(different, learned["format"])
    wrong = np.flatnonzero(np.append(dates.isna(), False)[codes])
    if len(wrong):
        more = f" (and {len(wrong) - 1} more such rows)" if len(wrong) > 1 else ""
        raise DataError(
            f"{subject}, row {column.index[wrong[0]]}: expected a date {_described(learned)}, found "
            f"{texts[wrong[0]]!r}{more}. Write all dates in one way, correct the value, or say how they are written: "
            "`format: '%d/%m/%Y'`."
        )
    if part == "elapsed":
        values = (dates - pd.Timestamp(learned["earliest"])) / pd.Timedelta(days=1)
    else:
        values = getattr(dates.dt, _PANDAS_NAMES.get(part, part))
    return pd.Series(np.append(values.to_numpy(dtype=np.float64), np.nan)[codes], index=column.index)


def _described(learned: Mapping[str, Any]) -> str:
    """Show how dates are written, by the earliest one."""
    earliest = pd.Timestamp(learned["earliest"] or "2024-01-31")
    written = "%Y-%m-%d" if learned["format"] == "ISO8601" else learned["format"]
    like = f"like {earliest.strftime(written)}"
    return f"{like}, as training rows write most dates" if learned["earliest"] else like


def _best_format(texts: Sequence[str]) -> str:
    """Return the format that reads the most texts."""
    iso, *others = FORMATS
    if _read(texts, iso).notna().all():
        return iso
    some = texts[:: max(1, len(texts) // _TRIED)]
    possible = [each for each in others if any(_fits(text, each) for text in some)]
    return max([iso, *possible], key=lambda each: int(_read(texts, each).notna().sum()))


def _fits(text: str, date_format: str) -> bool:
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def _read(texts: Any, date_format: str) -> pd.Series:
    """Read texts as dates without a time zone; what is no date in this format is missing."""
    dates = pd.to_datetime(pd.Series(texts, dtype="str"), format=date_format, errors="coerce", utc=True)
    return dates.dt.tz_localize(None)

"""Parts of dates that are worth a feature: those that differ between training rows, and that test rows share.

==========  =========================================================================================================
part        used as
==========  =========================================================================================================
month       categories
weekday     categories
hour        categories
day         number (day of the month)
year        number
elapsed     number (days since the earliest date), which says how things change with time
==========  =========================================================================================================

A part that test rows have not in common with training rows is left out, such as the month if the test rows are of the
next month of a table of half a year: a network has learned nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tabular_dl.preprocessing import date_part, learn_dates

__all__ = ["AS_CATEGORIES", "useful_parts"]

AS_CATEGORIES = ("month", "weekday", "hour")
AS_NUMBERS = ("day", "year")
UNKNOWN = 0.05  # share of the test rows with an unknown value from which a part is left out


def useful_parts(train: pd.Series[Any], test: pd.Series[Any] | None, written: str | None) -> Iterator[str]:
    """Yield the parts of dates that are worth a feature.

    Parameters
    ----------
    train : Series of shape (rows,)
        Dates of the training rows.
    test : Series of shape (test rows,) or None
        Dates of the test rows.
    written : str or None
        Format of the dates; None for dates that are no text.

    Yields
    ------
    str
        Parts as in ``date:`` of a feature.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2023-01-01", "2023-12-31").astype(str))
    >>> list(useful_parts(days[:300], days[300:], None))
    ['weekday', 'day', 'elapsed']
    """
    learned = learn_dates(train, written)
    for part in (*AS_CATEGORIES, *AS_NUMBERS):
        known = date_part(train, part, learned, "date").dropna().unique()
        if len(known) < 2:
            continue
        if test is not None and len(test):
            of_test = date_part(test, part, learned, "date").dropna()
            if (~of_test.isin(known)).mean() >= UNKNOWN:
                continue
        yield part
    if len(date_part(train, "elapsed", learned, "date").dropna().unique()) > 1:
        yield "elapsed"

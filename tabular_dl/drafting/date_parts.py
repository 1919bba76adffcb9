"""Parts of dates that become features: those that differ between training rows and recur in test rows.

==========  =========================================================================================================
part        used as
==========  =========================================================================================================
month       sine and cosine of its place on a circle, on which December is beside January; categories if there are
            fewer than four
weekday     the same
hour        the same
day         categories if each day of the month has ten rows, else a number
year        number; left out if test rows follow the training rows, as elapsed days increase with it
elapsed     number of days since the earliest date, for trends
==========  =========================================================================================================

Sine and cosine were better than categories on all tables that they were compared on (docs/features.md).

A part with other values in test rows than in training rows is left out, such as the month if the test rows are of the
next month of a table of half a year: a network cannot learn its effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pandas as pd

from tabular_dl.preprocessing import date_part, learn_dates

__all__ = ["Use", "useful_parts"]

Use = Literal["circle", "categories", "number"]

PARTS = ("month", "weekday", "hour", "day", "year")
UNKNOWN = 0.05  # share of the test rows with an unknown value from which a part is left out
CIRCLE = 4  # fewest different values on a circle: of fewer, a sine may be the same for all
ROWS_A_DAY = 10  # fewest rows of a day of the month, for a category each
LATER = 0.9  # share of the test rows after the training rows


def useful_parts(
    train: pd.Series[Any], test: pd.Series[Any] | None, date_format: str | None
) -> Iterator[tuple[str, Use]]:
    """Yield the parts of dates that become features.

    Parameters
    ----------
    train : Series of shape (rows,)
        Dates of the training rows.
    test : Series of shape (test rows,) or None
        Dates of the test rows.
    date_format : str or None
        Format of the dates; None for dates that are not text.

    Yields
    ------
    part : str
        Part as in ``date:`` of a feature.
    use : {"circle", "categories", "number"}
        Use of its values.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2023-01-01", "2023-12-31").astype(str))
    >>> list(useful_parts(days[:300], days[300:], None))
    [('weekday', 'circle'), ('day', 'number'), ('elapsed', 'number')]
    """
    learned = learn_dates(train, date_format)

    def values(dates: pd.Series[Any] | None, part: str) -> pd.Series[Any]:
        return (train.head(0) if dates is None else date_part(dates, part, learned, "date")).dropna()

    elapsed, of_test = values(train, "elapsed"), values(test, "elapsed")
    later = len(of_test) > 0 and (of_test > elapsed.max()).mean() >= LATER
    for part in PARTS if not later else PARTS[:-1]:
        counts = values(train, part).value_counts()
        unknown = ~values(test, part).isin(counts.index)
        if len(counts) > 1 and not (len(unknown) and unknown.mean() >= UNKNOWN):
            yield part, _use(part, counts)
    if len(elapsed.unique()) > 1:
        yield "elapsed", "number"


def _use(part: str, counts: pd.Series[Any]) -> Use:
    if part == "year" or (part == "day" and counts.min() < ROWS_A_DAY):
        return "number"
    return "circle" if part != "day" and len(counts) >= CIRCLE else "categories"

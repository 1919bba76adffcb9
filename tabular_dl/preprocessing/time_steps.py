"""Times as steps: the unit in which the times of a column follow each other, and the step of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.dates import learn_dates, read_dates
from tabular_dl.tables import read_numbers

__all__ = ["learn_steps", "steps_of"]

SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
NUMBER = "number"
MONDAY = 3 * 86_400  # seconds from Monday to the first of January 1970
YEARS = (19_000_101, 21_001_231)  # whole numbers of eight digits that are dates
ADVICE = "Correct the value, or name the format of the dates: `format: '%d/%m/%Y'`."


def learn_steps(time: pd.Series, unit: str | None, date_format: str | None, subject: str) -> dict[str, Any]:
    """Learn what a step of a column of times is.

    A step of numbers is 1. A step of dates is the longest of year, month, week, day, hour, minute and second by whole
    multiples of which all training dates differ: months where all are the first, or the last, day of a month; weeks
    where all have the same weekday.

    Parameters
    ----------
    time : Series of shape (rows,)
        Times of training rows: numbers, or dates as for `learn_dates`.
    unit : str or None
        Unit of a step, or ``row``; None detects it.
    date_format : str or None
        Format of the dates; None detects it.
    subject : str
        Beginning of error messages.

    Returns
    -------
    dict
        ``unit``, and ``dates`` as `learn_dates` returns them, None for numbers.

    Raises
    ------
    DataError
        If a value is neither number nor date, or there is a unit of dates for numbers.

    Examples
    --------
    >>> weekly = pd.Series(["2024-01-01", "2024-01-08", "2024-01-29"])
    >>> learn_steps(weekly, None, None, "column 'date'")["unit"]
    'week'
    >>> learn_steps(pd.Series([3, 4, 9]), None, None, "column 'block'")
    {'unit': 'number', 'dates': None}
    """
    if date_format is None and _is_numeric(time):
        if unit not in (None, "row"):
            raise DataError(
                f"{subject}: `unit: {unit}` is one of dates, and these are numbers, of which a step is 1. Leave unit "
                "out, or name the format of the dates: `format: '%Y%m'`."
            )
        return {"unit": unit or NUMBER, "dates": None}
    dates = learn_dates(time, date_format)
    return {"unit": unit or _unit(read_dates(time, dates, subject)), "dates": dates}


def steps_of(time: pd.Series, learned: Mapping[str, Any], subject: str) -> np.ndarray[Any, Any]:
    """Return the step of each row, which grows by 1 from one unit of time to the next.

    Parameters
    ----------
    time : Series of shape (rows,)
        Times.
    learned : mapping
        Result of `learn_steps` for the training rows.
    subject : str
        Beginning of error messages.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Steps, whole numbers but for numbers with fractions and ``unit: row``; NaN where the time is missing.

    Raises
    ------
    DataError
        If a value is not of the form that training rows had.

    Examples
    --------
    >>> months = pd.Series(["2023-12-01", "2024-01-01", None, "2024-03-01"])
    >>> steps = steps_of(months, learn_steps(months, None, None, "column 'date'"), "column 'date'")
    >>> (steps - steps[0]).tolist()
    [0.0, 1.0, nan, 3.0]
    """
    if learned["dates"] is None:
        return read_numbers(time, subject, ADVICE)
    dates, unit = read_dates(time, learned["dates"], subject), learned["unit"]
    if unit in ("year", "month"):
        years = dates.dt.year.to_numpy(dtype=np.float64)
        return years if unit == "year" else years * 12 + dates.dt.month.to_numpy(dtype=np.float64)
    seconds = _seconds(dates)
    if unit == "row":
        return seconds
    return np.floor((seconds + (MONDAY if unit == "week" else 0)) / SECONDS[unit])


def _is_numeric(time: pd.Series) -> bool:
    """Return whether times are numbers, and not dates such as 20240131."""
    present = time.dropna()
    if present.empty:
        return False
    numbers = pd.to_numeric(present.astype(object), errors="coerce")
    if numbers.isna().any():
        return False
    eight_digits = bool((numbers.between(*YEARS) & (numbers % 1 == 0)).all())
    if not eight_digits:
        return True
    dates = pd.to_datetime(numbers.astype("int64").astype(str), format="%Y%m%d", errors="coerce")
    return bool(dates.isna().any())


def _seconds(dates: pd.Series) -> np.ndarray[Any, Any]:
    return ((dates - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy(dtype=np.float64)


def _unit(dates: pd.Series) -> str:
    """Return the longest unit of which all dates differ by whole multiples; ``day`` for a single date."""
    distinct = pd.Series(dates.dropna().unique())
    if len(distinct) < 2:
        return "day"
    seconds = _seconds(distinct)

    def alike(values: Any) -> bool:
        return len(np.unique(values)) == 1

    same_time = alike(seconds % SECONDS["day"])
    first = same_time and alike(distinct.dt.day)
    if first and alike(distinct.dt.month):
        return "year"
    if first or (same_time and bool(distinct.dt.is_month_end.all())):
        return "month"
    return next((unit for unit, size in SECONDS.items() if alike(seconds % size)), "second")

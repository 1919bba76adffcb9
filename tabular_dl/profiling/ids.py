"""Columns that identify rows instead of describing them: the rule of drafts and of checks."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["id_reason", "may_identify", "names_an_id"]

FEWEST_ROWS = 20  # from which on different or ascending values are not due to chance
MOSTLY = 0.95  # least share of different values of text that identifies rows
CHANCE = 0.001  # least probability that amounts, drawn from their range, are all different
CODE_DIGITS = 9  # fewest digits of codes, which are all of one length; amounts are usually shorter
_ID_NAME = re.compile(
    r"(?:^|[^a-z])(id|ids|uuid|guid|key|index|row|rowid|unnamed: 0|account|serial|barcode|no|nr|number)(?:$|[^a-z])"
)


def names_an_id(name: str) -> bool:
    """Whether the name of a column has a word for ids, such as id, key, index, row or number.

    Examples
    --------
    >>> [names_an_id(name) for name in ("PassengerId", "customer_id", "ID", "Humidity", "Unnamed: 0")]
    [True, True, True, False, True]
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return _ID_NAME.search(parted) is not None


def may_identify(column: pd.Series[Any]) -> bool:
    """Whether all rows have different values, none of which is a number with a fraction, as measurements are.

    Examples
    --------
    >>> [may_identify(pd.Series(values)) for values in ([1.0, 2.0], ["1", "2"], [1, 1], ["a", None], [1.0, 2.5])]
    [True, True, False, False, False]
    """
    return bool(column.notna().all()) and column.is_unique and not _has_fractions(column)


def id_reason(train: pd.Series[Any], test: pd.Series[Any] | None = None) -> str | None:
    """Return the reason for which a column seems to identify rows; None if it does not.

    Numbers with fractions identify no rows, whatever the name of the column, also if they are written as text. Other
    text identifies rows if at least 95 % of its values are different. Whole numbers do if all of them are different and

    - the column has the name of an id,
    - they rise or fall row by row,
    - random numbers from their range would repeat, in training and test rows together,
    - or all have the same number of digits, nine or more.

    Parameters
    ----------
    train : Series of shape (rows,)
        Numbers or text; columns with fewer than 20 values are not judged.
    test : Series of shape (test rows,), optional
        The same column of the rows to predict.

    Notes
    -----
    Of n numbers drawn from R, all are different with a probability of about exp(-n (n - 1) / 2R), as birthdays are.

    Examples
    --------
    >>> id_reason(pd.Series(range(100, 150)))
    'its whole numbers rise row by row'
    >>> id_reason(pd.Series([1.5, 2.5] * 20)) is None
    True
    """
    known = train.dropna()
    if len(known) < FEWEST_ROWS:
        return None
    if train.dtype.kind not in "biuf":
        different = known.nunique()
        if different < MOSTLY * len(known) or _has_fractions(known):
            return None
        return f"{different:,} of its {len(known):,} values are different"
    values = known.to_numpy(dtype=np.float64)
    if _has_fractions(known):
        return None
    different = known.nunique()
    if different < len(known):
        return None
    subject = f"its {different:,} whole numbers are all different"
    if names_an_id(str(train.name)):
        return f"{subject}, and its name is that of an id"
    with np.errstate(over="ignore"):
        steps = np.diff(values)
    if (steps > 0).all() or (steps < 0).all():
        return f"its whole numbers {'rise' if steps[0] > 0 else 'fall'} row by row"
    all_values = values
    if test is not None:
        all_values = np.concatenate([values, pd.to_numeric(test, errors="coerce").dropna().to_numpy(dtype=np.float64)])
    if _is_no_chance(all_values):
        return f"{subject}, from {all_values.min():.0f} to {all_values.max():.0f}"
    digits = {len(f"{abs(value):.0f}") for value in all_values}
    if len(digits) == 1 and max(digits) >= CODE_DIGITS:
        return f"{subject}, all of {max(digits)} digits"
    return None


def _has_fractions(column: pd.Series[Any]) -> bool:
    """Whether all values are numbers, also in text, and one of them is no whole number."""
    known = column.dropna()
    if known.dtype.kind in "mMbiu":
        return False
    numbers = known if known.dtype.kind == "f" else pd.to_numeric(known.astype(object), errors="coerce")
    if numbers.dtype.kind == "c" or numbers.isna().any():
        return False
    values = numbers.to_numpy(dtype=np.float64)
    return bool((values != np.round(values)).any())


def _is_no_chance(values: np.ndarray[Any, Any]) -> bool:
    """Whether values are all different although they would hardly be if they were drawn from their range."""
    count = len(values)
    with np.errstate(over="ignore"):
        size = float(np.ptp(values)) + 1
    return len(np.unique(values)) == count and math.exp(-count * (count - 1) / (2 * size)) < CHANCE

"""Columns of one value, columns that repeat another, columns of other categories, and columns with a few far values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["constant_columns", "duplicate_columns", "mostly_new", "squeezed_into"]

FEWEST_ROWS = 20  # to judge a column by
MOSTLY = 0.95  # share of different values above which texts are compared letter by letter
MOST_ROWS_SQUEEZED = 0.99
LEAST_SHARE_OF_RANGE = 0.1
MOST_NEW = 0.5  # share of the test rows with a new category from which it may be too many
MORE_NEW = 0.1  # beyond the share of training rows whose category no other training row has


def constant_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that have one value, or none, in all rows; a missing value counts as a value.

    Examples
    --------
    >>> constant_columns(pd.DataFrame({"a": [1, 1], "b": [1, None], "c": [None, None]}))
    ['a', 'c']
    """
    return [str(name) for name, column in table.items() if _is_constant(column)]


def _is_constant(column: pd.Series[Any]) -> bool:
    """Whether a column has one value, or none, in all rows."""
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iuf":
        return column.nunique(dropna=False) < 2
    values = column.to_numpy()
    return bool((values == values[:1]).all() or np.isnan(values).all())


def duplicate_columns(table: pd.DataFrame) -> dict[str, str]:
    """Return the columns that repeat an earlier column, with that column.

    Numbers are compared by value. Texts are also repeated if each is replaced by another one, such as ``male`` by
    ``m``, in tables of 20 rows or more whose texts recur.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Each column of numbers or of text. Columns with one value are left out.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> people = pd.DataFrame({"Sex": ["male", "female"] * 10, "Age": [3, 4] * 10})
    >>> duplicate_columns(people.assign(sex=people["Sex"].str[0], age=people["Age"] + 0.0))
    {'sex': 'Sex', 'age': 'Age'}
    """
    seen: dict[tuple[bool, bytes], str] = {}
    twins: dict[str, str] = {}
    for name, column in table.items():
        numeric = column.dtype.kind in "biuf"
        if _is_constant(column):
            continue
        content: np.ndarray[Any, Any]
        if numeric:
            content = column.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0
        else:
            content, values = pd.factorize(column)
            if len(values) > MOSTLY * len(column) or len(column) < FEWEST_ROWS:
                # Any two columns of different values replace each text by another one.
                content = pd.util.hash_array(column.to_numpy(dtype=object))
        key = (numeric, content.tobytes())
        if key in seen:
            twins[str(name)] = seen[key]
        else:
            seen[key] = str(name)
    return twins


def mostly_new(train: pd.Series[Any], test: pd.Series[Any]) -> bool:
    """Whether most test rows have new categories, and a larger share of them than of training rows with unique ones.

    Names that hardly two rows share are new in most test rows, but also in most rows of each fold, so that the scores
    include the cost.

    Parameters
    ----------
    train : Series of shape (rows,)
        Categories of the training rows.
    test : Series of shape (test rows,)
        Categories of the test rows.

    Returns
    -------
    bool

    Examples
    --------
    >>> rooms, names = pd.Series(["a", "a", "b", "b"]), pd.Series(["Ann", "Bob", "Cem", "Dan"])
    >>> mostly_new(rooms, pd.Series(["c", "a"])), mostly_new(names, pd.Series(["Eve", "Fay"]))
    (True, False)
    """
    new = float((test.notna() & ~test.isin(train.unique())).mean())
    if new < MOST_NEW:
        return False
    return new > MORE_NEW + float((train.notna() & ~train.duplicated(keep=False)).mean())


def squeezed_into(column: pd.Series[Any]) -> tuple[float, float, float] | None:
    """Return the share of the range that 99 % of the rows lie in, if that is less than a tenth, and the range.

    Parameters
    ----------
    column : Series of shape (rows,)
        Numbers.

    Returns
    -------
    tuple of (share, least, greatest), or None
        None if the rows are spread, or if nearly all have the same value: that is no matter of scale.

    Examples
    --------
    >>> squeezed_into(pd.Series([*range(100), 99_000]))
    (0.001, 0.0, 99000.0)
    >>> squeezed_into(pd.Series(range(100))) is None
    True
    """
    values = np.sort(column.dropna().to_numpy(dtype=np.float64))
    if len(values) < FEWEST_ROWS or values[-1] == values[0]:
        return None
    left_out = max(1, int(len(values) * (1 - MOST_ROWS_SQUEEZED)))
    with np.errstate(over="ignore"):
        whole = values[-1] - values[0]
        widths = values[len(values) - 1 - left_out :] - values[: left_out + 1]
    share = float(widths.min() / whole) if np.isfinite(whole) else 0.0
    return (share, float(values[0]), float(values[-1])) if 0 < share < LEAST_SHARE_OF_RANGE else None

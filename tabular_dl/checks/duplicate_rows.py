"""Rows that are there twice: within a table, and in two tables.

Rows are compared by all their columns. Two files about the same things are rarely the same to the letter, so numbers
are compared to six significant digits, and text without quotation marks, case and runs of spaces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.tables import read_categories

__all__ = ["Overlap", "Twins", "find_overlap", "find_twins", "row_keys"]

DIGITS = 6  # of a number that count
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of an earlier column is lost
_QUOTES = re.compile("[\"'`\u00b4\u2018\u2019\u201c\u201d]")


@dataclass(frozen=True)
class Twins:
    """Rows of a table that are equal to an earlier one.

    Attributes
    ----------
    rows : int
        How many rows have an equal one before them.
    alike : int
        How many rows have an equal one, before or after.
    conflicting : int
        How many of those are in a group of equal rows whose targets differ.
    first : tuple of (row, row) or None
        The labels of the first such pair, the earlier row first.
    """

    rows: int
    alike: int
    conflicting: int
    first: tuple[Any, Any] | None


@dataclass(frozen=True)
class Overlap:
    """Rows of one table that are rows of another as well.

    Attributes
    ----------
    rows : int
        How many rows of the second table are also in the first.
    first : tuple of (row, row) or None
        The labels of the first such row in the second table, and of the row that it is in the first.
    """

    rows: int
    first: tuple[Any, Any] | None


def row_keys(*tables: pd.DataFrame) -> list[np.ndarray[Any, Any]]:
    """Return a number for each row of each table, the same for rows that are equal in all columns.

    Parameters
    ----------
    *tables : DataFrame of shape (rows, columns)
        With the same columns.

    Returns
    -------
    list of ndarray of uint64, shape (rows,)
        Hashes: two different rows of a million share one with a probability of about 1e-7.

    Examples
    --------
    >>> one = pd.DataFrame({"Name": ["Ryan, 'Ed'", "Sage"], "Fare": [7.25, 8.0]})
    >>> other = pd.DataFrame({"Name": ['Ryan,  "Ed"'], "Fare": [7.2500001]})
    >>> first, second = row_keys(one, other)
    >>> (first == second).tolist()
    [True, False]
    """
    keys = [np.zeros(len(table), dtype=np.uint64) for table in tables]
    for name in tables[0].columns:
        parts = [table[name] for table in tables]
        read = _rounded if all(part.dtype.kind in "biuf" for part in parts) else _plain
        # A column at a time: a table of narrow numbers may be too large to be written out in wide ones.
        keys = [key * _FACTOR + pd.util.hash_array(read(part)) for key, part in zip(keys, parts, strict=True)]
    return keys


def _rounded(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if column.dtype.kind in "biu":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    scaled = np.isfinite(values) & (np.abs(values) > 1e-300)
    powers = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values[scaled]))))
    rounded = np.where(np.isnan(values), np.nan, values)  # one NaN for all of them: they are compared by their bits
    rounded[scaled] = np.round(values[scaled] * powers) / powers
    return rounded + 0.0  # -0.0 becomes 0.0


def _plain(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return text of which only what matters is left; missing is the empty text."""
    codes, texts = pd.factorize(read_categories(column))
    known = [" ".join(_QUOTES.sub("", text).casefold().split()) for text in texts]
    return np.array([*known, ""], dtype=object)[codes]  # the code of a missing value is -1


def find_twins(keys: np.ndarray[Any, Any], target: pd.Series[Any]) -> Twins:
    """Count the rows that are there twice, and those of them that have different targets.

    Parameters
    ----------
    keys : ndarray of shape (rows,)
        From `row_keys`.
    target : Series of shape (rows,)
        The target, whose index labels the rows.

    Examples
    --------
    >>> find_twins(np.array([5, 6, 5, 5]), pd.Series([0, 0, 1, 0], index=[1, 2, 3, 4]))
    Twins(rows=2, alike=3, conflicting=3, first=(1, 3))
    """
    keyed = pd.Series(keys, index=target.index)
    again, alike = keyed.duplicated(), keyed.duplicated(keep=False)
    if not again.any():
        return Twins(0, 0, 0, None)
    different = target[alike].groupby(keyed[alike]).transform("nunique") > 1
    second = int(again.to_numpy().argmax())
    pair = (_first(keyed, keys[second]), keyed.index.tolist()[second])
    return Twins(int(again.sum()), int(alike.sum()), int(different.sum()), pair)


def find_overlap(train: pd.Series[Any], test: pd.Series[Any]) -> Overlap:
    """Count the rows of the second table that are in the first as well.

    Parameters
    ----------
    train, test : Series of shape (rows,)
        Keys from `row_keys`; their indexes label the rows.

    Examples
    --------
    >>> find_overlap(pd.Series([5, 6], index=[1, 2]), pd.Series([7, 6, 6], index=[1, 2, 3]))
    Overlap(rows=2, first=(2, 2))
    """
    known = test.isin(train)
    if not known.any():
        return Overlap(0, None)
    row = int(known.to_numpy().argmax())
    return Overlap(int(known.sum()), (test.index.tolist()[row], _first(train, test.iloc[row])))


def _first(keyed: pd.Series[Any], key: Any) -> Any:
    return keyed.index.tolist()[int((keyed.to_numpy() == key).argmax())]


def shared_columns(tables: Sequence[pd.DataFrame], without: Sequence[str | None]) -> list[str]:
    """Name the columns that all tables have, in the order of the first, without those named.

    Examples
    --------
    >>> shared_columns([pd.DataFrame(columns=["Id", "Age", "y"]), pd.DataFrame(columns=["Age", "Id"])], ["Id"])
    ['Age']
    """
    return [str(name) for name in tables[0] if name not in without and all(name in table for table in tables)]

"""Duplicate rows within a table and across two tables.

Rows are compared by all their columns. Two files with the same content often differ in details, so numbers are compared
to six significant digits, and text without quotation marks, case and repeated spaces.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.tables import read_categories

__all__ = ["Overlap", "Twins", "find_overlap", "find_twins", "row_keys"]

DIGITS = 6  # significant digits that are compared
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of an earlier column is lost
_QUOTES = re.compile("[\"'`\u00b4\u2018\u2019\u201c\u201d]")


@dataclass(frozen=True)
class Twins:
    """Counts of equal rows within a table.

    Attributes
    ----------
    rows : int
        Number of rows that equal an earlier row.
    alike : int
        Number of rows that equal an earlier or a later row.
    conflicting : int
        Number of rows in groups of equal rows with different targets.
    first : tuple of (row, row) or None
        Labels of the first pair of equal rows, the earlier row first; None if there is none.
    """

    rows: int
    alike: int
    conflicting: int
    first: tuple[Hashable, Hashable] | None


@dataclass(frozen=True)
class Overlap:
    """Count of rows of one table that are also in another.

    Attributes
    ----------
    rows : int
        Number of rows of the second table that are also in the first.
    first : tuple of (row, row) or None
        Label of the first such row in the second table, and of the equal row in the first; None if there is none.
    """

    rows: int
    first: tuple[Hashable, Hashable] | None


def row_keys(*tables: pd.DataFrame) -> list[np.ndarray[Any, Any]]:
    """Return a hash for each row of each table; rows that are equal in all columns have equal hashes.

    Parameters
    ----------
    *tables : DataFrame of shape (rows, columns)
        Tables with the same columns.

    Returns
    -------
    list of ndarray of uint64, shape (rows,)
        Hashes. Among a million different rows, the probability that any two share a hash is about 1e-7.

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
        # One column at a time: a table of 8-bit numbers may not fit into memory as 64-bit numbers.
        keys = [key * _FACTOR + pd.util.hash_array(read(part)) for key, part in zip(keys, parts, strict=True)]
    return keys


def _rounded(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return numbers rounded to six significant digits; whole numbers stay exact."""
    if column.dtype.kind in "biu":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    scaled = np.isfinite(values) & (np.abs(values) > 1e-300)
    powers = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values[scaled]))))
    rounded = np.where(np.isnan(values), np.nan, values)  # bits are hashed, and NaNs may differ in theirs
    rounded[scaled] = np.round(values[scaled] * powers) / powers
    return rounded + 0.0  # -0.0 becomes 0.0


def _plain(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return text without quotation marks, case and repeated spaces; missing values become empty text."""
    codes, texts = pd.factorize(read_categories(column))
    plain = [" ".join(_QUOTES.sub("", text).casefold().split()) for text in texts]
    return np.array([*plain, ""], dtype=object)[codes]  # the code of a missing value is -1


def find_twins(keys: np.ndarray[Any, Any], target: pd.Series[Any]) -> Twins:
    """Count the equal rows of a table, and those of them with different targets.

    Parameters
    ----------
    keys : ndarray of shape (rows,)
        Hashes from `row_keys`.
    target : Series of shape (rows,)
        Target; its index contains the labels of the rows.

    Returns
    -------
    Twins
        Counts and the first pair.

    Examples
    --------
    >>> find_twins(np.array([5, 6, 5, 5]), pd.Series([0, 0, 1, 0], index=[1, 2, 3, 4]))
    Twins(rows=2, alike=3, conflicting=3, first=(1, 3))
    """
    keyed = pd.Series(keys, index=target.index)
    repeated, alike = keyed.duplicated(), keyed.duplicated(keep=False)
    if not repeated.any():
        return Twins(0, 0, 0, None)
    different = target[alike].groupby(keyed[alike]).transform("nunique") > 1
    second = int(repeated.to_numpy().argmax())
    pair = (_first(keyed, keys[second]), keyed.index.tolist()[second])
    return Twins(int(repeated.sum()), int(alike.sum()), int(different.sum()), pair)


def find_overlap(train: pd.Series[Any], test: pd.Series[Any]) -> Overlap:
    """Count the rows of the second table that are also in the first.

    Parameters
    ----------
    train : Series of shape (rows,)
        Hashes of the first table from `row_keys`; the index contains the labels of the rows.
    test : Series of shape (test rows,)
        Hashes of the second table.

    Returns
    -------
    Overlap
        Count and the first row.

    Examples
    --------
    >>> find_overlap(pd.Series([5, 6], index=[1, 2]), pd.Series([7, 6, 6], index=[1, 2, 3]))
    Overlap(rows=2, first=(2, 2))
    """
    in_train = test.isin(train)
    if not in_train.any():
        return Overlap(0, None)
    row = int(in_train.to_numpy().argmax())
    return Overlap(int(in_train.sum()), (test.index.tolist()[row], _first(train, test.iloc[row])))


def _first(keyed: pd.Series[Any], key: np.uint64) -> Hashable:
    """Return the label of the first row with a hash."""
    return keyed.index.tolist()[int((keyed.to_numpy() == key).argmax())]


def shared_columns(tables: Sequence[pd.DataFrame], without: Sequence[str | None]) -> list[str]:
    """Return the columns that all tables have, in the order of the first table.

    Parameters
    ----------
    tables : sequence of DataFrame
        Tables.
    without : sequence of str or None
        Columns to leave out.

    Returns
    -------
    list of str
        Names of the columns.

    Examples
    --------
    >>> shared_columns([pd.DataFrame(columns=["Id", "Age", "y"]), pd.DataFrame(columns=["Age", "Id"])], ["Id"])
    ['Age']
    """
    return [str(name) for name in tables[0] if name not in without and all(name in table for table in tables)]

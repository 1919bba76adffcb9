"""Columns that a function of the user, or a fitted object, adds to a table."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError, SpecError, listed
from tabular_dl.preprocessing.python_source import PythonSource
from tabular_dl.preprocessing.python_step import PythonStep
from tabular_dl.tables import read_table

__all__ = ["PythonFeatures"]


class PythonFeatures(PythonStep):
    r"""Add columns that a function of the user, or a fitted object, computes from the whole table.

    Parameters
    ----------
    source : PythonSource
        Text of the user's file.
    name : str
        Function of a DataFrame that returns a DataFrame, or a class with ``fit(table)`` and ``transform(table)``.
    signature : str, default=""
        Result of `tabular_dl.preprocessing.approve`.

    Attributes
    ----------
    columns_ : list of str
        New columns, in the order of the returned table.
    state_ : dict or None
        What an object has learned; None for a function.

    Raises
    ------
    DataError
        If the code raises an exception, or returns anything but a table with the same rows and further columns.
    SpecError
        In `fit`, if the file has no such name, or what an object has learned cannot be stored.

    Examples
    --------
    >>> from tabular_dl.preprocessing.python_trust import approve
    >>> source = PythonSource("my_features.py", "def add(table):\n    return table.assign(Twice=2 * table['Fare'])")
    >>> step = PythonFeatures(source, "add", approve(source, "add", {}))
    >>> step.fit_transform(pd.DataFrame({"Fare": [7.0, 8.0]}))["Twice"].tolist()
    [14.0, 16.0]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    columns_: list[str]

    def __init__(self, source: PythonSource, name: str, signature: str = "") -> None:
        self.source = source
        self.name = name
        self.signature = signature

    def fit(self, X: pd.DataFrame, y: object = None) -> PythonFeatures:
        """Fit the object, if there is one, to a table of shape ``(rows, columns)``."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None, **parameters: Any) -> pd.DataFrame:  # noqa: ARG002
        """Fit the object, if there is one, and return the table with the new columns."""
        table = read_table(self, X, reset=True)
        self._object, self.state_ = self._definition(), None
        if inspect.isclass(self._object):
            instance = self._made(self._object)
            self._call(instance.fit, f"{self.name}.fit", table.copy())
            self._keep(instance)
        elif not callable(self._object):
            raise SpecError(f"{self._subject}: expected a function or a class, found {type(self._object).__name__}.")
        new = self._new_columns(table)
        self.columns_ = list(new)
        return pd.concat([table, new], axis=1)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return a table of shape ``(rows, columns)`` with the new columns."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        new = self._new_columns(table)
        missing = [name for name in self.columns_ if name not in new]
        if missing:
            raise DataError(
                f"{self._subject} did not return the column(s) {listed(missing)} for these rows, but for the training "
                "rows: return the same columns for all rows."
            )
        return pd.concat([table, new[self.columns_]], axis=1)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray[Any, Any]:  # noqa: ARG002
        """Return the names of the columns that `transform` returns."""
        check_is_fitted(self)
        return np.array([*self.feature_names_in_, *self.columns_], dtype=object)

    def _new_columns(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the new columns of a table, after checking that its rows and columns are unchanged."""
        ready, label = self._ready(), self.name
        if self.state_ is not None:
            ready, label = ready.transform, f"{self.name}.transform"
        # A copy, since code may change the table that it is given.
        result = self._call(ready, label, table.copy())
        problem = _table_problem(result, table)
        if problem:
            raise DataError(f"{self._subject} {problem}")
        return result[[name for name in result.columns if name not in table.columns]]


def _table_problem(result: object, table: pd.DataFrame) -> str | None:
    """Return what is wrong with a table that a function returned for another, or None."""
    if not isinstance(result, pd.DataFrame):
        return f"returned {type(result).__name__}: expected a DataFrame, the table with further columns."
    if not result.index.equals(table.index):
        changed = f"{len(result):,} rows for {len(table):,}"
        if len(result) == len(table):
            same = {*result.index} == {*table.index}
            changed = "the rows in another order" if same else "rows with another index"
        return f"returned {changed}: return each row once, in the order and with the index of the table."
    names = list(result.columns)
    wrong = [*result.columns[result.columns.duplicated()], *(name for name in names if not isinstance(name, str))]
    if wrong:
        return f"returned a column {wrong[0]!r} that is there twice, or no text: name each column once, by a text."
    replaced = next((name for name in names if name in table and not result[name].equals(table[name])), None)
    if replaced is not None:
        return f"changed the column {replaced!r}, which exists already: give the new column another name."
    if all(name in table for name in names):
        return "added no column: return the table with further columns."
    return None

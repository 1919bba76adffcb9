"""Values of a table's columns: what is a number, a category, a missing value.

Features and preprocessing, which do not know each other, agree on it here. Nothing heavy loads with this file.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["category_text", "read_categories", "read_numbers", "require_table"]


_LARGEST_INTEGER = 2**53  # beyond it a float no longer holds every integer


def category_text(value: object) -> str:
    """Write a value that is not missing as a category, the same for every type that holds it.

    An integer column that gains a missing value becomes a float column: 1 and 1.0 have to be one category.

    Examples
    --------
    >>> [category_text(value) for value in (1, 1.0, 2.5, True, "1", "1.0")]
    ['1', '1', '2.5', 'True', '1', '1.0']
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if number.is_integer() and abs(number) <= _LARGEST_INTEGER:
            return str(int(number))
    return str(value)


def read_categories(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Read a column as categories.

    Parameters
    ----------
    column : Series
        Of any type.

    Returns
    -------
    ndarray of object, shape (n,)
        Text as `category_text` writes it; NaN where missing.

    Examples
    --------
    >>> import pandas as pd
    >>> read_categories(pd.Series([1.0, None]))
    array(['1', nan], dtype=object)
    """
    import numpy as np
    import pandas as pd

    if column.dtype == object:  # may hold 1 and True side by side, which are equal and would be one category
        missing = column.isna()
        pairs = zip(column, missing, strict=True)
        return np.array([np.nan if gone else category_text(value) for value, gone in pairs], dtype=object)
    codes, values = pd.factorize(column)
    return np.array([*(category_text(value) for value in values), np.nan], dtype=object)[codes]  # missing is -1


def read_numbers(column: pd.Series[Any], subject: str, advice: str) -> np.ndarray[Any, Any]:
    """Read a column as finite numbers; booleans are 0 and 1, and text such as ``3.5`` is the number.

    Parameters
    ----------
    column : Series
        Of any type.
    subject : str
        How a message begins: which column, of what.
    advice : str
        How a message ends: what to do if it is not a column of numbers.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN where missing.

    Raises
    ------
    DataError
        For text, a date or an infinite value, naming its row label and how many there are.

    Examples
    --------
    >>> import pandas as pd
    >>> read_numbers(pd.Series([True, "3.5", None]), "column Age", "Correct it.")
    array([1. , 3.5, nan])
    >>> read_numbers(pd.Series(["22", "abc"]), "column Age", "Correct it.")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: column Age, row 1: expected a finite number, found 'abc'. Correct it.
    """
    import numpy as np
    import pandas as pd

    values = np.full(len(column), np.nan)
    if column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif column.dtype.kind == "O":
        converted = pd.to_numeric(column.astype(object), errors="coerce").to_numpy()
        values = values if converted.dtype.kind == "c" else converted.astype(np.float64)
    wrong = np.flatnonzero(np.isinf(values) | (np.isnan(values) & column.notna().to_numpy()))
    if len(wrong):
        more = f" (and {len(wrong) - 1} more such rows)" if len(wrong) > 1 else ""
        found = column.iloc[wrong[0]]
        shown = repr(found) if isinstance(found, str) else str(found)
        row = column.index[wrong[0]]
        raise DataError(f"{subject}, row {row}: expected a finite number, found {shown}{more}. {advice}")
    return values


def require_table(X: object) -> pd.DataFrame:
    """Return the argument if it is a pandas DataFrame whose columns have distinct names.

    Raises
    ------
    DataError
        Otherwise.

    Examples
    --------
    >>> require_table([[1, 2]])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: expected a pandas DataFrame with named columns, found a list
    """
    import pandas as pd

    if not isinstance(X, pd.DataFrame):
        raise DataError(f"expected a pandas DataFrame with named columns, found a {type(X).__name__}")
    unnamed = [name for name in X.columns if not isinstance(name, str)]
    if unnamed:
        raise DataError(f"expected columns whose names are text, found {unnamed[0]!r}; rename the columns")
    twice = X.columns[X.columns.duplicated()]
    if len(twice):
        raise DataError(f"column {twice[0]!r} appears twice; rename or drop one of them")
    return X

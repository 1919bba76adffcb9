"""Values of a table's columns as numbers and categories.

Features and preprocessing share these definitions. Importing this file loads no other library.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["LARGEST", "category_codes", "category_text", "read_categories", "read_numbers", "require_table"]


LARGEST = 1e38  # of numbers: networks compute with 32-bit floats, and scalers square
_LARGEST_INTEGER = 2**53  # beyond it floats cannot represent every integer


def category_text(value: object) -> str:
    """Return the name of a value as a category, which does not depend on the value's type.

    An integer column becomes a float column when it gains a missing value, so 1 and 1.0 are the same category.

    Parameters
    ----------
    value : object
        A value that is not missing.

    Returns
    -------
    str
        Name of the category.

    Examples
    --------
    >>> [category_text(value) for value in (1, 1.0, 2.5, True, "1", "1.0")]
    ['1', '1', '2.5', 'True', '1', '1.0']
    """
    if type(value) is str:  # the most common type; checking for types of numbers is slow
        return value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if number.is_integer() and abs(number) <= _LARGEST_INTEGER:
            return str(int(number))
    return str(value)


def read_categories(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return a column as categories.

    Parameters
    ----------
    column : Series of shape (rows,)
        Column of any type.

    Returns
    -------
    ndarray of object, shape (rows,)
        Texts as returned by `category_text`; NaN where missing.

    Examples
    --------
    >>> import pandas as pd
    >>> read_categories(pd.Series([1.0, None]))
    array(['1', nan], dtype=object)
    """
    import numpy as np
    import pandas as pd

    if column.dtype == object:  # factorize would give 1 and True, which are equal, the same code
        pairs = zip(column, column.isna(), strict=True)
        return np.array([np.nan if missing else category_text(value) for value, missing in pairs], dtype=object)
    codes, values = pd.factorize(column)
    return np.array([*map(category_text, values), np.nan], dtype=object)[codes]  # missing is -1


def category_codes(column: pd.Series[Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the different categories of a column, and the place among them of each row's.

    A function of categories is called once for each category, not once for each row.

    Parameters
    ----------
    column : Series of shape (rows,)
        Column of any type.

    Returns
    -------
    codes : ndarray of int, shape (rows,)
        Places among the categories; -1 where missing.
    texts : ndarray of object, shape (categories,)
        Texts as returned by `category_text`, in the order of their first rows.

    Examples
    --------
    >>> import pandas as pd
    >>> category_codes(pd.Series([2.0, None, 1.0, 2.0]))
    (array([ 0, -1,  1,  0]), array(['2', '1'], dtype=object))
    """
    import numpy as np
    import pandas as pd

    if column.dtype == object:
        return pd.factorize(read_categories(column))
    codes, values = pd.factorize(column)
    # Other values than texts may have the same text.
    places, texts = pd.factorize(np.array([*map(category_text, values)], dtype=object))
    return np.append(places, -1)[codes], texts


def read_numbers(column: pd.Series[Any], subject: str, advice: str) -> np.ndarray[Any, Any]:
    """Return a column as finite numbers. Booleans become 0 and 1, texts such as ``3.5`` and ``1,240`` are converted.

    Parameters
    ----------
    column : Series of shape (rows,)
        Column of any type.
    subject : str
        Beginning of the error message: the column and its table.
    advice : str
        End of the error message: the action to take if the column is not numeric.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Numbers; NaN where missing.

    Raises
    ------
    DataError
        If a value is text, a date, infinite or above 1e38, which networks cannot compute with; the message names the
        first such row and the number of others.

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

    from tabular_dl.tables.number_parsing import read_number

    values = np.full(len(column), np.nan)
    if column.dtype.kind in "biuf":
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif column.dtype.kind == "O":
        texts = column.astype(object)
        converted = pd.to_numeric(texts, errors="coerce").to_numpy()
        values = values if converted.dtype.kind == "c" else converted.astype(np.float64)
        for place in np.flatnonzero(np.isnan(values) & texts.notna().to_numpy()):
            text = texts.iloc[place]
            number = read_number(text, thousands=True) if isinstance(text, str) and "," in text else None
            values[place] = np.nan if number is None else number
    wrong = np.flatnonzero((np.abs(values) > LARGEST) | (np.isnan(values) & column.notna().to_numpy()))
    if len(wrong):
        others = f" (and {len(wrong) - 1} more such rows)" if len(wrong) > 1 else ""
        value = column.iloc[wrong[0]]
        shown = repr(value) if isinstance(value, str) else str(value)
        row = column.index[wrong[0]]
        most = " of at most 1e38" if np.isfinite(values[wrong[0]]) else ""
        raise DataError(f"{subject}, row {row}: expected a finite number{most}, found {shown}{others}. {advice}")
    return values


def require_table(X: object) -> pd.DataFrame:
    """Return the argument if it is a pandas DataFrame whose columns have distinct names.

    Parameters
    ----------
    X : object
        Argument to check.

    Returns
    -------
    DataFrame
        The argument, unchanged.

    Raises
    ------
    DataError
        If the argument is not a DataFrame, a name is not text, or a name is repeated.

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

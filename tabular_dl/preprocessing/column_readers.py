"""Transformers that read columns as numbers, as categories, or as indicators of missing values.

They are the first step of each branch that `tabular_dl.preprocessing.column_transformer` builds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tabular_dl.tables import read_categories, read_numbers, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

__all__ = ["ADVICE", "CategoryColumns", "MissingFlags", "NumericColumns", "kinds_of", "read_columns"]

# Types that are kept if all columns have the same one; others become float64.
NARROW = (np.float32, np.uint8, np.int8)
ADVICE = "Correct the value, or read the column as categories with `encode: onehot` in its rule."


def read_columns(table: pd.DataFrame, numeric: Mapping[str, bool]) -> pd.DataFrame:
    """Return the columns of a table as rules read them: numbers, or the text of categories.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Raw rows with derived features.
    numeric : mapping of str to bool
        Whether each column is read as numbers.

    Returns
    -------
    DataFrame of shape (rows, columns of ``numeric``)
        The columns, with the index of the table.

    Examples
    --------
    >>> table = pd.DataFrame({"age": ["22", None], "class": [1.0, 3.0], "name": ["a", "b"]})
    >>> read_columns(table, {"age": True, "class": False})
        age class
    0  22.0     1
    1   NaN     3
    """

    def read(column: pd.Series[Any], *, number: bool) -> pd.Series[Any] | np.ndarray[Any, Any]:
        if not number:
            return pd.Series(read_categories(column), index=column.index, dtype=object)
        return column if column.dtype.kind in "biuf" else read_numbers(column, f"column {column.name!r}", "")

    columns: dict[Any, Any] = {name: read(table[name], number=number) for name, number in numeric.items()}
    return pd.DataFrame(columns, index=table.index)


class _EachColumn(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, ABC):
    """Base class of transformers without learned parameters, which transform each column separately."""

    def fit(self, X: pd.DataFrame, y: object = None) -> _EachColumn:  # noqa: ARG002
        """Check that the columns, of shape ``(rows, columns)``, can be read."""
        self._read(read_table(self, X, reset=True))
        return self

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return the values, of shape ``(rows, columns)``."""
        check_is_fitted(self)
        return self._read(read_table(self, X, reset=False))

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values and texts are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    @abstractmethod
    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the values of the columns, of shape ``(rows, columns)``."""


class NumericColumns(_EachColumn):
    """Read columns as numbers.

    Booleans become 0 and 1, texts such as ``3.5`` become numbers, and missing values become NaN.

    Raises
    ------
    DataError
        In `fit` and `transform`, for any other text, a date or an infinite value; the message names column, row and
        value.

    Examples
    --------
    >>> NumericColumns().fit_transform(pd.DataFrame({"Alone": [True, False], "Fare": ["7.25", None]}))
    array([[1.  , 7.25],
           [0.  ,  nan]])
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        # One conversion of the whole table, and narrow types are kept, so that 10,000 columns of uint8 fit in memory.
        if all(kind in "biuf" for kind in kinds_of(X)):
            types = set(X.dtypes)
            narrow = len(types) == 1 and types <= {*map(np.dtype, NARROW)}
            values = X.to_numpy(dtype=None if narrow else np.float64)
            if not np.isinf(values).any():
                return values
        return np.column_stack([read_numbers(X[name], f"column {name!r}", ADVICE) for name in X])


class CategoryColumns(_EachColumn):
    """Read columns as categories: texts, equal for 1 and 1.0, and NaN for missing values.

    Examples
    --------
    >>> CategoryColumns().fit_transform(pd.DataFrame({"Pclass": [3.0, None], "Sex": ["male", "female"]}))
    array([['3', 'male'],
           [nan, 'female']], dtype=object)
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        return np.column_stack([read_categories(X[name]) for name in X])

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return texts of shape ``(rows, columns)``; an array of numbers, which has a single type, is not changed."""
        if hasattr(X, "columns") or np.asarray(X).dtype.kind not in "biuf":
            return super().transform(X)
        check_is_fitted(self)
        return read_table(self, X, reset=False).to_numpy()


class MissingFlags(_EachColumn):
    """Return 1.0 for missing values and 0.0 for others, for columns of any type.

    Unlike scikit-learn's `MissingIndicator`, the result contains floats, so that it can be joined with numbers in one
    dtype.

    Examples
    --------
    >>> flags = MissingFlags().fit(pd.DataFrame({"Age": [22.0, 38.0]}))
    >>> flags.transform(pd.DataFrame({"Age": [None, 30.0]}))
    array([[1.],
           [0.]])
    >>> flags.get_feature_names_out().tolist()
    ['Age_missing']
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        return X.isna().to_numpy(dtype=np.float64)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray[Any, Any]:
        """Return the names of the columns, each followed by ``_missing``."""
        names = super().get_feature_names_out(input_features)
        return np.array([f"{name}_missing" for name in names], dtype=object)


def kinds_of(frame: pd.DataFrame) -> list[str]:
    """Return NumPy's character code for each column's kind of type; "O" for pandas' extension types.

    Parameters
    ----------
    frame : DataFrame of shape (rows, columns)
        Table.

    Returns
    -------
    list of str
        Codes such as "f" for floats, in the order of the columns.

    Examples
    --------
    >>> kinds_of(pd.DataFrame({"Age": [22.0], "Sex": ["male"], "Alone": [True]}))
    ['f', 'O', 'b']
    """
    return [dtype.kind if isinstance(dtype, np.dtype) else "O" for dtype in frame.dtypes]

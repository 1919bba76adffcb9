"""scikit-learn transformers that read columns as numbers, as categories, or as whether a value is missing.

They are the near end of every branch of `tabular_dl.preprocessing.column_transformer`; what comes after them is
scikit-learn's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tabular_dl.tables import read_categories, read_numbers, read_table

__all__ = ["ADVICE", "CategoryColumns", "MissingFlags", "NumericColumns", "kinds_of"]

# Types of a whole table that numbers keep; all others become float64.
NARROW = (np.float32, np.uint8, np.int8)
ADVICE = "Correct the value, or read the column as categories with `encode: onehot` in its rule."


class _EachColumn(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, ABC):
    """A transformer that learns nothing and treats each column of a DataFrame alone."""

    def fit(self, X: pd.DataFrame, y: object = None) -> _EachColumn:  # noqa: ARG002
        """Check the columns, of shape ``(n, columns)``."""
        self._read(read_table(self, X, reset=True))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the columns as an array of shape ``(n, columns)``."""
        check_is_fitted(self)
        return self._read(read_table(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that values may be missing, and text."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    @abstractmethod
    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return what the columns become, of shape ``(n, columns)``."""


class NumericColumns(_EachColumn):
    """Read columns as numbers: booleans become 0 and 1, text such as ``3.5`` the number, missing NaN.

    Raises
    ------
    DataError
        At ``fit`` and ``transform``, for other text, a date or an infinite value, naming column, row and value.

    Examples
    --------
    >>> NumericColumns().fit_transform(pd.DataFrame({"Alone": [True, False], "Fare": ["7.25", None]}))
    array([[1.  , 7.25],
           [0.  ,  nan]])
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        # A wide table of numbers is read as a whole, and stays as narrow as it is: 10,000 columns of uint8 fit.
        if all(kind in "biuf" for kind in kinds_of(X)):
            types = set(X.dtypes)
            narrow = len(types) == 1 and types <= {*map(np.dtype, NARROW)}
            values = X.to_numpy(dtype=None if narrow else np.float64)
            if not np.isinf(values).any():
                return values
        return np.column_stack([read_numbers(X[name], f"column {name!r}", ADVICE) for name in X])


class CategoryColumns(_EachColumn):
    """Read columns as categories: text that is the same for 1 and 1.0, and NaN where missing.

    Examples
    --------
    >>> CategoryColumns().fit_transform(pd.DataFrame({"Pclass": [3.0, None], "Sex": ["male", "female"]}))
    array([['3', 'male'],
           [nan, 'female']], dtype=object)
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def _read(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        return np.column_stack([read_categories(X[name]) for name in X])

    def transform(self, X: Any) -> np.ndarray[Any, Any]:
        """Return text of shape ``(n, columns)``; an array of numbers, whose types cannot differ, as it is."""
        if hasattr(X, "columns") or np.asarray(X).dtype.kind not in "biuf":
            return super().transform(X)
        check_is_fitted(self)
        return read_table(self, X, reset=False).to_numpy()


class MissingFlags(_EachColumn):
    """Say of each value whether it is missing, as 0.0 or 1.0, for columns of any kind.

    Unlike scikit-learn's `MissingIndicator` it gives floats, so that a DataFrame of the result has one dtype.

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

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Return the names of the columns with ``_missing`` after each."""
        names = super().get_feature_names_out(input_features)
        return np.array([f"{name}_missing" for name in names], dtype=object)


def kinds_of(frame: pd.DataFrame) -> list[str]:
    """Return NumPy's letter for the type of each column; "O" for the types of pandas' own.

    Examples
    --------
    >>> kinds_of(pd.DataFrame({"Age": [22.0], "Sex": ["male"], "Alone": [True]}))
    ['f', 'O', 'b']
    """
    return [kind.kind if isinstance(kind, np.dtype) else "O" for kind in frame.dtypes]

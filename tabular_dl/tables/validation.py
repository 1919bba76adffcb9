"""Validation of an estimator's input, which keeps the types of raw columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d, validate_data

from tabular_dl.tables.values import require_table

__all__ = ["read_rows", "read_table", "read_target"]


def read_table(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    """Return rows as a DataFrame, validated as scikit-learn validates its input.

    Parameters
    ----------
    estimator : estimator
        Estimator whose ``n_features_in_`` and ``feature_names_in_`` are set, or compared with the columns.
    X : DataFrame or array-like of shape (rows, columns)
        Raw rows of any types, with missing values. Columns of an array are named x0, x1, ...
    reset : bool
        Whether the estimator is fitted on these rows.

    Returns
    -------
    DataFrame of shape (rows, columns)
        The rows.

    Raises
    ------
    ValueError
        If the input is not a table, is empty, or has other columns than the estimator was fitted on.

    Examples
    --------
    >>> from tabular_dl.preprocessing.column_readers import NumericColumns
    >>> list(read_table(NumericColumns(), [[1.0, None]], reset=True).columns)
    ['x0', 'x1']
    """
    if isinstance(X, pd.DataFrame) and len(X.columns):
        require_table(X)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        return X
    values = validate_data(estimator, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(values.shape[1])]).infer_objects()


def read_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return rows in their own type, validated. Columns that the estimator was not fitted on are dropped.

    Parameters
    ----------
    estimator : estimator
        Estimator whose ``n_features_in_`` and ``feature_names_in_`` are set, or compared with the columns.
    X : DataFrame, array-like or CSR matrix of shape (rows, columns)
        Raw rows.
    reset : bool
        Whether the estimator is fitted on these rows.

    Returns
    -------
    DataFrame, ndarray or CSR matrix of shape (rows, columns)
        The rows.

    Raises
    ------
    ValueError
        If the input is empty, or lacks columns that the estimator was fitted on.
    """
    if isinstance(X, pd.DataFrame) and len(X.columns):
        needed = list(X.columns if reset else getattr(estimator, "feature_names_in_", X.columns))
        if len(X.columns) > len(needed) and set(needed) <= set(X.columns):
            X = X[needed]
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        return X
    return validate_data(estimator, X, dtype=None, accept_sparse="csr", ensure_all_finite="allow-nan", reset=reset)


def read_target(y: Any, name: str, *, classification: bool) -> np.ndarray:
    """Return a target as an array, validated as scikit-learn validates targets.

    Parameters
    ----------
    y : array-like of shape (rows,) or (rows, targets)
        Labels or numbers.
    name : str
        Name of the estimator, for messages.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    ndarray of shape (rows,) or (rows, targets)
        The target; float64 unless it consists of labels.

    Raises
    ------
    ValueError
        If the target is None, has missing or infinite values, or does not suit the type of estimator. Of several
        numbers, a row may lack some, but not all of them.
    """
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None")
    dtype, finite = (None, True) if classification else (np.float64, "allow-nan")
    values = check_array(y, dtype=dtype, ensure_2d=False, ensure_all_finite=finite, input_name="y")
    partly = values.ndim == 2 and values.shape[1] > 1 and not classification
    assert_all_finite(values, allow_nan=partly, input_name="y")
    if partly and np.isnan(values).all(axis=1).any():
        raise ValueError(f"y has a row without any target, the first is {np.isnan(values).all(axis=1).argmax()}")
    if values.ndim < 2 or values.shape[1] == 1:
        values = column_or_1d(values, warn=True)
    if classification:
        check_classification_targets(values)
    return np.asarray(values)

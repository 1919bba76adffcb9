"""Raw rows as a DataFrame, whatever scikit-learn hands over."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils.validation import validate_data

from tabular_dl.columns import require_table

__all__ = ["read_table"]


def read_table(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    """Return rows as a DataFrame, checked as scikit-learn checks its input.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``, or is held to them.
    X : DataFrame or array-like of shape (rows, columns)
        Raw rows, of any types, with missing values. An array's columns are called x0, x1, ...
    reset : bool
        Whether this is what the estimator is fitted on.

    Raises
    ------
    ValueError
        If it is no table, is empty, or has other columns than the estimator was fitted on.

    Examples
    --------
    >>> from tabular_dl.preprocessing import NumericColumns
    >>> list(read_table(NumericColumns(), [[1.0, None]], reset=True).columns)
    ['x0', 'x1']
    """
    if isinstance(X, pd.DataFrame) and len(X.columns):
        require_table(X)
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        return X
    values = validate_data(estimator, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(values.shape[1])]).infer_objects()

"""What scikit-learn lacks for numbers far from the others: clipping at quantiles, ranks of any number of rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["ConstantScaler", "NormalQuantiles", "QuantileClipper"]


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Move numbers beyond the training rows' ``share`` and ``1 - share`` quantiles to these quantiles.

    Quantiles are those of the values that are not missing; missing values stay missing. A column without any value is
    left alone.

    Parameters
    ----------
    share : float, default=0.01
        From 0, the least and the largest value, to below 0.5.

    Attributes
    ----------
    low_, high_ : ndarray of shape (columns,)
        The quantiles.

    Examples
    --------
    >>> fares = np.array([[0.0], [10.0], [20.0], [30.0], [500.0]])
    >>> QuantileClipper(share=0.25).fit_transform(fares).ravel().tolist()
    [10.0, 10.0, 20.0, 30.0, 30.0]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, share: float = 0.01) -> None:
        self.share = share

    def fit(self, X: Any, y: object = None) -> QuantileClipper:  # noqa: ARG002
        """Learn the quantiles of numbers of shape ``(n, columns)``."""
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        known = [column[~np.isnan(column)] for column in X.T]
        bounds = [np.quantile(each, [self.share, 1 - self.share]) if len(each) else (-np.inf, np.inf) for each in known]
        self.low_, self.high_ = np.array(bounds).T
        return self

    def transform(self, X: Any) -> np.ndarray[Any, Any]:
        """Return the numbers between the quantiles, of shape ``(n, columns)``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return np.clip(X, self.low_, self.high_)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that values may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class NormalQuantiles(QuantileTransformer):
    """scikit-learn's `QuantileTransformer` to a normal distribution, with as many quantiles as there are rows, at most.

    Parameters
    ----------
    n_quantiles, subsample
        As there.
    random_state : int or None, default=None
        Fixes which rows are taken where there are more than ``subsample``.

    Examples
    --------
    >>> NormalQuantiles().fit_transform(np.array([[1.0], [2.0], [400.0]])).ravel().round(2).tolist()
    [-5.2, 0.0, 5.2]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, *, n_quantiles: int = 1000, subsample: int = 10_000, random_state: int | None = None) -> None:
        super().__init__(
            n_quantiles=n_quantiles, output_distribution="normal", subsample=subsample, random_state=random_state
        )

    def fit(self, X: Any, y: object = None) -> NormalQuantiles:
        """Learn the quantiles of numbers of shape ``(n, columns)``."""
        with warnings.catch_warnings():
            # Fewer rows than quantiles are no mistake, and a fold has fewer rows than the table.
            warnings.filterwarnings("ignore", "n_quantiles")
            super().fit(X, y)
        return self


class ConstantScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide numbers by a constant, into float32: ``x / constant``.

    It learns nothing, so the folds of a cross-validation share one matrix.

    Parameters
    ----------
    constant : float, default=255.0
        What to divide by.

    Examples
    --------
    >>> ConstantScaler(255).fit_transform(np.array([[0, 51, 255]], np.uint8))
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, constant: float = 255.0) -> None:
        self.constant = constant

    def fit(self, X: Any, y: object = None) -> ConstantScaler:  # noqa: ARG002
        """Check the columns, of shape ``(n, columns)``."""
        validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan")
        return self

    def transform(self, X: Any) -> np.ndarray[Any, Any]:
        """Return the numbers divided, of shape ``(n, columns)``; NaN stays."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False)
        return np.divide(X, np.float32(self.constant), dtype=np.float32, casting="same_kind")

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that values may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

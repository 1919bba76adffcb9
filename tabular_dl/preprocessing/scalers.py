"""Scalers that complement scikit-learn's: clipping at quantiles, normal quantiles, division by a constant."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

__all__ = ["ConstantScaler", "NormalQuantiles", "QuantileClipper"]


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Clip numbers to the ``share`` and ``1 - share`` quantiles of the training rows.

    Missing values are ignored by the quantiles and stay missing. Columns without any value are not changed.

    Parameters
    ----------
    share : float, default=0.01
        Lower quantile, from 0 (the smallest value) to below 0.5.

    Attributes
    ----------
    low_, high_ : ndarray of shape (columns,)
        Quantiles.

    Examples
    --------
    >>> fares = np.array([[0.0], [10.0], [20.0], [30.0], [500.0]])
    >>> QuantileClipper(share=0.25).fit_transform(fares).ravel().tolist()
    [10.0, 10.0, 20.0, 30.0, 30.0]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, share: float = 0.01) -> None:
        self.share = share

    def fit(self, X: ArrayLike, y: object = None) -> QuantileClipper:  # noqa: ARG002
        """Learn the quantiles from numbers of shape ``(rows, columns)``."""
        numbers = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        columns = [column[~np.isnan(column)] for column in numbers.T]
        quantiles = [self.share, 1 - self.share]
        bounds = [np.quantile(values, quantiles) if len(values) else (-np.inf, np.inf) for values in columns]
        self.low_, self.high_ = np.array(bounds).T
        return self

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return the clipped numbers, of shape ``(rows, columns)``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return np.clip(X, self.low_, self.high_)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class NormalQuantiles(QuantileTransformer):
    """scikit-learn's `QuantileTransformer` to a normal distribution, without a warning for fewer rows than quantiles.

    Parameters
    ----------
    n_quantiles : int, default=1000
        Number of quantiles; at most the number of rows is used.
    subsample : int, default=10000
        Number of rows to compute the quantiles from, at most.
    random_state : int or None, default=None
        Seed of the choice of rows if there are more than ``subsample``.

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

    def fit(self, X: ArrayLike, y: object = None) -> NormalQuantiles:
        """Learn the quantiles from numbers of shape ``(rows, columns)``."""
        with warnings.catch_warnings():
            # Small tables and folds may have fewer rows than quantiles.
            warnings.filterwarnings("ignore", "n_quantiles")
            super().fit(X, y)
        return self


class ConstantScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divide numbers by a constant: ``x / constant`` in float32.

    Nothing is learned, so that the folds of a cross-validation can share one matrix.

    Parameters
    ----------
    constant : float, default=255.0
        Divisor.

    Examples
    --------
    >>> ConstantScaler(255).fit_transform(np.array([[0, 51, 255]], np.uint8))
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, constant: float = 255.0) -> None:
        self.constant = constant

    def fit(self, X: ArrayLike, y: object = None) -> ConstantScaler:  # noqa: ARG002
        """Validate numbers of shape ``(rows, columns)``."""
        validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan")
        return self

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return the quotients, of shape ``(rows, columns)``; NaN stays NaN."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False)
        return np.divide(X, np.float32(self.constant), dtype=np.float32, casting="same_kind")

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values are allowed, and float32 is kept."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

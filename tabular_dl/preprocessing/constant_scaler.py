"""Division by a constant: pixels of 0 to 255 become numbers of 0 to 1 without a look at the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["ConstantScaler"]


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

"""Names of features of estimators that are fitted on matrices without names."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

__all__ = ["FeatureNames"]


class FeatureNames:
    """Part of estimators that cross-fits train on matrices of folds."""

    def name_features(self, names: np.ndarray | None) -> Self:
        """Set ``feature_names_in_`` of an estimator that is fitted on matrices without names, and return it."""
        if names is not None:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        return self

    def named(self, X: np.ndarray) -> np.ndarray | pd.DataFrame:
        """Return a feature matrix as a DataFrame with the feature names seen in `fit`, or as it is without names."""
        names = getattr(self, "feature_names_in_", None)
        return X if names is None else pd.DataFrame(X, columns=names)

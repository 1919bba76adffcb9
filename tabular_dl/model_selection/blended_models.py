"""A blend as a model: several fitted cross-fits and what was learned of how to combine them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError

from tabular_dl.errors import DataError
from tabular_dl.model_selection.blending import Blend, nested_predictions
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.problems import Metric

__all__ = ["BlendedClassifier", "BlendedRegressor"]


class _Blended(BaseEstimator):
    """What both kinds share: the models, the blend, and out-of-fold predictions of the blend.

    Parameters
    ----------
    models : sequence of cross-fits
        Fitted, on the same rows and folds.
    blend : Blend
        The method.

    Attributes
    ----------
    blend_ : Blend
        What was learned from all out-of-fold predictions.
    oof_predictions_ : ndarray
        Of the blend, each fold's combined by what the other folds taught.
    test_rows_ : list of ndarray
        The rows of each fold.
    """

    def __init__(self, models: Sequence[Any], blend: Blend) -> None:
        self.models = models
        self.blend = blend

    def fit_blend(self, y: np.ndarray, metric: Metric) -> Self:
        """Learn the blend from the models' out-of-fold predictions.

        Parameters
        ----------
        y : ndarray of shape (rows,)
            The target of the rows that the models were fitted on.
        metric : Metric
            What is selected by.

        Raises
        ------
        DataError
            If the models were not fitted on the same rows, folds and labels.
        """
        forget_threshold(self)
        first = self.models[0]
        self.classes_or_none_ = getattr(first, "classes_", None)
        for number, model in enumerate(self.models[1:], start=2):
            _check_alike(first, model, number)
        predictions = np.stack([_with_axis(model.oof_predictions_) for model in self.models])
        if predictions.shape[1] != len(y):
            raise DataError(f"The runs were fitted on {predictions.shape[1]} rows, the table has {len(y)} now.")
        self.test_rows_ = first.test_rows_
        classes = self.classes_or_none_
        combined = nested_predictions(self.blend, predictions, y, self.test_rows_, metric, classes)
        self.oof_predictions_ = combined if classes is not None else combined[:, 0]
        self.blend_ = Blend(**self.blend.get_params()).fit(predictions, y, metric, classes)
        return self

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return the blend of one fold's predictions for raw rows.

        Parameters
        ----------
        fold : int
            From 0.
        X : DataFrame of shape (rows, columns)
            Raw rows.
        """
        combined = self._blended([model.predict_fold(fold, X) for model in self.models])
        return combined if self.classes_or_none_ is not None else combined[:, 0]

    def _combined(self, X: pd.DataFrame) -> np.ndarray:
        return self._blended(
            [m.predict(X) if self.classes_or_none_ is None else m.predict_proba(X) for m in self.models]
        )

    def _blended(self, predictions: Sequence[np.ndarray]) -> np.ndarray:
        if not hasattr(self, "blend_"):
            raise NotFittedError("This blend has not been learned: call fit_blend first.")
        return self.blend_.combine(np.stack([_with_axis(each) for each in predictions]))


def _with_axis(predictions: np.ndarray) -> np.ndarray:
    return predictions[:, np.newaxis] if predictions.ndim == 1 else predictions


def _check_alike(first: Any, model: Any, number: int) -> None:
    """Refuse a model that was fitted on other rows, folds or labels."""
    if not np.array_equal(getattr(first, "classes_", 0), getattr(model, "classes_", 0)):
        raise DataError(f"Run {number} has other classes than the first: blend runs of one target.")
    if len(first.oof_predictions_) != len(model.oof_predictions_):
        raise DataError(
            f"Run {number} was fitted on {len(model.oof_predictions_)} rows, the first on "
            f"{len(first.oof_predictions_)}: blend runs of the same table."
        )
    same = len(first.test_rows_) == len(model.test_rows_) and all(
        np.array_equal(a, b) for a, b in zip(first.test_rows_, model.test_rows_, strict=True)
    )
    if not same:
        raise DataError(
            f"Run {number} has other folds than the first: blend runs of the same ensemble.folds and seed, or the "
            "blend would be scored on rows that it has seen."
        )


class BlendedClassifier(Thresholded, ClassifierMixin, _Blended):
    """A blend of classifiers; see `Blend` for how they are combined."""

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        return self.models[0].classes_

    @property
    def indicators_(self) -> bool:
        """Whether several labels are predicted at once, each yes or no."""
        return self.models[0].indicators_

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the blended probabilities of raw rows, (rows, classes)."""
        return self._combined(X)


class BlendedRegressor(RegressorMixin, _Blended):
    """A blend of regressors; see `Blend` for how they are combined."""

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the blended values of raw rows."""
        return self._combined(X)[:, 0]

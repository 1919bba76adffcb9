"""Blends as models: several fitted cross-fits and the blend of their predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import ModelEstimator
from tabular_dl.model_selection.blending import Blend
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.model_selection.meta_models import RawColumns
from tabular_dl.problems import Metric, same_classes
from tabular_dl.tables import read_rows

__all__ = ["BlendedClassifier", "BlendedRegressor"]

# Settings of the first model that meta models have as well.
SHARED = ("bounds", "class_weight", "target_transform")


class _Model(Protocol):
    oof_predictions_: np.ndarray
    test_rows_: list[np.ndarray]


class _Blended(BaseEstimator):
    """Base class of blended models.

    Parameters
    ----------
    models : sequence of cross-fits
        Models fitted on the same rows and folds.
    blend : Blend
        Unfitted blend.

    Attributes
    ----------
    blend_ : Blend
        Blend fitted on all out-of-fold predictions.
    oof_predictions_ : ndarray of shape (rows, classes) or (rows,)
        Predictions of the blend; those of each fold by a blend fitted on the other folds.
    test_rows_ : list of ndarray
        Rows of each fold.
    encoder_ : int or None
        Number of the model whose steps encode raw columns for meta models; None if they read predictions alone.
    """

    encoder_: int | None = None  # blends stored by older versions lack it

    def __init__(self, models: Sequence[Any], blend: Blend) -> None:
        self.models = models
        self.blend = blend

    def fit_blend(self, y: np.ndarray, metric: Metric, X: pd.DataFrame | None = None) -> Self:
        """Fit the blend on the models' out-of-fold predictions.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            Target of the rows that the models were fitted on.
        metric : Metric
            Metric by which greedy selection compares models.
        X : DataFrame of shape (rows, columns), optional
            Raw rows, for a blend with ``passthrough``.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the models were not fitted on the same rows, folds and labels.
        SpecError
            If the blend has invalid settings, or meta models that do not suit the target.
        """
        forget_threshold(self)
        first = self.models[0]
        self.classes_or_none_ = getattr(first, "classes_", None)
        for number, model in enumerate(self.models[1:], start=2):
            _check_alike(first, model, number)
        predictions = np.stack([_with_axis(model.oof_predictions_) for model in self.models])
        if predictions.shape[1] != len(y):
            raise DataError(f"The runs were fitted on {predictions.shape[1]} rows, but the table has {len(y)} now.")
        self.test_rows_ = first.test_rows_
        blend = clone(self.blend)
        raw, self.encoder_ = None, None
        if blend.method == "stack":
            last = first.pipelines_[0][-1]
            shared = {name: getattr(last, name, None) for name in SHARED}
            blend.set_params(settings={name: value for name, value in shared.items() if value is not None})
            raw = self._raw_columns(X) if blend.passthrough else None
        classes = self.classes_or_none_
        combined = blend.fit_predict(predictions, y, self.test_rows_, metric, classes, raw)
        self.oof_predictions_ = combined.reshape(first.oof_predictions_.shape)
        self.blend_ = blend
        return self

    def _raw_columns(self, X: pd.DataFrame | None) -> RawColumns:
        """Return raw columns for meta models, encoded as for the first model that leaves no missing values."""
        if X is None:
            raise SpecError("A blend with passthrough reads raw columns: give their rows as X.")
        lasts = [model.pipelines_[0][-1] for model in self.models]
        missing = [isinstance(last, ModelEstimator) and last.reads_missing for last in lasts]
        self.encoder_ = missing.index(False) if False in missing else 0
        model, last = self.models[self.encoder_], lasts[self.encoder_]
        coded = last.categorical_features or () if isinstance(last, ModelEstimator) else last.inputs_["categorical"]
        steps = model.pipeline[:-1] if len(model.pipeline.steps) > 1 else Pipeline([("columns", "passthrough")])
        rows = read_rows(model, X, reset=False)
        return RawColumns(rows, steps, tuple(int(column) for column in coded), missing[self.encoder_])

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return the blended predictions of one fold's models.

        Parameters
        ----------
        fold : int
            Number of the fold, from 0.
        X : DataFrame of shape (rows, columns)
            Raw rows.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows,)
            Probabilities or values.
        """
        return self._blended([model.predict_fold(fold, X) for model in self.models], X)

    def _combined(self, X: pd.DataFrame) -> np.ndarray:
        if not hasattr(self, "blend_"):
            raise NotFittedError("This blend is not fitted: call fit_blend first.")
        return self._blended(
            [m.predict(X) if self.classes_or_none_ is None else m.predict_proba(X) for m in self.models], X
        )

    def _blended(self, predictions: Sequence[np.ndarray], X: pd.DataFrame) -> np.ndarray:
        raw = None if self.encoder_ is None else read_rows(self.models[self.encoder_], X, reset=False)
        combined = self.blend_.combine(np.stack([_with_axis(values) for values in predictions]), raw)
        return combined.reshape(predictions[0].shape)


def _with_axis(predictions: np.ndarray) -> np.ndarray:
    return predictions[:, np.newaxis] if predictions.ndim == 1 else predictions


def _check_alike(first: _Model, model: _Model, number: int) -> None:
    """Raise an error if a model was fitted on other rows, folds or labels than the first."""
    if not same_classes(getattr(first, "classes_", None), getattr(model, "classes_", None)):
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
            f"Run {number} has other folds than the first: blend runs of the same ensemble.folds and seed. Otherwise "
            "the blend would be scored on training rows."
        )


class BlendedClassifier(Thresholded, ClassifierMixin, _Blended):
    """Blend of classifiers; the methods are those of `Blend`."""

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    @property
    def classes_(self) -> Any:
        """Sorted labels."""
        return self.models[0].classes_

    @property
    def indicators_(self) -> bool:
        """Whether the problem is multilabel."""
        return self.models[0].indicators_

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return blended probabilities for raw rows, (rows, classes)."""
        return self._combined(X)


class BlendedRegressor(RegressorMixin, _Blended):
    """Blend of regressors; the methods are those of `Blend`."""

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return blended values for raw rows, (rows,) or (rows, targets)."""
        return self._combined(X)

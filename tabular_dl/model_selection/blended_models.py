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
from tabular_dl.model_selection.blending import Blend, nested_predictions
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.model_selection.folds import Splits
from tabular_dl.model_selection.meta_models import RawColumns
from tabular_dl.model_selection.predicted_rows import (
    common_splits,
    fold_before,
    fold_splits,
    is_by_time,
    repeat_stack,
    repeats_of,
    scored_folds,
)
from tabular_dl.model_selection.rounded_numbers import RoundedNumbers
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.problems import Classes, Metric, metric_at, same_classes
from tabular_dl.tables import read_rows

__all__ = ["BlendedClassifier", "BlendedRegressor", "nested_scores"]

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
        Predictions of the blend; those of each fold by a blend fitted on the other folds, by time on earlier ones.
    train_rows_, test_rows_ : list of ndarray
        Training and test rows of each fold.
    repeat_predictions_ : ndarray of shape (repeats, rows, classes) or (repeats, rows), or None
        Predictions of each repeat; None if folds are not repeated.
    encoder_ : int or None
        Number of the model whose steps encode raw columns for meta models; None if they read predictions alone.
    """

    # Class attributes, because blends stored by older versions lack them.
    encoder_: int | None = None
    repeat_predictions_: np.ndarray | None = None

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
        rows = len(first.oof_predictions_)
        if rows != len(y):
            raise DataError(f"The runs were fitted on {rows} rows, but the table has {len(y)} now.")
        self.train_rows_, self.test_rows_ = map(list, zip(*_common_folds(self.models), strict=True))
        blend = clone(self.blend)
        raw, self.encoder_ = None, None
        if blend.method == "stack":
            fitted = next((model for model in self.models if hasattr(model, "pipelines_")), None)
            last = None if fitted is None else fitted.pipelines_[0][-1]  # all may be imported
            shared = {name: getattr(last, name, None) for name in SHARED}
            blend.set_params(settings={name: value for name, value in shared.items() if value is not None})
            raw = self._raw_columns(X) if blend.passthrough else None
        self._fit_on_repeats(blend, y, metric, raw)
        return self

    def _fit_on_repeats(self, blend: Blend, y: np.ndarray, metric: Metric, raw: RawColumns | None) -> None:
        """Fit the blend on the mean of all repeats, and combine the predictions of each repeat."""
        classes, repeats, tables = self.classes_or_none_, repeats_of(self), []
        weights = weights_of_model(self)
        for repeat in range(repeats):
            scored = scored_folds(self, repeat)
            truth, raw_rows = y[scored.rows], None if raw is None else raw.of(scored.rows)
            # With a single repeat, this fits the blend of all folds as well.
            repeat_blend = blend if repeats == 1 else clone(blend)
            combined = repeat_blend.fit_predict(
                repeat_stack(self.models, repeat)[:, scored.rows],
                truth,
                scored.folds,
                metric_at(metric, scored.rows),
                classes,
                raw_rows,
                scored.sources,
                weights_at(weights, scored.rows),
            )
            tables.append(scored.spread(_as_target(combined, y, classes), len(y)))
        if repeats > 1:
            blend.fit(repeat_stack(self.models), y, metric, classes, scored_folds(self).folds, raw, weights)
        self.oof_predictions_ = tables[0] if repeats == 1 else np.mean(tables, axis=0)
        self.repeat_predictions_ = None if repeats == 1 else np.stack(tables)
        self.blend_ = blend

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
        # By time, models may have other folds than the first.
        test = self.test_rows_[fold]
        folds = [fold if _same_folds(self, model) else fold_before(model, test) for model in self.models]
        return self._blended(
            [model.predict_fold(number, X) for model, number in zip(self.models, folds, strict=True)], X
        )

    def _combined(self, X: pd.DataFrame) -> np.ndarray:
        if not hasattr(self, "blend_"):
            raise NotFittedError("This blend is not fitted: call fit_blend first.")
        return self._blended(
            [m.predict_values(X) if self.classes_or_none_ is None else m.predict_proba(X) for m in self.models], X
        )

    def _blended(self, predictions: Sequence[np.ndarray], X: pd.DataFrame) -> np.ndarray:
        raw = None if self.encoder_ is None else read_rows(self.models[self.encoder_], X, reset=False)
        combined = self.blend_.combine(np.stack([_with_axis(values) for values in predictions]), raw)
        return combined.reshape(predictions[0].shape)


def _as_target(combined: np.ndarray, y: np.ndarray, classes: Classes | None) -> np.ndarray:
    """Return blended predictions in the shape of a model's own: without an axis of targets, if there is one number."""
    return combined[:, 0] if classes is None and y.ndim == 1 else combined


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
    if not _same_folds(first, model) and not (is_by_time(first) and is_by_time(model)):
        raise DataError(
            f"Run {number} has other folds than the first: blend runs of the same ensemble.folds and seed. Otherwise "
            "the blend would be scored on training rows."
        )


def _same_folds(first: _Model, model: _Model) -> bool:
    """Return whether two models have the same test rows in each fold."""
    return len(first.test_rows_) == len(model.test_rows_) and all(
        np.array_equal(a, b) for a, b in zip(first.test_rows_, model.test_rows_, strict=True)
    )


def _common_folds(models: Sequence[Any]) -> Splits:
    """Return the folds that all models have, or by time those of the first with the rows that all predict."""
    if not all(_same_folds(models[0], model) for model in models[1:]):
        return common_splits(models)
    # Predictions that older versions have imported lack training rows.
    return fold_splits(next((model for model in models if getattr(model, "train_rows_", None) is not None), models[0]))


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


class BlendedRegressor(RoundedNumbers, RegressorMixin, _Blended):
    """Blend of regressors; the methods are those of `Blend`."""

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict_values(self, X: pd.DataFrame) -> np.ndarray:
        """Return blended values for raw rows, (rows,) or (rows, targets)."""
        return self._combined(X)


def nested_scores(
    blend: Blend,
    models: Sequence[Any],
    y: np.ndarray,
    metric: Metric,
    classes: Classes | None,
    whole: Any = None,
) -> np.ndarray:
    """Return the score of each fold, predicted by a blend that is fitted on the rows that the fold may learn from.

    Parameters
    ----------
    blend : Blend
        Unfitted blend, which is not changed.
    models : sequence of cross-fits or imported predictions
        Models of the same folds.
    y : ndarray of shape (rows,)
        Target of all rows.
    metric, classes
        Arguments of `Blend.fit_predict`.
    whole : blend, optional
        Model with the folds, by default the first.

    Returns
    -------
    ndarray of shape (folds,)
        Scores.
    """
    scores, whole = [], models[0] if whole is None else whole
    sample_weight = weights_of_model(whole)
    for repeat in range(repeats_of(whole)):
        scored = scored_folds(whole, repeat)
        stacked = repeat_stack(models, repeat)[:, scored.rows]
        truth, weights = y[scored.rows], weights_at(sample_weight, scored.rows)
        metric_of_rows = metric_at(metric, scored.rows)
        combined = nested_predictions(
            blend, stacked, truth, scored.folds, metric_of_rows, classes, sources=scored.sources, sample_weight=weights
        )
        values = _as_target(combined, y, classes)
        scorer = row_scorer(truth, metric_of_rows, classes, weights)
        scores += [scorer(rows)(values[rows]) for rows in scored.folds]
    return np.array(scores)

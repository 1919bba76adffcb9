"""Blending of several models' predictions by weights, ranks or meta models, learned from out-of-fold predictions.

Predictions have the axes (model, row, class), or (model, row, 1) for numbers. Weights are not negative and sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.model_selection.blend_weights import (
    by_rank,
    class_weights,
    greedy_weights,
    optimal_weights,
    summing_to_one,
    weighted,
)
from tabular_dl.model_selection.meta_models import RawColumns
from tabular_dl.model_selection.row_weights import weights_at
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.model_selection.stacking import Stack, by_older_stack, check_stack, sources_of
from tabular_dl.problems import Metric, metric_at, resampled_rows

if TYPE_CHECKING:
    from tabular_dl.problems import Classes

__all__ = ["METHODS", "Blend", "nested_predictions"]

METHODS = ("mean", "weighted", "per_class", "rank", "greedy", "stack")


class Blend(BaseEstimator):
    """Combination of several models' predictions.

    Parameters
    ----------
    method : {"mean", "weighted", "per_class", "rank", "greedy", "stack"}, default="mean"
        Mean of the predictions; weights with the smallest loss; such weights for each class or label by itself; mean of
        the ranks among the out-of-fold predictions; greedy selection by the metric; or meta models.
    seed : int, default=0
        Seed of the bootstraps of greedy selection, and of meta models.
    meta, levels, settings
        As for `tabular_dl.model_selection.stacking.Stack`, for "stack".
    passthrough : bool, default=False
        Whether meta models read raw columns beside the predictions.

    Attributes
    ----------
    weights_ : ndarray of shape (models,) or None
        Weight of each model: not negative, with sum 1. For "per_class", the mean over the classes; for "stack", each
        model's share of the absolute coefficients. With two levels, meta models have weights as well; meta models that
        are not linear have none (None).
    level_weights_ : dict of str to float
        Weight of each meta model of the first of two levels.
    stack_ : Stack or None
        Meta models of "stack".
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    # Class attributes, because blends stored by older versions lack them.
    meta: str | None = None
    levels: int = 1
    passthrough: bool = False
    settings: Mapping[str, Any] | None = None
    stack_: Stack | None = None

    def __init__(
        self,
        method: str = "mean",
        seed: int = 0,
        *,
        meta: str | None = None,
        levels: int = 1,
        passthrough: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method
        self.seed = seed
        self.meta = meta
        self.levels = levels
        self.passthrough = passthrough
        self.settings = settings

    def check_parameters(self) -> None:
        """Raise an error for an unknown method or meta model, or settings that the method does not have.

        Raises
        ------
        SpecError
            The message names the options of `tabular-dl ensemble`.
        """
        if self.method not in METHODS:
            raise SpecError(f"--method: there is no {self.method!r}. {did_you_mean(self.method, METHODS)}")
        check_stack(self.meta, self.levels)
        given = {
            f"--meta {self.meta}": self.meta is not None,
            f"--levels {self.levels}": self.levels != 1,
            "--passthrough": self.passthrough,
        }
        for option in (option for option, is_given in given.items() if is_given and self.method != "stack"):
            raise SpecError(
                f"{option}: --method {self.method} trains no meta models: write --method stack {option}, or leave it "
                "out."
            )

    def fit(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        metric: Metric,
        classes: Classes | None,
        folds: Sequence[np.ndarray] = (),
        raw: RawColumns | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> Self:
        """Learn the combination from out-of-fold predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Probabilities or numbers.
        y : ndarray of shape (rows,) or (rows, labels)
            Target.
        metric : Metric
            Metric of "greedy"; if it scores queries, those of these rows.
        classes : ndarray of shape (classes,) or None
            Label of each column; None for numbers.
        folds : sequence of ndarray, optional
            Rows of each fold, for a stack of two levels.
        raw : RawColumns, optional
            Raw columns for meta models.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each row.

        Returns
        -------
        self

        Raises
        ------
        SpecError
            If the method or a setting is invalid, or does not support a multilabel target.
        """
        self._start(predictions, y, classes)
        if self.method == "stack":
            folds = folds if self.levels == 2 else ()
            self._stack(predictions, y, classes, folds, raw, sample_weight=sample_weight)
        else:
            self._weigh(predictions, y, metric, classes, sample_weight)
        return self

    def fit_predict(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        folds: Sequence[np.ndarray],
        metric: Metric,
        classes: Classes | None,
        raw: RawColumns | None = None,
        sources: Sequence[np.ndarray] | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> np.ndarray:
        """Fit the blend, and return each fold's predictions, combined by a blend of the other folds.

        Parameters
        ----------
        predictions, y, metric, classes, raw, sample_weight
            Arguments of `fit`.
        folds : sequence of ndarray
            Rows of each fold, which together are all rows.
        sources : sequence of ndarray, optional
            Rows that the blend of each fold is learned from, by default those of the other folds. A fold without any,
            such as the first by time, is predicted by the mean of the models.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Combined predictions, whose score is unbiased.
        """
        if self.method == "stack":
            self._start(predictions, y, classes)
            return self._stack(predictions, y, classes, folds, raw, sources, sample_weight)
        combined = np.zeros(predictions.shape[1:])
        for rows, others in zip(folds, sources_of(folds, len(y), sources), strict=True):
            if len(others):
                weights = weights_at(sample_weight, others)
                arguments = predictions[:, others], y[others], metric_at(metric, others)
                fitted = clone(self).fit(*arguments, classes, sample_weight=weights)
                combined[rows] = fitted.combine(predictions[:, rows])
            else:
                combined[rows] = predictions[:, rows].mean(axis=0)
        self.fit(predictions, y, metric, classes, sample_weight=sample_weight)
        return combined

    def combine(self, predictions: np.ndarray, X: Any = None) -> np.ndarray:
        """Return combined predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Predictions of the models, in the order of `fit`.
        X : DataFrame of shape (rows, columns), optional
            Raw rows, for meta models that read them.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Probabilities or numbers.
        """
        check_is_fitted(self, "weights_")
        if self.stack_ is not None:
            return self.stack_.combine(predictions, X)
        if self.method == "stack":
            return by_older_stack(self, predictions)
        if self.method == "rank":
            return self._by_rank(predictions)
        if self.method == "per_class" and hasattr(self, "class_weights_"):
            return self._by_class(predictions)
        return weighted(predictions, cast("np.ndarray", self.weights_))

    def _start(self, predictions: np.ndarray, y: np.ndarray, classes: Classes | None) -> None:
        self.check_parameters()
        if y.ndim == 2 and self.method == "stack":
            raise SpecError(
                f"--method stack predicts one target, but there are {y.shape[1]} at once: use per_class, greedy or "
                "another method."
            )
        self.classification_ = classes is not None
        self.sums_to_one_ = classes is not None and (y.ndim == 1 or isinstance(classes, list))
        self.widths_ = [len(labels) for labels in classes] if isinstance(classes, list) else None
        self.weights_: np.ndarray | None = np.full(len(predictions), 1 / len(predictions))
        self.level_weights_: dict[str, float] = {}
        self.stack_ = None

    def _weigh(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        metric: Metric,
        classes: Classes | None,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Learn weights or ranks."""
        if self.method == "greedy":
            sign = 1.0 if metric.greater_is_better else -1.0
            scorer, numbers = row_scorer(y, metric, classes, sample_weight), classes is None and y.ndim == 1

            def greater(rows: np.ndarray) -> Callable[[np.ndarray], float]:
                score = scorer(rows)
                return lambda predicted: sign * score(predicted[:, 0] if numbers else predicted)

            draw = partial(resampled_rows, metric, len(y))
            classification = classes is not None
            self.weights_ = greedy_weights(predictions, y, greater, self.seed, classification=classification, draw=draw)
        elif self.method == "rank":
            self.sorted_ = np.sort(predictions, axis=1)
        elif self.method == "per_class" and (classes is not None or y.ndim == 2):
            self.class_weights_ = class_weights(predictions, y, classes, sample_weight)
            self.weights_ = self.class_weights_.mean(axis=1)
        elif self.method in ("weighted", "per_class"):
            self.weights_ = optimal_weights(predictions, y, classes, sample_weight)

    def _stack(
        self,
        predictions: np.ndarray,
        y: np.ndarray,
        classes: Classes | None,
        folds: Sequence[np.ndarray],
        raw: RawColumns | None,
        sources: Sequence[np.ndarray] | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> np.ndarray:
        """Train meta models, and return nested predictions."""
        stack = Stack(self.meta, self.levels, self.settings, self.seed)
        labels = cast("np.ndarray | None", classes)  # of one target
        nested = stack.fit_predict(predictions, y, folds, labels, raw, sources, sample_weight)
        self.stack_, weights = stack, stack.weights_
        self.weights_ = None if weights is None else weights[: len(predictions)]
        if weights is not None and stack.first_:
            added = weights[len(predictions) :]
            self.level_weights_ = {meta.name: float(weight) for meta, weight in zip(stack.first_, added, strict=True)}
        return nested

    def _by_class(self, predictions: np.ndarray) -> np.ndarray:
        values = np.einsum("mc,mrc->rc", self.class_weights_, predictions)
        return summing_to_one(values, predictions, getattr(self, "widths_", None)) if self.sums_to_one_ else values

    def _by_rank(self, predictions: np.ndarray) -> np.ndarray:
        values = by_rank(self.sorted_, predictions)
        # Blends stored by older versions lack sums_to_one_: they were of single labels.
        sums_to_one = getattr(self, "sums_to_one_", self.classification_)
        return summing_to_one(values, predictions, getattr(self, "widths_", None)) if sums_to_one else values


def nested_predictions(
    blend: Blend,
    predictions: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    metric: Metric,
    classes: Classes | None,
    raw: RawColumns | None = None,
    sources: Sequence[np.ndarray] | None = None,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return each fold's predictions, combined by a blend that is fitted on the other folds, for unbiased scores.

    Parameters
    ----------
    blend : Blend
        Unfitted blend, which is not changed.
    predictions, y, folds, metric, classes, raw, sources, sample_weight
        Arguments of `Blend.fit_predict`.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows, 1)
        Combined predictions.
    """
    return clone(blend).fit_predict(predictions, y, folds, metric, classes, raw, sources, sample_weight)

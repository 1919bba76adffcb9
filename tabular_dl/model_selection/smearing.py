"""Correction of the mean of a model that has learned a logarithm: smearing (Duan, 1983, JASA 78, p. 605).

The exponential of a predicted logarithm is about the median of the target, which is below its mean, so that squared
errors are too large. The correction multiplies it by the mean of the exponential of the residuals::

    1 + corrected = s (1 + predicted),    s = mean((1 + y) / (1 + predicted))

The factor comes from out-of-fold predictions: each fold is corrected by the other folds, of repeated folds by those of
its repeat, and only if that is better for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from tabular_dl.model_selection.predicted_rows import is_by_time, repeats_of
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.problems import Metric

__all__ = ["Smeared", "may_be_smeared", "smeared"]

SMALLEST = 1e-9  # of 1 + predicted, which is divided by


def smeared(values: np.ndarray, factor: float | None) -> np.ndarray:
    """Return predictions of a model of log(1 + y) with their mean corrected by a factor, if there is one.

    Examples
    --------
    >>> smeared(np.array([0.0, 9.0]), 1.5).tolist()
    [0.5, 14.0]
    """
    return values if factor is None or factor == 1 else (1.0 + values) * factor - 1.0


def may_be_smeared(model: Any, metric: Metric) -> bool:
    """Return whether a cross-fit has learned logarithms, while the metric is one of means."""
    last = getattr(model, "pipelines_", [[None]])[0][-1]  # blends and imported predictions have no pipelines
    return metric.of_means and getattr(last, "target_transform", None) == "log1p"


class Smeared:
    """Mixin of cross-fits of numbers that may have learned a logarithm.

    Attributes
    ----------
    smearing_ : float or None
        Factor of `predict`; None if nothing was chosen, 1 if predictions are better as they are.
    fold_smearing_ : ndarray of shape (folds,) or None
        Factor of each fold, chosen without its rows.
    smearing_scores_ : ndarray of shape (2,) or None
        Mean score of the folds without and with the correction, each fold corrected by the other folds.
    """

    # Class attributes, because models stored by older versions lack them.
    smearing_: float | None = None
    fold_smearing_: np.ndarray | None = None
    smearing_scores_: np.ndarray | None = None
    oof_predictions_: np.ndarray
    repeat_predictions_: np.ndarray | None
    test_rows_: list[np.ndarray]
    pipelines_: list[Any]

    def choose_smearing(self, y: np.ndarray, metric: Metric) -> Self:
        """Correct the mean of predictions, if a logarithm was learned and the metric is one of means.

        Out-of-fold predictions are corrected as well. Those of several targets are left as they are.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            Target of the rows that the model was fitted on.
        metric : Metric
            Metric of the scores.

        Returns
        -------
        self
        """
        if not may_be_smeared(self, metric) or y.ndim == 2:
            return self
        repeats, weights, by_time = repeats_of(self), weights_of_model(self), is_by_time(self)
        repeated = self.oof_predictions_[np.newaxis] if self.repeat_predictions_ is None else self.repeat_predictions_
        corrected, count = repeated.copy(), len(self.test_rows_) // repeats
        factors, scores, ratios = [], [], []
        for repeat in range(repeats):
            choice, folds = _Choice(y, repeated[repeat], weights, metric), self.test_rows_[repeat * count :][:count]
            scores.append(choice.scores(folds))
            ratios.append(choice.mean_ratio(np.concatenate(folds)))
            for number, rows in enumerate(folds):
                others = folds[:number] if by_time else _without(folds, number)
                factors.append(choice.factor(others) if others else 1.0)
                corrected[repeat, rows] = smeared(repeated[repeat, rows], factors[-1])
        self.smearing_scores_ = np.mean(scores, axis=0)
        better = metric.better(self.smearing_scores_[1], self.smearing_scores_[0])
        self.smearing_ = float(np.mean(ratios)) if better else 1.0
        self.fold_smearing_ = np.array(factors)
        self.oof_predictions_ = corrected[0] if repeats == 1 else corrected.mean(axis=0)
        self.repeat_predictions_ = None if self.repeat_predictions_ is None else corrected
        return self


class _Choice:
    """Factors of some folds, and the scores of their rows with and without."""

    def __init__(self, y: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None, metric: Metric) -> None:
        self.y, self.predictions, self.weights, self.metric = y, predictions, weights, metric

    def factor(self, folds: Sequence[np.ndarray]) -> float:
        """Return the factor of the rows of some folds; 1 if it does not improve their score."""
        without, corrected = self.scores(folds)
        return self.mean_ratio(np.concatenate(folds)) if self.metric.better(corrected, without) else 1.0

    def scores(self, folds: Sequence[np.ndarray]) -> tuple[float, float]:
        """Return the mean score of folds without and with a correction by the others; a single fold corrects itself."""
        scores = []
        for number, rows in enumerate(folds):
            factor = self.mean_ratio(np.concatenate(_without(folds, number) or folds))
            scores.append([self._score(rows, None), self._score(rows, factor)])
        without, corrected = np.mean(scores, axis=0)
        return float(without), float(corrected)

    def mean_ratio(self, rows: np.ndarray) -> float:
        """Return the mean ratio of truth and prediction in some rows."""
        ratios = (1.0 + self.y[rows]) / np.maximum(1.0 + self.predictions[rows], SMALLEST)
        return float(np.average(ratios, weights=weights_at(self.weights, rows)))

    def _score(self, rows: np.ndarray, factor: float | None) -> float:
        weights = weights_at(self.weights, rows)
        return self.metric(self.y[rows], smeared(self.predictions[rows], factor), None, weights)


def _without(folds: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
    return [rows for other, rows in enumerate(folds) if other != number]

"""Threshold of the probability above which the second of two labels is predicted.

The score of rows on which a threshold was chosen is biased. It is therefore chosen on out-of-fold predictions, and each
fold is scored with the threshold of the other folds.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.predicted_rows import scored_folds
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.problems import Metric, best_threshold, decide, predicted_labels

__all__ = ["Thresholded", "forget_threshold"]

UNLEARNED = 0.5  # threshold of rows before which none are predicted
# Attributes of models that are chosen on out-of-fold predictions.
CHOSEN = (
    *("threshold_", "oof_thresholds_", "labels_", "cut_points_", "oof_cut_points_"),
    *("smearing_", "fold_smearing_", "smearing_scores_"),
)


def forget_threshold(model: object) -> None:
    """Remove what was chosen on out-of-fold predictions from a model that is fitted again."""
    for name in CHOSEN:
        vars(model).pop(name, None)


class Thresholded:
    """Mixin that predicts labels by a threshold, for classifiers with out-of-fold predictions.

    Attributes
    ----------
    threshold_ : float or None
        Threshold of `predict`; None predicts the class with the greatest probability.
    oof_thresholds_ : ndarray of shape (rows,) or None
        Threshold for each training row, chosen on other folds than the row's, by time on earlier ones; 0.5 where there
        are none.
    """

    # Class attributes, because models stored by older versions lack them.
    threshold_: float | None = None
    oof_thresholds_: np.ndarray | None = None
    # Whether the problem is multilabel, so that the columns of probabilities are labels rather than classes. It is a
    # property of subclasses.
    indicators_: Any = False
    oof_predictions_: np.ndarray
    test_rows_: list[np.ndarray]
    predict_proba: Callable[[pd.DataFrame], np.ndarray]
    classes_: Any  # a property of subclasses

    def choose_threshold(self, threshold: float | str | None, y: np.ndarray, metric: Metric) -> Self:
        """Set the threshold of `predict`.

        Parameters
        ----------
        threshold : float, "auto" or None
            Threshold; "auto" chooses the one with the best score on the out-of-fold predictions.
        y : ndarray of shape (rows,)
            Target of the rows that the model was fitted on.
        metric : Metric
            Metric that scores labels, for "auto".

        Returns
        -------
        self

        Raises
        ------
        SpecError
            If there are not exactly two classes, or the threshold is not a probability.
        """
        several = self.indicators_ or isinstance(self.classes_, list)
        if threshold is not None and (several or len(self.classes_) != 2):
            labels = "several labels at once" if several else f"{len(self.classes_)} classes"
            raise SpecError(f"threshold: {threshold} decides between two classes, found {labels}: write None.")
        if threshold not in (None, "auto") and not (isinstance(threshold, Real) and 0 <= threshold <= 1):
            raise SpecError(f'threshold: expected a number from 0 to 1, "auto" or None, found {threshold!r}.')
        if threshold is None:
            self.threshold_, self.oof_thresholds_ = None, None
        elif threshold == "auto":
            scored = scored_folds(self)
            self.oof_thresholds_ = np.full(len(y), UNLEARNED)
            for fold, source in zip(scored.folds, scored.sources, strict=True):
                if len(source):
                    self.oof_thresholds_[scored.rows[fold]] = self._best(scored.rows[source], y, metric)
            self.threshold_ = self._best(scored.rows, y, metric)
        else:
            self.threshold_, self.oof_thresholds_ = float(threshold), np.full(len(y), float(threshold))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the labels of raw rows, (rows,), or those of several targets, (rows, targets)."""
        if self.indicators_:
            return (self.predict_proba(X) > 0.5).astype(int)
        if isinstance(self.classes_, list):
            return predicted_labels(self.predict_proba(X), self.classes_)
        return self.classes_[decide(self.predict_proba(X), self.threshold_).argmax(axis=1)]

    def _best(self, rows: np.ndarray, y: np.ndarray, metric: Metric) -> float:
        weights = weights_at(weights_of_model(self), rows)
        return best_threshold(y[rows], self.oof_predictions_[rows], self.classes_, metric, weights)

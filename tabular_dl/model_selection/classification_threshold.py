"""The probability above which a row gets the second of two labels: one half, or what suits the metric.

A threshold that is chosen on rows flatters them. So it is chosen on out-of-fold predictions, and the score that is
reported takes each fold by the threshold of the other folds.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
import pandas as pd

from tabular_dl.errors import SpecError
from tabular_dl.problems import Metric, best_threshold, decide

__all__ = ["Thresholded", "forget_threshold"]


def forget_threshold(model: object) -> None:
    """Take a threshold from a model that is fitted anew: it was chosen on the predictions of before."""
    for name in ("threshold_", "oof_thresholds_"):
        vars(model).pop(name, None)


class Thresholded:
    """What classifiers with out-of-fold predictions share: labels by a threshold.

    Attributes
    ----------
    threshold_ : float or None
        What `predict` decides by; None is the greatest probability.
    oof_thresholds_ : ndarray of shape (rows,) or None
        The same for each training row, chosen without the fold that the row is in.
    """

    # In the class, so that models from before there were thresholds have none.
    threshold_: float | None = None
    oof_thresholds_: np.ndarray | None = None
    # Whether the columns of probabilities are labels, each yes or no, and not classes.
    indicators_: Any = False
    oof_predictions_: np.ndarray
    test_rows_: list[np.ndarray]
    predict_proba: Any
    classes_: Any

    def choose_threshold(self, threshold: float | str | None, y: np.ndarray, metric: Metric) -> Self:
        """Decide by a threshold from now on.

        Parameters
        ----------
        threshold : float, "auto" or None
            "auto" takes the best one on the out-of-fold predictions.
        y : ndarray of shape (rows,)
            The target of the rows that the model was fitted on.
        metric : Metric
            What "auto" chooses by: one that looks at labels.

        Returns
        -------
        self

        Raises
        ------
        SpecError
            If there are no two classes to decide between, or the threshold is no probability.
        """
        if threshold is not None and (self.indicators_ or len(self.classes_) != 2):
            found = "several labels at once" if self.indicators_ else f"{len(self.classes_)} classes"
            raise SpecError(f"threshold: {threshold} decides between two classes, found {found}: write None.")
        if threshold not in (None, "auto") and not (isinstance(threshold, Real) and 0 <= threshold <= 1):
            raise SpecError(f'threshold: expected a number from 0 to 1, "auto" or None, found {threshold!r}.')
        rows = np.arange(len(y))
        if threshold is None:
            self.threshold_, self.oof_thresholds_ = None, None
        elif threshold == "auto":
            self.oof_thresholds_ = np.empty(len(y))
            for fold in self.test_rows_:
                self.oof_thresholds_[fold] = self._best(np.setdiff1d(rows, fold), y, metric)
            self.threshold_ = self._best(rows, y, metric)
        else:
            self.threshold_, self.oof_thresholds_ = float(threshold), np.full(len(y), float(threshold))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return each raw row's label; of several labels at once 1 for each whose probability is above one half."""
        if self.indicators_:
            return (self.predict_proba(X) > 0.5).astype(int)
        return self.classes_[decide(self.predict_proba(X), self.threshold_).argmax(axis=1)]

    def _best(self, rows: np.ndarray, y: np.ndarray, metric: Metric) -> float:
        return best_threshold(y[rows], self.oof_predictions_[rows], self.classes_, metric)

"""Numbers that are predicted as ordered labels: cut points of a regression, chosen on out-of-fold predictions.

As with the threshold of two classes, each fold is scored with the cut points of the other folds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import pandas as pd

from tabular_dl.model_selection.predicted_rows import scored_folds
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.problems import Metric, apply_cut_points, best_cut_points

__all__ = ["RoundedNumbers"]


class RoundedNumbers:
    """Mixin of regressors with out-of-fold predictions, which predict labels if there are cut points.

    Attributes
    ----------
    labels_ : ndarray of shape (labels,) or None
        Ascending labels; None if numbers are predicted.
    cut_points_ : ndarray of shape (labels - 1,) or None
        Cut points of `predict`.
    oof_cut_points_ : ndarray of shape (rows, labels - 1) or None
        Cut points for each training row, chosen on other folds than the row's, by time on earlier ones.
    """

    # Class attributes, because models stored by older versions lack them.
    labels_: np.ndarray | None = None
    cut_points_: np.ndarray | None = None
    oof_cut_points_: np.ndarray | None = None
    oof_predictions_: np.ndarray
    test_rows_: list[np.ndarray]
    predict_values: Callable[[pd.DataFrame], np.ndarray]

    def choose_cut_points(self, y: np.ndarray, metric: Metric) -> Self:
        """Choose the cut points with the best score on the out-of-fold predictions, if the metric scores labels.

        Parameters
        ----------
        y : ndarray of shape (rows,)
            Target of the rows that the model was fitted on.
        metric : Metric
            Metric; with one of values, numbers are predicted.

        Returns
        -------
        self
        """
        self.labels_ = self.cut_points_ = self.oof_cut_points_ = None
        if metric.looks_at != "labels":
            return self
        scored, weights, labels = scored_folds(self), weights_of_model(self), np.unique(y)

        def best(rows: np.ndarray) -> np.ndarray:
            sample_weight = weights_at(weights, rows)
            return best_cut_points(y[rows], self.oof_predictions_[rows], labels, metric, sample_weight)

        # Rows before which none are predicted have the points between the labels.
        of_rows = np.tile((labels[1:] + labels[:-1]) / 2.0, (len(y), 1))
        for fold, source in zip(scored.folds, scored.sources, strict=True):
            if len(source):
                of_rows[scored.rows[fold]] = best(scored.rows[source])
        self.labels_, self.cut_points_, self.oof_cut_points_ = labels, best(scored.rows), of_rows
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the values of raw rows, or their labels if there are cut points, (rows,)."""
        values = self.predict_values(X)
        if self.cut_points_ is None or self.labels_ is None:
            return values
        return apply_cut_points(values, self.cut_points_, self.labels_)

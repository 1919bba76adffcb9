"""Scores of the folds of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular_dl.model_selection.decisions import decided
from tabular_dl.model_selection.predicted_rows import own_predictions
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.problems import Metric, metric_at, target_scores

__all__ = ["fold_scores", "target_fold_scores"]


def fold_scores(crossfit: Any, y: np.ndarray, metric: Metric) -> np.ndarray:
    """Return the score of each fold, decided by what was chosen on the rows that it may learn from, (folds,)."""
    classes, weights, scores = getattr(crossfit, "classes_", None), weights_of_model(crossfit), []
    for fold, rows in enumerate(crossfit.test_rows_):
        predictions = decided(crossfit, metric, own_predictions(crossfit, fold), rows)
        scores.append(metric_at(metric, rows)(y[rows], predictions, classes, weights_at(weights, rows)))
    return np.array(scores)


def target_fold_scores(model: Any, y: np.ndarray, metric: Metric) -> np.ndarray:
    """Return the score of each of several targets on the test rows of each fold, (folds, targets)."""
    classes, weights = getattr(model, "classes_", None), weights_of_model(model)
    scores = []
    for fold, rows in enumerate(model.test_rows_):
        of_rows, predictions = metric_at(metric, rows), own_predictions(model, fold)
        scores.append(target_scores(of_rows, y[rows], predictions, classes, weights_at(weights, rows)))
    return np.array(scores)

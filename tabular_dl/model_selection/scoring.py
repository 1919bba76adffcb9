"""Scores of some rows of a table, and of the folds of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.model_selection.decisions import decided
from tabular_dl.model_selection.predicted_rows import own_predictions
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.problems import Metric, metric_at, target_scores

if TYPE_CHECKING:
    from tabular_dl.problems import Classes

__all__ = ["Scorer", "fold_scores", "row_scorer", "target_fold_scores"]

# Function of the numbers of some rows that returns the function that scores predictions of these rows.
Scorer = Callable[[np.ndarray], Callable[[np.ndarray], float]]


def row_scorer(y: np.ndarray, metric: Metric, classes: Classes | None, sample_weight: np.ndarray | None) -> Scorer:
    """Return a function that scores predictions of some rows by what belongs to them: truth, weights and queries.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        Target of all rows.
    metric : Metric
        Metric of all rows.
    classes : ndarray, list of ndarray or None
        Labels; None for numbers.
    sample_weight : ndarray of shape (rows,) or None
        Weights of all rows.

    Returns
    -------
    callable
        Function of the numbers of rows, which returns a function of their predictions.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> scorer = row_scorer(np.array([1.0, 2.0, 9.0]), get_metric("mae"), None, np.array([1.0, 3.0, 1.0]))
    >>> scorer(np.array([0, 1]))(np.array([1.0, 4.0]))
    1.5
    """

    def of_rows(rows: np.ndarray) -> Callable[[np.ndarray], float]:
        truth, weights, own_metric = y[rows], weights_at(sample_weight, rows), metric_at(metric, rows)
        return lambda predictions: own_metric(truth, predictions, classes, weights)

    return of_rows


def fold_scores(crossfit: Any, y: np.ndarray, metric: Metric) -> np.ndarray:
    """Return the score of each fold, decided by what was chosen on the rows that it may learn from, (folds,)."""
    scorer = row_scorer(y, metric, getattr(crossfit, "classes_", None), weights_of_model(crossfit))
    tested = enumerate(crossfit.test_rows_)
    return np.array(
        [scorer(rows)(decided(crossfit, metric, own_predictions(crossfit, fold), rows)) for fold, rows in tested]
    )


def target_fold_scores(model: Any, y: np.ndarray, metric: Metric) -> np.ndarray:
    """Return the score of each of several targets on the test rows of each fold, (folds, targets)."""
    classes, weights = getattr(model, "classes_", None), weights_of_model(model)
    scores = []
    for fold, rows in enumerate(model.test_rows_):
        of_rows, predictions = metric_at(metric, rows), own_predictions(model, fold)
        scores.append(target_scores(of_rows, y[rows], predictions, classes, weights_at(weights, rows)))
    return np.array(scores)

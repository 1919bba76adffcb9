"""Decisions from probabilities: the label of each row, and the best threshold for a metric."""

from __future__ import annotations

import numpy as np

from tabular_dl.problems.metrics import Metric

__all__ = ["best_threshold", "decide"]


# Number of thresholds to try at most; each costs one call of the metric.
MOST_TRIED = 100


def decide(p: np.ndarray, threshold: float | np.ndarray | None) -> np.ndarray:
    """Return each row's predicted class as indicators: 1 in the column of the class, 0 elsewhere.

    With a threshold, the second of two classes is predicted where its probability exceeds the threshold. Without one,
    the class with the greatest probability is predicted; for two classes this equals a threshold of 0.5.

    Parameters
    ----------
    p : ndarray of shape (rows, classes)
        Probabilities.
    threshold : float, ndarray of shape (rows,) or None
        Threshold for the second class, for two classes only.

    Returns
    -------
    ndarray of shape (rows, classes)
        Indicators.

    Examples
    --------
    >>> decide(np.array([[0.7, 0.3], [0.4, 0.6]]), 0.2).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    >>> decide(np.array([[0.7, 0.3], [0.4, 0.6]]), None).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    column = p.argmax(axis=1) if threshold is None else (p[:, 1] > threshold).astype(int)
    return np.eye(p.shape[1])[column]


def best_threshold(
    y: np.ndarray, p: np.ndarray, classes: np.ndarray, metric: Metric, sample_weight: np.ndarray | None = None
) -> float:
    """Return the threshold with the best score; of equally good ones, the nearest to 0.5.

    It is chosen as in scikit-learn's `TunedThresholdClassifierCV` for the rows of one split. Candidates are 0.5 and the
    midpoints between neighbouring probabilities, of which at most 100 are tried.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        True labels.
    p : ndarray of shape (rows, 2)
        Probabilities of rows that the model was not trained on.
    classes : ndarray of shape (2,)
        Labels of the columns of `p`.
    metric : Metric
        Metric that scores labels.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    float
        The threshold.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> p = np.array([0.1, 0.2, 0.3, 0.4])
    >>> round(best_threshold(np.array([0, 0, 1, 1]), np.stack([1 - p, p], 1), np.arange(2), get_metric("f1")), 4)
    0.25
    """
    values = np.unique(p[:, 1])
    midpoints = (values[1:] + values[:-1]) / 2
    if len(midpoints) > MOST_TRIED:
        midpoints = midpoints[np.linspace(0, len(midpoints) - 1, MOST_TRIED).astype(int)]
    thresholds = np.append(midpoints, 0.5)
    thresholds = thresholds[np.argsort(np.abs(thresholds - 0.5), kind="stable")]
    best, best_score = 0.5, None
    for threshold in thresholds:
        score = metric(y, decide(p, threshold), classes, sample_weight)
        if best_score is None or metric.better(score, best_score):
            best, best_score = float(threshold), score
    return best

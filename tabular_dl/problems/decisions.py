"""Decisions from probabilities: the label of a row, and the threshold that suits a metric."""

from __future__ import annotations

import numpy as np

from tabular_dl.problems.metrics import Metric

__all__ = ["best_threshold", "decide"]


# More thresholds than this are not tried; each costs one call of the metric.
MOST_TRIED = 100


def decide(p: np.ndarray, threshold: float | np.ndarray | None) -> np.ndarray:
    """Return each row's class as indicators: 1 in the column of the class, 0 elsewhere.

    The second of two classes is taken where its probability is above the threshold; without a threshold, the class of
    the greatest probability. So 0.5 is the same as none.

    Parameters
    ----------
    p : ndarray of shape (rows, classes)
        Probabilities.
    threshold : float, ndarray of shape (rows,) or None
        For two classes only.

    Returns
    -------
    ndarray of shape (rows, classes)

    Examples
    --------
    >>> decide(np.array([[0.7, 0.3], [0.4, 0.6]]), 0.2).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    >>> decide(np.array([[0.7, 0.3], [0.4, 0.6]]), None).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    column = p.argmax(axis=1) if threshold is None else (p[:, 1] > threshold).astype(int)
    return np.eye(p.shape[1])[column]


def best_threshold(y: np.ndarray, p: np.ndarray, classes: np.ndarray, metric: Metric) -> float:
    """Return the threshold with the best score; of equal ones, that nearest to one half.

    What scikit-learn's `TunedThresholdClassifierCV` does with the rows of one split.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        The true labels.
    p : ndarray of shape (rows, 2)
        Probabilities, of rows that the model has not seen.
    classes : ndarray of shape (2,)
        The labels.
    metric : Metric
        One that looks at labels.

    Returns
    -------
    float
        One half, or half way between two neighbouring probabilities.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> p = np.array([0.1, 0.2, 0.3, 0.4])
    >>> round(best_threshold(np.array([0, 0, 1, 1]), np.stack([1 - p, p], 1), np.arange(2), get_metric("f1")), 4)
    0.25
    """
    values = np.unique(p[:, 1])
    between = (values[1:] + values[:-1]) / 2
    if len(between) > MOST_TRIED:
        between = between[np.linspace(0, len(between) - 1, MOST_TRIED).astype(int)]
    tried = np.append(between, 0.5)
    tried = tried[np.argsort(np.abs(tried - 0.5), kind="stable")]
    best, at = 0.5, None
    for threshold in tried:
        score = metric(y, decide(p, threshold), classes)
        if at is None or metric.better(score, at):
            best, at = float(threshold), score
    return best

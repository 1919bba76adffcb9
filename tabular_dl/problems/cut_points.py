"""Cut points: numbers that a regression predicts, cut into ordered labels for a metric such as kappa.

Rounding at the halves is seldom best: predictions lie closer together than the labels, so that the outer labels would
hardly be predicted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tabular_dl.problems.metrics import Metric

__all__ = ["apply_cut_points", "best_cut_points"]

# Number of places to try for a cut point at once, and of rounds over all cut points; each place costs a call of the
# metric.
MOST_TRIED, MOST_ROUNDS = 40, 8


def apply_cut_points(values: np.ndarray, cut_points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the label of each number: the first label up to the first cut point, the second one up to the second.

    Parameters
    ----------
    values : ndarray of shape (rows,)
        Predicted numbers.
    cut_points : ndarray of shape (labels - 1,) or (rows, labels - 1)
        Ascending cut points, for all rows or for each.
    labels : ndarray of shape (labels,)
        Ascending labels.

    Returns
    -------
    ndarray of shape (rows,)
        Labels.

    Examples
    --------
    >>> apply_cut_points(np.array([0.2, 1.4, 2.9]), np.array([0.5, 1.6]), np.array([0, 1, 2])).tolist()
    [0, 1, 2]
    """
    return labels[(values[:, np.newaxis] > cut_points).sum(axis=1)]


def best_cut_points(
    y: np.ndarray,
    values: np.ndarray,
    labels: np.ndarray,
    metric: Metric,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return cut points with a good score on some rows.

    The search begins with the midpoints between the labels, and again with the cut points by which each label is
    predicted as often as it occurs. It moves one cut point at a time, between its neighbours, to the place with the
    best score, until none improves.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        True labels.
    values : ndarray of shape (rows,)
        Predicted numbers of rows that the model was not trained on.
    labels : ndarray of shape (labels,)
        Ascending labels, of which `y` may lack some.
    metric : Metric
        Metric of labels.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (labels - 1,)
        Ascending cut points, whose score is at least that of the midpoints.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> y, values = np.array([1, 1, 2, 3, 3]), np.array([1.6, 1.7, 2.0, 2.2, 2.3])
    >>> best_cut_points(y, values, np.array([1, 2, 3]), get_metric("qwk")).round(2).tolist()
    [1.85, 2.1]
    """

    def score(cut_points: np.ndarray) -> float:
        return metric(y, apply_cut_points(values, cut_points, labels), None, sample_weight)

    best, best_score = _moved(_midpoints(labels), values, metric, score)
    other, other_score = _moved(_as_frequent(y, values, labels), values, metric, score)
    return other if metric.better(other_score, best_score) else best


def _midpoints(labels: np.ndarray) -> np.ndarray:
    return (labels[1:] + labels[:-1]) / 2.0


def _as_frequent(y: np.ndarray, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return cut points by which each label is predicted as often as it occurs."""
    shares = [np.mean(y <= label) for label in labels[:-1]]
    return np.quantile(values, shares).astype(np.float64)


def _moved(
    cut_points: np.ndarray, values: np.ndarray, metric: Metric, score: Callable[[np.ndarray], float]
) -> tuple[np.ndarray, float]:
    """Return cut points that were moved one at a time until none improved, with their score."""
    best, best_score = cut_points, score(cut_points)
    for _ in range(MOST_ROUNDS):
        before = best_score
        for number in range(len(cut_points)):
            for place in _places(values, best, number):
                tried = best.copy()
                tried[number] = place
                reached = score(tried)
                if metric.better(reached, best_score):
                    best, best_score = tried, reached
        if best_score == before:
            break
    return best, best_score


def _places(values: np.ndarray, cut_points: np.ndarray, number: int) -> np.ndarray:
    """Return midpoints between predictions that lie between the neighbours of a cut point."""
    low = cut_points[number - 1] if number else -np.inf
    high = cut_points[number + 1] if number + 1 < len(cut_points) else np.inf
    inside = np.unique(values[(values >= low) & (values <= high)])
    midpoints = (inside[1:] + inside[:-1]) / 2
    if len(midpoints) > MOST_TRIED:
        midpoints = midpoints[np.linspace(0, len(midpoints) - 1, MOST_TRIED).astype(int)]
    return midpoints

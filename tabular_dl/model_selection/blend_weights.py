"""Weights of several models' predictions, learned from out-of-fold predictions.

Predictions have the axes (model, row, class), or (model, row, 1) for numbers. Weights are not negative and sum to one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from tabular_dl.model_selection.row_weights import weights_at

__all__ = ["Score", "class_weights", "greedy_weights", "optimal_weights", "weighted"]

STEPS = 50  # models added by a greedy selection
BAGS = 10  # bootstraps of the rows whose selections are averaged
SMALLEST = 1e-6  # distance from 0 to which probabilities are clipped before a logarithm

Score = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def greedy_weights(
    predictions: np.ndarray,
    y: np.ndarray,
    score: Score,
    seed: int = 0,
    bags: int = BAGS,
    *,
    classification: bool = False,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return weights from greedy selection with replacement (Caruana et al., 2004, ICML, sec. 2).

    Each step adds the model that improves the score of the mean prediction most. The selections on several bootstraps
    of the rows are averaged (sec. 2.3). If that average scores worse on all rows than the best single model, the
    selection on all rows is used instead.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,)
        Target.
    score : callable
        ``score(y, prediction, sample_weight) -> float``; greater is better.
    seed : int, default=0
        Seed of the bootstraps.
    bags : int, default=10
        Number of bootstraps.
    classification : bool, default=False
        Whether the target consists of labels. If so, bootstraps that lack a label are skipped, because not every metric
        can score them.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (models,)
        Weights whose score on these rows is at least that of the best single model.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> predictions = np.stack([y + 1, y - 1, y + 9])[:, :, None]
    >>> greedy_weights(predictions, y, lambda y, p, w: -np.mean((y - p[:, 0]) ** 2)).round(2).tolist()
    [0.5, 0.5, 0.0]
    """
    rng = np.random.default_rng(seed)
    selections = []
    for _ in range(bags):
        rows = rng.integers(0, len(y), len(y))
        if not classification or _label_counts(y[rows]) == _label_counts(y):
            selections.append(_select(predictions[:, rows], y[rows], score, weights_at(sample_weight, rows)))
    if selections:
        bagged = np.mean(selections, axis=0)
        single = max(score(y, prediction, sample_weight) for prediction in predictions)
        if score(y, weighted(predictions, bagged), sample_weight) >= single:
            return bagged
    return _select(predictions, y, score, sample_weight)


def _label_counts(y: np.ndarray) -> list[int]:
    """Return the number of distinct labels in each column."""
    return [len(np.unique(column)) for column in y.reshape(len(y), -1).T]


def _select(predictions: np.ndarray, y: np.ndarray, score: Score, sample_weight: np.ndarray | None) -> np.ndarray:
    counts = np.zeros(len(predictions))
    total = np.zeros(predictions.shape[1:])
    best, best_counts = -np.inf, counts
    for step in range(1, STEPS + 1):
        scores = [score(y, (total + prediction) / step, sample_weight) for prediction in predictions]
        added = int(np.argmax(scores))
        total = total + predictions[added]
        counts = counts.copy()
        counts[added] += 1
        if scores[added] > best:
            best, best_counts = scores[added], counts
    return best_counts / best_counts.sum()


def optimal_weights(
    predictions: np.ndarray, y: np.ndarray, classes: np.ndarray | None, sample_weight: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights with the smallest log loss of labels, or squared error of numbers, on these rows.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,) or (rows, labels)
        Target.
    classes : ndarray of shape (classes,) or None
        Label of each column; None for numbers.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (models,)
        Weights.
    """
    rows = sample_weight
    if classes is not None:
        if y.ndim == 2:
            true_probabilities = np.where(y == 1, predictions, 1.0 - predictions).reshape(len(predictions), -1)
            rows = None if sample_weight is None else np.repeat(sample_weight, y.shape[1])
        else:
            true_probabilities = predictions[:, np.arange(len(y)), np.searchsorted(classes, y)]

        def loss(weights: np.ndarray) -> float:
            return -float(np.average(np.log(np.maximum(weights @ true_probabilities, SMALLEST)), weights=rows))
    else:
        scale = max(float(np.var(y)), 1e-12)

        def loss(weights: np.ndarray) -> float:
            return float(np.average((weights @ predictions[:, :, 0] - y) ** 2, weights=rows) / scale)

    models = len(predictions)
    start = np.full(models, 1 / models)
    bounds, sums_to_one = [(0.0, 1.0)] * models, {"type": "eq", "fun": lambda weights: weights.sum() - 1.0}
    weights = np.clip(minimize(loss, start, method="SLSQP", bounds=bounds, constraints=[sums_to_one]).x, 0, 1)
    return weights / weights.sum()


def class_weights(
    predictions: np.ndarray, y: np.ndarray, classes: np.ndarray, sample_weight: np.ndarray | None = None
) -> np.ndarray:
    """Return weights of each class or label for itself: those with the smallest log loss of whether a row has it.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold probabilities.
    y : ndarray of shape (rows,) or (rows, labels)
        Target.
    classes : ndarray of shape (classes,)
        Label of each column.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (models, classes)
        Weights; those of each class sum to one.

    Examples
    --------
    >>> right, wrong = np.array([0.9, 0.1, 0.1]), np.array([0.1, 0.6, 0.6])
    >>> y = np.array([[1, 1], [0, 0], [0, 0]])
    >>> class_weights(np.stack([np.stack([right, wrong], 1), np.stack([wrong, right], 1)]), y, np.arange(2)).round(2)
    array([[1., 0.],
           [0., 1.]])
    """
    truth = y if y.ndim == 2 else (y[:, np.newaxis] == classes).astype(int)
    columns = [
        optimal_weights(predictions[:, :, [column]], truth[:, [column]], classes[[column]], sample_weight)
        for column in range(predictions.shape[2])
    ]
    return np.column_stack(columns)


def weighted(predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of several models' predictions, (rows, classes).

    Examples
    --------
    >>> weighted(np.array([[[1.0]], [[3.0]]]), np.array([0.75, 0.25])).tolist()
    [[1.5]]
    """
    return np.tensordot(weights, predictions, axes=1)

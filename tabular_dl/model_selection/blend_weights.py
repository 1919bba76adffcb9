"""Weights of several models' predictions, learned from out-of-fold predictions.

Predictions have the axes (model, row, class), or (model, row, 1) for numbers. Weights are not negative and sum to one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from tabular_dl.model_selection.scoring import Scorer
from tabular_dl.problems import known_values

if TYPE_CHECKING:
    from tabular_dl.problems import Classes

__all__ = ["by_rank", "class_weights", "greedy_weights", "optimal_weights", "summing_to_one", "weighted"]

STEPS = 50  # models added by a greedy selection
BAGS = 10  # bootstraps of the rows whose selections are averaged
SMALLEST = 1e-6  # distance from 0 to which probabilities are clipped before a logarithm


def greedy_weights(
    predictions: np.ndarray,
    y: np.ndarray,
    scorer: Scorer,
    seed: int = 0,
    bags: int = BAGS,
    *,
    classification: bool = False,
    draw: Callable[[np.random.Generator], np.ndarray] | None = None,
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
    scorer : callable
        ``scorer(rows)(predictions of the rows) -> float``; greater is better.
    seed : int, default=0
        Seed of the bootstraps.
    bags : int, default=10
        Number of bootstraps.
    classification : bool, default=False
        Whether the target consists of labels. If so, bootstraps that lack a label are skipped, because not every metric
        can score them.
    draw : callable, optional
        ``draw(generator) -> rows`` of a bootstrap; by default rows are drawn with replacement.

    Returns
    -------
    ndarray of shape (models,)
        Weights whose score on these rows is at least that of the best single model.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> predictions = np.stack([y + 1, y - 1, y + 9])[:, :, None]
    >>> greedy_weights(predictions, y, lambda rows: lambda p: -np.mean((y[rows] - p[:, 0]) ** 2)).round(2).tolist()
    [0.5, 0.5, 0.0]
    """
    rng = np.random.default_rng(seed)
    selections = []
    for _ in range(bags):
        rows = rng.integers(0, len(y), len(y)) if draw is None else draw(rng)
        if not classification or _label_counts(y[rows]) == _label_counts(y):
            selections.append(_select(predictions[:, rows], scorer(rows)))
    score = scorer(np.arange(len(y)))
    if selections:
        bagged = np.mean(selections, axis=0)
        if score(weighted(predictions, bagged)) >= max(map(score, predictions)):
            return bagged
    return _select(predictions, score)


def _label_counts(y: np.ndarray) -> list[int]:
    """Return the number of distinct labels in each column."""
    return [len(np.unique(column)) for column in y.reshape(len(y), -1).T]


def _select(predictions: np.ndarray, score: Callable[[np.ndarray], float]) -> np.ndarray:
    counts = np.zeros(len(predictions))
    total = np.zeros(predictions.shape[1:])
    best, best_counts = -np.inf, counts
    for step in range(1, STEPS + 1):
        scores = [score((total + prediction) / step) for prediction in predictions]
        added = int(np.argmax(scores))
        total = total + predictions[added]
        counts = counts.copy()
        counts[added] += 1
        if scores[added] > best:
            best, best_counts = scores[added], counts
    return best_counts / best_counts.sum()


def optimal_weights(
    predictions: np.ndarray, y: np.ndarray, classes: Classes | None, sample_weight: np.ndarray | None = None
) -> np.ndarray:
    """Return the weights with the smallest log loss of labels, or squared error of numbers, on these rows.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    classes : ndarray of shape (classes,), list of ndarray or None
        Label of each column, or those of each target; None for numbers.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (models,)
        Weights.
    """
    rows = sample_weight
    if classes is not None:
        if rows is not None and y.ndim == 2:
            rows = np.repeat(rows, y.shape[1])
        if y.ndim == 2 and not isinstance(classes, list):
            true_probabilities = np.where(y == 1, predictions, 1.0 - predictions).reshape(len(predictions), -1)
        else:
            true_probabilities = predictions[:, _indicators(y, classes).astype(bool)]

        def loss(weights: np.ndarray) -> float:
            return -float(np.average(np.log(np.maximum(weights @ true_probabilities, SMALLEST)), weights=rows))
    else:
        truth = y.reshape(len(y), -1)
        has_target = known_values(truth)
        if has_target is not None:  # rows that lack a target have no weight in it
            rows = has_target * (np.ones(len(y)) if rows is None else rows)[:, np.newaxis]
            truth = np.where(has_target, truth, 0.0)
        means = np.average(truth, axis=0, weights=rows)
        scales = np.maximum(np.average((truth - means) ** 2, axis=0, weights=rows), 1e-12)

        def loss(weights: np.ndarray) -> float:
            errors = (np.tensordot(weights, predictions, axes=1) - truth) ** 2
            return float(np.mean(np.average(errors, axis=0, weights=rows) / scales))

    models = len(predictions)
    start = np.full(models, 1 / models)
    bounds, sums_to_one = [(0.0, 1.0)] * models, {"type": "eq", "fun": lambda weights: weights.sum() - 1.0}
    weights = np.clip(minimize(loss, start, method="SLSQP", bounds=bounds, constraints=[sums_to_one]).x, 0, 1)
    return weights / weights.sum()


def class_weights(
    predictions: np.ndarray, y: np.ndarray, classes: Classes | None, sample_weight: np.ndarray | None = None
) -> np.ndarray:
    """Return weights of each class or target for itself: those with the smallest log loss of whether a row has it.

    The weights of each of several numbers are those with its smallest squared error.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold probabilities.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    classes : ndarray of shape (classes,), list of ndarray or None
        Label of each column, or those of each target; None for numbers.
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
    truth, label = (y, None) if classes is None else (_indicators(y, classes), np.array([1]))
    columns = [
        optimal_weights(predictions[:, :, [column]], truth[:, [column]], label, sample_weight)
        for column in range(predictions.shape[2])
    ]
    return np.column_stack(columns)


def _indicators(y: np.ndarray, classes: Classes) -> np.ndarray:
    """Return whether each row has each class or label, (rows, columns), 0 or 1."""
    if y.ndim == 1:
        return (y[:, np.newaxis] == classes).astype(int)
    if isinstance(classes, list):
        return np.hstack([_indicators(y[:, number], labels) for number, labels in enumerate(classes)])
    return y


def by_rank(sorted_predictions: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the quantile, among the mean of the sorted out-of-fold predictions, at the mean rank of each row.

    Parameters
    ----------
    sorted_predictions : ndarray of shape (models, training rows, columns)
        Out-of-fold predictions of each model, sorted.
    predictions : ndarray of shape (models, rows, columns)
        Predictions.

    Returns
    -------
    ndarray of shape (rows, columns)
        Blended predictions.

    Examples
    --------
    >>> known = np.array([[[1.0], [2.0], [3.0]], [[10.0], [20.0], [30.0]]])
    >>> by_rank(known, np.array([[[2.0]], [[20.0]]])).tolist()
    [[11.0]]
    """
    rows = sorted_predictions.shape[1]
    ranks = np.zeros_like(predictions[0], dtype=np.float64)  # from 0 to 1
    for sorted_values, values in zip(sorted_predictions, predictions, strict=True):
        for column in range(values.shape[1]):
            low = np.searchsorted(sorted_values[:, column], values[:, column], "left")
            high = np.searchsorted(sorted_values[:, column], values[:, column], "right")
            ranks[:, column] += (low + high) / (2 * rows * len(predictions))
    levels = (np.arange(rows) + 0.5) / rows
    mean_sorted = sorted_predictions.mean(axis=0)
    return np.column_stack([np.interp(ranks[:, c], levels, mean_sorted[:, c]) for c in range(ranks.shape[1])])


def weighted(predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of several models' predictions, (rows, classes).

    Examples
    --------
    >>> weighted(np.array([[[1.0]], [[3.0]]]), np.array([0.75, 0.25])).tolist()
    [[1.5]]
    """
    return np.tensordot(weights, predictions, axes=1)


def summing_to_one(values: np.ndarray, predictions: np.ndarray, widths: list[int] | None = None) -> np.ndarray:
    """Return blended probabilities divided by their sum; where it is zero, the mean of the models.

    Parameters
    ----------
    values : ndarray of shape (rows, classes)
        Blended probabilities.
    predictions : ndarray of shape (models, rows, classes)
        Probabilities of the models.
    widths : list of int, optional
        Number of classes of each of several targets, whose probabilities sum to one each.

    Examples
    --------
    >>> p = np.array([[0.2, 0.2, 0.0, 0.5]])
    >>> summing_to_one(p, np.stack([p, p]), [2, 2]).tolist()
    [[0.5, 0.5, 0.0, 1.0]]
    """
    parts = []
    ends = np.cumsum(widths or [values.shape[1]])[:-1]
    for part, mean in zip(
        np.split(values, ends, axis=1), np.split(predictions.mean(axis=0), ends, axis=1), strict=True
    ):
        total = part.sum(axis=1, keepdims=True)
        parts.append(np.where(total > 0, part / np.maximum(total, SMALLEST**2), mean))
    return np.hstack(parts)

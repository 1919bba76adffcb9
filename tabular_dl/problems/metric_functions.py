"""Formulas of the metrics: a function each, which `tabular_dl.problems.metrics.METRICS` names.

All take the true values ``y``, the predictions, the weights of the rows or None, and the labels of the columns of
probabilities or None. Predictions are labels, probabilities or numbers, as the metric's record states. Formulas are
plain NumPy where scikit-learn has none, or where a blend calls them thousands of times.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

from tabular_dl.errors import DataError, SpecError

__all__ = [
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "f_beta",
    "f_macro",
    "gini",
    "log_loss",
    "map_at_k",
    "matthews_correlation",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "ndcg",
    "pinball",
    "quadratic_weighted_kappa",
    "r2",
    "roc_auc",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "root_mean_squared_percentage_error",
    "symmetric_mean_absolute_percentage_error",
]

Array = np.ndarray[Any, Any]
Weights = Array | None
SMALLEST = np.finfo(np.float64).eps  # least probability whose logarithm is taken, as in scikit-learn


def accuracy(y: Array, labels: Array, weights: Weights, classes: Weights) -> float:
    """Share of the rows whose label, or whose labels all, are right."""
    del classes
    right = labels == y
    return float(np.average(right if y.ndim == 1 else right.all(axis=1), weights=weights))


def balanced_accuracy(y: Array, labels: Array, weights: Weights, classes: Weights) -> float:
    """Mean over the classes of the share of rows that are right."""
    del classes
    return float(sklearn.metrics.balanced_accuracy_score(y, labels, sample_weight=weights))


def f_beta(y: Array, labels: Array, weights: Weights, classes: Weights, *, beta: float) -> float:
    """F-score of the second of two classes, in which recall counts beta times as much as precision.

    The score of a class that is never predicted is 0.
    """
    positive = _second(y, classes)
    arguments: dict[str, Any] = {"beta": beta, "sample_weight": weights, "zero_division": 0.0}
    return float(sklearn.metrics.fbeta_score(y == positive, labels == positive, **arguments))


def f_macro(y: Array, labels: Array, weights: Weights, classes: Weights) -> float:
    """Mean of the F1 scores of all classes or labels; that of a class that is never predicted is 0."""
    del classes
    return float(sklearn.metrics.f1_score(y, labels, average="macro", sample_weight=weights, zero_division=0.0))


def matthews_correlation(y: Array, labels: Array, weights: Weights, classes: Weights) -> float:
    """Correlation of true and predicted labels; 0 if all predictions are the same."""
    del classes
    return float(sklearn.metrics.matthews_corrcoef(y, labels, sample_weight=weights))


def quadratic_weighted_kappa(y: Array, labels: Array, weights: Weights, classes: Weights) -> float:
    """Agreement beyond chance of ordered labels (Cohen, 1968, Psychological Bulletin 70).

    It is 1 - sum((y - p)^2) / E, where E is the sum that is expected if the same labels are predicted in random order:
    rows * (var(y) + var(p) + (mean(y) - mean(p))^2). Labels that are no numbers count by their places.
    """
    if y.dtype.kind not in "iufb":
        places = np.unique(np.concatenate([y, labels])) if classes is None else classes
        y, labels = np.searchsorted(places, y), np.searchsorted(places, labels)
    true, predicted = y.astype(np.float64), labels.astype(np.float64)
    means = np.average(true, weights=weights), np.average(predicted, weights=weights)
    variances = (
        np.average((true - means[0]) ** 2, weights=weights),
        np.average((predicted - means[1]) ** 2, weights=weights),
    )
    expected = variances[0] + variances[1] + (means[0] - means[1]) ** 2
    return float(1.0 - np.average((true - predicted) ** 2, weights=weights) / expected) if expected > 0 else 1.0


def log_loss(y: Array, p: Array, weights: Weights, classes: Weights) -> float:
    """Mean negative logarithm of the probability of the true class; of several labels, the mean over the labels."""
    if y.ndim == 1:
        return float(sklearn.metrics.log_loss(y, p, labels=classes, sample_weight=weights))
    of_truth = np.clip(np.where(y == 1, p, 1.0 - p), SMALLEST, 1.0)
    return float(np.average(-np.log(of_truth), axis=0, weights=weights).mean())


def roc_auc(y: Array, p: Array, weights: Weights, classes: Weights) -> float:
    """Share of the pairs of a row with and one without a class in which the former has the greater probability."""
    if y.ndim == 1 and classes is not None and len(classes) > 2:
        arguments: dict[str, Any] = {"multi_class": "ovr", "labels": classes, "sample_weight": weights}
        return float(sklearn.metrics.roc_auc_score(y, p, **arguments))
    return float(sklearn.metrics.roc_auc_score(y, _of_second(p, classes, y), sample_weight=weights))


def average_precision(y: Array, p: Array, weights: Weights, classes: Weights) -> float:
    """Area under the curve of precision over recall, as a sum over thresholds without interpolation."""
    truth = y if y.ndim == 2 else y == _second(y, classes)
    return float(sklearn.metrics.average_precision_score(truth, _of_second(p, classes, y), sample_weight=weights))


def brier(y: Array, p: Array, weights: Weights, classes: Weights) -> float:
    """Mean squared difference of probability and truth, summed over three classes or more (Brier, 1950)."""
    if y.ndim == 2:
        return float(np.average((p - y) ** 2, axis=0, weights=weights).mean())
    if classes is None or len(classes) == 2:
        squares = (_of_second(p, classes, y) - (y == _second(y, classes))) ** 2
    else:
        squares = ((p - (y[:, np.newaxis] == classes)) ** 2).sum(axis=1)
    return float(np.average(squares, weights=weights))


def gini(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Gini coefficient of the truth in descending order of the predictions, divided by that in its own order.

    For two classes it is 2 AUC - 1. Rows with equal predictions are one step, so that their order does not matter. It
    is not a number if the truth is the same in all rows.
    """
    if classes is not None:
        y, prediction = (y == classes[1]).astype(np.float64), prediction[:, 1]
    best = _concentration(y, y, weights)
    return _concentration(y, prediction, weights) / best if best > 0 else float("nan")


def _concentration(y: Array, prediction: Array, weights: Weights) -> float:
    """Return the area between the curve of the truth's share over the rows' share, and the diagonal."""
    rows = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    steps = np.unique(-prediction, return_inverse=True)[1]
    widths, heights = np.bincount(steps, rows), np.bincount(steps, rows * y)
    if heights.sum() <= 0:
        return 0.0
    shares = np.concatenate([[0.0], np.cumsum(heights) / heights.sum()])
    return float(((shares[1:] + shares[:-1]) / 2 * widths).sum() / widths.sum() - 0.5)


def map_at_k(y: Array, p: Array, weights: Weights, classes: Weights, *, k: int) -> float:
    """Mean over the rows of 1 / (rank of the true class), 0 if it is not among the k most probable ones.

    It is the mean average precision of rows with one true class each. Of classes that are equally probable the first
    one ranks higher.
    """
    ranked = np.argsort(-p, axis=1, kind="stable")[:, :k]
    hits = (np.arange(p.shape[1]) if classes is None else classes)[ranked] == y[:, np.newaxis]
    return float(np.average((hits / np.arange(1, ranked.shape[1] + 1)).sum(axis=1), weights=weights))


def ndcg(
    y: Array, prediction: Array, weights: Weights, classes: Weights, *, queries: Weights, k: int | None = None
) -> float:
    """Mean over the queries of the discounted gain of their rows, relative to that of the best order.

    The gain of a row is its relevance, divided by log2(1 + rank), and 0 below the first k rows (Järvelin and
    Kekäläinen, 2002, ACM TOIS 20, sec. 2.3). Rows of a query that are predicted alike share the mean of
    their relevance, as in scikit-learn. A query without relevant rows counts 0. The relevance of a class is its number,
    that of the second of two texts 1; rows are ordered by the predicted mean of it.
    """
    if queries is None or len(queries) != len(y):
        available = "none" if queries is None else f"those of {len(queries):,} rows"
        raise SpecError(
            f"metric: ndcg scores the rows of each query: {len(y):,} rows to score, and queries of {available}."
        )
    if weights is not None:
        raise SpecError("metric: ndcg is the mean over queries, in which rows have no weights: leave the weights out.")
    relevance, scores = y, prediction
    if classes is not None:
        values = _class_values(classes)
        scores, relevance = prediction @ values, (y if classes.dtype.kind in "iufb" else y == classes[1])
    relevance, scores = relevance.astype(np.float64), scores.astype(np.float64)
    gains, best = (_discounted_gains(relevance, by, queries, k) for by in (scores, relevance))
    return float(np.divide(gains, best, out=np.zeros(len(best)), where=best > 0).mean())


def _class_values(classes: Array) -> Array:
    """Return the relevance of each class."""
    if classes.dtype.kind in "iufb" and classes[0] >= 0:
        return classes.astype(np.float64)
    if classes.dtype.kind in "iufb" or len(classes) != 2:
        raise DataError(f"metric: ndcg is for classes that are numbers from 0 on, found {classes[0]!r}.")
    return np.array([0.0, 1.0])


def _discounted_gains(relevance: Array, scores: Array, queries: Array, k: int | None) -> Array:
    """Return the discounted gain of each query, (queries,), with its rows in descending order of scores."""
    order = np.argsort(-scores)
    order = order[np.argsort(queries[order], kind="stable")]  # faster than by both keys at once
    differs = np.diff(queries[order], prepend=np.nan) != 0
    first = np.flatnonzero(differs)  # place of the first row of each query
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    discounts = np.where(rank < (len(order) if k is None else k), 1.0 / np.log2(rank + 2.0), 0.0)
    # Rows that are predicted alike are one step.
    steps = np.flatnonzero(differs | (np.diff(scores[order], prepend=np.nan) != 0))
    means = np.add.reduceat(relevance[order], steps) / np.diff(steps, append=len(order))
    gains = means * np.add.reduceat(discounts, steps)
    return np.asarray(np.add.reduceat(gains, np.searchsorted(steps, first)))


def root_mean_squared_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Root of the mean squared error."""
    del classes
    return float(np.sqrt(np.average((y - prediction) ** 2, weights=weights)))


def mean_absolute_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Mean absolute error."""
    del classes
    return float(np.average(np.abs(y - prediction), weights=weights))


def r2(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Share of the target's variance that is explained."""
    del classes
    return float(sklearn.metrics.r2_score(y, prediction, sample_weight=weights))


def root_mean_squared_log_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Root of the mean square of log(1 + prediction) - log(1 + truth); predictions below 0 count as 0."""
    return root_mean_squared_error(np.log1p(y), np.log1p(np.maximum(prediction, 0.0)), weights, classes)


def mean_absolute_percentage_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Mean of abs(prediction - truth) / abs(truth): 0.1 is ten percent."""
    del classes
    return float(np.average(np.abs((y - prediction) / y), weights=weights))


def symmetric_mean_absolute_percentage_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Mean of 200 abs(prediction - truth) / (abs(prediction) + abs(truth)), 0 where both are 0: from 0 to 200."""
    del classes
    sizes = np.abs(y) + np.abs(prediction)
    shares = np.divide(200.0 * np.abs(y - prediction), sizes, out=np.zeros(len(y)), where=sizes > 0)
    return float(np.average(shares, weights=weights))


def root_mean_squared_percentage_error(y: Array, prediction: Array, weights: Weights, classes: Weights) -> float:
    """Root of the mean square of (prediction - truth) / truth: 0.1 is ten percent."""
    del classes
    return float(np.sqrt(np.average(((y - prediction) / y) ** 2, weights=weights)))


def pinball(y: Array, prediction: Array, weights: Weights, classes: Weights, *, quantile: float) -> float:
    """Mean error in which a truth above the prediction counts ``quantile`` times, one below 1 - ``quantile`` times."""
    del classes
    error = y - prediction
    return float(np.average(np.maximum(quantile * error, (quantile - 1.0) * error), weights=weights))


def _second(y: Array, classes: Weights) -> Any:
    """Return the second of two classes; where predictions have no columns, the greatest label that there is."""
    return np.unique(y)[-1] if classes is None else classes[1]


def _of_second(p: Array, classes: Weights, y: Array) -> Array:
    """Return the probabilities of the second of two classes, or those of several labels as they are."""
    return p if classes is None or y.ndim == 2 else p[:, 1]

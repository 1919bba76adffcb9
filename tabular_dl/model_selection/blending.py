"""Blending of several models' predictions by weights, ranks or a linear model, learned from out-of-fold predictions.

Predictions have the axes (model, row, class), or (model, row, 1) for numbers. Weights are not negative and sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.problems import Metric

__all__ = ["METHODS", "Blend", "greedy_weights", "nested_predictions", "optimal_weights"]

METHODS = ("mean", "weighted", "rank", "greedy", "stack")
STEPS = 50  # models added by a greedy selection
BAGS = 10  # bootstraps of the rows whose selections are averaged
SMALLEST = 1e-6  # distance from 0 and 1 to which probabilities are clipped before a logarithm

Score = Callable[[np.ndarray, np.ndarray], float]


def greedy_weights(
    predictions: np.ndarray,
    y: np.ndarray,
    score: Score,
    seed: int = 0,
    bags: int = BAGS,
    *,
    classification: bool = False,
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
        ``score(y, prediction) -> float``; greater is better.
    seed : int, default=0
        Seed of the bootstraps.
    bags : int, default=10
        Number of bootstraps.
    classification : bool, default=False
        Whether the target consists of labels. If so, bootstraps that lack a label are skipped, because not every metric
        can score them.

    Returns
    -------
    ndarray of shape (models,)
        Weights whose score on these rows is at least that of the best single model.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> predictions = np.stack([y + 1, y - 1, y + 9])[:, :, None]
    >>> greedy_weights(predictions, y, lambda y, p: -np.mean((y - p[:, 0]) ** 2)).round(2).tolist()
    [0.5, 0.5, 0.0]
    """
    rng = np.random.default_rng(seed)
    selections = []
    for _ in range(bags):
        rows = rng.integers(0, len(y), len(y))
        if not classification or _label_counts(y[rows]) == _label_counts(y):
            selections.append(_select(predictions[:, rows], y[rows], score))
    if selections:
        bagged = np.mean(selections, axis=0)
        if score(y, _weighted(predictions, bagged)) >= max(score(y, prediction) for prediction in predictions):
            return bagged
    return _select(predictions, y, score)


def _label_counts(y: np.ndarray) -> list[int]:
    """Return the number of distinct labels in each column."""
    return [len(np.unique(column)) for column in y.reshape(len(y), -1).T]


def _select(predictions: np.ndarray, y: np.ndarray, score: Score) -> np.ndarray:
    counts = np.zeros(len(predictions))
    total = np.zeros(predictions.shape[1:])
    best, best_counts = -np.inf, counts
    for step in range(1, STEPS + 1):
        scores = [score(y, (total + prediction) / step) for prediction in predictions]
        added = int(np.argmax(scores))
        total = total + predictions[added]
        counts = counts.copy()
        counts[added] += 1
        if scores[added] > best:
            best, best_counts = scores[added], counts
    return best_counts / best_counts.sum()


def optimal_weights(predictions: np.ndarray, y: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Return the weights with the smallest log loss of labels, or squared error of numbers, on these rows.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,)
        Target.
    classes : ndarray of shape (classes,) or None
        Label of each column; None for numbers.

    Returns
    -------
    ndarray of shape (models,)
        Weights.
    """
    if classes is not None:
        true_probabilities = predictions[:, np.arange(len(y)), np.searchsorted(classes, y)]

        def loss(weights: np.ndarray) -> float:
            return float(-np.log(np.maximum(weights @ true_probabilities, SMALLEST)).mean())
    else:
        scale = max(float(np.var(y)), 1e-12)

        def loss(weights: np.ndarray) -> float:
            return float(np.mean((weights @ predictions[:, :, 0] - y) ** 2) / scale)

    models = len(predictions)
    start = np.full(models, 1 / models)
    bounds, sums_to_one = [(0.0, 1.0)] * models, {"type": "eq", "fun": lambda weights: weights.sum() - 1.0}
    weights = np.clip(minimize(loss, start, method="SLSQP", bounds=bounds, constraints=[sums_to_one]).x, 0, 1)
    return weights / weights.sum()


def _weighted(predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.tensordot(weights, predictions, axes=1)


class Blend(BaseEstimator):
    """Combination of several models' predictions.

    Parameters
    ----------
    method : {"mean", "weighted", "rank", "greedy", "stack"}, default="mean"
        Mean of the predictions; weights with the smallest loss; mean of the ranks among the out-of-fold predictions;
        greedy selection by the metric; or a regularised linear model of logits or values.
    seed : int, default=0
        Seed of the bootstraps of greedy selection.

    Attributes
    ----------
    weights_ : ndarray of shape (models,)
        Weights, not negative, with sum 1; for "stack", each model's share of the absolute coefficients.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def __init__(self, method: str = "mean", seed: int = 0) -> None:
        self.method = method
        self.seed = seed

    def fit(self, predictions: np.ndarray, y: np.ndarray, metric: Metric, classes: np.ndarray | None) -> Self:
        """Learn the combination from out-of-fold predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Probabilities or numbers.
        y : ndarray of shape (rows,) or (rows, labels)
            Target.
        metric : Metric
            Metric of "greedy".
        classes : ndarray of shape (classes,) or None
            Label of each column; None for numbers.

        Returns
        -------
        self

        Raises
        ------
        SpecError
            If there is no such method, or it does not support a multilabel target.
        """
        if self.method not in METHODS:
            raise SpecError(f"--method: there is no {self.method!r}. {did_you_mean(self.method, METHODS)}")
        if classes is not None and y.ndim == 2 and self.method not in ("mean", "greedy"):
            raise SpecError(
                f"--method: {self.method} blends single labels, but the target has {y.shape[1]} at once: use mean or "
                "greedy."
            )
        models = len(predictions)
        self.classification_ = classes is not None
        self.weights_ = np.full(models, 1 / models)
        if self.method == "greedy":
            self.weights_ = greedy_weights(
                predictions, y, _scorer(metric, classes), self.seed, classification=classes is not None
            )
        elif self.method == "weighted":
            self.weights_ = optimal_weights(predictions, y, classes)
        elif self.method == "rank":
            self.sorted_ = np.sort(predictions, axis=1)
        elif self.method == "stack":
            linear = RidgeCV(np.logspace(-3, 3, 13)) if classes is None else LogisticRegression(max_iter=5000)
            self.linear_ = linear.fit(self._stacked(predictions), y)
            if classes is not None:
                self.columns_ = np.searchsorted(classes, self.linear_.classes_)
            sizes = np.abs(np.atleast_2d(self.linear_.coef_)).sum(axis=0).reshape(models, -1).sum(axis=1)
            self.weights_ = sizes / max(sizes.sum(), 1e-12)
        return self

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Return combined predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Predictions of the models, in the order of `fit`.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Probabilities or numbers.
        """
        check_is_fitted(self, "weights_")
        if self.method == "stack":
            if self.classification_:
                # The probability of classes without training rows is 0.
                combined = np.zeros(predictions.shape[1:])
                # Blends stored by older versions lack columns_: their linear model knows every class.
                combined[:, getattr(self, "columns_", slice(None))] = self.linear_.predict_proba(
                    self._stacked(predictions)
                )
                return combined
            return self.linear_.predict(self._stacked(predictions))[:, np.newaxis]
        if self.method == "rank":
            return self._by_rank(predictions)
        return _weighted(predictions, self.weights_)

    def _stacked(self, predictions: np.ndarray) -> np.ndarray:
        values = np.asarray(predictions)
        if self.classification_:
            clipped = np.clip(values, SMALLEST, 1 - SMALLEST)
            # For two classes, the second column determines the first.
            values = np.log(clipped / (1 - clipped))[:, :, 1:] if values.shape[2] == 2 else np.log(clipped)
        return np.concatenate(list(values), axis=1)

    def _by_rank(self, predictions: np.ndarray) -> np.ndarray:
        """Return the quantile, among the mean of the sorted out-of-fold predictions, at the mean rank of each row."""
        rows = self.sorted_.shape[1]
        ranks = np.zeros_like(predictions[0], dtype=np.float64)  # from 0 to 1
        for sorted_values, values in zip(self.sorted_, predictions, strict=True):
            for column in range(values.shape[1]):
                low = np.searchsorted(sorted_values[:, column], values[:, column], "left")
                high = np.searchsorted(sorted_values[:, column], values[:, column], "right")
                ranks[:, column] += (low + high) / (2 * rows * len(predictions))
        levels = (np.arange(rows) + 0.5) / rows
        mean_sorted = self.sorted_.mean(axis=0)
        columns = [np.interp(ranks[:, c], levels, mean_sorted[:, c]) for c in range(ranks.shape[1])]
        values = np.column_stack(columns)
        return values / values.sum(axis=1, keepdims=True) if self.classification_ else values


def _scorer(metric: Metric, classes: np.ndarray | None) -> Score:
    sign = 1.0 if metric.greater_is_better else -1.0

    def score(y: np.ndarray, prediction: np.ndarray) -> float:
        return sign * metric(y, prediction[:, 0] if classes is None else prediction, classes)

    return score


def nested_predictions(
    blend: Blend,
    predictions: np.ndarray,
    y: np.ndarray,
    folds: Sequence[np.ndarray],
    metric: Metric,
    classes: np.ndarray | None,
) -> np.ndarray:
    """Return each fold's predictions, combined by a blend that is fitted on the other folds, for unbiased scores.

    Parameters
    ----------
    blend : Blend
        Unfitted blend, which is not changed.
    predictions, y, metric, classes
        Arguments of `Blend.fit`.
    folds : sequence of ndarray
        Rows of each fold, which together are all rows.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows, 1)
        Combined predictions.
    """
    combined = np.zeros(predictions.shape[1:])
    for rows in folds:
        others = np.setdiff1d(np.arange(len(y)), rows)
        fitted = Blend(**blend.get_params()).fit(predictions[:, others], y[others], metric, classes)
        combined[rows] = fitted.combine(predictions[:, rows])
    return combined

"""Blending: one prediction of several models, by weights, ranks or a linear model learned from out-of-fold predictions.

Pure NumPy but for the linear model of `stack`. Predictions have the axes (model, row, class), or (model, row, 1) for
numbers; weights are not negative and sum to one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.problems import Metric

__all__ = ["METHODS", "Blend", "greedy_weights", "nested_predictions", "optimal_weights"]

METHODS = ("mean", "weighted", "rank", "greedy", "stack")
STEPS = 50  # additions of a greedy selection
BAGS = 10  # selections that are averaged, each on a bootstrap of the rows
SMALLEST = 1e-6  # probabilities are kept this far from 0 and 1 before a logarithm

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
    """Select models with replacement, each time the one that helps the mean most (Caruana et al., 2004, ICML, sec. 2).

    The selections of several bootstraps of the rows are averaged (sec. 2.3). Where that mean scores worse on all rows
    than the best single model, the selection made on all rows is taken.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,)
        The target.
    score : callable
        ``score(y, prediction) -> float``, greater is better.
    seed : int
        Fixes the bootstraps.
    bags : int
        How many.
    classification : bool
        Whether the target is made of labels: bootstraps that lack one are left out, as not every metric can score them.

    Returns
    -------
    ndarray of shape (models,)
        Weights; never worse than the best single model on these rows.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> predictions = np.stack([y + 1, y - 1, y + 9])[:, :, None]
    >>> greedy_weights(predictions, y, lambda y, p: -np.mean((y - p[:, 0]) ** 2)).round(2).tolist()
    [0.5, 0.5, 0.0]
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(bags):
        rows = rng.integers(0, len(y), len(y))
        if not classification or _labels(y[rows]) == _labels(y):
            drawn.append(_select(predictions[:, rows], y[rows], score))
    if drawn:
        bagged = np.mean(drawn, axis=0)
        if score(y, _weighted(predictions, bagged)) >= max(score(y, own) for own in predictions):
            return bagged
    return _select(predictions, y, score)


def _labels(y: np.ndarray) -> list[int]:
    """Count the different labels in each column."""
    return [len(np.unique(column)) for column in y.reshape(len(y), -1).T]


def _select(predictions: np.ndarray, y: np.ndarray, score: Score) -> np.ndarray:
    counts = np.zeros(len(predictions))
    total = np.zeros(predictions.shape[1:])
    best, best_counts = -np.inf, counts
    for step in range(1, STEPS + 1):
        scores = [score(y, (total + own) / step) for own in predictions]
        chosen = int(np.argmax(scores))
        total = total + predictions[chosen]
        counts = counts.copy()
        counts[chosen] += 1
        if scores[chosen] > best:
            best, best_counts = scores[chosen], counts
    return best_counts / best_counts.sum()


def optimal_weights(predictions: np.ndarray, y: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Return the weights of least log loss, or of least squared error, on these rows.

    Parameters
    ----------
    predictions : ndarray of shape (models, rows, classes)
        Out-of-fold predictions.
    y : ndarray of shape (rows,)
        The target.
    classes : ndarray or None
        The label of each column; None for numbers.

    Returns
    -------
    ndarray of shape (models,)
    """
    if classes is not None:
        own = predictions[:, np.arange(len(y)), np.searchsorted(classes, y)]

        def loss(weights: np.ndarray) -> float:
            return float(-np.log(np.maximum(weights @ own, SMALLEST)).mean())
    else:
        scale = max(float(np.var(y)), 1e-12)

        def loss(weights: np.ndarray) -> float:
            return float(np.mean((weights @ predictions[:, :, 0] - y) ** 2) / scale)

    models = len(predictions)
    start = np.full(models, 1 / models)
    bounds, sums_to_one = [(0.0, 1.0)] * models, {"type": "eq", "fun": lambda weights: weights.sum() - 1.0}
    found = np.clip(minimize(loss, start, method="SLSQP", bounds=bounds, constraints=[sums_to_one]).x, 0, 1)
    return found / found.sum()


def _weighted(predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.tensordot(weights, predictions, axes=1)


class Blend(BaseEstimator):
    """How several models' predictions become one.

    Parameters
    ----------
    method : {"mean", "weighted", "rank", "greedy", "stack"}
        The plain mean; weights of least loss; the mean of ranks among the out-of-fold predictions; greedy selection by
        the metric; or a regularised linear model on log-probabilities or values.
    seed : int
        Fixes what is drawn.

    Attributes
    ----------
    weights_ : ndarray of shape (models,)
        Not negative, summing to one; for `stack` the share of the absolute coefficients.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def __init__(self, method: str = "mean", seed: int = 0) -> None:
        self.method = method
        self.seed = seed

    def fit(self, predictions: np.ndarray, y: np.ndarray, metric: Metric, classes: np.ndarray | None) -> Self:
        """Learn from out-of-fold predictions.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes) or (models, rows, 1)
            Probabilities, or numbers.
        y : ndarray of shape (rows,) or (rows, labels)
            The target.
        metric : Metric
            What `greedy` selects by.
        classes : ndarray or None
            The label of each column; None for numbers.

        Raises
        ------
        SpecError
            If there is no such method, or it is not for several labels at once.
        """
        if self.method not in METHODS:
            raise SpecError(f"--method: there is no {self.method!r}. {did_you_mean(self.method, METHODS)}")
        if classes is not None and y.ndim == 2 and self.method not in ("mean", "greedy"):
            raise SpecError(
                f"--method: {self.method} blends single labels, the target has {y.shape[1]} at once: take mean or "
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
        """Return one prediction, (rows, classes) or (rows, 1), of the models' (models, rows, ...)."""
        check_is_fitted(self, "weights_")
        if self.method == "stack":
            if self.classification_:
                # A class that no row had is given no probability.
                combined = np.zeros(predictions.shape[1:])
                # Blends from before there were columns have one for each class.
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
            # One column says all of two classes.
            values = np.log(clipped / (1 - clipped))[:, :, 1:] if values.shape[2] == 2 else np.log(clipped)
        return np.concatenate(list(values), axis=1)

    def _by_rank(self, predictions: np.ndarray) -> np.ndarray:
        """Average places among the out-of-fold predictions, and turn them into values by the mean of those, sorted."""
        rows = self.sorted_.shape[1]
        places = np.zeros_like(predictions[0], dtype=np.float64)
        for known, own in zip(self.sorted_, predictions, strict=True):
            for column in range(own.shape[1]):
                low = np.searchsorted(known[:, column], own[:, column], "left")
                high = np.searchsorted(known[:, column], own[:, column], "right")
                places[:, column] += (low + high) / (2 * rows * len(predictions))
        levels = (np.arange(rows) + 0.5) / rows
        mean_sorted = self.sorted_.mean(axis=0)
        columns = [np.interp(places[:, c], levels, mean_sorted[:, c]) for c in range(places.shape[1])]
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
    """Combine each fold by what was learned from the other folds' out-of-fold predictions: honest to score.

    Parameters
    ----------
    blend : Blend
        The method; it is not changed.
    predictions, y, metric, classes
        As for `Blend.fit`.
    folds : sequence of ndarray
        The rows of each fold; together all rows.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows, 1)
    """
    combined = np.zeros(predictions.shape[1:])
    for rows in folds:
        others = np.setdiff1d(np.arange(len(y)), rows)
        own = Blend(**blend.get_params()).fit(predictions[:, others], y[others], metric, classes)
        combined[rows] = own.combine(predictions[:, rows])
    return combined


def describe(weights: np.ndarray, names: Sequence[Any]) -> str:
    """Say weights in words, the largest first."""
    order = np.argsort(-weights)
    return ", ".join(f"{names[k]} {weights[k]:.2f}" for k in order)

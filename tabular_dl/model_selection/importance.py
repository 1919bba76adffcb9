"""What predictions rest on: permutation importance of the raw columns, on rows that no network has trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.model_selection.standard_error import standard_error
from tabular_dl.problems import Metric, decide

__all__ = ["hardest_rows", "permutation_importance"]

# More rows of a fold than this add time, and next to nothing to an importance.
MOST_ROWS = 1000
# Permuted copies of a fold's rows are predicted together, up to so many rows at once.
ROWS_AT_ONCE = 50_000


def permutation_importance(
    model: Any,
    X: pd.DataFrame,
    y: np.ndarray,
    metric: Metric,
    columns: Sequence[str],
    *,
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Say by how much the score of each fold's own test rows worsens when one raw column is shuffled.

    For fold k with test rows T and column j, repeated: ``score(model_k, X[T]) - score(model_k, X[T] with column j
    permuted)``, with the sign that makes a useful column positive. The method is Breiman's (Random Forests, Machine
    Learning 45, 2001, p. 23), of a whole pipeline: a feature that is derived from two columns counts for both. Columns
    that say the same thing share their importance.

    Parameters
    ----------
    model : CrossFitClassifier, CrossFitRegressor or a blend of them
        Fitted on these rows.
    X : DataFrame of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,)
        The target.
    metric : Metric
        What is scored by.
    columns : sequence of str
        The raw columns to shuffle.
    repeats : int
        Shuffles of each column in each fold.
    seed : int
        Fixes the shuffles.

    Returns
    -------
    DataFrame of shape (columns, 3)
        "column", "importance" (in the metric's unit) and its standard error over the folds, the greatest first.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> class Rule:  # one that looks at a alone
    ...     classes_, test_rows_ = np.array([0, 1]), [np.arange(0, 50), np.arange(50, 100)]
    ...     def predict_fold(self, fold, X):
    ...         return np.column_stack([X["a"] < 0.5, X["a"] >= 0.5]).astype(float)
    >>> a = np.arange(100) % 2
    >>> table = pd.DataFrame({"a": a, "b": np.arange(100)})
    >>> found = permutation_importance(Rule(), table, a, get_metric("accuracy"), ["a", "b"])
    >>> found["column"].tolist(), bool(found["importance"][0] > 0.3), found["importance"][1]
    (['a', 'b'], True, np.float64(0.0))
    """
    rng = np.random.default_rng(seed)
    sign = 1.0 if metric.greater_is_better else -1.0
    classes, thresholds = getattr(model, "classes_", None), getattr(model, "oof_thresholds_", None)
    worsened = np.zeros((len(model.test_rows_), len(columns)))
    for fold, test in enumerate(model.test_rows_):
        rows = test if len(test) <= MOST_ROWS else np.sort(rng.choice(test, MOST_ROWS, replace=False))
        table, truth = X.iloc[rows], y[rows]
        threshold = None if thresholds is None or metric.looks_at != "labels" else thresholds[rows]

        def score(predicted: np.ndarray, truth: np.ndarray = truth, threshold: Any = threshold) -> float:
            decided = predicted if threshold is None else decide(predicted, threshold)
            return metric(truth, decided, classes)

        plain = score(model.predict_fold(fold, table))
        jobs = [(place, rng.permutation(len(rows))) for place in range(len(columns)) for _ in range(repeats)]
        each = max(1, ROWS_AT_ONCE // len(rows))
        for start in range(0, len(jobs), each):
            some = jobs[start : start + each]
            predicted = model.predict_fold(fold, _permuted(table, columns, some))
            for (place, _), part in zip(some, np.split(predicted, len(some)), strict=True):
                worsened[fold, place] += sign * (plain - score(part)) / repeats
    error = [standard_error(column) for column in worsened.T]
    found = pd.DataFrame({"column": list(columns), "importance": worsened.mean(axis=0), "error": error})
    return found.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _permuted(table: pd.DataFrame, columns: Sequence[str], jobs: Sequence[tuple[int, np.ndarray]]) -> pd.DataFrame:
    """Return one copy of a table below the other, in each of them one column permuted."""
    copies = []
    for place, order in jobs:
        name = columns[place]
        copies.append(table.assign(**{name: table[name].array.take(order)}))
    return pd.concat(copies, ignore_index=True)


def hardest_rows(
    y: np.ndarray,
    predictions: np.ndarray,
    classes: np.ndarray | None,
    count: int = 10,
    threshold: float | np.ndarray | None = None,
) -> pd.DataFrame:
    """Find the rows that out-of-fold predictions are most wrong about.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        The target.
    predictions : ndarray of shape (rows, classes) or (rows,)
        Out-of-fold probabilities or values.
    classes : ndarray of shape (classes,) or None
        The label of each column; None where the target is a number.
    count : int
        How many rows.
    threshold : float, ndarray of shape (rows,) or None
        What labels are decided by; None is the greatest probability.

    Returns
    -------
    DataFrame of shape (count, 4)
        "place" (from 0), "true", "predicted" and "size": the probability of the true label, or true - predicted.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> hardest_rows(np.array(["no", "no"]), p, np.array(["no", "yes"]), 1).to_dict("records")
    [{'place': 1, 'true': 'no', 'predicted': 'yes', 'size': 0.2}]
    """
    if classes is None:
        size = y.astype(float) - predictions
        order, predicted = np.argsort(-np.abs(size), kind="stable"), predictions
    else:
        size = predictions[np.arange(len(y)), np.searchsorted(classes, y)]
        order, predicted = np.argsort(size, kind="stable"), classes[decide(predictions, threshold).argmax(axis=1)]
    chosen = order[:count]
    return pd.DataFrame({"place": chosen, "true": y[chosen], "predicted": predicted[chosen], "size": size[chosen]})

"""Permutation importance of raw columns, and the rows with the worst out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.model_selection.decisions import decided
from tabular_dl.model_selection.predicted_rows import error_ratio
from tabular_dl.model_selection.row_weights import weights_of_model
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.model_selection.standard_error import standard_error
from tabular_dl.preprocessing import PermutedRows
from tabular_dl.problems import Metric, decide, each_target, some_rows

__all__ = ["hardest_rows", "permutation_importance"]

# Number of a fold's rows to use at most: more take time and hardly change an importance.
MOST_ROWS = 1000
# Number of permutations of a column in a fold, fewer if it has many rows, since each row is one permuted value; and of
# all columns: in wide tables they take longer than training.
REPEATS, MOST_PERMUTATIONS = 5, 100
# Number of rows, of permuted copies of a fold, to predict at once.
ROWS_AT_ONCE = 50_000
# Number of cells of encoded rows to predict at once.
CELLS_AT_ONCE = 5_000_000


def permutation_importance(
    model: Any,
    X: pd.DataFrame,
    y: np.ndarray,
    metric: Metric,
    columns: Sequence[str],
    *,
    repeats: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the loss of score of each fold's test rows when a raw column is permuted.

    For fold k with test rows T and column j, this is the mean over folds and repeats of::

        score(model_k, X[T]) - score(model_k, X[T] with column j permuted)

    with the sign that makes useful columns positive. The method is Breiman's (Random Forests, Machine Learning 45,
    2001, p. 23), applied to whole pipelines: a feature that is derived from two columns contributes to both. Redundant
    columns share their importance.

    Parameters
    ----------
    model : CrossFitClassifier, CrossFitRegressor or a blend of them
        Model fitted on these rows.
    X : DataFrame of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    metric : Metric
        Metric of the score.
    columns : sequence of str
        Raw columns to permute.
    repeats : int, optional
        Number of permutations of each column in each fold. By default 5 for folds of up to 200 rows and 20 columns,
        fewer for more of them, at least 1.
    seed : int, default=0
        Seed of the permutations.

    Returns
    -------
    DataFrame of shape (columns, 3)
        "column", "importance" in units of the metric, and "error", its standard error over the folds. Rows are in
        descending order of importance.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> class Rule:  # uses column a only
    ...     classes_, test_rows_ = np.array([0, 1]), [np.arange(0, 50), np.arange(50, 100)]
    ...     def predict_fold(self, fold, X):
    ...         return np.column_stack([X["a"] < 0.5, X["a"] >= 0.5]).astype(float)
    >>> a = np.arange(100) % 2
    >>> table = pd.DataFrame({"a": a, "b": np.arange(100)})
    >>> result = permutation_importance(Rule(), table, a, get_metric("accuracy"), ["a", "b"])
    >>> result["column"].tolist(), bool(result["importance"][0] > 0.3), result["importance"][1]
    (['a', 'b'], True, np.float64(0.0))
    """
    rng = np.random.default_rng(seed)
    sign = 1.0 if metric.greater_is_better else -1.0
    scorer = row_scorer(y, metric, getattr(model, "classes_", None), weights_of_model(model))
    if repeats is None:
        rows_of_fold = min(len(test) for test in model.test_rows_)
        repeats = max(1, min(REPEATS, MOST_PERMUTATIONS // max(1, len(columns)), MOST_ROWS // rows_of_fold))
    ratio = error_ratio(model) if hasattr(model, "oof_predictions_") else None
    decreases = np.zeros((len(model.test_rows_), len(columns)))
    for fold, test in enumerate(model.test_rows_):
        rows = some_rows(metric, test, MOST_ROWS, rng)
        table, of_rows = X.iloc[rows], scorer(rows)

        def score(predicted: np.ndarray, rows: np.ndarray = rows, of_rows: Any = of_rows) -> float:
            return of_rows(decided(model, metric, predicted, rows))

        predict = _Predictions(model, fold, table)
        baseline = score(predict.unchanged())
        jobs = [(name, rng.permutation(len(rows))) for name in columns for _ in range(repeats)]
        for number, predicted in enumerate(predict.permuted(jobs)):
            decreases[fold, number // repeats] += sign * (baseline - score(predicted)) / repeats
    error = [standard_error(column, ratio) for column in decreases.T]
    result = pd.DataFrame({"column": list(columns), "importance": decreases.mean(axis=0), "error": error})
    return result.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


class _Predictions:
    """Predictions of one fold for its rows, and for the same with a raw column permuted.

    Rows are encoded once, where the model is a cross-fit and its steps encode each row by itself; else permuted copies
    of the raw rows go through all steps.
    """

    def __init__(self, model: Any, fold: int, table: pd.DataFrame) -> None:
        self.model, self.fold, self.table = model, fold, table
        self.encoded = _encoded(model, fold, table)

    def unchanged(self) -> np.ndarray:
        """Return the predictions of the rows."""
        if self.encoded is None:
            return self.model.predict_fold(self.fold, self.table)
        return self.model.predict_encoded(self.fold, self.encoded.matrix)

    def permuted(self, jobs: Sequence[tuple[str, np.ndarray]]) -> Iterator[np.ndarray]:
        """Yield the predictions for each pair of a raw column and the order of its values."""
        for quick, group in groupby(jobs, key=lambda job: self.encoded is not None and self.encoded.serves(job[0])):
            part = list(group)
            rows = max(1, ROWS_AT_ONCE // len(self.table))
            if quick and self.encoded is not None:
                rows = max(1, min(rows, CELLS_AT_ONCE // max(1, self.encoded.matrix.size)))
            for start in range(0, len(part), rows):
                batch = part[start : start + rows]
                yield from np.split(self._of(batch, quick=quick), len(batch))

    def _of(self, batch: Sequence[tuple[str, np.ndarray]], *, quick: bool) -> np.ndarray:
        if not quick or self.encoded is None:
            return self.model.predict_fold(self.fold, _permuted(self.table, batch))
        return self.model.predict_encoded(self.fold, np.concatenate([self.encoded.permuted(*job) for job in batch]))


def _encoded(model: Any, fold: int, table: pd.DataFrame) -> PermutedRows | None:
    """Return the rows encoded by the steps of a fold; None if permuted rows have to go through all steps."""
    steps = model.pipelines_[fold].steps if hasattr(model, "predict_encoded") else []
    if len(steps) != 3:
        return None
    (_, features), (_, preprocessing), _ = steps
    try:
        return PermutedRows(features, preprocessing, table)
    except TypeError:  # other steps than those of pipeline files
        return None


def _permuted(table: pd.DataFrame, jobs: Sequence[tuple[str, np.ndarray]]) -> pd.DataFrame:
    """Return concatenated copies of a table, each with one permuted column."""
    copies = [table.assign(**{name: table[name].array.take(order)}) for name, order in jobs]
    return pd.concat(copies, ignore_index=True)


def hardest_rows(
    y: np.ndarray,
    predictions: np.ndarray,
    classes: np.ndarray | None,
    count: int = 10,
    threshold: float | np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the rows with the worst out-of-fold predictions.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    predictions : ndarray of shape (rows, classes) or (rows,) or (rows, targets)
        Out-of-fold probabilities or values.
    classes : ndarray of shape (classes,), list of ndarray or None
        Label of each column, or those of each target; None for numbers.
    count : int, default=10
        Number of rows to return.
    threshold : float, ndarray of shape (rows,) or None, default=None
        Threshold for the second of two labels; None predicts the label with the greatest probability.

    Returns
    -------
    DataFrame of shape (count, 4)
        "place" (number of the row, from 0), "true", "predicted" and "size": the probability of the true label, or
        true - predicted. Of several targets, values are joined, and the size is the mean probability of the true
        labels, or the mean error in standard deviations of each target.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> hardest_rows(np.array(["no", "no"]), p, np.array(["no", "yes"]), 1).to_dict("records")
    [{'place': 1, 'true': 'no', 'predicted': 'yes', 'size': 0.2}]
    """
    if y.ndim == 2:
        return _hardest_of_several(y, predictions, classes, count)
    if classes is None:
        size = y.astype(float) - predictions
        order, predicted = np.argsort(-np.abs(size), kind="stable"), predictions
    else:
        size = predictions[np.arange(len(y)), np.searchsorted(classes, y)]
        order, predicted = np.argsort(size, kind="stable"), classes[decide(predictions, threshold).argmax(axis=1)]
    rows = order[:count]
    return pd.DataFrame({"place": rows, "true": y[rows], "predicted": predicted[rows], "size": size[rows]})


def _hardest_of_several(
    y: np.ndarray, predictions: np.ndarray, classes: np.ndarray | list[np.ndarray] | None, count: int
) -> pd.DataFrame:
    """Return the rows with the worst out-of-fold predictions of several targets."""
    sizes, predicted = [], []
    for truth, (values, labels) in zip(y.T, each_target(predictions, classes), strict=True):
        if labels is None:
            error = np.abs(truth.astype(float) - values)
            sizes.append(error / max(float(np.nanstd(truth.astype(float))), 1e-12))
            predicted.append([f"{value:.4g}" for value in values])
        else:
            sizes.append(values[np.arange(len(y)), np.searchsorted(labels, truth)])
            predicted.append([str(label) for label in labels[values.argmax(axis=1)]])
    size = np.nanmean(sizes, axis=0) if classes is None else np.mean(sizes, axis=0)  # of the targets that a row has
    rows = np.argsort(-size if classes is None else size, kind="stable")[:count]
    joined = [", ".join(parts) for parts in zip(*predicted, strict=True)]
    truths = [", ".join(f"{value:.4g}" if classes is None else str(value) for value in y[row]) for row in rows]
    return pd.DataFrame({"place": rows, "true": truths, "predicted": [joined[k] for k in rows], "size": size[rows]})

"""Rows that the folds of a model predict, and rows that a fold may learn from.

Every row is predicted once by the folds of a cross-validation, several times by repeated folds, and the earliest rows
never by folds by time. Scores, thresholds, blends and reports read out-of-fold predictions by these functions.

What is learned from out-of-fold predictions, such as weights of a blend, is learned for each fold from its training
rows alone: from the other folds, or by time from the earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from tabular_dl.model_selection.folds import Splits
from tabular_dl.model_selection.row_weights import weights_of_model
from tabular_dl.model_selection.standard_error import size_ratio

__all__ = [
    "OutOfFold",
    "ScoredFolds",
    "common_splits",
    "error_ratio",
    "fold_before",
    "fold_names",
    "fold_splits",
    "is_by_time",
    "own_predictions",
    "predicted_rows",
    "repeat_stack",
    "repeats_of",
    "scored_folds",
]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Out-of-fold predictions of a model without the model.

    Attributes
    ----------
    oof_predictions_, train_rows_, test_rows_, repeat_predictions_, sample_weight_
        Those of the model.
    """

    oof_predictions_: np.ndarray
    train_rows_: list[np.ndarray]
    test_rows_: list[np.ndarray]
    repeat_predictions_: np.ndarray | None
    sample_weight_: np.ndarray | None = None

    @classmethod
    def of(cls, model: Any) -> OutOfFold:
        """Return the predictions of a cross-fit, a blend, or imported predictions."""
        train, test = map(list, zip(*fold_splits(model), strict=True))
        by_repeat = getattr(model, "repeat_predictions_", None)
        return cls(model.oof_predictions_, train, test, by_repeat, weights_of_model(model))


@dataclass(frozen=True, eq=False)
class ScoredFolds:
    """Folds as places among the rows that are predicted.

    Attributes
    ----------
    rows : ndarray of int of shape (predicted,)
        Numbers of the rows, ascending.
    folds : list of ndarray
        Places of each fold's test rows.
    sources : list of ndarray
        Places of the rows that each fold may learn from; empty for the first fold by time.
    """

    rows: np.ndarray
    folds: list[np.ndarray]
    sources: list[np.ndarray]

    def spread(self, values: np.ndarray, count: int) -> np.ndarray:
        """Return values of the predicted rows among all rows of a table, where others are NaN."""
        if len(self.rows) == count:
            return values
        table = np.full((count, *values.shape[1:]), np.nan)
        table[self.rows] = values
        return table


def predicted_rows(model: Any) -> np.ndarray:
    """Return the numbers of the rows that a fold of a model predicts, ascending.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.

    Returns
    -------
    ndarray of int of shape (predicted,)
        Rows of ``oof_predictions_`` that are not NaN.
    """
    return np.unique(np.concatenate(model.test_rows_))


def is_by_time(model: Any) -> bool:
    """Return whether the folds of a model follow each other in time, so that none predicts the earliest rows."""
    return len(predicted_rows(model)) < len(model.oof_predictions_)


def common_splits(models: Sequence[Any]) -> Splits:
    """Return the folds of the first of several models by time, with the test rows that all models predict.

    A model predicts each row from earlier ones, whatever its folds, so that nothing learned from the predictions of
    earlier rows depends on a later fold.
    """
    rows = reduce(np.intersect1d, [predicted_rows(model) for model in models])
    splits = [(train, np.intersect1d(test, rows)) for train, test in fold_splits(models[0])]
    return [(train, test) for train, test in splits if len(test)]


def fold_before(model: Any, rows: np.ndarray) -> int:
    """Return the number of the latest fold of a model by time that was not trained on any of some rows."""
    unseen = [not np.intersect1d(train, rows).size for train, _ in fold_splits(model)]
    return int(np.flatnonzero(unseen)[-1])


def repeats_of(model: Any) -> int:
    """Return how often each of the predicted rows is in a fold of a model."""
    return max(1, sum(map(len, model.test_rows_)) // max(1, len(predicted_rows(model))))


def fold_splits(model: Any) -> Splits:
    """Return the training rows and test rows of each fold of a model.

    Imported predictions that older versions have stored lack training rows: they are those of all other folds.
    """
    training = getattr(model, "train_rows_", None)
    if training is None:
        training = [np.setdiff1d(np.arange(len(model.oof_predictions_)), test) for test in model.test_rows_]
    return list(zip(training, model.test_rows_, strict=True))


def fold_names(model: Any) -> list[str]:
    """Return the number of each fold from 1, and of its repeat if there are several.

    Examples
    --------
    >>> class Twice:
    ...     test_rows_ = [np.array([0]), np.array([1]), np.array([1]), np.array([0])]
    >>> fold_names(Twice)
    ['1', '2', '1, repeat 2', '2, repeat 2']
    """
    count = len(model.test_rows_) // repeats_of(model)
    places = [divmod(place, count) for place in range(len(model.test_rows_))]
    return [f"{fold + 1}" + (f", repeat {repeat + 1}" if repeat else "") for repeat, fold in places]


def error_ratio(model: Any) -> float | None:
    """Return the ratio of test rows to training rows in the folds of a model, for standard errors of its scores."""
    return size_ratio(fold_splits(model))


def scored_folds(model: Any, repeat: int = 0) -> ScoredFolds:
    """Return the folds of a repeat as places among the rows that are predicted.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    repeat : int, default=0
        Number of the repeat, from 0.

    Returns
    -------
    ScoredFolds
        Folds, and the rows that each may learn from.

    Examples
    --------
    >>> class ByTime:
    ...     oof_predictions_ = np.array([np.nan, 0.5, np.nan, 0.7])
    ...     train_rows_, test_rows_ = [np.array([0, 2]), np.array([0, 1, 2])], [np.array([1]), np.array([3])]
    >>> scored = scored_folds(ByTime)
    >>> scored.rows.tolist(), [rows.tolist() for rows in scored.folds], [rows.tolist() for rows in scored.sources]
    ([1, 3], [[0], [1]], [[], [0]])
    """
    rows, count = predicted_rows(model), len(model.test_rows_) // repeats_of(model)
    splits = fold_splits(model)[repeat * count : (repeat + 1) * count]
    folds = [np.searchsorted(rows, test) for _, test in splits]
    sources = [np.searchsorted(rows, np.intersect1d(train, rows)) for train, _ in splits]
    return ScoredFolds(rows, folds, sources)


def own_predictions(model: Any, fold: int) -> np.ndarray:
    """Return a fold's own predictions of its test rows; of repeated folds, those of the repeat.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    fold : int
        Number of the fold, from 0.

    Returns
    -------
    ndarray of shape (test rows, classes) or (test rows,)
        Probabilities or values.
    """
    by_repeat = getattr(model, "repeat_predictions_", None)
    if by_repeat is None:
        return model.oof_predictions_[model.test_rows_[fold]]
    return by_repeat[fold * len(by_repeat) // len(model.test_rows_)][model.test_rows_[fold]]


def repeat_stack(models: Sequence[Any], repeat: int | None = None) -> np.ndarray:
    """Return the out-of-fold predictions of several models with an axis of models and one of columns.

    Parameters
    ----------
    models : sequence of cross-fits, blends or imported predictions
        Fitted models.
    repeat : int, optional
        Number of the repeat; by default the mean of all repeats. Imported predictions have the mean alone.

    Returns
    -------
    ndarray of shape (models, rows, classes) or (models, rows, 1)
        Probabilities or values; NaN in rows that no fold predicts.
    """
    tables = []
    for model in models:
        by_repeat = getattr(model, "repeat_predictions_", None)
        tables.append(model.oof_predictions_ if by_repeat is None or repeat is None else by_repeat[repeat])
    return np.stack([table[:, np.newaxis] if table.ndim == 1 else table for table in tables])

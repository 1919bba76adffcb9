"""Weights of rows where predictions are scored and combined: they are part of what a model was fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from tabular_dl.errors import DataError

__all__ = ["check_fold_weights", "read_weights", "weights_at", "weights_of_model"]


def weights_of_model(model: Any) -> np.ndarray | None:
    """Return the weights of the rows that a model was fitted on.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Model.

    Returns
    -------
    ndarray of shape (rows,) or None
        Weights; None if all rows count the same, as in models stored before there were weights.
    """
    first = getattr(model, "models", [model])[0]
    return getattr(first, "sample_weight_", None)


def weights_at(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """Return the weights of some rows; None if all rows count the same.

    Examples
    --------
    >>> weights_at(np.array([1.0, 2.0, 0.5]), np.array([2, 0])).tolist(), weights_at(None, np.array([2, 0]))
    ([0.5, 1.0], None)
    """
    return None if weights is None else weights[rows]


def check_fold_weights(weights: np.ndarray | None, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """Raise an error if a fold has no row that counts.

    Parameters
    ----------
    weights : ndarray of shape (rows,) or None
        Weights.
    splits : sequence of (train, test)
        Numbers of the rows of each fold.

    Raises
    ------
    DataError
        If all rows to train on, or all rows to test, have zero weight.

    Examples
    --------
    >>> check_fold_weights(np.array([0.0, 1.0]), [(np.array([1]), np.array([0]))])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: all rows that fold 1 of 1 is tested on have zero weight (1 row): give some of
    these rows a weight, or divide the rows in another way (ensemble).
    """
    for number, split in enumerate(splits, start=1):
        for rows, purpose in zip(split, ("trained", "tested"), strict=True):
            if weights is not None and not weights[rows].any():
                count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
                raise DataError(
                    f"all rows that fold {number} of {len(splits)} is {purpose} on have zero weight ({count}): give "
                    "some of these rows a weight, or divide the rows in another way (ensemble)."
                )


def read_weights(
    sample_weight: ArrayLike | None, X: Any, splits: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray | None:
    """Return the weights of a cross-fit's rows, checked.

    Parameters
    ----------
    sample_weight : array-like of shape (rows,) or None
        Weights.
    X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
        Rows.
    splits : sequence of (train, test)
        Numbers of the rows of each fold.

    Returns
    -------
    ndarray of shape (rows,) or None
        Weights, float64.

    Raises
    ------
    ValueError
        If they are not one number from 0 on for each row.
    DataError
        If a fold has no row that counts.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))
    check_fold_weights(weights, splits)
    return weights

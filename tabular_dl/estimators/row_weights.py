"""Weights of training rows: of repeated rows, and of classes."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import compute_class_weight

from tabular_dl.errors import SpecError
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.problems import Coding, Labels

__all__ = ["merged_rows", "row_weights"]


def row_weights(
    class_weight: Mapping[Any, float] | str | None,
    coding: Coding,
    y: np.ndarray,
    weights: np.ndarray | None,
    *,
    scaled: bool = True,
) -> np.ndarray | None:
    """Return the weight of each training row, multiplied by that of its class.

    Parameters
    ----------
    class_weight : mapping, "balanced" or None
        Weight of each class.
    coding : Coding
        Target coding.
    y : ndarray of shape (training rows,) or (training rows, targets)
        Target.
    weights : ndarray of shape (training rows,) or None
        Weights of the rows that the user has passed.
    scaled : bool, default=True
        Whether to scale weights to a mean of 1, for losses that are weighted means. Sums change with the scale.

    Returns
    -------
    ndarray of shape (training rows,) or None
        None if there are neither weights of rows nor of classes.

    Raises
    ------
    SpecError
        If ``class_weight`` has an unknown class or an invalid weight, or the target has no single labels.
    """
    if class_weight is None:
        return _of_mean_one(weights) if scaled else weights
    if not isinstance(coding, Labels):
        raise SpecError("class_weight: only single labels have class weights; give sample_weight to fit instead.")
    chosen = class_weight
    if not isinstance(chosen, str):
        # For example "0" instead of 0 in a pipeline file.
        unknown = [label for label in chosen if label not in coding.classes.tolist()]
        if unknown:
            raise SpecError(f"class_weight: there is no class {unknown[0]!r}. Classes: {coding.classes.tolist()}.")
        for label, weight in chosen.items():
            if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
                raise SpecError(f"class_weight: expected a number from 0 on for the class {label!r}, found {weight!r}.")
        # The rows of a fold may lack a class.
        chosen = {label: weight for label, weight in chosen.items() if label in y}
    present = np.unique(y)
    class_weights = compute_class_weight(chosen, classes=present, y=y, sample_weight=weights)
    product = class_weights[np.searchsorted(present, y)] * (1.0 if weights is None else weights)
    return _of_mean_one(product) if scaled else product


def _of_mean_one(weights: np.ndarray | None) -> np.ndarray | None:
    """Scale weights to a mean of 1, for float32; losses do not change, as they are weighted means."""
    return weights if weights is None or not weights.any() else weights / weights.mean()


def merged_rows(
    X: Matrix, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Merge repeated rows, and sort rows by their values.

    A row twice then gives exactly the same network as a row of weight 2, and so does any order of the rows.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (rows, features)
        Features of all rows.
    y : ndarray of shape (rows,) or (rows, targets)
        Target of all rows.
    rows : ndarray of int
        Numbers of the training rows.
    weights : ndarray of shape (training rows,) or None
        Weights of the training rows.

    Returns
    -------
    rows : ndarray of int
        Numbers of the distinct training rows.
    weights : ndarray or None
        Sum of the weights of equal rows; None if there were none and no row is repeated.
    """
    dense = X[rows].toarray() if issparse(X) else X[rows]
    numbers = np.unique(y[rows], return_inverse=True)[1].reshape(len(rows), -1)
    _, first, inverse, counts = np.unique(
        np.column_stack([dense, numbers]), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if weights is None and counts.max() == 1:
        return rows[first], None
    return rows[first], np.bincount(inverse.ravel(), weights, len(first)).astype(np.float64)

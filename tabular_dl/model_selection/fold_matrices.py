"""The feature matrix of a fold: all rows, encoded by what its training rows taught."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names, check_array

__all__ = ["FIRST_ROWS", "dense_matrix", "fold_matrix", "sharing"]


def dense_matrix(X: Any, dtype: Any = np.float32) -> np.ndarray:
    """Return finite numbers as a dense matrix of this type, or of one of these types.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> dense_matrix(csr_matrix([[0.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """
    checked = check_array(X, dtype=dtype, accept_sparse="csr", input_name="X")
    return checked.toarray() if issparse(checked) else checked


def fold_matrix(
    steps: Pipeline, X: Any, y: np.ndarray, train: np.ndarray, dtype: Any = np.float32
) -> tuple[Pipeline, np.ndarray, np.ndarray | None]:
    """Fit the steps before a network on the training rows of a fold, and encode all rows.

    Training rows get what ``fit_transform`` gives them, all others what ``transform`` gives. The two differ where a
    target is encoded: then a training row's value comes from the targets of other rows, its own not among them.

    Parameters
    ----------
    steps : Pipeline
        Fitted or not; a copy is fitted.
    X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,) or (rows, targets)
        The target; that of training rows alone is looked at.
    train : integer array
        Which rows to learn from.
    dtype : type or list of types
        Of the matrix; one that is in a list stays, others become the list's first.

    Returns
    -------
    tuple of Pipeline, ndarray of shape (rows, features) and ndarray of shape (features,) or None
        The fitted steps, the matrix, which is dense, and the names of its columns, where the steps return tables.

    Raises
    ------
    ValueError
        If the steps leave missing or infinite values.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from sklearn.preprocessing import TargetEncoder
    >>> X, y = np.array([["a"], ["a"], ["b"], ["b"], ["a"]], dtype=object), np.array([1.0, 0.0, 3.0, 4.0, 9.0])
    >>> steps = Pipeline([("target", TargetEncoder(smooth=0.0, target_type="continuous", cv=KFold(2)))])
    >>> fold_matrix(steps, X, y, np.array([0, 1, 2, 3]))[1].ravel().tolist()
    [3.5, 3.5, 0.5, 0.5, 0.5]
    """
    fitted = clone(steps)
    learned = fitted.fit_transform(_safe_indexing(X, train), y[train])
    encoded = dense_matrix(learned, dtype)
    matrix = np.empty((len(y), encoded.shape[1]), encoded.dtype)
    matrix[train] = encoded
    others = np.setdiff1d(np.arange(len(y)), train)
    if len(others):
        other = dense_matrix(fitted.transform(_safe_indexing(X, others)), dtype)
        if other.dtype != encoded.dtype:  # a step has found a narrower type for some rows than for others
            matrix = check_array(matrix.astype(np.result_type(encoded, other)), dtype=dtype, ensure_all_finite=False)
        matrix[others] = other
    return fitted, matrix, _get_feature_names(learned)


# Rows that are compared before a whole matrix is.
FIRST_ROWS = 64


def sharing(matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Put the first of equal matrices in the place of its copies, which are then free to go.

    Folds whose preprocessing learns nothing from its rows, or learned the same, then train on one matrix in memory.

    Examples
    --------
    >>> one, copy, other = np.zeros((2, 1)), np.zeros((2, 1)), np.ones((2, 1))
    >>> shared = sharing([one, copy, other])
    >>> shared[1] is one, shared[2] is other
    (True, True)
    """
    kept: list[np.ndarray] = []
    for matrix in matrices:
        same = (each for each in kept if each is matrix or _equal(each, matrix))
        kept.append(next(same, matrix))
    return kept


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return all(np.array_equal(one[rows], other[rows]) for rows in (slice(FIRST_ROWS), slice(FIRST_ROWS, None)))

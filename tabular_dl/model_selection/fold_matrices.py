"""Feature matrices of folds: all rows, transformed by steps that are fitted on the fold's training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names, check_array

from tabular_dl.errors import DataError
from tabular_dl.preprocessing import MappedMatrix, MappedRows
from tabular_dl.problems import with_means
from tabular_dl.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike

    Types = DTypeLike | Sequence[DTypeLike]

__all__ = [
    "FIRST_ROWS",
    "dense_matrix",
    "fold_matrices",
    "fold_matrix",
    "in_blocks",
    "reads_missing",
    "sharing",
    "training_rows",
]

ROWS_AT_ONCE = 2**17  # of a map


def dense_matrix(X: Any, dtype: Types = np.float32, *, missing: bool = False) -> np.ndarray:
    """Return finite numbers as a dense matrix.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (rows, columns)
        Numbers.
    dtype : type or list of types, default=float32
        Type of the matrix. A type in the list is kept; others are converted to the first one.
    missing : bool, default=False
        Whether values may be missing.

    Returns
    -------
    ndarray of shape (rows, columns)
        The numbers.

    Raises
    ------
    DataError
        If a value is infinite, or missing without `missing`; it is a `ValueError`.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> dense_matrix(csr_matrix([[0.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """
    try:
        finite = "allow-nan" if missing else True
        checked = check_array(X, dtype=dtype, accept_sparse="csr", input_name="X", ensure_all_finite=finite)
    except ValueError as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        raise DataError(
            f"The columns as numbers cannot be trained on: {reason}. Correct the rule that makes such numbers, as by a "
            "tiny divisor."
        ) from None
    return checked.toarray() if issparse(checked) else checked


def fold_matrix(
    steps: Pipeline, X: Any, y: np.ndarray, train: np.ndarray, dtype: Types = np.float32, *, missing: bool = False
) -> tuple[Pipeline, np.ndarray, np.ndarray | None]:
    """Fit the steps before a network on the training rows of a fold, and transform all rows.

    Training rows are transformed by ``fit_transform``, others by ``transform``. These differ for target encoding, where
    a training row is encoded by the targets of other rows only.

    Parameters
    ----------
    steps : Pipeline
        Steps, of which a clone is fitted.
    X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,) or (rows, targets)
        Target; only that of the training rows is used. Steps read the mean where a row lacks one of several targets.
    train : ndarray of int
        Numbers of the training rows.
    dtype : type or list of types, default=float32
        Type of the matrix, as for `dense_matrix`.
    missing : bool, default=False
        Whether values may be missing.

    Returns
    -------
    tuple of Pipeline, ndarray of shape (rows, features) and ndarray of shape (features,) or None
        Fitted steps, dense matrix, and names of its columns if the steps return tables.

    Raises
    ------
    ValueError
        If the result contains infinite values, or missing ones without `missing`.

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
    for given, copy in zip(steps, fitted, strict=True):
        if isinstance(copy, ColumnTransformer):
            # It fits clones of these. Sharing them makes a stored model a third smaller.
            copy.transformers = given.transformers
    transformed = fitted.fit_transform(_safe_indexing(X, train), with_means(y[train]))
    train_part = dense_matrix(transformed, dtype, missing=missing)
    matrix = np.empty((len(y), train_part.shape[1]), train_part.dtype)
    matrix[train] = train_part
    others = np.setdiff1d(np.arange(len(y)), train)
    if len(others):
        part = dense_matrix(fitted.transform(_safe_indexing(X, others)), dtype, missing=missing)
        if part.dtype != train_part.dtype:  # steps may return narrower types for some rows than for others
            matrix = check_array(matrix.astype(np.result_type(train_part, part)), dtype=dtype, ensure_all_finite=False)
        matrix[others] = part
    return fitted, matrix, _get_feature_names(transformed)


def fold_matrices(
    steps: Pipeline | None, X: Any, y: np.ndarray, rows: Sequence[np.ndarray], last: Any
) -> tuple[list[Pipeline | None], list[Any], list[np.ndarray | None]]:
    """Fit the steps before a network or model on the training rows of each fold, and transform all rows.

    Parameters
    ----------
    steps : Pipeline or None
        Steps, of which clones are fitted; None if the model reads the raw rows.
    X, y
        As for `fold_matrix`. Of `MappedRows`, matrices are read from the map whenever rows of them are.
    rows : sequence of ndarray of int
        Numbers of the training rows of each fold.
    last : KerasEstimator or ModelEstimator
        What reads the matrices.

    Returns
    -------
    encoders : list of Pipeline or None
        Fitted steps of each fold.
    matrices : list of ndarray of shape (rows, features)
        All rows, as each fold encodes them; equal matrices are one object.
    names : list of ndarray or None
        Names of the columns of each matrix, if they have any.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tabular_dl.estimators.keras_estimators import KerasRegressor
    >>> steps, rows = Pipeline([("scale", StandardScaler())]), [np.array([0, 1]), np.array([1, 2])]
    >>> X = np.array([[1.0], [3.0], [7.0]])
    >>> _, matrices, _ = fold_matrices(steps, X, np.zeros(3), rows, KerasRegressor())
    >>> [matrix.ravel().tolist() for matrix in matrices]
    [[-1.0, 1.0, 5.0], [-2.0, -1.0, 1.0]]
    """
    types, missing, count = last.fold_types, reads_missing(last), len(rows)
    if isinstance(X, MappedRows):
        pairs = [X.encoded(steps, train) for train in rows]
        return [encoder for encoder, _ in pairs], [matrix for _, matrix in pairs], [None] * count
    if steps is None:
        return [None] * count, [dense_matrix(X, types, missing=missing)] * count, [_get_feature_names(X)] * count
    encoders: list[Pipeline | None] = []
    matrices: list[np.ndarray] = []
    names: list[np.ndarray | None] = []
    for train in rows:
        encoder, matrix, columns = fold_matrix(steps, X, y, train, types, missing=missing)
        encoders.append(encoder)
        matrices = sharing([*matrices, matrix])
        names.append(columns)
    return encoders, matrices, names


def reads_missing(last: Any) -> bool:
    """Return whether a network or model reads missing values."""
    return getattr(last, "reads_missing", False)  # networks do not


# Number of rows to compare before whole matrices are compared.
FIRST_ROWS = 64


def sharing(matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return matrices with copies replaced by the first of equal matrices, to save memory.

    The matrices of folds are equal if their preprocessing learned nothing, or the same.

    Parameters
    ----------
    matrices : sequence of ndarray of shape (rows, features)
        Matrices.

    Returns
    -------
    list of ndarray of shape (rows, features)
        Equal matrices, of which equal ones are one object.

    Examples
    --------
    >>> zeros, copy, ones = np.zeros((2, 1)), np.zeros((2, 1)), np.ones((2, 1))
    >>> shared = sharing([zeros, copy, ones])
    >>> shared[1] is zeros, shared[2] is ones
    (True, True)
    """
    kept: list[np.ndarray] = []
    for matrix in matrices:
        matches = (earlier for earlier in kept if earlier is matrix or _equal(earlier, matrix))
        kept.append(next(matches, matrix))
    return kept


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return all(
        np.array_equal(a[rows], b[rows], equal_nan=a.dtype.kind == "f")
        for rows in (slice(FIRST_ROWS), slice(FIRST_ROWS, None))
    )


def training_rows(estimator: Any, X: Any) -> Any:
    """Return raw rows that an estimator is fitted on, validated as `read_rows` does; those of a map by its example."""
    rows = read_rows(estimator, X.example if isinstance(X, MappedRows) else X, reset=True)
    return X if isinstance(X, MappedRows) else rows


def in_blocks(
    predict: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray | MappedMatrix, rows: np.ndarray
) -> np.ndarray:
    """Return predictions of some rows of a matrix; those of a map are read and predicted in blocks.

    Examples
    --------
    >>> in_blocks(lambda block: block.sum(axis=1), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1])).tolist()
    [7.0]
    """
    if not isinstance(matrix, MappedMatrix):
        return predict(matrix[rows])
    starts = range(0, max(1, len(rows)), ROWS_AT_ONCE)
    return np.concatenate([predict(matrix[rows[start : start + ROWS_AT_ONCE]]) for start in starts])

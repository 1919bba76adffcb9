"""Inputs of a network: numbers, normalised on request, and the codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix, issparse

from tabular_dl.errors import DataError, SpecError, did_you_mean

__all__ = ["MATRIX_TYPES", "Inputs", "columns_named", "embedding_size"]

# Small integers are left as they are, and made float32 block by block.
MATRIX_TYPES = (np.float32, np.uint8, np.int8)
# A feature matrix, dense or sparse.
Matrix: TypeAlias = np.ndarray | csr_matrix
# From here on, float32 does not hold every whole number.
WHOLE = 2**24

# A standard deviation of so small a share of the mean is that of a constant column.
ROUNDING = 100 * np.finfo(np.float64).eps


def embedding_size(categories: int) -> int:
    """Return the length of the vectors for so many categories: ``min(50, 1.6 * categories ** 0.56)``.

    The rule of the fastai library, fitted to embeddings that had been found by trial
    (https://docs.fast.ai/tabular.model.html).

    Examples
    --------
    >>> embedding_size(3), embedding_size(100), embedding_size(10_000)
    (3, 21, 50)
    """
    return min(50, max(1, round(1.6 * categories**0.56)))


@dataclass(frozen=True)
class Inputs:
    """Inputs of a network from the columns of a feature matrix: numbers first, then codes of categories.

    Parameters
    ----------
    features : int
        Columns of the feature matrix.
    categorical : list of int
        Which columns hold categories.
    categories : list of ndarray
        The categories of each, sorted; their codes count from 1, and 0 is any other value.
    mean, scale : ndarray of shape (numeric columns,) or None
        What numeric columns are normalised by.

    Examples
    --------
    >>> X = np.array([[7.0, 1.0], [9.0, 3.0], [7.0, 5.0]])
    >>> inputs = Inputs.learn(X, categorical=[0], normalize=True)
    >>> inputs.encode(np.array([[9.0, 3.0], [8.0, 3.0]])).tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """

    features: int
    categorical: list[int] = field(default_factory=list)
    categories: list[np.ndarray] = field(default_factory=list)
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    @classmethod
    def learn(
        cls,
        X: Matrix,
        categorical: Sequence[int] = (),
        normalize: bool = False,
        weights: np.ndarray | None = None,
    ) -> Self:
        """Learn categories and weighted means and standard deviations from training rows, (rows, features).

        Raises
        ------
        DataError
            If a category is no whole number, or the matrix is sparse.
        """
        features, chosen = X.shape[1], sorted(categorical)
        if not chosen and not normalize:
            return cls(features)
        _check_dense(X)
        for column in chosen:
            if X.dtype == np.float32 and len(X) and np.abs(X[:, column]).max() >= WHOLE:
                raise DataError(
                    f"categorical_features: column {column} has categories from {WHOLE} on, which float32 does not "
                    "tell apart: number them anew, by OrdinalEncoder for instance."
                )
            odd = X[:, column][X[:, column] % 1 != 0]
            if len(odd):
                raise DataError(
                    f"categorical_features: column {column} has the value {odd[0]}; a category has to be a whole "
                    "number, as OrdinalEncoder makes it."
                )
        categories = [np.unique(X[:, column]).astype(np.int64) for column in chosen]
        mean = scale = None
        if normalize:
            numbers = np.delete(X, chosen, axis=1).astype(np.float64)
            # Weights as a column: without numeric columns NumPy would divide by nothing.
            own = np.ones((len(numbers), 1)) if weights is None else np.asarray(weights, np.float64)[:, np.newaxis]
            mean = (numbers * own).sum(axis=0) / own.sum()
            deviation = np.sqrt(((numbers - mean) ** 2 * own).sum(axis=0) / own.sum())
            # The mean of equal numbers may miss them by rounding.
            scale = np.where(deviation > ROUNDING * np.abs(mean), deviation, 1.0)
        return cls(features, chosen, categories, mean, scale)

    @property
    def plain(self) -> bool:
        """Whether the matrix is taken as it is."""
        return not self.categorical and self.mean is None

    @property
    def numeric(self) -> list[int]:
        """The columns that hold numbers."""
        return [column for column in range(self.features) if column not in self.categorical]

    def encode(self, X: Matrix) -> Matrix:
        """Return the network's inputs, (rows, numeric columns + categorical columns), float32; a plain matrix as it is.

        A memory map or a sparse matrix that needs no coding is not copied.

        Raises
        ------
        DataError
            If the matrix is sparse and needs coding.
        """
        if self.plain:
            return X
        _check_dense(X)
        numbers = X[:, self.numeric]
        if self.mean is not None:
            numbers = (numbers - self.mean) / self.scale
        codes = [_codes(X[:, column], known) for column, known in zip(self.categorical, self.categories, strict=True)]
        return np.column_stack([numbers, *codes]).astype(np.float32)


def _check_dense(X: Matrix) -> None:
    if issparse(X):
        raise DataError(
            "categorical_features and normalize need a dense matrix: encode or scale the columns before, by "
            "MaxAbsScaler for instance."
        )


def _codes(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return numbers of categories, from 1 in their order; 0 for others."""
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, places + 1, 0)


def columns_named(names: Sequence[int | str], features: int, known: Sequence[str] | None) -> list[int]:
    """Turn names or numbers of columns into numbers.

    Raises
    ------
    SpecError
        If there is no such column.
    """
    numbers = []
    for name in names:
        if isinstance(name, str):
            if known is None or name not in list(known):
                hint = did_you_mean(name, list(known)) if known is not None else "The matrix has no column names."
                raise SpecError(f"categorical_features: there is no column {name!r}. {hint}")
            numbers.append(list(known).index(name))
        elif not 0 <= name < features:
            raise SpecError(f"categorical_features: there is no column {name} among {features}, counted from 0.")
        else:
            numbers.append(int(name))
    return sorted(set(numbers))

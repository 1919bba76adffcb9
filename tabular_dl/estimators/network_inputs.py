"""Inputs of a network: numbers, normalised on request, and codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, issparse

from tabular_dl.errors import DataError, SpecError, did_you_mean

__all__ = ["MATRIX_TYPES", "Features", "Inputs", "Matrix", "columns_named", "embedding_size"]

# Types of matrices that are not converted; small integers become float32 block by block.
MATRIX_TYPES: tuple[type[np.generic], ...] = (np.float32, np.uint8, np.int8)
# Feature matrix, dense or sparse, and feature matrix as a user passes it.
Matrix: TypeAlias = np.ndarray | csr_matrix
Features: TypeAlias = ArrayLike | pd.DataFrame | csr_matrix
# Whole numbers from here on have no exact float32 value in general.
FLOAT32_LIMIT = 2**24

# A column is constant if its standard deviation is at most this share of its mean, which is rounding error.
ROUNDING = 100 * np.finfo(np.float64).eps


def embedding_size(categories: int) -> int:
    """Return the length of the vectors of an embedding: ``min(50, round(1.6 * categories ** 0.56))``, at least 1.

    This is the rule of the fastai library (https://docs.fast.ai/tabular.model.html), found by experiments.

    Parameters
    ----------
    categories : int
        Number of categories.

    Returns
    -------
    int
        Length of the vectors.

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
        Number of columns of the feature matrix.
    categorical : list of int
        Numbers of the columns that hold categories.
    categories : list of ndarray
        Sorted categories of each of these columns; their codes are 1, 2 ..., and 0 for any other value.
    mean, scale : ndarray of shape (numeric columns,) or None
        Means and standard deviations to normalise numeric columns by; None without normalisation.

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
        """Learn categories, and weighted means and standard deviations, from training rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (rows, features)
            Features of the training rows.
        categorical : sequence of int
            Numbers of the columns that hold categories.
        normalize : bool, default=False
            Whether to normalise numeric columns.
        weights : ndarray of shape (rows,), optional
            Weights of the rows; equal by default.

        Returns
        -------
        Inputs
            Coding of the network's inputs.

        Raises
        ------
        DataError
            If a category is not a whole number, or is too large for a float32 matrix, or a sparse matrix needs coding.
        """
        features, columns = X.shape[1], sorted(categorical)
        if not columns and not normalize:
            return cls(features)
        _check_dense(X)
        for column in columns:
            _check_categories(X[:, column], column)
        categories = [np.unique(X[:, column]).astype(np.int64) for column in columns]
        mean = scale = None
        if normalize:
            numbers = np.delete(X, columns, axis=1).astype(np.float64)
            # Weights are a column: NumPy's average would fail without numeric columns.
            shares = np.ones((len(numbers), 1)) if weights is None else np.asarray(weights, np.float64)[:, np.newaxis]
            mean = (numbers * shares).sum(axis=0) / shares.sum()
            deviation = np.sqrt(((numbers - mean) ** 2 * shares).sum(axis=0) / shares.sum())
            # The deviation of equal numbers may be greater than 0 by rounding.
            scale = np.where(deviation > ROUNDING * np.abs(mean), deviation, 1.0)
        return cls(features, columns, categories, mean, scale)

    @property
    def plain(self) -> bool:
        """Whether the network's inputs are the feature matrix as it is."""
        return not self.categorical and self.mean is None

    @property
    def numeric(self) -> list[int]:
        """Numbers of the columns that hold numbers."""
        return [column for column in range(self.features) if column not in self.categorical]

    def encode(self, X: Matrix) -> Matrix:
        """Return the inputs of the network.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (rows, features)
            Feature matrix.

        Returns
        -------
        ndarray or CSR matrix of shape (rows, numeric columns + categorical columns)
            Numbers, then codes, float32; the feature matrix itself, not a copy, if it needs no coding.

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
            "categorical_features and normalize need a dense matrix: encode or scale the columns before, for example "
            "by MaxAbsScaler."
        )


def _check_categories(values: np.ndarray, column: int) -> None:
    if values.dtype == np.float32 and len(values) and np.abs(values).max() >= FLOAT32_LIMIT:
        raise DataError(
            f"categorical_features: column {column} has categories from {FLOAT32_LIMIT} on, which float32 cannot "
            "distinguish: renumber them, for example by OrdinalEncoder."
        )
    fractions = values[values % 1 != 0]
    if len(fractions):
        raise DataError(
            f"categorical_features: column {column} has the value {fractions[0]}; categories must be whole numbers: "
            "encode them, for example by OrdinalEncoder."
        )


def _codes(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the codes of values: the position of the category, from 1, or 0 for unknown values."""
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[places] == values, places + 1, 0)


def columns_named(names: Sequence[int | str], features: int, known: Sequence[str] | None) -> list[int]:
    """Return the numbers of columns from their names or numbers.

    Parameters
    ----------
    names : sequence of int or str
        Names or numbers.
    features : int
        Number of columns of the feature matrix.
    known : sequence of str or None
        Names of all columns, if they have names.

    Returns
    -------
    list of int
        Sorted numbers, from 0.

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

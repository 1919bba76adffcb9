"""Inputs of a network: numbers, normalised and binned on request, and codes of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, issparse

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.estimators.column_scales import robust_scale, standard_scale
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.problems import with_means
from tabular_dl.tables import bin_edges

__all__ = ["MATRIX_TYPES", "Features", "Inputs", "Matrix", "columns_named", "embedding_size"]

# Types of matrices that are not converted; small integers become float32 block by block.
MATRIX_TYPES: tuple[type[np.generic], ...] = (np.float32, np.uint8, np.int8)
# Feature matrix, dense or sparse, and feature matrix as a user passes it.
Matrix: TypeAlias = np.ndarray | csr_matrix
Features: TypeAlias = ArrayLike | pd.DataFrame | csr_matrix
# Whole numbers from here on have no exact float32 value in general.
FLOAT32_LIMIT = 2**24

# Normalised numbers are clipped to below this size.
CLIPPED = 3.0


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

    Without a numeric embedding, numbers are in the order of the matrix. With one, those of more than two values come
    first: they are continuous and have an embedding, whereas a number of two values has nothing to bend.

    Parameters
    ----------
    features : int
        Number of columns of the feature matrix.
    categorical : list of int
        Numbers of the columns that hold categories.
    categories : list of ndarray
        Sorted categories of each of these columns; their codes are 1, 2 ..., and 0 for any other value.
    mean, scale : ndarray of shape (numeric columns,) or None
        Centres and scales to normalise numeric columns by, in the order of the inputs; None without normalisation.
    clip : bool
        Whether normalised numbers z are clipped smoothly, ``z / sqrt(1 + (z / 3) ** 2)``.
    order : list of int or None
        Numbers of the numeric columns, the continuous ones first; None for the order of the matrix.
    continuous : int
        Number of continuous columns.
    edges : list of ndarray
        Edges of the bins of each continuous column, after normalisation, if the embedding has bins.

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
    clip: bool = False
    order: list[int] | None = None
    continuous: int = 0
    edges: list[np.ndarray] = field(default_factory=list)

    @classmethod
    def learn(
        cls,
        X: Matrix,
        categorical: Sequence[int] = (),
        normalize: bool | str = False,
        weights: np.ndarray | None = None,
        *,
        embedding: bool = False,
    ) -> Self:
        """Learn categories, and weighted means and standard deviations, from training rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (rows, features)
            Features of the training rows.
        categorical : sequence of int
            Numbers of the columns that hold categories.
        normalize : bool or "robust", default=False
            Whether to normalise numeric columns: by mean and standard deviation, or by median and quartiles with smooth
            clipping.
        weights : ndarray of shape (rows,), optional
            Weights of the rows; equal by default.
        embedding : bool, default=False
            Whether continuous columns have an embedding.

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
        if not columns and not normalize and not embedding:
            return cls(features)
        _check_dense(X)
        for column in columns:
            _check_categories(X[:, column], column)
        categories = [np.unique(X[:, column]).astype(np.int64) for column in columns]
        order, continuous = _continuous_first(X, columns) if embedding else (None, 0)
        mean = scale = None
        if normalize:
            numeric = order if order is not None else np.setdiff1d(np.arange(features), columns)
            centre_and_scale = robust_scale if normalize == "robust" else standard_scale
            mean, scale = centre_and_scale(X[:, numeric].astype(np.float64), weights)
        return cls(features, columns, categories, mean, scale, normalize == "robust", order, continuous)

    def with_bins(self, X: Matrix, bins: int, **options: Any) -> Self:
        """Return these inputs with bins of the continuous columns.

        Parameters
        ----------
        X : ndarray of shape (rows, features)
            Features of the training rows.
        bins : int
            Largest number of bins.
        **options
            Further arguments of `tabular_dl.tables.bin_edges`, such as the target.

        Returns
        -------
        Inputs
            Inputs with `edges`.
        """
        numbers = self.encode(X)[:, : self.continuous]
        return replace(self, edges=[bin_edges(column, bins, **options) for column in numbers.T])

    def bins(self, most: int) -> np.ndarray:
        """Return slopes and offsets of the bins, (continuous columns, 2, most): 0 for bins that a column has not.

        ``slope * x + offset`` goes from 0 to 1 within a bin.
        """
        lines = np.zeros((self.continuous, 2, most))
        for line, edges in zip(lines, self.edges, strict=True):
            slopes = 1.0 / np.diff(edges)
            line[:, : len(slopes)] = slopes, -slopes * edges[:-1]
        return lines

    @property
    def plain(self) -> bool:
        """Whether the network's inputs are the feature matrix as it is."""
        return not self.categorical and self.mean is None and self.order is None

    @property
    def numeric(self) -> list[int]:
        """Numbers of the columns that hold numbers, in the order of the inputs."""
        if self.order is not None:
            return list(self.order)
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
        if self.clip:
            numbers = numbers / np.sqrt(1.0 + np.square(numbers / CLIPPED))
        codes = [_codes(X[:, column], known) for column, known in zip(self.categorical, self.categories, strict=True)]
        return np.column_stack([numbers, *codes]).astype(np.float32)


def inputs_for(
    settings: Hyperparameters,
    X: Matrix,
    y: np.ndarray,
    rows: np.ndarray,
    categorical: Sequence[int],
    weights: np.ndarray | None,
    *,
    classification: bool,
) -> Inputs:
    """Return the inputs of networks, learned from training rows.

    Parameters
    ----------
    settings : Hyperparameters
        Hyperparameters, with those of the preset in place of "auto".
    X : ndarray or CSR matrix of shape (rows, features)
        Features of all rows.
    y : ndarray of shape (rows,) or (rows, targets)
        Target of all rows.
    rows : ndarray of int
        Numbers of the training rows.
    categorical : sequence of int
        Numbers of the columns that hold categories.
    weights : ndarray of shape (training rows,) or None
        Weights of the training rows.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    Inputs
        Coding of the network's inputs.
    """
    embedding = settings.numeric_embedding != "none"
    needs_rows = bool(categorical) or bool(settings.normalize) or embedding
    training = X[rows] if needs_rows else X
    inputs = Inputs.learn(training, categorical, settings.normalize, weights, embedding=embedding)
    if settings.numeric_embedding != "piecewise_linear":
        return inputs
    target = with_means(y[rows]) if settings.bin_strategy == "tree" else None
    return inputs.with_bins(training, settings.bins, target=target, classification=classification, weights=weights)


def _continuous_first(X: np.ndarray, categorical: Sequence[int]) -> tuple[list[int], int]:
    """Return the numeric columns, those of more than two values first, and the number of these."""
    numeric = [column for column in range(X.shape[1]) if column not in categorical]
    low, high = X.min(axis=0), X.max(axis=0)
    two_valued = [bool(((X[:, column] == low[column]) | (X[:, column] == high[column])).all()) for column in numeric]
    order = sorted(range(len(numeric)), key=two_valued.__getitem__)
    return [numeric[place] for place in order], two_valued.count(False)


def _check_dense(X: Matrix) -> None:
    if issparse(X):
        raise DataError(
            "A sparse matrix is not supported with categorical_features, normalize and numeric_embedding, which need a "
            "dense matrix: encode or scale the columns before, for example by MaxAbsScaler, and choose preset mlp."
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

"""Bins of a column of numbers, and the piecewise-linear encoding that they give.

The encoding lets a network bend at the edges of the bins, and step between neighbouring ones (Gorishniy, Rubachev and
Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022, arXiv:2203.05556). Importing
this file does not load scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.errors import DataError
from tabular_dl.tables.values import LARGEST

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["bin_edges", "bin_parts", "encode_piecewise"]

CONSTANT = 1e-6  # range, relative to the largest magnitude, below which a column is constant: float32 rounds at 6e-8
SPIKE = 0.05  # share of the rows above which a value is a spike
LEAF = 1 / 50  # least share of the rows in a leaf: smaller ones follow the noise of the target
MOST_TREE_ROWS = 100_000  # that a tree is fitted on: more would move thresholds by less than the width of a leaf

Array = np.ndarray[Any, Any]


def bin_edges(
    values: ArrayLike,
    bins: int,
    target: ArrayLike | None = None,
    *,
    classification: bool = False,
    weights: ArrayLike | None = None,
    seed: int = 0,
) -> Array:
    """Return the edges of at most ``bins`` bins of a column, from its training rows.

    A constant column has no edges: one distinct value, or a range below 1e-6 of the largest magnitude. A column of at
    most ``bins + 1`` distinct values has an edge at each. Otherwise there are edges at the minimum, at the maximum and

    - around spikes, which are values in more than 5 % of the rows: at the spike and at the neighbouring values on both
      sides, so that the encoding can step there and back. A spike at the minimum or maximum needs only the one inside.
      The most frequent spikes come first, and each gets its edges if at most half of the inner ones are then used up.
    - at quantiles of the other rows, or at the thresholds of a decision tree that predicts the target from the column
      in the other rows. A leaf has 2 % of them or more.

    There may be fewer than ``bins`` bins: quantiles may coincide, and the tree may find nothing more to split.

    Parameters
    ----------
    values : array-like of shape (rows,)
        Finite numbers of at most 1e38.
    bins : int
        Largest number of bins, at least 2.
    target : array-like of shape (rows,) or (rows, targets), optional
        Target, for bins by a decision tree; without it bins are quantiles.
    classification : bool, default=False
        Whether the target consists of labels.
    weights : array-like of shape (rows,), optional
        Weights of the rows; a row of weight 2 counts as two rows.
    seed : int, default=0
        Seed of the 100,000 rows that the tree is fitted on if there are more.

    Returns
    -------
    ndarray of float64, shape (edges,)
        Strictly increasing edges: 0, or from 2 to ``bins + 1``.

    Raises
    ------
    DataError
        If a value is missing, infinite or too large, there are no rows, or a weight is negative; it is a `ValueError`.
    ValueError
        If there are fewer than 2 bins.

    Examples
    --------
    >>> bin_edges(np.arange(101), bins=4).tolist()
    [0.0, 25.0, 50.0, 75.0, 100.0]
    >>> fares = [0.0] * 50 + list(range(1, 101))  # free for a third of the passengers
    >>> bin_edges(fares, bins=4).tolist()
    [0.0, 1.0, 34.0, 67.0, 100.0]
    >>> bin_edges(np.arange(101), bins=2, target=np.arange(101) >= 30, classification=True).tolist()
    [0.0, 29.5, 100.0]
    """
    if bins < 2:
        raise ValueError(f"bins: expected 2 or more, found {bins}")
    column, goal, shares = _checked(values, target, weights)
    distinct, counts = _counted(column, shares)
    if distinct[-1] - distinct[0] <= CONSTANT * max(abs(distinct[0]), abs(distinct[-1])):
        return np.empty(0)
    if len(distinct) <= bins + 1:
        return distinct
    around, spikes = _edges_around_spikes(counts, bins - 1)
    edges = sorted({0, len(distinct) - 1, *around})
    left = bins + 1 - len(edges)
    if goal is None:
        counts[spikes] = 0  # they have their edges
        inner = _quantiles(distinct, counts, left)
    else:
        rows = np.flatnonzero(~np.isin(column, distinct[spikes]))
        part = None if shares is None else shares[rows]
        inner = _thresholds(column[rows], goal[rows], part, left, classification=classification, seed=seed)
    return np.unique(np.concatenate([distinct[edges], inner]))


def _checked(
    values: ArrayLike, target: ArrayLike | None, weights: ArrayLike | None
) -> tuple[Array, Array | None, Array | None]:
    """Return values, target and weights as arrays of the rows that have a weight."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not len(column):
        raise DataError(f"values: expected one row or more of one column, found shape {column.shape}; add rows")
    wrong = np.flatnonzero(~(np.abs(column) <= LARGEST))  # not the reverse comparison: NaN belongs to them
    if len(wrong):
        value = column[wrong[0]]
        advice = "impute missing values before" if np.isnan(value) else "correct or clip the value"
        raise DataError(f"values, row {wrong[0]}: expected a finite number of at most 1e38, found {value}; {advice}")
    column = column + 0.0  # of -0.0 and 0.0 one would be an edge by chance
    goal = None if target is None else np.asarray(target)
    if goal is not None and goal.shape[:1] != column.shape:
        raise DataError(f"target: expected {len(column)} rows, as there are values, found shape {goal.shape}")
    if weights is None:
        return column, goal, None
    shares = np.asarray(weights, dtype=np.float64)
    if shares.shape != column.shape or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise DataError(
            f"weights: expected {len(column)} finite numbers of 0 or more, one a row, not all 0; correct the weights"
        )
    used = shares > 0
    return column[used], None if goal is None else goal[used], shares[used]


def _counted(column: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return the distinct values, ascending, and the weight of each."""
    if weights is None:  # the inverse takes most of the time
        return np.unique(column, return_counts=True)
    distinct, places = np.unique(column, return_inverse=True)
    return distinct, np.bincount(places, weights)


def _edges_around_spikes(counts: Array, inner: int) -> tuple[set[int], list[int]]:
    """Return the numbers of the distinct values that get an inner edge for spikes, and of the spikes themselves."""
    last = len(counts) - 1
    edges: set[int] = set()
    spikes = []
    by_size = np.argsort(-counts, kind="stable")
    for place in by_size[counts[by_size] > SPIKE * counts.sum()].tolist():
        with_spike = edges | {near for near in (place - 1, place, place + 1) if 0 < near < last}
        if len(with_spike) <= (inner + 1) // 2:
            edges = with_spike
            spikes.append(place)
    return edges, spikes


def _quantiles(distinct: Array, counts: Array, number: int) -> Array:
    """Return quantiles that cut the rows of distinct values into ``number + 1`` parts of about the same size."""
    below = np.cumsum(counts)
    return distinct[np.searchsorted(below, np.arange(1, number + 1) * below[-1] / (number + 1))]


def _thresholds(
    column: Array, target: Array, weights: Array | None, most: int, *, classification: bool, seed: int
) -> Array:
    """Return the thresholds, at most ``most``, of a decision tree that predicts a target from a column."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if most < 1:
        return np.empty(0)
    if len(column) > MOST_TREE_ROWS:
        drawn = np.random.default_rng(seed).choice(len(column), MOST_TREE_ROWS, replace=False)
        column, target, weights = column[drawn], target[drawn], None if weights is None else weights[drawn]
    # Trees round their input to float32. It represents the ranks of the values exactly, dates in seconds it does not.
    distinct, ranks = np.unique(column, return_inverse=True)
    tree_type = DecisionTreeClassifier if classification else DecisionTreeRegressor
    tree = tree_type(max_leaf_nodes=most + 1, min_weight_fraction_leaf=LEAF, random_state=seed)
    tree.fit(ranks[:, None], target, sample_weight=weights)
    below = np.floor(tree.tree_.threshold[tree.tree_.feature >= 0]).astype(np.int64)
    return distinct[below] + (distinct[below + 1] - distinct[below]) / 2


def encode_piecewise(values: ArrayLike, edges: ArrayLike) -> Array:
    """Return the piecewise-linear encoding of a column: the part of each bin that lies below a value.

    Component t of the value x is

        clip((x - edges[t]) / (edges[t + 1] - edges[t]), 0, 1)

    so that the edges plus the components times the widths of the bins give back x. Values outside the edges are not
    extrapolated: they are encoded as the nearest end. Missing values stay missing.

    Parameters
    ----------
    values : array-like of shape (rows,)
        Numbers.
    edges : array-like of shape (edges,)
        Strictly increasing edges, from `bin_edges`.

    Returns
    -------
    ndarray of float64, shape (rows, edges - 1)
        Components from 0 to 1; without edges there are none.

    Examples
    --------
    >>> encode_piecewise([-5.0, 5.0, 15.0], [0.0, 10.0, 20.0]).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.5]]
    """
    bounds = np.asarray(edges, dtype=np.float64)
    return bin_parts(np.asarray(values, dtype=np.float64)[:, None], bounds[:-1], bounds[1:])


def bin_parts(values: Array, low: Array, high: Array) -> Array:
    """Return the part of each bin that lies below a value: ``clip((values - low) / (high - low), 0, 1)``.

    It is the formula of `encode_piecewise` for bins of any number of columns at once.

    Parameters
    ----------
    values : ndarray of floats, shape (rows, bins) or (rows, 1)
        Value of each row for each bin.
    low, high : ndarray of float64, shape (bins,)
        Lower and upper edges of the bins, ``low < high``.

    Returns
    -------
    ndarray of float64, shape (rows, bins)
        Parts from 0 to 1; NaN where a value is missing.

    Examples
    --------
    >>> bin_parts(np.array([[5.0, 0.3], [20.0, 0.1]]), low=np.array([0.0, 0.2]), high=np.array([10.0, 0.4])).round(3)
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    # Clipped first: a value far away, divided by the width of a tiny bin, would overflow.
    parts = np.minimum(np.maximum(values, low), high)
    parts -= low
    parts /= high - low
    return parts

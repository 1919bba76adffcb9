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

__all__ = ["bin_edges", "encode_piecewise"]

CONSTANT = 1e-6  # range, relative to the largest magnitude, below which a column is constant: float32 rounds at 6e-8
SPIKE = 0.05  # share of the rows above which a value is a spike
LEAF = 1 / 200  # least share of the rows in a leaf
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
      in the other rows. A leaf has 0.5 % of them or more.

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
    column = _checked(values)
    shares = np.ones(len(column)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != column.shape or not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise DataError(
            f"weights: expected {len(column)} finite numbers of 0 or more, one a row, not all 0; correct the weights"
        )
    used = shares > 0
    column, shares = column[used], shares[used]
    distinct, places = np.unique(column, return_inverse=True)
    if distinct[-1] - distinct[0] <= CONSTANT * max(abs(distinct[0]), abs(distinct[-1])):
        return np.empty(0)
    if len(distinct) <= bins + 1:
        return distinct
    counts = np.bincount(places, shares)
    around, spikes = _edges_around_spikes(counts, bins - 1)
    edges = {0, len(distinct) - 1, *around}
    others = np.ones(len(distinct), dtype=bool)
    others[spikes] = False
    left = bins + 1 - len(edges)
    if target is None:
        inner = _quantiles(distinct[others], counts[others], left)
    else:
        rows = np.flatnonzero(others[places])
        goal = np.asarray(target)[used][rows]
        inner = _thresholds(column[rows], goal, left, shares[rows], classification=classification, seed=seed)
    return np.unique(np.concatenate([distinct[sorted(edges)], inner]))


def _checked(values: ArrayLike) -> Array:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not len(column):
        raise DataError(f"values: expected one row or more of one column, found shape {column.shape}; add rows")
    wrong = np.flatnonzero(~(np.abs(column) <= LARGEST))  # not the reverse comparison: NaN belongs to them
    if len(wrong):
        found = column[wrong[0]]
        advice = "impute missing values before" if np.isnan(found) else "correct or clip the value"
        raise DataError(f"values, row {wrong[0]}: expected a finite number of at most 1e38, found {found}; {advice}")
    return column + 0.0  # of -0.0 and 0.0 one would be an edge by chance


def _edges_around_spikes(counts: Array, inner: int) -> tuple[set[int], list[int]]:
    """Return the numbers of the distinct values that get an inner edge for spikes, and of the spikes themselves."""
    last = len(counts) - 1
    edges: set[int] = set()
    spikes = []
    by_size = np.argsort(-counts, kind="stable")
    for place in by_size[counts[by_size] > SPIKE * counts.sum()].tolist():
        more = edges | {near for near in (place - 1, place, place + 1) if 0 < near < last}
        if len(more) <= (inner + 1) // 2:
            edges = more
            spikes.append(place)
    return edges, spikes


def _quantiles(distinct: Array, counts: Array, number: int) -> Array:
    """Return quantiles that cut the rows of distinct values into ``number + 1`` parts of about the same size."""
    levels = np.arange(1, number + 1) / (number + 1)
    return np.asarray(np.quantile(distinct, levels, weights=counts, method="inverted_cdf"))


def _thresholds(column: Array, target: Array, most: int, weights: Array, *, classification: bool, seed: int) -> Array:
    """Return the thresholds, at most ``most``, of a decision tree that predicts a target from a column."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if most < 1:
        return np.empty(0)
    if len(column) > MOST_TREE_ROWS:
        drawn = np.random.default_rng(seed).choice(len(column), MOST_TREE_ROWS, replace=False)
        column, target, weights = column[drawn], target[drawn], weights[drawn]
    # Trees round their input to float32. It represents the ranks of the values exactly, dates in seconds it does not.
    distinct, ranks = np.unique(column, return_inverse=True)
    kind = DecisionTreeClassifier if classification else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=most + 1, min_weight_fraction_leaf=LEAF, random_state=seed)
    tree.fit(ranks[:, None], target, sample_weight=weights)
    below = np.floor(tree.tree_.threshold[tree.tree_.feature >= 0]).astype(np.int64)
    return np.asarray(distinct[below] + (distinct[below + 1] - distinct[below]) / 2)


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
    column, bounds = np.asarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    low, high = bounds[:-1], bounds[1:]
    # Clipped first: a value far away, divided by the width of a tiny bin, would overflow.
    return np.asarray((np.clip(column[:, None], low, high) - low) / (high - low))

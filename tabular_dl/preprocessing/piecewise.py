"""Piecewise-linear encoding of numeric columns as a transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing.column_rules import BIN_STRATEGIES, BINS
from tabular_dl.preprocessing.stored_tables import pack_arrays, unpack_arrays
from tabular_dl.tables import bin_edges, bin_parts, read_target

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

__all__ = ["PiecewiseEncoder"]

BLOCK = 100_000  # numbers that are computed at once, so that they fit in a processor's cache
MOST_DIGITS = 17  # that tell any two floats apart


class PiecewiseEncoder(TransformerMixin, BaseEstimator):
    """Encode numbers by the part of each bin of their column that lies below them.

    The bins of a column are those of `tabular_dl.tables.bin_edges`. Component t of the value x is

        clip((x - edges[t]) / (edges[t + 1] - edges[t]), 0, 1)

    so that a linear function of the components is any function of x that is linear in each bin (Gorishniy, Rubachev and
    Babenko, NeurIPS 2022, arXiv:2203.05556). Values outside the training range are encoded as its nearest end. Constant
    columns have no components. Missing values are ignored by the bins, and all their components are missing.

    Parameters
    ----------
    bins : int, default=12
        Largest number of bins of a column, at least 2.
    strategy : {"quantile", "tree"}, default="quantile"
        Whether bins have as many training rows each, or are the leaves of a decision tree that predicts the target.
    target_type : {"auto", "continuous"}, default="auto"
        Whether the tree reads labels as such, or as numbers.
    random_state : int, RandomState or None, default=None
        Seed of the 100,000 rows that trees are fitted on if there are more.

    Attributes
    ----------
    edges_ : list of ndarray of shape (edges,)
        Edges of the bins of each column; none for constant columns.

    Examples
    --------
    >>> ages = np.arange(0.0, 81.0)[:, np.newaxis]
    >>> encoder = PiecewiseEncoder(bins=2).fit(ages)
    >>> encoder.transform([[20.0], [60.0], [99.0]])
    array([[0.5, 0. ],
           [1. , 0.5],
           [1. , 1. ]])
    >>> encoder.get_feature_names_out(["Age"]).tolist()
    ['Age_0_40', 'Age_40_80']
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(
        self,
        bins: int = BINS,
        strategy: str = "quantile",
        *,
        target_type: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.bins = bins
        self.strategy = strategy
        self.target_type = target_type
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> PiecewiseEncoder:
        """Learn the bins from numbers of shape ``(rows, columns)`` and, for trees, from the target of the rows.

        Raises
        ------
        SpecError
            If there is no such strategy.
        ValueError
            If there are fewer than 2 bins, or no target for trees.
        """
        if self.strategy not in BIN_STRATEGIES:
            raise SpecError(f"strategy: there is no {self.strategy!r}. {did_you_mean(self.strategy, BIN_STRATEGIES)}")
        numbers = self._numbers(X, reset=True)
        target, labels, seed = None, False, 0
        if self.strategy == "tree":
            read = self.target_type == "auto" and y is not None
            labels = read and type_of_target(y) in ("binary", "multiclass")
            target = read_target(y, type(self).__name__, classification=labels)
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.edges_ = [self._edges(column, target, labels, seed) for column in numbers.T]
        return self

    def _edges(self, column: np.ndarray, target: np.ndarray | None, labels: bool, seed: int) -> np.ndarray:
        present = ~np.isnan(column)
        if not present.any():
            return np.empty(0)
        if target is not None:
            target = target[present]
        return bin_edges(column[present], self.bins, target, classification=labels, seed=seed)

    @property
    def widths(self) -> list[int]:
        """Number of components of each column."""
        return [max(0, len(edges) - 1) for edges in self.edges_]

    def transform(self, X: ArrayLike) -> np.ndarray[Any, Any]:
        """Return the components, of shape ``(rows, components)``: those of the first column, of the second, ..."""
        check_is_fitted(self)
        numbers = self._numbers(X, reset=False)
        low = np.concatenate([edges[:-1] for edges in self.edges_])
        high = np.concatenate([edges[1:] for edges in self.edges_])
        column = np.repeat(np.arange(len(self.edges_)), self.widths)
        components = np.empty((len(numbers), len(column)), numbers.dtype)
        size = max(1, BLOCK // max(1, len(column)))
        for start in range(0, len(numbers), size):
            rows = slice(start, start + size)
            components[rows] = bin_parts(numbers[rows, column], low, high)
        return components

    def _numbers(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        types = [np.float64, np.float32]
        return np.asarray(validate_data(self, X, dtype=types, ensure_all_finite="allow-nan", reset=reset))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray[Any, Any]:
        """Return the names of the components: column, lower and upper edge, such as ``Age_0.5_12``."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        pairs = zip(names, self.edges_, strict=True)
        texts = [f"{name}_{low}_{high}" for name, edges in pairs for low, high in pairwise(_texts(edges))]
        return np.array(texts, dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values are allowed, float32 is kept, and trees need a target."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = self.strategy == "tree"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with the edges of all columns as one array."""
        state = dict(super().__getstate__())
        if "edges_" in state:
            state["edges_"] = pack_arrays(state["edges_"])
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state."""
        state = dict(state)
        if "edges_" in state:
            state["edges_"] = unpack_arrays(state["edges_"])
        super().__setstate__(state)


def _texts(edges: np.ndarray) -> list[str]:
    """Return edges as texts of as few digits as tell them apart, but at least 4."""
    for digits in range(4, MOST_DIGITS + 1):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts

"""One transformation of rows by the fitted steps of several folds, which differ in what they have learned only.

Most of the time of transforming a few rows goes into calls, not into numbers. The columns of all folds are therefore
put side by side, and each step is one transformer of scikit-learn with the learned parameters of all folds. Columns
that several folds have in common, with the same learned parameters, are transformed once. Branches with a step that
cannot be stacked transform one fold after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from tabular_dl.preprocessing.column_readers import ADVICE, CategoryColumns, MissingFlags, NumericColumns
from tabular_dl.preprocessing.derived_features import DerivedFeatures, derive_together
from tabular_dl.preprocessing.piecewise import PiecewiseEncoder
from tabular_dl.preprocessing.stacked_steps import columns_alike, of_columns, stacked
from tabular_dl.tables import read_categories, read_numbers

__all__ = ["JointTransform"]

_Reader = Callable[[str, pd.Series], np.ndarray]
_READERS: dict[type, _Reader] = {
    CategoryColumns: lambda _, values: read_categories(values),
    MissingFlags: lambda _, values: values.isna().to_numpy(dtype=np.float64),
    NumericColumns: lambda name, values: read_numbers(values, f"column {name!r}", ADVICE),
}


class JointTransform:
    """Features and preprocessing of several folds as one function.

    Parameters
    ----------
    features : sequence of F `DerivedFeatures`
        Fitted features of each fold.
    preprocessing : sequence of F `ColumnTransformer`
        Fitted result of `build_preprocessing` of each fold.

    Raises
    ------
    TypeError
        If the transformers are others than `build_preprocessing` makes, or read different columns.
    """

    def __init__(self, features: Sequence[DerivedFeatures], preprocessing: Sequence[ColumnTransformer]) -> None:
        if any(type(part) is not DerivedFeatures or part.features != features[0].features for part in features):
            raise TypeError("the features of the folds differ")
        if any(type(part) is not ColumnTransformer for part in preprocessing):
            raise TypeError("the preprocessing is not that of column rules")
        self.features = list(features)
        fitted = [[branch for branch in part.transformers_ if branch[0] != "remainder"] for part in preprocessing]
        self.branches = [_branch(parts) for parts in zip(*fitted, strict=True)]

    def __call__(self, X: pd.DataFrame) -> list[np.ndarray]:
        """Return the feature matrix of each fold, of shape (rows, features).

        Parameters
        ----------
        X : DataFrame of shape (rows, columns)
            Raw rows.
        """
        tables = derive_together(self.features, X)
        # The readers have refused infinite values, and the steps were validated when they were fitted.
        with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            blocks = [branch.transform(tables) for branch in self.branches]
        return [np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True)]


def _branch(parts: Sequence[tuple[str, Any, list[str]]]) -> _Branch:
    columns = [list(names) for _, _, names in parts]
    chains = [[step for _, step in part.steps] if isinstance(part, Pipeline) else [part] for _, part, _ in parts]
    reader = type(chains[0][0])
    if reader not in _READERS or any(names != columns[0] for names in columns) or len({*map(len, chains)}) > 1:
        raise TypeError("the branches of the folds differ, or begin with another step than a column reader")
    return _Branch(_READERS[reader], columns[0], [chain[1:] for chain in chains])


@dataclass(frozen=True)
class _Plan:
    """Distinct columns of all folds, their steps, and which of them stands for each column of each fold."""

    distinct: list[int]
    steps: list[Any]
    stands_for: list[int]


class _Branch:
    """One branch of the column transformers of all folds."""

    def __init__(self, read: _Reader, columns: list[str], chains: list[list[Any]]) -> None:
        self.read, self.columns, self.chains = read, columns, chains
        steps = [stacked(parts) for parts in zip(*chains, strict=True)]
        self.steps = None if any(step is None for step in steps) else steps
        self.plans: dict[tuple[int, ...], _Plan] = {}

    def transform(self, tables: Sequence[dict[str, pd.Series]]) -> list[np.ndarray]:
        """Return the features of each fold."""
        sources = [(name, table[name]) for table in tables for name in self.columns]
        first: dict[int, int] = {}
        origins = tuple(first.setdefault(id(values), place) for place, (_, values) in enumerate(sources))
        read = {place: self.read(*sources[place]) for place in first.values()}
        size = len(self.columns)
        starts = range(0, len(origins), size)
        if self.steps is None:
            inputs = [np.column_stack([read[origin] for origin in origins[start : start + size]]) for start in starts]
            return [_chained(chain, X) for chain, X in zip(self.chains, inputs, strict=True)]
        if origins not in self.plans:
            self.plans[origins] = _plan(origins, self.steps)
        plan = self.plans[origins]
        X = _chained(plan.steps, np.column_stack([read[origins[place]] for place in plan.distinct]))
        widths = next(filter(None, map(_widths, plan.steps)), [1] * len(plan.distinct))
        blocks = dict(zip(plan.distinct, np.split(X, np.cumsum(widths)[:-1], axis=1), strict=True))
        return [np.concatenate([blocks[k] for k in plan.stands_for[start : start + size]], axis=1) for start in starts]


def _widths(step: Any) -> list[int] | None:
    """Return the number of features of each column; None for steps that make one of each."""
    if isinstance(step, OneHotEncoder):
        return list(step._n_features_outs)  # the public names of features would be slow to count
    return step.widths if isinstance(step, PiecewiseEncoder) else None


def _chained(steps: Sequence[Any], X: np.ndarray) -> np.ndarray:
    for step in steps:
        X = step.transform(X)
    return np.asarray(X)


def _plan(origins: Sequence[int], steps: Sequence[Any]) -> _Plan:
    """Return the distinct columns: those with another origin, or of which a step has learned something else."""
    distinct: list[int] = []
    stands_for = []
    for place, origin in enumerate(origins):
        same = (
            other
            for other in distinct
            if origins[other] == origin and all(columns_alike(step, other, place) for step in steps)
        )
        stands_for.append(next(same, place))
        if stands_for[-1] == place:
            distinct.append(place)
    return _Plan(distinct, [of_columns(step, distinct) for step in steps], stands_for)

"""Encoded rows with one raw column permuted, without encoding what does not depend on it.

What depends on the permuted column alone is permuted as it is: its encoded columns, and those of features that are
derived from no other column. Features that are derived from other columns too are computed again, and so are the
outputs of the rules that read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags, NumericColumns
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.encoders import TargetEncoder
from tabular_dl.preprocessing.feature_rules import columns_read, reads_history
from tabular_dl.preprocessing.piecewise import PiecewiseEncoder
from tabular_dl.preprocessing.stacked_steps import STACKED
from tabular_dl.preprocessing.text_encoder import TextEncoder

__all__ = ["PermutedRows"]

# Steps that encode each row by what they have learned, whatever the other rows are.
_OF_EACH_ROW = (CategoryColumns, MissingFlags, NumericColumns, TargetEncoder, TextEncoder, *STACKED)


class PermutedRows:
    """Rows that are encoded once, and the same with one raw column permuted.

    Parameters
    ----------
    features : DerivedFeatures
        Fitted features.
    preprocessing : ColumnTransformer
        Fitted result of `build_preprocessing`.
    X : DataFrame of shape (rows, columns)
        Raw rows.

    Attributes
    ----------
    matrix : ndarray of shape (rows, features)
        Encoded rows.

    Raises
    ------
    TypeError
        If the transformers are others than `build_preprocessing` makes, or features are made from earlier rows.

    Examples
    --------
    >>> from tabular_dl.preprocessing import build_preprocessing
    >>> table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 0.0, 1.0]})
    >>> features = DerivedFeatures({"sum": {"eval": "a + b"}}).fit(table)
    >>> preprocessing = build_preprocessing([{"columns": ["a", "b", "sum"]}]).fit(features.transform(table))
    >>> PermutedRows(features, preprocessing, table).permuted("a", np.array([2, 0, 1]))
    array([[3., 0., 3.],
           [1., 0., 1.],
           [2., 1., 3.]])
    """

    def __init__(self, features: DerivedFeatures, preprocessing: ColumnTransformer, X: pd.DataFrame) -> None:
        if type(features) is not DerivedFeatures or any(map(reads_history, features.features.values())):
            raise TypeError("the features are not those of pipeline files, or are made from earlier rows")
        if type(preprocessing) is not ColumnTransformer:
            raise TypeError("the preprocessing is not that of column rules")
        self.features, self.X = features, X
        self.table = features.transform(X)
        self.matrix = preprocessing.transform(self.table)
        if not isinstance(self.matrix, np.ndarray):
            raise TypeError("the preprocessing returns no array")
        self.sources = _sources(features)
        self.branches = [
            _Branch.of(part, list(columns), preprocessing.output_indices_[name])
            for name, part, columns in preprocessing.transformers_
            if name != "remainder" and len(columns)
        ]

    def serves(self, column: str) -> bool:
        """Return whether all steps that a raw column passes through encode each row by itself."""
        read = {name for name, sources in self.sources.items() if column in sources}
        return all(branch.of_each_row for branch in self.branches if read.intersection(branch.columns))

    def permuted(self, column: str, order: np.ndarray) -> np.ndarray:
        """Return the encoded rows with a raw column permuted.

        Parameters
        ----------
        column : str
            Raw column that `serves` accepts.
        order : ndarray of shape (rows,)
            Number of the row that each row takes the value of.

        Returns
        -------
        ndarray of shape (rows, features)
            Encoded rows.
        """
        alone = {name for name, sources in self.sources.items() if sources == {column}}
        mixed = [name for name, sources in self.sources.items() if column in sources and name not in alone]
        again = self._derived(column, order, mixed)
        matrix = self.matrix.copy()
        for branch in self.branches:
            if set(branch.columns) <= alone:
                matrix[:, branch.outputs] = self.matrix[order, branch.outputs]
            elif branch.widths is not None and not again.keys() & set(branch.columns):
                for name, outputs in branch.outputs_of_columns():
                    if name in alone:
                        matrix[:, outputs] = self.matrix[order, outputs]
            elif (alone | again.keys()).intersection(branch.columns):
                columns = {name: self._values(name, order, alone, again) for name in branch.columns}
                matrix[:, branch.outputs] = branch.part.transform(pd.DataFrame(columns, index=self.table.index))
        return matrix

    def _values(self, name: str, order: np.ndarray, alone: set[str], again: dict[str, pd.Series[Any]]) -> Any:
        """Return a column of the table with the raw column permuted."""
        if name in again:
            return again[name]
        return self.table[name].array.take(order) if name in alone else self.table[name]

    def _derived(self, column: str, order: np.ndarray, names: Sequence[str]) -> dict[str, pd.Series[Any]]:
        """Return features with a raw column permuted."""
        if not names:
            return {}
        part, needed = copy(self.features), set(names)
        part.features = {}
        # From the last on: a feature may replace the column that an earlier one reads.
        for name, feature in reversed(self.features.features.items()):
            if name in needed:
                needed = (needed - {name}) | {*columns_read({name: feature})}
                part.features[name] = feature
        part.features = dict(reversed(part.features.items()))
        part.columns_in_ = [name for name in self.features.columns_in_ if name in needed]
        table = part.transform(self.X.assign(**{column: self.X[column].array.take(order)}))
        return {name: table[name] for name in names}


@dataclass(frozen=True, eq=False)
class _Branch:
    """Branch of a column transformer.

    Attributes
    ----------
    part : transformer
        Fitted steps.
    columns : list of str
        Columns that it reads.
    outputs : slice
        Columns of the matrix that it makes.
    of_each_row : bool
        Whether it encodes each row by itself.
    widths : list of int or None
        Number of columns that it makes of each; None if they are made of several.
    """

    part: Any
    columns: list[str]
    outputs: slice
    of_each_row: bool
    widths: list[int] | None

    @classmethod
    def of(cls, part: Any, columns: list[str], outputs: slice) -> _Branch:
        steps = [step for _, step in part.steps] if isinstance(part, Pipeline) else [part]
        of_each_row = all(type(step) in _OF_EACH_ROW for step in steps)
        width = outputs.stop - outputs.start
        widths = _widths(steps, len(columns), width) if of_each_row else None
        return cls(part, columns, outputs, of_each_row, widths if widths and sum(widths) == width else None)

    def outputs_of_columns(self) -> list[tuple[str, slice]]:
        """Return the columns of the matrix that are made of each column."""
        ends = self.outputs.start + np.cumsum(self.widths or ())
        starts = [self.outputs.start, *ends[:-1].tolist()]
        return [(name, slice(*ends)) for name, *ends in zip(self.columns, starts, ends.tolist(), strict=True)]


def _widths(steps: Sequence[Any], columns: int, width: int) -> list[int] | None:
    """Return the number of columns that steps make of each column, in its place; None if they mix columns."""
    for step in steps:
        if isinstance(step, TextEncoder):
            return None
        if isinstance(step, OneHotEncoder):
            return list(step._n_features_outs)  # the public names of features would be slow to count
        if isinstance(step, PiecewiseEncoder):
            return step.widths
    return [width // columns] * columns  # more than one for the classes of a target encoding


def _sources(features: DerivedFeatures) -> dict[str, set[str]]:
    """Return the raw columns that each column of the derived table depends on."""
    sources = {name: {name} for name in features.columns_in_}
    for name, feature in features.features.items():
        sources[name] = set().union(*(sources[read] for read in columns_read({name: feature})))
    return sources

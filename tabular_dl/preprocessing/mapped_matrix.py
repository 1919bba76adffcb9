"""Feature matrix of a map: rows are transformed when they are read, so that a fold needs no copy of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags
from tabular_dl.preprocessing.mapped_levels import Levels, levels_of

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

    from tabular_dl.tables import RowMap

__all__ = ["MappedMatrix"]


@dataclass(frozen=True, eq=False)
class _Lookup:
    """Features that depend on one column of categories: their values for each level, and at last for a missing one."""

    levels: Levels
    features: np.ndarray[Any, Any]
    of_level: np.ndarray[Any, Any]


class MappedMatrix:
    """Matrix of the rows of a map, as a fitted transformer makes it; any rows of it can be read.

    Categories are looked up: their features are computed once for each category, and not for each row. So blocks are
    read as fast as files are, and equal to what the transformer returns, bit for bit.

    Parameters
    ----------
    transformer : ColumnTransformer
        Fitted transformer.
    table : RowMap
        Map.

    Attributes
    ----------
    shape : tuple of int
        Number of rows and of features.
    dtype : dtype
        float32.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from tabular_dl.preprocessing.column_transformer import build_preprocessing
    >>> from tabular_dl.preprocessing.mapped_fit import fit_mapped
    >>> from tabular_dl.tables import write_row_map
    >>> people = pd.DataFrame({"sex": ["male", "female", "male"]})
    >>> with TemporaryDirectory() as folder:
    ...     table = write_row_map(Path(folder) / "map", [people], {"sex": "text"}, 3)
    ...     encoder = build_preprocessing([{"columns": ["sex"], "encode": "onehot"}])
    ...     matrix = MappedMatrix(fit_mapped(encoder, table, np.array([0, 1])), table)
    ...     print(matrix.shape, matrix[1:].tolist(), matrix[np.array([2, 0])].tolist())
    (3, 2) [[1.0, 0.0], [0.0, 1.0]] [[0.0, 1.0], [0.0, 1.0]]
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, transformer: ColumnTransformer, table: RowMap) -> None:
        self.table = table
        self.names = transformer.get_feature_names_out()
        self.shape = (len(table), len(self.names))
        self.columns = np.arange(len(self.names))
        self._lookups: list[_Lookup] = []
        self._branches: list[tuple[Any, list[str], np.ndarray[Any, Any]]] = []
        self._constants = np.zeros(len(self.names), np.float32)
        for name, branch, columns in transformer.transformers_:
            if name == "remainder":
                continue
            features = np.arange(len(self.names))[transformer.output_indices_[name]]
            if not isinstance(branch, MissingFlags) and isinstance(branch[0], CategoryColumns):
                self._look_up(branch, list(columns), features)
            else:
                self._branches.append((branch, list(columns), features))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return rows of the matrix, float32 of shape ``(rows, features)``.

        Raises
        ------
        DataError
            If a value is missing or infinite.
        """
        rows = len(range(*part.indices(len(self)))) if isinstance(part, slice) else len(part)
        block = np.empty((rows, len(self.columns)), np.float32)
        block[:] = self._constants
        for lookup in self._lookups:
            block[:, lookup.features] = lookup.of_level[lookup.levels.codes(part)]
        for branch, columns, features in self._branches:
            block[:, features] = branch.transform(self._raw(columns, part))
        if not np.isfinite(block).all():
            name = self.names[np.flatnonzero(~np.isfinite(block).all(axis=0))[0]]
            raise DataError(
                f"The columns as numbers cannot be trained on: {name} is missing or infinite in some rows. Correct the "
                "rule that makes such numbers, as by a tiny divisor."
            )
        return self._placed(block)

    def placed(self, columns: np.ndarray[Any, Any], width: int) -> MappedMatrix:
        """Return the same matrix with its features in some columns of a wider one, of which others are 0."""
        wider = object.__new__(MappedMatrix)
        wider.__dict__.update(vars(self))
        wider.columns, wider.shape = columns, (self.shape[0], width)
        return wider

    def _placed(self, block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self.shape[1] == block.shape[1]:
            return block
        wide = np.zeros((len(block), self.shape[1]), np.float32)
        wide[:, self.columns] = block
        return wide

    def _raw(self, columns: list[str], part: Any) -> pd.DataFrame:
        """Return columns for steps that read numbers, to which true and false are 1 and 0."""
        kinds = self.table.kinds
        values = {
            name: (self.table.cells if kinds[name] == "text" else self.table.codes)(name, part) for name in columns
        }
        return pd.DataFrame(values)

    def _look_up(self, branch: Any, columns: list[str], features: np.ndarray[Any, Any]) -> None:
        """Compute the features of each category of each column, where others are missing."""
        missing = pd.DataFrame({name: np.array([np.nan], dtype=object) for name in columns})
        base = branch.transform(missing)[0]
        self._constants[features] = base
        for name in columns:
            levels = levels_of(self.table, name)
            values = np.append(levels.known, np.nan).astype(object)
            each = {other: values if other == name else np.full(len(values), np.nan, object) for other in columns}
            table = np.asarray(branch.transform(pd.DataFrame(each)), np.float32)
            depends = np.flatnonzero((table != np.asarray(base, np.float32)).any(axis=0))
            self._lookups.append(_Lookup(levels, features[depends], np.ascontiguousarray(table[:, depends])))

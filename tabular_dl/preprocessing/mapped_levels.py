"""Categories of a column of a map: its different values, and the place among them of each row's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.errors import DataError
from tabular_dl.limits import limit, raised_by
from tabular_dl.tables import category_text

if TYPE_CHECKING:
    from tabular_dl.tables import RowMap

__all__ = ["Levels", "levels_of"]

MOST_LEVELS = 1_000_000  # different numbers of a column that is read as categories
ROWS_AT_ONCE = 2**22


@dataclass(frozen=True, eq=False)
class Levels:
    """Different values of a column of a map.

    Attributes
    ----------
    table : RowMap
        Map.
    name : str
        Column.
    known : ndarray of object, shape (levels,)
        The values, sorted: texts, False and True, or numbers.
    numbers : ndarray of float64, shape (levels,) or None
        The values of a column of numbers.
    """

    table: RowMap
    name: str
    known: np.ndarray[Any, Any]
    numbers: np.ndarray[Any, Any] | None

    def codes(self, part: Any = slice(None)) -> np.ndarray[Any, Any]:
        """Return the place of each row's value among the levels; -1 where it is missing."""
        stored = self.table.codes(self.name, part)
        if self.numbers is None:
            return stored if stored.dtype.kind == "i" else np.where(np.isnan(stored), -1, stored).astype(np.int32)
        places = np.searchsorted(self.numbers, stored)
        return np.where(np.isnan(stored), -1, places).astype(np.int32)

    def counts(self, rows: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
        """Return the number of some rows with each level, and of those without a value."""
        counts = np.zeros(len(self.known) + 1, np.int64)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            counts += np.bincount(self.codes(rows[start : start + ROWS_AT_ONCE]) + 1, minlength=len(counts))
        return counts[1:], int(counts[0])

    @property
    def texts(self) -> np.ndarray[Any, Any]:
        """Texts of the levels, as encoders read them."""
        return np.array([category_text(value) for value in self.known], dtype=object)


def levels_of(table: RowMap, name: str) -> Levels:
    """Return the different values of a column of a map.

    Parameters
    ----------
    table : RowMap
        Map.
    name : str
        Column.

    Returns
    -------
    Levels
        Values, and codes of the rows.

    Raises
    ------
    DataError
        If a column of numbers has too many different ones to be read as categories.

    Examples
    --------
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from tabular_dl.tables import write_row_map
    >>> rows = pd.DataFrame({"class": [3.0, 1.0, None, 3.0]})
    >>> with TemporaryDirectory() as folder:
    ...     levels = levels_of(write_row_map(Path(folder) / "map", [rows], {"class": "number"}, 4), "class")
    ...     print(levels.texts.tolist(), levels.codes().tolist(), levels.counts(np.array([0, 2, 3])))
    ['1', '3'] [1, 0, -1, 1] (array([0, 2]), 1)
    """
    kind = table.kinds[name]
    if kind == "text":
        return Levels(table, name, table.categories(name), None)
    if kind == "boolean":
        return Levels(table, name, np.array([False, True], dtype=object), None)
    known = np.empty(0)
    for start in range(0, len(table), ROWS_AT_ONCE):
        values = table.codes(name, slice(start, start + ROWS_AT_ONCE))
        known = np.union1d(known, values[~np.isnan(values)])
        if len(known) > limit(MOST_LEVELS):
            raise DataError(
                f"Column {name} has more than {limit(MOST_LEVELS):,} different numbers, too many for categories: read "
                f"it as numbers (encode: none). {raised_by(len(known), MOST_LEVELS)}"
            )
    return Levels(table, name, known.astype(object), known)

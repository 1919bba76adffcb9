"""Cells of a table from which a feature reads no number, so that they are missing values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.tables import read_unit_numbers

__all__ = ["UnreadNumbers", "unread_numbers"]


class UnreadNumbers(NamedTuple):
    """Cells of a column that are none of the numbers that a feature declares.

    Attributes
    ----------
    column : str
        Name of the column.
    share : float
        Share of the cells with a value.
    message : str
        Table, column, number of cells, and the first of them with its row.
    """

    column: str
    share: float
    message: str


def unread_numbers(spec: PipelineSpec, table: pd.DataFrame, where: str) -> Iterator[UnreadNumbers]:
    """Yield the columns with cells that the key ``number`` of a feature makes missing.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    table : DataFrame of shape (rows, columns)
        Raw rows.
    where : str
        Name of the table in messages.

    Yields
    ------
    UnreadNumbers

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> spec = load_spec("wine", ["features={km: {from: way, number: km}}"])
    >>> table = pd.DataFrame({"way": ["2 km", "800 m", "far", None]}, index=[1, 2, 3, 4])
    >>> [cells.message for cells in unread_numbers(spec, table, "train.csv")]
    ["train.csv, column way: 1 of 3 values are no numbers in km and become missing, the first in row 3: 'far'."]
    """
    seen = set()
    for feature in spec.derived.values():
        unit, decimal, column = feature.get("number"), feature.get("decimal", "."), feature.get("from")
        # The result of `extract` depends on the user's pattern, and is not checked.
        if unit is None or column not in table or "extract" in feature or (column, str(unit)) in seen:
            continue
        seen.add((column, str(unit)))
        values = table[column].dropna()
        others = values[read_unit_numbers(values, unit, decimal).isna()]
        if len(others):
            expected = (
                "numbers" if unit is True else f"numbers in {unit if isinstance(unit, str) else ' or '.join(unit)}"
            )
            message = (
                f"{where}, column {column}: {len(others):,} of {len(values):,} values are no {expected} and become "
                f"missing, the first in row {others.index[0]}: {others.iloc[0]!r}."
            )
            yield UnreadNumbers(str(column), len(others) / len(values), message)

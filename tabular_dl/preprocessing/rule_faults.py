"""Reasons why column rules cannot be applied to a table, found without fitting anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, nearest
from tabular_dl.preprocessing.column_patterns import missing_names, resolve
from tabular_dl.preprocessing.column_readers import ADVICE, kinds_of
from tabular_dl.preprocessing.column_rules import ColumnRule, Rest, read_rules
from tabular_dl.tables import read_numbers, require_table

__all__ = ["ColumnFault", "column_faults"]


@dataclass(frozen=True)
class ColumnFault:
    """Reason why column rules cannot be applied to a table.

    Attributes
    ----------
    message : str
        Table, column, row and value, what was expected and what to do.
    columns : tuple of str
        Columns concerned; for missing columns and patterns, the names in the rule.
    rule : int or None
        Index of the rule, from 0; None for columns that no rule names.
    """

    message: str
    columns: tuple[str, ...]
    rule: int | None


def column_faults(
    rules: Sequence[ColumnRule | Mapping[str, Any]],
    rest: Rest,
    frame: pd.DataFrame,
    where: str = "the table",
    ignore: Collection[str] = (),
    never: Collection[str | None] = (),
    *,
    missing: bool = False,
) -> Iterator[ColumnFault]:
    """Yield the reasons why column rules cannot be applied to a table, without fitting anything.

    There is one fault per rule that names missing columns, and one for all columns that no rule names. There is one per
    numeric column that contains text or infinite values, or missing values while its rule has ``impute: none``, and per
    column of ``encode: text`` that contains numbers.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        Entries of ``columns`` in a pipeline file.
    rest : {"error", "drop"}
        Treatment of columns that no rule names.
    frame : DataFrame of shape (rows, columns)
        Table with its derived features.
    where : str, default="the table"
        Name of the table in messages, such as ``train.csv``.
    ignore : collection of str, default=()
        Columns that need no rule: the target, the id, and the columns that features are derived from.
    never : collection of str, default=()
        Columns that patterns do not select: the target and the id.
    missing : bool, default=False
        Whether the model reads missing numbers, so that ``impute: none`` may leave them.

    Yields
    ------
    ColumnFault
        Fault.

    Raises
    ------
    DataError
        If the frame is not a DataFrame with distinct column names.
    SpecError
        If a rule is invalid.

    Examples
    --------
    >>> people = pd.DataFrame({"Age": [20.0, 40.0], "Name": ["Ed", "Eva"]})
    >>> list(column_faults([{"columns": ["Age"]}], "error", people, where="train.csv", ignore=["Name"]))
    []
    >>> for fault in column_faults([{"columns": ["age"]}, {"columns": ["Name"]}], "drop", people, where="train.csv"):
    ...     print(fault.rule, fault.message.partition(". ")[0])
    0 train.csv lacks columns that the rules name
    1 train.csv, column 'Name', row 0: expected a finite number, found 'Ed' (and 1 more such rows)
    """
    validated = read_rules(rules)
    require_table(frame)
    mistyped: set[str | None] = set()
    for index, rule in enumerate(validated):
        absent = missing_names(rule.columns, frame.columns, never)
        mistyped |= {nearest(name, frame.columns) for name in absent}
        if absent:
            message = f"{where} lacks columns that the rules name. {' '.join(absent.values())}"
            yield ColumnFault(message, tuple(absent), index)
    columns = [resolve(rule.columns, frame.columns, never) for rule in validated]
    # The column that a mistyped name stands for is not reported again as unnamed.
    named = {*ignore, *mistyped}.union(*columns)
    unnamed = tuple(str(name) for name in frame if name not in named)
    if rest == "error" and unnamed:
        message = (
            f"{where}: no rule names the column(s) {', '.join(unnamed)}. Name each in a rule under `columns`, "
            "or write `rest: drop` to leave them out."
        )
        yield ColumnFault(message, unnamed, None)
    for index, (rule, names) in enumerate(zip(validated, columns, strict=True)):
        for name in _to_check(frame, names) if rule.numeric else ():
            reason = _number_fault(frame[name], rule, f"{where}, column {name!r}", missing=missing)
            if reason:
                yield ColumnFault(reason, (name,), index)
        for name in names if rule.encode == "text" else ():
            if frame[name].dtype.kind in "biuf" and frame[name].notna().any():
                advice = "Leave encode out, or write encode: onehot."
                yield ColumnFault(f"{where}, column {name!r}: expected texts, found numbers. {advice}", (name,), index)


def _to_check(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Return the columns except those of integers and booleans, whose values are never missing or infinite."""
    kinds = dict(zip(frame.columns, kinds_of(frame), strict=True))
    return [name for name in columns if kinds[name] not in "biu"]


def _number_fault(column: pd.Series[Any], rule: ColumnRule, subject: str, *, missing: bool) -> str | None:
    """Return the reason why a column cannot be read by its rule, or None."""
    try:
        rows = np.flatnonzero(np.isnan(read_numbers(column, subject, ADVICE)))
    except DataError as error:
        return str(error)
    # Quantiles, powers and bins of missing values are not defined.
    kept = missing and not rule.clip and rule.encode == "none" and rule.scale != "power"
    if rule.impute != "none" or not len(rows) or kept:
        return None
    return (
        f"{subject}, row {column.index[rows[0]]}: the value is missing, and its rule says `impute: none`. "
        "Write `impute: median`, or fill in the value."
    )

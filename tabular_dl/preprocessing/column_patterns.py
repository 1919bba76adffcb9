"""Patterns in column rules: ``pixel*`` selects all columns whose names begin with pixel."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.tables import is_pattern

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnSelection", "has_pattern", "missing_names", "resolve"]


MOST_HINTS = 20  # names for which the nearest column is looked for
LONGEST_PATTERN = 1000  # characters


def has_pattern(names: Iterable[str]) -> bool:
    """Return whether a name contains ``*``, ``?`` or ``[``, so that it may select several columns.

    Parameters
    ----------
    names : iterable of str
        Names of a rule.

    Returns
    -------
    bool
        True if at least one name is a pattern.

    Examples
    --------
    >>> has_pattern(["Age", "pixel*"]), has_pattern(["Age"])
    (True, False)
    """
    return any(map(is_pattern, names))


def resolve(names: Sequence[str], columns: Iterable[str], never: Collection[str | None] = ()) -> list[str]:
    """Return the columns that the names and patterns of a rule select, each once.

    The name of a column selects that column only. Any other name is a case-sensitive shell pattern: ``*`` matches any
    text, ``?`` any character, ``[0-3]`` one of several characters.

    Parameters
    ----------
    names : sequence of str
        Names and patterns of a rule.
    columns : iterable of str
        Columns of the table.
    never : collection of str, default=()
        Columns that patterns do not select: the target and the id.

    Returns
    -------
    list of str
        Columns in the order of the names; those of one pattern in the order of the table.

    Examples
    --------
    >>> resolve(["Age", "pixel?"], ["Id", "pixel0", "pixel1", "Age"])
    ['Age', 'pixel0', 'pixel1']
    """
    column_names = dict.fromkeys(columns)
    selected: dict[str, None] = {}
    for name in names:
        selected |= dict.fromkeys([name] if name in column_names else _matches(name, column_names, never))
    return list(selected)


def missing_names(names: Iterable[str], columns: Collection[str], never: Collection[str | None] = ()) -> dict[str, str]:
    """Return a message for each name that selects no column, with the nearest column.

    Parameters
    ----------
    names : iterable of str
        Names and patterns of a rule.
    columns : collection of str
        Columns of the table.
    never : collection of str, default=()
        Columns that patterns do not select.

    Returns
    -------
    dict of str to str
        Message of each name without a column.

    Examples
    --------
    >>> missing_names(["pixel0", "pixl*"], ["pixel0", "pixel1"])
    {'pixl*': "'pixl*' matches no column. Did you mean 'pixel1'?"}
    """
    column_names = dict.fromkeys(columns)
    unmatched = [name for name in names if name not in column_names and not _matches(name, column_names, never)]
    messages = dict.fromkeys(unmatched, "")
    for number, name in enumerate(unmatched):
        hint = did_you_mean(name, column_names) if number < MOST_HINTS else ""
        separator = " matches no column." if has_pattern([name]) else ":"
        messages[name] = f"{name!r}{separator} {hint}" if hint else f"{name!r}."
    return messages


def _matches(name: str, columns: Iterable[str], never: Collection[str | None]) -> list[str]:
    if not has_pattern([name]) or len(name) > LONGEST_PATTERN:
        return []
    pattern = re.compile(translate(name))
    return [column for column in columns if column not in never and pattern.match(column)]


@dataclass(frozen=True)
class ColumnSelection:
    """Selector of a rule's columns, which scikit-learn's `ColumnTransformer` calls when it is fitted.

    Parameters
    ----------
    names : sequence of str
        Names and patterns.
    never : sequence of str, default=()
        Columns that patterns do not select.

    Raises
    ------
    DataError
        When called, if a name selects no column of the table.

    Examples
    --------
    >>> import pandas as pd
    >>> ColumnSelection(["p*"])(pd.DataFrame({"p0": [1], "y": [2], "p1": [3]}))
    ['p0', 'p1']
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    names: Sequence[str]
    never: Sequence[str] = ()

    def __call__(self, table: pd.DataFrame) -> list[str]:
        """Return the selected columns of a table, each once."""
        missing = missing_names(self.names, table.columns, self.never)
        if missing:
            raise DataError(f"the table lacks columns that the rules name. {' '.join(missing.values())}")
        return resolve(self.names, table.columns, self.never)

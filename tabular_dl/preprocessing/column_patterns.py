"""Names in a column rule that stand for many columns: ``pixel*`` is every column whose name begins with pixel."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from tabular_dl.errors import DataError, did_you_mean

__all__ = ["ColumnSelection", "has_pattern", "missing_names", "resolve"]


def has_pattern(names: Iterable[str]) -> bool:
    """Say whether a name may stand for several columns: it has a ``*``, a ``?`` or a ``[``.

    Examples
    --------
    >>> has_pattern(["Age", "pixel*"]), has_pattern(["Age"])
    (True, False)
    """
    return any(mark in name for name in names for mark in "*?[")


def resolve(names: Sequence[str], columns: Iterable[str], never: Collection[str | None] = ()) -> list[str]:
    """Return the columns that names and patterns of a rule stand for, each once.

    A name that a column has stands for that column alone. Any other is a pattern of shell style, in which upper and
    lower case differ: ``*`` is any text, ``?`` any character, ``[0-3]`` one of several.

    Parameters
    ----------
    names : sequence of str
        As in a rule.
    columns : iterable of str
        Those of the table.
    never : collection of str
        Columns that a pattern does not mean: the target and the id.

    Returns
    -------
    list of str
        In the order of the names, and for a pattern in the order of the table.

    Examples
    --------
    >>> resolve(["Age", "pixel?"], ["Id", "pixel0", "pixel1", "Age"])
    ['Age', 'pixel0', 'pixel1']
    """
    known = dict.fromkeys(columns)
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys([name] if name in known else _matches(name, known, never))
    return list(found)


def missing_names(names: Iterable[str], columns: Collection[str], never: Collection[str | None] = ()) -> dict[str, str]:
    """Map each name that is no column and matches none to a sentence with the nearest column.

    Examples
    --------
    >>> missing_names(["pixel0", "pixl*"], ["pixel0", "pixel1"])
    {'pixl*': "'pixl*' matches no column. Did you mean 'pixel1'?"}
    """
    known = dict.fromkeys(columns)
    lacking = [name for name in names if name not in known and not _matches(name, known, never)]
    return {
        name: f"{name!r} matches no column. {did_you_mean(name, known)}"
        if has_pattern([name])
        else f"{name!r}: {did_you_mean(name, known)}"
        for name in lacking
    }


def _matches(name: str, columns: Iterable[str], never: Collection[str | None]) -> list[str]:
    if not has_pattern([name]):
        return []
    pattern = re.compile(translate(name))
    return [column for column in columns if column not in never and pattern.match(column)]


@dataclass(frozen=True)
class ColumnSelection:
    """The columns of a rule, as scikit-learn's `ColumnTransformer` asks for them when it is fitted.

    Parameters
    ----------
    names : sequence of str
        Names and patterns.
    never : sequence of str
        Columns that a pattern does not mean.

    Raises
    ------
    DataError
        When called, if the table lacks a column, or none matches a pattern.

    Examples
    --------
    >>> import pandas as pd
    >>> ColumnSelection(["p*"])(pd.DataFrame({"p0": [1], "y": [2], "p1": [3]}))
    ['p0', 'p1']
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    names: Sequence[str]
    never: Sequence[str] = ()

    def __call__(self, table: Any) -> list[str]:
        """Return the columns, each once."""
        missing = missing_names(self.names, table.columns, self.never)
        if missing:
            raise DataError(f"the table lacks columns that the rules name. {' '.join(missing.values())}")
        return resolve(self.names, table.columns, self.never)

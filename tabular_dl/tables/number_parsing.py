"""Cells: which numbers the texts of a column are, and which of them mean that there is no value.

==================  ===============================================================================================
a number            ``12``, ``-1.5``, ``1e-3``, ``inf``
with thousands      ``1,234.5`` where fields lie between commas, tabs or bars
a decimal comma     ``1,5``, ``1.234,5``, ``1 234,5`` where they lie between semicolons
no value            an empty cell, ``NA``, ``N/A``, ``NaN``, ``null``, ``None``, ``?``, ``-``, ``--``
text                everything else: ``007`` is a name, not a 7, and so is an integer that no number type holds exactly
==================  ===============================================================================================

A column is numbers only if all of its cells are; one that can be read in two ways stays text. Yes and no are text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

__all__ = ["NO_LABEL", "Cells", "read_cells", "read_labels", "read_number"]

_MARKS = ("?", "-", "--")
# pandas knows these without spaces around them.
_WORDS = ("", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "NULL", "null", "None")
# In a column of labels, "None" and "-" may well be labels.
NO_LABEL = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "<NA>", "NULL", "null")

# Without lookahead, which Arrow's regular expressions lack. A leading zero is no number's.
_WHOLE, _GROUP = "(?:0|[1-9][0-9]*)", "[1-9][0-9]{0,2}"
_EXPONENT = "(?:[eE][+-]?[0-9]+)?"
_SPACE = "[ \u00a0\u202f]"
_PLAIN = rf"[+-]?(?:(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
_THOUSANDS = rf"[+-]?(?:{_WHOLE}|{_GROUP}(?:,[0-9]{{3}})+)(?:\.[0-9]*)?"
_DECIMAL_COMMA = (
    rf"[+-]?(?:{_WHOLE}(?:,[0-9]+)?{_EXPONENT}"
    rf"|{_GROUP}(?:{_SPACE}[0-9]{{3}})+(?:,[0-9]+)?|{_GROUP}(?:\.[0-9]{{3}})+,[0-9]+)"
)
_LONG = "[+-]?[0-9]{16,}"  # from here on a float no longer holds every integer

_GLANCE = 100  # cells that tell most columns of text


@dataclass(frozen=True)
class Cells:
    """What a column's texts are.

    Attributes
    ----------
    column : Series of shape (rows,)
        Numbers or text; missing is NaN.
    remarks : tuple of str
        What was read in another way than it stands there.
    """

    column: pd.Series
    remarks: tuple[str, ...] = ()


def read_cells(texts: pd.Series, *, decimal_comma: bool = False) -> Cells:
    """Read the texts of a column as numbers, if all of them are.

    Parameters
    ----------
    texts : Series of str, shape (rows,)
        As they stand in the file; NaN where pandas found no value.
    decimal_comma : bool
        Whether the file writes ``1,5`` for one and a half. Otherwise a comma is between thousands.

    Returns
    -------
    Cells

    Examples
    --------
    >>> read_cells(pd.Series(["1,234.5", "?", "12"])).column.tolist()
    [1234.5, nan, 12.0]
    >>> read_cells(pd.Series(["1.234,5", "0,5"]), decimal_comma=True).column.tolist()
    [1234.5, 0.5]
    >>> read_cells(pd.Series(["007", "12"])).column.tolist()
    ['007', '12']
    """
    stripped = texts.str.strip()
    # A minus beside a plus is a sign, not a gap.
    marks = [mark for mark in _MARKS if mark != "-" or not (stripped == "+").any()]
    found = [mark for mark in marks if (stripped == mark).any()]
    missing = texts.isna() | stripped.isin([*_WORDS, *marks])
    remarks = [f"{mark!r} is read as missing" for mark in found]
    words = stripped[~missing]
    if words.empty:
        return Cells(pd.Series(float("nan"), index=texts.index, name=texts.name), tuple(remarks))
    numbers = _numbers(words, _PLAIN)
    if numbers is None and decimal_comma:
        numbers = _numbers(words, _DECIMAL_COMMA, {r"[. \u00a0\u202f]": "", ",": "."})
        remarks += ["a comma is read as the decimal sign"] * (numbers is not None)
    elif numbers is None:
        numbers = _numbers(words, _THOUSANDS, {",": ""})
        remarks += ["commas are read as thousands separators"] * (numbers is not None)
    if numbers is None or (words.str.fullmatch(_LONG).any() and (len(words) < len(texts) or numbers.dtype.kind == "f")):
        return Cells(texts.mask(missing), tuple(remarks) if numbers is None else ())
    return Cells(numbers.reindex(texts.index), tuple(remarks))


def _numbers(words: pd.Series, pattern: str, rewritten: dict[str, str] | None = None) -> pd.Series | None:
    """Return the numbers that words of a pattern mean, or None if one of them is of another."""
    if not (words.head(_GLANCE).str.fullmatch(pattern).all() and words.str.fullmatch(pattern).all()):
        return None
    for old, new in (rewritten or {}).items():
        words = words.str.replace(old, new, regex=True)
    numbers = pd.to_numeric(words.astype(object), errors="coerce")
    return numbers if numbers.dtype.kind in "iuf" else numbers.astype("float64")


def read_number(text: str) -> int | float | None:
    """Read one text as the number that it plainly is, an integer exactly.

    Examples
    --------
    >>> read_number("1.0"), read_number("+12"), read_number("007")
    (1.0, 12, None)
    """
    text = text.strip()
    if not re.fullmatch(_PLAIN, text):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def read_labels(texts: pd.Series) -> pd.Series:
    """Read the texts of a column of labels, where words such as "None" and "-" are labels.

    Parameters
    ----------
    texts : Series of str, shape (rows,)
        As they stand in the file.

    Returns
    -------
    Series of shape (rows,)
        NaN where the cell is empty or says NA, NaN or null.

    Examples
    --------
    >>> read_labels(pd.Series(["None", "Apnea", ""])).tolist()
    ['None', 'Apnea', nan]
    """
    return texts.mask(texts.isna() | texts.str.strip().isin(NO_LABEL))

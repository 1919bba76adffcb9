"""Conversion of the texts in a table's cells to numbers and missing values.

==================  ===============================================================================================
number              ``12``, ``-1.5``, ``1e-3``, ``inf``
thousands           ``1,234.5`` in files delimited by commas, tabs or bars
decimal comma       ``1,5``, ``1.234,5``, ``1 234,5`` in files delimited by semicolons
missing value       an empty cell, ``NA``, ``N/A``, ``NaN``, ``null``, ``None``, ``?``, ``-``, ``--``
text                everything else, such as ``007``, or an integer that no number type represents exactly
==================  ===============================================================================================

A column is numeric only if all of its cells are. A column that can be read in two ways stays text. Yes and no are text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

__all__ = ["NO_LABEL", "Cells", "read_cells", "read_labels", "read_number"]

_MARKS = ("?", "-", "--")
# pandas reads these as missing only without spaces around them.
_WORDS = ("", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "NULL", "null", "None")
_MISSING = frozenset([*_MARKS, *_WORDS])
# Missing values in a column of labels, where "None" and "-" may be labels.
NO_LABEL = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "<NA>", "NULL", "null")

# No lookahead: Arrow's regular expressions lack it. Numbers have no leading zero.
_WHOLE, _GROUP = "(?:0|[1-9][0-9]*)", "[1-9][0-9]{0,2}"
_EXPONENT = "(?:[eE][+-]?[0-9]+)?"
_SPACE = "[ \u00a0\u202f]"
_PLAIN = rf"[+-]?(?:(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
_THOUSANDS = rf"[+-]?(?:{_WHOLE}|{_GROUP}(?:,[0-9]{{3}})+)(?:\.[0-9]*)?"
_DECIMAL_COMMA = (
    rf"[+-]?(?:{_WHOLE}(?:,[0-9]+)?{_EXPONENT}"
    rf"|{_GROUP}(?:{_SPACE}[0-9]{{3}})+(?:,[0-9]+)?|{_GROUP}(?:\.[0-9]{{3}})+,[0-9]+)"
)
# Numbers in text beside a unit, without a sign: a thousands separator and a decimal sign.
UNSIGNED = rf"(?:(?:{_GROUP}(?:,[0-9]{{3}})+|{_WHOLE})(?:\.[0-9]+)?|\.[0-9]+){_EXPONENT}"
UNSIGNED_COMMA = rf"(?:{_GROUP}(?:(?:\.|{_SPACE})[0-9]{{3}})+|{_WHOLE})(?:,[0-9]+)?{_EXPONENT}"
_LONG = "[+-]?[0-9]{16,}"  # integers that a float may not represent exactly
LONGEST_NUMBER = 400  # characters

_GLANCE = 100  # number of cells checked first, which is enough to recognise most columns of text


@dataclass(frozen=True)
class Cells:
    """Values of a column of texts.

    Attributes
    ----------
    column : Series of shape (rows,)
        Numbers or text; NaN where missing.
    remarks : tuple of str
        Descriptions of the cells that were converted.
    """

    column: pd.Series
    remarks: tuple[str, ...] = ()


def read_cells(texts: pd.Series, *, decimal_comma: bool = False) -> Cells:
    """Convert a column of texts to numbers, if all of them are numbers.

    Parameters
    ----------
    texts : Series of str, shape (rows,)
        Texts as in the file; NaN where pandas found no value.
    decimal_comma : bool, default=False
        Whether a comma is the decimal sign; otherwise it separates thousands.

    Returns
    -------
    Cells
        Numbers, or the texts if one of them is not a number.

    Examples
    --------
    >>> read_cells(pd.Series(["1,234.5", "?", "12"])).column.tolist()
    [1234.5, nan, 12.0]
    >>> read_cells(pd.Series(["1.234,5", "0,5"]), decimal_comma=True).column.tolist()
    [1234.5, 0.5]
    >>> read_cells(pd.Series(["007", "12"])).column.tolist()
    ['007', '12']
    """
    if _is_plain_text(texts.dropna().unique().tolist(), decimal_comma=decimal_comma):
        return Cells(texts)
    stripped = texts.str.strip()
    # In a column that also has a plus, a minus is a value.
    marks = [mark for mark in _MARKS if mark != "-" or not (stripped == "+").any()]
    missing = texts.isna() | stripped.isin([*_WORDS, *marks])
    remarks = [f"{mark!r} is read as missing" for mark in marks if (stripped == mark).any()]
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


def _is_plain_text(texts: Sequence[str], *, decimal_comma: bool) -> bool:
    """Whether different texts have no spelling of a missing value, and one of them is no number in any notation."""
    patterns = [_PLAIN, _DECIMAL_COMMA if decimal_comma else _THOUSANDS]
    stripped = [text.strip() for text in texts]
    return (
        bool(stripped)
        and not any(text in _MISSING for text in stripped)
        and not any(all(re.fullmatch(pattern, text) for text in stripped) for pattern in patterns)
    )


def _numbers(words: pd.Series, pattern: str, rewritten: dict[str, str] | None = None) -> pd.Series | None:
    """Return words as numbers, or None if one of them does not match the pattern."""
    if not (words.head(_GLANCE).str.fullmatch(pattern).all() and words.str.fullmatch(pattern).all()):
        return None
    for old, new in (rewritten or {}).items():
        words = words.str.replace(old, new, regex=True)
    numbers = pd.to_numeric(words.astype(object), errors="coerce")
    return numbers if numbers.dtype.kind in "iuf" else numbers.astype("float64")


def read_number(text: str, *, thousands: bool = False) -> int | float | None:
    """Return a text as a number, exactly if it is an integer.

    Parameters
    ----------
    text : str
        Text such as a cell of a table.
    thousands : bool, default=False
        Whether commas may separate thousands.

    Returns
    -------
    int, float or None
        None if the text is not a number in plain notation, or longer than any float: Python refuses to read it.

    Examples
    --------
    >>> read_number("1.0"), read_number("+12"), read_number("007")
    (1.0, 12, None)
    >>> read_number("1,240.5", thousands=True), read_number("1,24", thousands=True)
    (1240.5, None)
    """
    text = text.strip()
    if thousands and len(text) <= LONGEST_NUMBER and re.fullmatch(_THOUSANDS, text):
        text = text.replace(",", "")
    if len(text) > LONGEST_NUMBER or not re.fullmatch(_PLAIN, text):
        return None
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def read_labels(texts: pd.Series) -> pd.Series:
    """Return a column of labels, in which words such as "None" and "-" are labels.

    Parameters
    ----------
    texts : Series of str, shape (rows,)
        Texts as in the file.

    Returns
    -------
    Series of shape (rows,)
        Labels; NaN where the cell is empty or contains NA, NaN or null.

    Examples
    --------
    >>> read_labels(pd.Series(["None", "Apnea", ""])).tolist()
    ['None', 'Apnea', nan]
    """
    return texts.mask(texts.isna() | texts.str.strip().isin(NO_LABEL))

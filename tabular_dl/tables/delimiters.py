"""Delimiters of text: which one a table has, and the numbers of its fields."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice

__all__ = ["DELIMITERS", "field_counts", "find_delimiter", "first_text", "header_width"]

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAMPLE, _SAMPLE_ROWS = 2_000_000, 50  # bytes and rows in which the delimiter is looked for


def find_delimiter(text: str) -> str:
    r"""Return the delimiter of a table: a comma, a semicolon, a tab or a vertical bar.

    The delimiter is the one that splits all of the first rows into as many fields as the header. If several do, or
    none does, it is the one that splits the header into most fields. A table of one column has the comma.

    Parameters
    ----------
    text : str
        First lines of the table.

    Returns
    -------
    str
        The delimiter.

    Examples
    --------
    >>> find_delimiter("name;price\nLee, Ann;1,5\n"), find_delimiter("a\tb\n1\t2\n"), find_delimiter("a\n1\n")
    (';', '\t', ',')
    """

    def fit(delimiter: str) -> tuple[bool, int]:
        widths = field_counts(text, delimiter)
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(DELIMITERS, key=fit)


def header_width(content: bytes, delimiter: str) -> int:
    """Return the number of columns, or more if names contain delimiters; pandas takes memory for each at once."""
    quoted, start = False, 0
    for end in re.finditer(rb"[\r\n]", content):
        quoted ^= content.count(b'"', start, end.start()) % 2 == 1
        start = end.start()
        if not quoted:
            return content.count(delimiter.encode(), 0, start) + 1
    return content.count(delimiter.encode()) + 1


def first_text(content: bytes) -> str:
    """Return the text of the first two megabytes."""
    return content[:_SAMPLE].decode(errors="ignore")


def field_counts(text: str, delimiter: str) -> list[int]:
    """Return the number of fields in the header and each of the first rows, without a last row that may be cut."""
    widths = []
    try:
        for row in islice(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), _SAMPLE_ROWS):
            widths.append(len(row))  # noqa: PERF401 (rows before an error are kept)
    except csv.Error:  # a field longer than the csv module allows, as after an unclosed quote
        return widths
    cut = len(widths) < _SAMPLE_ROWS and not text.endswith(("\n", "\r"))
    return widths[:-1] if cut and len(widths) > 1 else widths

"""Delimited text: encoding, delimiter and rows of a CSV file."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.limits import limit, raised_by
from tabular_dl.tables.delimited_table import DelimitedTable, DelimitedText, parse_text
from tabular_dl.tables.delimiters import DELIMITERS, find_delimiter, first_text, header_width

__all__ = ["parse_delimited", "read_delimited", "refuse_wide", "to_utf8"]

# UTF-32 first: its byte order mark starts with that of UTF-16.
_MARKED = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
MOST_COLUMNS = 100_000  # pandas takes a few kB for each


def read_delimited(
    path: Path, content: bytes, text: Collection[str] = (), labels: Collection[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read delimited text of any common encoding and delimiter.

    Parameters
    ----------
    path : Path
        Path of the file, for messages.
    content : bytes
        Content of the file.
    text : collection of str
        Columns to read as text, unchanged.
    labels : collection of str
        Columns in which words such as "None" and "-" are labels, if it is text.

    Returns
    -------
    frame : DataFrame of shape (rows, columns)
        The table.
    remarks : list of str
        Unusual properties of the file.

    Raises
    ------
    DataError
        If the content is not text or not a table, is empty or cut off, or has two columns of the same name.

    Examples
    --------
    >>> frame, remarks = read_delimited(Path("a.csv"), "café\tn\nx\t1\n".encode("latin-1"))
    >>> frame
      café  n
    0    x  1
    >>> remarks
    ['it is not UTF-8, and read as Windows-1252; if letters look wrong, save it as UTF-8', 'tabs between fields']
    """
    return parse_delimited(path, content, text).read(text, labels)


def parse_delimited(path: Path, content: bytes, text: Collection[str] = ()) -> DelimitedTable:
    """Parse delimited text, of which columns are read as often as needed.

    Parameters
    ----------
    path, content, text
        As for `read_delimited`.

    Returns
    -------
    DelimitedTable
        The rows.

    Raises
    ------
    DataError
        As `read_delimited` does.
    """
    content, encoding = to_utf8(path, content)
    if content[:1000].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise DataError(f"{path} is a web page, not a table: a sign-in page, maybe. Download the file again.")
    delimiter = find_delimiter(first_text(content))
    refuse_wide(path, header_width(content, delimiter))
    usual = "\t" if path.name.removesuffix(".gz").removesuffix(".zip").endswith(".tsv") else ","
    remarks = [] if encoding is None else [f"it is not UTF-8, and read as {encoding}"]
    remarks += [] if delimiter == usual else [f"{DELIMITERS[delimiter]} between fields"]
    return parse_text(DelimitedText(path, content, delimiter), frozenset(text), remarks)


def to_utf8(path: Path, data: bytes) -> tuple[bytes, str | None]:
    """Return text as UTF-8 without a byte order mark, and its encoding if that was not UTF-8.

    Text that has no byte order mark and is not UTF-8 is read as Windows-1252, which is common in western Europe.

    Raises
    ------
    DataError
        If the data is not text.

    Examples
    --------
    >>> to_utf8(Path("a.csv"), "é".encode("utf-16"))[0].decode()
    'é'
    """
    for mark, encoding in _MARKED.items():
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise DataError(f"{path} is broken {encoding.upper()} text: {error.reason}. Get it again.") from None
            return text.encode(), None if encoding == "utf-8" else encoding.upper()[:6]
    if b"\0" in data:
        for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            if len(data) % 2 == 0 and not any(data[place:1000:2]):
                return data.decode(encoding, errors="replace").encode(), encoding.upper()[:6]
        raise DataError(f"{path} holds zero bytes: it is broken or not text. Get it again, or save the table as CSV.")
    try:
        data.decode()
    except UnicodeDecodeError:
        advice = "; if letters look wrong, save it as UTF-8"
        try:
            return data.decode("cp1252").encode(), f"Windows-1252{advice}"
        except UnicodeDecodeError:
            return data.decode("latin-1").encode(), f"Latin-1{advice}"
    return data, None


def refuse_wide(path: Path, columns: int) -> None:
    """Raise an error if a table has more columns than are read: 100,000.

    Raises
    ------
    DataError
        If it has; the message states both numbers, and the option that raises the limit.
    """
    if columns > limit(MOST_COLUMNS):
        raise DataError(
            f"{path} has {columns:,} columns; at most {limit(MOST_COLUMNS):,} are read. "
            f"{raised_by(columns, MOST_COLUMNS)}"
        )

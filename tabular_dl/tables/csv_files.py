"""Delimited text: encoding, delimiter and rows of a CSV file."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from tabular_dl.errors import DataError, listed
from tabular_dl.limits import limit, raised_by
from tabular_dl.tables.headers import refuse_data_as_header, trimmed_names
from tabular_dl.tables.number_parsing import Cells, read_cells, read_labels

__all__ = ["find_delimiter", "read_delimited", "refuse_twice", "refuse_wide", "to_utf8"]

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# UTF-32 first: its byte order mark starts with that of UTF-16.
_MARKED = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ZERO_FIRST = re.compile(rb'(?:^|[\n\r,;\t|"])[ ]?[+-]?0[0-9]')
_LOST = r"^\s*[+-]?(?:0[0-9]|[0-9]{16})"  # texts that pandas may read as another number
_SAMPLE, _SAMPLE_ROWS = 2_000_000, 50  # bytes and rows in which the delimiter is looked for
MOST_COLUMNS = 100_000  # pandas takes a few kB for each
_EXACT = 2**53  # from here on floats cannot represent every integer


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
    content, encoding = to_utf8(path, content)
    if content[:1000].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise DataError(f"{path} is a web page, not a table: a sign-in page, maybe. Download the file again.")
    delimiter = find_delimiter(_sample(content))
    refuse_wide(path, _header_width(content, delimiter))
    usual = "\t" if path.name.removesuffix(".gz").removesuffix(".zip").endswith(".tsv") else ","
    remarks = [] if encoding is None else [f"it is not UTF-8, and read as {encoding}"]
    remarks += [] if delimiter == usual else [f"{_DELIMITERS[delimiter]} between fields"]
    frame, conversions = _DelimitedText(path, content, delimiter).read(frozenset(text), labels)
    return frame, remarks + conversions


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
        widths = _widths(text, delimiter)
        return len(set(widths)) == 1 and widths[0] > 1, widths[0] if widths else 0

    return max(_DELIMITERS, key=fit)


def refuse_twice(path: Path, names: list[str]) -> None:
    """Raise an error if a header contains a name twice.

    Raises
    ------
    DataError
        If a name is repeated; the message names the file and the column.
    """
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataError(f"{path}: the header has the column {name!r} twice. Rename or remove one of the two.")
        seen.add(name)


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


@dataclass(frozen=True)
class _DelimitedText:
    """Text of a table, as UTF-8 without a byte order mark, and its delimiter."""

    path: Path
    content: bytes
    delimiter: str

    def read(self, text: Collection[str], labels: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
        """Return the table, and remarks on cells that were converted."""
        # The header is read by itself, since pandas renames the second of two columns x to x.1.
        header = self._parse(header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
        names, remarks = trimmed_names(header)
        frame = self._parse(dtype={raw or name: "str" for raw, name in zip(header, names, strict=True) if name in text})
        refuse_data_as_header(self.path, header, frame)
        refuse_twice(self.path, names)
        frame = frame.set_axis(names, axis=1)
        self._refuse_cut_off(len(frame))
        seen: dict[str, list[str]] = {}
        for name, cells in self._cells(frame, text):
            if name in labels and cells.column.dtype == "str":
                frame[name] = read_labels(self._texts(frame, [name], keep_default_na=False)[name])
                continue
            frame[name] = cells.column
            for remark in cells.remarks:
                seen.setdefault(remark, []).append(name)
        return frame, remarks + [f"{remark} in {listed(names)}" for remark, names in seen.items()]

    def _cells(self, frame: pd.DataFrame, text: Collection[str]) -> Iterator[tuple[str, Cells]]:
        """Yield the columns that pandas may have read as another type than they are."""
        texts = [str(name) for name, kind in frame.dtypes.items() if kind == "str" and name not in text]
        doubtful = _doubtful(frame, zero_first=_ZERO_FIRST.search(self.content) is not None)
        for name in texts:
            yield name, read_cells(frame[name], decimal_comma=self.delimiter == ";")
        raw = self._texts(frame, doubtful) if doubtful else frame
        for name in doubtful:
            if not raw[name].str.contains(_LOST).any():
                continue
            cells = read_cells(raw[name])
            if cells.column.dtype == "str":
                yield name, cells

    def _texts(self, frame: pd.DataFrame, names: list[str], **options: Any) -> pd.DataFrame:
        """Return columns as text, unchanged."""
        places = [frame.columns.get_loc(name) for name in names]
        return self._parse(usecols=places, dtype=str, **options).set_axis(names, axis=1)

    def _parse(self, **options: Any) -> pd.DataFrame:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                # index_col: no column is an index, even if rows have more fields than the header.
                # low_memory: if pandas read in chunks, a column of numbers with one text far down would mix types.
                options |= {"sep": self.delimiter, "index_col": False, "low_memory": False}
                return pd.read_csv(io.BytesIO(self.content), **options)
        except pd.errors.EmptyDataError:
            raise DataError(f"{self.path} is empty: expected a header and rows.") from None
        except pd.errors.ParserWarning:
            raise DataError(
                f"{self.path}: the rows have more fields than the header has names. Correct the header."
            ) from None
        except pd.errors.ParserError as error:
            raise DataError(f"{self.path} cannot be read as a CSV file: {_reason(str(error))}") from None

    def _refuse_cut_off(self, rows: int) -> None:
        last = self.content[max(self.content.rfind(b"\n"), self.content.rfind(b"\r")) + 1 :]
        if not last.strip() or last.count(b'"') % 2:
            return
        try:
            fields = len(next(csv.reader([last.decode()], delimiter=self.delimiter)))
        except csv.Error:  # a field longer than the csv module allows
            return
        fewest = min(_widths(_sample(self.content), self.delimiter), default=0)
        if fields < fewest:
            raise DataError(
                f"{self.path}, row {rows}: the last row has {fields} of {fewest} fields and no end of line: the file "
                "seems cut off. Get it again, or complete that row."
            )


def _header_width(content: bytes, delimiter: str) -> int:
    """Return the number of columns, or more if names contain delimiters; pandas takes memory for each at once."""
    quoted, start = False, 0
    for end in re.finditer(rb"[\r\n]", content):
        quoted ^= content.count(b'"', start, end.start()) % 2 == 1
        start = end.start()
        if not quoted:
            return content.count(delimiter.encode(), 0, start) + 1
    return content.count(delimiter.encode()) + 1


def _sample(content: bytes) -> str:
    return content[:_SAMPLE].decode(errors="ignore")


def _widths(text: str, delimiter: str) -> list[int]:
    """Return the number of fields in the header and each of the first rows, without a last row that may be cut."""
    widths = []
    try:
        for row in islice(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), _SAMPLE_ROWS):
            widths.append(len(row))  # noqa: PERF401 (rows before an error are kept)
    except csv.Error:  # a field longer than the csv module allows, as after an unclosed quote
        return widths
    cut = len(widths) < _SAMPLE_ROWS and not text.endswith(("\n", "\r"))
    return widths[:-1] if cut and len(widths) > 1 else widths


def _doubtful(frame: pd.DataFrame, *, zero_first: bool) -> list[str]:
    """Return the names of numeric columns that may have lost leading zeros or digits when pandas read them."""
    long = (frame.select_dtypes("float").abs() >= _EXACT).any()
    names = []
    for name, kind in frame.dtypes.items():
        if kind == "object":  # integers too large for any type, or booleans with missing values, which are fine
            if not frame[name].dropna().map(lambda value: isinstance(value, bool)).all():
                names.append(str(name))
        elif kind.kind in "iuf" and (zero_first or long.get(name, False)):
            names.append(str(name))
    return names


def _reason(message: str) -> str:
    """Return the reason for which pandas rejected a row, and the action to take."""
    if match := re.search(r"EOF inside string starting at row (\d+)", message):
        return (
            f"the quote opened in row {match[1]} is never closed. Get the file again if it is cut off, or correct "
            "that row."
        )
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return (
            f"line {match[2]} has {match[3]} fields instead of {match[1]}. Correct that line: a field that contains "
            "a delimiter needs quotes."
        )
    return f"{message.strip()}."

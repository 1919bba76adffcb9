"""Delimited text: the encoding, the delimiter and the rows of a CSV file, whoever wrote it."""

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

from tabular_dl.errors import DataError
from tabular_dl.tables.number_parsing import Cells, read_cells, read_labels

__all__ = ["find_delimiter", "read_delimited", "refuse_twice", "to_utf8"]

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# UTF-32 first: its mark begins as that of UTF-16.
_MARKED = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ZERO_FIRST = re.compile(rb'(?:^|[\n\r,;\t|"])[ ]?[+-]?0[0-9]')
_LOST = r"^\s*[+-]?(?:0[0-9]|[0-9]{16})"  # what pandas may read as another number
_SAMPLE, _SAMPLE_ROWS = 2_000_000, 50  # bytes and rows that the delimiter is told from
_MOST_NAMES = 5  # columns that one note lists
_EXACT = 2**53  # from here on a float no longer holds every integer


def read_delimited(
    path: Path, content: bytes, text: Collection[str] = (), labels: str | None = None
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read delimited text of any usual encoding and delimiter.

    Parameters
    ----------
    path : Path
        Where it is from, for messages.
    content : bytes
        The file.
    text : collection of str
        Columns to read as the text that they are.
    labels : str, optional
        A column in which words such as "None" and "-" are labels, if it is text.

    Returns
    -------
    frame : DataFrame of shape (rows, columns)
    remarks : list of str
        What was unusual.

    Raises
    ------
    DataError
        If it is no text, no table, empty, cut off, or two columns have one name.

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
    usual = "\t" if path.name.removesuffix(".gz").removesuffix(".zip").endswith(".tsv") else ","
    remarks = [] if encoding is None else [f"it is not UTF-8, and read as {encoding}"]
    remarks += [] if delimiter == usual else [f"{_DELIMITERS[delimiter]} between fields"]
    frame, said = _DelimitedText(path, content, delimiter).read(frozenset(text), labels)
    return frame, remarks + said


def to_utf8(path: Path, data: bytes) -> tuple[bytes, str | None]:
    """Return text as UTF-8 without a byte order mark, and what else it was in.

    Text without a mark that is not UTF-8 is taken for Windows-1252, the usual one of western Europe.

    Raises
    ------
    DataError
        If it is no text.

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
        raise DataError(f"{path} holds zero bytes: it is no text, or broken. Get it again, or save the table as CSV.")
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
    r"""Tell what lies between the fields of a table: a comma, a semicolon, a tab or a vertical bar.

    It is the one that cuts all of the first rows into as many fields as the header; of several, or if there is none,
    the one that cuts the header into most. A table of one column has commas.

    Parameters
    ----------
    text : str
        How the table begins.

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
    """Refuse a header that has one name twice.

    Raises
    ------
    DataError
        Naming the file and the column.
    """
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataError(f"{path}: the header has the column {name!r} twice. Rename or remove one of the two.")
        seen.add(name)


@dataclass(frozen=True)
class _DelimitedText:
    """The text of a table as UTF-8 without a mark, and how to read it."""

    path: Path
    content: bytes
    delimiter: str

    def read(self, text: Collection[str], labels: str | None) -> tuple[pd.DataFrame, list[str]]:
        """Return the table, and what was read in another way than it stands there."""
        frame = self._parse(dtype=dict.fromkeys(text, "str"))
        # pandas has read the second x of a header as x.1.
        refuse_twice(self.path, self._parse(header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist())
        self._refuse_cut_off(len(frame))
        seen: dict[str, list[str]] = {}
        for name, cells in self._cells(frame, text):
            if name == labels and cells.column.dtype == "str":
                frame[name] = read_labels(self._texts(frame, [name], keep_default_na=False)[name])
                continue
            frame[name] = cells.column
            for remark in cells.remarks:
                seen.setdefault(remark, []).append(name)
        return frame, [f"{remark} in {_listed(names)}" for remark, names in seen.items()]

    def _cells(self, frame: pd.DataFrame, text: Collection[str]) -> Iterator[tuple[str, Cells]]:
        """Yield the columns that may be something else than pandas took them for."""
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
        """Return columns as they stand in the file."""
        places = [frame.columns.get_loc(name) for name in names]
        return self._parse(usecols=places, dtype=str, **options).set_axis(names, axis=1)

    def _parse(self, **options: Any) -> pd.DataFrame:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                # No column is an index, even where rows have more fields than the header. Read whole: in parts, a
                # column of numbers with one text far below would be of two types.
                options |= {"sep": self.delimiter, "index_col": False, "low_memory": False}
                return pd.read_csv(io.BytesIO(self.content), **options)
        except pd.errors.EmptyDataError:
            raise DataError(f"{self.path} is empty: expected a header and rows.") from None
        except pd.errors.ParserWarning:
            raise DataError(
                f"{self.path}: its rows have more fields than its header has names. Correct the header."
            ) from None
        except pd.errors.ParserError as error:
            raise DataError(f"{self.path} cannot be read as a CSV file: {_reason(str(error))}") from None

    def _refuse_cut_off(self, rows: int) -> None:
        last = self.content[max(self.content.rfind(b"\n"), self.content.rfind(b"\r")) + 1 :]
        if not last.strip() or last.count(b'"') % 2:
            return
        fields = len(next(csv.reader([last.decode()], delimiter=self.delimiter)))
        fewest = min(_widths(_sample(self.content), self.delimiter), default=0)
        if fields < fewest:
            raise DataError(
                f"{self.path}, row {rows}: the last row has {fields} of {fewest} fields and no end of line, so the "
                "file seems cut off. Get it again, or complete that row."
            )


def _sample(content: bytes) -> str:
    return content[:_SAMPLE].decode(errors="ignore")


def _widths(text: str, delimiter: str) -> list[int]:
    """Count the fields of the header and the first rows, without a last row that has no end: it may be cut."""
    widths = []
    try:
        for row in islice(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), _SAMPLE_ROWS):
            widths.append(len(row))  # noqa: PERF401 (what came before an error counts)
    except csv.Error:  # a field without end
        return widths
    cut = len(widths) < _SAMPLE_ROWS and not text.endswith(("\n", "\r"))
    return widths[:-1] if cut and len(widths) > 1 else widths


def _doubtful(frame: pd.DataFrame, *, zero_first: bool) -> list[str]:
    """Name the columns of numbers that may have lost something when pandas read them: a leading zero, or digits."""
    long = (frame.select_dtypes("float").abs() >= _EXACT).any()
    found = []
    for name, kind in frame.dtypes.items():
        if kind == "object":  # integers that no type holds; or booleans with gaps, which are fine
            if not frame[name].dropna().map(lambda value: isinstance(value, bool)).all():
                found.append(str(name))
        elif kind.kind in "iuf" and (zero_first or long.get(name, False)):
            found.append(str(name))
    return found


def _reason(message: str) -> str:
    """Say what pandas found wrong with a row."""
    if found := re.search(r"EOF inside string starting at row (\d+)", message):
        return (
            f"the quote that opens in row {found[1]} never closes. The file is cut off, or a quote is too many: get it "
            "again, or correct that row."
        )
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return (
            f"line {found[2]} has {found[3]} fields instead of {found[1]}. Correct that line; a field that holds a "
            "delimiter stands in quotes."
        )
    return f"{message.strip()}."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}"

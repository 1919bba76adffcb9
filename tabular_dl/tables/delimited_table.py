"""Parsed delimited text, of which columns are read as numbers, text or labels without parsing all of it again."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tabular_dl.errors import DataError, listed
from tabular_dl.tables.delimiters import field_counts, first_text
from tabular_dl.tables.headers import refuse_data_as_header, refuse_twice, trimmed_names
from tabular_dl.tables.leading_zeros import LOST, doubtful_columns, has_leading_zeros
from tabular_dl.tables.number_parsing import Cells, read_cells, read_labels

__all__ = ["DelimitedTable", "DelimitedText", "parse_text"]

FEW = 20  # columns that are replaced one by one; of more, all of a wide table's would be moved for each
_OVERFLOW = r"^\s*[+-]?[0-9]{19}"
_AROUND = (b"+", b" ", b'"', b"\t", b"\v", b"\f")  # signs that whole numbers may have, and pandas leaves out


@dataclass(frozen=True)
class DelimitedText:
    """Text of a table, as UTF-8 without a byte order mark, and its delimiter."""

    path: Path
    content: bytes
    delimiter: str

    @cached_property
    def zero_first(self) -> bool:
        """Whether a field may begin with a zero and another digit."""
        return has_leading_zeros(self.content)

    def parse(self, **options: Any) -> pd.DataFrame:
        """Return the table as pandas reads it."""
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

    def refuse_cut_off(self, rows: int) -> None:
        """Raise an error if the last row lacks fields and its end."""
        last = self.content[max(self.content.rfind(b"\n"), self.content.rfind(b"\r")) + 1 :]
        if not last.strip() or last.count(b'"') % 2:
            return
        try:
            fields = len(next(csv.reader([last.decode()], delimiter=self.delimiter)))
        except csv.Error:  # a field longer than the csv module allows
            return
        fewest = min(field_counts(first_text(self.content), self.delimiter), default=0)
        if fields < fewest:
            raise DataError(
                f"{self.path}, row {rows}: the last row has {fields} of {fewest} fields and no end of line: the file "
                "seems cut off. Get it again, or complete that row."
            )


@dataclass(frozen=True)
class DelimitedTable:
    """Parsed text of a table.

    Attributes
    ----------
    source : DelimitedText
        Text of the table.
    header : list of str
        Names of the columns as in the text.
    frame : DataFrame of shape (rows, columns)
        The table as pandas reads it, with trimmed names.
    text : frozenset of str
        Columns of the frame that were read as text.
    remarks : list of str
        Unusual properties of the file.
    """

    source: DelimitedText
    header: list[str]
    frame: pd.DataFrame
    text: frozenset[str]
    remarks: list[str]

    def read(self, text: Collection[str] = (), labels: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]]:
        """Return the table, and remarks on cells that were converted; parameters are those of `read_delimited`.

        The text is parsed again only for columns whose texts are needed, and were not parsed as such.
        """
        if {name for name in self.text if name in self.frame} - {*text}:
            return parse_text(self.source, frozenset(text), self.remarks).read(text, labels)
        frame = self._with_texts(text)
        refuse_data_as_header(self.source.path, self.header, frame)
        converted: dict[str, pd.Series] = {}
        seen: dict[str, list[str]] = {}
        for name, cells in self._cells(frame, text, labels):
            if name in labels and cells.column.dtype == "str":
                converted[name] = read_labels(self._texts([name], keep_default_na=False)[name])
                continue
            converted[name] = cells.column
            for remark in cells.remarks:
                seen.setdefault(remark, []).append(name)
        conversions = [f"{remark} in {listed(names)}" for remark, names in seen.items()]
        return _with_columns(frame, converted), [*self.remarks, *trimmed_names(self.header)[1], *conversions]

    def _with_texts(self, text: Collection[str]) -> pd.DataFrame:
        """Return the frame with further columns as text."""
        names = [str(name) for name in self.frame if name in text and name not in self.text]
        texts = {name: self.frame[name] for name in names}
        as_written = {name: column.astype("str") for name, column in texts.items() if self._keeps_text(column)}
        others = [name for name in texts if name not in as_written]
        parsed = dict(self._texts(others).items()) if others else {}
        return _with_columns(self.frame, {**as_written, **parsed})

    def _keeps_text(self, column: pd.Series) -> bool:
        """Whether the texts of a column follow from its values: texts, or whole numbers with nothing around them."""
        if column.dtype == "str":
            # Beside integers that no type holds, pandas reads missing values such as "null" as text.
            return not column.str.contains(_OVERFLOW).any()
        content = self.source.content
        if column.dtype != "int64" or any(sign in content for sign in _AROUND) or self.source.zero_first:
            return False
        ends = (self.source.delimiter.encode(), b"\n", b"\r")
        return not content.endswith(b"-0") and not any(b"-0" + end in content for end in ends)

    def _cells(
        self, frame: pd.DataFrame, text: Collection[str], labels: Collection[str]
    ) -> Iterator[tuple[str, Cells]]:
        """Yield the columns that pandas may have read as another type than they are."""
        texts = [str(name) for name, kind in frame.dtypes.items() if kind == "str" and name not in text]
        doubtful = doubtful_columns(frame, zero_first=self.source.zero_first)
        for name in texts:
            column = frame[name]
            cells = read_cells(column, decimal_comma=self.source.delimiter == ";")
            if cells.column is not column or name in labels:
                yield name, cells
        raw = self._texts(doubtful) if doubtful else frame
        for name in doubtful:
            if not raw[name].str.contains(LOST).any():
                continue
            cells = read_cells(raw[name])
            if cells.column.dtype == "str":
                yield name, cells

    def _texts(self, names: list[str], **options: Any) -> pd.DataFrame:
        """Return columns as text, unchanged."""
        places = sorted(self.frame.columns.get_indexer(pd.Index(names)).tolist())
        table = self.source.parse(usecols=places, dtype=str, **options)
        return table.set_axis(self.frame.columns[places], axis=1)


def _with_columns(frame: pd.DataFrame, columns: Mapping[Any, pd.Series]) -> pd.DataFrame:
    """Return a table with other columns in place of some."""
    if len(columns) <= FEW:
        frame = frame.copy(deep=False)
        for name, column in columns.items():
            frame[name] = column
        return frame
    return pd.DataFrame({name: columns.get(name, column) for name, column in frame.items()}, index=frame.index)


def parse_text(source: DelimitedText, text: frozenset[str], remarks: list[str]) -> DelimitedTable:
    """Return the parsed text of a table."""
    # The header is read by itself, since pandas renames the second of two columns x to x.1.
    header = source.parse(header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
    names, _ = trimmed_names(header)
    frame = source.parse(dtype={raw or name: "str" for raw, name in zip(header, names, strict=True) if name in text})
    refuse_data_as_header(source.path, header, frame)
    refuse_twice(source.path, names)
    source.refuse_cut_off(len(frame))
    return DelimitedTable(source, header, frame.set_axis(names, axis=1), text, remarks)


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

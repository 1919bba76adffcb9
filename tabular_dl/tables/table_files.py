"""Reading of table files in any supported format.

bytes -> unpacked (gzip, zip, bzip2, xz) -> Parquet, or text (`tabular_dl.tables.csv_files`) -> DataFrame

The format is detected from the content: a zip file called train.csv is unpacked as well.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.limits import limit, read_at_most
from tabular_dl.tables.csv_files import parse_delimited, refuse_wide
from tabular_dl.tables.delimited_table import DelimitedTable
from tabular_dl.tables.file_names import name_problem
from tabular_dl.tables.headers import refuse_twice, trimmed_names
from tabular_dl.tables.unpacking import most_bytes, refuse_large, unpack
from tabular_dl.tables.values import category_text

__all__ = ["SUFFIXES", "TableFile", "read_content", "read_table_file"]

# Endings of the file names of tables, the most common first.
_BARE = (".csv", ".tsv", ".parquet")
ARROW_ERRORS = (ValueError, OSError, NotImplementedError)  # the base classes of Arrow's exceptions
CELL = 8  # bytes of a number
TEXTS_AT_ONCE = 1000  # rows
SUFFIXES = (*_BARE, *(f"{bare}{packed}" for bare in (".csv", ".tsv") for packed in (".gz", ".zip")), ".zip")


@dataclass(frozen=True)
class TableFile:
    """A table read from a file.

    Attributes
    ----------
    frame : DataFrame of shape (rows, columns)
        The table. Its index counts from 1: row 1 is the first after the header.
    notes : tuple of str
        Unusual properties of the file; each note starts with the file's name.
    digest : str
        SHA-256 of the file, in hexadecimal.
    source : DelimitedTable or bytes
        Parsed text, or content of the Parquet file, of which `read_again` reads columns in another way.
    unpacking : tuple of str
        Unusual properties of the archive that the file is.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    digest: str
    source: DelimitedTable | bytes = field(repr=False, compare=False)
    unpacking: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def read_again(self, path: Path, text: Collection[str] = (), labels: Collection[str] = ()) -> TableFile:
        r"""Return the same file with other columns as text, or with other labels, without reading it again.

        Parameters
        ----------
        path, text, labels
            As for `read_table_file`. The file is the same one, maybe by another path.

        Returns
        -------
        TableFile
            The table as `read_table_file` returns it.

        Raises
        ------
        DataError
            As `read_table_file` does.

        Examples
        --------
        >>> file = read_table_file(Path("a.csv"), content=b"id,x\n007,1\n8,2\n")
        >>> file.read_again(Path("a.csv"), text=["x"]).frame["x"].tolist()
        ['1', '2']
        """
        return _table(path, self.source, self.unpacking, self.digest, text, labels)


def read_table_file(
    path: Path, text: Collection[str] = (), labels: Collection[str] = (), content: bytes | None = None
) -> TableFile:
    r"""Read a table that has a header and at least one row.

    Parameters
    ----------
    path : Path
        File of comma-, semicolon-, tab- or bar-separated values, plain or compressed, or Parquet file.
    text : collection of str
        Columns to read as text, so that 007 stays 007. Columns that the table lacks are ignored.
    labels : collection of str
        Columns in which words such as "None" and "-" are labels, if they are text. Those that the table lacks are
        ignored.
    content : bytes, optional
        Content of the file as returned by `read_content`, if it was read before.

    Returns
    -------
    TableFile
        The table, with notes on the file.

    Raises
    ------
    DataError
        If the file does not exist, is a folder, is not readable, empty, broken, cut off or not a table, or has two
        columns of the same name. The message names the file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "train.csv"
    ...     _ = path.write_text("size;kind\n1,5;a\n-;b\n")
    ...     read = read_table_file(path)
    >>> read.frame
       size kind
    1   1.5    a
    2   NaN    b
    >>> for note in read.notes:
    ...     print(note)
    train.csv: semicolons between fields
    train.csv: '-' is read as missing in size
    train.csv: a comma is read as the decimal sign in size
    """
    data = read_content(path) if content is None else content
    try:
        unpacked, remarks = unpack(path, data, (*_BARE, ".txt"))
        is_parquet = unpacked.startswith(b"PAR1") or path.suffix == ".parquet"
        source = unpacked if is_parquet else parse_delimited(path, unpacked, text)
    except MemoryError:
        raise _memory_error(path) from None
    return _table(path, source, tuple(remarks), hashlib.sha256(data).hexdigest(), text, labels)


def _table(
    path: Path,
    source: DelimitedTable | bytes,
    unpacking: tuple[str, ...],
    digest: str,
    text: Collection[str],
    labels: Collection[str],
) -> TableFile:
    try:
        frame, remarks = _read_parquet(path, source, text) if isinstance(source, bytes) else source.read(text, labels)
    except MemoryError:
        raise _memory_error(path) from None
    if frame.empty:
        raise DataError(f"{path} has a header and no rows.")
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    notes = tuple(f"{path.name}: {remark}" for remark in (*unpacking, *remarks))
    return TableFile(frame, notes, digest, source, unpacking)


def _memory_error(path: Path) -> DataError:
    return DataError(f"{path} needs more memory than there is: take fewer rows or columns.")


def read_content(path: Path) -> bytes:
    """Return the whole content of a file, read once, since it may be a pipe.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    DataError
        If the file does not exist, is a folder or a device, is not readable or too large.
    """
    problem = name_problem(path)
    if problem:
        raise DataError(f"{path}: {problem}.")
    try:
        if path.is_char_device():  # such as /dev/zero, which has no end
            raise DataError(f"{path} is a device: expected a file with a table.")
        with path.open("rb") as file:
            content = read_at_most(file, limit(most_bytes()))
    except FileNotFoundError:
        others = [other.name for other in path.parent.glob("*") if other.name.endswith(SUFFIXES)]
        raise DataError(
            f"There is no file {path}. {did_you_mean(path.name, others) if others else ''}".strip()
        ) from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder: expected a file with a table.") from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied. Change its mode, or copy the file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(content) > limit(most_bytes()):
        refuse_large(path, max(len(content), path.stat().st_size), "the file has")
    return content


def broken_parquet(path: Path, error: Exception) -> DataError:
    """Return the error of a Parquet file that cannot be read, from one of Arrow's."""
    reason = " ".join(str(error).split()).rstrip(".")
    return DataError(f"{path} is a broken or incomplete Parquet file ({reason}). Get it again.")


def _read_parquet(path: Path, content: bytes, text: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        _refuse_large_parquet(path, file)
        table = file.read()
        refuse_twice(path, table.column_names)
        frame = table.to_pandas()
    except DataError:
        raise
    except ARROW_ERRORS as error:
        raise broken_parquet(path, error) from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names, remarks = trimmed_names([str(name) for name in frame.columns])
    refuse_twice(path, names)
    columns = (_plain(path, frame.iloc[:, place], as_text=name in text) for place, name in enumerate(names))
    return pd.DataFrame(dict(zip(names, columns, strict=True))), remarks


def _refuse_large_parquet(path: Path, file: Any) -> None:
    """Raise an error for a Parquet file that would not fit into memory, before it is unpacked.

    A page of one value may stand for a billion rows, and a row may repeat a long text, so texts are counted in pieces.
    """
    metadata = file.metadata
    refuse_wide(path, metadata.num_columns)
    refuse_large(path, metadata.num_rows * metadata.num_columns * CELL, "its numbers take")
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    refuse_large(path, sum(group.total_byte_size for group in groups), "it unpacks to")
    columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
    texts = [column.path.split(".")[0] for column in columns if column.physical_type == "BYTE_ARRAY"]
    if not texts:
        return
    size = 0
    for rows in file.iter_batches(batch_size=TEXTS_AT_ONCE, columns=list(dict.fromkeys(texts))):
        size += rows.nbytes
        refuse_large(path, size, "its texts take more than")


def _plain(path: Path, column: pd.Series, *, as_text: bool) -> pd.Series:
    """Return a typed column as it would be read from a text file: numbers, booleans or text; dates as text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    present = column.dropna()
    if present.empty:
        return pd.Series(float("nan"), index=column.index)
    if as_text and column.dtype.kind != "M":
        return column.map(category_text, na_action="ignore").astype("str")
    if column.dtype.kind in "mM":
        return column.astype("str")
    if pd.api.types.is_extension_array_dtype(column.dtype) and column.dtype.kind in "biuf":
        dtype = present.to_numpy().dtype  # the extension type's numpy counterpart
        if len(present) < len(column):
            dtype = np.dtype("object" if dtype.kind == "b" else "float64")
        return column.astype(dtype).where(column.notna())
    if column.dtype != object:
        return column
    if present.map(lambda value: isinstance(value, str | date)).all():
        return column.map(str, na_action="ignore").astype("str")
    if present.map(lambda value: isinstance(value, Decimal)).all():
        return column.astype("float64")
    if present.map(lambda value: isinstance(value, str | bool | int | float | date)).all():
        return column
    odd = next(value for value in present if not isinstance(value, str | bool | int | float | date))
    raise DataError(
        f"{path}, column {column.name!r}: expected numbers or text, found a {type(odd).__name__}. Split the column, "
        "or remove it."
    )

"""Table files: whatever format a table came in, one frame, and what was unusual about the file.

bytes -> unpacked (gzip, zip, bzip2, xz) -> Parquet, or text (`tabular_dl.tables.csv_files`) -> a frame

What a file is, is told from its content: a zip file that is named train.csv is unpacked all the same.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.tables.csv_files import read_delimited, refuse_twice
from tabular_dl.tables.values import category_text

__all__ = ["SUFFIXES", "TableFile", "read_content", "read_table_file"]

# How a table's file name may end, the most usual first.
_BARE = (".csv", ".tsv", ".parquet")
SUFFIXES = (*_BARE, *(f"{bare}{packed}" for bare in (".csv", ".tsv") for packed in (".gz", ".zip")), ".zip")

_PACKERS = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ": ("xz", lzma.decompress),
}
_MOST_NAMES = 5  # files that one message lists


@dataclass(frozen=True)
class TableFile:
    """A table that was read from a file.

    Attributes
    ----------
    frame : DataFrame of shape (rows, columns)
        Its index counts the rows as people do: row 1 is the first after the header.
    notes : tuple of str
        What was unusual about the file, each beginning with its name.
    digest : str
        SHA-256 of the file, in hexadecimal.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    digest: str


def read_table_file(
    path: Path, text: Collection[str] = (), labels: str | None = None, content: bytes | None = None
) -> TableFile:
    r"""Read a table that has a header and at least one row.

    Parameters
    ----------
    path : Path
        A file of comma-, semicolon-, tab- or bar-separated values, plain or packed, or a Parquet file.
    text : collection of str
        Columns to read as the text that they are, so that 007 stays 007; the table need not have them.
    labels : str, optional
        A column in which words such as "None" and "-" are labels, if it is text; the table need not have it.
    content : bytes, optional
        The file's, as `read_content` gives it, where it was read before.

    Returns
    -------
    TableFile

    Raises
    ------
    DataError
        Naming the file and what is wrong with it: not there, a folder, no permission, empty, no table, broken or cut
        off, or two columns of one name.

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
    unpacked, remarks = _unpack(path, data)
    if unpacked.startswith(b"PAR1") or path.suffix == ".parquet":
        frame = _read_parquet(path, unpacked, text)
    else:
        frame, more = read_delimited(path, unpacked, text, labels)
        remarks += more
    if frame.empty:
        raise DataError(f"{path} has a header and no rows.")
    frame = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    notes = tuple(f"{path.name}: {remark}" for remark in remarks)
    return TableFile(frame, notes, hashlib.sha256(data).hexdigest())


def read_content(path: Path) -> bytes:
    """Read a file once and whole: it may be a pipe.

    Raises
    ------
    DataError
        If it is not there, is a folder, or may not be read.
    """
    try:
        with path.open("rb") as file:
            return file.read()
    except FileNotFoundError:
        others = [other.name for other in path.parent.glob("*") if other.name.endswith(SUFFIXES)]
        raise DataError(
            f"There is no file {path}. {did_you_mean(path.name, others) if others else ''}".strip()
        ) from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder: expected a file with a table.") from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: you have no permission to. Change that, or copy the file.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None


def _unpack(path: Path, data: bytes) -> tuple[bytes, list[str]]:
    """Return the table inside a packed file; one layer is taken off, not a second."""
    if data.startswith(b"PK\x03\x04") or path.suffix == ".zip":
        return _unzip(path, data)
    for magic, (name, unpack) in _PACKERS.items():
        if data.startswith(magic):
            try:
                return unpack(data), []
            except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise DataError(f"{path} is a broken or incomplete {name} file ({error}). Get it again.") from None
    return data, []


def _unzip(path: Path, data: bytes) -> tuple[bytes, list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if "[Content_Types].xml" in names:
                raise DataError(f"{path} is an Excel or Word document: save the table as CSV.")
            # A Mac adds files whose names begin with a dot.
            names = [name for name in names if not PurePosixPath(name).name.startswith(".")]
            tables = [name for name in names if name.lower().endswith((*_BARE, ".txt"))] or names
            if len(tables) != 1:
                listed = ", ".join(tables[:_MOST_NAMES]) or "none"
                raise DataError(
                    f"{path}: expected one table in the zip file, found {len(tables)}: {listed}. Unpack it, and keep "
                    "the table that is meant."
                )
            content = archive.read(tables[0])
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} is a broken or incomplete zip file ({error}). Get it again.") from None
    except (RuntimeError, NotImplementedError) as error:  # a password, or an unusual method
        raise DataError(f"{path} cannot be unpacked: {error}. Unpack it yourself.") from None
    inside = PurePosixPath(tables[0]).name
    return content, [f"the table is {inside} inside"] if inside.split(".")[0] != path.name.split(".")[0] else []


def _read_parquet(path: Path, content: bytes, text: Collection[str]) -> pd.DataFrame:
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
        refuse_twice(path, table.column_names)
        frame = table.to_pandas()
    except DataError:
        raise
    except (ValueError, OSError, NotImplementedError) as error:  # as Arrow's own exceptions are
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"{path} is a broken or incomplete Parquet file ({reason}). Get it again.") from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    columns = (_plain(path, frame.iloc[:, place], as_text=name in text) for place, name in enumerate(names))
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def _plain(path: Path, column: pd.Series, *, as_text: bool) -> pd.Series:
    """Return a typed column as a text file would have given it: numbers, booleans, text; dates as text."""
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
        become: Any = present.to_numpy().dtype  # numpy's own type
        if len(present) < len(column):
            become = "object" if become.kind == "b" else "float64"
        return column.astype(become).where(column.notna())
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
        f"{path}, column {column.name!r}: expected numbers or text, found a {type(odd).__name__}. Take the column "
        "apart, or leave it out."
    )

"""Rows of files that are larger than memory: read in blocks, each by the reader of small tables.

A block is a piece of a file that ends with a row, below the file's header. So all rules of `table_files` hold for it:
missing values, numbers with leading zeros, decimal commas. Types are those of the first rows of the first file; a block
of other types is an error that names the file and the row.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from tabular_dl.errors import DataError, did_you_mean, listed
from tabular_dl.tables.file_names import is_pattern
from tabular_dl.tables.table_files import ARROW_ERRORS, SUFFIXES, TableFile, broken_parquet, read_table_file

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

__all__ = ["SAMPLE_ROWS", "RowSource", "source_files"]

SAMPLE_ROWS = 100_000
BLOCK_BYTES = 32 * 2**20  # of text; of Parquet files, as many rows as the sample has
PACKED = (".zip", ".bz2", ".xz")
PACKING = 4  # approximate factor by which gzip compresses a table


def source_files(folder: Path, name: str) -> tuple[Path, ...]:
    r"""Return the files that a table consists of, in the order of their names.

    Parameters
    ----------
    folder : Path
        Folder of the competition.
    name : str
        Name of a file, of a folder of files, or a pattern such as ``train-*.csv``, in that folder.

    Returns
    -------
    tuple of Path
        Files.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("part-2.csv", "part-1.csv", "notes.txt"):
    ...         _ = (Path(folder) / name).write_text("x\n1\n")
    ...     print([path.name for path in source_files(Path(folder), "part-*.csv")])
    ['part-1.csv', 'part-2.csv']
    """
    place = folder / name
    if place.is_dir():
        files = [file for file in place.iterdir() if file.name.lower().endswith(SUFFIXES)]
    elif is_pattern(name):
        files = [folder / file for file in glob.glob(name, root_dir=folder)]  # noqa: PTH207 (pathlib refuses absolute patterns)
        files = [file for file in files if file.is_file()]
    else:
        files = [place]
    if not files or not files[0].exists():
        others = [path.name for path in folder.glob("*")]
        hint = did_you_mean(name, others) if others else ""
        raise DataError(f"There is no table {place}. {hint}".strip())
    return tuple(sorted(files))


@dataclass(frozen=True)
class RowSource:
    r"""Table in one or several files, which is read in blocks of rows.

    Parameters
    ----------
    files : tuple of Path
        CSV files, plain or compressed by gzip, or Parquet files. All have the same columns.
    text : tuple of str, default=()
        Columns to read as text, such as the id.
    labels : tuple of str, default=()
        Columns in which words such as "None" are labels: the targets.
    block_bytes : int, default=33554432
        Bytes of text of a block.
    sample_rows : int, default=100000
        Number of first rows that types are read from; also the rows of a block of a Parquet file.

    Raises
    ------
    DataError
        While rows are read: for a file that cannot be read, has other columns or ends early, and for a value of
        another type than those of the first rows.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for part in (1, 2):
    ...         _ = (Path(folder) / f"{part}.csv").write_text(f"size,kind\n{part}.5,a\n{part},b\n")
    ...     source = RowSource(source_files(Path(folder), "*.csv"))
    ...     print(pd.concat(source.batches()))
       size kind
    1   1.5    a
    2   1.0    b
    3   2.5    a
    4   2.0    b
    """

    files: tuple[Path, ...]
    text: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    block_bytes: int = BLOCK_BYTES
    sample_rows: int = SAMPLE_ROWS

    @cached_property
    def sample(self) -> TableFile:
        """First rows of the first file."""
        file = self.files[0]
        if _is_parquet(file):
            return _read(file, _parquet_content(file, self.sample_rows), self.text, self.labels)
        with _opened(file) as opened:
            header = opened.readline()
            body = b"".join(_lines(opened, self.sample_rows))
        return _read(file, header + body, self.text, self.labels)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Type of each column: "number", "text", or "boolean"; "nothing" if the first rows have no value."""
        return {str(name): _kind(column) for name, column in self.sample.frame.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names, sizes, times and beginnings of the files, which takes no time for large ones."""
        state = hashlib.sha256(repr((self.text, self.labels)).encode())
        for file in self.files:
            status = file.stat()
            state.update(repr((str(file.resolve()), status.st_size, status.st_mtime_ns)).encode())
            with file.open("rb") as opened:
                state.update(opened.read(2**20))
        return state.hexdigest()

    @cached_property
    def about_rows(self) -> int:
        """Number of rows, estimated from the sizes of files and the first rows; exact for Parquet files."""
        rows = sum(_parquet(file).metadata.num_rows for file in self.files if _is_parquet(file))
        text = [file for file in self.files if not _is_parquet(file)]
        if not text:
            return rows
        with _opened(text[0]) as opened:
            lines = [len(line) for line in _lines(opened, self.sample_rows)]
        unpacked = sum(file.stat().st_size * (PACKING if file.suffix.lower() == ".gz" else 1) for file in text)
        return rows + round(unpacked * len(lines) / sum(lines))

    @cached_property
    def as_sampled(self) -> RowSource:
        """The same rows, with columns as text in all blocks if they are in the first rows."""
        texts = [name for name, kind in self.kinds.items() if kind == "text" and name not in self.labels]
        return replace(self, text=tuple(dict.fromkeys([*self.text, *texts])))

    def batches(self) -> Iterator[pd.DataFrame]:
        """Yield blocks of rows; their index counts the rows of all files from 1."""
        before = 0
        for file in self.files:
            row = 0
            for frame in self._blocks(file):
                self._check(file, frame, row)
                frame.index = pd.RangeIndex(before + row + 1, before + row + len(frame) + 1)
                row += len(frame)
                yield frame
            before += row

    def _blocks(self, file: Path) -> Iterator[pd.DataFrame]:
        if _is_parquet(file):
            yield from _parquet_blocks(file, self.sample_rows, self.text)
            return
        row = 0
        with _opened(file) as opened:
            header = opened.readline()
            for body in _pieces(opened, self.block_bytes, file):
                try:
                    frame = read_table_file(file, self.text, self.labels, header + body).frame
                except DataError as error:
                    raise _within(error, file, row) from None
                row += len(frame)
                yield frame
        if not row:
            raise DataError(f"{file} has a header and no rows.")

    def _check(self, file: Path, frame: pd.DataFrame, before: int) -> None:
        """Raise an error for other columns than the first file has, or a value of another type."""
        if list(frame) != list(self.kinds):
            lacking, added = listed([*self.kinds.keys() - {*frame}]), listed([*{*frame} - self.kinds.keys()])
            faults = [f"lacks {lacking}"] * bool(lacking) + [f"has {added}, which the first does not"] * bool(added)
            fault = " and ".join(faults) or "has the columns in another order"
            raise DataError(
                f"{file} {fault}: all files of a table have the header of the first, {self.files[0].name}. Correct "
                "the header, or name the files that belong together in data.train."
            )
        for name, kind in self.kinds.items():
            other = _kind(frame[name])
            if other in (kind, "nothing") or kind == "text":
                continue
            place, value = _first_misfit(frame[name], kind)
            words = "no value" if kind == "nothing" else {"number": "numbers", "boolean": "true and false"}.get(kind)
            raise DataError(
                f"{file}, column {name}, row {before + place + 1}: expected {words}, as in the first "
                f"{len(self.sample.frame):,} rows, found {value!r}. Correct the value, or put a row with a text into "
                "the first rows if the column is one of texts."
            )


def _kind(column: pd.Series[Any]) -> str:
    present = column if column.dtype != object else column.dropna()
    if not len(present) or present.isna().all():
        return "nothing"
    if column.dtype.kind == "b" or (column.dtype == object and present.map(lambda cell: isinstance(cell, bool)).all()):
        return "boolean"
    return "number" if column.dtype.kind in "iuf" else "text"


def _first_misfit(column: pd.Series[Any], kind: str) -> tuple[int, Any]:
    """Return place and value of the first cell that is no number, or neither true nor false."""
    present = column.notna().to_numpy()
    numbers = pd.to_numeric(column.astype(object), errors="coerce").isna().to_numpy()
    odd = present & (numbers if kind == "number" else True)
    place = int((odd if odd.any() else present).argmax())
    return place, column.iloc[place]


def _read(file: Path, content: bytes, text: Collection[str], labels: Collection[str]) -> TableFile:
    return read_table_file(file, text, labels, content)


def _within(error: DataError, file: Path, row: int) -> DataError:
    """Return the error of a block, whose rows count from 1, with the number of rows before it."""
    return error if not row else DataError(f"In the rows of {file} after row {row:,}, counted from there: {error}")


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() == ".parquet"


def _opened(file: Path) -> IO[bytes] | gzip.GzipFile:
    if file.suffix.lower() in PACKED:
        raise DataError(f"{file} is read in blocks, which {file.suffix} does not allow: unpack it, or use gzip.")
    try:
        return gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from None


def _lines(opened: IO[bytes] | gzip.GzipFile, rows: int) -> Iterator[bytes]:
    """Yield the lines of a number of rows; a field in quotes may have several."""
    quotes = count = 0
    for line in opened:
        yield line
        quotes += line.count(b'"')
        count += quotes % 2 == 0
        if count >= rows and quotes % 2 == 0:
            return


def _pieces(opened: IO[bytes] | gzip.GzipFile, size: int, file: Path) -> Iterator[bytes]:
    """Yield the rest of a text in pieces that end with a row."""
    rest = b""
    try:
        while piece := opened.read(size):
            rest += piece
            end = _last_end(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
    except (EOFError, OSError) as error:
        raise DataError(f"{file} ends early or is broken ({error}). Get it again.") from None
    if rest.strip():
        yield rest


def _last_end(text: bytes) -> int:
    """Return the place after the last end of a line that is in no quotes; 0 if there is none."""
    end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2:
        earlier = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', earlier, end)
        end = earlier
    return end


def _parquet(file: Path) -> ParquetFile:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except ARROW_ERRORS as error:
        raise broken_parquet(file, error) from None


def _parquet_blocks(file: Path, rows: int, text: Collection[str]) -> Iterator[pd.DataFrame]:
    for content in _parquet_contents(file, rows):
        yield read_table_file(file, text, (), content).frame


def _parquet_content(file: Path, rows: int) -> bytes:
    content = next(_parquet_contents(file, rows), None)
    if content is None:
        raise DataError(f"{file} has a header and no rows.")
    return content


def _parquet_contents(file: Path, rows: int) -> Iterator[bytes]:
    """Yield the rows of a Parquet file as small ones, which are read as any other."""
    import pyarrow
    import pyarrow.parquet

    opened = _parquet(file)
    try:
        for batch in opened.iter_batches(batch_size=rows):
            small = io.BytesIO()
            pyarrow.parquet.write_table(pyarrow.Table.from_batches([batch]), small, compression="none")
            yield small.getvalue()
    except ARROW_ERRORS as error:
        raise broken_parquet(file, error) from None

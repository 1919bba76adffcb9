"""Unpacking of compressed tables up to a limit: a small file may unpack to more than the memory of any machine.

A table may unpack to 4 GB, or to a quarter of this machine's memory if that is less, since reading it takes three to
four times its size. Of that, 200 MB may come from a file of any size. More has to come from a file of at least a 200th:
tables shrink to a third or a tenth, those of zeros to a fiftieth, and a bomb to a thousandth.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from tabular_dl.errors import DataError, listed
from tabular_dl.limits import is_bomb, limit, machine_memory, raised_by, size_of

__all__ = ["most_bytes", "refuse_large", "unpack"]

MOST_BYTES = 4_000_000_000
EXPANDED, EXPANSION = 200_000_000, 200  # bytes that any file may unpack to; factor for more
MOST_FILES = 10_000  # files of an archive
PIECE = 1_000_000  # bytes unpacked at once


def most_bytes() -> int:
    """Return the bytes that a table may have, before the user's factor: 4 GB, or a quarter of the memory."""
    return min(MOST_BYTES, machine_memory() // 4)


def refuse_large(path: Path, size: int, what: str) -> None:
    """Raise an error for a size above the limit of tables.

    Parameters
    ----------
    path : Path
        File of the table.
    size : int
        Bytes.
    what : str
        Beginning of the sentence about the size, such as ``"the file has"``.

    Raises
    ------
    DataError
        If the size is above the limit; the message states both, and the option that raises the limit.
    """
    if size > limit(most_bytes()):
        raise DataError(
            f"{path}: {what} {size_of(size)}; at most {size_of(limit(most_bytes()))} are read, a quarter of the memory "
            f"of this machine or less. {raised_by(size, most_bytes())}"
        )


def unpack(path: Path, data: bytes, suffixes: tuple[str, ...]) -> tuple[bytes, list[str]]:
    r"""Return the table inside a compressed file. Only one layer of compression is removed.

    Parameters
    ----------
    path : Path
        File of the table, for messages.
    data : bytes
        Content of the file, compressed or not. Its format follows from its first bytes.
    suffixes : tuple of str
        Endings of the names of tables in an archive.

    Returns
    -------
    content : bytes
        Content of the table.
    remarks : list of str
        Unusual properties of the archive.

    Raises
    ------
    DataError
        If the file is broken, incomplete, or unpacks to more than the limits; an archive holds not exactly one table.

    Examples
    --------
    >>> unpack(Path("a.csv.bz2"), bz2.compress(b"x\\n1\\n"), (".csv",))
    (b'x\\n1\\n', [])
    """
    if data.startswith(b"PK\x03\x04") or path.suffix == ".zip":
        return _unzip(path, data, suffixes)
    for magic, (name, make) in _PACKERS.items():
        if data.startswith(magic):
            try:
                return _unpack_streams(path, data, make), []
            except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, MemoryError) as error:
                if isinstance(error, DataError):
                    raise
                raise DataError(f"{path} is a broken or incomplete {name} file ({error}). Get it again.") from None
    return data, []


class _Gzip:
    """Decompressor of one gzip stream, as those of `bz2` and `lzma`."""

    def __init__(self) -> None:
        self._inside = zlib.decompressobj(wbits=31)
        self._rest = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most a number of unpacked bytes of the data and of the rest of earlier data."""
        content = self._inside.decompress(self._rest + data, max_length)
        self._rest = self._inside.unconsumed_tail
        return content

    @property
    def needs_input(self) -> bool:
        return not self._rest

    @property
    def eof(self) -> bool:
        return self._inside.eof

    @property
    def unused_data(self) -> bytes:
        return self._inside.unused_data


_Decompressor = _Gzip | bz2.BZ2Decompressor | lzma.LZMADecompressor
# xz may ask for gigabytes for its dictionary; its highest level takes 65 MB.
_PACKERS: dict[bytes, tuple[str, Callable[[], _Decompressor]]] = {
    b"\x1f\x8b": ("gzip", _Gzip),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ": ("xz", lambda: lzma.LZMADecompressor(memlimit=500_000_000)),
}


def _unpack_streams(path: Path, data: bytes, make: Callable[[], _Decompressor]) -> bytes:
    """Return the unpacked content of consecutive streams, as `gzip.decompress` does."""
    content, place, stream = bytearray(), 0, make()
    while True:
        piece = b""
        if stream.needs_input:
            piece, place = data[place : place + PIECE], place + PIECE
            if not piece:
                raise EOFError("the end is missing")
        content += stream.decompress(piece, PIECE)
        _refuse_bomb(path, len(content), len(data))
        if stream.eof:
            place = min(place, len(data)) - len(stream.unused_data)
            if not data.startswith(data[:3], place):
                # Zeros may fill up the last block; gzip takes anything else for damage, bzip2 and xz ignore it.
                if isinstance(stream, _Gzip) and data[place : place + PIECE].strip(b"\0"):
                    raise OSError("there is something else after its end")
                return bytes(content)
            stream = make()


def _refuse_bomb(path: Path, size: int, packed: int) -> None:
    """Raise an error if more was unpacked so far than a table of a packed size may have."""
    if is_bomb(size, packed, EXPANDED, EXPANSION):
        raise DataError(
            f"{path}: its {size_of(packed)} unpack to more than {limit(EXPANSION)} times as much ({size_of(size)} so "
            f"far), as hostile files do. {raised_by(2 * limit(EXPANSION), EXPANSION)}"
        )
    refuse_large(path, size, "it unpacks to more than")


def _unzip(path: Path, data: bytes, suffixes: tuple[str, ...]) -> tuple[bytes, list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _table_in(path, archive, suffixes)
            with archive.open(name) as packed:
                content = _read_within(path, packed, len(data))
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError, MemoryError) as error:
        raise DataError(f"{path} is a broken or incomplete zip file ({error}). Get it again.") from None
    except (RuntimeError, NotImplementedError) as error:  # a password, or an unusual method
        raise DataError(f"{path} cannot be unpacked: {error}. Unpack it yourself.") from None
    except (ValueError, LookupError, OverflowError) as error:  # of a damaged list of files
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is a broken or incomplete zip file ({error}). Get it again.") from None
    inside = PurePosixPath(name).name
    return content, [f"the table is {inside} inside"] if inside.split(".")[0] != path.name.split(".")[0] else []


def _table_in(path: Path, archive: zipfile.ZipFile, suffixes: tuple[str, ...]) -> str:
    """Return the name of the one table in an archive."""
    members = archive.infolist()
    if len(members) > limit(MOST_FILES):
        advice = raised_by(len(members), MOST_FILES)
        raise DataError(f"{path} holds {len(members):,} files; at most {limit(MOST_FILES):,}. {advice}")
    names = [info.filename for info in members if not info.is_dir()]
    if "[Content_Types].xml" in names:
        raise DataError(f"{path} is an Excel or Word document: save the table as CSV.")
    # macOS adds files whose names begin with a dot.
    names = [name for name in names if not PurePosixPath(name).name.startswith(".")]
    tables = [name for name in names if name.lower().endswith(suffixes)] or names
    if len(tables) != 1:
        raise DataError(
            f"{path}: expected one table in the zip file, found {len(tables)}: {listed(tables) or 'none'}. "
            "Unpack it, and use one of its tables."
        )
    return tables[0]


def _read_within(path: Path, packed: IO[bytes], size: int) -> bytes:
    content = bytearray()
    while piece := packed.read(PIECE):
        content += piece
        _refuse_bomb(path, len(content), size)
    return bytes(content)

"""Archives of downloads: their size unpacked is known before a file is written."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tabular_dl.errors import DataError
from tabular_dl.limits import is_bomb, limit, raised_by, size_of

__all__ = ["refuse_bomb"]

MOST_BYTES = 200_000_000_000  # the largest competitions have less
EXPANDED, EXPANSION = 2_000_000_000, 200  # bytes that any archive may unpack to; factor for more


def refuse_bomb(archive: Path) -> None:
    """Raise an error if an archive unpacks to more than a competition has, or to far more than its own size.

    The sizes are those that the archive states, beyond which neither `zipfile` nor `tarfile` unpacks.

    Parameters
    ----------
    archive : Path
        Zip or tar file.

    Raises
    ------
    DataError
        If it unpacks to more than 200 GB, or to more than 2 GB that are more than 200 times its size.
    """
    packed, total = archive.stat().st_size, 0
    for size in _sizes(archive):
        total += size
        if total > limit(MOST_BYTES):
            raise DataError(
                f"the archive unpacks to {size_of(total)} or more; at most {size_of(limit(MOST_BYTES))} are unpacked. "
                f"{raised_by(total, MOST_BYTES)}"
            )
        if is_bomb(total, packed, EXPANDED, EXPANSION):
            raise DataError(
                f"the archive of {size_of(packed)} unpacks to {size_of(total)} or more, as hostile ones do; at most "
                f"{limit(EXPANSION)} times its size. {raised_by(total / packed, EXPANSION)}"
            )


def _sizes(archive: Path) -> Iterator[int]:
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            for member in opened:
                yield member.size
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened_zip:
            for info in opened_zip.infolist():
                yield info.file_size

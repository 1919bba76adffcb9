"""Files that are complete or not there at all."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tabular_dl.errors import UserError

__all__ = ["write_table", "write_text"]

# A table of more bytes than this is zipped, which Kaggle takes as well.
MOST_PLAIN = 50_000_000


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that nobody ever sees half of it.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written to.
    """
    with _replaced(path) as partial, partial.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


def write_table(path: Path, csv: str) -> Path:
    """Write a table as CSV, or zipped if it is large or the path ends in ``.zip``; return the path written to.

    Equal tables make equal files, byte for byte.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written to.
    """
    if path.suffix.lower() != ".zip" and len(csv) <= MOST_PLAIN:
        write_text(path, csv)
        return path
    path = path.with_suffix(".zip")
    with _replaced(path) as partial, zipfile.ZipFile(partial, "x") as archive:
        inside = zipfile.ZipInfo(f"{path.stem}.csv")  # of 1980: the time of day is no part of the contents
        inside.external_attr = 0o644 << 16
        archive.writestr(inside, csv, zipfile.ZIP_DEFLATED)
    return path


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    # Not by `tempfile`, whose files nobody but their owner may read.
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file with -o.") from None
    finally:
        with suppress(OSError):
            partial.unlink()

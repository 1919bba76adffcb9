"""Atomic writing of files: a file is complete or absent."""

from __future__ import annotations

import secrets
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tabular_dl.errors import UserError

__all__ = ["check_place", "write_table", "write_text"]

# Largest table, in bytes, that is written as plain CSV. Kaggle accepts zipped tables as well.
MOST_PLAIN = 50_000_000


def check_place(path: Path) -> None:
    """Check that a file can be written, for commands that run for a long time before they write it.

    Parameters
    ----------
    path : Path
        File to create or replace; folders that are missing can be created.

    Raises
    ------
    UserError
        If it is a folder, or the nearest folder that exists is a file or not writable.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder, but has to be a file. Name another with -o.")
    folder = next(each for each in path.absolute().parents if each.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file with -o.") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 under a temporary name, then rename it, so that it is never seen incomplete.

    Parameters
    ----------
    path : Path
        File to create or replace.
    text : str
        Content of the file.

    Raises
    ------
    UserError
        If the folder does not exist or is not writable.
    """
    with _replaced(path) as partial, partial.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


def write_table(path: Path, csv: str) -> Path:
    """Write a table as CSV, or zipped if it is large or the path ends in ``.zip``.

    Equal tables give equal files, byte for byte.

    Parameters
    ----------
    path : Path
        File to create or replace.
    csv : str
        Table as CSV text.

    Returns
    -------
    Path
        File that was written; its suffix is ``.zip`` if the table was zipped.

    Raises
    ------
    UserError
        If the folder does not exist or is not writable.
    """
    if path.suffix.lower() != ".zip" and len(csv) <= MOST_PLAIN:
        write_text(path, csv)
        return path
    path = path.with_suffix(".zip")
    with _replaced(path) as partial, zipfile.ZipFile(partial, "x") as archive:
        inside = zipfile.ZipInfo(f"{path.stem}.csv")  # dated 1980: a real date would make equal tables differ
        inside.external_attr = 0o644 << 16
        archive.writestr(inside, csv, zipfile.ZIP_DEFLATED)
    return path


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    # `tempfile` is not used: only the owner may read its files.
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file with -o.") from None
    finally:
        with suppress(OSError):
            partial.unlink()

"""MLflow's database in one SQLite file: created atomically, and replaced if it was left incomplete.

MLflow creates a database in place, by some hundred changes, each committed separately. A process that is killed between
two of them leaves a file that no later process can open, and two processes that create the same file both fail. So a
database is created in a folder beside its place, under a lock that is released when its process ends, and linked to its
place when it is complete.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from tabular_dl.errors import UserError

__all__ = ["check_writable", "database_file", "is_half_made", "make_database"]

# Seconds without a change after which a half-made file is considered abandoned. The slowest of MLflow's changes takes
# less than a second.
QUIET_SECONDS = 10.0
LOCK_SECONDS = 120.0  # a database is made in 2 to 10 s
PREFIX = ".mlflow-"  # of the folders in which databases are made

logger = logging.getLogger(__name__)


def database_file(uri: str) -> Path | None:
    """Return the file of a SQLite store.

    Parameters
    ----------
    uri : str
        Address of a store.

    Returns
    -------
    Path or None
        None if the store is not a SQLite file.

    Examples
    --------
    >>> database_file("sqlite:////data/mlflow.db?timeout=5"), database_file("http://127.0.0.1:5000")
    (PosixPath('/data/mlflow.db'), None)
    """
    scheme, _, rest = uri.partition(":///")
    path = rest.partition("?")[0]
    return Path(path) if scheme.partition("+")[0] == "sqlite" and path not in ("", ":memory:") else None


def make_database(file: Path, create: Callable[[str], None], *, only_repair: bool = False) -> None:
    """Create a database if there is none, or if the file was left half made; that file is kept under another name.

    Parameters
    ----------
    file : Path
        Place of the database.
    create : callable
        Function that creates a new database at an address.
    only_repair : bool, default=False
        Whether a missing file stays missing.

    Raises
    ------
    UserError
        If the file is not a SQLite database, another process is still creating it, or the folder is missing or
        read-only.
    """
    if only_repair and not file.exists():
        return
    if file.exists() and not is_half_made(file):
        return
    _check_folder(file)
    lock = file.with_name(f".{file.name}.lock")
    try:
        with FileLock(lock, timeout=LOCK_SECONDS):
            try:
                _make_or_replace(file, create)
            finally:
                lock.unlink(missing_ok=True)  # processes that wait for it notice that, and open a new one
    except Timeout:
        raise UserError(
            f"Another process has been making {file} for {LOCK_SECONDS:.0f} s: end it, then try again."
        ) from None
    except OSError as error:
        raise UserError(
            f"The store {file} cannot be made: {error.strerror or error}. Work in another folder, or name another "
            "store by MLFLOW_TRACKING_URI; `fit --no-track` needs none."
        ) from None


def _make_or_replace(file: Path, create: Callable[[str], None]) -> None:
    if file.exists():
        if is_half_made(file):
            _wait_until_quiet(file)
        if not is_half_made(file):  # another process has made it
            return
        _keep_aside(file)
    _create_beside(file, create)


def is_half_made(file: Path) -> bool:
    """Return whether a database was left before MLflow had finished creating it.

    MLflow's last step is an experiment named Default. A database without any experiment therefore holds no run.

    Parameters
    ----------
    file : Path
        Database.

    Returns
    -------
    bool
        False for a complete database, and for one of another program.

    Raises
    ------
    UserError
        If the file cannot be read as a SQLite database.
    """
    try:
        # Not opened read-only, because the rollback of an interrupted change writes.
        with closing(sqlite3.connect(file, timeout=LOCK_SECONDS)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "experiments" not in tables:
                return not tables or any(name.startswith("alembic") for name in tables)
            return connection.execute("SELECT 1 FROM experiments LIMIT 1").fetchone() is None
    except sqlite3.Error as error:
        raise UserError(
            f"The store {file} cannot be read as a SQLite database ({error}): move it away, or set "
            "MLFLOW_TRACKING_URI to another."
        ) from None


def check_writable(file: Path) -> None:
    """Check that a database can be written to, or created if there is none.

    Parameters
    ----------
    file : Path
        Place of the database.

    Raises
    ------
    UserError
        If it cannot.
    """
    if not file.exists():
        _check_folder(file)
        return
    try:
        with closing(sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # The first change of a transaction opens the journal, so the folder has to be writable, too.
            connection.execute("CREATE TABLE tabular_dl_writable (number)")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise UserError(
            f"Nothing can be written to the store {file} ({error}): make file and folder writable, or name another "
            "store by MLFLOW_TRACKING_URI; `fit --no-track` needs none."
        ) from None


def _check_folder(file: Path) -> None:
    if not file.parent.is_dir():
        raise UserError(f"There is no folder {file.parent} for the store {file.name}: create it, or take another.")
    if not os.access(file.parent, os.W_OK):
        raise UserError(
            f"The folder {file.parent} is not writable, so that the store {file.name} cannot be made: work in another, "
            "or name another store by MLFLOW_TRACKING_URI; `fit --no-track` needs none."
        )


def _wait_until_quiet(file: Path) -> None:
    """Wait until a half-made file has not changed for some seconds, in case a process works on it without our lock."""
    begun = time.monotonic()
    while (left := QUIET_SECONDS - (time.time() - _changed(file))) > 0:
        if (
            left > QUIET_SECONDS or time.monotonic() - begun > LOCK_SECONDS
        ):  # the clock was set back, or it keeps changing
            break
        time.sleep(min(left, 0.5))
        if not file.exists() or not is_half_made(file):
            return


def _changed(file: Path) -> float:
    files = [file, *file.parent.glob(f"{file.name}-*")]  # journals
    return max((each.stat().st_mtime for each in files if each.exists()), default=0.0)


def _keep_aside(file: Path) -> None:
    name = next(
        name
        for number in range(1, 10_000)
        if not (name := file.with_name(f"{file.name}.half-made{number if number > 1 else ''}")).exists()
    )
    for journal in ("-journal", "-wal", "-shm"):
        if (part := file.with_name(file.name + journal)).exists():
            part.replace(name.with_name(name.name + journal))
    file.replace(name)
    logger.warning(
        "The store %s was left half made by a process that was killed; it has no runs. It is kept as %s, and a new one "
        "is made.",
        file,
        name.name,
    )


def _create_beside(file: Path, create: Callable[[str], None]) -> None:
    """Make a database in a new folder beside its place. Folders of killed processes are removed: the lock is held."""
    for left in file.parent.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        new = Path(folder) / file.name
        create(f"sqlite:///{new.resolve().as_posix()}")
        try:
            os.link(new, file)  # unlike renaming, does not replace a database of another process
        except OSError:
            if not file.exists():  # a file system without links
                new.replace(file)

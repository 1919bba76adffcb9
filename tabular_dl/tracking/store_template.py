"""Template of a new MLflow database, kept between processes so that new stores need none of MLflow's migrations.

MLflow makes a database by some hundred migrations, which take 2 to 5 s of processor time. A database that was made
this way is kept without its experiments, in ``~/.cache/tabular-dl/stores`` or the folder that ``XDG_CACHE_HOME`` or
``TABULAR_DL_COMPILED_CACHE`` names, in a subfolder for MLflow's version. The next new store is a copy; MLflow checks
its schema when it opens it, and adds its default experiment, with paths and times of the new place.

A template is named by its digest, so that a damaged one is never used, and only this user's files are used. A command
never fails because a template cannot be kept: MLflow's migrations run instead.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from tabular_dl.nn import cache_folder, is_own_file

__all__ = ["create_from_template"]

SUFFIX = ".db"
LARGEST = 2**24  # bytes of a template; MLflow's empty database has a megabyte
SECONDS_OF_PARTS = 3600
SECONDS_OF_UNUSED_VERSIONS = 90 * 24 * 3600


def create_from_template(file: Path, create: Callable[[Path], None]) -> None:
    """Create a database as a copy of the template if there is one, else create it, and keep it as the template.

    Parameters
    ----------
    file : Path
        Database to create, in a folder of its own.
    create : callable
        Function that makes MLflow open a database, given its file. MLflow adds what is missing, and raises an error
        if the schema is not that of its version.
    """
    folder = cache_folder("stores", f"mlflow-{version('mlflow')}")
    template = folder and _template(folder)
    if template is not None and _create_copy(template, file, create):
        return
    create(file)
    if folder is not None and _template(folder) is None:
        with suppress(OSError, sqlite3.Error):
            _keep(file, folder)
            _remove_unused(folder)


def _create_copy(template: Path, file: Path, create: Callable[[Path], None]) -> bool:
    """Create a database from a template, and return whether that worked; a template that MLflow rejects is removed."""
    copy = file.with_name(f"copy-{file.name}")  # by another name, since MLflow keeps connections by address
    try:
        content = template.read_bytes()
        if hashlib.sha256(content).hexdigest() != template.stem:  # it was replaced meanwhile
            return False
        copy.write_bytes(content)
    except OSError:
        copy.unlink(missing_ok=True)
        return False
    try:
        create(copy)
    except Exception:  # noqa: BLE001 (databases raise various types; an error of the disk is raised again when `create` runs)
        copy.unlink(missing_ok=True)
        with suppress(OSError):
            template.unlink()
        return False
    copy.replace(file)
    return True


def _template(folder: Path) -> Path | None:
    """Return the template in a folder, and remove those that are damaged or that others may change."""
    with suppress(OSError):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            usable = is_own_file(path) and path.stat().st_size <= LARGEST
            if usable and hashlib.sha256(path.read_bytes()).hexdigest() == path.stem:
                return path
            path.unlink()
    return None


def _keep(file: Path, folder: Path) -> None:
    """Keep a new database without its experiments, under the name of its digest."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        part = Path(temporary) / "part"
        shutil.copyfile(file, part)
        with closing(sqlite3.connect(part)) as connection:
            connection.execute("DELETE FROM experiments")
            connection.commit()
            connection.execute("VACUUM")
        part.chmod(0o600)
        part.replace(folder / f"{hashlib.sha256(part.read_bytes()).hexdigest()}{SUFFIX}")


def _remove_unused(folder: Path) -> None:
    """Remove files that killed processes left, and the folders of versions of MLflow unused for 90 days."""
    now = time.time()
    for path in folder.iterdir():
        if path.suffix != SUFFIX and path.lstat().st_mtime < now - SECONDS_OF_PARTS:
            shutil.rmtree(path, ignore_errors=True)
    for other in folder.parent.iterdir():
        is_of_mlflow = re.fullmatch(r"mlflow-[0-9A-Za-z.+]+", other.name) and other != folder and not other.is_symlink()
        if is_of_mlflow and other.lstat().st_mtime < now - SECONDS_OF_UNUSED_VERSIONS:
            shutil.rmtree(other, ignore_errors=True)

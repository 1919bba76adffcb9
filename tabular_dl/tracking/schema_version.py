"""Schema version of a SQLite store, compared with that of the installed MLflow without importing MLflow.

MLflow checks the version when it opens a store, but its import takes seconds, which a command delays until its training
runs. Each of MLflow's migrations is a file that names the migration before it; the newest is the one that no other
names.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

__all__ = ["has_newest_schema", "newest_schema"]

_REVISION = re.compile(r"^(down_)?revision\b[^=\n]*=\s*[\"']([0-9a-f]+)[\"']", re.MULTILINE)


def has_newest_schema(file: Path) -> bool:
    """Return whether MLflow can open a database without migrating it.

    Parameters
    ----------
    file : Path
        Database.

    Returns
    -------
    bool
        False also if the version cannot be read without MLflow.
    """
    newest = newest_schema()
    if newest is None:
        return False
    try:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest,)]
    except sqlite3.Error:
        return False


def newest_schema() -> str | None:
    """Return the identifier of the newest schema of the installed MLflow, or None if its files do not show it.

    Examples
    --------
    >>> len(newest_schema())
    12
    """
    package = find_spec("mlflow")
    places = (package and package.submodule_search_locations) or []
    files = [file for place in places for file in Path(place).glob("store/db_migrations/versions/*.py")]
    revisions: set[str] = set()
    earlier: set[str] = set()
    for file in files:
        try:
            identifiers = _REVISION.findall(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        for is_earlier, identifier in identifiers:
            (earlier if is_earlier else revisions).add(identifier)
    newest = revisions - earlier
    return newest.pop() if len(newest) == 1 and earlier <= revisions else None

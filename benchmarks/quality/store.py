"""The CSV file of the suite: one row a table, variant and split."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd
from filelock import FileLock

from tabular_dl.atomic_files import write_text

__all__ = ["COLUMNS", "KEY", "add_row", "read_rows"]

KEY = ["table", "variant", "split"]
COLUMNS = [
    *KEY,
    "rows",
    "columns",
    "problem",
    "error",
    "rmse",
    "standard_error",
    "log_loss",
    "log_loss_standard_error",
    "auc",
    "cpu_seconds",
    "commit",
    "date",
    "losses_by_group",
    "log_losses_by_group",
]
# Commits of digits only would be read as numbers.
TYPES = {"commit": "str", "losses_by_group": "str", "log_losses_by_group": "str"}


def read_rows(path: Path) -> pd.DataFrame:
    """Return the rows of a file; none if it does not exist."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(path, dtype=TYPES, keep_default_na=True)


def add_row(path: Path, row: dict[str, object]) -> None:
    """Write a row, in place of one of the same table, variant and split. Several processes may write at a time."""
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir()) / f"quality-{name}.lock"):
        rows = read_rows(path)
        same = (rows[KEY] == [row[name] for name in KEY]).all(axis=1)
        new = pd.DataFrame([row], columns=COLUMNS)
        rows = new if same.all() else pd.concat([rows[~same], new])
        write_text(path, rows.sort_values(KEY).to_csv(index=False, float_format="%.6g"))

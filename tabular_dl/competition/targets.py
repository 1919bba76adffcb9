"""Several columns to predict of a training table: present, of one type, and parted from rows that lack all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tabular_dl.competition.target_rows import TargetRows, require_column, without_missing_values
from tabular_dl.errors import DataError, listed
from tabular_dl.problems import NEED_ALL, infer_problem
from tabular_dl.tables import read_categories

__all__ = ["part_by_targets"]


def part_by_targets(train: pd.DataFrame, targets: Sequence[str], path: Path) -> TargetRows:
    """Return the training rows that have one of several targets or more, and those that have none.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training table.
    targets : sequence of str
        Columns to predict.
    path : Path
        File of the targets, for messages.

    Returns
    -------
    TargetRows
        Both parts, with notes. Rows may lack some targets of numbers, but not of classes. If the targets are of one
        kind, they get one type: true and false become 1 and 0 beside numbers; whole numbers and booleans become names
        of classes beside texts.

    Raises
    ------
    DataError
        If a target is missing, has a single value, or is one of classes that some rows lack.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1, 2, 3, None], "b": [0.5, None, 2.5, None]}, index=[1, 2, 3, 4])
    >>> rows = part_by_targets(table, ["a", "b"], Path("train.csv"))
    >>> rows.labeled["b"].tolist(), len(rows.unlabeled)
    ([0.5, nan, 2.5], 1)
    >>> rows.notes[1]
    'train.csv: 1 of 3 rows has no value of b (a target), the first is row 2; the other targets learn from them'
    """
    for name in targets:
        require_column(train, name, path, "the target")
    without = train[list(targets)].isna().all(axis=1)
    labeled, notes = train[~without], []
    if without.all():
        raise DataError(f"{path}: no row has a value of {listed(targets, 12)} (the targets). Fill them in.")
    if without.any():
        known = {name: without_missing_values(labeled[name]) for name in targets if labeled[name].notna().all()}
        labeled = labeled.assign(**known)
        notes.append(
            f"{path.name}: {_rows(without)} no value of any target, the first is row {without.idxmax()}; "
            "they are left out of training"
        )
    for name in targets:
        _check_target(labeled, name, path)
        missing = labeled[name].isna()
        if missing.any():
            notes.append(
                f"{path.name}: {_rows(missing)} no value of {name} (a target), the first is row {missing.idxmax()}; "
                "the other targets learn from them"
            )
    return TargetRows(_alike(labeled, targets), train[without], tuple(notes))


def _rows(chosen: pd.Series) -> str:
    """Return the number of rows that are chosen, of all, as the subject of a sentence, with the verb have."""
    return f"{chosen.sum():,} of {len(chosen):,} rows {'has' if chosen.sum() == 1 else 'have'}"


def _alike(train: pd.DataFrame, targets: Sequence[str]) -> pd.DataFrame:
    """Return the training table with several targets of one type, if they are of one kind.

    True and false become 1 and 0 beside numbers. Beside texts, which are classes, whole numbers and booleans are the
    names of classes.
    """
    columns = train[list(targets)]
    if all(column.dtype.kind in "biuf" for _, column in columns.items()):
        booleans = [name for name, column in columns.items() if column.dtype.kind == "b"]
        return train.astype(dict.fromkeys(booleans, "int64"))
    others = [
        name
        for name, column in columns.items()
        if column.dtype.kind == "b" or (column.dtype.kind in "iu" and infer_problem(column).classification)
    ]
    return train.assign(**{str(name): pd.Series(read_categories(train[name]), train.index, str) for name in others})


def _check_target(train: pd.DataFrame, target: str, path: Path) -> None:
    subject, column = f"{path}, column {target} (the target)", train[target]
    missing = column.index[column.isna()]
    if len(missing) and column.dtype.kind != "f":
        raise DataError(
            f"{subject}: {len(missing):,} of {len(train):,} rows have no value, the first is row {missing[0]}: "
            f"{NEED_ALL}"
        )
    if column.nunique() < 2:
        content = f"every row has the value {column.tolist()[0]!r}" if column.nunique() else "no row has a value"
        raise DataError(
            f"{subject}: {content}. At least two different values are needed to learn from. Take it out of data.target."
        )

"""Training rows with their targets: joined from a file of labels, read from text, and parted from rows without one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from tabular_dl.errors import DataError, did_you_mean, listed
from tabular_dl.tables import TableFile, read_unit_numbers

__all__ = ["TargetRows", "join_labels", "part_by_target", "require_column", "without_missing_values"]


@dataclass(frozen=True)
class TargetRows:
    """Training rows with and without a target.

    Attributes
    ----------
    labeled : DataFrame of shape (rows, columns)
        Rows with a target. The index has their numbers in the file.
    unlabeled : DataFrame of shape (other rows, columns)
        Rows without one.
    notes : tuple of str
        Notes on the conversion of the target, and on rows without one.
    """

    labeled: pd.DataFrame
    unlabeled: pd.DataFrame
    notes: tuple[str, ...]


def require_column(table: pd.DataFrame, name: str, path: Path, role: str) -> None:
    """Raise an error if a table lacks a column.

    Raises
    ------
    DataError
        If the column is missing; the message names the file, the column, its role and the nearest column.
    """
    if name not in table.columns:
        raise DataError(f"{path}: there is no column {name!r} ({role}). {did_you_mean(name, map(str, table.columns))}")


def join_labels(
    train: TableFile, labels: TableFile, id_column: str | None, targets: Sequence[str], files: tuple[Path, Path]
) -> TableFile:
    """Return a training table with the targets from a table of their own, joined by id.

    Parameters
    ----------
    train, labels : TableFile
        Tables of the training rows and of their labels.
    id_column : str or None
        Column that both have.
    targets : sequence of str
        Columns of the labels.
    files : tuple of (Path, Path)
        Paths of both, for messages.

    Returns
    -------
    TableFile
        Training rows in their order, with the targets as last columns, missing where an id has no label. The digest is
        that of both files.

    Raises
    ------
    DataError
        If there is no id, a column is missing or in both tables, an id of the labels is missing or repeated, or no row
        has a label.
    """
    path, labels_path = files
    if id_column is None:
        raise DataError(f"{labels_path}: labels are joined by id. Name the column that both tables have: data.id.")
    require_column(train.frame, id_column, path, "the id, by which labels are joined")
    require_column(labels.frame, id_column, labels_path, "the id, by which labels are joined")
    for target in targets:
        require_column(labels.frame, target, labels_path, "the target")
        if target in train.frame:
            raise DataError(f"{path} has a column {target!r} too: leave data.labels out, or remove the column.")
    ids = labels.frame[id_column]
    for rows, fault in ((ids.index[ids.isna()], "has no value"), (ids.index[ids.duplicated()], "is repeated")):
        if len(rows):
            value = "" if pd.isna(ids[rows[0]]) else f"{ids[rows[0]]!r} in "
            raise DataError(
                f"{labels_path}, column {id_column} (the id): {value}row {rows[0]} {fault} ({len(rows)} such rows). "
                "Each id needs one row with its label: correct them."
            )
    by_id, names = labels.frame.set_index(id_column), listed(targets, 12)
    values = {target: train.frame[id_column].map(by_id[target]) for target in targets}
    notes = [*labels.notes, f"{labels_path.name}: {names} (the target) is joined to {path.name} by {id_column}"]
    unknown = ids[~ids.isin(train.frame[id_column])]
    if len(unknown) == len(ids):
        raise DataError(
            f"{labels_path}, column {id_column} (the id): none of its {len(ids):,} ids is in {path}, such as "
            f"{ids.iloc[0]!r}. Both files must be from the same competition."
        )
    if len(unknown):
        notes.append(
            f"{labels_path.name}: {len(unknown):,} of {len(ids):,} ids are in no row of {path.name}, the first is "
            f"{unknown.iloc[0]!r}; their labels are not used"
        )
    others = [str(name) for name in labels.frame if name not in (id_column, *targets)]
    if others:
        notes.append(f"{labels_path.name}: only {names} is read, not {listed(others, 12)}")
    return replace(
        train,
        frame=train.frame.assign(**values),
        notes=(*train.notes, *notes),
        digest=hashlib.sha256(f"{train.digest} {labels.digest}".encode()).hexdigest(),
    )


def part_by_target(train: pd.DataFrame, target: str, path: Path, unit: str | bool | None = None) -> TargetRows:
    """Return the training rows that have a target, and those that have none.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training table.
    target : str
        Column to predict.
    path : Path
        File of the target, for messages.
    unit : str or True, optional
        Unit of a target that is written as text, such as "$" for $4,436; True for numbers without one. By default the
        column is left as it is.

    Returns
    -------
    TargetRows
        Both parts, with notes.

    Raises
    ------
    DataError
        If the column is missing, no row has a target, or all have the same.

    Examples
    --------
    >>> table = pd.DataFrame({"size": [1, 2, 3], "price": ["$4,436", "$900", "?"]}, index=[1, 2, 3])
    >>> rows = part_by_target(table, "price", Path("train.csv"), "$")
    >>> rows.labeled["price"].tolist(), len(rows.unlabeled)
    ([4436, 900], 1)
    """
    require_column(train, target, path, "the target")
    subject, column, notes = f"{path}, column {target} (the target)", train[target], []
    if unit is not None:
        numbers = read_unit_numbers(column, unit)
        others = column[numbers.isna() & column.notna()]
        kind = "numbers" if unit is True else f"numbers in {unit}"
        if numbers.isna().all():
            raise DataError(f"{subject}: no value is one of {kind}. Correct data.target_number, or leave it out.")
        notes.append(f"{path.name}: {target} (the target) is read as {kind}")
        if len(others):
            notes[-1] += (
                f"; {len(others):,} of {column.notna().sum():,} values are no numbers, the first in row "
                f"{others.index[0]}: {others.iloc[0]!r}"
            )
        column = numbers
    missing = column.isna()
    if missing.all():
        raise DataError(f"{subject}: no row has a value. Fill it in, or name another column.")
    known = column[~missing]
    if missing.any() or unit is not None:
        known = without_missing_values(known)
    if known.nunique() < 2:
        raise DataError(
            f"{subject}: every row has the value {known.tolist()[0]!r}. At least two different values are needed to "
            "learn from."
        )
    if not missing.any():
        return TargetRows(train if unit is None else train.assign(**{target: known}), train.head(0), tuple(notes))
    notes.append(
        f"{path.name}: {missing.sum():,} of {len(train):,} rows have no value of {target} (the target), the first is "
        f"row {missing.idxmax()}; they are left out of training"
    )
    labeled = train[~missing].assign(**{target: known})
    return TargetRows(labeled, train[missing], tuple(notes))


def without_missing_values(column: pd.Series) -> pd.Series:
    """Return a column in the type that it has without missing values: whole numbers, or true and false."""
    if column.dtype.kind == "f" and (column % 1 == 0).all() and (column.abs() < 2**53).all():
        return column.astype("int64")
    return column.infer_objects() if column.dtype == object else column

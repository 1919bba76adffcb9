"""Columns to predict of a training table: present, without missing values, and of one type if there are several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tabular_dl.competition.target_rows import require_column
from tabular_dl.errors import DataError
from tabular_dl.problems import infer_problem
from tabular_dl.tables import read_categories

__all__ = ["checked_targets"]


def checked_targets(train: pd.DataFrame, targets: Sequence[str], path: Path) -> pd.DataFrame:
    """Return the training table, with several targets of one type if they are of one kind.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training rows.
    targets : sequence of str
        Columns to predict.
    path : Path
        File of the table, for messages.

    Returns
    -------
    DataFrame of shape (rows, columns)
        Table. Of several targets, true and false become 1 and 0 beside numbers; whole numbers and booleans become names
        of classes beside texts.

    Raises
    ------
    DataError
        If a target is missing, has a missing value, or has a single value.

    Examples
    --------
    >>> checked_targets(pd.DataFrame({"a": [0, 1], "b": [True, False]}), ["a", "b"], Path("train.csv"))
       a  b
    0  0  1
    1  1  0
    """
    for name in targets:
        _check_target(train, name, path, several=len(targets) > 1)
    return train if len(targets) == 1 else _alike(train, targets)


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


def _check_target(train: pd.DataFrame, target: str, path: Path, *, several: bool) -> None:
    require_column(train, target, path, "the target")
    remedy = ". Remove those rows."
    if several:
        remedy = "; a row needs all targets: remove those rows, or take the column out of data.target."
    missing = train.index[train[target].isna()]
    if len(missing):
        raise DataError(
            f"{path}, column {target} (the target): {len(missing)} of {len(train)} rows have no value, the first is "
            f"row {missing[0]}{remedy}"
        )
    if train[target].nunique() < 2:
        raise DataError(
            f"{path}, column {target} (the target): every row has the value {train[target].tolist()[0]!r}. At least "
            f"two different values are needed to learn from.{' Take it out of data.target.' if several else ''}"
        )

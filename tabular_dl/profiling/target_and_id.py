"""Which column is to be predicted, and which one names the rows: told from the tables of a competition.

A sample submission says both by its header. Without one, the target is the column that the training table has and the
test table lacks, and the id a column of different values whose name says so. What is not clear is an error that lists
the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.profiling.column_kinds import names_an_id

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Roles", "find_roles"]

MOST_LISTED = 12  # columns that one message lists


@dataclass(frozen=True)
class Roles:
    """Target and id of a competition, each with the reason in words.

    Attributes
    ----------
    target, target_reason : str
        The column to predict, and how it was found.
    id : str or None
        The column that names rows in a submission.
    id_reason : str
        How it was found, or that there is none.
    """

    target: str
    target_reason: str
    id: str | None
    id_reason: str


def find_roles(
    train: pd.DataFrame,
    test: pd.DataFrame | None = None,
    sample: pd.DataFrame | None = None,
    *,
    target: str | None = None,
    id_column: str | None = None,
) -> Roles:
    """Find the target and the id of a competition.

    Parameters
    ----------
    train, test, sample : DataFrame
        Training rows, rows to predict, and sample submission; the last two may be lacking.
    target, id_column : str, optional
        What the user says; it wins.

    Returns
    -------
    Roles

    Raises
    ------
    DataError
        If the user names a column that is not there, or the target is not clear; the message lists the candidates.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"Id": [1, 2], "size": [3.5, 1.0], "price": [10, 20]})
    >>> roles = find_roles(train, train[["Id", "size"]], train[["Id", "price"]])
    >>> roles.target, roles.id
    ('price', 'Id')
    """
    for name, option in ((target, "--target"), (id_column, "--id")):
        if name is not None and name not in train.columns:
            hint = did_you_mean(name, map(str, train.columns))
            raise DataError(f"{option} {name}: the training table has no such column. {hint}")
    if target is not None and target == id_column:
        raise DataError(f"--id {id_column}: it is the target. Name the column that identifies a row, or leave it out.")
    found, why = (target, "as --target says") if target is not None else _target(train, test, sample, id_column)
    if id_column is not None:
        return Roles(found, why, id_column, "as --id says")
    return Roles(found, why, *_id(train, test, sample, found))


def _target(
    train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None, id_column: str | None
) -> tuple[str, str]:
    lacking = [name for name in train.columns if name != id_column and (test is None or name not in test.columns)]
    if sample is not None:
        asked = [name for name in lacking if name in sample.columns and (test is not None or name != sample.columns[0])]
        if len(asked) == 1:
            return asked[0], "the sample submission asks for it"
        if len(asked) > 1:
            raise DataError(
                f"The sample submission asks for {len(asked)} columns of the training table: {_listed(asked)}. A "
                "pipeline predicts one: name it with --target, and make one pipeline for each."
            )
    if test is None:
        raise DataError(
            f"Without a test table or a sample submission, any column may be the target: {_listed(lacking)}. Name it "
            "with --target."
        )
    if not lacking:
        raise DataError(
            "The test table has every column of the training table, so none shows itself as the target. Name it with "
            f"--target: {_listed(list(train.columns))}."
        )
    if len(lacking) > 1:
        raise DataError(
            f"The training table has {len(lacking)} columns that the test table lacks, and each may be the target: "
            f"{_listed(lacking)}. Name it with --target."
        )
    return lacking[0], "the one column that the test table lacks"


def _id(
    train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None, target: str
) -> tuple[str | None, str]:
    rows = train if test is None else test
    shared = [name for name in train.columns if name != target and name in rows.columns]
    if sample is not None:
        named = [name for name in sample.columns if name in shared]
        if named:
            return named[0], "the sample submission has it"
    for name in shared:
        if names_an_id(name) and all(table[name].notna().all() and table[name].is_unique for table in (train, rows)):
            return name, "its name says so, and every row has its own"
    return None, "no column names the rows"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(map(str, names[:MOST_LISTED]))}{more}"

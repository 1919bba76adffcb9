"""Detection of the target and the id column from the tables of a competition.

The header of a sample submission names both, and may name several targets; its id may be a column that only the test
rows have. Without a sample, the target is the column that the training table has and the test table lacks, and the id
is a column of different values, none of them with a fraction, with a name that is usual for ids. An unclear target is
an error, whose message lists the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabular_dl.errors import DataError, did_you_mean, listed
from tabular_dl.profiling.ids import may_identify, names_an_id

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Roles", "find_roles"]

MOST_LISTED = 12  # columns listed by one message


@dataclass(frozen=True)
class Roles:
    """Target and id of a competition, each with the reason in words.

    Attributes
    ----------
    target : str or list of str
        Column to predict, or several.
    target_reason : str
        Reason for the choice of the target.
    id : str or None
        Column that identifies rows in a submission; None if there is none.
    id_reason : str
        Reason for the choice of the id.
    """

    target: str | list[str]
    target_reason: str
    id: str | None
    id_reason: str

    @property
    def targets(self) -> list[str]:
        """Columns to predict."""
        return [self.target] if isinstance(self.target, str) else self.target


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
    train : DataFrame
        Training rows.
    test : DataFrame, optional
        Rows to predict.
    sample : DataFrame, optional
        Sample submission.
    target : str, optional
        Target named by the user, or several separated by commas, which takes precedence.
    id_column : str, optional
        Id named by the user, which takes precedence.

    Returns
    -------
    Roles
        Target and id, with reasons.

    Raises
    ------
    DataError
        If the user names a column that does not exist, or the target is unclear; the message lists the candidates.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"Id": [1, 2], "size": [3.5, 1.0], "price": [10, 20]})
    >>> roles = find_roles(train, train[["Id", "size"]], train[["Id", "price"]])
    >>> roles.target, roles.id
    ('price', 'Id')
    """
    # A name may have a comma itself.
    given = [target] if target is None or target in train.columns else [name.strip() for name in target.split(",")]
    for name, option in (*((name, "--target") for name in given), (id_column, "--id")):
        if name is not None and name not in train.columns:
            hint = did_you_mean(name, map(str, train.columns))
            raise DataError(f"{option} {name}: the training table has no such column. {hint}")
    if id_column is not None and id_column in given:
        raise DataError(f"--id {id_column}: it is the target. Name the column that identifies a row, or leave it out.")
    targets, target_reason = [str(name) for name in dict.fromkeys(given)], "given by --target"
    if target is None:
        targets, target_reason = _targets(train, test, sample, id_column)
    chosen = targets[0] if len(targets) == 1 else targets
    if id_column is not None:
        return Roles(chosen, target_reason, id_column, "given by --id")
    return Roles(chosen, target_reason, *_id(train, test, sample, targets))


def _targets(
    train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None, id_column: str | None
) -> tuple[list[str], str]:
    candidates = [name for name in train.columns if name != id_column and (test is None or name not in test.columns)]
    if sample is not None:
        # Without a test table, the first column of the sample submission is the id.
        in_sample = [
            name for name in candidates if name in sample.columns and (test is not None or name != sample.columns[0])
        ]
        if len(in_sample) == 1:
            return in_sample, "a column of the sample submission"
        if len(in_sample) > 1:
            return [name for name in sample.columns if name in in_sample], "columns of the sample submission"
    names = listed(candidates, MOST_LISTED)
    if test is None:
        raise DataError(
            f"Without a test table or a sample submission, any column may be the target: {names}. Name it with "
            "--target."
        )
    if not candidates:
        raise DataError(
            "The test table has every column of the training table, so the target is unclear. Name it with --target: "
            f"{listed(list(train.columns), MOST_LISTED)}."
        )
    if len(candidates) > 1:
        raise DataError(
            f"The test table lacks {len(candidates)} columns of the training table, each of which may be the target: "
            f"{names}. Name it with --target."
        )
    return candidates, "the only column that the test table lacks"


def _id(
    train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None, targets: list[str]
) -> tuple[str | None, str]:
    rows = train if test is None else test
    shared = [name for name in train.columns if name not in targets and name in rows.columns]
    if sample is not None:
        names = [name for name in sample.columns if name in rows.columns and name not in targets]
        if names:
            alone = "" if names[0] in train.columns else "; training rows have none"
            return names[0], f"the sample submission has it{alone}"
    for name in shared:
        if names_an_id(name) and all(may_identify(table[name]) for table in (train, rows)):
            return name, "its name is usual for ids, and its values are unique"
    return None, "no column identifies the rows"

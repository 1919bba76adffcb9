"""Columns whose equal values make rows belong together: several rows of one patient, customer or building.

A network that has seen other rows of a patient knows the patient. Where the test table has other patients, folds that
split a patient's rows say nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Grouping", "find_groupings"]

FEWEST_GROUPS = 10
ROWS_A_GROUP = 1.5  # on average: fewer, and the column names rows
KNOWN = 0.5  # of the rows, that have a value
ALIKE = 0.1  # least intraclass correlation of the target that is worth a word
ALIKE_ALONE = 0.5  # without a test table
SHUFFLES = 50  # none of them may be as alike
NEW = 0.9  # share of the test rows with a value that training does not have: another part of the groups
MOST_COLUMNS = 100


@dataclass(frozen=True)
class Grouping:
    """A column that puts rows together.

    Attributes
    ----------
    column : str
        Its name.
    different, rows : int
        How many different values it has, in how many training rows.
    alike : float
        The intraclass correlation of the target: 0 if rows of one value are no more alike than any others, 1 if they
        have the same target.
    new : float or None
        The share of the test rows whose value no training row has; None without a test table.
    """

    column: str
    different: int
    rows: int
    alike: float
    new: float | None


def find_groupings(
    train: pd.DataFrame, test: pd.DataFrame | None, target: pd.Series[Any], *, classification: bool, seed: int
) -> list[Grouping]:
    """Find the columns of text or whole numbers by which training rows belong together, and test rows apart from them.

    Of each value there are several rows, whose targets are more alike than in any of 50 shuffles; and nine of ten test
    rows have a value that is new. Without a test table, rows of one value have to have nearly the same target: an
    intraclass correlation of one half.

    Parameters
    ----------
    train, test : DataFrame of shape (rows, columns)
        Raw rows, without target and id; without a test table None.
    target : Series of shape (rows,)
        The training rows' labels or numbers.
    classification : bool
        Whether they are labels.
    seed : int
        Fixes the shuffles.

    Returns
    -------
    list of Grouping
        The most alike first.

    References
    ----------
    Fisher, Statistical Methods for Research Workers, 1925, chapter VII: intraclass correlation.

    Examples
    --------
    >>> patients = np.repeat(np.arange(50), 4)
    >>> sick = pd.Series(np.random.default_rng(0).integers(0, 2, 50)[patients])
    >>> table = pd.DataFrame({"Patient": patients, "age": np.arange(200.0) % 7})
    >>> [found] = find_groupings(table, None, sick, classification=True, seed=0)
    >>> found.column, found.different, found.alike
    ('Patient', 50, 1.0)
    """
    y = pd.get_dummies(target) if classification else target.rank()
    truth = y.to_numpy(dtype=np.float64).reshape(len(target), -1)
    shuffles = np.random.default_rng(seed)
    found = []
    for name in [name for name in train if _may_group(train[name])][:MOST_COLUMNS]:
        new = None if test is None else _new(train[name], test.get(name))
        if new is not None and new < NEW:
            continue
        codes = pd.factorize(train[name])[0]
        rows, known = codes[codes >= 0], truth[codes >= 0]
        alike = _intraclass(rows, known)
        if alike < (ALIKE_ALONE if new is None else ALIKE):
            continue
        if alike > max(_intraclass(rows, shuffles.permutation(known)) for _ in range(SHUFFLES)):
            found.append(Grouping(str(name), int(rows.max()) + 1, len(rows), alike, new))
    return sorted(found, key=lambda grouping: -grouping.alike)


def _may_group(column: pd.Series[Any]) -> bool:
    """Say whether a column is of text or whole numbers, and has some, but not too many different values."""
    known = column.dropna()
    values = known.nunique()
    if len(known) < KNOWN * len(column) or values < FEWEST_GROUPS or len(known) < ROWS_A_GROUP * values:
        return False
    return known.dtype.kind not in "fcbmM" or (known.dtype.kind == "f" and bool((known % 1 == 0).all()))


def _new(train: pd.Series[Any], test: pd.Series[Any] | None) -> float:
    """Return the share of the test rows whose value training does not have; all of them if they have none."""
    known = train.head(0) if test is None else test.dropna()
    return float((~known.isin(train.unique())).mean()) if len(known) else 1.0


def _intraclass(codes: np.ndarray, y: np.ndarray) -> float:
    """Return 1 less the variance within groups over that of all rows, both unbiased."""
    counts = np.bincount(codes)
    sums = np.stack([np.bincount(codes, column) for column in y.T], axis=1)
    within = ((y - (sums / counts[:, np.newaxis])[codes]) ** 2).sum() / max(1, len(y) - len(counts))
    total = ((y - y.mean(axis=0)) ** 2).sum() / (len(y) - 1)
    return float(1 - within / total) if total else 0.0

"""Columns that group rows, such as the patient, customer or building of several rows.

A network trained on some rows of a patient predicts other rows of that patient too well. If the test table has other
patients, folds that split a patient's rows therefore give too good a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.tables import category_text, find_number_form

__all__ = ["NEW", "Grouping", "find_groupings", "may_group", "share_of_new"]

FEWEST_GROUPS = 10
ROWS_A_GROUP = 1.5  # least average number of rows per group; with fewer, the column identifies rows
KNOWN = 0.5  # least share of rows with a value
ALIKE = 0.1  # least intraclass correlation of the target
ALIKE_ALONE = 0.5  # the same without a test table
SHUFFLES = 50  # permutations of the target, all of which must have a smaller correlation
NEW = 0.9  # least share of test rows with a value that is not in the training table
MOST_COLUMNS = 100


@dataclass(frozen=True)
class Grouping:
    """Column that groups rows.

    Attributes
    ----------
    column : str
        Name of the column.
    different : int
        Number of different values in the training rows.
    rows : int
        Number of training rows with a value.
    alike : float
        Intraclass correlation of the target: 0 if rows of the same value are no more alike than other rows, 1 if they
        have the same target.
    new : float or None
        Share of the test rows with a value that no training row has; None without a test table.
    """

    column: str
    different: int
    rows: int
    alike: float
    new: float | None


def find_groupings(
    train: pd.DataFrame, test: pd.DataFrame | None, target: pd.Series[Any], *, classification: bool, seed: int
) -> list[Grouping]:
    """Find columns that group training rows and have other values in the test rows.

    A column of text or whole numbers, but not of numbers with a unit, is found if its values are shared by several
    rows, the targets of these rows are more alike than in any of 50 permutations, and at least 90 % of the test rows
    have a new value. Columns that the test rows lack or leave empty are left out. Without a test table,
    the intraclass correlation of the target has to be at least 0.5.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows without target and id.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows; None without a test table.
    target : Series of shape (rows,)
        Labels or numbers of the training rows.
    classification : bool
        Whether the target consists of labels.
    seed : int
        Seed of the permutations.

    Returns
    -------
    list of Grouping
        Columns in descending order of the correlation.

    References
    ----------
    R. A. Fisher, Statistical Methods for Research Workers, 1925, chapter VII (intraclass correlation).

    Examples
    --------
    >>> patients = np.repeat(np.arange(50), 4)
    >>> sick = pd.Series(np.random.default_rng(0).integers(0, 2, 50)[patients])
    >>> table = pd.DataFrame({"Patient": patients, "age": np.arange(200.0) % 7})
    >>> [grouping] = find_groupings(table, None, sick, classification=True, seed=0)
    >>> grouping.column, grouping.different, grouping.alike
    ('Patient', 50, 1.0)
    """
    y = pd.get_dummies(target) if classification else target.rank()
    truth = y.to_numpy(dtype=np.float64).reshape(len(target), -1)
    generator = np.random.default_rng(seed)
    groupings = []
    for name in [name for name in train if may_group(train[name])][:MOST_COLUMNS]:
        new = None if test is None else share_of_new(train[name], test[name]) if name in test else 0.0
        if new is not None and new < NEW:
            continue
        codes = pd.factorize(train[name])[0]
        groups, targets = codes[codes >= 0], truth[codes >= 0]
        alike = _intraclass(groups, targets)
        if alike < (ALIKE_ALONE if new is None else ALIKE):
            continue
        if alike > max(_intraclass(groups, generator.permutation(targets)) for _ in range(SHUFFLES)):
            groupings.append(Grouping(str(name), int(groups.max()) + 1, len(groups), alike, new))
    return sorted(groupings, key=lambda grouping: -grouping.alike)


def may_group(column: pd.Series[Any]) -> bool:
    """Return whether a column consists of text or whole numbers and has a suitable number of different values."""
    if column.dtype.kind in "cbmM":
        return False
    known = column.dropna()
    if known.dtype.kind == "f" and not bool((known % 1 == 0).all()):
        return False
    values = known.nunique()
    if len(known) < KNOWN * len(column) or values < FEWEST_GROUPS or len(known) < ROWS_A_GROUP * values:
        return False
    return known.dtype.kind != "O" or find_number_form(map(category_text, known.unique())) is None


def share_of_new(train: pd.Series[Any], test: pd.Series[Any]) -> float:
    """Return the share of the known test values that the training rows lack; 0 if none is known."""
    known = test.dropna()
    return float((~known.isin(train.unique())).mean()) if len(known) else 0.0


def _intraclass(codes: np.ndarray, y: np.ndarray) -> float:
    """Return the intraclass correlation: 1 - (variance within groups) / (total variance), both unbiased."""
    counts = np.bincount(codes)
    sums = np.stack([np.bincount(codes, column) for column in y.T], axis=1)
    within = ((y - (sums / counts[:, np.newaxis])[codes]) ** 2).sum() / max(1, len(y) - len(counts))
    total = ((y - y.mean(axis=0)) ** 2).sum() / (len(y) - 1)
    return float(1 - within / total) if total else 0.0

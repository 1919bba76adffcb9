"""Folds: disjoint sets of rows, each predicted by networks that were trained on other rows.

Classes are distributed evenly over the folds. Rows of one group (a patient, a customer, a building) are in one fold;
otherwise networks would be scored on groups that they were trained on. Folds by time are predicted by networks that
were trained on earlier rows, so that the earliest rows are in no fold.
"""

from __future__ import annotations

from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from tabular_dl.errors import DataError
from tabular_dl.estimators import RowGroups, RowTimes
from tabular_dl.problems import known_values

__all__ = [
    "Splits",
    "check_labels",
    "fewest_times",
    "folds_by_time",
    "group_codes",
    "make_folds",
    "read_folds",
    "shuffled_folds",
    "stratification",
]

Splits = list[tuple[np.ndarray, np.ndarray]]


def make_folds(
    folds: int, y: np.ndarray, groups: RowGroups | None = None, *, stratified: bool, seed: int | None
) -> Splits:
    """Return shuffled folds, or folds by time.

    Parameters
    ----------
    folds : int
        Number of folds.
    y : ndarray of shape (rows,) or (rows, targets)
        Target; one column if stratified.
    groups : ndarray of shape (rows,), RowTimes or None, default=None
        Group of each row; rows of one group are in one fold. Or their times, as for `folds_by_time`.
    stratified : bool
        Whether classes have about the same share in every fold; not by time.
    seed : int or None
        Seed of the shuffling.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows; each row is a test row of one fold, but for the earliest by time.

    Raises
    ------
    DataError
        If there are fewer groups than folds, or groups so large that a fold lacks a class; or too few times.

    Examples
    --------
    >>> y, patients = np.array([0, 1, 0, 1, 0, 1]), np.array(["a", "a", "b", "b", "c", "c"])
    >>> sorted(test.tolist() for _, test in make_folds(3, y, patients, stratified=True, seed=0))
    [[0, 1], [2, 3], [4, 5]]
    """
    if isinstance(groups, RowTimes):
        splits = folds_by_time(folds, groups)
        check_labels(splits, y if stratified else None, "By time")
        return splits
    splits = shuffled_folds(folds, y, groups, stratified=stratified, seed=seed)
    if groups is not None:
        check_labels(splits, y if stratified else None, "With whole groups")
    return splits


def shuffled_folds(
    folds: int, strata: np.ndarray, groups: np.ndarray | None = None, *, stratified: bool, seed: int | None
) -> Splits:
    """Return shuffled folds, which may lack a stratum or have no rows if there are groups.

    Parameters
    ----------
    folds, groups, stratified, seed
        As for `make_folds`.
    strata : ndarray of shape (rows,)
        Stratum of each row; not read unless stratified.
    """
    arguments: dict[str, Any] = {"n_splits": folds, "shuffle": True, "random_state": seed}
    rows = np.zeros(len(strata))
    if groups is None:
        return list((StratifiedKFold if stratified else KFold)(**arguments).split(rows, strata))
    group_count = len(np.unique(groups))
    if group_count < folds:
        raise DataError(f"{group_count} groups are fewer than the {folds} folds: take fewer folds (ensemble.folds).")
    return list((StratifiedGroupKFold if stratified else GroupKFold)(**arguments).split(rows, strata, groups))


def check_labels(
    splits: Splits, labels: np.ndarray | None, reason: str, advice: str = "take fewer folds (ensemble.folds)"
) -> None:
    """Raise an error for folds that cannot be scored by every metric, or be trained for.

    Parameters
    ----------
    splits : list of (train, test)
        Folds.
    labels : ndarray of shape (rows,) or None
        Label of each row; None for numbers, and several targets.
    reason : str
        What the folds are made by, as the beginning of messages.
    advice : str, default="take fewer folds (ensemble.folds)"
        What to do, as the end of messages.

    Raises
    ------
    DataError
        If a fold has no rows, its test rows lack a label, or its training rows have only one.

    Examples
    --------
    >>> check_labels([(np.array([1, 2]), np.array([0])), (np.array([0]), np.array([1, 2]))], np.array([0, 1, 0]), "So")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: So, fold 1 of 2 would have no row of the class 1: take fewer folds (ensemble.folds).
    """
    for number, (train, test) in enumerate(splits, start=1):
        absent = [] if labels is None else np.setdiff1d(labels, labels[test]).tolist()
        if absent or not len(test):
            content = f"no row of the class {absent[0]!r}" if absent else "no rows"
            raise DataError(f"{reason}, fold {number} of {len(splits)} would have {content}: {advice}.")
        if labels is not None and len(np.unique(labels[train])) == 1:
            raise DataError(
                f"{reason}, fold {number} of {len(splits)} would be trained on rows of the class "
                f"{labels[train].tolist()[0]!r} only: {advice}."
            )


def fewest_times(folds: int, gap: int) -> int:
    """Return the number of different times that folds by time need.

    Each fold has one. Before the first there are one to train on, one to hold out for early stopping, and two gaps.

    Examples
    --------
    >>> fewest_times(5, 0), fewest_times(5, 3)
    (7, 13)
    """
    return folds + 2 + 2 * gap


def folds_by_time(folds: int, times: RowTimes) -> Splits:
    """Return folds of later rows, each with all earlier rows to train on.

    Rows in the order of time are divided into ``folds + 1`` blocks of about the same number of rows, as by
    scikit-learn's `TimeSeriesSplit`; rows of one time are in one block. The first block is in no fold.

    Parameters
    ----------
    folds : int
        Number of folds.
    times : RowTimes
        Time of each row, and the gap between training rows and test rows.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows, the earliest fold first.

    Raises
    ------
    DataError
        If there are too few different times.

    Examples
    --------
    >>> splits = folds_by_time(2, RowTimes.of(np.array([4, 1, 2, 1, 3, 2])))
    >>> [(train.tolist(), test.tolist()) for train, test in splits]
    [([1, 2, 3, 5], [4]), ([1, 2, 3, 4, 5], [0])]
    """
    counts = np.bincount(times.steps)
    different = np.flatnonzero(counts)
    if len(different) < fewest_times(folds, times.gap):
        raise DataError(
            f"{len(different)} different times are fewer than the {fewest_times(folds, times.gap)} that {folds} folds "
            f"with a gap of {times.gap} need: take fewer folds or a smaller gap (ensemble.folds, ensemble.gap)."
        )
    # Blocks begin at the times with the nearest numbers of rows before them.
    earlier = np.cumsum(counts[different]) - counts[different]
    begins = [fewest_times(folds, times.gap) - folds - 1]  # the last time of the shortest first block
    for block in range(1, folds + 1):
        nearest = int(np.abs(earlier - len(times) * block / (folds + 1)).argmin())
        begins.append(min(max(nearest, begins[-1] + 1), len(different) - 1 - (folds - block)))
    steps = [*different[begins[1:]], times.steps.max() + 1]
    return [
        (times.before(step), np.flatnonzero((times.steps >= step) & (times.steps < following)))
        for step, following in pairwise(steps)
    ]


def read_folds(
    cv: Any, X: Any, y: np.ndarray, groups: RowGroups | None = None, *, classification: bool, seed: int | None
) -> Splits:
    """Return the folds that scikit-learn's argument ``cv`` describes.

    Parameters
    ----------
    cv : int, None, splitter or iterable of (train, test)
        Number of shuffled folds (`make_folds`), stratified for labels (`stratification`), where None is 5; or a
        splitter, or the folds themselves.
    X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    groups : ndarray of shape (rows,), RowTimes or None, default=None
        Group of each row, or its time.
    classification : bool
        Whether the target consists of labels.
    seed : int or None
        Seed of the shuffling if ``cv`` is a number.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows.

    Examples
    --------
    >>> X, y = np.zeros((6, 1)), np.array([0, 0, 0, 1, 1, 1])
    >>> [y[test].tolist() for _, test in read_folds(np.int64(3), X, y, classification=True, seed=0)]
    [[0, 1], [0, 1], [0, 1]]
    """
    if cv is None or isinstance(cv, Integral):
        folds = 5 if cv is None else int(cv)
        labels = stratification(y, folds, classification=classification)
        if labels is None:
            return make_folds(folds, y, groups, stratified=False, seed=seed)
        return make_folds(folds, labels, groups, stratified=True, seed=seed)
    keys = groups.steps if isinstance(groups, RowTimes) else groups
    splits = check_cv(cv, y, classifier=classification).split(X, y, keys)
    return [(np.asarray(train), np.asarray(test)) for train, test in splits]


def stratification(y: np.ndarray, folds: int, *, classification: bool) -> np.ndarray | None:
    """Return the labels by which folds are stratified.

    Rows with several labels are stratified by the rarest of them, if that label is in as many rows as there are folds.
    Where rows lack some of several numbers, folds are stratified alike by which ones they lack.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    folds : int
        Number of folds.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    ndarray of shape (rows,) or None
        Label of each row; None for numbers that all rows have, and for labels of which none is in enough rows.

    Examples
    --------
    >>> y = np.array([[0, 1], [0, 1], [1, 1], [1, 1], [0, 0], [0, 0], [0, 1], [0, 0]])
    >>> stratification(y, 2, classification=True).tolist()
    [3, 3, 1, 1, 2, 2, 3, 2]
    """
    if not classification and y.ndim == 2 and known_values(y) is not None:
        return stratification(np.isnan(y).astype(int), folds, classification=True)
    if not classification or y.ndim == 1:
        return y if classification else None
    columns = [np.unique(column, return_inverse=True, return_counts=True)[1:] for column in y.T]
    counts = np.column_stack([sizes[codes] for codes, sizes in columns])  # rows with the label of each target
    starts = np.cumsum([0, *(len(sizes) for _, sizes in columns)])[:-1]
    labels = np.column_stack([start + codes for start, (codes, _) in zip(starts, columns, strict=True)])
    rarest = labels[np.arange(len(y)), counts.argmin(axis=1)]
    codes, sizes = np.unique(rarest, return_inverse=True, return_counts=True)[1:]
    rare = sizes < folds
    if rare.all():
        return None
    # Labels that are the rarest of few rows are joined with the most frequent one.
    return np.where(rare[codes], np.unique(rarest)[sizes.argmax()], rarest)


def group_codes(column: pd.Series[Any], subject: str) -> np.ndarray:
    """Return the number of each row's group, from 0.

    Parameters
    ----------
    column : Series of shape (rows,)
        Groups, of any type.
    subject : str
        Beginning of error messages: file and column.

    Returns
    -------
    ndarray of int of shape (rows,)
        Numbers of the groups, in order of appearance.

    Raises
    ------
    DataError
        If a group is missing.

    Examples
    --------
    >>> group_codes(pd.Series(["b", "a", "b"]), "train.csv, column Patient").tolist()
    [0, 1, 0]
    """
    codes = pd.factorize(column)[0]
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise DataError(
            f"{subject} (ensemble.group), row {column.index[missing[0]]}: the value is missing ({len(missing)} such "
            "rows). Fill it in: each row has to belong to a group."
        )
    return codes

"""Folds: disjoint sets of rows, each predicted by networks that were trained on the other rows.

Classes are distributed evenly over the folds. Rows of one group (a patient, a customer, a building) are in one fold;
otherwise networks would be scored on groups that they were trained on.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from tabular_dl.errors import DataError

__all__ = ["group_codes", "make_folds", "read_folds", "stratification"]

Splits = list[tuple[np.ndarray, np.ndarray]]


def make_folds(
    folds: int, y: np.ndarray, groups: np.ndarray | None = None, *, stratified: bool, seed: int | None
) -> Splits:
    """Return shuffled folds.

    Parameters
    ----------
    folds : int
        Number of folds.
    y : ndarray of shape (rows,) or (rows, targets)
        Target; one column if stratified.
    groups : ndarray of shape (rows,) or None, default=None
        Group of each row; rows of one group are in one fold.
    stratified : bool
        Whether classes have about the same share in every fold.
    seed : int or None
        Seed of the shuffling.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows; each row is a test row of one fold.

    Raises
    ------
    DataError
        If there are fewer groups than folds, or groups so large that a fold lacks a class.

    Examples
    --------
    >>> y, patients = np.array([0, 1, 0, 1, 0, 1]), np.array(["a", "a", "b", "b", "c", "c"])
    >>> sorted(test.tolist() for _, test in make_folds(3, y, patients, stratified=True, seed=0))
    [[0, 1], [2, 3], [4, 5]]
    """
    arguments: dict[str, Any] = {"n_splits": folds, "shuffle": True, "random_state": seed}
    rows = np.zeros(len(y))
    if groups is None:
        return list((StratifiedKFold if stratified else KFold)(**arguments).split(rows, y))
    group_count = len(np.unique(groups))
    if group_count < folds:
        raise DataError(f"{group_count} groups are fewer than the {folds} folds: take fewer folds (ensemble.folds).")
    splits = list((StratifiedGroupKFold if stratified else GroupKFold)(**arguments).split(rows, y, groups))
    for number, (_, test) in enumerate(splits, start=1):
        absent = np.setdiff1d(y, y[test]) if stratified else y[:0]
        if len(absent) or not len(test):
            content = f"no row of the class {absent.tolist()[0]!r}" if len(absent) else "no rows"
            raise DataError(
                f"With whole groups, fold {number} of {folds} would have {content}: take fewer folds (ensemble.folds)."
            )
    return splits


def read_folds(
    cv: Any, X: Any, y: np.ndarray, groups: np.ndarray | None = None, *, classification: bool, seed: int | None
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
    groups : ndarray of shape (rows,) or None, default=None
        Group of each row.
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
    splits = check_cv(cv, y, classifier=classification).split(X, y, groups)
    return [(np.asarray(train), np.asarray(test)) for train, test in splits]


def stratification(y: np.ndarray, folds: int, *, classification: bool) -> np.ndarray | None:
    """Return the labels by which folds are stratified.

    Rows with several labels are stratified by the rarest of them, if that label is in as many rows as there are folds.

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
        Label of each row; None for numbers, and for labels of which none is in enough rows.

    Examples
    --------
    >>> y = np.array([[0, 1], [0, 1], [1, 1], [1, 1], [0, 0], [0, 0], [0, 1], [0, 0]])
    >>> stratification(y, 2, classification=True).tolist()
    [3, 3, 1, 1, 2, 2, 3, 2]
    """
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

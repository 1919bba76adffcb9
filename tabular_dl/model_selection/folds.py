"""Folds: which rows are scored together by networks that did not train on them.

Classes are spread evenly over the folds. Where rows belong together (several rows of one patient, customer or
building), they go into one fold together: otherwise a network is scored on patients that it knows.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from tabular_dl.errors import DataError

__all__ = ["group_codes", "make_folds", "read_folds"]

Splits = list[tuple[np.ndarray, np.ndarray]]


def make_folds(
    folds: int, y: np.ndarray, groups: np.ndarray | None = None, *, stratified: bool, seed: int | None
) -> Splits:
    """Split rows into folds, shuffled.

    Parameters
    ----------
    folds : int
        How many.
    y : ndarray of shape (rows,) or (rows, targets)
        The target; of one column if it is stratified.
    groups : ndarray of shape (rows,), optional
        What a row belongs to; rows of one group stay together.
    stratified : bool
        Whether the target is a class, of which every fold gets its share.
    seed : int or None
        Fixes the shuffling.

    Returns
    -------
    list of (train, test)
        Numbers of rows, each row in one test.

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
    how: dict[str, Any] = {"n_splits": folds, "shuffle": True, "random_state": seed}
    rows = np.zeros(len(y))
    if groups is None:
        return list((StratifiedKFold if stratified else KFold)(**how).split(rows, y))
    found = len(np.unique(groups))
    if found < folds:
        raise DataError(f"{found} groups are fewer than the {folds} folds: take fewer folds (ensemble.folds).")
    splits = list((StratifiedGroupKFold if stratified else GroupKFold)(**how).split(rows, y, groups))
    for number, (_, test) in enumerate(splits, start=1):
        lacking = np.setdiff1d(y, y[test]) if stratified else y[:0]
        if len(lacking) or not len(test):
            lacks = f"no row of the class {lacking.tolist()[0]!r}" if len(lacking) else "no rows"
            raise DataError(
                f"With whole groups, fold {number} of {folds} would have {lacks}: take fewer folds (ensemble.folds)."
            )
    return splits


def read_folds(
    cv: Any, X: Any, y: np.ndarray, groups: np.ndarray | None = None, *, classification: bool, seed: int | None
) -> Splits:
    """Split rows as scikit-learn's argument ``cv`` says.

    Parameters
    ----------
    cv : int, None, splitter or iterable of (train, test)
        A number is one of shuffled folds (`make_folds`), of which each gets its share of the classes; None is 5.
        What splits by itself does.
    X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
        Raw rows.
    y : ndarray of shape (rows,) or (rows, targets)
        The target; the folds of several columns are not stratified.
    groups : ndarray of shape (rows,), optional
        What a row belongs to.
    classification : bool
        Whether the target is made of labels.
    seed : int or None
        Fixes the shuffling of a number of folds.

    Examples
    --------
    >>> X, y = np.zeros((6, 1)), np.array([0, 0, 0, 1, 1, 1])
    >>> [y[test].tolist() for _, test in read_folds(np.int64(3), X, y, classification=True, seed=0)]
    [[0, 1], [0, 1], [0, 1]]
    """
    if cv is None or isinstance(cv, Integral):
        stratified = classification and y.ndim == 1
        return make_folds(5 if cv is None else int(cv), y, groups, stratified=stratified, seed=seed)
    splits = check_cv(cv, y, classifier=classification).split(X, y, groups)
    return [(np.asarray(train), np.asarray(test)) for train, test in splits]


def group_codes(column: pd.Series[Any], subject: str) -> np.ndarray:
    """Give each thing that rows belong to a number, from 0.

    Parameters
    ----------
    column : Series of shape (rows,)
        Of any type.
    subject : str
        How a message begins: which file, which column.

    Raises
    ------
    DataError
        If a row belongs to nothing.

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

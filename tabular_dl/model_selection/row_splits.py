"""Splits of a table's rows by the words of a pipeline file: ``ensemble.split`` and the columns that it names.

================  ==================================================================================================
none              stratified for labels and plain for numbers; with groups, as "group"
plain             shuffled rows
stratified        shuffled rows; each fold has about the same share of every label, or of small and large numbers
group             whole groups; labels are spread over the folds as far as groups allow
stratified_group  the same, and numbers are spread as well
time              expanding window: each fold is predicted by models that were trained on earlier rows
column            the user's own folds
================  ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import RowGroups, RowTimes, derived_seed
from tabular_dl.model_selection.folds import Splits, check_labels, make_folds, shuffled_folds, stratification
from tabular_dl.problems import known_values

__all__ = ["RowKeys", "check_known_targets", "checked_repeats", "quantile_strata", "split_rows"]

MOST_STRATA = 10  # of numbers


@dataclass(frozen=True, eq=False)
class RowKeys:
    """Groups, times or folds of rows.

    Parameters
    ----------
    groups : ndarray of int of shape (rows,) or None, default=None
        Number of each row's group.
    times : RowTimes or None, default=None
        Times of the rows.
    folds : ndarray of int of shape (rows,) or None, default=None
        Number of each row's fold, where the user has made the folds.
    """

    groups: np.ndarray | None = None
    times: RowTimes | None = None
    folds: np.ndarray | None = None

    @property
    def together(self) -> RowGroups | None:
        """Times or groups, by which rows are held out from training rows."""
        return self.groups if self.times is None else self.times

    def __getitem__(self, rows: np.ndarray) -> RowKeys:
        """Return the keys of some rows."""
        return RowKeys(
            None if self.groups is None else self.groups[rows],
            None if self.times is None else self.times[rows],
            None if self.folds is None else self.folds[rows],
        )


def split_rows(
    split: str | None,
    folds: int,
    y: np.ndarray,
    keys: RowKeys,
    *,
    classification: bool,
    seed: int,
    repeats: int = 1,
) -> Splits:
    """Return the folds of a table's rows.

    Parameters
    ----------
    split : str or None
        Word from the table above.
    folds : int
        Number of folds; not read for the user's own folds.
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    keys : RowKeys
        Groups, times or folds of the rows.
    classification : bool
        Whether the target consists of labels.
    seed : int
        Seed of the shuffling.
    repeats : int, default=1
        Number of times that all rows are divided into folds, each time with another seed.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows; the folds of one repeat after those of another.

    Raises
    ------
    SpecError
        If rows are to be stratified by several targets.
    DataError
        If folds cannot be made.

    Examples
    --------
    >>> keys = RowKeys(folds=np.array([0, 1, 1, 0]))
    >>> [test.tolist() for _, test in split_rows("column", 5, np.zeros(4), keys, classification=False, seed=0)]
    [[0, 3], [1, 2]]
    """
    single = classification and y.ndim == 1
    labels = y if single else None
    if split == "column" and keys.folds is not None:
        numbers = np.unique(keys.folds)
        splits = [(np.flatnonzero(keys.folds != fold), np.flatnonzero(keys.folds == fold)) for fold in numbers]
        check_labels(splits, labels, "By the column of ensemble.fold", "each of its values needs rows of all classes")
        return splits
    if split in (None, "time", "group"):
        # Several labels are spread by the rarest, but not in time.
        strata = labels if keys.times is not None else stratification(y, folds, classification=classification)
        values, stratified = y if strata is None else strata, strata is not None
        return _repeated(
            repeats, seed, lambda seed: make_folds(folds, values, keys.together, stratified=stratified, seed=seed)
        )
    stratified = split != "plain"
    if stratified and y.ndim > 1:
        raise SpecError(f"ensemble.split: {split} spreads one target over the folds, found {y.shape[1]}: write plain.")
    strata = y if single or not stratified else quantile_strata(y, folds)
    splits = _repeated(
        repeats, seed, lambda seed: shuffled_folds(folds, strata, keys.groups, stratified=stratified, seed=seed)
    )
    check_labels(splits, labels, f"With split: {split}")
    return splits


def _repeated(repeats: int, seed: int, make: Callable[[int], Splits]) -> Splits:
    """Return the folds of several seeds, of which the first is the given one."""
    seeds = [seed, *(derived_seed(seed, repeat) for repeat in range(1, repeats))]
    return [fold for fold_seed in seeds for fold in make(fold_seed)]


def quantile_strata(y: np.ndarray, folds: int) -> np.ndarray:
    """Return the stratum of each number among strata of neighbouring numbers.

    Strata have equally many rows, at least one for each fold, and are ten at most.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        Numbers.
    folds : int
        Number of folds.

    Returns
    -------
    ndarray of int of shape (rows,)
        Strata from 0; equal numbers may be in different ones.

    Examples
    --------
    >>> quantile_strata(np.array([0.1, 9.0, 0.2, 7.0]), 2).tolist()
    [0, 1, 0, 1]
    """
    strata = np.empty(len(y), int)
    count = max(1, min(MOST_STRATA, len(y) // folds))
    strata[np.argsort(y, kind="stable")] = np.arange(len(y)) * count // len(y)
    return strata


def check_known_targets(splits: Splits, y: np.ndarray, names: Sequence[str] | None = None) -> None:
    """Raise an error for folds without a known value of one of several targets.

    Parameters
    ----------
    splits : list of (train, test)
        Folds.
    y : ndarray of shape (rows,) or (rows, targets)
        Target; NaN where a row lacks one of several.
    names : sequence of str, optional
        Names of the targets, for messages; by default their numbers.

    Raises
    ------
    DataError
        If the training rows or the test rows of a fold all lack a target.

    Examples
    --------
    >>> check_known_targets([(np.array([1]), np.array([0]))], np.array([[1.0, np.nan], [2.0, 3.0]]))
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: Fold 1 of 1 would have no test row with a value of the target number 2, which 1 of 2
    rows have: take fewer folds (ensemble.folds), or leave the target out.
    """
    has_target = known_values(y) if y.ndim == 2 else None
    if has_target is None:
        return
    for number, split in enumerate(splits, start=1):
        for rows, purpose in zip(split, ("training", "test"), strict=True):
            absent = np.flatnonzero(~has_target[rows].any(axis=0))
            if len(absent):
                name = f"number {absent[0] + 1}" if names is None else names[absent[0]]
                raise DataError(
                    f"Fold {number} of {len(splits)} would have no {purpose} row with a value of the target {name}, "
                    f"which {has_target[:, absent[0]].sum():,} of {len(y):,} rows have: take fewer folds "
                    "(ensemble.folds), or leave the target out."
                )


def checked_repeats(splits: Splits, count: int, *, by_time: bool) -> int:
    """Return how often the folds test each row.

    Parameters
    ----------
    splits : list of (train, test)
        Numbers of the rows of each fold, repeat by repeat.
    count : int
        Number of rows.
    by_time : bool
        Whether rows may be in no fold.

    Returns
    -------
    int
        Number of repeats.

    Raises
    ------
    DataError
        If rows are not tested equally often, or a fold tests rows that it trains on.
    """
    repeats = max(1, sum(len(test) for _, test in splits) // count)
    folds = len(splits) // repeats
    parts = [np.concatenate([test for _, test in splits[part * folds : (part + 1) * folds]]) for part in range(repeats)]
    once = all(len(np.unique(rows)) == len(rows) and (by_time or len(rows) == count) for rows in parts)
    if not once or folds * repeats != len(splits) or any(np.intersect1d(*split).size for split in splits):
        raise DataError(
            "cv: the folds have to test every row exactly once, and never a row that they train on, as KFold and "
            "StratifiedKFold do, or once in each repeat, as RepeatedKFold does."
        )
    return repeats

"""Columns that say how rows are divided into folds: ``ensemble.group``, ``ensemble.time`` and ``ensemble.fold``.

Groups and times may also be derived features, if a feature's value in a row depends on that row alone: folds are made
before anything is learned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.estimators import RowTimes
from tabular_dl.model_selection import RowKeys, check_known_targets, fewest_times, group_codes, split_rows
from tabular_dl.preprocessing import DerivedFeatures, columns_read, times_as_numbers
from tabular_dl.problems import Problem
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.validate import needed_features
from tabular_dl.tables import read_categories, read_target

__all__ = ["folds_of", "group_numbers", "groups_of", "own_folds_of", "row_keys", "times_of"]

# Keys of features whose value in a row depends on the row alone; `date` learns the format of the dates.
ROWWISE = ("from", "eval", "extract", "date", "format", "text", "map", "fill")


def row_keys(spec: PipelineSpec, train: pd.DataFrame, where: str) -> RowKeys:
    """Return the groups, times and own folds of training rows.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows, including the target.
    where : str
        Name of the table in messages.

    Returns
    -------
    RowKeys
        Keys by which `tabular_dl.model_selection.split_rows` makes folds.

    Raises
    ------
    SpecError
        If a key names the target, or a feature that is learned from several rows.
    DataError
        If a column does not exist, has missing values, or too few different ones.
    """
    return RowKeys(groups_of(spec, train, where), times_of(spec, train, where), own_folds_of(spec, train, where))


def folds_of(
    spec: PipelineSpec,
    problem: Problem,
    y: np.ndarray,
    keys: RowKeys,
    *,
    seed: int | None = None,
    repeated: bool = True,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the folds of rows that the specification describes.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    y : ndarray of shape (rows,)
        Target of the rows.
    keys : RowKeys
        Keys of the rows.
    seed : int, optional
        Seed of the folds; by default that of the pipeline.
    repeated : bool, default=True
        Whether to repeat the folds as often as the specification says, instead of making them once.

    Returns
    -------
    list of (train, test)
        Numbers of training and test rows.

    Raises
    ------
    UserError
        If folds cannot be made.

    Examples
    --------
    >>> from tabular_dl.spec.build import competition_of, problem_of
    >>> from tabular_dl.spec.reader import load_spec
    >>> wine = load_spec("wine", ["ensemble.folds=3"])
    >>> train = competition_of(wine).train
    >>> y = train["cultivar"].to_numpy()
    >>> [len(rows) for _, rows in folds_of(wine, problem_of(wine, y), y, row_keys(wine, train, "train.csv"))]
    [48, 47, 47]
    """
    ensemble, target = spec.ensemble, read_target(y, "folds", classification=problem.classification)
    splits = split_rows(
        ensemble.split,
        ensemble.folds,
        target,
        keys,
        classification=problem.classification,
        seed=spec.seed if seed is None else seed,
        repeats=(ensemble.repeats or 1) if repeated else 1,
    )
    check_known_targets(splits, target, spec.data.targets)
    return splits


def groups_of(spec: PipelineSpec, train: pd.DataFrame, where: str) -> np.ndarray | None:
    """Return the group of each training row, by ``ensemble.group``; the parameters are those of `row_keys`.

    Returns
    -------
    ndarray of shape (rows,) or None
        Number of each row's group, from 0; None if the pipeline has no groups.

    Raises
    ------
    SpecError
        If it is the target, or a feature that is learned from several rows.
    DataError
        If the column does not exist or has missing values, or there are fewer groups than folds.
    """
    name, folds = spec.ensemble.group, spec.ensemble.folds
    if name is None:
        return None
    codes = group_numbers(spec, train, where)
    if codes.max() + 1 < folds and spec.ensemble.split != "column":
        raise DataError(
            f"{where}, column {name} (ensemble.group): {codes.max() + 1} different values are fewer than the {folds} "
            "folds. Set ensemble.folds lower, or name another column."
        )
    return codes


def group_numbers(spec: PipelineSpec, rows: pd.DataFrame, where: str) -> np.ndarray:
    """Return the number of each row's group, from 0, by ``ensemble.group``, which is given: of any table.

    Raises
    ------
    SpecError
        If it is the target, or a feature that is learned from several rows.
    DataError
        If the column does not exist or has missing values.
    """
    return group_codes(_column(spec, "group", rows, where), f"{where}, column {spec.ensemble.group}")


def times_of(spec: PipelineSpec, train: pd.DataFrame, where: str) -> RowTimes | None:
    """Return the times of the training rows, by ``ensemble.time``; the parameters are those of `row_keys`.

    Returns
    -------
    RowTimes or None
        Times; None if the pipeline has none.

    Raises
    ------
    SpecError
        If it is the target, or a feature that is learned from several rows.
    DataError
        If the column does not exist, a value is missing or neither a number nor a date, or there are too few times.
    """
    name, folds, gap = spec.ensemble.time, spec.ensemble.folds, spec.ensemble.gap or 0
    if name is None:
        return None
    subject = f"{where}, column {name} (ensemble.time)"
    values = times_as_numbers(_column(spec, "time", train, where), subject)
    _refuse_missing(values, train.index, subject, "a number or a date")
    different, fewest = len(np.unique(values)), fewest_times(folds, gap)
    if different < fewest:
        raise DataError(
            f"{subject}: {different} different value{'s are' if different != 1 else ' is'} fewer than the {fewest} "
            f"that {folds} folds{f' and a gap of {gap}' if gap else ''} need. Set ensemble.folds "
            f"{'or ensemble.gap ' if gap else ''}lower, or name another column."
        )
    return RowTimes.of(values, gap)


def own_folds_of(spec: PipelineSpec, train: pd.DataFrame, where: str) -> np.ndarray | None:
    """Return the number of each training row's fold, by ``ensemble.fold``; the parameters are those of `row_keys`.

    Returns
    -------
    ndarray of int of shape (rows,) or None
        Folds from 0, in the order of the column's values; None if the pipeline names no column.

    Raises
    ------
    SpecError
        If it is the target.
    DataError
        If the column does not exist, has missing values or only one, or a group is in several folds.
    """
    name = spec.ensemble.fold
    if name is None:
        return None
    column = _column(spec, "fold", train, where)
    subject = f"{where}, column {name} (ensemble.fold)"
    _refuse_missing(column.to_numpy(), train.index, subject, "the fold of the row")
    folds = column.to_numpy() if column.dtype.kind in "biuf" else read_categories(column)
    values, numbers = np.unique(folds, return_inverse=True)
    if len(values) < 2:
        raise DataError(f"{subject}: expected two folds or more, found {values.tolist()[0]!r} in every row.")
    groups = groups_of(spec, train, where)
    if groups is not None:
        torn = np.flatnonzero(pd.Series(numbers).groupby(groups).nunique().reindex(groups).to_numpy() > 1)
        if len(torn):
            raise DataError(
                f"{subject}, row {train.index[torn[0]]}: its group ({spec.ensemble.group}) is in several folds "
                f"({len(torn)} such rows). Put each group into one fold, or leave ensemble.group out."
            )
    return numbers


def _column(spec: PipelineSpec, key: str, train: pd.DataFrame, where: str) -> pd.Series[Any]:
    """Return the column, or the derived feature, that a key of ``ensemble`` names."""
    name, targets = str(getattr(spec.ensemble, key)), spec.data.targets
    if name in targets:
        raise SpecError(f"pipeline {spec.name}: ensemble.{key}: {name!r} is the target. Name another column.")
    if name in train:
        return train[name]
    if key == "fold" or name not in spec.derived:
        columns = [str(column) for column in train if column not in targets]
        hint = did_you_mean(name, columns if key == "fold" else [*columns, *spec.derived])
        raise DataError(f"{where}: there is no column {name!r}, which ensemble.{key} names. {hint}")
    features = needed_features(spec.derived, [name])
    for feature, rule in features.items():
        learned = [operation for operation in rule if operation not in ROWWISE]
        if learned:
            raise SpecError(
                f"pipeline {spec.name}: ensemble.{key}: the feature {feature!r} is learned from many rows "
                f"({learned[0]}), but folds are made before anything is learned. Name a column, or a feature of "
                f"{', '.join(ROWWISE[:4])} and the like, whose value depends on its row alone."
            )
    if {*targets} & {*columns_read(features)}:
        raise SpecError(
            f"pipeline {spec.name}: ensemble.{key}: the feature {name!r} is computed from the target. Name another."
        )
    read = [column for column in columns_read(features) if column in train]
    return DerivedFeatures(features).fit_transform(train[read])[name]


def _refuse_missing(values: np.ndarray, index: pd.Index[Any], subject: str, expected: str) -> None:
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise DataError(
            f"{subject}, row {index[missing[0]]}: the value is missing ({len(missing)} such rows), expected "
            f"{expected}. Fill it in."
        )

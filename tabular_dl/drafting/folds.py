"""Folds of a draft: what separates the test rows from the training rows separates the folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.estimators import RowTimes
from tabular_dl.model_selection import group_codes, make_folds
from tabular_dl.problems import Metric, Problem
from tabular_dl.profiling import TIME_FEATURE, Roles, Separation, TimeOrder, find_query_column, time_blocks
from tabular_dl.tables import free_name

__all__ = ["FoldsDraft", "draft_folds"]


@dataclass(frozen=True)
class FoldsDraft:
    """Keys of the section ``ensemble`` that make folds, and the reason.

    Attributes
    ----------
    keys : dict
        Keys, such as ``split`` and ``group``.
    reason : str
        Reason for them, or for for folds at random although the tables differ in time; empty if there is none.
    features : dict of str to dict
        Features that the keys name.
    purpose : str
        Description of the features, for comments.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    purpose: str = "Order of the rows in time"


def draft_folds(
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    roles: Roles,
    problem: Problem,
    separation: Separation,
    folds: int,
    metric: Metric,
) -> FoldsDraft:
    """Return the folds of a draft.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training rows.
    test : DataFrame of shape (test rows, columns) or None
        Rows to predict.
    roles : Roles
        Target and id.
    problem : Problem
        Type of problem.
    separation : Separation
        What separates the test rows from the training rows.
    folds : int
        Number of folds.
    metric : Metric
        Metric of the draft.

    Returns
    -------
    FoldsDraft
        Of a metric that is the mean over queries ``split: group`` by their column; else ``split: time`` if test rows
        follow the training rows; ``split: group`` if they are of other groups, training rows repeat their ids, or test
        rows are stretches of time between training rows; else nothing.
    """
    if metric.by_query:
        return _by_query(train, test, roles, folds)
    order = separation.order
    if order is not None and order.kind == "later":
        return _by_time(train, roles, problem, order, folds)
    between = "" if order is None else f"{order.reason[0].upper()}{order.reason[1:]}"
    grouped = _groups(train, roles, separation, between, folds)
    if grouped is None:
        return FoldsDraft(reason=between and f"{between}: folds at random are too easy.")
    try:
        make_folds(folds, train[roles.targets[0]].to_numpy(), grouped[1], stratified=problem.stratified, seed=0)
    except DataError:
        return FoldsDraft()
    return grouped[0]


def _groups(
    train: pd.DataFrame, roles: Roles, separation: Separation, between: str, folds: int
) -> tuple[FoldsDraft, np.ndarray[Any, Any]] | None:
    """Return folds of whole groups, and the group of each row; None if no rows belong together."""
    blocks = time_blocks(separation.order, train, folds)
    # Rows of a date are in one block of time.
    covered = separation.order.columns if separation.order is not None and blocks is not None else ()
    grouping = separation.grouping
    if roles.id in train and roles.id not in covered and train[roles.id].duplicated().any():
        name, reason = str(roles.id), "Several rows have the same id: they share a fold."
    elif separation.kind == "groups" and grouping is not None and grouping.column not in covered:
        name = grouping.column
        reason = f"Test rows have other values of {name}: rows of the same value share a fold, or scores are too good."
    elif separation.order is not None and blocks is not None:
        reason = f"{between}: rows of a {blocks.unit} share a fold, or scores are too good."
        draft = FoldsDraft(
            {"split": "group", "group": blocks.name}, reason, blocks.features, f"Number of the {blocks.unit}"
        )
        return draft, blocks.numbers(separation.order)
    else:
        return None
    return FoldsDraft({"split": "group", "group": name}, reason), group_codes(train[name], name)


def _by_query(train: pd.DataFrame, test: pd.DataFrame | None, roles: Roles, folds: int) -> FoldsDraft:
    """Return folds of whole queries, by the column that probably has them; else the keys to add to the file."""
    repeated = roles.id in train and train[roles.id].duplicated().any()
    rows = train.drop(columns=[*roles.targets, roles.id], errors="ignore")
    name = str(roles.id) if repeated else find_query_column(rows, test)
    if name is None:
        reason = "No column looks like the query of each row: write split: group and group: COLUMN, or fit refuses."
        return FoldsDraft(reason=reason)
    different = train[name].nunique()
    reason = f"The metric is the mean over queries: {name} has that of each row, by its values and their order."
    fewer = {"folds": different} if 2 <= different < folds else {}
    return FoldsDraft({"split": "group", "group": name, **fewer}, reason)


def _by_time(train: pd.DataFrame, roles: Roles, problem: Problem, order: TimeOrder, folds: int) -> FoldsDraft:
    """Return folds that are scored on later rows than they are trained on."""
    evidence = f"{order.reason[0].upper()}{order.reason[1:]}."
    if order.missing:
        return FoldsDraft(
            reason=f"{evidence} {order.missing} rows have no time: without, folds could follow each other."
        )
    labels = train[roles.targets[0]].to_numpy() if problem.classification else None
    most = next((count for count in range(folds, 1, -1) if _can_follow(order.times.to_numpy(), labels, count)), None)
    if most is None:
        return FoldsDraft(reason=f"{evidence} Training rows are of too few times for folds that follow each other.")
    keys: dict[str, Any] = {"split": "time", "refit": "all", **({"folds": most} if most < folds else {})}
    reason = (
        f"{evidence} So each fold is scored on later rows than it is trained on, and models of all rows, the latest "
        "too, predict new ones (refit)."
    )
    if len(order.columns) == 1:
        return FoldsDraft(keys | {"time": order.columns[0]}, reason)
    name = free_name(TIME_FEATURE, train.columns)
    return FoldsDraft(keys | {"time": name}, reason, {name: {"eval": order.expression}})


def _can_follow(times: np.ndarray[Any, Any], labels: np.ndarray[Any, Any] | None, folds: int) -> bool:
    """Return whether a fit can make folds of these times, with every label in each."""
    y = times if labels is None else labels
    try:
        make_folds(folds, y, RowTimes.of(times, 0), stratified=labels is not None, seed=0)
    except DataError:
        return False
    return True

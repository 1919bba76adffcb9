"""Difference between training and test rows that folds have to mirror: none, an order in time, or groups of rows.

Folds mirror it: if test rows follow the training rows, each fold is scored on later rows than it is trained on; if test
rows are of other groups, such as other patients, the rows of a group share a fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from tabular_dl.profiling.row_groups import Grouping, find_groupings
from tabular_dl.profiling.time_order import TimeOrder, find_time_order

__all__ = ["Separation", "find_separation"]


@dataclass(frozen=True)
class Separation:
    """Difference between training and test rows that folds have to mirror.

    Attributes
    ----------
    kind : {"nothing", "time", "groups"}
        Type of the difference.
    reason : str
        Evidence, for messages.
    order : TimeOrder or None
        Order in time, if there is one; also with another kind, if test rows lie between training rows.
    grouping : Grouping or None
        Column that groups rows, if the kind is "groups", or without a test table if one groups rows clearly.
    """

    kind: Literal["nothing", "time", "groups"]
    reason: str
    order: TimeOrder | None = None
    grouping: Grouping | None = None


def find_separation(
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    target: pd.Series[Any],
    id_column: str | None = None,
    *,
    classification: bool,
    seed: int,
) -> Separation:
    """Return the difference between test rows and training rows that folds have to mirror.

    New values of a column of dates are no new groups if they are later: an order in time comes first.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows; None without a test table.
    target : Series of shape (rows,)
        Labels or numbers of the training rows.
    id_column : str, optional
        Column that identifies rows. It may have times, but groups no rows.
    classification : bool
        Whether the target consists of labels.
    seed : int
        Seed of the permutations that groups are compared with.

    Returns
    -------
    Separation
        The kind, with the reason.

    Examples
    --------
    >>> sales = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=60).astype(str)})
    >>> target = pd.Series(range(40))
    >>> find_separation(sales[:40], sales[40:], target, classification=False, seed=0).kind
    'time'
    """
    order = None if test is None else find_time_order(train, test)
    if order is not None and order.kind == "later":
        return Separation("time", order.reason, order)
    raw = train.drop(columns=[id_column], errors="ignore")
    groupings = find_groupings(raw, test, target, classification=classification, seed=seed)
    grouping = groupings[0] if groupings else None
    if grouping is None or grouping.new is None:
        reason = order.reason if order is not None else "no column separates test rows from training rows"
        return Separation("nothing", reason, order, grouping)
    reason = f"{grouping.new:.0%} of the test rows have values of {grouping.column} that no training row has"
    return Separation("groups", reason, order, grouping)

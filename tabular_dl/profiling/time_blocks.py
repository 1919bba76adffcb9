"""Blocks of time that serve as groups of folds, where test rows are stretches of time between training rows.

Rows of a block share a fold, so that the rows of a fold are stretches of time as the test rows are. Blocks are weeks if
a stretch of the test rows is a week or longer, else days: the longest that fit into a stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.profiling.date_columns import date_format
from tabular_dl.profiling.time_order import DAY, TimeOrder, in_expression
from tabular_dl.tables import free_name

__all__ = ["TimeBlocks", "time_blocks"]

UNITS = {"week": 7, "day": 1}  # in days


@dataclass(frozen=True)
class TimeBlocks:
    """Blocks of time of the training rows.

    Attributes
    ----------
    name : str
        Name of the feature that numbers them.
    unit : {"week", "day"}
        Length of a block.
    features : dict of str to dict
        Declarations of this feature, and of the days since the earliest date from which it is computed.
    """

    name: str
    unit: str
    features: dict[str, dict[str, Any]]

    def numbers(self, order: TimeOrder) -> np.ndarray[Any, Any]:
        """Return the number of each training row's block, (rows,), as the feature numbers them."""
        seconds = order.times.to_numpy()
        return (seconds - seconds.min()) // (UNITS[self.unit] * DAY)


def time_blocks(order: TimeOrder | None, train: pd.DataFrame, fewest: int) -> TimeBlocks | None:
    """Return the blocks of time for the folds of a table.

    Parameters
    ----------
    order : TimeOrder or None
        Order of training and test rows in time.
    train : DataFrame of shape (rows, columns)
        Raw training rows.
    fewest : int
        Least number of blocks that have training rows.

    Returns
    -------
    TimeBlocks or None
        None unless test rows lie between training rows, as a column of dates shows, each row has a date, and there are
        enough blocks.

    Examples
    --------
    >>> from tabular_dl.profiling.time_order import find_time_order
    >>> hours = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=24 * 300, freq="h")})
    >>> late = hours["date"].dt.day > 20
    >>> blocks = time_blocks(find_time_order(hours[~late], hours[late]), hours[~late], 5)
    >>> blocks.name, blocks.features[blocks.name]
    ('date_week', {'eval': 'date_elapsed // 7'})
    """
    if order is None or order.stretch is None or order.missing:
        return None
    unit = next((unit for unit, days in UNITS.items() if days <= order.stretch), None)
    if unit is None:
        return None
    [column] = order.columns
    days, block = (free_name(f"{column}_{part}", train.columns) for part in ("elapsed", unit))
    written = date_format(train[column]) if train[column].dtype.kind == "O" else None
    form = {} if written in (None, "ISO8601") else {"format": written}
    length = f" // {UNITS[unit]}"
    features = {days: {"from": column, "date": "elapsed", **form}, block: {"eval": f"{in_expression(days)}{length}"}}
    blocks = TimeBlocks(block, unit, features)
    return blocks if len(np.unique(blocks.numbers(order))) >= fewest else None

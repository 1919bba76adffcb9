"""Detection of the column with the query of each row, in tables of search results to rank."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabular_dl.profiling.row_groups import NEW, may_group, share_of_new

__all__ = ["find_query_column"]


def find_query_column(train: pd.DataFrame, test: pd.DataFrame | None) -> str | None:
    """Return the column that probably has the query of each row.

    Its values are whole numbers or texts of several rows each, and at least 90 % of the test rows have new ones. The
    rows of a query mostly follow each other; of several such columns, the one with the fewest values is taken.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows; None without a test table.

    Returns
    -------
    str or None
        Name of the column; None if there is none.

    Examples
    --------
    >>> query, place = np.repeat(np.arange(20), 5), np.tile(np.arange(5), 20)
    >>> find_query_column(pd.DataFrame({"place": place, "query": query}), None)
    'query'
    """
    candidates = []
    for name in train:
        if not may_group(train[name]) or train[name].isna().any():
            continue
        if test is not None and (name not in test or share_of_new(train[name], test[name]) < NEW):
            continue
        codes = pd.factorize(train[name])[0]
        different = int(codes.max()) + 1
        # The number of runs of equal values is that of the values, if the rows of each follow each other.
        if np.count_nonzero(np.diff(codes)) + 1 <= 2 * different:
            candidates.append((different, str(name)))
    return min(candidates)[1] if candidates else None

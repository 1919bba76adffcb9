"""Tables as input of decision trees: ranks of each column's values, NaN for missing ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["sample_size", "sampled", "tree_input"]

MOST_ROWS = 1_500  # sampled from a table, for checks that train models
_MOST_CELLS = 400_000  # sampled from a wide table, which gives fewer rows
_FEWEST_ROWS = 300  # sampled however wide the table is


def sampled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a random sample of a table's rows that is small enough to train a model quickly.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Table.
    seed : int
        Seed of the sample.

    Returns
    -------
    DataFrame of shape (sampled rows, columns)
        The table itself if it is small. At most 1,500 rows; fewer if there are more than 266 columns.

    Examples
    --------
    >>> len(sampled(pd.DataFrame({"x": range(5000)}), seed=0)), len(sampled(pd.DataFrame({"x": range(5)}), seed=0))
    (1500, 5)
    """
    most = sample_size(table)
    return table if len(table) <= most else table.sample(most, random_state=seed)


def sample_size(table: pd.DataFrame) -> int:
    """Return the largest number of rows that `sampled` takes from a table.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Table, of which only the number of columns matters.

    Returns
    -------
    int
        Number of rows.

    Examples
    --------
    >>> sample_size(pd.DataFrame({"x": range(5)}))
    1500
    """
    return min(MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // max(1, table.shape[1])))


def tree_input(*tables: pd.DataFrame) -> list[np.ndarray[Any, Any]]:
    """Return tables of numbers and text as matrices of ranks.

    Trees depend on the order of a column's values only. Ranks are exact in the single precision that trees use, while
    large numbers are not. Text is ordered alphabetically.

    Parameters
    ----------
    *tables : DataFrame of shape (rows, columns)
        Tables with the same columns, each of numbers or of text.

    Returns
    -------
    list of ndarray of float32, shape (rows, columns)
        Ranks from 0, the same in all tables for equal values; NaN for missing values.

    Examples
    --------
    >>> one = pd.DataFrame({"Sex": ["m", "f"], "Age": [20.5, None]})
    >>> other = pd.DataFrame({"Sex": ["x"], "Age": [1e300]})
    >>> [matrix.tolist() for matrix in tree_input(one, other)]
    [[[1.0, 0.0], [0.0, nan]], [[2.0, 1.0]]]
    """
    joined = pd.concat(tables, ignore_index=True)
    ranks = np.full(joined.shape, np.nan, dtype=np.float32)
    for place, name in enumerate(joined):
        codes = pd.factorize(joined[name], sort=True)[0]
        ranks[:, place] = np.where(codes < 0, np.nan, codes)
    return np.split(ranks, np.cumsum([len(table) for table in tables])[:-1])

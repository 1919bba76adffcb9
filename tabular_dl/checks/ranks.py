"""Tables as trees read them: each column as the order of its values, missing as NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["sample_size", "sampled", "tree_input"]

MOST_ROWS = 1_500  # of a table, for checks that train models
_MOST_CELLS = 400_000  # so wide tables give fewer rows
_FEWEST_ROWS = 300


def sampled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a table, or as many of its rows, drawn at random, as a quick model can be trained on.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
    seed : int
        Fixes which.

    Returns
    -------
    DataFrame
        At most 1,500 rows; fewer of a table with more than 266 columns.

    Examples
    --------
    >>> len(sampled(pd.DataFrame({"x": range(5000)}), seed=0)), len(sampled(pd.DataFrame({"x": range(5)}), seed=0))
    (1500, 5)
    """
    most = sample_size(table)
    return table if len(table) <= most else table.sample(most, random_state=seed)


def sample_size(table: pd.DataFrame) -> int:
    """Return how many rows of a table `sampled` gives at most.

    Examples
    --------
    >>> sample_size(pd.DataFrame({"x": range(5)}))
    1500
    """
    return min(MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // max(1, table.shape[1])))


def tree_input(*tables: pd.DataFrame) -> list[np.ndarray[Any, Any]]:
    """Return tables of numbers and text as matrices in which only the order of a column's values is left.

    Trees ask no more of a column than its order, and the places of values are exact in their single precision where
    large numbers are not. Text is in the order of the alphabet.

    Parameters
    ----------
    *tables : DataFrame of shape (rows, columns)
        With the same columns, each of numbers or of text.

    Returns
    -------
    list of ndarray of float32, shape (rows, columns)
        A value has the same number in all tables; NaN where missing.

    Examples
    --------
    >>> one = pd.DataFrame({"Sex": ["m", "f"], "Age": [20.5, None]})
    >>> other = pd.DataFrame({"Sex": ["x"], "Age": [1e300]})
    >>> [matrix.tolist() for matrix in tree_input(one, other)]
    [[[1.0, 0.0], [0.0, nan]], [[2.0, 1.0]]]
    """
    joined = pd.concat(tables, ignore_index=True)
    whole = np.full(joined.shape, np.nan, dtype=np.float32)
    for place, name in enumerate(joined):
        codes = pd.factorize(joined[name], sort=True)[0]
        whole[:, place] = np.where(codes < 0, np.nan, codes)
    return np.split(whole, np.cumsum([len(table) for table in tables])[:-1])

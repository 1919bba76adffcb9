"""Statistics of a column over the rows of each group, learned from training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.tables import read_categories

__all__ = ["crossed", "group_keys", "learn_statistics", "statistic_by", "statistics_of"]

# Separator of the values of several columns, a control character that tables do not contain.
_SEPARATOR = "\x1f"


def group_keys(columns: Sequence[pd.Series]) -> np.ndarray[Any, Any]:
    """Return the group of each row, which is its value of one column or its values of several.

    Parameters
    ----------
    columns : sequence of Series of shape (rows,)
        Columns of any types.

    Returns
    -------
    ndarray of object, shape (rows,)
        Groups; NaN where a value is missing. Empty if there are no columns.

    Examples
    --------
    >>> group_keys([pd.Series([3, None, 1])])
    array(['3', nan, '1'], dtype=object)
    """
    texts = [read_categories(column) for column in columns]
    if len(texts) == 1:
        return texts[0]
    rows = zip(*texts, strict=True)
    keys = [_SEPARATOR.join(row) if all(isinstance(text, str) for text in row) else np.nan for row in rows]
    return np.array(keys, dtype=object)


def crossed(columns: Sequence[pd.Series]) -> pd.Series:
    r"""Return the values of several columns as one category.

    Parameters
    ----------
    columns : sequence of Series of shape (rows,)
        Columns of any types.

    Returns
    -------
    Series of str, shape (rows,)
        Texts of the values, joined by ``|``, of which those in the values are marked by a backslash; missing where one
        of them is.

    Examples
    --------
    >>> crossed([pd.Series(["a", "a|b"]), pd.Series([1.0, 2.0])]).tolist()
    ['a|1', 'a\\|b|2']
    """
    texts = [[_marked(text) if isinstance(text, str) else text for text in read_categories(c)] for c in columns]
    rows = zip(*texts, strict=True)
    joined = ["|".join(row) if all(isinstance(text, str) for text in row) else np.nan for row in rows]
    return pd.Series(joined, index=columns[0].index, dtype="str")


def _marked(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def statistic_by(values: pd.Series, keys: np.ndarray[Any, Any], statistic: str) -> pd.Series:
    """Return a statistic of the values of each group, ignoring missing values.

    Parameters
    ----------
    values : Series of float64, shape (rows,)
        Values.
    keys : ndarray of shape (rows,)
        Groups.
    statistic : str
        ``mean``, ``median``, ``std`` (of the population, so 0 for one row), ``min``, ``max``, ``sum`` or ``count``.

    Returns
    -------
    Series of shape (groups,)
        Statistics, indexed by the sorted groups.

    Examples
    --------
    >>> statistic_by(pd.Series([1.0, 3.0, 8.0]), np.array([0, 0, 1]), "std").tolist()
    [1.0, 0.0]
    """
    return getattr(values.groupby(keys), statistic)(**_arguments(statistic))


def _arguments(statistic: str) -> dict[str, int]:
    return {"ddof": 0} if statistic == "std" else {}


def learn_statistics(numbers: np.ndarray[Any, Any], keys: np.ndarray[Any, Any], statistic: str) -> dict[str, Any]:
    """Return a statistic of each group and of all rows, ignoring missing numbers.

    Parameters
    ----------
    numbers : ndarray of float64, shape (rows,)
        Numbers; NaN where missing.
    keys : ndarray of object, shape (rows,)
        Groups as `group_keys` returns them.
    statistic : str
        ``mean``, ``median``, ``std`` (of the population, so 0 for one row), ``min`` or ``max``.

    Returns
    -------
    dict
        ``groups``, a dict of str to float, and ``overall``, a float, which is NaN if all numbers are missing.

    Examples
    --------
    >>> learn_statistics(np.array([1.0, 3.0, 8.0, np.nan]), np.array(["a", "a", "b", "c"], dtype=object), "mean")
    {'groups': {'a': 2.0, 'b': 8.0}, 'overall': 4.0}
    """
    values = pd.Series(numbers)
    groups = statistic_by(values, keys, statistic).dropna()
    overall = getattr(values, statistic)(**_arguments(statistic))
    return {"groups": {str(key): float(value) for key, value in groups.items()}, "overall": float(overall)}


def statistics_of(keys: np.ndarray[Any, Any], learned: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return the statistic of each row's group.

    Parameters
    ----------
    keys : ndarray of object, shape (rows,)
        Groups as `group_keys` returns them.
    learned : mapping
        Result of `learn_statistics` for the training rows.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Statistics; that of all training rows where the group is missing, unknown or has no statistic.

    Examples
    --------
    >>> statistics_of(np.array(["a", "z", np.nan], dtype=object), {"groups": {"a": 2.0}, "overall": 4.0}).tolist()
    [2.0, 4.0, 4.0]
    """
    groups, overall = learned["groups"], learned["overall"]
    return np.array([groups.get(key, overall) if isinstance(key, str) else overall for key in keys], dtype=np.float64)

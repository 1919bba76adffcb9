"""Queries of rows, for metrics that are means over queries, such as NDCG.

A metric is bound to the queries of a table once, where the table is read. To score some of the rows, use `metric_at`,
as `tabular_dl.model_selection.row_weights.weights_at` for weights. A metric that scores queries and is not bound, or is
bound to other rows, raises an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import DataError
from tabular_dl.problems.metrics import Metric

if TYPE_CHECKING:
    import numpy as np

__all__ = ["check_whole_queries", "metric_at", "resampled_rows", "some_rows", "with_queries"]


def with_queries(metric: Metric, queries: Any) -> Metric:
    """Return a metric that is bound to the query of each row of a table.

    Parameters
    ----------
    metric : Metric
        Metric; one that does not score queries is returned as it is.
    queries : array-like of shape (rows,)
        Query of each row, of any type.

    Returns
    -------
    Metric
        Metric of these rows.

    Examples
    --------
    >>> import numpy as np
    >>> from tabular_dl.problems.metrics import get_metric
    >>> ndcg = with_queries(get_metric("ndcg"), ["a", "b", "a", "b"])
    >>> round(ndcg(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.5, 0.1, 0.2])), 4)  # 1 and 1 / log2(3)
    0.8155
    """
    if not metric.by_query:
        return metric
    import numpy as np
    import pandas as pd

    numbers = pd.factorize(pd.Series(queries), use_na_sentinel=False)[0]
    # Small integers are sorted faster, and blends score thousands of times.
    return replace(metric, queries=numbers.astype(np.min_scalar_type(int(numbers.max()))))


def metric_at(metric: Metric, rows: np.ndarray) -> Metric:
    """Return a metric of some of its rows.

    Parameters
    ----------
    metric : Metric
        Metric; one without queries is returned as it is.
    rows : ndarray of int of shape (n,)
        Numbers of the rows. If a query is drawn several times, as by `resampled_rows`, each of its copies counts as a
        query.

    Returns
    -------
    Metric
        Metric of these rows, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> from tabular_dl.problems.metrics import get_metric
    >>> ndcg = with_queries(get_metric("ndcg"), [7, 7, 8])
    >>> metric_at(ndcg, np.array([2, 0, 1])).queries.tolist(), metric_at(ndcg, np.array([0, 1, 0, 1])).queries.tolist()
    ([1, 0, 0], [0, 0, 1, 1])
    """
    if metric.queries is None:
        return metric
    import numpy as np
    import pandas as pd

    queries = metric.queries[rows]
    copy = pd.Series(rows).groupby(rows).cumcount().to_numpy()
    if copy.any():
        queries = np.unique(np.column_stack([queries, copy]), axis=0, return_inverse=True)[1].reshape(-1)
    return replace(metric, queries=queries)


def some_rows(metric: Metric, rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return some rows at random, ascending: of a metric that scores queries, those of whole queries.

    Parameters
    ----------
    metric : Metric
        Metric that the rows are scored by.
    rows : ndarray of int of shape (n,)
        Numbers of the rows to choose from.
    most : int
        Number of rows that are chosen at most; of a metric that scores queries, one query at least.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray of int
        All rows, if they are not more than that.
    """
    import numpy as np

    if len(rows) <= most:
        return rows
    if metric.queries is None:
        return np.sort(rng.choice(rows, most, replace=False))
    numbers, sizes = np.unique(metric.queries[rows], return_inverse=True, return_counts=True)[1:]
    order = rng.permutation(len(sizes))
    chosen = order[: max(1, int(np.count_nonzero(sizes[order].cumsum() <= most)))]
    return np.sort(rows[np.isin(numbers, chosen)])


def resampled_rows(metric: Metric, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of a bootstrap: rows drawn with replacement, or queries of a metric that scores queries.

    Parameters
    ----------
    metric : Metric
        Metric of these rows.
    rows : int
        Number of rows.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray of int
        Numbers of the rows, as many as there are, or as many queries.
    """
    import numpy as np

    if metric.queries is None:
        return rng.integers(0, rows, rows)
    order = np.argsort(metric.queries, kind="stable")
    of_query = np.split(order, np.flatnonzero(np.diff(metric.queries[order])) + 1)
    return np.concatenate([of_query[number] for number in rng.integers(0, len(of_query), len(of_query))])


def check_whole_queries(metric: Metric, folds: Sequence[np.ndarray], subject: str) -> None:
    """Raise an error if a query is only in part among the test rows of a fold.

    Parameters
    ----------
    metric : Metric
        Metric of all rows; one without queries is not checked.
    folds : sequence of ndarray
        Numbers of the test rows of each fold.
    subject : str
        Beginning of the message: the file of the folds.

    Raises
    ------
    DataError
        If a query is split; the message names the fold and the first row of the query.

    Examples
    --------
    >>> import numpy as np
    >>> from tabular_dl.problems.metrics import get_metric
    >>> ndcg = with_queries(get_metric("ndcg"), ["a", "a", "b"])
    >>> check_whole_queries(ndcg, [np.array([0]), np.array([1, 2])], "folds.csv")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: folds.csv: fold 1 has 1 of the 2 rows of a query (the query of row 1 of the table), but
    ndcg is the mean over whole queries. Keep the rows of a query in one fold.
    """
    if metric.queries is None:
        return
    import numpy as np

    sizes = np.bincount(metric.queries)
    for number, rows in enumerate(folds, start=1):
        inside = np.bincount(metric.queries[rows], minlength=len(sizes))
        split = np.flatnonzero((inside > 0) & (inside < sizes))
        if len(split):
            query = split[0]
            first = int(np.flatnonzero(metric.queries == query)[0]) + 1
            raise DataError(
                f"{subject}: fold {number} has {inside[query]} of the {sizes[query]} rows of a query (the query of row "
                f"{first} of the table), but {metric.name} is the mean over whole queries. Keep the rows of a query in "
                "one fold."
            )

"""Predictions of several targets, one target at a time.

=====================  ==========================================  ===============================================
targets                predictions                                 ``classes``
=====================  ==========================================  ===============================================
numbers                (rows, targets)                             None
0 or 1 each            probability of 1, (rows, targets)           array of the targets' numbers
one of several each    probabilities, (rows, sum of the classes)   list of arrays: the classes of each target
=====================  ==========================================  ===============================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tabular_dl.problems.number_coding import known_values
from tabular_dl.problems.problem_types import Problem
from tabular_dl.problems.target_coding import Indicators

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "classes_of",
    "each_target",
    "output_units",
    "predicted_labels",
    "probability_columns",
    "rarest_class",
    "same_classes",
    "target_scores",
]

Score = Callable[..., float]


def classes_of(y: np.ndarray, problem: Problem) -> np.ndarray | list[np.ndarray] | None:
    """Return the classes of a target, in the form of the attribute ``classes_`` of fitted models.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        Target.
    problem : Problem
        Type of problem.

    Returns
    -------
    ndarray, list of ndarray or None
        Sorted classes; the targets' numbers, if each is 0 or 1; those of each target, if there are several; None for
        numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> classes_of(np.array(["b", "a", "b"]), get_problem("multiclass")).tolist()
    ['a', 'b']
    """
    import numpy as np

    if not problem.classification:
        return None
    if problem.coding is Indicators:
        return np.arange(y.shape[1])
    return np.unique(y) if y.ndim == 1 else [np.unique(column) for column in y.T]


def each_target(
    predictions: np.ndarray, classes: np.ndarray | Sequence[np.ndarray] | None
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return predictions and classes of each of several targets, as those of a single target.

    Parameters
    ----------
    predictions : ndarray of shape (rows, columns)
        Predictions of all targets.
    classes : ndarray, list of ndarray or None
        Their classes, as in the table above.

    Returns
    -------
    list of (ndarray, ndarray or None)
        Of each target, numbers of shape (rows,) and None, or probabilities of shape (rows, classes) and the classes.

    Examples
    --------
    >>> import numpy as np
    >>> ((p, labels),) = each_target(np.array([[0.25], [0.5]]), np.array([0]))
    >>> p.tolist(), labels.tolist()
    ([[0.75, 0.25], [0.5, 0.5]], [0, 1])
    """
    import numpy as np

    if classes is None:
        return [(column, None) for column in predictions.T]
    if isinstance(classes, np.ndarray):
        return [(np.stack([1 - column, column], axis=1), np.array([0, 1])) for column in predictions.T]
    ends = np.cumsum([len(labels) for labels in classes])
    return list(zip(np.split(predictions, ends[:-1], axis=1), classes, strict=True))


def output_units(problem: Problem, target: pd.Series | pd.DataFrame) -> int:
    """Return the number of output units of a network for a target, (rows,), or several, (rows, targets).

    Examples
    --------
    >>> import pandas as pd
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> two = pd.DataFrame({"a": ["x", "y", "z"], "b": ["x", "y", "y"]})
    >>> output_units(get_problem("multioutput"), two), output_units(get_problem("binary"), two["b"])
    (5, 1)
    """
    import pandas as pd

    columns = pd.DataFrame(target)
    one_each = not problem.classification or problem.coding is Indicators
    return problem.units(columns.shape[1] if one_each else sum(column.nunique() for _, column in columns.items()))


def probability_columns(classes: np.ndarray | Sequence[np.ndarray]) -> int:
    """Return the number of columns of the probabilities of a target with these classes.

    Examples
    --------
    >>> import numpy as np
    >>> probability_columns(np.array(["a", "b"])), probability_columns([np.array(["a", "b"]), np.arange(3)])
    (2, 5)
    """
    return sum(map(len, classes)) if isinstance(classes, list) else len(classes)


def rarest_class(target: pd.Series | pd.DataFrame) -> int:
    """Return the number of rows of the rarest class of a target, (rows,), or of any of several, (rows, targets).

    Examples
    --------
    >>> import pandas as pd
    >>> rarest_class(pd.DataFrame({"a": [0, 1, 1, 0], "b": [0, 0, 0, 1]}))
    1
    """
    import pandas as pd

    return min(int(column.value_counts().min()) for _, column in pd.DataFrame(target).items())


def same_classes(
    first: np.ndarray | Sequence[np.ndarray] | None, second: np.ndarray | Sequence[np.ndarray] | None
) -> bool:
    """Return whether two targets, or several, have the same classes.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.array(["a"]), np.array(["b"])
    >>> same_classes([a, b], [a, b]), same_classes([a, b], [a, a]), same_classes(a, [a]), same_classes(None, None)
    (True, False, False, True)
    """
    import numpy as np

    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(np.array_equal, first, second))
    if first is None or second is None or isinstance(first, list) or isinstance(second, list):
        return first is second
    return bool(np.array_equal(first, second))


def target_scores(
    metric: Score,
    y: np.ndarray,
    predictions: np.ndarray,
    classes: np.ndarray | Sequence[np.ndarray] | None,
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return the score of each of several targets.

    Parameters
    ----------
    metric : Metric
        Metric of the scores.
    y : ndarray of shape (rows, targets)
        True labels or numbers; NaN where a row lacks one of several numbers.
    predictions : ndarray of shape (rows, columns)
        Probabilities or numbers.
    classes : ndarray, list of ndarray or None
        Classes, as in the table above.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    ndarray of shape (targets,)
        Scores, each of the rows that have the target; NaN if none has.

    Examples
    --------
    >>> import numpy as np
    >>> from tabular_dl.problems.metrics import get_metric
    >>> target_scores(get_metric("mae"), np.array([[1.0, 5.0], [np.nan, 2.0]]), np.full((2, 2), 2.0), None).tolist()
    [1.0, 1.5]
    """
    import numpy as np

    scores = []
    for truth, (values, labels) in zip(y.T, each_target(predictions, classes), strict=True):
        known = known_values(truth)
        if known is None:
            scores.append(metric(truth, values, labels, sample_weight))
        elif not known.any():
            scores.append(np.nan)
        else:
            weights = None if sample_weight is None else sample_weight[known]
            scores.append(_of_rows(metric, known)(truth[known], values[known], labels, weights))
    return np.array(scores)


def _of_rows(metric: Score, rows: np.ndarray) -> Score:
    """Return a metric of some of its rows; `metric_at` of queries, which import metrics, cannot be imported here."""
    queries = getattr(metric, "queries", None)
    return metric if queries is None else replace(metric, queries=queries[rows])  # type: ignore[type-var]


def predicted_labels(predictions: np.ndarray, classes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the most probable class of each of several targets, (rows, targets).

    Examples
    --------
    >>> import numpy as np
    >>> classes = [np.array(["a", "b"]), np.array(["x", "y", "z"])]
    >>> predicted_labels(np.array([[0.2, 0.8, 0.5, 0.1, 0.4]]), classes).tolist()
    [['b', 'x']]
    """
    import numpy as np

    parts = each_target(predictions, classes)
    return np.column_stack([labels[p.argmax(axis=1)] for p, labels in parts if labels is not None])

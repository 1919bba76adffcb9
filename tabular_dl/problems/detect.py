"""Which type of problem a target shows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems.problem_types import PROBLEMS, Problem, get_problem
from tabular_dl.problems.target_coding import Indicators

if TYPE_CHECKING:
    import numpy as np

__all__ = ["infer_problem", "problem_of"]


def problem_of(y: np.ndarray, *, classification: bool, name: str = "auto", bounds: Any = None) -> Problem:
    """Return the problem that an estimator has: the one named, or the one that the target shows.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        The target of training rows.
    classification : bool
        Whether the estimator is a classifier.
    name : str
        The name of a problem, or "auto": for a classifier two classes are binary, more multiclass, and several columns
        multilabel; for a regressor bounds make it bounded.
    bounds : (low, high) or None
        Of a regressor's target.

    Raises
    ------
    SpecError
        If the named problem is not one for this estimator, or not one for this target.
    """
    import numpy as np

    columns = np.ndim(y) == 2
    if name == "auto":
        if not classification:
            return PROBLEMS["regression" if bounds is None else "bounded_regression"]
        return PROBLEMS["multilabel" if columns else "binary" if len(np.unique(y)) == 2 else "multiclass"]
    problem = get_problem(name)
    if problem.classification != classification:
        kind, other = ("KerasClassifier", "KerasRegressor")[:: 1 if classification else -1]
        raise SpecError(f"problem: {name} is not one for {kind}: take {other}.")
    if classification and columns != (problem.coding is Indicators):
        shape = "several columns" if columns else "one column"
        raise SpecError(f"problem: {name} does not fit a target of {shape}. Write problem: auto.")
    if classification and not columns and problem.units(3) == 1 and len(np.unique(y)) > 2:
        raise SpecError(f"problem: {name} needs two classes, the target has {len(np.unique(y))}. Write problem: auto.")
    return problem


# A whole-number target with more different values than this is a quantity, not a label; a text target with more is
# still labels, unless most of its rows have a text of their own.
MOST_CLASSES = 20


def infer_problem(y: Any) -> Problem:
    """Tell the type of problem from the target.

    Several columns of 0 and 1 make it multilabel, of other numbers a regression. For one column: two different values
    make it binary; text, booleans, and whole numbers with at most 20 different values multiclass; every other number
    makes it a regression.

    Parameters
    ----------
    y : array-like of shape (rows,) or (rows, targets)
        The target, without missing values.

    Raises
    ------
    DataError
        If the target has fewer than two different values: there is nothing to learn. If it is dates, or text that is
        different in most rows: neither labels nor numbers.

    Examples
    --------
    >>> infer_problem(["yes", "no", "yes"]).name, infer_problem([0, 2, 1]).name, infer_problem([0.5, 1.25, 3.0]).name
    ('binary', 'multiclass', 'regression')
    """
    import numpy as np
    import pandas as pd

    values = np.asarray(y)
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise DataError(f"The target has no value in row {missing[0]} ({len(missing)} such rows): remove those rows.")
    different = np.unique(values)
    if values.ndim == 2 and values.shape[1] > 1:
        return PROBLEMS["multilabel" if np.isin(different, [0, 1]).all() else "regression"]
    if len(different) < 2:
        found = f"the single value {different.tolist()[0]!r}" if len(different) else "no rows"
        raise DataError(f"The target has {found}: at least two different values are needed to learn from.")
    if len(different) == 2:
        return PROBLEMS["binary"]
    numeric = np.issubdtype(values.dtype, np.number)
    whole = numeric and bool(np.all(np.equal(np.mod(different, 1), 0)))
    if numeric and (not whole or len(different) > MOST_CLASSES):
        return PROBLEMS["regression"]
    if np.issubdtype(values.dtype, np.datetime64) or isinstance(different[0], date):
        raise DataError("The target is dates: write the days since one of them instead, and predict that number.")
    if len(different) > max(MOST_CLASSES, len(values) / 2):
        raise DataError(
            f"The target has {len(different)} different texts in {len(values)} rows, like {different.tolist()[0]!r}: a "
            "label is shared by many rows. Name the column to predict; join rare labels, or write numbers as numbers."
        )
    return PROBLEMS["multiclass"]

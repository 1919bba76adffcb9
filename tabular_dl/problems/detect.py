"""Detection of a problem's type from its target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from tabular_dl.errors import DataError, SpecError, listed
from tabular_dl.problems.problem_types import PROBLEMS, Problem, get_problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

__all__ = ["NEED_ALL", "infer_problem", "problem_of"]

# Advice where rows lack some of several targets.
NEED_ALL = (
    "each row needs all of several targets of classes, or of 0 and 1. Fill it in, remove such rows, or make a pipeline "
    "for this target alone, which leaves them out. Of several numbers, rows may lack some (problem: regression)."
)


def problem_of(
    y: np.ndarray, *, classification: bool, name: str = "auto", bounds: Sequence[float] | None = None
) -> Problem:
    """Return an estimator's problem: the named one, or the one detected from the target.

    Parameters
    ----------
    y : ndarray of shape (rows,) or (rows, targets)
        Target of the training rows.
    classification : bool
        Whether the estimator is a classifier.
    name : str, default="auto"
        Name of the problem. With "auto", a classifier's problem is binary for two classes, multiclass for more, and
        multilabel for several columns; a regressor's is bounded regression if there are bounds, else regression.
    bounds : sequence of (low, high) or None
        Bounds of a regressor's target.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    SpecError
        If there is no such problem, or it does not suit the estimator or the target.
    """
    import numpy as np

    several = np.ndim(y) == 2
    if name == "auto":
        if not classification:
            return PROBLEMS["regression" if bounds is None else "bounded_regression"]
        return PROBLEMS["multilabel" if several else "binary" if len(np.unique(y)) == 2 else "multiclass"]
    problem = get_problem(name)
    if problem.classification != classification:
        estimator, other = ("KerasClassifier", "KerasRegressor")[:: 1 if classification else -1]
        raise SpecError(f"problem: {name} is not for {estimator}: use {other}.")
    if classification and several != (problem.each is not None):
        shape = "several columns" if several else "one column"
        raise SpecError(f"problem: {name} does not fit a target of {shape}. Write problem: auto.")
    if problem.two_classes and not several and len(np.unique(y)) > 2:
        raise SpecError(f"problem: {name} needs two classes, the target has {len(np.unique(y))}. Write problem: auto.")
    return problem


# Whole numbers with more different values than this are quantities, not labels. Texts with more are still labels,
# unless most rows have different texts.
MOST_CLASSES = 20


def infer_problem(y: ArrayLike) -> Problem:
    """Return the type of problem detected from a target.

    Several columns are a multilabel problem if they contain only 0 and 1, a regression if they contain numbers, and a
    multioutput problem if they contain classes.

    One column is a binary problem if it has two different values; otherwise multiclass for texts, booleans and whole
    numbers of at most 20 different values, and a regression for other numbers.

    Parameters
    ----------
    y : array-like of shape (rows,) or (rows, targets)
        Target without missing values; of several numbers, rows may lack some.

    Returns
    -------
    Problem
        The problem.

    Raises
    ------
    DataError
        If a value is missing, there are fewer than two different values, the values are dates or texts that differ in
        most rows, which are neither labels nor numbers, or some of several columns are labels and others numbers.

    Examples
    --------
    >>> infer_problem(["yes", "no", "yes"]).name, infer_problem([0, 2, 1]).name, infer_problem([0.5, 1.25, 3.0]).name
    ('binary', 'multiclass', 'regression')
    """
    import numpy as np
    import pandas as pd

    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] > 1:
        return _of_several(pd.DataFrame(y if isinstance(y, pd.DataFrame) else values).infer_objects())
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise DataError(f"The target has no value in row {missing[0]} ({len(missing)} such rows): remove those rows.")
    different = np.unique(values)
    if len(different) < 2:
        content = f"the single value {different.tolist()[0]!r}" if len(different) else "no rows"
        raise DataError(f"The target has {content}: at least two different values are needed to learn from.")
    if len(different) == 2:
        return PROBLEMS["binary"]
    numeric = np.issubdtype(values.dtype, np.number)
    whole = numeric and bool(np.all(np.equal(np.mod(different, 1), 0)))
    if numeric and (not whole or len(different) > MOST_CLASSES):
        return PROBLEMS["regression"]
    if np.issubdtype(values.dtype, np.datetime64) or isinstance(different[0], date):
        raise DataError("The target consists of dates: replace them by a number, such as days since one of them.")
    if len(different) > max(MOST_CLASSES, len(values) / 2):
        raise DataError(
            f"The target has {len(different)} different texts in {len(values)} rows, like {different.tolist()[0]!r}: "
            "labels are shared by many rows. Name another column, join rare labels, or write numbers as numbers."
        )
    return PROBLEMS["multiclass"]


def _of_several(targets: pd.DataFrame) -> Problem:
    """Return the type of problem of several targets, (rows, targets)."""
    numeric = {name: column.dtype.kind in "biuf" for name, column in targets.items()}
    if all(numeric.values()) and not all(column.dropna().isin([0, 1]).all() for _, column in targets.items()):
        return PROBLEMS["regression"]
    missing = [(row, name) for name in targets for row in targets.index[targets[name].isna()]]
    if missing:
        raise DataError(f"The target {missing[0][1]} has no value in row {missing[0][0]}: {NEED_ALL}")
    if all(numeric.values()):
        return PROBLEMS["multilabel"]
    problems = {name: infer_problem(column) for name, column in targets.items()}
    numbers = [name for name, problem in problems.items() if not problem.classification]
    if numbers:
        labels = [name for name in problems if name not in numbers]
        raise DataError(
            f"The targets are of several types: {listed(labels)} are classes, {listed(numbers)} are numbers. One "
            "pipeline predicts targets of one type: make a pipeline for each type."
        )
    return PROBLEMS["multioutput"]

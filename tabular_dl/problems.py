"""The table of problem types: all that follows from what is to be predicted.

Nothing else in the package compares the names of problem types: code asks the `Problem` for what it needs. A new
type is a new row of `PROBLEMS`.

===========  ============  ==================  ================================  =========
problem      units         output activation   loss                              metric
===========  ============  ==================  ================================  =========
binary       1             sigmoid             binary cross-entropy              accuracy
multiclass   one a class   softmax             sparse categorical cross-entropy  accuracy
regression   1             linear              mean squared error                rmse
===========  ============  ==================  ================================  =========

Sparse categorical cross-entropy takes integer targets and has the same value as categorical cross-entropy on one-hot
targets, without the memory that one-hot targets take.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.targets import Labels, Numbers

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PROBLEMS", "Problem", "get_problem", "infer_problem", "problem_of_classes", "problem_of_numbers"]


@dataclass(frozen=True)
class Problem:
    """What follows from one type of problem.

    Parameters
    ----------
    name : str
        The word for it in a pipeline file.
    activation : str
        Keras's name of the activation of the output layer.
    loss : str
        Keras's name of the loss that training minimises.
    row_metric : str
        Keras's name of the function that is followed each epoch beside the loss: one value a row, averaged over rows.
    row_metric_name : str
        What a run's curves call it.
    metric : str
        The metric that a run is scored by unless the pipeline names another.
    coding : type
        How the target is coded for training.
    classification : bool
        Whether the target is one of a finite set of labels. Folds and validation rows are then stratified.
    one_unit : bool
        Whether the output layer has a single unit, however many classes there are.
    baselines : callable
        Returns ``{name: unfitted scikit-learn estimator}``, the simple models that a network has to beat.
    """

    name: str
    activation: str
    loss: str
    row_metric: str
    row_metric_name: str
    metric: str
    coding: type[Labels] | type[Numbers]
    classification: bool
    one_unit: bool
    baselines: Callable[[], dict[str, Any]]

    def units(self, classes: int) -> int:
        """Return the number of output units for a target with so many classes (0 for a number).

        Examples
        --------
        >>> PROBLEMS["binary"].units(2), PROBLEMS["multiclass"].units(3), PROBLEMS["regression"].units(0)
        (1, 3, 1)
        """
        return 1 if self.one_unit else classes

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs of the network into one probability a class.

        Parameters
        ----------
        outputs : ndarray of shape (..., rows, units)
            What the output activation returned.

        Returns
        -------
        ndarray of shape (..., rows, classes), float64
            Rows that sum to 1; a single sigmoid unit p becomes (1 - p, p).
        """
        import numpy as np

        # In float64, as scikit-learn's log loss warns where a row sums to 1 in float32 only.
        outputs = np.asarray(outputs, np.float64)
        if self.one_unit:
            return np.concatenate([1.0 - outputs, outputs], axis=-1)
        return outputs / outputs.sum(axis=-1, keepdims=True)


def _classification_baselines() -> dict[str, Any]:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": LogisticRegression(max_iter=5000),
    }


def _regression_baselines() -> dict[str, Any]:
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    return {"mean": DummyRegressor(strategy="mean"), "linear regression": LinearRegression()}


PROBLEMS: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem(
            name="binary",
            activation="sigmoid",
            loss="binary_crossentropy",
            row_metric="binary_accuracy",
            row_metric_name="accuracy",
            metric="accuracy",
            coding=Labels,
            classification=True,
            one_unit=True,
            baselines=_classification_baselines,
        ),
        Problem(
            name="multiclass",
            activation="softmax",
            loss="sparse_categorical_crossentropy",
            row_metric="sparse_categorical_accuracy",
            row_metric_name="accuracy",
            metric="accuracy",
            coding=Labels,
            classification=True,
            one_unit=False,
            baselines=_classification_baselines,
        ),
        Problem(
            name="regression",
            activation="linear",
            loss="mean_squared_error",
            row_metric="mean_absolute_error",
            row_metric_name="mae",
            metric="rmse",
            coding=Numbers,
            classification=False,
            one_unit=True,
            baselines=_regression_baselines,
        ),
    )
}


def get_problem(name: str) -> Problem:
    """Return the problem of this name.

    Raises
    ------
    SpecError
        If there is none; the message suggests the nearest.

    Examples
    --------
    >>> get_problem("binary").loss
    'binary_crossentropy'
    """
    try:
        return PROBLEMS[name]
    except KeyError:
        raise SpecError(f"There is no problem type {name!r}. {did_you_mean(name, PROBLEMS)}") from None


def problem_of_classes(count: int) -> Problem:
    """Return the problem of telling so many classes apart."""
    return PROBLEMS["binary" if count == 2 else "multiclass"]


def problem_of_numbers() -> Problem:
    """Return the problem of predicting a number."""
    return PROBLEMS["regression"]


# A whole-number target with more different values than this is a quantity, not a label.
MOST_CLASSES = 20


def infer_problem(y: Any) -> Problem:
    """Tell the type of problem from the target column.

    Two different values make it binary. Text, booleans, and whole numbers with at most 20 different values make it
    multiclass; every other number makes it a regression.

    Parameters
    ----------
    y : array-like of shape (rows,)
        The target, without missing values.

    Raises
    ------
    DataError
        If the target has fewer than two different values: there is nothing to learn.

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
    if len(different) < 2:
        found = f"the single value {different.tolist()[0]!r}" if len(different) else "no rows"
        raise DataError(f"The target has {found}: at least two different values are needed to learn from.")
    if len(different) == 2:
        return problem_of_classes(2)
    numeric = np.issubdtype(values.dtype, np.number)
    whole = numeric and bool(np.all(np.equal(np.mod(different, 1), 0)))
    if numeric and (not whole or len(different) > MOST_CLASSES):
        return problem_of_numbers()
    return problem_of_classes(len(different))

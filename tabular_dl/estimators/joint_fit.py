"""Fits of several estimators as one population, each on its own matrix and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from tabular_dl.estimators.base import KerasEstimator
from tabular_dl.estimators.held_out import HeldOutBy
from tabular_dl.estimators.joint_training import train_tasks
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.estimators.task import Prepared, Task

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["fit_together", "of_each", "tasks_of"]

OneArray = TypeVar("OneArray", np.ndarray, np.ndarray | None)


def fit_together(
    estimators: Sequence[KerasEstimator],
    matrices: Sequence[Matrix],
    y: np.ndarray | list[np.ndarray],
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | list[np.ndarray] | None = None,
    sample_weight: np.ndarray | list[np.ndarray] | None = None,
    on_epoch: EpochCallback | None = None,
    row_groups: HeldOutBy | None = None,
) -> None:
    """Fit several estimators, each on its own matrix and rows, as one population of all their members.

    The result is the same as fitting each on ``matrix[rows], y[rows]``, up to float rounding.

    Parameters
    ----------
    estimators : sequence of F `KerasClassifier` or F `KerasRegressor`
        Estimators with equal hyperparameters, except those that each member has for itself (`PER_MEMBER`).
    matrices : sequence of F ndarrays of shape (rows, features_f)
        The same rows, encoded for each estimator. A single estimator may have a memory map or a CSR matrix.
    y : ndarray of shape (rows,) or (rows, targets), or list of F such arrays
        Target of all rows, or that of each estimator.
    training_rows : sequence of F integer arrays
        Numbers of the training rows of each estimator.
    classes : ndarray, optional
        Labels, if the rows of an estimator may lack some; by default those of its rows.
    sample_weight : ndarray of shape (rows,), or list of F such arrays, optional
        Weight of each row in the loss, or that for each estimator.
    on_epoch : callable, optional
        As for `tabular_dl.nn.training.fit_population`.
    row_groups : ndarray of shape (rows,), RowTimes or LabeledRows, optional
        What rows are held out by, as for `tabular_dl.estimators.held_out.hold_out`.

    Raises
    ------
    SpecError
        If a hyperparameter is invalid, or differs between the estimators.
    DataError
        If there is one class only, the estimators would learn different classes, or there are too few rows to hold
        some out.
    DivergedError
        If a member diverged before it had learned anything.
    """
    tasks = tasks_of(estimators, matrices, y, training_rows, classes, sample_weight)
    trained = train_tasks(tasks, on_epoch, row_groups, estimators[0].make_callbacks)
    trained.refuse_untrained()
    for number, estimator in enumerate(estimators):
        estimator.take_over(trained.result(number))


def tasks_of(
    estimators: Sequence[KerasEstimator],
    matrices: Sequence[Matrix],
    y: np.ndarray | list[np.ndarray],
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | list[np.ndarray] | None = None,
    sample_weight: np.ndarray | list[np.ndarray] | None = None,
) -> list[Task]:
    """Return the tasks of several estimators.

    Tasks of the same matrix, rows, target and weights (the same objects) share the object `Prepared` that is learned
    from them.

    Parameters
    ----------
    estimators, matrices, y, training_rows, classes, sample_weight
        As for `fit_together`, which raises the same errors.

    Returns
    -------
    list of Task
        Task of each estimator.
    """
    for estimator in estimators:
        estimator.check_parameters()
    targets, weights = of_each(y, len(estimators)), of_each(sample_weight, len(estimators))
    keys = [tuple(map(id, each)) for each in zip(matrices, training_rows, targets, weights, strict=True)]
    prepared: dict[tuple[int, ...], Prepared] = {}
    for number, (key, estimator) in enumerate(zip(keys, estimators, strict=True)):
        if key not in prepared:
            alike = [other for other, other_key in zip(estimators, keys, strict=True) if other_key == key]
            prepared[key] = estimator.prepare(
                matrices[number], targets[number], training_rows[number], classes, weights[number], alike
            )
    return [
        Task(estimator.resolved(), matrix, prepared[key])
        for estimator, matrix, key in zip(estimators, matrices, keys, strict=True)
    ]


def of_each(values: OneArray | Sequence[OneArray], count: int) -> Sequence[OneArray]:
    """Return the arrays of a number of estimators, which may share one.

    Examples
    --------
    >>> of_each(None, 2), [len(values) for values in of_each([np.zeros(3), np.zeros(1)], 2)]
    ([None, None], [3, 1])
    """
    return cast("Sequence[OneArray]", values) if isinstance(values, list) else [cast("OneArray", values)] * count

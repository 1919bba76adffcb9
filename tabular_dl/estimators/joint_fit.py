"""Fits of several estimators as one population, each on rows and matrix of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tabular_dl.estimators.base import KerasEstimator
from tabular_dl.estimators.joint_training import train_tasks
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.estimators.task import Prepared, Task

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["fit_together", "tasks_of"]


def fit_together(
    estimators: Sequence[KerasEstimator],
    matrices: Sequence[Matrix],
    y: np.ndarray,
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    on_epoch: EpochCallback | None = None,
    row_groups: np.ndarray | None = None,
) -> None:
    """Fit several estimators, each on its own matrix and rows, as one population of all their members.

    Each estimator ends up as its own ``fit`` on ``matrix[rows], y[rows]`` would have left it, up to float rounding.

    Parameters
    ----------
    estimators : sequence of F `KerasClassifier` or F `KerasRegressor`
        With equal hyperparameters but for those that each member has for itself.
    matrices : sequence of F ndarrays of shape (rows, features_f)
        The same rows, encoded for each estimator. An estimator that is alone may have a memory map or a CSR matrix.
    y : ndarray of shape (rows,) or (rows, targets)
        The target.
    training_rows : sequence of F integer arrays
        The rows that each estimator may learn from.
    classes : ndarray, optional
        The labels, where the rows of an estimator may lack some; by default those of its rows.
    sample_weight : ndarray of shape (rows,), optional
        The weight of each row in the loss.
    on_epoch : callable, optional
        As for `tabular_dl.nn.training.fit_population`.
    row_groups : ndarray of shape (rows,), optional
        Group of each row: rows of one group are held out together.

    Raises
    ------
    SpecError
        If a hyperparameter cannot be used, or differs between the estimators.
    DataError
        If there is one class only, the estimators would learn different classes, or there are too few rows to hold
        some out.
    """
    tasks = tasks_of(estimators, matrices, y, training_rows, classes, sample_weight)
    trained = train_tasks(tasks, y, on_epoch, row_groups, estimators[0].make_callbacks)
    trained.refuse_untrained()
    for number, estimator in enumerate(estimators):
        estimator.take_over(trained.result(number))


def tasks_of(
    estimators: Sequence[KerasEstimator],
    matrices: Sequence[Matrix],
    y: np.ndarray,
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
) -> list[Task]:
    """Prepare the tasks of several estimators; those with the same matrix and rows share what is learned from them.

    Parameters and errors are those of `fit_together`.
    """
    for estimator in estimators:
        estimator.check_parameters()
    places = [(id(matrix), id(rows)) for matrix, rows in zip(matrices, training_rows, strict=True)]
    prepared: dict[tuple[int, int], Prepared] = {}
    for place, estimator, matrix, rows in zip(places, estimators, matrices, training_rows, strict=True):
        if place not in prepared:
            alike = [other for other, there in zip(estimators, places, strict=True) if there == place]
            prepared[place] = estimator.prepare(matrix, y, rows, classes, sample_weight, alike)
    every = zip(estimators, matrices, places, strict=True)
    return [Task(estimator, matrix, prepared[place]) for estimator, matrix, place in every]

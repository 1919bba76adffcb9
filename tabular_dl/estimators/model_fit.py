"""Fits of models of other libraries on several folds, side by side on the machine's cores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from tabular_dl.estimators.held_out import HeldOutBy
from tabular_dl.estimators.joint_fit import of_each
from tabular_dl.estimators.model_base import ModelEstimator
from tabular_dl.estimators.model_libraries import cores

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["fit_models"]


def fit_models(
    estimators: Sequence[ModelEstimator],
    matrices: Sequence[np.ndarray],
    y: np.ndarray | list[np.ndarray],
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | list[np.ndarray] | None = None,
    on_epoch: EpochCallback | None = None,
    row_groups: HeldOutBy | None = None,
    sample_weight: np.ndarray | list[np.ndarray] | None = None,
) -> None:
    """Fit several estimators, each on its own matrix and rows.

    Each member of each estimator is one task of a pool of threads, since all these libraries free Python's lock. A
    model takes one thread, or more if there are more cores than models.

    Parameters
    ----------
    estimators : sequence of F `ModelClassifier` or F `ModelRegressor`
        Estimators.
    matrices : sequence of F ndarrays of shape (rows, features_f)
        The same rows, encoded for each estimator.
    y : ndarray of shape (rows,) or (rows, targets), or list of F such arrays
        Target of all rows, or that of each estimator.
    training_rows : sequence of F integer arrays
        Numbers of the training rows of each estimator.
    classes : ndarray, optional
        Labels, if the rows of an estimator may lack some.
    on_epoch : callable, optional
        Called after each model with the number of models so far, no figures, and whether each still trains.
    row_groups : ndarray of shape (rows,), RowTimes or LabeledRows, optional
        What rows are held out by, as for `tabular_dl.estimators.held_out.hold_out`.
    sample_weight : ndarray of shape (rows,), or list of F such arrays, optional
        Weight of each row, or that for each estimator.

    Raises
    ------
    UserError
        If a model or its rows are invalid.
    """
    targets, weights = of_each(y, len(estimators)), of_each(sample_weight, len(estimators))
    tasks: list[tuple[int, int]] = []
    for number, (estimator, matrix, rows) in enumerate(zip(estimators, matrices, training_rows, strict=True)):
        estimator.start(matrix, targets[number][rows], classes)
        tasks += [(number, member) for member in range(estimator.count)]
    workers, threads = min(cores(), len(tasks)), max(1, cores() // len(tasks))

    def train(number: int, member: int) -> Any:
        return estimators[number].train_member(
            member, matrices[number], targets[number], training_rows[number], weights[number], row_groups, threads
        )

    pool = Parallel(n_jobs=workers, prefer="threads", return_as="generator")
    trained = []
    for result in pool(delayed(train)(*task) for task in tasks):
        trained.append(result)
        if on_epoch is not None:
            on_epoch(len(trained), {}, np.arange(len(tasks)) >= len(trained))
    for number, estimator in enumerate(estimators):
        estimator.finish([result for result, task in zip(trained, tasks, strict=True) if task[0] == number])

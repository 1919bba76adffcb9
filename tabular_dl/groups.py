"""Groups of members: several estimators, each with its own matrix and rows, trained as one population.

An estimator's own `fit` is a single group. A cross-validation has a group for each fold, so that all its folds and
members train in one compiled program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from tabular_dl.errors import DataError, SpecError
from tabular_dl.targets import Labels

if TYPE_CHECKING:
    from tabular_dl.nn.members import Members, Training
    from tabular_dl.nn.training import EpochCallback, Population

__all__ = ["derived_seed", "fit_groups"]


def fit_groups(
    estimators: Sequence[Any],
    matrices: Sequence[np.ndarray],
    y: np.ndarray,
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | None = None,
    on_epoch: EpochCallback | None = None,
) -> None:
    """Fit several estimators, each on its own matrix and rows, as one population of all their members.

    Each estimator ends up as its own ``fit`` on ``matrix[rows], y[rows]`` would have left it, up to float rounding.

    Parameters
    ----------
    estimators : sequence of F `KerasClassifier` or F `KerasRegressor`
        With equal hyperparameters but for ``random_state``.
    matrices : sequence of F ndarrays of shape (rows, features_f)
        The same rows, encoded for each estimator. Narrow ones are filled up with zero columns, which learn nothing.
    y : ndarray of shape (rows,)
        The target.
    training_rows : sequence of F integer arrays
        The rows that each estimator may learn from.
    classes : ndarray, optional
        The labels, where the rows of an estimator may lack some; by default those of its rows.
    on_epoch : callable, optional
        As for `tabular_dl.nn.training.fit_population`.

    Raises
    ------
    SpecError
        If a hyperparameter cannot be used, or differs between the estimators.
    DataError
        If there is one class only, the estimators would learn different classes, or there are too few rows to hold
        some out.
    """
    from tabular_dl.nn.members import Training
    from tabular_dl.nn.network import Network
    from tabular_dl.nn.training import fit_population

    first = estimators[0]
    first.check_parameters()
    _check_equal_settings(estimators)
    widths = [matrix.shape[1] for matrix in matrices]
    X = np.zeros((len(estimators), len(y), max(widths)), np.float32)
    coded = np.zeros((len(estimators), len(y), 1), np.float32)
    targets = [estimator._target(y, rows, classes) for estimator, rows in zip(estimators, training_rows, strict=True)]
    problem, coding = targets[0]
    for group, (_, own) in enumerate(targets):
        X[group, :, : widths[group]] = matrices[group]
        coded[group, :, 0] = own.encode(y)
        if isinstance(own, Labels) and not np.array_equal(own.classes, coding.classes):
            raise DataError("The estimators' rows hold different labels: pass the labels of all rows as classes.")
    network = Network(
        inputs=max(widths),
        hidden=tuple(int(width) for width in first.hidden),
        outputs=problem.units(len(coding.classes) if isinstance(coding, Labels) else 0),
        activation=first.activation,
        output_activation=problem.activation,
        dropout=bool(np.any(first.dropout)),
    )
    training = Training(
        loss=problem.loss,
        row_metric=problem.row_metric,
        optimizer=first.optimizer,
        epochs=first.epochs,
        batch_size=first.batch_size,
    )
    members = _members(estimators, widths, training_rows, coded[:, :, 0] if problem.classification else None)
    population = fit_population(network, X, coded, members, training, on_epoch=on_epoch)
    _refuse_untrained(population, first.members, training)
    for group, (estimator, width) in enumerate(zip(estimators, widths, strict=True)):
        share = _share(population, slice(group * first.members, (group + 1) * first.members), width)
        estimator._learned(*targets[group], replace(network, inputs=width), share)


def _check_equal_settings(estimators: Sequence[Any]) -> None:
    settings = estimators[0].get_params()
    for number, estimator in enumerate(estimators):
        for name, value in estimator.get_params().items():
            if name != "random_state" and not np.array_equal(value, settings[name]):
                raise SpecError(
                    f"{name} of estimator {number} is {value!r}, of the first {settings[name]!r}: estimators that "
                    "train together differ in random_state only."
                )


def derived_seed(random_state: Any, *path: int) -> int:
    """Derive a seed from a random state and a path of numbers, independent of every other path.

    Examples
    --------
    >>> derived_seed(0, 1) == derived_seed(0, 1), derived_seed(0, 1) == derived_seed(0, 2)
    (True, False)
    """
    root = random_state if isinstance(random_state, Integral) else check_random_state(random_state).randint(2**31)
    return int(np.random.SeedSequence(int(root), spawn_key=path).generate_state(1)[0] >> 1)


def _members(
    estimators: Sequence[Any],
    widths: Sequence[int],
    training_rows: Sequence[np.ndarray],
    labels: np.ndarray | None,
) -> Members:
    """Say for each member of each group, in turn, what it trains on and with which settings."""
    from tabular_dl.nn.members import Members

    first = estimators[0]
    seeds: list[int] = []
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    for group, (estimator, rows) in enumerate(zip(estimators, training_rows, strict=True)):
        # A random state that is a generator moves on with each draw: fix it once for all members.
        root = derived_seed(estimator.random_state)
        own_labels = None if labels is None else labels[group, rows]
        for k in range(first.members):
            seeds.append(derived_seed(root, k))
            splits.append(_hold_out(rows, own_labels, first.validation_fraction, seeds[-1]))
    return Members(
        seeds=seeds,
        training_rows=[train for train, _ in splits],
        validation_rows=[held_out for _, held_out in splits],
        groups=np.repeat(np.arange(len(estimators)), first.members),
        widths=np.repeat(widths, first.members),
        learning_rate=first.learning_rate,
        l2=first.l2,
        dropout=np.tile(np.asarray(first.dropout, np.float32), (len(seeds), 1)),
        patience=np.inf if first.early_stopping is None else first.early_stopping,
    )


def _hold_out(rows: np.ndarray, labels: np.ndarray | None, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into those to train on and those held out, stratified where every class has rows for both sides."""
    if fraction == 0:
        return rows, rows[:0]
    size = max(1, round(fraction * len(rows)))
    if size >= len(rows):
        raise DataError(
            f"validation_fraction {fraction} of {len(rows)} training rows leaves none to train on: give more rows, "
            "or set early_stopping to null and validation_fraction to 0."
        )
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or not len(counts) <= size <= len(rows) - len(counts):
            labels = None
    train, held_out = train_test_split(rows, test_size=size, stratify=labels, random_state=seed)
    return train, held_out


def _refuse_untrained(population: Population, per_group: int, training: Training) -> None:
    """Refuse an ensemble with a member that diverged before it had learned anything."""
    from tabular_dl.nn.training import DivergedError

    untrained = np.flatnonzero(population.best_epoch == 0)
    if len(untrained):
        group, member = divmod(int(untrained[0]), per_group)
        where = f"member {member}" + (f" of fold {group + 1}" if len(population.best_epoch) > per_group else "")
        raise DivergedError(
            f"Training diverged: the loss of {where} became NaN or infinite in its first epoch with optimizer "
            f"{training.optimizer}. Lower learning_rate, or scale the numeric columns (scale: standard)."
        )


def _share(population: Population, own: slice, width: int) -> Population:
    """Cut one group's members out of a population, with the inputs that they really have."""
    weights = [np.ascontiguousarray(weight[own]) for weight in population.weights]
    weights[0] = np.ascontiguousarray(weights[0][:, :width])
    history = {name: values[:, own] for name, values in population.history.items()}
    best_epoch, diverged = population.best_epoch[own], population.diverged[own]
    return replace(population, weights=weights, history=history, best_epoch=best_epoch, diverged=diverged)

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
    from tabular_dl.nn.training import EpochCallback, Members, Population

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
    from tabular_dl.nn.network import Network
    from tabular_dl.nn.training import Training, fit_population

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
        patience=first.early_stopping,
    )
    members = _members(estimators, widths, training_rows, coded[:, :, 0] if problem.classification else None, len(y))
    population = fit_population(network, _below(X), _below(coded), members, training, on_epoch)
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
    n: int,
) -> Members:
    """Say for each member of each group, in turn, what it trains on and with which settings."""
    from tabular_dl.nn.training import Members

    first = estimators[0]
    seeds: list[int] = []
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    for group, (estimator, rows) in enumerate(zip(estimators, training_rows, strict=True)):
        # A random state that is a generator moves on with each draw: fix it once for all members.
        root = derived_seed(estimator.random_state)
        own_labels = None if labels is None else labels[group, rows]
        for k in range(first.members):
            seeds.append(derived_seed(root, k))
            train, held_out = _hold_out(rows, own_labels, first.validation_fraction, seeds[-1])
            splits.append((train + group * n, held_out + group * n))
    total = len(seeds)
    return Members(
        seeds=seeds,
        training_rows=[train for train, _ in splits],
        validation_rows=[held_out for _, held_out in splits],
        widths=np.repeat(widths, first.members).tolist(),
        learning_rate=None if first.learning_rate is None else np.full(total, first.learning_rate, np.float32),
        l2=np.full(total, first.l2, np.float32),
        dropout=np.broadcast_to(np.asarray(first.dropout, np.float32), (total, len(first.hidden))),
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


def _below(stacked: np.ndarray) -> np.ndarray:
    """Put the groups' matrices (group, row, feature) one below the other."""
    return stacked.reshape(-1, stacked.shape[2])


def _share(population: Population, own: slice, width: int) -> Population:
    """Cut one group's members out of a population, with the inputs that they really have."""
    weights = [np.ascontiguousarray(weight[own]) for weight in population.weights]
    weights[0] = np.ascontiguousarray(weights[0][:, :width])
    history = {name: values[:, own] for name, values in population.history.items()}
    return replace(population, weights=weights, history=history, best_epoch=population.best_epoch[own])

"""Groups of members: several estimators, each with its own matrix and rows, trained as one population.

An estimator's own `fit` is a single group. A cross-validation has a group for each fold, so that all its folds and
members train in one compiled program. The configurations of a search are groups too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import issparse

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.network_inputs import Inputs
from tabular_dl.estimators.population import derived_seed, members_for, network_for, row_weights, training_for
from tabular_dl.problems import Coding, Labels, Problem

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback, Network, Population, Training

__all__ = ["Group", "Trained", "derived_seed", "fit_groups", "train_groups"]

# Hyperparameters that each member has for itself: estimators that train together may differ in them.
PER_MEMBER = (
    "clip_norm",
    "dropout",
    "early_stopping",
    "input_dropout",
    "l1",
    "l2",
    "label_smoothing",
    "learning_rate",
    "mixup",
    "noise",
    "random_state",
    "reduce_lr",
    "shift",
    "validation_fraction",
    "weight_decay",
)
# And those that say nothing about training.
ASIDE = ("callbacks", "mc_dropout", "tensorboard", "verbose")


@dataclass(frozen=True)
class Group:
    """What an estimator has learned from its rows before training.

    Attributes
    ----------
    problem, coding, inputs : Problem, Coding, Inputs
        What it predicts, how the target is coded, and what its network is given.
    rows : ndarray
        The rows that it trains on, without those of weight 0.
    weights : ndarray or None
        Their weights, of mean 1.
    one_column : bool
        Whether the target is one-dimensional.
    """

    problem: Problem
    coding: Coding
    inputs: Inputs
    rows: np.ndarray
    weights: np.ndarray | None
    one_column: bool

    @classmethod
    def learn(
        cls, estimators: Sequence[Any], X: Any, y: np.ndarray, rows: np.ndarray, classes: Any, sample_weight: Any
    ) -> Self:
        """Learn problem, coding and inputs of estimators of the same shape from their training rows."""
        estimator = estimators[0]
        weights = None
        if sample_weight is not None:
            rows = rows[sample_weight[rows] > 0]
            weights = sample_weight[rows]
            if not len(rows):
                raise DataError("sample_weight is 0 for every row of a fold: give some of its rows a weight above 0.")
        if all(each.repeats_are_weights(len(rows)) for each in estimators):
            rows, weights = _merged(X, y, rows, weights)
        problem, coding = estimator._target(y[rows], weights, classes)
        for each in estimators:
            problem.check_smoothing(each.label_smoothing)
        categorical = estimator._categorical(X.shape[1])
        needs = bool(categorical) or estimator.normalize
        inputs = Inputs.learn(X[rows] if needs else X, categorical, estimator.normalize, weights)
        weights = row_weights(estimator, coding, y[rows], weights)
        return cls(problem, coding, inputs, rows, weights, y.ndim == 1)


def fit_groups(
    estimators: Sequence[Any],
    matrices: Sequence[Any],
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
        With equal hyperparameters but for those that each member has for itself (`PER_MEMBER`).
    matrices : sequence of F ndarrays of shape (rows, features_f)
        The same rows, encoded for each estimator. Narrow ones are filled up with zero columns, which learn nothing. An
        estimator that is alone may have a memory map or a CSR matrix, which is not copied.
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
        What a row belongs to: rows of one are held out together.

    Raises
    ------
    SpecError
        If a hyperparameter cannot be used, or differs between the estimators.
    DataError
        If there is one class only, the estimators would learn different classes, or there are too few rows to hold
        some out.
    """
    trained = train_groups(estimators, matrices, y, training_rows, classes, sample_weight, on_epoch, row_groups)
    _refuse_untrained(trained.population, trained.members, trained.training)
    for number, (estimator, place) in enumerate(zip(estimators, trained.where, strict=True)):
        own = np.arange(number * trained.members, (number + 1) * trained.members)
        estimator._learned(trained.groups[place], *trained.share(own, trained.groups[place]))


@dataclass(frozen=True)
class Trained:
    """A population that several estimators share.

    Attributes
    ----------
    groups : list of Group
        What has been learned from each different matrix and rows.
    where : list of int
        For each estimator the number of its group.
    members : int
        Members an estimator.
    network, training, population : Network, Training, Population
        The architecture that has room for all groups, how it was trained, and the result.
    """

    groups: list[Group]
    where: list[int]
    members: int
    network: Network
    training: Training
    population: Population

    def share(self, own: np.ndarray, group: Group) -> tuple[Population, Network]:
        """Cut some members of one group out, with the inputs and categories that they really have."""
        return _share(self.population, own, self.network, group)


def train_groups(
    estimators: Sequence[Any],
    matrices: Sequence[Any],
    y: np.ndarray,
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    on_epoch: EpochCallback | None = None,
    row_groups: np.ndarray | None = None,
) -> Trained:
    """Train the members of several estimators; arguments and errors as for `fit_groups`."""
    from tabular_dl.nn import fit_population

    first = estimators[0]
    for estimator in estimators:
        estimator.check_parameters()
    _check_equal_settings(estimators)
    # Estimators with the same matrix and rows, as the configurations of a search have, share what is learned from them.
    places: dict[tuple[int, int], int] = {}
    where = [places.setdefault((id(m), id(r)), len(places)) for m, r in zip(matrices, training_rows, strict=True)]
    owners = [where.index(place) for place in range(len(places))]
    groups = [
        Group.learn(
            [estimators[k] for k in range(len(where)) if where[k] == place],
            matrices[owner],
            y,
            training_rows[owner],
            classes,
            sample_weight,
        )
        for place, owner in enumerate(owners)
    ]
    _check_equal_labels(groups)
    coded = np.stack([group.coding.encode(y) for group in groups])
    network = network_for(estimators, groups, coded.shape[2])
    members = members_for(estimators, groups, where, coded, row_groups)
    training = training_for(first, groups[0], max(len(rows) for rows in members.training_rows))
    encoded = [matrices[k] for k in owners]
    if _one_table(groups, encoded, coded):
        X, coded, members = encoded[0], coded[0], replace(members, groups=0)
    else:
        X = _matrix(groups, encoded, network)
    callbacks = first._callbacks_of_fit(X if X.ndim == 2 else X[0])
    population = fit_population(network, X, coded, members, training, callbacks, _reports(first, on_epoch))
    return Trained(groups, where, first.members, network, training, population)


def _merged(
    X: Any, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Put repeated rows together, with the sum of their weights, in an order of their own.

    A row twice is then a row of weight 2, and a permutation of rows is nothing, to the last bit.
    """
    dense = X[rows].toarray() if issparse(X) else X[rows]
    numbers = np.unique(y[rows], return_inverse=True)[1].reshape(len(rows), -1)
    _, first, place, counts = np.unique(
        np.column_stack([dense, numbers]), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if weights is None and counts.max() == 1:
        return rows[first], None
    return rows[first], np.bincount(place.ravel(), weights, len(first)).astype(np.float64)


def _check_equal_labels(groups: Sequence[Group]) -> None:
    known = [group.coding.classes for group in groups if isinstance(group.coding, Labels)]
    if any(not np.array_equal(classes, known[0]) for classes in known):
        raise DataError("The estimators' rows hold different labels: pass the labels of all rows as classes.")


def _one_table(groups: Sequence[Group], matrices: Sequence[Any], coded: np.ndarray) -> bool:
    """Tell whether all groups read the same matrix as it is, and the same targets."""
    one = all(matrix is matrices[0] for matrix in matrices) and all(group.inputs.plain for group in groups)
    return one and all(np.array_equal(own, coded[0]) for own in coded)


def _matrix(groups: Sequence[Group], matrices: Sequence[Any], network: Network) -> Any:
    """Return what all groups' networks are given: (rows, inputs), or (groups, rows, inputs)."""
    if len(groups) == 1:
        return groups[0].inputs.encode(matrices[0])
    X = np.zeros((len(groups), matrices[0].shape[0], network.inputs), np.float32)
    for number, (group, matrix) in enumerate(zip(groups, matrices, strict=True)):
        own = group.inputs.encode(matrix)
        width = len(group.inputs.numeric)
        X[number, :, :width] = own[:, :width]
        X[number, :, network.numeric :] = own[:, width:]
    return X


def _reports(estimator: Any, on_epoch: EpochCallback | None) -> EpochCallback | None:
    """Return what is called after each epoch: what was asked for, and a line if the estimator is verbose."""
    if not estimator.verbose:
        return on_epoch

    def report(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> Any:
        means = ", ".join(f"{name} {np.nanmean(values):.4f}" for name, values in figures.items())
        print(f"epoch {epoch}/{estimator.epochs}: {means}; {active.sum()} of {len(active)} members train on")  # noqa: T201
        return None if on_epoch is None else on_epoch(epoch, figures, active)

    return report


def _check_equal_settings(estimators: Sequence[Any]) -> None:
    settings = estimators[0].get_params()
    for number, estimator in enumerate(estimators):
        for name, value in estimator.get_params().items():
            if name not in (*PER_MEMBER, *ASIDE) and not _equal(value, settings[name]):
                raise SpecError(
                    f"{name} of estimator {number} is {value!r}, of the first {settings[name]!r}: estimators that "
                    f"train together differ in {', '.join(PER_MEMBER)} only."
                )
    held_out = {estimator.held_out_share > 0 for estimator in estimators}
    if len(held_out) > 1:
        raise SpecError("validation_fraction: estimators that train together hold out rows all of them, or none.")


def _equal(one: Any, other: Any) -> bool:
    return (type(one) is type(other) and bool(np.array_equal(one, other))) or bool(np.all(one == other))


def _refuse_untrained(population: Population, per_group: int, training: Training) -> None:
    """Refuse an ensemble with a member that diverged before it had learned anything."""
    from tabular_dl.nn import DivergedError

    untrained = np.flatnonzero(population.best_epoch == 0)
    if len(untrained):
        group, member = divmod(int(untrained[0]), per_group)
        where = f"member {member}" + (f" of fold {group + 1}" if len(population.best_epoch) > per_group else "")
        raise DivergedError(
            f"Training diverged: the loss of {where} became NaN or infinite with {training.optimizer} before it had "
            "learned anything. Lower learning_rate, or scale the numeric columns (scale: standard)."
        )


def _share(population: Population, own: np.ndarray, network: Network, group: Group) -> tuple[Population, Network]:
    """Cut one group's members out of a population, with the inputs and categories that they really have."""
    weights = [np.ascontiguousarray(weight[own]) for weight in population.weights]
    width, embedded = len(group.inputs.numeric), weights[0].shape[1] - network.embedded
    weights[0] = np.ascontiguousarray(np.concatenate([weights[0][:, :width], weights[0][:, embedded:]], axis=1))
    sizes = [
        (len(known) + 1, units) for known, (_, units) in zip(group.inputs.categories, network.embeddings, strict=True)
    ]
    for index, (categories, _) in enumerate(sizes):
        table = len(weights) - len(sizes) + index
        weights[table] = np.ascontiguousarray(weights[table][:, :categories])
    history = {name: values[:, own] for name, values in population.history.items()}
    facts = {"best_epoch": population.best_epoch[own], "diverged": population.diverged[own]}
    share = replace(population, weights=weights, history=history, **facts)
    return share, replace(network, inputs=width + len(sizes), embeddings=tuple(sizes))

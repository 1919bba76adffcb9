"""Joint training: the networks of several tasks as one population, in one compiled program.

An estimator's own `fit` is a single task. A cross-validation has a task for each fold, so that all its folds and
members train in one compiled program. The configurations of a search are tasks too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.estimators.population import members_for, network_for, training_for
from tabular_dl.estimators.task import Prepared, Task, TrainedTask
from tabular_dl.problems import Labels

if TYPE_CHECKING:
    import keras

    from tabular_dl.nn import EpochCallback, Network, Population, Training

__all__ = ["PER_MEMBER", "TrainedTasks", "train_tasks"]

# Hyperparameters that each member has for itself: tasks that train together may differ in them.
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
class TrainedTasks:
    """The population of several tasks, one after the other.

    Attributes
    ----------
    tasks : sequence of Task
        As they were trained.
    network, training, population : Network, Training, Population
        The architecture that has room for all tasks, how it was trained, and the result.
    """

    tasks: Sequence[Task]
    network: Network
    training: Training
    population: Population

    @property
    def members(self) -> int:
        """Number of members of each task."""
        return self.tasks[0].settings.members

    def numbers(self, task: int) -> np.ndarray:
        """Return the numbers of a task's members in the population."""
        return np.arange(task * self.members, (task + 1) * self.members)

    def result(self, task: int, numbers: np.ndarray | None = None) -> TrainedTask:
        """Cut the members of a task out, with the inputs and categories that they really have.

        Parameters
        ----------
        task : int
            Its number.
        numbers : ndarray of int, optional
            Other members of the population with the same matrix and rows; by default the task's own.
        """
        from tabular_dl.nn import OwnInputs, own_weights

        own = self.numbers(task) if numbers is None else numbers
        inputs = self.tasks[task].prepared.inputs
        sizes = [len(known) + 1 for known in inputs.categories]
        weights = {name: weight[own] for name, weight in self.population.weights.items()}
        population = replace(
            self.population,
            weights=own_weights(self.network, weights, OwnInputs(len(inputs.numeric), tuple(sizes))),
            history={name: values[:, own] for name, values in self.population.history.items()},
            best_epoch=self.population.best_epoch[own],
            diverged=self.population.diverged[own],
        )
        embeddings = tuple((size, units) for size, (_, units) in zip(sizes, self.network.embeddings, strict=True))
        network = replace(self.network, inputs=len(inputs.numeric) + len(sizes), embeddings=embeddings)
        return TrainedTask(self.tasks[task].prepared, population, network)

    def refuse_untrained(self) -> None:
        """Refuse an ensemble with a member that diverged before it had learned anything.

        Raises
        ------
        DivergedError
            Naming the member.
        """
        from tabular_dl.nn import DivergedError

        untrained = np.flatnonzero(self.population.best_epoch == 0)
        if len(untrained):
            task, member = divmod(int(untrained[0]), self.members)
            where = f"member {member}" + (f" of fold {task + 1}" if len(self.tasks) > 1 else "")
            raise DivergedError(
                f"Training diverged: the loss of {where} became NaN or infinite with {self.training.optimizer} before "
                "it had learned anything. Lower learning_rate, or scale the numeric columns (scale: standard)."
            )


def train_tasks(
    tasks: Sequence[Task],
    y: np.ndarray,
    on_epoch: EpochCallback | None = None,
    row_groups: np.ndarray | None = None,
    callbacks: Callable[[Matrix], Sequence[keras.callbacks.Callback]] | None = None,
) -> TrainedTasks:
    """Train the networks of several tasks as one population.

    Parameters
    ----------
    tasks : sequence of Task
        Their settings are equal but for those that each member has for itself (`PER_MEMBER`). Narrow matrices are
        filled up with zero columns, which change nothing; a task that is alone may have a memory map or a CSR matrix,
        which is not copied.
    y : ndarray of shape (rows,) or (rows, targets)
        The target of all rows.
    on_epoch : callable, optional
        As for `tabular_dl.nn.training.fit_population`.
    row_groups : ndarray of shape (rows,), optional
        Group of each row: rows of one group are held out together.
    callbacks : callable, optional
        Returns Keras callbacks, given the inputs of the first task's networks.

    Returns
    -------
    TrainedTasks

    Raises
    ------
    SpecError
        If a hyperparameter differs between the tasks that may not.
    DataError
        If the tasks would learn different labels, or there are too few rows to hold some out.
    """
    from tabular_dl.nn import fit_population

    settings = [task.settings for task in tasks]
    _check_equal_settings(settings)
    # Tasks with the same matrix and rows, as the configurations of a search have, share what is learned from them.
    places: dict[int, int] = {}
    where = [places.setdefault(id(task.prepared), len(places)) for task in tasks]
    owners = [tasks[where.index(place)] for place in range(len(places))]
    groups = [task.prepared for task in owners]
    _check_equal_labels(groups)
    coded = np.stack([group.coding.encode(y) for group in groups])
    network = network_for(settings, groups, coded.shape[2])
    members = members_for(settings, groups, where, coded, row_groups)
    training = training_for(settings[0], groups[0], max(len(rows) for rows in members.training_rows))
    matrices = [task.matrix for task in owners]
    if _one_table(groups, matrices, coded):
        X, coded, members = matrices[0], coded[0], replace(members, groups=0)
    else:
        X = _matrix(groups, matrices, network)
    of_keras = () if callbacks is None else callbacks(X if X.ndim == 2 else X[0])
    population = fit_population(network, X, coded, members, training, of_keras, _reports(settings[0], on_epoch))
    return TrainedTasks(tasks, network, training, population)


def _check_equal_settings(settings: Sequence[Hyperparameters]) -> None:
    first = settings[0].get_params()
    for number, own in enumerate(settings):
        for name, value in own.get_params().items():
            if name not in (*PER_MEMBER, *ASIDE) and not _equal(value, first[name]):
                raise SpecError(
                    f"{name} of estimator {number} is {value!r}, of the first {first[name]!r}: estimators that "
                    f"train together differ in {', '.join(PER_MEMBER)} only."
                )
    if len({own.held_out_share > 0 for own in settings}) > 1:
        raise SpecError("validation_fraction: estimators that train together hold out rows all of them, or none.")


def _equal(one: Any, other: Any) -> bool:
    return (type(one) is type(other) and bool(np.array_equal(one, other))) or bool(np.all(one == other))


def _check_equal_labels(groups: Sequence[Prepared]) -> None:
    known = [group.coding.classes for group in groups if isinstance(group.coding, Labels)]
    if any(not np.array_equal(classes, known[0]) for classes in known):
        raise DataError("The estimators' rows hold different labels: pass the labels of all rows as classes.")


def _one_table(groups: Sequence[Prepared], matrices: Sequence[Matrix], coded: np.ndarray) -> bool:
    """Return whether all groups read the same matrix as it is, and the same targets."""
    one = all(matrix is matrices[0] for matrix in matrices) and all(group.inputs.plain for group in groups)
    return one and all(np.array_equal(own, coded[0]) for own in coded)


def _matrix(groups: Sequence[Prepared], matrices: Sequence[Matrix], network: Network) -> Matrix:
    """Return the inputs of all groups' networks: (rows, inputs), or (groups, rows, inputs)."""
    if len(groups) == 1:
        return groups[0].inputs.encode(matrices[0])
    X = np.zeros((len(groups), matrices[0].shape[0], network.inputs), np.float32)
    for number, (group, matrix) in enumerate(zip(groups, matrices, strict=True)):
        own = group.inputs.encode(matrix)
        width = len(group.inputs.numeric)
        X[number, :, :width] = own[:, :width]
        X[number, :, network.numeric :] = own[:, width:]
    return X


def _reports(settings: Hyperparameters, on_epoch: EpochCallback | None) -> EpochCallback | None:
    """Return the function to call after each epoch: the one that is asked for, with a line if verbose."""
    if not settings.verbose:
        return on_epoch

    def report(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> np.ndarray | None:
        means = ", ".join(f"{name} {np.nanmean(values):.4f}" for name, values in figures.items())
        print(f"epoch {epoch}/{settings.epochs}: {means}; {active.sum()} of {len(active)} members train on")  # noqa: T201
        return None if on_epoch is None else on_epoch(epoch, figures, active)

    return report

"""Joint training of the networks of several tasks as one population, by one compiled program.

An estimator's `fit` is a single task. A cross-validation has a task per fold, and a search a task per configuration
and fold, so that all their members train in one compiled program.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.clusters import current_cluster
from tabular_dl.errors import DataError, SpecError, listed
from tabular_dl.estimators.held_out import HeldOutBy
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.estimators.parts import fit_in_parts
from tabular_dl.estimators.population import members_for, network_for, training_for
from tabular_dl.estimators.task import Prepared, Task, TrainedTask
from tabular_dl.estimators.user_code import check_user_loss
from tabular_dl.problems import Labels

if TYPE_CHECKING:
    import keras

    from tabular_dl.nn import EpochCallback, Network, Population, Training

__all__ = ["PER_MEMBER", "TrainedTasks", "train_tasks"]

# Hyperparameters that each member has for itself: they may differ between tasks that train together.
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
    "restore_best",
    "shift",
    "validation_fraction",
    "weight_decay",
)
# Hyperparameters without effect on training: they may differ as well.
WITHOUT_EFFECT = ("callbacks", "mc_dropout", "tensorboard", "verbose")


@dataclass(frozen=True)
class TrainedTasks:
    """Trained population of several tasks, the members of one task after those of another.

    Attributes
    ----------
    tasks : sequence of Task
        Tasks, in the order of their members.
    network, training, population : Network, Training, Population
        Architecture that is large enough for all tasks, settings of the training, and its result.
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
        """Return the networks of a task, with the task's inputs and categories only.

        Parameters
        ----------
        task : int
            Number of the task, from 0.
        numbers : ndarray of int, optional
            Members of the population with the same matrix and rows; by default the members of the task.

        Returns
        -------
        TrainedTask
            The task's result.
        """
        from tabular_dl.nn import OwnInputs, own_weights

        numbers = self.numbers(task) if numbers is None else numbers
        inputs = self.tasks[task].prepared.inputs
        sizes = tuple(len(categories) + 1 for categories in inputs.categories)
        own = OwnInputs(len(inputs.numeric), sizes, inputs.continuous)
        weights = {name: weight[numbers] for name, weight in self.population.weights.items()}
        population = replace(
            self.population,
            weights=own_weights(self.network, weights, own),
            history={name: values[:, numbers] for name, values in self.population.history.items()},
            best_epoch=self.population.best_epoch[numbers],
            diverged=self.population.diverged[numbers],
        )
        return TrainedTask(self.tasks[task].prepared, population, self.network.own(own))

    def refuse_untrained(self) -> None:
        """Raise an error if a member has no weights to keep.

        Raises
        ------
        DivergedError
            If a member diverged before it had learned anything; the message names the first such member.
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
    on_epoch: EpochCallback | None = None,
    row_groups: HeldOutBy | None = None,
    callbacks: Callable[[Matrix], Sequence[keras.callbacks.Callback]] | None = None,
    barriers: Collection[int] = (),
) -> TrainedTasks:
    """Train the networks of several tasks as one population, in parts where a cluster is open.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks with equal settings, except those that each member has for itself (`PER_MEMBER`). Columns of zeros are
        appended to narrow matrices, which does not change results. The matrix of a single task may be a memory map or a
        CSR matrix, and is not copied.
    on_epoch : callable, optional
        As for `tabular_dl.nn.training.fit_population`.
    row_groups : ndarray of shape (rows,), RowTimes or LabeledRows, optional
        What rows are held out by, as for `tabular_dl.estimators.held_out.hold_out`.
    callbacks : callable, optional
        Function of the inputs of the first task's networks that returns Keras callbacks.
    barriers : collection of int
        Epochs after which ``on_epoch`` may stop members that train in parts on a cluster.

    Returns
    -------
    TrainedTasks
        Trained population, and its tasks.

    Raises
    ------
    SpecError
        If a hyperparameter differs between the tasks that must not, or callbacks would run on a cluster.
    DataError
        If the tasks would learn different labels, or there are too few rows to hold some out.
    """
    from tabular_dl.nn import fit_population

    settings = [task.settings for task in tasks]
    _check_equal_settings(settings)
    # Tasks with the same matrix and rows, such as the configurations of a search, form a group.
    group_numbers: dict[int, int] = {}
    group_of_task = [group_numbers.setdefault(id(task.prepared), len(group_numbers)) for task in tasks]
    first_tasks = [tasks[group_of_task.index(number)] for number in range(len(group_numbers))]
    groups = [task.prepared for task in first_tasks]
    _check_equal_labels(groups)
    first = groups[0]
    check_user_loss(settings[0].loss, first.problem, first.coding, first.y[first.rows])
    coded = _coded(groups)
    network = network_for(settings, groups, coded.shape[2])
    members = members_for(settings, groups, group_of_task, coded, row_groups)
    most_rows, unknown = max(len(rows) for rows in members.training_rows), bool(np.isnan(coded).any())
    training = training_for(settings[0], first, most_rows, unknown_targets=unknown)
    matrices = [task.matrix for task in first_tasks]
    if _one_table(groups, matrices, coded):
        X, coded, members = [matrices[0]], coded[0], replace(members, groups=0)
    else:
        X = _inputs(groups, matrices, network)
    keras_callbacks = () if callbacks is None else callbacks(X[0])
    reporter = _reporter(settings[0], on_epoch)
    cluster = current_cluster()
    if cluster is None:
        population = fit_population(network, X, coded, members, training, keras_callbacks, reporter)
    else:
        if keras_callbacks:
            raise SpecError("callbacks: they need all networks in one process. Leave them out, or --cluster.")
        population = fit_in_parts(cluster, network, X, coded, members, training, reporter, barriers)
    return TrainedTasks(tasks, network, training, population)


def _check_equal_settings(settings: Sequence[Hyperparameters]) -> None:
    first = settings[0].get_params()
    for number, other in enumerate(settings):
        for name, value in other.get_params().items():
            if name not in (*PER_MEMBER, *WITHOUT_EFFECT) and not _equal(value, first[name]):
                raise SpecError(
                    f"{name} of estimator {number} is {value!r}, of the first {first[name]!r}: estimators that "
                    f"train together may only differ in {listed(PER_MEMBER, len(PER_MEMBER))}."
                )
    if len({setting.held_out_share > 0 for setting in settings}) > 1:
        raise SpecError("validation_fraction: estimators that train together must all hold out rows, or none.")


def _equal(value: Any, other: Any) -> bool:
    return (type(value) is type(other) and bool(np.array_equal(value, other))) or bool(np.all(value == other))


def _check_equal_labels(groups: Sequence[Prepared]) -> None:
    labels = [group.coding.classes for group in groups if isinstance(group.coding, Labels)]
    if any(not np.array_equal(classes, labels[0]) for classes in labels):
        raise DataError("The estimators' rows hold different labels: pass the labels of all rows as classes.")


def _coded(groups: Sequence[Prepared]) -> np.ndarray:
    """Return the coded target of each group, (groups, rows, targets); that of equal labels is in memory once."""
    first = groups[0]
    if isinstance(first.coding, Labels) and all(group.y is first.y for group in groups):
        once = first.coding.encode(first.y)
        return np.broadcast_to(once, (len(groups), *once.shape))
    return np.stack([group.coding.encode(group.y) for group in groups])


def _one_table(groups: Sequence[Prepared], matrices: Sequence[Matrix], coded: np.ndarray) -> bool:
    """Return whether all groups have the same matrix, unchanged, and the same targets."""
    same = all(matrix is matrices[0] for matrix in matrices) and all(group.inputs.plain for group in groups)
    return same and all(np.array_equal(target, coded[0], equal_nan=True) for target in coded)


def _inputs(groups: Sequence[Prepared], matrices: Sequence[Matrix], network: Network) -> list[Matrix]:
    """Return the inputs of each group's networks, (rows, inputs): the matrix itself if it needs no coding."""
    parts = [group.inputs.encode(matrix) for group, matrix in zip(groups, matrices, strict=True)]
    return parts if len(parts) == 1 else [_placed(*pair, network) for pair in zip(groups, parts, strict=True)]


def _placed(group: Prepared, encoded: Matrix, network: Network) -> np.ndarray:
    """Return the inputs of a group in the columns of networks that have room for those of all groups."""
    from tabular_dl.nn import OwnInputs

    width = len(group.inputs.numeric)
    columns = OwnInputs(width, continuous=group.inputs.continuous).columns(network.continuous)
    if encoded.shape[1] == network.inputs and np.array_equal(columns, np.arange(width)):
        return encoded
    if not isinstance(encoded, np.ndarray) and width == encoded.shape[1]:  # rows of a map, which are read in blocks
        return encoded.placed(columns, network.inputs)
    X = np.zeros((encoded.shape[0], network.inputs), np.float32)
    X[:, columns] = encoded[:, :width]
    X[:, network.numeric :] = encoded[:, width:]
    return X


def _reporter(settings: Hyperparameters, on_epoch: EpochCallback | None) -> EpochCallback | None:
    """Return the function to call after each epoch, which also prints a line if verbose."""
    if not settings.verbose:
        return on_epoch

    def report(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> np.ndarray | None:
        means = ", ".join(f"{name} {np.nanmean(values):.4f}" for name, values in figures.items())
        print(f"epoch {epoch}/{settings.epochs}: {means}; {active.sum()} of {len(active)} members still train")  # noqa: T201
        return None if on_epoch is None else on_epoch(epoch, figures, active)

    return report

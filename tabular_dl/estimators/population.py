"""Architecture, members and training settings of a population, from its tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from tabular_dl.errors import SpecError
from tabular_dl.estimators.held_out import HeldOutBy, hold_out
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.monitored import monitor_for
from tabular_dl.estimators.network_inputs import embedding_size
from tabular_dl.estimators.task import Prepared
from tabular_dl.estimators.user_code import planned_blocks
from tabular_dl.problems import Labels, Problem

if TYPE_CHECKING:
    from tabular_dl.nn import Members, Network, Training

__all__ = [
    "derived_seed",
    "members_for",
    "network_for",
    "training_for",
]

# Probability of treating a category as unknown in training, so that the vector of unknown categories is learned.
MASKING = 0.02


def network_for(settings: Sequence[Hyperparameters], groups: Sequence[Prepared], targets: int) -> Network:
    """Return an architecture that is large enough for all groups.

    Parameters
    ----------
    settings : sequence of Hyperparameters
        Settings of each task.
    groups : sequence of Prepared
        Problem, target coding and inputs of each matrix and its training rows.
    targets : int
        Number of columns of the coded target.

    Returns
    -------
    Network
        Architecture.

    Raises
    ------
    SpecError
        If images are shifted and `image_shape` does not match the number of numeric inputs.
    """
    from tabular_dl.nn import Network

    first, problem, coding = settings[0], groups[0].problem, groups[0].coding
    all_inputs = [group.inputs for group in groups]
    continuous = max(inputs.continuous for inputs in all_inputs)
    counts = np.array([list(map(len, group.inputs.categories)) for group in groups], int).max(axis=0)
    shift = max(setting.shift for setting in settings)
    height, width = first.image_shape or (0, 0)
    if shift:
        _check_images(height, width, {len(group.inputs.numeric) for group in groups})
    sizes = [first.embedding_size if first.embedding_size != "auto" else embedding_size(n) for n in counts.tolist()]
    return Network(
        inputs=continuous + max(len(inputs.numeric) - inputs.continuous for inputs in all_inputs) + len(sizes),
        hidden=tuple(int(width) for width in first.hidden),
        outputs=problem.units(len(coding.classes) if isinstance(coding, Labels) else targets),
        activation=first.activation,
        output_activation=problem.activation,
        initializer=first.kernel_initializer(),
        batch_norm=bool(first.batch_norm),
        dropout=any(bool(np.any(setting.dropout)) for setting in settings),
        input_dropout=any(setting.input_dropout > 0 for setting in settings),
        noise=any(setting.noise > 0 for setting in settings),
        embeddings=tuple((n + 1, size) for n, size in zip(counts.tolist(), sizes, strict=True)),
        shift=shift,
        image_shape=(int(height), int(width)),
        layer_norm=bool(first.layer_norm),
        continuous=continuous,
        numeric_embedding=first.numeric_embedding if continuous else "none",
        vector_size=first.numeric_embedding_size,
        components=first.bins if first.numeric_embedding == "piecewise_linear" else first.frequencies,
        frequency_scale=first.frequency_scale,
        normal_embeddings=first.embedding_initializer == "normal",
        scaling=bool(first.scaling_layer),
        parametric=bool(first.parametric_activation),
        bias_initializer=first.bias_initializer,
        head_gain=math.sqrt(2.0) if _as_softmax(first, problem) else 1.0,
        residual=bool(first.residual),
        linear_path=bool(first.linear_skip),
        clamp=bool(first.clamp) and problem.activation == "linear" and not problem.classification,
        dropout_schedule=first.dropout_schedule,
        networks=first.shared_networks,
        sharing=first.sharing,
        own_batches=bool(first.own_batches),
        user_blocks=planned_blocks(first),
    )


def _as_softmax(settings: Hyperparameters, problem: Problem) -> bool:
    """Return whether one sigmoid unit is trained as the two units of a softmax would be.

    The difference of two units has twice the rate of one, and starts from sqrt(2) of its standard deviation.
    """
    return bool(settings.as_softmax) and problem.classification and problem.activation == "sigmoid"


def _check_images(height: int, width: int, widths: set[int]) -> None:
    for pixels in widths:
        if pixels != height * width:
            raise SpecError(
                f"image_shape: {height} x {width} are {height * width} pixels, but the network has {pixels} numeric "
                "inputs. To shift images, these must be the pixels of the image, row by row."
            )


def training_for(settings: Hyperparameters, group: Prepared, rows: int, *, unknown_targets: bool = False) -> Training:
    """Return the training settings that all members share, for a number of training rows, which may lack targets."""
    from tabular_dl.nn import Training

    return Training(
        loss=settings.loss if callable(settings.loss) else group.problem.loss,
        metrics=tuple(followed.function for followed in group.problem.followed),
        optimizer=settings.optimizer,
        optimizer_settings=() if settings.beta_2 is None else (("beta_2", settings.beta_2),),
        schedule=settings.schedule,
        weight_decay_schedule=settings.weight_decay_schedule,
        label_smoothing_schedule=settings.label_smoothing_schedule,
        rate_factors=_factors(settings.rate_factors, 2.0 if _as_softmax(settings, group.problem) else 1.0),
        decay_factors=_factors(settings.decay_factors, 0.5 if _as_softmax(settings, group.problem) else 1.0),
        parametrization=settings.parametrization,
        drop_last=bool(settings.drop_last),
        unknown_targets=unknown_targets,
        epochs=settings.epochs,
        batch_size=settings.rows_a_step(rows),
        monitor=monitor_for(settings.monitor, group),
        loss_settings=_focal_settings(settings),
        device=settings.device,
    )


def _focal_settings(settings: Hyperparameters) -> tuple[tuple[str, float], ...]:
    """Return the settings of a focal loss that are given."""
    given = (("gamma", settings.focal_gamma), ("alpha", settings.focal_alpha))
    return tuple((name, float(value)) for name, value in given if value is not None)


def _factors(given: Mapping[str, float], of_head: float) -> tuple[tuple[Any, float], ...]:
    """Return the factors of groups of weights that are not 1, with another factor for the head."""
    factors = {**given, "head": given.get("head", 1.0) * of_head}
    return tuple((group, float(factor)) for group, factor in sorted(factors.items()) if factor != 1)


def derived_seed(random_state: int | np.random.RandomState | None, *path: int) -> int:
    """Return a seed derived from a random state and a path of numbers, independent of that of other paths.

    Parameters
    ----------
    random_state : int, RandomState or None
        Random state; a generator is advanced.
    *path : int
        Numbers that identify the seed.

    Returns
    -------
    int
        The seed.

    Examples
    --------
    >>> derived_seed(0, 1) == derived_seed(0, 1), derived_seed(0, 1) == derived_seed(0, 2)
    (True, False)
    """
    root = random_state if isinstance(random_state, Integral) else check_random_state(random_state).randint(2**31)
    return int(np.random.SeedSequence(int(root), spawn_key=path).generate_state(1)[0] >> 1)


def members_for(
    settings: Sequence[Hyperparameters],
    groups: Sequence[Prepared],
    group_of_task: Sequence[int],
    coded: np.ndarray,
    row_groups: HeldOutBy | None = None,
) -> Members:
    """Return rows and settings of the members of all tasks, those of one task after those of another.

    Parameters
    ----------
    settings : sequence of Hyperparameters
        Settings of each task; they differ in `tabular_dl.estimators.joint_training.PER_MEMBER` only.
    groups : sequence of Prepared
        Problem, target coding and inputs of each matrix and its training rows.
    group_of_task : sequence of int
        Number of the group of each task.
    coded : ndarray of shape (groups, rows, targets)
        Coded target of each group.
    row_groups : ndarray of shape (rows,) or RowTimes, optional
        Group of each row: rows of one group are held out together. Or their times: the latest rows are held out.

    Returns
    -------
    Members
        Rows and settings of each member.

    Raises
    ------
    DataError
        If there are too few rows, or groups of rows, to hold some out.
    """
    from tabular_dl.nn import Members

    count = settings[0].members
    seeds: list[int] = []
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    for task, number in zip(settings, group_of_task, strict=True):
        group = groups[number]
        # A generator would be advanced by each member, so one seed is drawn for all of them.
        root = derived_seed(task.random_state)
        labels = coded[number, group.rows, 0] if group.problem.stratified and coded.shape[2] == 1 else None
        if group.problem.stratified and labels is None:
            labels = coded[number, group.rows].argmax(axis=1)
        groups_of_rows = None if row_groups is None else row_groups[group.rows]
        for k in range(count):
            seeds.append(derived_seed(root, k))
            positions = np.arange(len(group.rows))
            splits.append(hold_out(positions, labels, task.held_out_share, seeds[-1], groups_of_rows))
    group_of_member = [groups[number] for number in group_of_task for _ in range(count)]
    weighted = any(group.weights is not None for group in groups)

    def weights(side: int) -> list[np.ndarray] | None:
        if not weighted:
            return None
        return [
            np.ones(len(split[side])) if group.weights is None else group.weights[split[side]]
            for group, split in zip(group_of_member, splits, strict=True)
        ]

    def setting(name: str, none: float | None = None) -> np.ndarray | float | None:
        values = [getattr(task, name) for task in settings]
        if all(value is None for value in values):
            return none
        # Among numbers, NaN stands for the default.
        default = np.nan if none is None else none
        return np.repeat([default if value is None else value for value in values], count, axis=0)

    hidden = len(settings[0].hidden)
    plateaus = np.repeat([task.plateau for task in settings], count, axis=0)
    dropouts = [np.broadcast_to(task.dropout if hidden else 0.0, max(1, hidden)) for task in settings]
    return Members(
        seeds=seeds,
        training_rows=[group.rows[split[0]] for group, split in zip(group_of_member, splits, strict=True)],
        validation_rows=[group.rows[split[1]] for group, split in zip(group_of_member, splits, strict=True)],
        training_weights=weights(0),
        validation_weights=weights(1),
        groups=np.repeat(group_of_task, count),
        widths=np.array([len(group.inputs.numeric) for group in group_of_member]),
        categories=np.array([[len(known) + 1 for known in group.inputs.categories] for group in group_of_member], int),
        continuous=np.array([group.inputs.continuous for group in group_of_member]),
        bins=_bins_of(group_of_member, settings[0].bins) if any(group.inputs.edges for group in groups) else None,
        learning_rate=setting("learning_rate"),
        weight_decay=setting("weight_decay"),
        l1=setting("l1"),
        l2=setting("l2"),
        dropout=np.repeat(np.asarray(dropouts, np.float32), count, axis=0),
        input_dropout=setting("input_dropout"),
        label_smoothing=setting("label_smoothing"),
        noise=setting("noise"),
        shift=setting("shift"),
        mixup=setting("mixup"),
        masking=MASKING if groups[0].inputs.categorical else 0.0,
        clip_norm=setting("clip_norm", np.inf),
        patience=setting("early_stopping", np.inf),
        plateau_patience=plateaus[:, 0],
        plateau_factor=plateaus[:, 1],
        restore_best=setting("restore_best"),
    )


def _bins_of(groups: Sequence[Prepared], most: int) -> list[np.ndarray]:
    """Return the bins of each member; members of a group share an array."""
    of_groups = {id(group): group.inputs.bins(most) for group in groups}
    return [of_groups[id(group)] for group in groups]

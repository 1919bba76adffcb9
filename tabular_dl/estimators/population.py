"""Architecture, members and training of a population, from the tasks that it is made for."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.utils import check_random_state, compute_class_weight

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.network_inputs import Matrix, embedding_size
from tabular_dl.estimators.task import Prepared
from tabular_dl.problems import METRICS, Bounded, Coding, Labels

if TYPE_CHECKING:
    from tabular_dl.nn import Members, Monitor, Network, Training

__all__ = [
    "derived_seed",
    "members_for",
    "merged_rows",
    "monitor_is_followed",
    "network_for",
    "row_weights",
    "training_for",
]

# The probability with which a category is hidden in training, so that the unknown one is learned.
MASKING = 0.02


def network_for(settings: Sequence[Hyperparameters], groups: Sequence[Prepared], targets: int) -> Network:
    """Return the architecture that has room for every group."""
    from tabular_dl.nn import Network

    first, problem, coding = settings[0], groups[0].problem, groups[0].coding
    counts = np.array([[len(known) for known in group.inputs.categories] for group in groups], int).max(axis=0)
    shift = max(own.shift for own in settings)
    height, width = first.image_shape or (0, 0)
    if shift:
        _check_images(height, width, {len(group.inputs.numeric) for group in groups})
    sizes = [first.embedding_size if first.embedding_size != "auto" else embedding_size(n) for n in counts.tolist()]
    return Network(
        inputs=max(len(group.inputs.numeric) for group in groups) + len(sizes),
        hidden=tuple(int(width) for width in first.hidden),
        outputs=problem.units(len(coding.classes) if isinstance(coding, Labels) else targets),
        activation=first.activation,
        output_activation=problem.activation,
        initializer=first.kernel_initializer(),
        batch_norm=bool(first.batch_norm),
        dropout=any(bool(np.any(own.dropout)) for own in settings),
        input_dropout=any(own.input_dropout > 0 for own in settings),
        noise=any(own.noise > 0 for own in settings),
        embeddings=tuple((n + 1, size) for n, size in zip(counts.tolist(), sizes, strict=True)),
        shift=shift,
        image_shape=(int(height), int(width)),
    )


def _check_images(height: int, width: int, widths: set[int]) -> None:
    for pixels in widths:
        if pixels != height * width:
            raise SpecError(
                f"image_shape: {height} x {width} are {height * width} pixels, but the network has {pixels} numeric "
                "inputs. To shift images, they have to be the pixels of the image, row by row."
            )


def training_for(settings: Hyperparameters, group: Prepared, rows: int) -> Training:
    """Return the settings that all members share."""
    from tabular_dl.nn import Training

    return Training(
        loss=group.problem.loss,
        metrics=tuple(followed.function for followed in group.problem.followed),
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        epochs=settings.epochs,
        batch_size=settings.rows_a_step(rows),
        monitor=_monitor(settings.monitor, group),
    )


def _monitor(name: str, group: Prepared) -> Monitor:
    """Return the figure that early stopping goes by."""
    from tabular_dl.nn import Monitor

    if name == "loss":
        return Monitor()
    metric, coding = METRICS[name], group.coding
    try:
        metric.check(group.problem)
    except SpecError as error:
        raise SpecError(f"monitor: {str(error).removeprefix('metric: ')}") from None

    def score(y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> float:
        if isinstance(coding, Labels):
            numbers = y.argmax(axis=1) if coding.one_hot else y[:, 0].astype(int)
            return metric(numbers, coding.decode(outputs), np.arange(len(coding.classes)), weights)
        if coding.standardised and metric.lowest is None:
            # In standardised units, which are each group's own; the estimator turns them into the target's.
            return metric(y, outputs, sample_weight=weights)
        truth = coding.decode(y)
        # What has been coded comes back up to rounding: 0 perhaps a little below 0.
        truth = truth if metric.lowest is None else np.maximum(truth, metric.lowest)
        return metric(truth, coding.decode(outputs), sample_weight=weights)

    return Monitor(name, score, metric.greater_is_better)


def monitor_is_followed(name: str, group: Prepared) -> bool:
    """Return whether the curve that has the monitor's name is the monitor: it is unless another figure has that name.

    What is followed is a mean over rows and labels of coded values. A metric is that, too, but for several labels,
    all of which have to be right, and for numbers that are coded by more than a shift and one factor.
    """
    coding = group.coding
    same = isinstance(coding, Labels) or coding.standardised or (isinstance(coding, Bounded) and len(coding.scale) == 1)
    return same or name not in {followed.name for followed in group.problem.followed}


def derived_seed(random_state: int | np.random.RandomState | None, *path: int) -> int:
    """Derive a seed from a random state and a path of numbers, independent of every other path.

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
    where: Sequence[int],
    coded: np.ndarray,
    row_groups: np.ndarray | None = None,
) -> Members:
    """Return for each member of each task, in turn, its rows and settings.

    Parameters
    ----------
    settings : sequence of Hyperparameters
        Of each task; they differ in `tabular_dl.estimators.joint_training.PER_MEMBER` only.
    groups : sequence of Prepared
        What has been learned from each matrix and its rows.
    where : sequence of int
        For each task the number of its group.
    coded : ndarray of shape (groups, rows, targets)
        Each group's coded target.
    row_groups : ndarray of shape (rows,), optional
        What a row belongs to: rows of one are held out together.
    """
    from tabular_dl.nn import Members

    each = settings[0].members
    seeds: list[int] = []
    places: list[tuple[np.ndarray, np.ndarray]] = []
    for own, number in zip(settings, where, strict=True):
        group = groups[number]
        # A random state that is a generator moves on with each draw: fix it once for all members.
        root = derived_seed(own.random_state)
        labels = coded[number, group.rows, 0] if group.problem.stratified and coded.shape[2] == 1 else None
        if group.problem.stratified and labels is None:
            labels = coded[number, group.rows].argmax(axis=1)
        together = None if row_groups is None else row_groups[group.rows]
        for k in range(each):
            seeds.append(derived_seed(root, k))
            places.append(_hold_out(np.arange(len(group.rows)), labels, own.held_out_share, seeds[-1], together))
    of_member = [groups[number] for number in where for _ in range(each)]
    weighted = any(group.weights is not None for group in groups)

    def weights(side: int) -> list[np.ndarray] | None:
        if not weighted:
            return None
        return [
            np.ones(len(place[side])) if group.weights is None else group.weights[place[side]]
            for group, place in zip(of_member, places, strict=True)
        ]

    def setting(name: str, none: Any = None) -> np.ndarray | None:
        values = [getattr(own, name) for own in settings]
        if all(value is None for value in values):
            return none
        # NaN beside a number is the default, too.
        given = np.nan if none is None else none
        return np.repeat([given if value is None else value for value in values], each, axis=0)

    hidden = len(settings[0].hidden)
    plateaus = np.repeat([own.plateau for own in settings], each, axis=0)
    dropouts = [np.broadcast_to(own.dropout if hidden else 0.0, max(1, hidden)) for own in settings]
    return Members(
        seeds=seeds,
        training_rows=[group.rows[place[0]] for group, place in zip(of_member, places, strict=True)],
        validation_rows=[group.rows[place[1]] for group, place in zip(of_member, places, strict=True)],
        training_weights=weights(0),
        validation_weights=weights(1),
        groups=np.repeat(where, each),
        widths=np.array([len(group.inputs.numeric) for group in of_member]),
        categories=np.array([[len(known) + 1 for known in group.inputs.categories] for group in of_member], int),
        learning_rate=setting("learning_rate"),
        weight_decay=setting("weight_decay"),
        l1=setting("l1"),
        l2=setting("l2"),
        dropout=np.repeat(np.asarray(dropouts, np.float32), each, axis=0),
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
    )


def _hold_out(
    rows: np.ndarray, labels: np.ndarray | None, fraction: float, seed: int, together: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into those to train on and those held out.

    Stratified where every class has rows for both sides; or by whole groups, of which ``fraction`` are held out.
    """
    if fraction == 0:
        return rows, rows[:0]
    size = max(1, round(fraction * len(rows)))
    if size >= len(rows):
        raise DataError(
            f"validation_fraction {fraction} of {len(rows)} training rows leaves none to train on: give more rows, "
            "or set early_stopping to null and validation_fraction to 0."
        )
    if together is not None:
        groups = len(np.unique(together))
        if groups < 2:
            raise DataError(
                "All training rows of a fold are of one group, and early stopping holds out whole groups: set "
                "early_stopping to null and validation_fraction to 0."
            )
        apart = GroupShuffleSplit(1, test_size=min(max(1, round(fraction * groups)), groups - 1), random_state=seed)
        ((trained, stopped),) = apart.split(rows, groups=together)
        return rows[trained], rows[stopped]
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or not len(counts) <= size <= len(rows) - len(counts):
            labels = None
    train, held_out = train_test_split(rows, test_size=size, stratify=labels, random_state=seed)
    return train, held_out


def row_weights(
    settings: Hyperparameters, coding: Coding, y: np.ndarray, weights: np.ndarray | None
) -> np.ndarray | None:
    """Return the weight of each training row: the user's, multiplied by that of the row's class; their mean is 1.

    Raises
    ------
    SpecError
        If ``class_weight`` names no class, or is no weight.
    """
    if settings.class_weight is None:
        return _of_mean_one(weights)
    if not isinstance(coding, Labels):
        raise SpecError("class_weight: only single labels have class weights; give sample_weight to fit instead.")
    chosen = settings.class_weight
    if not isinstance(chosen, str):
        # In a pipeline file 0 and "0" are easily mixed up.
        unknown = [label for label in chosen if label not in coding.classes.tolist()]
        if unknown:
            raise SpecError(f"class_weight: there is no class {unknown[0]!r}. Classes: {coding.classes.tolist()}.")
        for label, weight in chosen.items():
            if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
                raise SpecError(f"class_weight: expected a number from 0 on for the class {label!r}, found {weight!r}.")
        # A fold may lack a class that has a weight.
        chosen = {label: weight for label, weight in chosen.items() if label in y}
    present = np.unique(y)
    of_class = compute_class_weight(chosen, classes=present, y=y, sample_weight=weights)
    return _of_mean_one(of_class[np.searchsorted(present, y)] * (1.0 if weights is None else weights))


def _of_mean_one(weights: np.ndarray | None) -> np.ndarray | None:
    """Scale weights to a mean of 1: losses are weighted means, so it changes nothing but what float32 can hold."""
    return weights if weights is None or not weights.any() else weights / weights.mean()


def merged_rows(
    X: Matrix, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
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

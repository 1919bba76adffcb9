"""Training settings of each member, and those that all members share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

import numpy as np

from tabular_dl.nn.choices import Device, Parametrization, Schedule, WeightGroup

__all__ = ["Members", "Monitor", "Training"]

# Number for all members, or array with one number per member; `Members` turns numbers into arrays.
PerMember = Any


@dataclass(frozen=True)
class Members:
    """Rows and settings of each member of a population of P members.

    Settings below without a type are a number, which all members share, or an array of shape (P,).

    Parameters
    ----------
    seeds : sequence of int, length P
        Seeds of initial weights, shuffling, dropout and noise.
    training_rows : sequence of P integer arrays
        Row numbers of the feature matrix.
    validation_rows : sequence of P integer arrays, optional
        Rows for early stopping and validation figures: of all members or of none.
    training_weights, validation_weights : sequence of P arrays, optional
        Weights of those rows; 1 by default. A loss is the weighted mean over its rows.
    groups : int or array of shape (P,), default=0
        Number of the matrix that a member reads from ``X`` of shape ``(groups, rows, features)``.
    widths : array of shape (P,), optional
        Number of leading numeric features of each member; the numeric features after them are zero.
    categories : array of shape (P, embeddings), optional
        Number of categories of each embedding of each member.
    continuous : array of shape (P,), optional
        Number of continuous features of each member, the first of its numeric ones.
    bins : sequence of P arrays of shape (continuous features, 2, bins), optional
        Slopes and offsets of the bins of each continuous feature of each member: ``slope * x + offset`` goes from 0 to
        1 within a bin. Both are 0 for bins that a feature has not.
    learning_rate, weight_decay : optional
        Learning rate, and decoupled weight decay: ``w -= rate * decay * w`` (arXiv:1711.05101). None, or NaN for some
        members, is the optimizer's default.
    l1, l2
        Factors of the penalty ``l1 * sum(|kernel|) + l2 * sum(kernel ** 2)`` over all kernels, added to the loss.
    dropout : number, array of shape (P,) or of shape (P, hidden layers)
        Probability of dropping a hidden activation.
    input_dropout
        Probability of dropping an input.
    label_smoothing
        Smoothing s of class targets y: ``y * (1 - s) + s / classes`` (arXiv:1512.00567).
    noise
        Standard deviation of gaussian noise added to the numeric inputs of each training batch.
    shift
        Maximum number of pixels by which the images of each training batch move.
    mixup
        Alpha of mixup (arXiv:1710.09412), 0 for none: training rows are ``a x_i + (1 - a) x_j`` with the loss
        ``a w_i loss(y_i) + (1 - a) w_j loss(y_j)``, divided by the sum of ``a w_i + (1 - a) w_j`` over the batch. Here
        w are the weights of the rows, a is drawn from Beta(alpha, alpha) for each batch, and j runs through a
        permutation of the member's training rows in the block of the table.
    masking
        Probability of treating a category as unknown in training, so that the vector of unknown categories is learned.
    clip_norm
        Bound of the Euclidean norm of a member's gradient; infinity for none.
    patience
        Number of epochs without improvement after which a member stops and returns to the weights of its best epoch;
        infinity for never.
    min_delta
        Minimal decrease (or increase, if greater is better) of the monitored figure that is an improvement.
    plateau_patience, plateau_factor
        Number of epochs without improvement after which the learning rate is multiplied by the factor; infinity for
        never.
    restore_best
        Whether a member without patience returns to the weights of its best epoch, the last one of equal figures.

    Raises
    ------
    ValueError
        If a sequence or array has not P entries, or only some members have validation rows.
    """

    seeds: Sequence[int]
    training_rows: Sequence[np.ndarray]
    validation_rows: Sequence[np.ndarray] | None = None
    training_weights: Sequence[np.ndarray] | None = None
    validation_weights: Sequence[np.ndarray] | None = None
    groups: PerMember = 0
    widths: PerMember = None
    categories: PerMember = None
    continuous: PerMember = None
    bins: Sequence[np.ndarray] | None = None
    learning_rate: PerMember = None
    weight_decay: PerMember = None
    l1: PerMember = 0.0
    l2: PerMember = 0.0
    dropout: PerMember = 0.0
    input_dropout: PerMember = 0.0
    label_smoothing: PerMember = 0.0
    noise: PerMember = 0.0
    shift: PerMember = 0
    mixup: PerMember = 0.0
    masking: PerMember = 0.0
    clip_norm: PerMember = np.inf
    patience: PerMember = np.inf
    min_delta: PerMember = 0.0
    plateau_patience: PerMember = np.inf
    plateau_factor: PerMember = 0.2
    restore_best: PerMember = False

    def __post_init__(self) -> None:
        size = len(self.seeds)
        none = [np.array([], int)] * size
        object.__setattr__(self, "validation_rows", self.validation_rows or none)
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, list | tuple):
                if len(value) != size:
                    raise ValueError(f"{setting.name}: expected {size} entries, one per member, found {len(value)}")
            elif value is not None:
                array = np.asarray(value)
                if array.ndim and len(array) != size:
                    raise ValueError(
                        f"{setting.name}: expected one number or {size} entries, one per member, found {len(array)}"
                    )
                shape = (size, *array.shape[1:]) if array.ndim else (size,)
                object.__setattr__(self, setting.name, np.broadcast_to(array, shape))
        held_out = {len(rows) > 0 for rows in self.validation_rows or ()}
        if len(held_out) > 1:
            raise ValueError("validation_rows: expected rows for all members or for none, found rows for some")

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def held_out(self) -> bool:
        """Whether the members hold out validation rows."""
        return any(len(rows) > 0 for rows in self.validation_rows or ())

    @property
    def kept_at_start(self) -> np.ndarray:
        """Whether a member keeps the weights at the start of its best epoch instead of those at its end, (P,).

        Without held-out rows the figure of an epoch is that of the weights before its updates, so these are known to be
        finite if a later loss is not. A member with patience keeps the weights at the end even so.
        """
        return np.isinf(self.patience) & (not self.held_out)

    def take(self, numbers: Sequence[int] | np.ndarray) -> Self:
        """Return the settings of some members.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the members, in the order of the result.

        Returns
        -------
        Members
            Their settings.
        """
        chosen: dict[str, Any] = {}
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, list | tuple):
                chosen[setting.name] = [value[k] for k in numbers]
            elif value is not None:
                chosen[setting.name] = value[list(numbers)]
        return replace(self, **chosen)

    def describe(self, member: int) -> str:
        """Return a member's hyperparameters that differ from the defaults, as text for messages."""
        settings = []
        for setting in fields(self)[10:]:
            value = getattr(self, setting.name)
            if value is not None and not np.all(value[member] == setting.default):
                settings.append(f"{setting.name} {np.asarray(value[member]).tolist()}")
        return ", ".join(settings) or "default hyperparameters"


@dataclass(frozen=True)
class Monitor:
    """Figure that early stopping and plateaus monitor.

    Parameters
    ----------
    name : str, default="loss"
        Name in the history. Without a function, "loss" or one of the training's metrics.
    function : callable, optional
        ``function(y, outputs, weights) -> float`` for one member, of coded targets (rows, targets), outputs after the
        output activation (rows, units) and weights of the rows (rows,), or None if the rows have no weights.
    greater_is_better : bool, default=False
        Whether a greater figure is better.
    """

    name: str = "loss"
    function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float] | None = None
    greater_is_better: bool = False


@dataclass(frozen=True)
class Training:
    """Training settings that all members of a population share.

    Parameters
    ----------
    loss : str or callable
        Keras's name of the loss, or a function of targets (rows, targets) and predictions (rows, units) that returns a
        value for each row, (rows,), which depends on that row alone.
    metrics : tuple of str
        Keras's names of functions recorded beside the loss: one value per row, averaged over rows.
    optimizer : str, default="adam"
        Keras's name of the optimizer, in lower case.
    optimizer_settings : tuple of (str, value)
        Further arguments of the optimizer, such as ``(("momentum", 0.9),)``.
    schedule : str, default="constant"
        Name of the learning-rate schedule (`tabular_dl.nn.schedules`).
    epochs : int, default=100
        Maximum number of passes over the training rows.
    batch_size : int, default=32
        Rows per step.
    monitor : Monitor
        Figure for early stopping and plateaus, on validation rows if there are any, otherwise on training rows.
    weight_decay_schedule, label_smoothing_schedule : str, default="constant"
        Names of the schedules of weight decay and of label smoothing.
    rate_factors, decay_factors : tuple of (group, factor)
        Factors of the learning rate and of weight decay of groups of weights (`tabular_dl.nn.choices.WeightGroup`).
    parametrization : {"standard", "ntk"}
        Scale of the updates of kernels (`tabular_dl.nn.optimizers.update_factor`).
    drop_last : bool, default=False
        Whether an epoch leaves out the last batch of a member if it is not full.
    unknown_targets : bool, default=False
        Whether rows may lack some of several targets, which are NaN: losses and metrics of a row are means over those
        that it has.
    compile : {"auto", True, False}, default="auto"
        Whether to compile by XLA; "auto" compiles if training is long enough to save time by it.
    loss_settings : tuple of (str, number)
        ``gamma`` and ``alpha`` of a focal loss (`tabular_dl.nn.focal_losses`).
    device : {"auto", "cpu", "gpu"}, default="auto"
        Device to train on; "auto" is a GPU if TensorFlow sees one.
    """

    loss: str | Callable[..., Any]
    metrics: tuple[str, ...]
    optimizer: str = "adam"
    optimizer_settings: tuple[tuple[str, Any], ...] = ()
    schedule: Schedule = "constant"
    epochs: int = 100
    batch_size: int = 32
    monitor: Monitor = field(default_factory=Monitor)
    weight_decay_schedule: Schedule = "constant"
    label_smoothing_schedule: Schedule = "constant"
    rate_factors: tuple[tuple[WeightGroup, float], ...] = ()
    decay_factors: tuple[tuple[WeightGroup, float], ...] = ()
    parametrization: Parametrization = "standard"
    drop_last: bool = False
    unknown_targets: bool = False
    compile: Literal["auto"] | bool = "auto"
    loss_settings: tuple[tuple[str, float], ...] = ()
    device: Device = "auto"

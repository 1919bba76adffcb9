"""Settings of a training: those of each member, and those that all members share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Self

import numpy as np

from tabular_dl.nn.choices import Schedule

__all__ = ["Members", "Monitor", "Training"]

# A number for all members or an array of one for each; an array once `Members` has been made.
PerMember = Any


@dataclass(frozen=True)
class Members:
    """Rows and settings of each member of a population of P; a single number stands for P equal ones.

    Parameters
    ----------
    seeds : sequence of int, length P
        Fix initial weights, shuffling, dropout and noise.
    training_rows : sequence of P integer arrays
        Row numbers of the feature matrix.
    validation_rows : sequence of P integer arrays, optional
        Rows that stopping and validation figures look at. May be empty for all members, not for some.
    training_weights, validation_weights : sequence of P arrays, optional
        A weight for each of those rows; by default 1. A loss is the weighted mean over its rows.
    groups : int or array of shape (P,)
        Which matrix of ``X`` with shape ``(groups, rows, features)`` a member reads.
    widths : array of shape (P,), optional
        Number of leading numeric features that a member really has; the others are zero.
    categories : array of shape (P, embeddings), optional
        Number of categories that each embedding of a member really has.
    learning_rate, weight_decay : optional
        None, or NaN for one member of several, is the optimizer's default. Weight decay is decoupled:
        ``w -= rate * decay * w`` (arXiv:1711.05101).
    l1, l2
        Add ``l1 * sum(|kernel|) + l2 * sum(kernel ** 2)`` over all kernels to a member's loss.
    dropout : number, array of shape (P,) or of shape (P, hidden layers)
        The probability that a hidden activation is dropped.
    input_dropout
        The probability that an input is dropped.
    label_smoothing
        Class targets y become ``y * (1 - s) + s / classes`` (arXiv:1512.00567).
    noise
        Standard deviation of gaussian noise added to the numeric inputs of each training batch.
    shift
        Most pixels by which the images of each training batch move.
    mixup
        The alpha of mixup (arXiv:1710.09412): rows are trained on as ``a x_i + (1 - a) x_j`` with the loss
        ``a w_i loss(y_i) + (1 - a) w_j loss(y_j)``, divided by the sum of ``a w_i + (1 - a) w_j`` over the batch; w are
        the rows' weights, a is drawn from Beta(alpha, alpha) for each batch, and the j are a shuffle of all of the
        member's training rows in the block of the table; 0 for none.
    masking
        The probability with which a category is hidden in training, so that its embedding's unknown one is learned.
    clip_norm
        Bound of the Euclidean norm of a member's gradient; infinity for none.
    patience
        Epochs without improvement after which a member stops and goes back to its best epoch; infinity for never.
    min_delta
        Least improvement of the monitored figure that counts.
    plateau_patience, plateau_factor
        After so many epochs without improvement the learning rate is multiplied by the factor; infinity for never.
    """

    seeds: Sequence[int]
    training_rows: Sequence[np.ndarray]
    validation_rows: Sequence[np.ndarray] | None = None
    training_weights: Sequence[np.ndarray] | None = None
    validation_weights: Sequence[np.ndarray] | None = None
    groups: PerMember = 0
    widths: PerMember = None
    categories: PerMember = None
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

    def __post_init__(self) -> None:
        size = len(self.seeds)
        none = [np.array([], int)] * size
        object.__setattr__(self, "validation_rows", self.validation_rows or none)
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, list | tuple):
                if len(value) != size:
                    raise ValueError(f"{each.name}: expected one entry for each of {size} members, found {len(value)}")
            elif value is not None:
                array = np.asarray(value)
                if array.ndim and len(array) != size:
                    raise ValueError(
                        f"{each.name}: expected one number, or an entry for each of {size} members, "
                        f"found {len(array)} entries"
                    )
                shape = (size, *array.shape[1:]) if array.ndim else (size,)
                object.__setattr__(self, each.name, np.broadcast_to(array, shape))
        held_out = {len(rows) > 0 for rows in self.validation_rows or ()}
        if len(held_out) > 1:
            raise ValueError("validation_rows: either every member holds out rows, or none")

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def held_out(self) -> bool:
        """Whether the members hold out validation rows."""
        return any(len(rows) > 0 for rows in self.validation_rows or ())

    @property
    def kept_at_start(self) -> np.ndarray:
        """Whether a member's best weights are those at the start of its best epoch, (P,).

        Without held-out rows an epoch's figure is that of the weights before its updates, so these are sound where a
        later loss is not finite. Patience that looks at training rows keeps the weights at the end all the same.
        """
        return np.isinf(self.patience) & (not self.held_out)

    def take(self, numbers: Sequence[int] | np.ndarray) -> Self:
        """Return the members of these numbers, in this order."""
        chosen: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, list | tuple):
                chosen[each.name] = [value[k] for k in numbers]
            elif value is not None:
                chosen[each.name] = value[list(numbers)]
        return replace(self, **chosen)

    def describe(self, member: int) -> str:
        """Name a member's hyperparameters that differ from the defaults."""
        settings = []
        for each in fields(self)[8:]:
            value = getattr(self, each.name)
            if value is not None and not np.all(value[member] == each.default):
                settings.append(f"{each.name} {np.asarray(value[member]).tolist()}")
        return ", ".join(settings) or "default hyperparameters"


@dataclass(frozen=True)
class Monitor:
    """The figure that early stopping and plateaus go by.

    Parameters
    ----------
    name : str
        Its name in the history.
    function : callable or None
        ``function(y, outputs, weights) -> float``, for one member, of coded targets (rows, targets), outputs after the
        output activation (rows, units) and the rows' weights (rows,), or None where rows have none. If it is None
        itself, ``name`` is "loss" or one of the training's metrics.
    greater_is_better : bool
        The direction of improvement.
    """

    name: str = "loss"
    function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float] | None = None
    greater_is_better: bool = False


@dataclass(frozen=True)
class Training:
    """Settings that all members of a population share.

    Parameters
    ----------
    loss : str
        Keras's name of the loss.
    metrics : tuple of str
        Keras's names of functions that are followed beside the loss: one value a row, averaged over rows.
    optimizer : str
        Keras's name, in lower case.
    optimizer_settings : tuple of (str, value)
        Further arguments of the optimizer, like ``(("momentum", 0.9),)``.
    schedule : str
        A name of `tabular_dl.nn.schedules`.
    epochs, batch_size : int
        At most so many passes over the training rows; rows a step.
    monitor : Monitor
        The figure that stopping goes by, on validation rows if there are any, otherwise on training rows.
    compile : {"auto", True, False}
        Whether to compile by XLA; "auto" does where the training is long enough for that to pay.
    """

    loss: str
    metrics: tuple[str, ...]
    optimizer: str = "adam"
    optimizer_settings: tuple[tuple[str, Any], ...] = ()
    schedule: Schedule = "constant"
    epochs: int = 100
    batch_size: int = 32
    monitor: Monitor = field(default_factory=Monitor)
    compile: Literal["auto"] | bool = "auto"

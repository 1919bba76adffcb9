"""Keras's losses and the metrics that are followed during training, with the targets and outputs that they need.

To add one, add a row to `LOSSES` or `FOLLOWED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tabular_dl.errors import SpecError, did_you_mean

__all__ = ["FOLLOWED", "LOSSES", "OUTPUTS", "Followed", "Loss", "Target", "get_loss", "known_or_own"]

# Form of the targets that a loss compares outputs with.
Target = Literal["class number", "one-hot", "0 or 1", "number"]


@dataclass(frozen=True)
class Loss:
    """Loss function of Keras, or of the user.

    Parameters
    ----------
    name : str
        Keras's name of the function, or the name of a function of the user.
    target : {"class number", "one-hot", "0 or 1", "number"}
        Form of the targets.
    outputs : tuple of str
        Output activations that the loss can be used with; empty for any.
    """

    name: str
    target: Target
    outputs: tuple[str, ...] = ()

    @property
    def smooths(self) -> bool:
        """Whether label smoothing applies to the loss."""
        return self.name in LOSSES and self.name.endswith("crossentropy")


@dataclass(frozen=True)
class Followed:
    """Function with one value per row whose mean is recorded each epoch.

    Parameters
    ----------
    name : str
        Name in the history.
    function : str
        Keras's name of the function.
    power : int, default=0
        Power of the target's unit in the value: 1 for an absolute error, 2 for a squared one, 0 for no unit.
    """

    name: str
    function: str
    power: int = 0


_UNITS = ("sigmoid", "hard_sigmoid", "softmax")

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("binary_crossentropy", "0 or 1", ("sigmoid", "hard_sigmoid")),
        Loss("binary_focal_crossentropy", "0 or 1", ("sigmoid", "hard_sigmoid")),
        Loss("categorical_crossentropy", "one-hot", ("softmax",)),
        Loss("categorical_focal_crossentropy", "one-hot", ("softmax",)),
        Loss("kl_divergence", "one-hot", ("softmax",)),
        Loss("sparse_categorical_crossentropy", "class number", ("softmax",)),
        Loss("mean_squared_error", "number"),
        Loss("mean_absolute_error", "number"),
        Loss("huber", "number"),
        Loss("log_cosh", "number"),
    )
}

# Keras's short names.
_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
}

_ERRORS = (
    Followed("mae", "mean_absolute_error", 1),
    Followed("mse", "mean_squared_error", 2),
    Followed("huber", "huber"),
    Followed("log_cosh", "log_cosh"),
)

# Functions that can be followed, by the form of the targets and by both of their names.
FOLLOWED: dict[str, dict[str, Followed]] = {
    target: {name: followed for followed in table for name in (followed.name, followed.function)}
    for target, table in {
        "0 or 1": (
            Followed("accuracy", "binary_accuracy"),
            Followed("crossentropy", "binary_crossentropy"),
            Followed("mae", "mean_absolute_error"),
            Followed("mse", "mean_squared_error"),
        ),
        "class number": (
            Followed("accuracy", "sparse_categorical_accuracy"),
            Followed("top_5_accuracy", "sparse_top_k_categorical_accuracy"),
            Followed("crossentropy", "sparse_categorical_crossentropy"),
        ),
        "one-hot": (
            Followed("accuracy", "categorical_accuracy"),
            Followed("top_5_accuracy", "top_k_categorical_accuracy"),
            Followed("crossentropy", "categorical_crossentropy"),
            Followed("mae", "mean_absolute_error"),
            Followed("mse", "mean_squared_error"),
        ),
        "number": _ERRORS,
    }.items()
}

# Values that an output activation may return, in words.
OUTPUTS = {
    "linear": "any number",
    "sigmoid": "a number between 0 and 1 for each unit",
    "hard_sigmoid": "a number between 0 and 1 for each unit",
    "softmax": "numbers that sum to 1 over the units",
}


def get_loss(name: str) -> Loss:
    """Return the loss of a name.

    Parameters
    ----------
    name : str
        Keras's name of the loss, or its short name such as "mae".

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    SpecError
        If there is no such loss; the message suggests the nearest name.

    Examples
    --------
    >>> get_loss("mae").name
    'mean_absolute_error'
    """
    try:
        return LOSSES[_SHORT.get(name, name)]
    except KeyError:
        raise SpecError(f"loss: there is no {name!r}. {did_you_mean(name, [*LOSSES, *_SHORT])}") from None


def known_or_own(name: str) -> Loss:
    """Return the loss with a name of Keras, or a loss of the user, which is called with targets that are numbers.

    Examples
    --------
    >>> known_or_own("my_losses.py:weighted_error").target
    'number'
    """
    return LOSSES.get(name) or Loss(name, "number")

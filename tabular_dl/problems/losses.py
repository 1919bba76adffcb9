"""Losses and followed metrics: which of Keras's functions there are, and which targets and outputs they need.

A new one is a new row of a table.
"""

from __future__ import annotations

from dataclasses import dataclass

from tabular_dl.errors import SpecError, did_you_mean

__all__ = ["FOLLOWED", "LOSSES", "OUTPUTS", "Followed", "Loss", "get_loss"]


@dataclass(frozen=True)
class Loss:
    """One of Keras's losses.

    Parameters
    ----------
    name : str
        Keras's name of the function.
    target : {"class number", "one-hot", "0 or 1", "number"}
        What it compares the outputs with.
    outputs : tuple of str
        Output activations that it can be taken of; empty for any.
    """

    name: str
    target: str
    outputs: tuple[str, ...] = ()

    @property
    def smooths(self) -> bool:
        """Whether its targets may be smoothed: probabilities of classes."""
        return self.name.endswith("crossentropy")


@dataclass(frozen=True)
class Followed:
    """A function with one value a row that is followed epoch by epoch.

    Parameters
    ----------
    name : str
        What histories call it.
    function : str
        Keras's name of it.
    power : int
        In which power of the target's unit it is: 1 for an absolute error, 2 for a square, 0 for none.
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

# Keras's own short names.
_SHORT = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
}

# What is followed under one name for every coding of the target.
_ERRORS = (
    Followed("mae", "mean_absolute_error", 1),
    Followed("mse", "mean_squared_error", 2),
    Followed("huber", "huber"),
    Followed("log_cosh", "log_cosh"),
)

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

# What an output activation may return, in words.
OUTPUTS = {
    "linear": "any number",
    "sigmoid": "a number between 0 and 1 for each unit",
    "hard_sigmoid": "a number between 0 and 1 for each unit",
    "softmax": "numbers that sum to 1 over the units",
}


def get_loss(name: str) -> Loss:
    """Return the loss of this name, or of Keras's short name.

    Raises
    ------
    SpecError
        If there is none; the message suggests the nearest.

    Examples
    --------
    >>> get_loss("mae").name
    'mean_absolute_error'
    """
    try:
        return LOSSES[_SHORT.get(name, name)]
    except KeyError:
        raise SpecError(f"loss: there is no {name!r}. {did_you_mean(name, [*LOSSES, *_SHORT])}") from None

"""Code of the user that networks are trained with or made of: what it is given, and whether they can be.

A loss is given what follows from the type of problem:

=================== ============================ ==============================================================
problem             y_true, (rows, targets)      y_pred, (rows, units), after the output activation
=================== ============================ ==============================================================
binary              0 or 1                       probability of the second class (sigmoid)
multiclass          0 or 1, a column per class   probabilities of the classes (softmax, or sigmoid if so chosen)
multilabel          0 or 1, a column per label   probability of each label (sigmoid)
regression          standardised numbers         numbers of the same scale (linear)
bounded_regression  numbers from 0 to 1          numbers from 0 to 1 (sigmoid)
=================== ============================ ==============================================================

Activations and blocks are given activations of shape (rows, features).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.errors import SpecError
from tabular_dl.nn import code_name
from tabular_dl.problems import Coding, Labels, Loss, Problem, known_or_own

if TYPE_CHECKING:
    from tabular_dl.estimators.hyperparameters import Hyperparameters

__all__ = ["check_user_loss", "loss_of", "planned_blocks"]

ROWS = 64  # rows that a loss is tried on


def loss_of(loss: str | Callable[..., Any] | None) -> str | Loss | None:
    """Return the value of the hyperparameter ``loss`` as a type of problem reads it.

    Examples
    --------
    >>> loss_of("huber"), loss_of(check_user_loss).name
    ('huber', 'tabular_dl.estimators.user_code:check_user_loss')
    """
    return known_or_own(code_name(loss)) if callable(loss) else loss


def check_user_loss(loss: str | Callable[..., Any] | None, problem: Problem, coding: Coding, y: np.ndarray) -> None:
    """Raise an error for a loss of the user that networks cannot be trained by; one of Keras is not checked.

    Parameters
    ----------
    loss : str, callable or None
        Hyperparameter.
    problem, coding : Problem, Coding
        Type of problem with this loss, and coding of the target.
    y : ndarray of shape (rows,) or (rows, targets)
        Target of some training rows, of which the first are used.

    Raises
    ------
    SpecError
        As `tabular_dl.nn.check_loss` does; or if rows lack some of several targets.
    """
    if not callable(loss):
        return
    from tabular_dl.nn import check_loss

    if np.isnan(coding.encode(y)).any():
        raise SpecError(
            "loss: one of your own cannot leave out the missing values of targets. Fill them in, or choose a loss by "
            "its name, such as mse."
        )
    coded = coding.encode(y[:ROWS])
    units = problem.units(len(coding.classes) if isinstance(coding, Labels) else coded.shape[1])
    check_loss(loss, coded, units, problem.activation)


def planned_blocks(settings: Hyperparameters) -> tuple[Any, ...]:
    """Return the user's blocks as a network holds them, after trying them and an activation of the user.

    Parameters
    ----------
    settings : Hyperparameters
        Hyperparameters, with those of the preset in place of "auto".

    Returns
    -------
    tuple
        Values of `tabular_dl.nn.Network.user_blocks`.

    Raises
    ------
    SpecError
        If networks cannot be made of the code; the message begins with the name of the hyperparameter.
    """
    from tabular_dl.nn import check_activation, plan_block

    if callable(settings.activation) and settings.hidden:
        check_activation(settings.activation, int(settings.hidden[-1]))
    blocks: list[Any] = []
    for code in settings.blocks or ():
        blocks.append(plan_block(code, int(blocks[-1][1] if blocks else settings.hidden[-1])))
    return tuple(blocks)

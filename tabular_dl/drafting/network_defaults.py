"""Default networks, training and ensemble by the size of a table and the effort, which is the time that training takes.

``fast`` trains dense layers, those of 1,000 rows or more with a piecewise-linear embedding of numbers:

==================  ==========================  ====================================  ==================
training rows       hidden layers               training                              folds x members
==================  ==========================  ====================================  ==================
fewer than 500      64, 32                      a fixed number of epochs, all rows    5 x 4
fewer than 1,000    64, 32                      the same for numbers; for labels      5 x 4
                                                early stopping, at most 100 epochs
fewer than 10,000   128, 64                     early stopping, at most 100 epochs    5 x 4
fewer than 100,000  256, 128                    early stopping, at most 60 epochs     5 x 2
more                512, 256                    early stopping, at most 30 epochs     3 x 2
==================  ==========================  ====================================  ==================

In small tables, holding rows out costs more than early stopping gains; the gain is greater for labels, which are
overfitted sooner than numbers. Small tables get more dropout and more L2. The batch size is "auto", the power of two
nearest to a 128th of the number of rows.

``good`` and ``best`` train RealMLP (`tabular_dl.estimators.presets`), labels not smoothed. ``good``: two layers of 128,
64 epochs (32 from 30,000 rows, 16 from 100,000 rows on), 5 x 4 networks, or 5 x 8 below 1,000 rows. ``best``: the whole
preset, three layers of 256 for 256 epochs, 5 x 8. They were chosen on the tables of the development suite
(benchmarks/quality, docs/networks.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.problems import Problem

__all__ = ["EFFORTS", "Effort", "Sizes", "check_effort", "choose_sizes"]

FEW, SMALL, MEDIUM, LARGE = 500, 1_000, 10_000, 100_000
FOLDS, FEWER_FOLDS = 5, 3
# Number of numeric columns above which their vectors are shorter, as they take more time than the layers after them.
MANY_NUMBERS = 30
# Epochs of RealMLP with the effort "good", below a number of rows.
EPOCHS = {30_000: 64, LARGE: 32, math.inf: 16}

# Time that training may take.
Effort = Literal["fast", "good", "best"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)


def check_effort(name: str) -> Effort:
    """Return the name of an effort, checked.

    Parameters
    ----------
    name : str
        Name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    SpecError
        If there is none of that name.

    Examples
    --------
    >>> check_effort("goood")
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: --preset: there is no 'goood'. Did you mean 'good'?
    """
    if name not in EFFORTS:
        raise SpecError(f"--preset: there is no {name!r}. {did_you_mean(name, EFFORTS)}")
    return name


@dataclass(frozen=True)
class Sizes:
    """Sections of a pipeline file that depend on the size of a table.

    Attributes
    ----------
    network, training, ensemble, search : dict
        Sections of a pipeline file.
    reason : str
        Reason for the choice of network and training.
    folds_reason : str or None
        Reason for fewer folds than usual.
    """

    network: dict[str, Any]
    training: dict[str, Any]
    ensemble: dict[str, Any]
    search: dict[str, Any]
    reason: str
    folds_reason: str | None = None


def choose_sizes(
    rows: int,
    problem: Problem,
    rarest: int | None = None,
    *,
    effort: Effort = "fast",
    numbers: int = 0,
) -> Sizes:
    """Return network, training, ensemble and search space for a table.

    Parameters
    ----------
    rows : int
        Number of training rows.
    problem : Problem
        Type of problem.
    rarest : int, optional
        Number of rows of the rarest class, which limits the number of folds.
    effort : {"fast", "good", "best"}
        Time that training may take.
    numbers : int, default=0
        Number of numeric columns; the vectors of many are shorter.

    Returns
    -------
    Sizes
        Sections of a pipeline file, with reasons.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> sizes = choose_sizes(500, get_problem("regression"))
    >>> sizes.network["hidden"], sizes.training["epochs"], sizes.ensemble
    ([64, 32], 250, {'folds': 5, 'members': 4})
    >>> choose_sizes(500, get_problem("multiclass"), rarest=3).ensemble["folds"]
    3
    """
    hidden, dropout, l2, members = _capacity(rows, problem)
    folds = FOLDS if rows < LARGE else FEWER_FOLDS
    folds_reason = None
    if rarest is not None and rarest < folds:
        folds_reason = f"The rarest class has {rarest} rows, and every fold needs one."
        folds = rarest
    if effort != "fast":
        return _realmlp(rows, problem, effort, folds, folds_reason, numbers)
    return Sizes(
        network={"hidden": hidden, "activation": "relu", "dropout": dropout, "l2": l2, **_embedding(rows, numbers)},
        training=_training(rows, problem),
        ensemble={"folds": folds, "members": members},
        search={
            "learning_rate": {"log_uniform": [1e-4, 3e-2]},
            "l2": {"log_uniform": [1e-7, 1e-2]},
            "dropout": {"uniform": [0.0, 0.6]},
            "hidden": {"choice": [[size // 2 for size in hidden], hidden, [size * 2 for size in hidden]]},
        },
        reason=_reason(rows, problem),
        folds_reason=folds_reason,
    )


def _realmlp(rows: int, problem: Problem, effort: Effort, folds: int, folds_reason: str | None, numbers: int) -> Sizes:
    """Return RealMLP, smaller and shorter for the effort "good"."""
    network: dict[str, Any] = {"preset": "realmlp"}
    # Smoothed labels gave worse probabilities, and no better labels, on the tables of the development suite.
    training: dict[str, Any] = {"label_smoothing": 0.0} if problem.classification else {}
    if effort == "good":
        network["hidden"] = [128, 128]
        if numbers > MANY_NUMBERS:
            network["frequencies"] = max(2, 16 * MANY_NUMBERS // numbers)
        training["epochs"] = next(epochs for most, epochs in EPOCHS.items() if rows < most)
    rates = [0.008, 0.12] if problem.classification else [0.04, 0.6]
    return Sizes(
        network=network,
        training=training,
        ensemble={"folds": folds, "members": 8 if effort == "best" or rows < SMALL else 4},
        search={
            "learning_rate": {"log_uniform": rates},
            "weight_decay": {"log_uniform": [1e-3, 0.2]},
            "dropout": {"uniform": [0.0, 0.5]},
            "frequency_scale": {"log_uniform": [0.03, 1.0]},
        },
        reason=(
            f"{rows} rows are enough for RealMLP, whose embeddings of numbers fit sharp changes"
            + ("; a small network, trained for few epochs." if effort == "good" else ".")
        ),
        folds_reason=folds_reason,
    )


def _embedding(rows: int, numbers: int) -> dict[str, Any]:
    """Return the settings of the embedding of numbers; none for small tables, where bins follow the noise."""
    if rows < SMALL:
        return {}
    share = min(1.0, MANY_NUMBERS / max(1, numbers))
    bins, size = max(4, round(16 * share)), max(2, round(8 * share))
    return {"numeric_embedding": "piecewise_linear", "bins": bins, "numeric_embedding_size": size}


def _capacity(rows: int, problem: Problem) -> tuple[list[int], float, float, int]:
    """Return hidden layers, dropout, L2 and number of members. Labels need more dropout than numbers."""
    if rows < SMALL:
        return [64, 32], 0.3 if problem.classification else 0.1, 1e-3, 4
    if rows < MEDIUM:
        return [128, 64], 0.2, 1e-4, 4
    if rows < LARGE:
        return [256, 128], 0.1, 1e-5, 2
    return [512, 256], 0.1, 1e-6, 2


def _training(rows: int, problem: Problem) -> dict[str, Any]:
    if _all_rows_train(rows, problem):
        epochs = 100 if problem.classification else 250
        return {"optimizer": "adam", "epochs": epochs, "early_stopping": None, "validation_fraction": 0}
    epochs = 100 if rows < MEDIUM else 60 if rows < LARGE else 30
    return {"optimizer": "adam", "epochs": epochs, "early_stopping": 10 if rows < LARGE else 5}


def _all_rows_train(rows: int, problem: Problem) -> bool:
    return rows < (FEW if problem.classification else SMALL)


def _reason(rows: int, problem: Problem) -> str:
    if _all_rows_train(rows, problem):
        return f"{rows} rows are few: a small network is trained on all of them for a fixed number of epochs."
    size = "few" if rows < SMALL else "some" if rows < MEDIUM else "many" if rows < LARGE else "very many"
    return f"{rows} rows are {size}: each network stops when its loss on a held-out tenth no longer improves."

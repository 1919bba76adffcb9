"""Time that a fit takes on this machine, estimated before it begins."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.problems import Problem
from tabular_dl.spec.network_sizes import network_sizes
from tabular_dl.spec.reader import PipelineSpec

__all__ = ["BESIDE_EPOCHS", "about_seconds", "in_words"]

# Seconds of a fit beside its epochs: imports, compilation, scores of simple models, importance, figures, tracking.
BESIDE_EPOCHS = 8.0
# Share of the planned epochs that networks with early stopping train on average.
STOPPED_AFTER = 0.5
# Share of the speed of one large matrix product that training reaches, and operations that take as long as an element
# of a numeric embedding; both measured by benchmarks/engine.py.
SHARE_OF_PRODUCTS, OPERATIONS_OF_AN_ELEMENT = 0.35, 120.0
# Seconds for which the speed of a matrix product is measured.
MEASURED = 0.1
# Seconds that a step takes at least.
STEP = 3e-4


def about_seconds(
    spec: PipelineSpec, problem: Problem, table: pd.DataFrame, target: pd.Series[Any] | pd.DataFrame
) -> float:
    """Return about how many seconds a fit takes on this machine, within a factor of two or so.

    Parameters
    ----------
    spec : PipelineSpec
        Valid pipeline.
    problem : Problem
        Type of problem.
    table : DataFrame of shape (rows, columns + features)
        Training rows with derived features.
    target : Series of shape (rows,)
        Target of the training rows.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.build import competition_of
    >>> from tabular_dl.spec.reader import load_spec
    >>> train = competition_of(load_spec("wine")).train
    >>> changes = ("training.epochs=10", "training.epochs=100000", "ensemble.pseudo_labels={}")
    >>> few, many, twice = (
    ...     about_seconds(load_spec("wine", [change]), get_problem("multiclass"), train, train["cultivar"])
    ...     for change in changes
    ... )
    >>> few < many, few < twice
    (True, True)
    """
    sizes = network_sizes(spec, problem, table, target)
    settings = sizes.settings
    rows = len(table) * (1 - 1 / spec.ensemble.folds) * (1 - settings.held_out_share)
    epochs = settings.epochs * (1.0 if settings.early_stopping is None else STOPPED_AFTER)
    again = 0 if spec.ensemble.pseudo_labels is None else spec.ensemble.pseudo_labels.rounds
    trainings = spec.ensemble.trainings * (1 + again) + (spec.ensemble.refit is not None)
    networks = trainings * spec.ensemble.members
    per_row = 6.0 * settings.shared_networks * sizes.weights
    copies = settings.shared_networks if settings.own_batches else 1
    per_row += OPERATIONS_OF_AN_ELEMENT * copies * sizes.continuous * sizes.components
    steps = epochs * np.ceil(rows / sizes.batch)
    work = per_row * rows * epochs * networks
    return float(BESIDE_EPOCHS + steps * STEP + work / (SHARE_OF_PRODUCTS * _operations_a_second()))


def _operations_a_second() -> float:
    """Return the speed of a matrix product: the best of a tenth of a second, as other processes may slow it down."""
    matrix = np.ones((512, 512), np.float32)
    began, best = time.perf_counter(), np.inf
    while time.perf_counter() - began < MEASURED:
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return 2.0 * 512**3 / best


def in_words(seconds: float) -> str:
    """Return a duration in words.

    Parameters
    ----------
    seconds : float
        Duration.

    Returns
    -------
    str
        Seconds in tens, minutes or hours.

    Examples
    --------
    >>> in_words(7.9), in_words(64.0), in_words(500.0), in_words(9000.0)
    ('10 seconds', '60 seconds', '8 minutes', '2.5 hours')
    """
    if seconds < 120:
        return f"{max(1, round(seconds / 10)) * 10} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"

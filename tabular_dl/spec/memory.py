"""Memory that the networks of a pipeline need, computed from the specification and the table before anything is built.

==================== ================================================= =============================================
key                  what needs memory                                 bytes
==================== ================================================= =============================================
network.hidden       weights of the networks of one fold and member    4 x copies x weights x folds
network.bins         what numeric embeddings compute for a batch       4 x copies x batch x numbers x (bins + length)
ensemble.members     weights of all networks, and numbers of rows      the same and 8 x rows, x members
training.batch_size  what one network computes for a batch             4 x copies x batch x (widths)
network.mc_dropout   networks drawn from those of a fold               4 x weights x members x draws
columns              matrix of all rows                                4 x 2 x rows x inputs
==================== ================================================= =============================================

They are lower bounds of the memory that a fit holds at once, so that a refused pipeline could not have been trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tabular_dl.errors import SpecError
from tabular_dl.limits import limit, machine_memory, raised_by, size_of
from tabular_dl.problems import Problem
from tabular_dl.spec.network_sizes import NetworkSizes, network_sizes
from tabular_dl.spec.reader import PipelineSpec

__all__ = ["check_memory"]

NUMBER, PLACE = 4, 8  # bytes of a float32, and of the number of a row
WEIGHT_COPIES = 6  # last and best weights in their chunks, joined, and chosen
SWAPPED = 4  # times the memory


def check_memory(
    spec: PipelineSpec, problem: Problem, table: pd.DataFrame, target: pd.Series[Any] | pd.DataFrame
) -> None:
    """Raise an error if the networks of a pipeline need more memory than this machine has.

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

    Raises
    ------
    SpecError
        If they need more; the message names the key that most of it is for, the need and the machine's memory.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.build import competition_of
    >>> from tabular_dl.spec.reader import load_spec
    >>> spec = load_spec("wine", ["network.hidden=[64, 1000000000]"])
    >>> train = competition_of(spec).train
    >>> check_memory(spec, get_problem("multiclass"), train, train["cultivar"])
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: pipeline wine: network.hidden: 5 network(s) of 68,000,000,899 weights need 8.2 TB ...
    """
    most = limit(machine_memory())
    for key, subject, need in _needs(spec, problem, table, target):
        if need > most and (key == "columns" or spec.model.is_network):
            # Beyond a few times the memory, no swap space would help.
            advice = f" {raised_by(need, machine_memory())}" if need < SWAPPED * most else ""
            raise SpecError(
                f"pipeline {spec.name}: {key}: {subject} {size_of(need)} of memory; this machine has "
                f"{size_of(machine_memory())}. Write a smaller number.{advice}"
            )


def _needs(
    spec: PipelineSpec, problem: Problem, table: pd.DataFrame, target: pd.Series[Any] | pd.DataFrame
) -> Iterator[tuple[str, str, float]]:
    """Yield the key, the beginning of a sentence and the bytes of each need."""
    sizes, rows = network_sizes(spec, problem, table, target), len(table)
    settings, inputs, outputs, weights = sizes.settings, sizes.inputs, sizes.outputs, sizes.weights
    folds, members = spec.ensemble.trainings, spec.ensemble.members
    batch = sizes.batch * settings.shared_networks
    draws = settings.mc_dropout
    yield "columns", f"a matrix of {rows:,} rows and {inputs:,} inputs needs", 2 * NUMBER * rows * inputs
    subject = f"the vectors of {sizes.continuous:,} columns for a batch of {batch:,} rows need"
    yield _vector_key(sizes), subject, 2 * NUMBER * batch * sizes.continuous * (sizes.components + sizes.length)
    alone = NUMBER * WEIGHT_COPIES * weights * folds
    yield "network.hidden", f"{folds:,} network(s) of {weights:,} weights need", alone
    every = members * (alone + folds * rows * PLACE)
    yield "ensemble.members", f"{folds * members:,} networks of {weights:,} weights need", every
    drawn = NUMBER * members * draws * max(weights, rows * outputs)
    yield "network.mc_dropout", f"{draws * members:,} drawn networks and their predictions need", drawn
    key = "network.shared_networks" if settings.shared_networks > 1 else "training.batch_size"
    yield key, f"a batch of {batch:,} rows needs", 2 * NUMBER * batch * sum(sizes.widths)


def _vector_key(sizes: NetworkSizes) -> str:
    """Return the key that most of the memory of numeric embeddings is for."""
    if sizes.settings.shared_networks > max(sizes.components, sizes.length):
        return "network.shared_networks"
    if sizes.length > sizes.components:
        return "network.numeric_embedding_size"
    return "network.bins" if sizes.settings.numeric_embedding == "piecewise_linear" else "network.frequencies"

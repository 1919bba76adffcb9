"""Sizes of a pipeline's networks, from the specification and the table before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from tabular_dl.estimators import Hyperparameters, KerasClassifier, KerasRegressor
from tabular_dl.preprocessing import BINS, BUCKETS, CODES, COMPONENTS, ColumnRule, resolve
from tabular_dl.problems import Problem, output_units
from tabular_dl.spec.build import network_settings
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.used_columns import unmatched_columns
from tabular_dl.tables import bin_edges, read_categories, read_numbers

__all__ = ["NetworkSizes", "network_sizes"]

VECTOR = 50  # longest vector of an embedding whose size is "auto"


@dataclass(frozen=True)
class NetworkSizes:
    """Sizes of each network of a pipeline.

    Attributes
    ----------
    settings : Hyperparameters
        Hyperparameters, with those of the preset in place of "auto".
    inputs, outputs : int
        Number of inputs and of output units.
    continuous : int
        Number of inputs that have a numeric embedding.
    components, length : int
        Number of bins or frequencies of a numeric embedding, and length of its vectors.
    batch : int
        Rows per step.
    """

    settings: Hyperparameters
    inputs: int
    outputs: int
    continuous: int
    components: int
    length: int
    batch: int

    @property
    def widths(self) -> list[int]:
        """Number of features, of units of each hidden layer, and of output units."""
        return [self.inputs + self.continuous * (self.length - 1), *self.settings.hidden, self.outputs]

    @property
    def weights(self) -> int:
        """Number of weights."""
        dense = sum((before + 1) * after for before, after in pairwise(self.widths))
        return dense + self.continuous * self.components * self.length


def network_sizes(
    spec: PipelineSpec, problem: Problem, table: pd.DataFrame, target: pd.Series[Any] | pd.DataFrame
) -> NetworkSizes:
    """Return the sizes of the networks of a pipeline.

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
    NetworkSizes
        Sizes.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.build import competition_of
    >>> from tabular_dl.spec.reader import load_spec
    >>> spec = load_spec("wine")
    >>> train = competition_of(spec).train
    >>> network_sizes(spec, get_problem("multiclass"), train, train["cultivar"]).widths
    [13, 32, 16, 3]
    """
    estimator = KerasClassifier if problem.classification else KerasRegressor
    settings = estimator(**network_settings(spec)).resolved()
    inputs = max(1, sum(_width(rule, spec, table, settings) for rule in spec.columns))
    outputs = output_units(problem, target)
    embedded = settings.numeric_embedding != "none"
    numbers = sum(_continuous(rule, spec, table) for rule in spec.columns) if embedded else 0
    batch = min(len(table), settings.rows_a_step(len(table)))
    return NetworkSizes(settings, inputs, outputs, numbers, *_embedding(settings), batch)


def _embedding(settings: Hyperparameters) -> tuple[int, int]:
    """Return the number of bins or frequencies of a numeric embedding, and the length of its vectors."""
    if settings.numeric_embedding == "piecewise_linear":
        return settings.bins, settings.numeric_embedding_size
    periodic = settings.numeric_embedding == "periodic"
    return settings.frequencies, 2 * settings.frequencies if periodic else settings.numeric_embedding_size


def _continuous(rule: ColumnRule, spec: PipelineSpec, table: pd.DataFrame) -> int:
    """Return the number of inputs of a rule that are numbers of more than two values."""
    if rule.encode != "none":
        return 0
    names = [name for name in resolve(rule.columns, table.columns, unmatched_columns(spec)) if name in table]
    return sum(int(table[name].nunique() > 2) for name in names)


def _width(rule: ColumnRule, spec: PipelineSpec, table: pd.DataFrame, settings: Hyperparameters) -> int:
    """Return the number of inputs that a rule makes."""
    names = [name for name in resolve(rule.columns, table.columns, unmatched_columns(spec)) if name in table]
    flags = len(names) if rule.missing_flag else 0
    if rule.encode == "hash" or (rule.encode == "onehot" and rule.buckets):
        return flags + sum(min(table[name].nunique(), rule.buckets or BUCKETS) for name in names)
    if rule.encode == "onehot":
        counts = [pd.Series(read_categories(table[name])).value_counts() for name in names]
        return flags + sum(int((count >= rule.rare).sum()) for count in counts)
    if rule.encode in CODES:
        size = settings.embedding_size
        return flags + len(names) * (VECTOR if size == "auto" else size)
    if rule.encode == "piecewise":
        return flags + sum(_bins(rule, table[name]) for name in names)
    if rule.encode == "text":
        return flags + len(names) * (rule.components or COMPONENTS)
    return flags + len(names) * (len(rule.smoothing) if isinstance(rule.smoothing, tuple) else 1)


def _bins(rule: ColumnRule, column: pd.Series[Any]) -> int:
    """Return the number of bins of a column; the least for those of a tree, which depend on the target."""
    numbers = read_numbers(column.dropna(), f"column {column.name!r}", "")
    edges = bin_edges(numbers, rule.bins or BINS) if len(numbers) else numbers
    return min(max(0, len(edges) - 1), 1 if rule.bin_strategy == "tree" else len(edges))

"""Validation of the target and the threshold of a specification."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems import METRICS, NEED_ALL, Bounded, Indicators, Metric, Problem
from tabular_dl.spec.build import metric_of
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.tables import LARGEST

__all__ = ["check_target", "check_threshold"]

MOST_LABELS = 50  # of numbers that a metric of labels scores


def check_threshold(spec: PipelineSpec, problem: Problem, metric: Metric) -> None:
    """Raise an error for a threshold that the problem or the metric cannot use.

    Raises
    ------
    SpecError
        If there is a threshold, but not two classes; or it is to be chosen by a metric that does not score labels.
    """
    if spec.threshold is None:
        return
    subject = f"pipeline {spec.name}: threshold: {spec.threshold}"
    if not problem.two_classes:
        raise SpecError(f"{subject} decides between two classes, unlike problem: {problem.name}. Remove it.")
    if spec.threshold == "auto" and metric.looks_at != "labels":
        usable = ", ".join(name for name, m in METRICS.items() if m.looks_at == "labels" and m.scores(problem))
        raise SpecError(
            f"{subject} needs a metric of labels ({usable}); {metric.name} is one of {metric.looks_at}. Remove it, or "
            "write a number."
        )


def check_target(spec: PipelineSpec, problem: Problem, y: pd.Series[Any] | pd.DataFrame, where: str) -> None:
    """Raise an error for a target that does not fit the type of problem, or has too few rows for the folds.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    y : Series of shape (rows,), or DataFrame of shape (rows, targets)
        Target, or several.
    where : str
        Name of the table in messages.

    Raises
    ------
    DataError
        If there are too few rows or classes, or a value is invalid; the message names table, column, row and value.
    SpecError
        If the type of problem, or a rule, does not suit the number of targets.
    """
    own_folds = spec.ensemble.split == "column"  # as many as the column has values
    if len(y) < spec.ensemble.folds and not own_folds:
        raise DataError(
            f"{where} has {len(y)} rows, fewer than the {spec.ensemble.folds} folds: set ensemble.folds lower."
        )
    _check_number_of_targets(spec, problem)
    for name, (_, column) in zip(spec.data.targets, pd.DataFrame(y).items(), strict=True):
        subject = f"{where}, column {name} (the target)"
        missing = column.index[column.isna()]
        if problem.classification and len(missing):
            raise DataError(f"{subject}, row {missing[0]} has no value ({len(missing):,} such rows): {NEED_ALL}")
        if problem.coding is Indicators:
            _check_indicators(column, subject)
        if problem.classification:
            _check_classes(spec, problem, column, subject)
        else:
            several = len(spec.data.targets) > 1 and len(missing) < len(column)
            _check_numbers(spec, problem, column.dropna() if several else column, subject)


def _check_number_of_targets(spec: PipelineSpec, problem: Problem) -> None:
    """Raise an error if the type of problem, or a rule, does not suit the number of targets."""
    names = spec.data.targets
    if len(names) == 1 and problem.each:
        raise SpecError(
            f"pipeline {spec.name}: problem: {problem.name} needs several targets, but data.target names one, "
            f"{names[0]}. Write problem: {problem.each}, or a list under data.target."
        )
    if len(names) > 1 and problem.classification and not problem.each:
        raise SpecError(
            f"pipeline {spec.name}: problem: {problem.name} is for one target, but data.target names {len(names)}: "
            f"{spec.data.target_names}. Write problem: auto."
        )
    if len(names) > 1 and not problem.classification and metric_of(spec, problem).looks_at == "labels":
        raise SpecError(
            f"pipeline {spec.name}: metric: {metric_of(spec, problem).name} cuts the numbers of one target into "
            f"labels, but data.target names {len(names)}. Write problem: multioutput, or a metric of numbers."
        )
    if len(names) > 1 and {**spec.network, **spec.training}.get("class_weight") is not None:
        raise SpecError(
            f"pipeline {spec.name}: class_weight is for one target, but data.target names {len(names)}. Leave it out."
        )
    for place, rule in enumerate(spec.columns, start=1):
        if len(names) > 1 and rule.encode == "target":
            raise SpecError(
                f"pipeline {spec.name}: rule {place} of columns: encode: target is for one target, but data.target "
                f"names {len(names)}. Write encode: onehot, embedding or frequency."
            )


def _check_indicators(y: pd.Series[Any], subject: str) -> None:
    wrong = y[~y.isin([0, 1])]
    if len(wrong):
        raise DataError(
            f"{subject}, row {wrong.index[0]}: expected 0 or 1 for problem: multilabel, found {wrong.tolist()[0]!r}. "
            "Correct it, or write problem: auto."
        )


def _check_numbers(spec: PipelineSpec, problem: Problem, y: pd.Series[Any], subject: str) -> None:
    invalid = y[~pd.to_numeric(y, errors="coerce").abs().le(LARGEST)]
    if len(invalid):
        raise DataError(
            f"{subject}, row {invalid.index[0]}: expected a finite number for problem: {problem.name}, "
            f"found {invalid.tolist()[0]!r}. Correct it, or name another problem."
        )
    numbers, metric = pd.to_numeric(y), metric_of(spec, problem)
    metric.check_numbers(numbers.to_numpy(), subject, list(y.index))
    if metric.looks_at == "labels":
        _check_labels(metric, numbers, subject)
    transform = {**spec.network, **spec.training}.get("target_transform")
    if transform is not None and (numbers < 0).any():
        below = numbers[numbers < 0]
        raise DataError(
            f"{subject}, row {below.index[0]}: target_transform: {transform} is for numbers from 0 on, found "
            f"{below.iloc[0]}. Correct it, or leave target_transform out."
        )
    if issubclass(problem.coding, Bounded):
        low, high = {**spec.network, **spec.training}.get("bounds") or (0, 1)
        outside = y[~numbers.between(low, high)]
        if len(outside):
            raise DataError(
                f"{subject}, row {outside.index[0]}: expected a number between the bounds {low} and {high}, found "
                f"{outside.tolist()[0]!r}. Correct it, or set network.bounds."
            )


def _check_labels(metric: Metric, numbers: pd.Series[Any], subject: str) -> None:
    """Raise an error for numbers that no cut points make labels of."""
    fractions = numbers[numbers % 1 != 0]
    if len(fractions):
        raise DataError(
            f"{subject}, row {fractions.index[0]}: {metric.name} scores whole numbers as labels, found "
            f"{fractions.iloc[0]}. Correct it, or choose another metric."
        )
    different = numbers.nunique()
    if not 2 <= different <= MOST_LABELS:
        raise DataError(
            f"{subject} has {different} different values; {metric.name} scores labels, of which it takes 2 to "
            f"{MOST_LABELS}. Choose another metric."
        )


def _check_classes(spec: PipelineSpec, problem: Problem, y: pd.Series[Any], subject: str) -> None:
    fractions = y[y % 1 != 0] if y.dtype.kind == "f" else y.head(0)
    if len(fractions):
        raise DataError(
            f"{subject}, row {fractions.index[0]}: expected a label for problem: {problem.name}, found "
            f"{fractions.tolist()[0]!r}, which is not a whole number. Write problem: regression, or correct it."
        )
    metric = metric_of(spec, problem)
    if metric.ordered and not problem.two_classes and y.dtype.kind not in "iuf":
        raise DataError(
            f"{subject}: {metric.name} is for ordered labels, and texts such as {y.iloc[0]!r} have no order: write "
            "them as 0, 1, 2..., or choose another metric."
        )
    if metric.by_query and y.dtype.kind in "iuf":
        metric.check_numbers(y.to_numpy(), subject, list(y.index))
    counts, folds = y.value_counts(), spec.ensemble.folds
    if problem.two_classes and len(counts) != 2:
        raise DataError(
            f"{subject} has {len(counts)} different values: problem: {problem.name} needs two. Write problem: auto."
        )
    if counts.min() < folds and spec.ensemble.split != "column":
        rarest = counts.index.tolist()[counts.argmin()]
        raise DataError(
            f"{subject}: the class {rarest!r} has {counts.min()} rows, fewer than the {folds} folds. Every "
            "fold needs one: set ensemble.folds lower, or join rare classes."
        )

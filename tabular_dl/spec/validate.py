"""Whether tables and specification fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.model_selection import group_codes
from tabular_dl.preprocessing import DerivedFeatures, check_columns, columns_read
from tabular_dl.problems import METRICS, Bounded, Indicators, Metric, Problem
from tabular_dl.spec.build import columns_named, metric_of, unmatched_columns
from tabular_dl.spec.reader import PipelineSpec

__all__ = ["check_rows", "check_target", "check_threshold", "groups_of"]


def check_threshold(spec: PipelineSpec, problem: Problem, metric: Metric) -> None:
    """Refuse a threshold where there are no two classes, or a metric that none could be chosen by.

    Raises
    ------
    SpecError
        If the threshold cannot be used.
    """
    if spec.threshold is None:
        return
    subject = f"pipeline {spec.name}: threshold: {spec.threshold}"
    if not problem.classification or problem.units(3) != 1:
        raise SpecError(f"{subject} decides between two classes, and problem: {problem.name} is another: remove it.")
    if spec.threshold == "auto" and metric.looks_at != "labels":
        usable = ", ".join(name for name, m in METRICS.items() if m.looks_at == "labels" and problem.name in m.problems)
        raise SpecError(
            f"{subject} is chosen by a metric of labels ({usable}), and {metric.name} looks at {metric.looks_at}: "
            "remove it, or write a number."
        )


def check_target(spec: PipelineSpec, problem: Problem, y: pd.Series[Any], where: str) -> None:
    """Refuse a target that does not fit the type of problem, or has too few rows for the folds.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    problem : Problem
        The type of problem.
    y : Series of shape (rows,)
        The target.
    where : str
        The table's name in messages.

    Raises
    ------
    DataError
        Naming the file and the target, what was expected, what was found and what to do.
    """
    subject, folds = f"{where}, column {spec.data.target} (the target)", spec.ensemble.folds
    if len(y) < folds:
        raise DataError(f"{where} has {len(y)} rows, fewer than the {folds} folds: set ensemble.folds lower.")
    if problem.coding is Indicators:
        raise SpecError(
            f"problem: {problem.name} has several target columns, and a pipeline file names one. Take KerasClassifier "
            "from Python."
        )
    if not problem.classification:
        wrong = y[~pd.to_numeric(y, errors="coerce").abs().lt(float("inf"))]
        if len(wrong):
            raise DataError(
                f"{subject}, row {wrong.index[0]}: expected a finite number for problem: {problem.name}, "
                f"found {wrong.tolist()[0]!r}. Correct it, or name another problem."
            )
        numbers = pd.to_numeric(y)
        metric_of(spec, problem).check_numbers(numbers.to_numpy(), subject, list(y.index))
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
        return
    fractions = y[y % 1 != 0] if y.dtype.kind == "f" else y.head(0)
    if len(fractions):
        raise DataError(
            f"{subject}, row {fractions.index[0]}: expected a label for problem: {problem.name}, found "
            f"{fractions.tolist()[0]!r}, which is no whole number. Write problem: regression, or correct it."
        )
    counts = y.value_counts()
    if problem.units(3) == 1 and len(counts) != 2:
        raise DataError(
            f"{subject} has {len(counts)} different values: problem: {problem.name} needs two. Write problem: auto."
        )
    if counts.min() < folds:
        rarest = counts.index.tolist()[counts.argmin()]
        raise DataError(
            f"{subject}: the class {rarest!r} has {counts.min()} rows, fewer than the {folds} folds. Every "
            "fold needs one: set ensemble.folds lower, or join rare classes."
        )


def groups_of(spec: PipelineSpec, train: pd.DataFrame, where: str) -> np.ndarray | None:
    """Return what each training row belongs to, as numbers from 0, or None where the pipeline says nothing of it.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    train : DataFrame of shape (rows, columns)
        Raw rows.
    where : str
        The table's name in messages.

    Raises
    ------
    SpecError
        If it is the target.
    DataError
        If there is no such column, a row has no value in it, or there are fewer groups than folds.
    """
    name, folds = spec.ensemble.group, spec.ensemble.folds
    if name is None:
        return None
    if name == spec.data.target:
        raise SpecError(f"pipeline {spec.name}: ensemble.group: {name!r} is the target. Name what rows belong to.")
    if name not in train:
        hint = did_you_mean(name, [str(column) for column in train if column != spec.data.target])
        raise DataError(f"{where}: there is no column {name!r}, which ensemble.group names. {hint}")
    codes = group_codes(train[name], f"{where}, column {name}")
    if codes.max() + 1 < folds:
        raise DataError(
            f"{where}, column {name} (ensemble.group): {codes.max() + 1} different values are fewer than the {folds} "
            "folds: set ensemble.folds lower, or name another column."
        )
    return codes


def check_rows(
    spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = True, training: pd.DataFrame | None = None
) -> None:
    """Refuse raw rows that a pipeline cannot be applied to.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    rows : DataFrame of shape (rows, columns)
        Raw rows, without the target.
    where : str
        The table's name in messages.
    rest : bool
        Whether columns that the pipeline does not name count as a mistake, if the pipeline says so.
    training : DataFrame, optional
        The rows that features are learned from, where they are others: dates have to be written as there.

    Raises
    ------
    SpecError
        If a rule or a feature names the target or the id.
    DataError
        Naming file, column, row and value.
    """
    named = {*columns_named(spec, ()), *spec.features}
    if spec.data.target in named:
        raise SpecError(f"pipeline {spec.name}: the target {spec.data.target!r} cannot be a feature too: remove it.")
    # A part of an id may well say something (a travelling group, a site): `from` with `extract` is fine.
    whole = {name: feature for name, feature in spec.features.items() if "extract" not in feature}
    in_rules = [name for rule in spec.columns for name in rule.columns]
    if spec.data.id in {*columns_read(whole), *spec.features, *in_rules}:
        raise SpecError(
            f"pipeline {spec.name}: the id {spec.data.id!r} cannot be a feature: it tells rows apart and teaches "
            "nothing about others. Take a part of it by `from` and `extract`, or leave it out."
        )
    try:
        table = _with_features(spec, rows, training)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    aside = (spec.data.id, spec.ensemble.group)
    ignore = [name for name in (*columns_read(spec.features), *aside, *spec.features) if name]
    check_columns(spec.columns, spec.rest if rest else "drop", table, where, ignore, unmatched_columns(spec))


def _with_features(spec: PipelineSpec, rows: pd.DataFrame, training: pd.DataFrame | None) -> pd.DataFrame:
    """Add the derived columns to raw rows, learned from training rows if they are given."""
    read = [] if training is None else [name for name in columns_read(spec.features) if name in training]
    # Without a column that features read, a fit on these rows says best what is missing.
    if training is None or not read or not set(read) <= set(rows.columns):
        return DerivedFeatures(spec.features).fit_transform(rows)
    # Rows to predict may lack columns that nothing reads.
    derived = DerivedFeatures(spec.features).fit(training[read]).transform(rows)[list(spec.features)]
    return pd.concat([rows.drop(columns=list(spec.features), errors="ignore"), derived], axis=1)

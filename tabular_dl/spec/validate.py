"""Validation of tables against a specification.

raw rows -> derived features, learned from training rows once -> faults, and the table that rules read
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, SpecError, did_you_mean, nearest
from tabular_dl.model_selection import group_codes
from tabular_dl.preprocessing import DerivedFeatures, column_faults, columns_read
from tabular_dl.problems import METRICS, Bounded, Indicators, Metric, Problem
from tabular_dl.spec.build import metric_of, unmatched_columns
from tabular_dl.spec.reader import PipelineSpec

__all__ = [
    "CheckedRows",
    "Fault",
    "check_rows",
    "check_target",
    "check_threshold",
    "groups_of",
    "needed_features",
    "validate_rows",
]

Features = Mapping[str, dict[str, Any]]


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
        usable = ", ".join(name for name, m in METRICS.items() if m.looks_at == "labels" and problem.name in m.problems)
        raise SpecError(
            f"{subject} needs a metric of labels ({usable}); {metric.name} is one of {metric.looks_at}. Remove it, or "
            "write a number."
        )


def check_target(spec: PipelineSpec, problem: Problem, y: pd.Series[Any], where: str) -> None:
    """Raise an error for a target that does not fit the type of problem, or has too few rows for the folds.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    y : Series of shape (rows,)
        Target.
    where : str
        Name of the table in messages.

    Raises
    ------
    DataError
        If there are too few rows or classes, or a value is invalid; the message names table, column, row and value.
    SpecError
        If the type of problem has several targets.
    """
    subject, folds = f"{where}, column {spec.data.target} (the target)", spec.ensemble.folds
    if len(y) < folds:
        raise DataError(f"{where} has {len(y)} rows, fewer than the {folds} folds: set ensemble.folds lower.")
    if problem.coding is Indicators:
        raise SpecError(
            f"problem: {problem.name} needs several target columns, but a pipeline file has one. Use KerasClassifier "
            "in Python."
        )
    if not problem.classification:
        invalid = y[~pd.to_numeric(y, errors="coerce").abs().lt(float("inf"))]
        if len(invalid):
            raise DataError(
                f"{subject}, row {invalid.index[0]}: expected a finite number for problem: {problem.name}, "
                f"found {invalid.tolist()[0]!r}. Correct it, or name another problem."
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
            f"{fractions.tolist()[0]!r}, which is not a whole number. Write problem: regression, or correct it."
        )
    counts = y.value_counts()
    if problem.two_classes and len(counts) != 2:
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
    """Return the group of each training row, by the column ``ensemble.group``; `where` names the table in messages.

    Returns
    -------
    ndarray of shape (rows,) or None
        Number of each row's group, from 0; None if the pipeline has no groups.

    Raises
    ------
    SpecError
        If the column is the target.
    DataError
        If the column does not exist or has missing values, or there are fewer groups than folds.
    """
    name, folds = spec.ensemble.group, spec.ensemble.folds
    if name is None:
        return None
    if name == spec.data.target:
        raise SpecError(f"pipeline {spec.name}: ensemble.group: {name!r} is the target. Name another column.")
    if name not in train:
        hint = did_you_mean(name, [str(column) for column in train if column != spec.data.target])
        raise DataError(f"{where}: there is no column {name!r}, which ensemble.group names. {hint}")
    codes = group_codes(train[name], f"{where}, column {name}")
    if codes.max() + 1 < folds:
        raise DataError(
            f"{where}, column {name} (ensemble.group): {codes.max() + 1} different values are fewer than the {folds} "
            "folds. Set ensemble.folds lower, or name another column."
        )
    return codes


@dataclass(frozen=True)
class Fault:
    """Reason why a pipeline cannot be applied to a table.

    Attributes
    ----------
    code : {"role", "feature", "unnamed", "column"}
        Target or id used as a feature; derived feature that cannot be computed; columns that no rule names; columns
        that a rule cannot read.
    message : str
        Table, column, row, actual and expected value, and what to do.
    columns : tuple of str
        Columns and features concerned.
    rule : int or None
        Index, from 0, of the rule that cannot read the columns.
    """

    code: Literal["role", "feature", "unnamed", "column"]
    message: str
    columns: tuple[str, ...]
    rule: int | None = None


@dataclass(frozen=True)
class CheckedRows:
    """Rows of a table with the result of their validation.

    Attributes
    ----------
    rows : DataFrame of shape (rows, columns)
        Raw rows.
    table : DataFrame of shape (rows, columns + features)
        Raw columns and the derived features that can be computed. Not for training, since the features are learned from
        all training rows instead of those of each fold.
    features : DerivedFeatures or None
        Fitted transformer of the derived features; None if there are none.
    faults : tuple of Fault
        Faults; empty if the pipeline can be applied.
    unusable : frozenset of str
        Features that cannot be computed, and columns that cannot be features.
    """

    rows: pd.DataFrame
    table: pd.DataFrame
    features: DerivedFeatures | None
    faults: tuple[Fault, ...]
    unusable: frozenset[str]


def validate_rows(
    spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = True, training: CheckedRows | None = None
) -> CheckedRows:
    """Return raw rows with all faults that keep a pipeline from being applied to them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    rows : DataFrame of shape (rows, columns)
        Raw rows without the target.
    where : str
        Name of the table in messages.
    rest : bool, default=True
        Whether columns that the pipeline does not name are a fault, if the pipeline has ``rest: error``.
    training : CheckedRows, optional
        Validated training rows, if `rows` are others. Features are learned from them, so dates must have the same
        format, and faults of the pipeline itself are not reported again.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> rows = pd.DataFrame({"alcohol": [12.5], "ash": ["grey"]})
    >>> wine = load_spec("wine", ["columns.0.columns=[alcohol, ash]"])
    >>> [(fault.code, fault.columns) for fault in validate_rows(wine, rows, "train.csv").faults]
    [('column', ('ash',))]
    """
    faults = list(_role_faults(spec)) if training is None else []
    unusable = {name for fault in faults for name in fault.columns} | (training.unusable if training else set())
    features = {name: feature for name, feature in spec.features.items() if name not in unusable}
    try:
        transformer, table = _derive(features, rows, training)
    except DataError:
        # Computed one by one, so that all features that fail are found and the others can be used.
        broken = dict(_feature_faults(features, rows, training))
        faults += [Fault("feature", f"{where}: {message}", tuple(names)) for message, names in broken.items()]
        unusable |= {name for names in broken.values() for name in names}
        features = {name: feature for name, feature in features.items() if name not in unusable}
        transformer, table = _derive(features, rows, training)
    faults += _column_faults(spec, table, where, rest=rest, unusable=unusable)
    return CheckedRows(rows, table, transformer, tuple(faults), frozenset(unusable))


def check_rows(spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = True) -> None:
    """Raise an error for raw rows that a pipeline cannot be applied to; the parameters are those of `validate_rows`.

    Raises
    ------
    SpecError
        If a rule or a feature names the target or the id.
    DataError
        If there are other faults; each has a line of the message that names file, column, row and value.
    """
    faults = validate_rows(spec, rows, where, rest=rest).faults
    roles = [fault.message for fault in faults if fault.code == "role"]
    if roles:
        raise SpecError("\n".join(roles))
    if faults:
        raise DataError("\n".join(dict.fromkeys(fault.message for fault in faults)))


def needed_features(features: Features, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the features among the given names, and the earlier features that they are computed from.

    Examples
    --------
    >>> features = {"Area": {"eval": "a * b"}, "Deck": {"from": "Cabin"}, "Twice": {"eval": "2 * Area"}}
    >>> list(needed_features(features, ["Twice", "Fare"]))
    ['Area', 'Twice']
    """
    needed, selected = set(names), {}
    for name in reversed([*features]):
        if name in needed:
            selected[name] = features[name]
            needed |= {*columns_read({name: features[name]})}
    return dict(reversed(selected.items()))


def _role_faults(spec: PipelineSpec) -> Iterator[Fault]:
    """Yield a fault if the target or the id is used as a feature, or a feature is computed from it."""
    target, identifier = spec.data.target, spec.data.id
    in_rules = {name for rule in spec.columns for name in rule.columns}
    users = _users(spec.features, target, in_rules)
    if users:
        message = f"pipeline {spec.name}: the target {target!r} cannot be a feature too: remove it."
        yield Fault("role", message, users)
    # A part of an id may be informative, such as a travelling group or a site.
    of_entire_columns = {name: feature for name, feature in spec.features.items() if "extract" not in feature}
    users = () if identifier is None else _users(of_entire_columns, identifier, in_rules)
    if users:
        message = (
            f"pipeline {spec.name}: the id {identifier!r} cannot be a feature, since other rows have other ids. Take a "
            "part of it by `from` and `extract`, or leave it out."
        )
        yield Fault("role", message, users)


def _users(features: Features, column: str, in_rules: Collection[str]) -> tuple[str, ...]:
    """Return the column itself, if a rule or a feature has its name, and the features that are computed from it."""
    readers = [name for name in features if column in columns_read(needed_features(features, [name]))]
    return tuple(dict.fromkeys([*([column] if column in in_rules or column in features else []), *readers]))


def _derive(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None
) -> tuple[DerivedFeatures | None, pd.DataFrame]:
    """Return the transformer of derived features, fitted on training rows if given, and rows with the features added.

    A feature that cannot be computed raises a `DataError`.
    """
    if not features:
        return None, rows
    fit_rows = rows if training is None else training.rows
    # Rows to predict may lack columns that no feature reads. If they lack one that a feature reads, fitting on the rows
    # themselves raises the error that names it.
    read = [name for name in columns_read(features) if name in fit_rows]
    if not {*read} <= {*rows.columns} or not _is_complete(features, rows.columns):
        fit_rows, read = rows, [*rows.columns]
    fitted = training.features if training is not None and fit_rows is not rows else None
    if fitted is not None and fitted.features == features:
        transformer, derived = fitted, fitted.transform(rows[read])
    else:
        transformer = DerivedFeatures(dict(features))
        derived = transformer.fit_transform(fit_rows[read])
        if fit_rows is not rows:
            derived = transformer.transform(rows[read])
    table: dict[Any, Any] = dict(rows.items())
    return transformer, pd.DataFrame(table | {name: derived[name] for name in features})


def _is_complete(features: Features, columns: Iterable[str]) -> bool:
    """Return whether every feature reads only columns and earlier features."""
    known = {*columns}
    for name, feature in features.items():
        if not {*columns_read({name: feature})} <= known:
            return False
        known.add(name)
    return True


def _feature_faults(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None
) -> Iterator[tuple[str, list[str]]]:
    """Yield the error messages of features that cannot be computed, each with the names of these features."""
    reasons: dict[str, list[str]] = {}
    for name in features:
        try:
            _derive(needed_features(features, [name]), rows, training)
        except DataError as error:
            reasons.setdefault(str(error), []).append(name)
    yield from reasons.items()


def _column_faults(
    spec: PipelineSpec, table: pd.DataFrame, where: str, *, rest: bool, unusable: Collection[str]
) -> Iterator[Fault]:
    """Yield faults of columns that a rule cannot read, or that no rule names; unusable columns are left out."""
    rules = {
        place: rule.model_copy(update={"columns": names})
        for place, rule in enumerate(spec.columns)
        if (names := tuple(name for name in rule.columns if name not in unusable))
    }
    if not rules:
        return
    places = list(rules)
    read = columns_read(spec.features)
    mistyped = [nearest(name, table.columns) for name in read if name not in table and name not in spec.features]
    ignored = [spec.data.id, spec.ensemble.group, *read, *spec.features, *mistyped, *unusable]
    faults = column_faults(
        list(rules.values()),
        spec.rest if rest else "drop",
        table,
        where,
        [name for name in ignored if name is not None],
        unmatched_columns(spec),
    )
    for fault in faults:
        if fault.rule is None:
            yield Fault("unnamed", fault.message, fault.columns)
        else:
            yield Fault("column", fault.message, fault.columns, places[fault.rule])

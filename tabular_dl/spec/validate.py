"""Validation of tables against a specification.

raw rows -> derived features, learned from training rows once -> faults, and the table that rules read
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, SpecError, UserError, nearest
from tabular_dl.preprocessing import DerivedFeatures, PythonFeatures, column_faults, columns_read, missing_names
from tabular_dl.spec.build import reads_missing
from tabular_dl.spec.python_references import python_features
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.used_columns import columns_used, unmatched_columns

__all__ = [
    "CheckedRows",
    "Fault",
    "check_rows",
    "needed_features",
    "validate_rows",
]

Features = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """Reason why a pipeline cannot be applied to a table.

    Attributes
    ----------
    code : {"role", "feature", "python", "unnamed", "column"}
        Target or id used as a feature; derived feature that cannot be computed; error of the user's Python; columns
        that no rule names; columns that a rule cannot read.
    message : str
        Table, column, row, actual and expected value, and what to do.
    columns : tuple of str
        Columns and features concerned.
    rule : int or None
        Index, from 0, of the rule that cannot read the columns.
    """

    code: Literal["role", "feature", "python", "unnamed", "column"]
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
        Raw columns and the features that can be computed. Not for training, since the features are learned from all
        training rows instead of those of each fold.
    target : Series
        Target of the rows that features are learned from; missing where it is not known.
    features : DerivedFeatures or None
        Fitted transformer of the derived features; None if there are none.
    python : PythonFeatures or None
        Fitted step of ``features.python``; None if there is none, or it cannot be used.
    faults : tuple of Fault
        Faults; empty if the pipeline can be applied.
    unusable : frozenset of str
        Features that cannot be computed, and columns that cannot be features.
    """

    rows: pd.DataFrame
    table: pd.DataFrame
    target: pd.Series[Any]
    features: DerivedFeatures | None
    python: PythonFeatures | None
    faults: tuple[Fault, ...]
    unusable: frozenset[str]


def validate_rows(
    spec: PipelineSpec,
    rows: pd.DataFrame,
    where: str,
    *,
    rest: bool = True,
    training: CheckedRows | None = None,
    test: pd.DataFrame | None = None,
    target: pd.Series[Any] | None = None,
    python: bool = True,
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
    test : DataFrame of shape (test rows, columns), optional
        Rows that will be predicted, if `rows` are training rows: the user's Python gets columns that both have.
    target : Series of shape (rows,), optional
        Target of training rows, for features that are made from earlier targets; without it these are missing.
    python : bool, default=True
        Whether to execute the user's Python. Otherwise columns that no table has are taken for those that it adds.

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
    features = {name: feature for name, feature in spec.derived.items() if name not in unusable}
    missing = pd.Series(np.nan, index=rows.index)
    known_target = training.target if training is not None else (missing if target is None else target)
    known_target = known_target.rename(spec.data.only_target)
    try:
        transformer, table = _derive(features, rows, training, known_target)
    except DataError:
        # Computed one by one, so that all features that fail are found and the others can be used.
        broken = dict(_feature_faults(features, rows, training, known_target))
        faults += [Fault("feature", f"{where}: {message}", tuple(names)) for message, names in broken.items()]
        unusable |= {name for names in broken.values() for name in names}
        features = {name: feature for name, feature in features.items() if name not in unusable}
        transformer, table = _derive(features, rows, training, known_target)
    step = None
    if spec.python_features is not None:
        try:
            if python and not unusable:
                step, table = _with_python(spec, table, rows, test, training)
        except UserError as error:
            faults.append(Fault("python", f"{where}: {error}", ()))
        if step is None:
            unusable |= _unknown_names(spec, table)
    faults += _column_faults(spec, table, where, rest=rest, unusable=unusable)
    return CheckedRows(rows, table, known_target, transformer, step, tuple(faults), frozenset(unusable))


def check_rows(spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = True) -> None:
    """Raise an error for raw rows that a pipeline cannot be applied to; the parameters are those of `validate_rows`.

    The user's Python is not executed: a fitted model does that.

    Raises
    ------
    SpecError
        If a rule or a feature names the target or the id.
    DataError
        If there are other faults; each has a line of the message that names file, column, row and value.
    """
    faults = validate_rows(spec, rows, where, rest=rest, python=False).faults
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
    """Yield a fault if a target, weight or id is used as a feature, or a feature is computed from it."""
    identifier, weight = spec.data.id, spec.data.weight
    in_rules = {name for rule in spec.columns for name in rule.columns}
    roles = [*(("target", name) for name in spec.data.targets), *([] if weight is None else [("weight", weight)])]
    for role, column in roles:
        # Features of earlier rows may read the target.
        users = _users(spec.derived, column, in_rules, column if role == "target" else None)
        if users:
            message = f"pipeline {spec.name}: the {role} {column!r} cannot be a feature too: remove it."
            yield Fault("role", message, users)
    fold = spec.ensemble.fold
    users = () if fold is None else _users(spec.derived, fold, in_rules)
    if users:
        message = (
            f"pipeline {spec.name}: {fold!r} is the fold of a row (ensemble.fold), which new rows do not have, and "
            "cannot be a feature: remove it."
        )
        yield Fault("role", message, users)
    # A part of an id may be informative, such as a travelling group or a site, or the hour of a time.
    of_entire_columns = {
        name: feature
        for name, feature in spec.derived.items()
        if not {"extract", "date"} & {*feature} and feature.get("time") != identifier
    }
    users = () if identifier is None else _users(of_entire_columns, identifier, in_rules)
    if users:
        message = (
            f"pipeline {spec.name}: the id {identifier!r} cannot be a feature, since other rows have other ids. Take a "
            "part of it by `from` and `extract` or `date`, or leave it out."
        )
        yield Fault("role", message, users)


def _users(features: Features, column: str, in_rules: Collection[str], target: str | None = None) -> tuple[str, ...]:
    """Return the column itself, if a rule or a feature has its name, and the features that are computed from it."""
    readers = [name for name in features if column in columns_read(needed_features(features, [name]), target)]
    return tuple(dict.fromkeys([*([column] if column in in_rules or column in features else []), *readers]))


def _derive(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None, target: pd.Series[Any]
) -> tuple[DerivedFeatures | None, pd.DataFrame]:
    """Return the transformer of derived features, fitted on training rows if given, and rows with the features added.

    The target is that of the rows that it is fitted on. A feature that cannot be computed raises a `DataError`.
    """
    name = str(target.name)
    if not features:
        return None, rows
    fit_rows = rows if training is None else training.rows
    # Rows to predict may lack columns that no feature reads. If they lack one that a feature reads, fitting on the rows
    # themselves raises the error that names it.
    read = [column for column in columns_read(features, name) if column in fit_rows]
    if not {*read} <= {*rows.columns} or not _is_complete(features, rows.columns, name):
        fit_rows, read = rows, [*rows.columns]
    fitted = training.features if training is not None and fit_rows is not rows else None
    if fitted is not None and fitted.features == features:
        transformer, derived = fitted, fitted.transform(rows[read])
    else:
        transformer = DerivedFeatures(dict(features), name)
        fit_target = target if target.index.equals(fit_rows.index) else pd.Series(np.nan, index=fit_rows.index)
        derived = transformer.fit_transform(fit_rows[read], fit_target)
        if fit_rows is not rows:
            derived = transformer.transform(rows[read])
    table: dict[Any, Any] = dict(rows.items())
    return transformer, pd.DataFrame(table | {feature: derived[feature] for feature in features})


def _with_python(
    spec: PipelineSpec,
    table: pd.DataFrame,
    rows: pd.DataFrame,
    test: pd.DataFrame | None,
    training: CheckedRows | None,
) -> tuple[PythonFeatures | None, pd.DataFrame]:
    """Return the step of ``features.python``, fitted on training rows, and a table with the columns that it adds.

    The step is None if the table lacks columns, which are faults of their own, or if training rows had a fault.
    """
    if training is not None:
        step = training.python
        if step is None or not {*step.feature_names_in_} <= {*table.columns}:
            return None, table
        result = step.transform(table[[*step.feature_names_in_]])
    else:
        step = python_features(spec)
        used = {*columns_used(spec, rows, test), *spec.derived}
        if step is None:
            return None, table
        result = step.fit_transform(table[[name for name in table.columns if name in used]])
    return step, table.assign(**{name: result[name] for name in step.columns_})


def _unknown_names(spec: PipelineSpec, table: pd.DataFrame) -> set[str]:
    """Return the names and patterns of rules that select no column, so that the user's Python may add them."""
    never = unmatched_columns(spec)
    return {name for rule in spec.columns for name in missing_names(rule.columns, table.columns, never)}


def _is_complete(features: Features, columns: Iterable[str], target: str) -> bool:
    """Return whether every feature reads only columns, earlier features and earlier targets."""
    available = {*columns}
    for name, feature in features.items():
        if not {*columns_read({name: feature}, target)} <= available:
            return False
        available.add(name)
    return True


def _feature_faults(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None, target: pd.Series[Any]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the error messages of features that cannot be computed, each with the names of these features."""
    reasons: dict[str, list[str]] = {}
    for name in features:
        try:
            _derive(needed_features(features, [name]), rows, training, target)
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
    read = columns_read(spec.derived, spec.data.only_target)
    mistyped = [nearest(name, table.columns) for name in read if name not in table and name not in spec.derived]
    keys = [spec.data.weight, spec.ensemble.group, spec.ensemble.time, spec.ensemble.fold]
    ignored = [spec.data.id, *keys, *read, *spec.derived, *mistyped, *unusable]
    faults = column_faults(
        list(rules.values()),
        spec.rest if rest else "drop",
        table,
        where,
        [name for name in ignored if name is not None],
        unmatched_columns(spec),
        missing=reads_missing(spec),
    )
    for fault in faults:
        if fault.rule is None:
            yield Fault("unnamed", fault.message, fault.columns)
        else:
            yield Fault("column", fault.message, fault.columns, places[fault.rule])

"""Whether tables and specification fit together.

raw rows -> derived features, learned from training rows once -> `Fault` by `Fault`, and the table that rules read
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


@dataclass(frozen=True)
class Fault:
    """One thing that keeps a pipeline from being applied to a table.

    Attributes
    ----------
    code : {"role", "feature", "unnamed", "column"}
        Whether target or id is used as a feature; a derived feature cannot be computed; no rule names some columns; or
        a rule cannot read its columns.
    message : str
        Which table, column, row and value, what was expected and what to do.
    columns : tuple of str
        The columns and features that it is about.
    rule : int or None
        The place, from 0, of the rule that cannot read them.
    """

    code: Literal["role", "feature", "unnamed", "column"]
    message: str
    columns: tuple[str, ...]
    rule: int | None = None


@dataclass(frozen=True)
class CheckedRows:
    """Rows of a table, and whether a pipeline can be applied to them.

    Attributes
    ----------
    rows : DataFrame of shape (rows, columns)
        Raw rows.
    table : DataFrame of shape (rows, columns and features)
        With the derived features that can be computed. Only for checks: features are learned from all training rows.
    features : DerivedFeatures or None
        What computed them; None where there are none.
    faults : tuple of Fault
        All that were found, empty if the pipeline can be applied.
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
    """Find all that keeps a pipeline from being applied to raw rows.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    rows : DataFrame of shape (rows, columns)
        Raw rows, without the target.
    where : str
        The table's name in messages.
    rest : bool
        Whether columns that the pipeline does not name count as a fault, if the pipeline says so.
    training : CheckedRows, optional
        The rows that features are learned from, where they are others: dates have to be written as there. What is
        wrong with the pipeline itself was found there, and is not found again.

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
        learned, table = _derive(features, rows, training)
    except DataError:
        # One feature that fails hides the others: each is computed alone, and those that can be are used.
        broken = dict(_feature_faults(features, rows, training))
        faults += [Fault("feature", f"{where}: {message}", tuple(names)) for message, names in broken.items()]
        unusable |= {name for names in broken.values() for name in names}
        features = {name: feature for name, feature in features.items() if name not in unusable}
        learned, table = _derive(features, rows, training)
    faults += _column_faults(spec, table, where, rest=rest, unusable=unusable)
    return CheckedRows(rows, table, learned, tuple(faults), frozenset(unusable))


def check_rows(spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = True) -> None:
    """Refuse raw rows that a pipeline cannot be applied to; the parameters are those of `validate_rows`.

    Raises
    ------
    SpecError
        If a rule or a feature names the target or the id.
    DataError
        Naming file, column, row and value of each fault, a line each.
    """
    faults = validate_rows(spec, rows, where, rest=rest).faults
    roles = [fault.message for fault in faults if fault.code == "role"]
    if roles:
        raise SpecError("\n".join(roles))
    if faults:
        raise DataError("\n".join(dict.fromkeys(fault.message for fault in faults)))


def needed_features(features: Features, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the features among some names, with the earlier features that they are made from.

    Examples
    --------
    >>> features = {"Area": {"eval": "a * b"}, "Deck": {"from": "Cabin"}, "Twice": {"eval": "2 * Area"}}
    >>> list(needed_features(features, ["Twice", "Fare"]))
    ['Area', 'Twice']
    """
    wanted, kept = set(names), {}
    for name in reversed([*features]):
        if name in wanted:
            kept[name] = features[name]
            wanted |= {*columns_read({name: features[name]})}
    return dict(reversed(kept.items()))


def _role_faults(spec: PipelineSpec) -> Iterator[Fault]:
    """Yield whether the target, or the id, is a feature or what one is made from."""
    target, identifier = spec.data.target, spec.data.id
    in_rules = {name for rule in spec.columns for name in rule.columns}
    users = _users(spec.features, target, in_rules)
    if users:
        message = f"pipeline {spec.name}: the target {target!r} cannot be a feature too: remove it."
        yield Fault("role", message, users)
    # A part of an id may well say something (a travelling group, a site): `from` with `extract` is fine.
    whole = {name: feature for name, feature in spec.features.items() if "extract" not in feature}
    users = () if identifier is None else _users(whole, identifier, in_rules)
    if users:
        message = (
            f"pipeline {spec.name}: the id {identifier!r} cannot be a feature: it tells rows apart and teaches "
            "nothing about others. Take a part of it by `from` and `extract`, or leave it out."
        )
        yield Fault("role", message, users)


def _users(features: Features, column: str, in_rules: Collection[str]) -> tuple[str, ...]:
    """Name what uses a column: itself where it is a rule's or a feature's name, and features that it goes into."""
    readers = [name for name in features if column in columns_read(needed_features(features, [name]))]
    return tuple(dict.fromkeys([*([column] if column in in_rules or column in features else []), *readers]))


def _derive(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None
) -> tuple[DerivedFeatures | None, pd.DataFrame]:
    """Add derived columns to raw rows, learned from the training rows if they are given.

    Raises
    ------
    DataError
        If a feature cannot be computed.
    """
    if not features:
        return None, rows
    basis = rows if training is None else training.rows
    # Rows to predict may lack columns that no feature reads. Without one that they read, a fit says best which.
    read = [name for name in columns_read(features) if name in basis]
    if not {*read} <= {*rows.columns} or not _is_complete(features, rows.columns):
        basis, read = rows, [*rows.columns]
    known = training.features if training is not None and basis is not rows else None
    if known is not None and known.features == features:
        learned, derived = known, known.transform(rows[read])
    else:
        learned = DerivedFeatures(dict(features))
        derived = learned.fit_transform(basis[read])
        if basis is not rows:
            derived = learned.transform(rows[read])
    table: dict[Any, Any] = dict(rows.items())
    return learned, pd.DataFrame(table | {name: derived[name] for name in features})


def _is_complete(features: Features, columns: Iterable[str]) -> bool:
    """Whether each feature reads columns and earlier features only."""
    known = {*columns}
    for name, feature in features.items():
        if not {*columns_read({name: feature})} <= known:
            return False
        known.add(name)
    return True


def _feature_faults(
    features: Features, rows: pd.DataFrame, training: CheckedRows | None
) -> Iterator[tuple[str, list[str]]]:
    """Yield why features cannot be computed, each reason with the features that it keeps from being computed."""
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
    """Yield which rules cannot read which columns; what is unusable was found before."""
    kept = {
        place: rule.model_copy(update={"columns": names})
        for place, rule in enumerate(spec.columns)
        if (names := tuple(name for name in rule.columns if name not in unusable))
    }
    if not kept:
        return
    places = list(kept)
    read = columns_read(spec.features)
    mistyped = [nearest(name, table.columns) for name in read if name not in table and name not in spec.features]
    ignore = [spec.data.id, spec.ensemble.group, *read, *spec.features, *mistyped, *unusable]
    faults = column_faults(
        list(kept.values()),
        spec.rest if rest else "drop",
        table,
        where,
        [name for name in ignore if name is not None],
        unmatched_columns(spec),
    )
    for fault in faults:
        if fault.rule is None:
            yield Fault("unnamed", fault.message, fault.columns)
        else:
            yield Fault("column", fault.message, fault.columns, places[fault.rule])

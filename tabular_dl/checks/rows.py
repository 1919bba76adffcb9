"""Findings about rows and target: duplicate rows, leaks, drift, rare classes and small folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from tabular_dl.checks.drift import find_drift
from tabular_dl.checks.duplicate_rows import Overlap, find_overlap, find_twins, row_keys, shared_columns
from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import balanced_classes, ensemble_with, removal
from tabular_dl.checks.leakage import find_leaks
from tabular_dl.errors import listed
from tabular_dl.preprocessing import columns_read
from tabular_dl.problems import Metric, Problem
from tabular_dl.profiling import TimeOrder, class_balance, remedy, target_parts
from tabular_dl.spec import PipelineSpec, needed_features

__all__ = ["absent_findings", "drift_findings", "leak_findings", "same_row_findings", "target_findings"]

CLEAR_DRIFT = 0.6  # least area under the ROC curve; a smaller drift costs little, even if it is significant
MANY_TWINS = 0.01  # share of a table's rows from which equal rows are a warning
MANY_VALUES = 0.05  # number of values, as a share of the rows, from which a column distinguishes most rows
KNOWN = 0.5  # least share of a row's values that are known, for rows that are compared
FEWEST_ROWS_A_FOLD = 10
LEARNED = {"count", "by"}  # keys of features that are computed from groups of training rows
GROWING = {"elapsed", "year"}  # parts of dates that do not recur
SEASON = {"month", "dayofyear"}


def same_row_findings(
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    target: pd.Series[Any],
    id_column: str | None,
    names: tuple[str, str],
) -> Iterator[Finding]:
    """Yield findings about equal rows within the training table and across both tables.

    Rows are compared by all raw columns that both tables have, except id and target. If no column has many different
    values, equal rows are to be expected: the finding is then a note, unless test rows are in the training table more
    often than training rows have duplicates. Rows with more than half of their values missing are not compared.

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows; None without a test table.
    target : Series of shape (rows,)
        Target of the training rows.
    id_column : str or None
        Column that identifies rows.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
    """
    tables = [train] if test is None else [train, test]
    shared = shared_columns(tables, [id_column])
    if not shared:
        return
    # Rows with few known values may be equal by chance.
    known = [table.loc[table[shared].notna().mean(axis=1) >= KNOWN, shared] for table in tables]
    keys = [pd.Series(values, index=table.index) for values, table in zip(row_keys(*known), known, strict=True)]
    twins = find_twins(keys[0].to_numpy(), target[keys[0].index])
    plain = all(train[name].nunique() < MANY_VALUES * len(train) for name in shared)
    by = f"by all {len(shared)} columns" if len(shared) > 1 else "by the only column"
    by += " except id and target" if test is None else " that both tables have except id and target"
    if test is not None:
        overlap = find_overlap(*keys)
        natural = plain and twins.alike / len(train) > 0.5 * overlap.rows / len(test)
        yield from _overlap_finding(overlap, len(test), by, names, natural=natural)
    if twins.first:
        many = not plain and twins.rows >= MANY_TWINS * len(train)
        conflict = f"; {twins.conflicting:,} equal rows have different targets" if twins.conflicting else ""
        message = (
            f"{names[0]}: {twins.rows:,} of {len(train):,} rows equal an earlier row, {by} (row {twins.first[1]} is "
            f"row {twins.first[0]}){conflict}. Equal rows in different folds make the score too good."
        )
        fix = f"# keep one row of each in {names[0]}, unless they describe different things"
        yield Finding("warning" if many else "note", "twins", message, fix)


def _overlap_finding(overlap: Overlap, of: int, by: str, names: tuple[str, str], *, natural: bool) -> Iterator[Finding]:
    """Yield a finding about test rows that are in the training table; `natural` if they are to be expected."""
    if not overlap.first:
        return
    message = (
        f"{overlap.rows:,} of {of:,} rows of {names[1]} are also rows of {names[0]}, {by}: row {overlap.first[0]} is "
        f"row {overlap.first[1]} there."
    )
    if natural:
        yield Finding("note", "overlap", f"{message} Equal rows within {names[0]} are as frequent.")
        return
    level: Level = "warning" if overlap.rows >= MANY_TWINS * of else "note"
    message = f"{message} A model is trained on their targets, so a score on them is meaningless."
    fix = f"data: {{source: FOLDER}}  # with a {names[0]} without these rows"
    yield Finding(level, "overlap", message, fix)


def leak_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    target: pd.Series[Any],
    problem: Problem,
    where: str,
    order: TimeOrder | None = None,
) -> Iterator[Finding]:
    """Yield findings about columns that predict the target almost perfectly on their own.

    Times are known before the target, so that a trend or a season is no leak where test rows are of other times.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Training rows; columns that rules name, each of numbers or of text.
    target : Series of shape (rows,)
        Target of the training rows.
    problem : Problem
        Type of problem.
    where : str
        Name of the table in messages.
    order : TimeOrder, optional
        Order of training and test rows in time.

    Yields
    ------
    Finding
    """
    of_time = _time_columns(spec, train, order)
    rest = train[[name for name in train if name not in of_time]]
    for leak in find_leaks(rest, target, classification=problem.classification, seed=spec.seed):
        base = f" (always guessing the largest class: {leak.base:.3f})" if problem.classification else ""
        score = f"{leak.measure} {leak.score:.3f}{base}"
        message = (
            f"{where}, column {leak.column} alone predicts {target.name} with {score}: is it known before the "
            f"target is?{_sample_remark(leak.rows, len(train))}"
        )
        yield Finding("warning", "leak", message, removal(spec, [leak.column]))


def drift_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    test: pd.DataFrame,
    names: tuple[str, str],
    groups: tuple[pd.Series[Any], pd.Series[Any]] | None = None,
    order: TimeOrder | None = None,
) -> Iterator[Finding]:
    """Yield a finding if a model can distinguish test rows from training rows.

    Features that are computed from groups of training rows are left out. A training row is part of its own group and a
    test row is not, so these features always differ; cross-validation accounts for that. Columns of times are left out
    if the tables are of different times, which is no reason to take them out of the rules.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Training rows; columns that rules name, each of numbers or of text.
    test : DataFrame of shape (test rows, columns)
        Test rows with the same columns.
    names : tuple of (str, str)
        Names of both tables in messages.
    groups : pair of Series of shape (rows,) and (test rows,), optional
        Group of each row of both tables.
    order : TimeOrder, optional
        Order of the tables in time.

    Yields
    ------
    Finding
    """
    expected = [name for name, feature in spec.derived.items() if LEARNED & {*feature}] + _of_time(spec, train, order)
    rest = [name for name in train if name not in expected]
    drift = find_drift(train[rest], test[rest], spec.seed, groups)
    if drift is None or drift.auc < max(CLEAR_DRIFT, drift.chance):
        return
    causes = ", ".join(f"{name} (alone {area:.2f})" for name, area in drift.columns.items())
    remark = _sample_remark(sum(drift.rows), len(train) + len(test))
    message = (
        f"{names[1]} differs from {names[0]}: a random forest distinguishes their rows with an AUC of {drift.auc:.2f} "
        f"(0.5 means no difference), by {causes or 'several columns together'}.{remark}"
    )
    if order is not None and order.kind == "later":
        message = f"{message} Rows of later times may differ in whatever changes with time."
        yield Finding("note", "drift", message)
        return
    fix = removal(spec, list(drift.columns)) if drift.columns else ""
    yield Finding("warning", "drift", message, fix)


def _time_columns(spec: PipelineSpec, train: pd.DataFrame, order: TimeOrder | None) -> dict[str, set[str]]:
    """Return the columns of times and the features of them, with the parts of dates that each reads."""
    if order is None:
        return {}
    needed = {str(name): needed_features(spec.derived, [str(name)]) for name in train}
    return {
        name: {feature["date"] for feature in features.values() if "date" in feature}
        for name, features in needed.items()
        if {name, *columns_read(features)} & {*order.names}
    }


def _of_time(spec: PipelineSpec, train: pd.DataFrame, order: TimeOrder | None) -> list[str]:
    """Return the columns of times and the features of them that have other values in test rows."""
    # Test rows between training rows have the same weekdays and hours, but parts of months.
    return [
        name
        for name, parts in _time_columns(spec, train, order).items()
        if (order is not None and order.kind == "later") or not parts or parts & (GROWING | SEASON)
    ]


def absent_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    test: pd.DataFrame,
    target: pd.Series[Any],
    problem: Problem | None,
    used: Sequence[str],
    names: tuple[str, str],
) -> Iterator[Finding]:
    """Yield findings about columns that the test table lacks: parts of the target, and others that are not used.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns)
        Raw test rows.
    target : Series of shape (rows,)
        Target of the training rows.
    problem : Problem or None
        Type of problem; None if the target does not suit it.
    used : sequence of str
        Columns that predictions are made from.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
    """
    needed = {*used, spec.data.id, spec.ensemble.time, spec.ensemble.fold}
    absent = [str(name) for name in train if name not in test and name not in needed]
    parts: dict[str, str] = {}
    if problem is not None:
        parts = target_parts(train[absent], target, classification=problem.classification)
    for reason in dict.fromkeys(parts.values()):
        columns = [name for name in parts if parts[name] == reason]
        message = f"{names[1]} lacks {listed(columns)} of {names[0]}, and {reason}: a leak."
        if spec.ensemble.group in columns:
            fix = ensemble_with(spec, split=None, group=None)
            yield Finding(
                "warning", "leak", f"{message} As ensemble.group, it makes folds that differ from the test rows.", fix
            )
        else:
            yield Finding(
                "note", "leak", f"{message} The pipeline does not use {'it' if len(columns) == 1 else 'them'}."
            )
    others = [name for name in absent if name not in parts and name != spec.ensemble.group]
    if others:
        message = f"{names[1]} lacks columns that {names[0]} has: {listed(others)}. The pipeline does not use them."
        yield Finding("note", "absent", message)


def target_findings(spec: PipelineSpec, target: pd.Series[Any], problem: Problem, metric: Metric) -> Iterator[Finding]:
    """Yield findings about small folds and a rare class.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    target : Series of shape (rows,)
        Target of the training rows.
    problem : Problem
        Type of problem.
    metric : Metric
        Metric of the pipeline.

    Yields
    ------
    Finding
    """
    rows, folds = len(target), spec.ensemble.folds
    if rows < FEWEST_ROWS_A_FOLD * folds:
        message = f"{rows} training rows in {folds} folds: fewer than {FEWEST_ROWS_A_FOLD} to score each fold on."
        fewer = max(2, rows // FEWEST_ROWS_A_FOLD)
        yield Finding("warning", "folds", message, ensemble_with(spec, folds=fewer) if fewer < folds else "")
    if not problem.classification or problem.each:  # rare labels among several are usual, and are not weighted
        return
    balance = class_balance(target)
    if not balance.has_rare_class:
        return
    share = 100 * balance.rarest_rows / rows
    message = (
        f"Column {target.name} (the target): the class {balance.rarest!r} has {balance.rarest_rows:,} of "
        f"{rows:,} rows ({share:.2g} %)."
    )
    settings = {**spec.network, **spec.training}
    has_remedy = (
        settings.get("class_weight") is not None or spec.threshold is not None or "focal" in str(settings.get("loss"))
    )
    setting = remedy(metric.name, labels=metric.looks_at == "labels", two_classes=problem.two_classes)
    if metric.name == "accuracy" and balance.misleads:
        message += f" Always guessing {balance.largest!r} has an accuracy of {balance.largest_rows / rows:.3f}."
        yield Finding("warning", "imbalance", message, "metric: balanced_accuracy")
    elif setting is not None and not has_remedy:
        fix = "threshold: auto" if setting == "threshold" else balanced_classes(spec)
        yield Finding("warning", "imbalance", message, fix)
    else:
        yield Finding("note", "imbalance", message)


def _sample_remark(rows: int, of: int) -> str:
    return f" (Computed from {rows:,} of {of:,} rows.)" if rows < of else ""

"""Findings about rows and target: duplicate rows, leaks, drift, groups, rare classes and small folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tabular_dl.checks.drift import find_drift
from tabular_dl.checks.duplicate_rows import Overlap, find_overlap, find_twins, row_keys, shared_columns
from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import balanced_classes, ensemble_with, removal
from tabular_dl.checks.leakage import find_leaks
from tabular_dl.problems import Metric, Problem
from tabular_dl.profiling import find_groupings
from tabular_dl.spec import PipelineSpec

__all__ = ["drift_findings", "group_findings", "leak_findings", "same_row_findings", "target_findings"]

CLEAR_DRIFT = 0.6  # least area under the ROC curve; a smaller drift costs little, even if it is significant
MANY_TWINS = 0.01  # share of a table's rows from which equal rows are a warning
MANY_VALUES = 0.05  # number of values, as a share of the rows, from which a column distinguishes most rows
RARE_CLASS = 0.1  # share of the rows that the class would have if all classes were equally large
KNOWN = 0.5  # least share of a row's values that are known, for rows that are compared
FEWEST_ROWS_A_FOLD = 10
LEARNED = {"count", "by"}  # keys of features that are computed from groups of training rows


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
    plain = max(train[name].nunique() for name in shared) < MANY_VALUES * len(train)
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
    spec: PipelineSpec, train: pd.DataFrame, target: pd.Series[Any], problem: Problem, where: str
) -> Iterator[Finding]:
    """Yield findings about columns that predict the target almost perfectly on their own.

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

    Yields
    ------
    Finding
    """
    for leak in find_leaks(train, target, classification=problem.classification, seed=spec.seed):
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
) -> Iterator[Finding]:
    """Yield a finding if a model can distinguish test rows from training rows.

    Features that are computed from groups of training rows are left out. A training row is part of its own group and a
    test row is not, so these features always differ; cross-validation accounts for that.

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

    Yields
    ------
    Finding
    """
    group_features = [name for name, feature in spec.derived.items() if LEARNED & {*feature} and name in train]
    drift = find_drift(train.drop(columns=group_features), test.drop(columns=group_features), spec.seed, groups)
    if drift is None or drift.auc < max(CLEAR_DRIFT, drift.chance):
        return
    causes = ", ".join(f"{name} (alone {area:.2f})" for name, area in drift.columns.items())
    remark = _sample_remark(sum(drift.rows), len(train) + len(test))
    message = (
        f"{names[1]} differs from {names[0]}: a random forest distinguishes their rows with an AUC of {drift.auc:.2f} "
        f"(0.5 means no difference), by {causes or 'several columns together'}.{remark}"
    )
    fix = removal(spec, list(drift.columns)) if drift.columns else ""
    yield Finding("warning", "drift", message, fix)


def group_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    target: pd.Series[Any],
    problem: Problem,
    names: tuple[str, str],
) -> Iterator[Finding]:
    """Yield a finding if rows belong together, such as those of one patient, and folds split them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    train : DataFrame of shape (rows, columns)
        Raw training rows without the target.
    test : DataFrame of shape (test rows, columns) or None
        Raw test rows; None without a test table.
    target : Series of shape (rows,)
        Target of the training rows.
    problem : Problem
        Type of problem.
    names : tuple of (str, str)
        Names of both tables in messages.

    Yields
    ------
    Finding
        One with the code ``repeated-id`` for repeated ids, and one with the code ``group`` for the column whose values
        group rows most clearly.
    """
    if spec.ensemble.group is not None:
        return
    name = spec.data.id
    repeated = 0 if name is None else int(train[name].duplicated().sum())
    if repeated:
        message = (
            f"{names[0]}, column {name} (the id): {repeated:,} of {len(train):,} rows have the id of an earlier row. "
            "If such rows belong together, keep them in one fold; otherwise the score is too good."
        )
        yield Finding("warning", "repeated-id", message, ensemble_with(spec, group=name))
    ids = [] if name is None else [name]
    raw, others = train.drop(columns=ids), None if test is None else test.drop(columns=ids)
    groupings = find_groupings(raw, others, target, classification=problem.classification, seed=spec.seed)
    for grouping in groupings[:1]:
        size = f"{grouping.rows:,} rows, {grouping.different:,} values, intraclass correlation {grouping.alike:.2f}"
        advice = "If the rows to predict have other values, keep rows of one value in one fold"
        if grouping.new is not None:
            advice = (
                f"{100 * grouping.new:.0f} % of the rows of {names[1]} have values that {names[0]} does not have: keep "
                "rows of one value in one fold"
            )
        message = (
            f"{names[0]}, column {grouping.column}: rows of one value are alike in {target.name} ({size}). {advice}."
        )
        level: Level = "note" if grouping.new is None else "warning"
        yield Finding(level, "group", message, ensemble_with(spec, group=grouping.column))


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
    counts = target.value_counts()
    if counts.iloc[-1] * len(counts) >= RARE_CLASS * rows:
        return
    share, largest = counts.iloc[-1] / rows, counts.iloc[0] / rows
    message = (
        f"Column {target.name} (the target): the class {counts.index.tolist()[-1]!r} has {counts.iloc[-1]:,} of "
        f"{rows:,} rows ({100 * share:.2g} %)."
    )
    weighted = {**spec.network, **spec.training}.get("class_weight") is not None
    if metric.name == "accuracy":
        message += f" Always guessing {counts.index.tolist()[0]!r} has an accuracy of {largest:.3f}."
        yield Finding("warning", "imbalance", message, "metric: balanced_accuracy")
    elif metric.looks_at == "labels" and not weighted:
        yield Finding("warning", "imbalance", message, balanced_classes(spec))
    else:
        yield Finding("note", "imbalance", message)


def _sample_remark(rows: int, of: int) -> str:
    return f" (Computed from {rows:,} of {of:,} rows.)" if rows < of else ""

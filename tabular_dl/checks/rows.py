"""Findings about rows and target: rows that are there twice, leaks, drift, classes and folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tabular_dl.checks.drift import find_drift
from tabular_dl.checks.duplicate_rows import Overlap, find_overlap, find_twins, row_keys, shared_columns
from tabular_dl.checks.finding import Finding, Level
from tabular_dl.checks.fixes import balanced_classes, ensemble_with, taken_out
from tabular_dl.checks.leakage import find_leaks
from tabular_dl.problems import Metric, Problem
from tabular_dl.profiling import find_groupings
from tabular_dl.spec import PipelineSpec

__all__ = ["drift_findings", "group_findings", "leak_findings", "same_row_findings", "target_findings"]

CLEAR_DRIFT = 0.6  # from this area on; less costs little, however surely it is there
MANY_TWINS = 0.01  # of a table's rows
MANY_VALUES = 0.05  # of the training rows: a column with so many different values tells most rows apart
RARE_CLASS = 0.1  # of the rows that the class would have if all were equal
KNOWN = 0.5  # of a row's values, for it to be compared with others
FEWEST_ROWS_A_FOLD = 10
LEARNED = {"count", "by"}  # of a feature: numbers that are learned from groups of training rows


def same_row_findings(
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    target: pd.Series[Any],
    id_column: str | None,
    names: tuple[str, str],
) -> Iterator[Finding]:
    """Yield whether rows are there twice: in the training table, and in both tables.

    Rows are compared by all raw columns that both tables have, but for id and target. Where no column has many
    different values, equal rows are no mistake: then it is a note, unless the test table's rows are in the training
    table more often than that table's own rows are there twice. Rows with more than half of their values missing are
    not compared.

    Parameters
    ----------
    train, test : DataFrame of shape (rows, columns)
        Raw rows, without the target; without a test table None.
    target : Series of shape (rows,)
        The training rows' target.
    id_column : str or None
        The column that tells rows apart.
    names : tuple of str
        What the tables are called in messages.
    """
    tables = [train] if test is None else [train, test]
    shared = shared_columns(tables, [id_column])
    if not shared:
        return
    # Rows of which little is known are equal in that, and need not be the same.
    known = [table.loc[table[shared].notna().mean(axis=1) >= KNOWN, shared] for table in tables]
    keys = [pd.Series(own, index=table.index) for own, table in zip(row_keys(*known), known, strict=True)]
    twins = find_twins(keys[0].to_numpy(), target[keys[0].index])
    plain = max(train[name].nunique() for name in shared) < MANY_VALUES * len(train)
    by = f"by all {len(shared)} columns" if len(shared) > 1 else "by the one column"
    by += " but id and target" if test is None else " that both tables have but id and target"
    if test is not None:
        overlap = find_overlap(*keys)
        natural = plain and twins.alike / len(train) > 0.5 * overlap.rows / len(test)
        yield from _overlap_finding(overlap, len(test), by, names, natural=natural)
    if twins.first:
        many = not plain and twins.rows >= MANY_TWINS * len(train)
        conflict = f"; {twins.conflicting:,} rows are equal and have different targets" if twins.conflicting else ""
        message = (
            f"{names[0]}: {twins.rows:,} of {len(train):,} rows are there before, {by} (row {twins.first[1]} is row "
            f"{twins.first[0]}){conflict}. Twins in two folds flatter the score."
        )
        fix = f"# leave one of each in {names[0]}, unless they are really different things"
        yield Finding("warning" if many else "note", "twins", message, fix)


def _overlap_finding(overlap: Overlap, of: int, by: str, names: tuple[str, str], *, natural: bool) -> Iterator[Finding]:
    if not overlap.first:
        return
    message = (
        f"{overlap.rows:,} of {of:,} rows of {names[1]} are also rows of {names[0]}, {by}: row {overlap.first[0]} is "
        f"row {overlap.first[1]} there."
    )
    if natural:
        yield Finding("note", "overlap", f"{message} Rows of {names[0]} are as often there twice.")
        return
    level: Level = "warning" if overlap.rows >= MANY_TWINS * of else "note"
    said = f"{message} A model has seen their answers, so a score on them says nothing."
    fix = f"data: {{source: FOLDER}}  # with a {names[0]} that does not hold these rows"
    yield Finding(level, "overlap", said, fix)


def leak_findings(
    spec: PipelineSpec, train: pd.DataFrame, target: pd.Series[Any], problem: Problem, where: str
) -> Iterator[Finding]:
    """Yield the columns that alone predict the target almost perfectly."""
    for leak in find_leaks(train, target, classification=problem.classification, seed=spec.seed):
        base = f" (always guessing the largest class: {leak.base:.3f})" if problem.classification else ""
        score = f"{leak.measure} {leak.score:.3f}{base}"
        message = (
            f"{where}, column {leak.column} alone predicts {spec.data.target} with {score}: is it known before the "
            f"target is?{_judged(leak.rows, len(train))}"
        )
        yield Finding("warning", "leak", message, taken_out(spec, [leak.column]))


def drift_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    test: pd.DataFrame,
    names: tuple[str, str],
    groups: tuple[pd.Series[Any], pd.Series[Any]] | None = None,
) -> Iterator[Finding]:
    """Yield whether a model tells test rows from training rows, and by which columns.

    Features that are learned from the training rows' groups are left out: their own rows belong to the groups, and the
    test table's do not, which a cross-validation accounts for.
    """
    learned = [name for name, feature in spec.features.items() if LEARNED & {*feature} and name in train]
    drift = find_drift(train.drop(columns=learned), test.drop(columns=learned), spec.seed, groups)
    if drift is None or drift.auc < max(CLEAR_DRIFT, drift.chance):
        return
    causes = ", ".join(f"{name} (alone {area:.2f})" for name, area in drift.columns.items())
    judged = _judged(sum(drift.rows), len(train) + len(test))
    message = (
        f"{names[1]} differs from {names[0]}: a random forest tells their rows apart with an AUC of {drift.auc:.2f} "
        f"(0.5 is not at all), by {causes or 'several columns together'}.{judged}"
    )
    fix = taken_out(spec, list(drift.columns)) if drift.columns else ""
    yield Finding("warning", "drift", message, fix)


def group_findings(
    spec: PipelineSpec,
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    target: pd.Series[Any],
    problem: Problem,
    names: tuple[str, str],
) -> Iterator[Finding]:
    """Yield whether rows belong together, as those of one patient do, and folds split them."""
    if spec.ensemble.group is not None:
        return
    name = spec.data.id
    again = 0 if name is None else int(train[name].duplicated().sum())
    if again:
        message = (
            f"{names[0]}, column {name} (the id): {again:,} of {len(train):,} rows have the id of an earlier row. If "
            "such rows belong together, they are no test of each other: keep them in one fold."
        )
        yield Finding("warning", "repeated-id", message, ensemble_with(spec, group=name))
    aside = [] if name is None else [name]
    raw, others = train.drop(columns=aside), None if test is None else test.drop(columns=aside)
    found = find_groupings(raw, others, target, classification=problem.classification, seed=spec.seed)
    for grouping in found[:1]:
        size = f"{grouping.rows:,} rows, {grouping.different:,} values, intraclass correlation {grouping.alike:.2f}"
        apart = "If the rows to predict have values of their own, rows of one value are no test of each other"
        if grouping.new is not None:
            apart = (
                f"{100 * grouping.new:.0f} % of the rows of {names[1]} have values that {names[0]} does not have, so "
                "rows of one value are no test of each other"
            )
        message = (
            f"{names[0]}, column {grouping.column}: rows of one value are alike in {spec.data.target} ({size}). "
            f"{apart}: keep them in one fold."
        )
        level: Level = "note" if grouping.new is None else "warning"
        yield Finding(level, "group", message, ensemble_with(spec, group=grouping.column))


def target_findings(spec: PipelineSpec, target: pd.Series[Any], problem: Problem, metric: Metric) -> Iterator[Finding]:
    """Yield whether a class is rare, and whether the folds are small."""
    rows, folds = len(target), spec.ensemble.folds
    if rows < FEWEST_ROWS_A_FOLD * folds:
        message = f"{rows} training rows in {folds} folds: fewer than {FEWEST_ROWS_A_FOLD} to score each fold on."
        fewer = max(2, rows // FEWEST_ROWS_A_FOLD)
        yield Finding("warning", "folds", message, ensemble_with(spec, folds=fewer) if fewer < folds else "")
    if not problem.classification:
        return
    counts = target.value_counts()
    if counts.iloc[-1] * len(counts) >= RARE_CLASS * rows:
        return
    share, largest = counts.iloc[-1] / rows, counts.iloc[0] / rows
    said = (
        f"Column {spec.data.target} (the target): the class {counts.index.tolist()[-1]!r} has {counts.iloc[-1]:,} of "
        f"{rows:,} rows ({100 * share:.2g} %)."
    )
    weighted = {**spec.network, **spec.training}.get("class_weight") is not None
    if metric.name == "accuracy":
        said += f" Always guessing {counts.index.tolist()[0]!r} has an accuracy of {largest:.3f}."
        yield Finding("warning", "imbalance", said, "metric: balanced_accuracy")
    elif metric.looks_at == "labels" and not weighted:
        yield Finding("warning", "imbalance", said, balanced_classes(spec))
    else:
        yield Finding("note", "imbalance", said)


def _judged(rows: int, of: int) -> str:
    return f" (Judged on {rows:,} of {of:,} rows.)" if rows < of else ""

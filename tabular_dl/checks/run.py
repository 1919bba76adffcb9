"""Run of all checks of tables and pipeline before training.

raw tables -> derived features, computed once -> errors -> raw rows, target, groups, sample submission -> columns as the
rules read them -> leaks, drift, single columns -> findings
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from tabular_dl.checks.columns import column_findings, kind_findings, unread_findings
from tabular_dl.checks.earlier_rows import lag_findings
from tabular_dl.checks.finding import Finding, by_level
from tabular_dl.checks.fit_errors import (
    block_errors,
    memory_errors,
    other_row_errors,
    pipeline_errors,
    row_errors,
    target_errors,
    weight_errors,
)
from tabular_dl.checks.fixes import columns_of
from tabular_dl.checks.folds import fold_findings
from tabular_dl.checks.python import metric_errors, network_errors, transformer_errors
from tabular_dl.checks.queries import query_errors
from tabular_dl.checks.rows import (
    absent_findings,
    drift_findings,
    leak_findings,
    same_row_findings,
    target_findings,
)
from tabular_dl.checks.splits import key_errors, split_errors
from tabular_dl.checks.submission import sample_findings
from tabular_dl.competition import Competition
from tabular_dl.preprocessing import read_columns
from tabular_dl.problems import Problem
from tabular_dl.profiling import Separation, find_separation
from tabular_dl.spec import PipelineSpec, columns_used, metric_of, validate_rows, weights_of

__all__ = ["find_errors", "run_checks"]

MOST_TARGETS = 5  # targets whose leaks are searched, each of which takes as long as a single one


def run_checks(competition: Competition, spec: PipelineSpec, problem: Problem) -> tuple[Finding, ...]:
    """Return the findings of all checks of tables and pipeline.

    Checks that need a test table are left out without one, and those that need the rules' columns if the rules cannot
    be applied. Checks that train models sample large tables with the pipeline's seed.

    Parameters
    ----------
    competition : Competition
        Tables.
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.

    Returns
    -------
    tuple of Finding
        Findings, errors first.

    Examples
    --------
    >>> from tabular_dl.competition.competition import load_competition
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.reader import load_spec
    >>> run_checks(load_competition("wine", "cultivar", "Id"), load_spec("wine"), get_problem("multiclass"))
    ()
    """
    target, test = competition.train[spec.data.target], competition.test
    train = competition.train.drop(columns=spec.data.target)
    names = (competition.train_file.name, competition.test_file.name)
    validation = _validate(competition, spec, problem, competition.test)
    # If features are computed from the id as a time, rows of other times are not equal.
    by_time = any(feature.get("from") == spec.data.id for feature in spec.derived.values() if "date" in feature)
    id_column = None if by_time else spec.data.id
    findings = [*validation.errors, *same_row_findings(train, test, _as_one(target), id_column, names)]
    each = [column for _, column in pd.DataFrame(target).items()]
    rows, first = _with_target(train, each[0])
    of_target, separation = validation.of_target, Separation("nothing", "")
    if not of_target:
        metric = metric_of(spec, problem)
        findings += target_findings(spec, each[0], problem, metric)
        # Rows that belong together are alike in each of several targets.
        separation = find_separation(
            rows, test, first, spec.data.id, classification=problem.classification, seed=spec.seed
        )
        findings += fold_findings(spec, train, separation, names)
        findings += [finding for finding in validation.of_sample if finding.level != "error"]
    if all(finding.code != "table" for finding in validation.of_rows):
        read, *others = _as_read(spec, validation.tables)
        # The most serious findings come first, since a fit shows only the first few.
        if not of_target:
            for column in each[:MOST_TARGETS]:
                findings += leak_findings(spec, *_with_target(read, column), problem, names[0], separation.order)
        if test is not None:
            group = spec.ensemble.group
            groups = (train[group], test[group]) if group in train and group in test else None
            findings += drift_findings(spec, read, others[0], names, groups, separation.order)
            used = columns_used(spec, train, test)
            findings += absent_findings(spec, rows, test, first, None if of_target else problem, used, names)
            findings += unread_findings(spec, test, names[1])
            findings += kind_findings(spec, train, test, used, names)
        findings += unread_findings(spec, train, names[0])
        findings += [*validation.of_lags, *column_findings(spec, read, others[0] if others else None, names)]
    return by_level(findings)


def find_errors(
    competition: Competition, spec: PipelineSpec, problem: Problem, predicted: pd.DataFrame | None = None
) -> tuple[Finding, ...]:
    """Return only those findings of `run_checks` that make a fit impossible. No model is trained.

    Parameters
    ----------
    competition : Competition
        Tables.
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    predicted : DataFrame of shape (test rows, columns), optional
        Rows to predict that are not checked; the user's Python gets only columns that they have.

    Returns
    -------
    tuple of Finding
        Errors.

    Examples
    --------
    >>> from tabular_dl.competition.competition import load_competition
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.reader import load_spec
    >>> wine, tables = load_spec("wine", ["metric=rmse"]), load_competition("wine", "cultivar", "Id")
    >>> [error.fix for error in find_errors(tables, wine, get_problem("multiclass"))]
    ['metric: accuracy']
    """
    return tuple(_validate(competition, spec, problem, predicted).errors)


@dataclass(frozen=True)
class _Validation:
    """Errors by subject, and the tables with the derived features that can be computed.

    Attributes
    ----------
    of_target : list of Finding
        Errors of metric, threshold, network and target.
    of_folds : list of Finding
        Errors of the columns that ``ensemble`` and ``data.weight`` name, or of the folds.
    of_rows : list of Finding
        Errors of the rows of both tables.
    of_sample : list of Finding
        Findings about the sample submission, of any level.
    tables : list of DataFrame
        Training table and, if there is one, test table.
    of_lags : list of Finding
        Warnings of features of earlier targets.
    """

    of_target: list[Finding]
    of_folds: list[Finding]
    of_rows: list[Finding]
    of_sample: list[Finding]
    tables: list[pd.DataFrame]
    of_lags: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        of_sample = [finding for finding in self.of_sample if finding.level == "error"]
        return [*self.of_target, *self.of_folds, *of_sample, *self.of_rows]


def _validate(
    competition: Competition, spec: PipelineSpec, problem: Problem, predicted: pd.DataFrame | None
) -> _Validation:
    """Validate each table once; features are learned from all training rows and computed once per table."""
    names = (competition.train_file.name, competition.test_file.name)
    of_target = [*pipeline_errors(spec, problem), *other_row_errors(spec, problem, competition)]
    of_target += [] if of_target else block_errors(spec, problem, competition)
    if all(finding.code != "metric" for finding in of_target):
        of_target += target_errors(spec, problem, competition.train[spec.data.target], names[0])
        of_target += query_errors(spec, competition)
    of_sample = [] if of_target else sample_findings(competition, spec, problem)
    target = competition.train[spec.data.target]
    rows = competition.train.drop(columns=spec.data.target)
    # Features of earlier rows read the only target.
    only = None if spec.data.only_target is None else competition.train[spec.data.only_target]
    train = validate_rows(spec, rows, names[0], test=predicted, target=only)
    tables, of_rows, of_lags = [train.table], row_errors(spec, train), []
    if competition.test is not None:
        test = validate_rows(spec, competition.test, names[1], rest=False, training=train)
        tables.append(test.table)
        of_lags = list(lag_findings(spec, train, test, names))
        # Errors of the pipeline itself occur for both tables and are reported once.
        messages = {finding.message for finding in of_rows}
        of_test = row_errors(spec, test)
        of_rows += [finding for finding in of_test if finding.message.replace(names[1], names[0]) not in messages]
    if spec.ensemble.pseudo_labels is not None and competition.unlabeled is not None:
        others = validate_rows(spec, competition.unlabeled, names[0], rest=False, training=train)
        of_rows += row_errors(spec, others)
    if not of_target and not of_rows:
        of_rows += transformer_errors(spec, tables, target, names)
        of_target += [*network_errors(spec, problem, target), *memory_errors(spec, problem, train.table, target)]
    of_folds = key_errors(spec, competition.train, names[0])
    if not of_target and not of_folds:
        of_folds = split_errors(spec, problem, competition.train, names[0])
    if not of_target and not of_folds:
        of_folds = weight_errors(spec, problem, competition.train, names[0])
    if not of_target and not of_folds:
        weights = weights_of(spec, competition.train, names[0])
        of_target += metric_errors(spec, problem, target, weights)
    return _Validation(of_target, of_folds, of_rows, of_sample, tables, of_lags)


def _with_target(table: pd.DataFrame, target: pd.Series[Any]) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Return the rows that have a target, which is one of several, and their targets."""
    known = target.notna()
    return (table, target) if known.all() else (table[known], target[known])


def _as_one(target: pd.Series[Any] | pd.DataFrame) -> pd.Series[Any]:
    """Return a target, or numbers of the combinations of several."""
    return target if isinstance(target, pd.Series) else target.groupby(list(target.columns), dropna=False).ngroup()


def _as_read(spec: PipelineSpec, tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the columns and features that rules name, as numbers or as the text of categories."""
    numeric: dict[str, bool] = {}
    for rule in spec.columns:
        for name in columns_of(rule, tables[0].columns, (spec.data.id, spec.data.weight)):
            numeric[name] = rule.numeric or numeric.get(name, False)
    return [read_columns(table, numeric) for table in tables]

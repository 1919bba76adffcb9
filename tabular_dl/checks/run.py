"""Run of all checks of tables and pipeline before training.

raw tables -> derived features, computed once -> errors -> raw rows, target, groups, sample submission -> columns as the
rules read them -> leaks, drift, single columns -> findings
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.checks.columns import column_findings, kind_findings
from tabular_dl.checks.finding import Finding, by_level
from tabular_dl.checks.fit_errors import (
    group_errors,
    memory_errors,
    pipeline_errors,
    row_errors,
    target_errors,
    weight_errors,
)
from tabular_dl.checks.fixes import columns_of, data_with
from tabular_dl.checks.python import metric_errors, transformer_errors
from tabular_dl.checks.rows import drift_findings, group_findings, leak_findings, same_row_findings, target_findings
from tabular_dl.competition import Competition, ids_of, make_submission, prediction_table
from tabular_dl.errors import SubmissionError
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import PipelineSpec, columns_used, metric_of, validate_rows, weights_of
from tabular_dl.tables import read_categories, read_numbers

__all__ = ["find_errors", "run_checks"]


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
    findings = [*validation.errors, *same_row_findings(train, test, target, spec.data.id, names)]
    if not validation.of_target:
        metric = metric_of(spec, problem)
        findings += target_findings(spec, target, problem, metric)
        findings += group_findings(spec, train, test, target, problem, names)
        findings += _sample_findings(competition, spec, problem, metric)
    if all(finding.code != "table" for finding in validation.of_rows):
        read, *others = _as_read(spec, validation.tables)
        # The most serious findings come first, since a fit shows only the first few.
        if not validation.of_target:
            findings += leak_findings(spec, read, target, problem, names[0])
        if test is not None:
            group = spec.ensemble.group
            groups = (train[group], test[group]) if group in train and group in test else None
            findings += drift_findings(spec, read, others[0], names, groups)
            findings += kind_findings(spec, train, test, columns_used(spec, train, test), names)
        findings += column_findings(spec, read, others[0] if others else None, names)
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
        Rows that will be predicted, if they are not to be checked: the user's Python gets columns that both have.

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
    of_groups : list of Finding
        Errors of ``ensemble.group`` and ``data.weight``.
    of_rows : list of Finding
        Errors of the rows of both tables.
    tables : list of DataFrame
        Training table and, if there is one, test table.
    """

    of_target: list[Finding]
    of_groups: list[Finding]
    of_rows: list[Finding]
    tables: list[pd.DataFrame]

    @property
    def errors(self) -> list[Finding]:
        return [*self.of_target, *self.of_groups, *self.of_rows]


def _validate(
    competition: Competition, spec: PipelineSpec, problem: Problem, predicted: pd.DataFrame | None
) -> _Validation:
    """Validate each table once; features are learned from all training rows and computed once per table."""
    names = (competition.train_file.name, competition.test_file.name)
    of_target = pipeline_errors(spec, problem)
    if all(finding.code != "metric" for finding in of_target):
        of_target += target_errors(spec, problem, competition.train[spec.data.target], names[0])
    target = competition.train[spec.data.target]
    train = validate_rows(spec, competition.train.drop(columns=spec.data.target), names[0], test=predicted)
    tables, of_rows = [train.table], row_errors(spec, train)
    if competition.test is not None:
        test = validate_rows(spec, competition.test, names[1], rest=False, training=train)
        tables.append(test.table)
        # Errors of the pipeline itself occur for both tables and are reported once.
        messages = {finding.message for finding in of_rows}
        of_test = row_errors(spec, test)
        of_rows += [finding for finding in of_test if finding.message.replace(names[1], names[0]) not in messages]
    if not of_target and not of_rows:
        of_rows += transformer_errors(spec, tables, target, names)
        of_target += memory_errors(spec, problem, train.table, target)
    of_groups = group_errors(spec, competition.train, names[0])
    if not of_target and not of_groups:
        of_groups = weight_errors(spec, problem, competition.train, names[0])
    if not of_target and not of_groups:
        weights = weights_of(spec, competition.train, names[0])
        of_target += metric_errors(spec, problem, competition.train[spec.data.target], weights)
    return _Validation(of_target, of_groups, of_rows, tables)


def _sample_findings(
    competition: Competition, spec: PipelineSpec, problem: Problem, metric: Metric
) -> Iterator[Finding]:
    """Yield a finding if the sample submission could not be filled in, which a fit would report only at its end."""
    test, sample = competition.test, competition.sample
    if test is None or sample is None:
        return
    ids = ids_of(test, sample, spec.data.id)
    if ids is None:
        message = (
            f"No submission could be made: the pipeline names no id, and {sample.columns[0]} of "
            f"{competition.sample_file.name} does not number the rows of {competition.test_file.name}."
        )
        ids_in_both = [name for name in sample if name in test]
        fix = data_with(spec, id=ids_in_both[0]) if ids_in_both else ""
        yield Finding("warning", "sample", message, fix)
        return
    # The values do not matter here, only their rows and columns.
    target, classes, predictions = competition.train[spec.data.target], None, np.zeros(len(test))
    if problem.classification:
        classes = np.unique(target.to_numpy())
        predictions = np.full((len(test), len(classes)), 1 / len(classes))
    table = prediction_table(ids, spec.data.target, predictions, classes)
    names = (competition.test_file.name, competition.sample_file.name)
    try:
        make_submission(table, spec.data.target, sample, metric, integers=False, names=names)
    except SubmissionError as error:
        yield Finding("warning", "sample", f"No submission could be made: {error}")


def _as_read(spec: PipelineSpec, tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the columns and features that rules name, as numbers or as the text of categories."""
    numeric: dict[str, bool] = {}
    for rule in spec.columns:
        for name in columns_of(rule, tables[0].columns, (spec.data.id, spec.data.weight)):
            numeric[name] = rule.numeric or numeric.get(name, False)
    return [
        pd.DataFrame({name: _column(table[name], number=number) for name, number in numeric.items()}, index=table.index)
        for table in tables
    ]


def _column(column: pd.Series[Any], *, number: bool) -> pd.Series[Any] | np.ndarray[Any, Any]:
    """Return a column as numbers or as the text of categories."""
    if not number:
        return pd.Series(read_categories(column), index=column.index, dtype=object)
    return column if column.dtype.kind in "biuf" else read_numbers(column, f"column {column.name!r}", "")

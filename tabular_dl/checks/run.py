"""All checks of tables and pipeline together, before anything is trained.

raw tables -> features, computed once -> errors -> raw rows and columns, sample submission -> columns as the rules read
them -> leaks, drift, single columns -> findings
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.checks.columns import column_findings, kind_findings
from tabular_dl.checks.finding import Finding, by_level
from tabular_dl.checks.fit_errors import group_errors, pipeline_errors, row_errors, target_errors
from tabular_dl.checks.fixes import columns_of
from tabular_dl.checks.rows import drift_findings, group_findings, leak_findings, same_row_findings, target_findings
from tabular_dl.competition import Competition, ids_of, make_submission, prediction_table
from tabular_dl.errors import SubmissionError
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import PipelineSpec, columns_used, metric_of, validate_rows, write_line
from tabular_dl.tables import read_categories, read_numbers

__all__ = ["find_errors", "run_checks"]


def run_checks(competition: Competition, spec: PipelineSpec, problem: Problem) -> tuple[Finding, ...]:
    """Check tables and pipeline together.

    Parameters
    ----------
    competition : Competition
        The tables; without a test table, what needs one is left out.
    spec : PipelineSpec
        The pipeline.
    problem : Problem
        The type of problem.

    Returns
    -------
    tuple of Finding
        Errors first. Where the rules cannot be applied to a table, what needs that is left out. Where models are
        trained, large tables are sampled by the pipeline's seed.

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
    validation = _validate(competition, spec, problem)
    found = [*validation.errors, *same_row_findings(train, test, target, spec.data.id, names)]
    if not validation.of_target:
        metric = metric_of(spec, problem)
        found += target_findings(spec, target, problem, metric)
        found += group_findings(spec, train, test, target, problem, names)
        found += _sample_findings(competition, spec, problem, metric)
    if all(finding.code != "table" for finding in validation.of_rows):
        read, *others = _as_read(spec, validation.tables)
        # What can ruin a score before what can cost some of it: a fit shows the first few.
        if not validation.of_target:
            found += leak_findings(spec, read, target, problem, names[0])
        if test is not None:
            group = spec.ensemble.group
            groups = (train[group], test[group]) if group in train and group in test else None
            found += drift_findings(spec, read, others[0], names, groups)
            found += kind_findings(spec, train, test, columns_used(spec, train), names)
        found += column_findings(spec, read, others[0] if others else None, names)
    return by_level(found)


def find_errors(competition: Competition, spec: PipelineSpec, problem: Problem) -> tuple[Finding, ...]:
    """Find what makes a fit impossible, without what `run_checks` finds beside it; the parameters are the same.

    Examples
    --------
    >>> from tabular_dl.competition.competition import load_competition
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec.reader import load_spec
    >>> wine, tables = load_spec("wine", ["metric=rmse"]), load_competition("wine", "cultivar", "Id")
    >>> [error.fix for error in find_errors(tables, wine, get_problem("multiclass"))]
    ['metric: accuracy']
    """
    return tuple(_validate(competition, spec, problem).errors)


@dataclass(frozen=True)
class _Validation:
    """Errors of target and metric, of groups, and of rows; and the tables with the features that can be computed."""

    of_target: list[Finding]
    of_groups: list[Finding]
    of_rows: list[Finding]
    tables: list[pd.DataFrame]

    @property
    def errors(self) -> list[Finding]:
        return [*self.of_target, *self.of_groups, *self.of_rows]


def _validate(competition: Competition, spec: PipelineSpec, problem: Problem) -> _Validation:
    """Look at each table once: features are learned from all training rows, and computed once a table."""
    names = (competition.train_file.name, competition.test_file.name)
    of_target = pipeline_errors(spec, problem)
    if all(finding.code != "metric" for finding in of_target):
        of_target += target_errors(spec, problem, competition.train[spec.data.target], names[0])
    learned = validate_rows(spec, competition.train.drop(columns=spec.data.target), names[0])
    tables, of_rows = [learned.table], row_errors(spec, learned)
    if competition.test is not None:
        predicted = validate_rows(spec, competition.test, names[1], rest=False, training=learned)
        tables.append(predicted.table)
        # What is wrong with the pipeline is so for both tables, and told once.
        told = {finding.message for finding in of_rows}
        of_test = row_errors(spec, predicted)
        of_rows += [finding for finding in of_test if finding.message.replace(names[1], names[0]) not in told]
    return _Validation(of_target, group_errors(spec, competition.train, names[0]), of_rows, tables)


def _sample_findings(
    competition: Competition, spec: PipelineSpec, problem: Problem, metric: Metric
) -> Iterator[Finding]:
    """Yield why the sample submission could not be filled, which otherwise shows after the fit only."""
    test, sample = competition.test, competition.sample
    if test is None or sample is None:
        return
    ids = ids_of(test, sample, spec.data.id)
    if ids is None:
        message = (
            f"No submission could be made: the pipeline names no id, and {sample.columns[0]} of "
            f"{competition.sample_file.name} does not count the rows of {competition.test_file.name}."
        )
        named = [name for name in sample if name in test]
        fix = (
            write_line({"data": {**spec.data.model_dump(exclude_defaults=True), "id": named[0]}})[1:-1] if named else ""
        )
        yield Finding("warning", "sample", message, fix)
        return
    # What is predicted does not matter here: only whether it has a place.
    target, classes, made_up = competition.train[spec.data.target], None, np.zeros(len(test))
    if problem.classification:
        classes = np.unique(target.to_numpy())
        made_up = np.full((len(test), len(classes)), 1 / len(classes))
    table = prediction_table(ids, spec.data.target, made_up, classes)
    names = (competition.test_file.name, competition.sample_file.name)
    try:
        make_submission(table, spec.data.target, sample, metric, integers=False, names=names)
    except SubmissionError as error:
        yield Finding("warning", "sample", f"No submission could be made: {error}")


def _as_read(spec: PipelineSpec, tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the columns that rules name, features included, as numbers or as the text of categories."""
    numeric: dict[str, bool] = {}
    for rule in spec.columns:
        for name in columns_of(rule, tables[0].columns, (spec.data.id,)):
            numeric[name] = rule.numeric or numeric.get(name, False)
    return [
        pd.DataFrame({name: _column(table[name], number=number) for name, number in numeric.items()}, index=table.index)
        for table in tables
    ]


def _column(column: pd.Series[Any], *, number: bool) -> Any:
    if not number:
        return pd.Series(read_categories(column), index=column.index, dtype=object)
    return column if column.dtype.kind in "biuf" else read_numbers(column, f"column {column.name!r}", "")

"""What makes a fit impossible, all of it at once, each with what would mend it.

`tabular_dl.spec.validate` finds what is wrong. Here it becomes findings; a remedy is looked for only then, and offered
where it would be accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import ensemble_with, listed, own_rule, respelled, taken_out
from tabular_dl.errors import UserError, nearest
from tabular_dl.preprocessing import ColumnRule, column_faults, columns_read
from tabular_dl.problems import Problem, infer_problem
from tabular_dl.spec import (
    CheckedRows,
    Fault,
    PipelineSpec,
    check_target,
    check_threshold,
    groups_of,
    metric_of,
    needed_features,
    network_settings,
)

__all__ = ["group_errors", "pipeline_errors", "row_errors", "target_errors"]

# What a column of numbers that cannot be used as it is may become instead.
_OTHER_WORDS: tuple[dict[str, Any], ...] = (
    {"impute": "median"},
    {"encode": "onehot", "impute": None, "fill_value": None, "scale": None, "missing_flag": None, "clip": None},
)


def pipeline_errors(spec: PipelineSpec, problem: Problem) -> list[Finding]:
    """Find what does not suit the type of problem: the metric, the threshold or the network."""
    message = _refusal(lambda: metric_of(spec, problem))
    if message:
        return [Finding("error", "metric", message, f"metric: {problem.metric}")]
    found = []
    message = _refusal(lambda: check_threshold(spec, problem, metric_of(spec, problem)))
    if message:
        found.append(Finding("error", "threshold", message, "threshold: null"))
    message = _refusal(lambda: network_settings(spec))
    if message:
        found.append(Finding("error", "network", message))
    return found


def target_errors(spec: PipelineSpec, problem: Problem, target: pd.Series[Any], where: str) -> list[Finding]:
    """Find what makes a target one that the pipeline cannot learn.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    problem : Problem
        The type of problem, which the metric can score.
    target : Series of shape (rows,)
        The target.
    where : str
        The table's name in messages.
    """

    def refusal(spec: PipelineSpec, problem: Problem) -> str | None:
        return _refusal(lambda: check_target(spec, problem, target, where))

    message = refusal(spec, problem)
    if message is None:
        return []
    most = int(target.value_counts().min()) if problem.classification else len(target)
    fewer = spec.model_copy(update={"ensemble": spec.ensemble.model_copy(update={"folds": most})})
    fix = ""
    if 2 <= most < spec.ensemble.folds and refusal(fewer, problem) is None:
        fix = ensemble_with(spec, folds=most)
    elif spec.problem != "auto":
        fix = ""
        with suppress(UserError):  # a target of which no type of problem can be told
            other = infer_problem(target)
            fix = f"problem: {other.name}" if refusal(spec, other) is None else ""
    return [Finding("error", "target", message, fix)]


def group_errors(spec: PipelineSpec, train: pd.DataFrame, where: str) -> list[Finding]:
    """Find what makes ``ensemble.group`` one that no folds can be made by."""
    message = _refusal(lambda: groups_of(spec, train, where))
    if message is None:
        return []
    name = spec.ensemble.group
    if name not in train:
        meant = nearest(str(name), [str(column) for column in train if column != spec.data.target])
        fix = ensemble_with(spec, group=meant)
    elif name == spec.data.target:
        fix = ensemble_with(spec, group=None)
    elif train[name].isna().any():
        fix = f"# fill in column {name} of {where}"
    else:
        groups = train[name].nunique()
        fix = ensemble_with(spec, folds=groups) if groups >= 2 else ensemble_with(spec, group=None)
    return [Finding("error", "group", message, fix)]


def row_errors(spec: PipelineSpec, checked: CheckedRows) -> list[Finding]:
    """Turn the faults of a table into findings, each with the line that mends it.

    Returns
    -------
    list of Finding
        With the code ``unnamed`` where no rule names some columns, and ``table`` for what keeps rules from being
        applied.
    """
    faults: dict[str, Fault] = {}
    for fault in checked.faults:
        # Two rules may read one column.
        faults.setdefault(fault.message, fault)
    return [
        Finding("error", "unnamed" if fault.code == "unnamed" else "table", message, _fix(spec, fault, checked))
        for message, fault in faults.items()
    ]


def _refusal(check: Callable[[], object]) -> str | None:
    """Return why a check refuses what it is given; None if it does not."""
    try:
        check()
    except UserError as error:
        return str(error)
    return None


def _fix(spec: PipelineSpec, fault: Fault, checked: CheckedRows) -> str:
    """Return the line that mends a fault: a remedy, or what leaves its columns out."""
    if fault.code == "unnamed":
        return "rest: drop"
    unread = f"# take {listed(fault.columns)} out of features" if {*fault.columns} <= {*spec.features} else ""
    return _remedy(spec, fault, checked) or taken_out(spec, fault.columns) or unread


def _remedy(spec: PipelineSpec, fault: Fault, checked: CheckedRows) -> str:
    """Return a line with the columns that were meant, or with a rule that can read the column, if there is one."""
    if fault.code == "feature":
        read = columns_read(needed_features(spec.features, fault.columns))
        there = [*map(str, checked.rows.columns), *spec.features]
        pairs = ((name, nearest(name, there)) for name in read if name not in there)
        return next((f"# in features write {meant} for {name}" for name, meant in pairs if meant), "")
    if fault.rule is None:
        return ""
    lacking = [name for name in fault.columns if name not in checked.table]
    if lacking:
        others = [str(name) for name in checked.table if name not in spec.columns[fault.rule].columns]
        meant = {name: near for name in lacking if (near := nearest(name, others))}
        return respelled(spec, fault.rule, meant) if len(meant) == len(lacking) else ""
    (column,) = fault.columns
    for words, rule in _other_rules(spec.columns[fault.rule], column):
        if next(column_faults([rule], "drop", checked.table[[column]]), None) is None:
            return own_rule(spec, column, fault.rule, **words)
    return ""


def _other_rules(rule: ColumnRule, column: str) -> Iterator[tuple[dict[str, Any], ColumnRule]]:
    """Yield rules of one column with other words, and those words."""
    alone = rule.model_copy(update={"columns": (column,)})
    for words in _OTHER_WORDS:
        content = {**alone.model_dump(exclude_defaults=True), **words}
        other = ColumnRule.model_validate({key: value for key, value in content.items() if value is not None})
        if other != alone:
            yield words, other

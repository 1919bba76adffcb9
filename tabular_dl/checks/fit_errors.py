"""Errors that make a fit impossible, all at once and with fixes.

`tabular_dl.spec.validate` finds the errors; here they become findings. A fix is offered only if the validation accepts
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import corrected_rule, data_with, ensemble_with, removal, separate_rule
from tabular_dl.competition import Competition
from tabular_dl.errors import UserError, listed, nearest
from tabular_dl.model_selection import check_fold_weights
from tabular_dl.preprocessing import ColumnRule, column_faults, columns_read
from tabular_dl.problems import Problem, infer_problem, rarest_class
from tabular_dl.spec import (
    CheckedRows,
    Fault,
    PipelineSpec,
    check_memory,
    check_other_rows,
    check_settings,
    check_streamed,
    check_target,
    check_threshold,
    check_weighted_model,
    folds_of,
    metric_of,
    needed_features,
    row_keys,
    weights_of,
)

__all__ = [
    "block_errors",
    "memory_errors",
    "other_row_errors",
    "pipeline_errors",
    "row_errors",
    "target_errors",
    "weight_errors",
]

# Changes to a rule for numbers that cannot read one of its columns, in the order in which they are tried.
_FOR_NUMBERS = {"encode": None, "components": None, "impute": None, "fill_value": None}
_RULE_CHANGES: tuple[dict[str, Any], ...] = (
    {"impute": "median", "fill_value": None},
    {
        **{"encode": "onehot", "impute": None, "fill_value": None, "scale": None, "divisor": None},
        **{"missing_flag": None, "clip": None, "bins": None, "bin_strategy": None},
    },
)


def pipeline_errors(spec: PipelineSpec, problem: Problem) -> list[Finding]:
    """Return errors of metric, threshold, and network or model.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.

    Returns
    -------
    list of Finding
        Errors with the code ``metric``, ``threshold``, ``network`` or ``model``.
    """
    message = _refusal(lambda: metric_of(spec, problem))
    if message:
        return [Finding("error", "metric", message, f"metric: {problem.metric}")]
    findings = []
    message = _refusal(lambda: check_threshold(spec, problem, metric_of(spec, problem)))
    if message:
        findings.append(Finding("error", "threshold", message, "threshold: null"))
    message = _refusal(lambda: check_settings(spec, problem)) or _refusal(lambda: check_weighted_model(spec, problem))
    if message:
        findings.append(Finding("error", "network" if spec.model.is_network else "model", message))
    return findings


def target_errors(
    spec: PipelineSpec, problem: Problem, target: pd.Series[Any] | pd.DataFrame, where: str
) -> list[Finding]:
    """Return the error of a target that the pipeline cannot be trained on.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem, which the metric can score.
    target : Series of shape (rows,), or DataFrame of shape (rows, targets)
        Target, or several.
    where : str
        Name of the table in messages.

    Returns
    -------
    list of Finding
        At most one, with the code ``target``.
    """

    def refusal(spec: PipelineSpec, problem: Problem) -> str | None:
        return _refusal(lambda: check_target(spec, problem, target, where))

    message = refusal(spec, problem)
    if message is None:
        return []
    most = rarest_class(target) if problem.classification else len(target)
    fewer = spec.model_copy(update={"ensemble": spec.ensemble.model_copy(update={"folds": most})})
    fix = ""
    if 2 <= most < spec.ensemble.folds and refusal(fewer, problem) is None:
        fix = ensemble_with(spec, folds=most)
    elif spec.problem != "auto":
        with suppress(UserError):  # no type of problem fits
            other = infer_problem(target)
            fix = f"problem: {other.name}" if refusal(spec, other) is None else ""
    return [Finding("error", "target", message, fix)]


def other_row_errors(spec: PipelineSpec, problem: Problem, competition: Competition) -> list[Finding]:
    """Return the error of ``ensemble.pseudo_labels``: no rows to train on, or targets without soft labels.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    competition : Competition
        Tables.

    Returns
    -------
    list of Finding
        At most one, with the code ``pseudo_labels``.
    """
    message = _refusal(lambda: check_other_rows(spec, problem, competition))
    return [Finding("error", "pseudo_labels", message, ensemble_with(spec, pseudo_labels=None))] if message else []


def block_errors(spec: PipelineSpec, problem: Problem, competition: Competition) -> list[Finding]:
    """Return the error of a pipeline that needs all training rows at once, where these are read in blocks.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    competition : Competition
        Tables.

    Returns
    -------
    list of Finding
        At most one, with the code ``blocks``.
    """
    message = None if competition.source is None else _refusal(lambda: check_streamed(spec, problem))
    return [Finding("error", "blocks", message)] if message else []


def weight_errors(spec: PipelineSpec, problem: Problem, train: pd.DataFrame, where: str) -> list[Finding]:
    """Return the error of ``data.weight``: no such column, a value that is no weight, or a fold without weights.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline whose target and groups have no errors.
    problem : Problem
        Type of problem.
    train : DataFrame of shape (rows, columns)
        Raw training rows, including the target.
    where : str
        Name of the table in messages.

    Returns
    -------
    list of Finding
        At most one, with the code ``weight``.
    """
    name = spec.data.weight
    if name is None:
        return []
    message = _refusal(lambda: weights_of(spec, train, where))
    if message:
        others = [str(column) for column in train if column not in (*spec.data.targets, spec.data.id)]
        correction = None if name in train else nearest(name, others)
        return [Finding("error", "weight", message, data_with(spec, weight=correction))]
    splits = folds_of(spec, problem, train[spec.data.target].to_numpy(), row_keys(spec, train, where))
    message = _refusal(lambda: check_fold_weights(weights_of(spec, train, where), splits))
    return [Finding("error", "weight", f"{where}, column {name} (data.weight): {message}")] if message else []


def row_errors(spec: PipelineSpec, checked: CheckedRows) -> list[Finding]:
    """Return the faults of a table as findings with fixes.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    checked : CheckedRows
        Result of `validate_rows`.

    Returns
    -------
    list of Finding
        Errors with the code ``unnamed`` for columns that no rule names, else ``table``.
    """
    faults: dict[str, Fault] = {}
    for fault in checked.faults:
        # Two rules that read one column have the same fault.
        faults.setdefault(fault.message, fault)
    return [
        Finding("error", "unnamed" if fault.code == "unnamed" else "table", message, _fix(spec, fault, checked))
        for message, fault in faults.items()
    ]


def memory_errors(
    spec: PipelineSpec, problem: Problem, table: pd.DataFrame, target: pd.Series[Any] | pd.DataFrame
) -> list[Finding]:
    """Return the error of networks that need more memory than the machine has.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline without other errors.
    problem : Problem
        Type of problem.
    table : DataFrame of shape (rows, columns + features)
        Training rows with derived features.
    target : Series of shape (rows,), or DataFrame of shape (rows, targets)
        Target, or several.

    Returns
    -------
    list of Finding
        At most one, with the code ``memory``.
    """
    message = _refusal(lambda: check_memory(spec, problem, table, target))
    return [] if message is None else [Finding("error", "memory", message)]


def _refusal(check: Callable[[], object]) -> str | None:
    """Return the message of the `UserError` that a check raises; None if it raises none."""
    try:
        check()
    except UserError as error:
        return str(error)
    return None


def _fix(spec: PipelineSpec, fault: Fault, checked: CheckedRows) -> str:
    """Return the fix of a fault: a correction if there is one, else the removal of its columns."""
    if fault.code == "unnamed":
        return "rest: drop"
    if fault.code == "python":
        return ""
    by_hand = f"# take {listed(fault.columns)} out of features" if {*fault.columns} <= {*spec.derived} else ""
    return _correction(spec, fault, checked) or removal(spec, fault.columns) or by_hand


def _correction(spec: PipelineSpec, fault: Fault, checked: CheckedRows) -> str:
    """Return a line with mistyped columns corrected, or with a rule that can read the column; empty if none."""
    if fault.code == "feature":
        read = columns_read(needed_features(spec.derived, fault.columns), spec.data.only_target)
        known = [*map(str, checked.rows.columns), *spec.derived]
        pairs = ((name, nearest(name, known)) for name in read if name not in known)
        return next((f"# in features write {match} for {name}" for name, match in pairs if match), "")
    if fault.rule is None:
        return ""
    lacking = [name for name in fault.columns if name not in checked.table]
    if lacking:
        others = [str(name) for name in checked.table if name not in spec.columns[fault.rule].columns]
        corrections = {name: match for name in lacking if (match := nearest(name, others))}
        return corrected_rule(spec, fault.rule, corrections) if len(corrections) == len(lacking) else ""
    (column,) = fault.columns
    for changes, rule in _other_rules(spec.columns[fault.rule], column):
        if next(column_faults([rule], "drop", checked.table[[column]]), None) is None:
            return separate_rule(spec, column, fault.rule, **changes)
    return ""


def _other_rules(rule: ColumnRule, column: str) -> Iterator[tuple[dict[str, Any], ColumnRule]]:
    """Yield changes to a rule, each with the changed rule of one column."""
    alone = rule.model_copy(update={"columns": (column,)})
    for changes in (_FOR_NUMBERS,) if rule.encode == "text" else _RULE_CHANGES:
        content = {**alone.model_dump(exclude_defaults=True), **changes}
        other = ColumnRule.model_validate({key: value for key, value in content.items() if value is not None})
        if other != alone:
            yield changes, other

"""What a fit would refuse, all of it at once, each with what would mend it.

`tabular_dl.spec.build` holds the checks themselves, which stop at the first mistake. Here they are asked about the
whole pipeline and, if they refuse it, about each of its rules alone; a remedy is offered where they accept it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import columns_of, ensemble_with, own_rule, respelled, taken_out
from tabular_dl.errors import UserError, nearest
from tabular_dl.preprocessing import ColumnRule, columns_read
from tabular_dl.problems import Problem, infer_problem
from tabular_dl.spec import PipelineSpec, check_rows, check_target, groups_of, metric_of

__all__ = ["group_refusals", "metric_refusals", "row_refusals", "target_refusals"]

# What a column of numbers that cannot be used as it is may become instead.
_OTHER_WORDS: tuple[dict[str, Any], ...] = (
    {"impute": "median"},
    {"encode": "onehot", "impute": None, "fill_value": None, "scale": None, "missing_flag": None, "clip": None},
)


def metric_refusals(spec: PipelineSpec, problem: Problem) -> list[Finding]:
    """Find a metric that cannot score the problem."""
    try:
        metric_of(spec, problem)
    except UserError as error:
        return [Finding("error", "metric", str(error), f"metric: {problem.metric}")]
    return []


def target_refusals(spec: PipelineSpec, problem: Problem, target: pd.Series[Any], where: str) -> list[Finding]:
    """Find what makes a target one that the pipeline cannot learn.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    problem : Problem
        The type of problem.
    target : Series of shape (rows,)
        The target.
    where : str
        The table's name in messages.
    """
    said = _of_target(spec, problem, target, where)
    if said is None:
        return []
    most = int(target.value_counts().min()) if problem.classification else len(target)
    fewer = spec.model_copy(update={"ensemble": spec.ensemble.model_copy(update={"folds": most})})
    fix = ""
    if 2 <= most < spec.ensemble.folds and _of_target(fewer, problem, target, where) is None:
        fix = ensemble_with(spec, folds=most)
    elif spec.problem != "auto":
        other = infer_problem(target)
        fix = f"problem: {other.name}" if _of_target(spec, other, target, where) is None else ""
    return [Finding("error", "target", said, fix)]


def group_refusals(spec: PipelineSpec, train: pd.DataFrame, where: str) -> list[Finding]:
    """Find what makes ``ensemble.group`` one that no folds can be made by."""
    try:
        groups_of(spec, train, where)
    except UserError as error:
        return [Finding("error", "group", str(error))]
    return []


def row_refusals(
    spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool, training: pd.DataFrame | None = None
) -> list[Finding]:
    """Find each rule and column of a table that cannot be brought together.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    rows : DataFrame of shape (rows, columns)
        Raw rows, without the target.
    where : str
        The table's name in messages.
    rest : bool
        Whether columns that no rule names count as a mistake, if the pipeline says so.
    training : DataFrame, optional
        The raw training rows, where the table is another: features such as dates are learned there.

    Returns
    -------
    list of Finding
        With the code ``table``, or ``unnamed`` where only that is wrong.
    """
    whole = _of_rows(spec, rows, where, rest=rest, training=training)
    if whole is None:
        return []
    if rest and _of_rows(spec, rows, where) is None:
        return [Finding("error", "unnamed", whole, "rest: drop")]
    columns: dict[str, list[str]] = {}
    remedies: dict[str, str] = {}
    for place, names in _parts(spec, rows):
        said = _of_rows(_alone(spec, place, names), _read_by(spec, names, rows), where, training=training)
        if said is not None:
            columns.setdefault(said, []).extend(name for name in names if name not in columns.get(said, ()))
            remedies[said] = _remedy(spec, place, names, rows, where)
    if not columns:  # a feature that no rule names
        return [Finding("error", "table", whole)]
    return [
        Finding("error", "table", said, remedies[said] or taken_out(spec, names)) for said, names in columns.items()
    ]


def _of_target(spec: PipelineSpec, problem: Problem, target: pd.Series[Any], where: str) -> str | None:
    try:
        check_target(spec, problem, target, where)
    except UserError as error:
        return str(error)
    return None


def _of_rows(
    spec: PipelineSpec, rows: pd.DataFrame, where: str, *, rest: bool = False, training: pd.DataFrame | None = None
) -> str | None:
    try:
        check_rows(spec, rows, where, rest=rest, training=training)
    except UserError as error:
        return str(error)
    return None


def _parts(spec: PipelineSpec, rows: pd.DataFrame) -> Iterator[tuple[int, list[str]]]:
    """Yield each rule's place with the columns that the table lacks, and then with each other column alone."""
    there = dict.fromkeys([*rows.columns, *spec.features])
    for place, rule in enumerate(spec.columns):
        absent = [name for name in rule.columns if name not in there and not _matches(rule, name, there)]
        if absent:
            yield place, absent
        for name in columns_of(rule, there):
            # A pattern never means the id.
            if name != spec.data.id or name in rule.columns:
                yield place, [name]


def _matches(rule: ColumnRule, pattern: str, there: Iterable[str]) -> list[str]:
    return columns_of(rule.model_copy(update={"columns": (pattern,)}), there)


def _alone(spec: PipelineSpec, place: int, names: Sequence[str]) -> PipelineSpec:
    """Return the pipeline with some columns of one rule, and the features that they are made from."""
    rule = spec.columns[place].model_copy(update={"columns": tuple(names)})
    return spec.model_copy(update={"columns": (rule,), "features": _needed(spec, names)})


def _needed(spec: PipelineSpec, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    wanted, kept = set(names), {}
    for name, feature in reversed(spec.features.items()):
        if name in wanted:
            kept[name] = feature
            wanted |= {*columns_read({name: feature})}
    return dict(reversed(kept.items()))


def _read_by(spec: PipelineSpec, names: Sequence[str], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that some columns are made from; all if one is not there, to suggest the nearest from."""
    needed = {*names, *columns_read(_needed(spec, names))} - {*spec.features}
    return rows[[name for name in rows if name in needed]] if needed <= {*rows.columns} else rows


def _remedy(spec: PipelineSpec, place: int, names: Sequence[str], rows: pd.DataFrame, where: str) -> str:
    """Return a rule with the columns that were meant, or one that can read the column, if there is one."""
    there = [*map(str, rows.columns), *spec.features]
    free = [name for name in there if name not in spec.columns[place].columns]
    meant = {name: nearest(name, free) for name in names if name not in there}
    if meant:
        known = {old: new for old, new in meant.items() if new}
        return respelled(spec, place, known) if len(known) == len(meant) else ""
    read = {name: nearest(name, there) for name in columns_read(_needed(spec, names)) if name not in there}
    if read:
        return "".join(f"# in features write {new} for {old}" for old, new in [*read.items()][:1] if new)
    if len(names) > 1 or not spec.columns[place].numeric:
        return ""
    part, table = _alone(spec, place, names), _read_by(spec, names, rows)
    for words in _OTHER_WORDS:
        content = {**part.columns[0].model_dump(exclude_defaults=True), **words}
        rule = ColumnRule.model_validate({key: value for key, value in content.items() if value is not None})
        if rule != part.columns[0] and _of_rows(part.model_copy(update={"columns": (rule,)}), table, where) is None:
            return own_rule(spec, names[0], place, **words)
    return ""

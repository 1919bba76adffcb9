"""Drafting of a pipeline from the tables of a competition by rules, with a reason for each decision.

    tables -> roles (target, id) -> problem, metric -> kinds of columns -> treatments, sizes -> draft

A draft is the content of a pipeline file with comments on its keys; `tabular_dl.spec.reader` reads it like any other
file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tabular_dl.competition import label_notes
from tabular_dl.drafting.column_defaults import Treatments, treat
from tabular_dl.drafting.network_defaults import Effort, Sizes, choose_sizes
from tabular_dl.errors import DataError, SubmissionError, listed
from tabular_dl.model_selection import group_codes, make_folds
from tabular_dl.problems import Problem, classes_of, get_metric, get_problem, infer_problem, output_units
from tabular_dl.profiling import ColumnKind, Roles, column_kinds, find_groupings
from tabular_dl.spec import Key, commented_yaml

__all__ = ["Draft", "draft_pipeline"]

MOST_LISTED = 8  # columns listed by one comment


@dataclass(frozen=True)
class Draft:
    """Drafted pipeline.

    Attributes
    ----------
    content : dict
        Content of the pipeline file.
    comments : dict of tuple to str
        Comments on keys of the content.
    problem : Problem
        Type of problem.
    kinds : tuple of ColumnKind
        Kind of each column.
    treatments : Treatments
        Features and rules for the columns.
    labels : list of str
        Sentences about labels of the submission that are not those of the target.
    """

    content: dict[str, Any]
    comments: dict[Key, str]
    problem: Problem
    kinds: tuple[ColumnKind, ...]
    treatments: Treatments
    labels: list[str] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        """Columns to predict."""
        target = self.content["data"]["target"]
        return [target] if isinstance(target, str) else target

    @property
    def text(self) -> str:
        """Text of the pipeline file, with comments."""
        return commented_yaml(self.content, self.comments)


def draft_pipeline(
    name: str,
    data: Mapping[str, Any],
    roles: Roles,
    train: pd.DataFrame,
    test: pd.DataFrame | None = None,
    sample: pd.DataFrame | None = None,
    metric: str | None = None,
    effort: Effort = "good",
) -> Draft:
    """Draft a pipeline for the tables of a competition.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    data : mapping
        Keys of the pipeline's ``data`` section that locate the tables, without target and id.
    roles : Roles
        Target and id.
    train : DataFrame
        Training rows.
    test : DataFrame, optional
        Rows to predict.
    sample : DataFrame, optional
        Sample submission.
    metric : str, optional
        Metric that scores runs. It also decides whether a target of whole numbers is a class or a number.
    effort : {"fast", "good", "best"}
        Time that training may take (`tabular_dl.drafting.network_defaults`).

    Returns
    -------
    Draft
        The pipeline.

    Raises
    ------
    DataError
        If the target is an id, dates or free text, a class has a single row, or no column can be used.
    SpecError
        If there is no such metric, or it cannot score the target.

    Examples
    --------
    >>> train = pd.DataFrame({"size": [n / 2 for n in range(40)], "price": [2.5 * n for n in range(40)]})
    >>> draft = draft_pipeline("houses", {"source": "houses"}, Roles("price", "", None, ""), train)
    >>> draft.content["problem"], draft.content["columns"]
    ('regression', [{'columns': ['size'], 'impute': 'median', 'scale': 'standard'}])
    """
    y = train[roles.target]
    problem, problem_reason = _problem(y, roles, metric)
    columns = pd.DataFrame(y).items() if problem.classification else ()
    rarest = min((_rarest(column.value_counts(), str(name)) for name, column in columns), default=None)
    others = train.drop(columns=[*roles.targets, *([] if roles.id is None else [roles.id])])
    kinds = column_kinds(others, test)
    chosen, metric_reason = _metric(problem, roles, sample, metric)
    labels = _labels(y, roles.target, problem, sample, chosen)
    sizes = choose_sizes(
        len(train), problem, rarest, effort=effort, numbers=sum(kind.kind == "numeric" for kind in kinds)
    )
    group, group_reason = _group(train, test, roles, problem, sizes.ensemble["folds"])
    described = [kind for kind in kinds if kind.name != group]
    classes = output_units(problem, y) if problem.classification else None
    treatments = treat(described, train, classes, several=len(roles.targets) > 1)
    if len(described) < len(kinds):
        treatments.dropped["it groups the folds, and test rows have other values"] = [str(group)]
    _check_rules(treatments)
    training = dict(sizes.training)
    if chosen == "rmsle":
        training["target_transform"] = "log1p"
    content: dict[str, Any] = {
        "name": name,
        "problem": problem.name,
        "data": {**data, "target": roles.target, **({} if roles.id is None else {"id": roles.id})},
        "metric": chosen,
        **({"features": treatments.features} if treatments.features else {}),
        "columns": treatments.rules,
        "rest": "drop",
        "network": sizes.network,
        "training": training,
        "ensemble": {**sizes.ensemble, **({} if group is None else {"group": group})},
        "search": sizes.search,
    }
    reasons_by_key = {
        "problem": problem_reason,
        "metric": "\n".join([metric_reason, *labels]),
        "rest": _left_out(treatments, others, kinds),
        "ensemble": " ".join(reason for reason in (sizes.folds_reason, group_reason) if reason),
    }
    comments = _comments(name, len(train), roles, reasons_by_key, treatments, sizes)
    return Draft(content, comments, problem, kinds, treatments, labels)


def _check_rules(treatments: Treatments) -> None:
    """Raise an error if no column can be used."""
    if not treatments.rules:
        reasons = "; ".join(
            f"{listed(columns, MOST_LISTED)}: {reason}" for reason, columns in treatments.dropped.items()
        )
        raise DataError(f"No column is left to learn from. {reasons or 'There is none beside target and id'}.")


def _problem(y: pd.Series | pd.DataFrame, roles: Roles, metric: str | None) -> tuple[Problem, str]:
    """Return the type of problem and the reason: detected from the target, unless the metric is for another type."""
    target = listed(roles.targets)
    try:
        problem = infer_problem(y)
    except DataError as error:
        raise DataError(f"The target {target!r} cannot be learned. {error}") from None
    for name, column in pd.DataFrame(y).items():
        if column_kinds(column.to_frame())[0].kind == "date":
            raise DataError(
                f"The target {name!r} consists of dates, like {column.tolist()[0]!r}: replace them by a number, such "
                "as days since one of them."
            )
    if isinstance(y, pd.DataFrame):
        return _problem_of_several(y, problem, metric)
    different = y.nunique()
    reason = f"{target} has {different} different values in {len(y)} rows"
    if metric is None or get_metric(metric).scores(problem):
        return problem, f"{reason}."
    possible = get_metric(metric).problems
    numeric = y.dtype.kind in "iuf"
    if numeric and "regression" in possible:
        return get_problem("regression"), f"{reason}; {metric} scores numbers."
    if numeric and bool((y % 1 == 0).all()):
        other = "binary" if different == 2 else "multiclass"
        if other in possible:
            return get_problem(other), f"{reason}; {metric} scores labels."
    get_metric(metric).check(problem)
    raise AssertionError("check raises for a problem that the metric cannot score")  # pragma: no cover


def _problem_of_several(y: pd.DataFrame, problem: Problem, metric: str | None) -> tuple[Problem, str]:
    """Return the type of problem of several targets, as the metric has it, and the reason."""
    reason = f"{len(y.columns)} targets"
    if metric is not None and not get_metric(metric).scores(problem):
        numeric = all(column.dtype.kind in "iuf" for _, column in y.items())
        whole = numeric and bool((y % 1 == 0).all(axis=None))
        others = [get_problem(name) for name, fits in (("regression", numeric), ("multioutput", whole)) if fits]
        problem = next((other for other in others if get_metric(metric).scores(other)), problem)
        get_metric(metric).check(problem)
        reason += f"; {metric} scores {'labels' if problem.classification else 'numbers'}"
    each = "a number" if problem.each is None else "0 or 1" if problem.each == "binary" else "one of several classes"
    return problem, f"{reason}, each {each}."


def _rarest(counts: pd.Series, target: str) -> int:
    """Return the number of rows of the rarest class; raise an error for classes of one row."""
    single = [repr(value) for value, count in counts.items() if count == 1]
    if single:
        raise DataError(
            f"The target {target!r} has {len(single)} of {len(counts)} classes with a single row: "
            f"{listed(single, MOST_LISTED)}. A class needs rows to learn from and rows to score: remove these rows, or "
            "join rare classes."
        )
    return int(counts.min())


def _group(
    train: pd.DataFrame, test: pd.DataFrame | None, roles: Roles, problem: Problem, folds: int
) -> tuple[str | None, str]:
    """Return the column that groups the folds, and the reason.

    It is a repeated id, or a column of which the test rows have other values.
    """
    y = train[roles.targets[0]]
    if roles.id is not None and train[roles.id].duplicated().any():
        name, reason = roles.id, "Several rows have the same id: they share a fold."
    else:
        if test is None:
            return None, ""
        raw = train.drop(columns=[column for column in (*roles.targets, roles.id) if column is not None])
        groupings = find_groupings(raw, test, y, classification=problem.classification, seed=0)
        if not groupings:
            return None, ""
        name = groupings[0].column
        reason = f"Test rows have other values of {name}: rows of the same value share a fold, or scores are too good."
    try:
        make_folds(folds, y.to_numpy(), group_codes(train[name], name), stratified=problem.stratified, seed=0)
    except DataError:
        return None, ""
    return name, reason


def _metric(problem: Problem, roles: Roles, sample: pd.DataFrame | None, metric: str | None) -> tuple[str, str]:
    if metric is not None:
        return metric, "Given by --metric."
    if sample is not None and problem.classification and _has_probabilities(sample, roles):
        return (
            "log_loss",
            "The sample submission has probabilities. Change this if the competition uses another metric.",
        )
    return problem.metric, f"Default of a {problem.name} problem. Change this if the competition uses another metric."


def _labels(
    y: pd.Series | pd.DataFrame, target: str | list[str], problem: Problem, sample: pd.DataFrame | None, metric: str
) -> list[str]:
    """Return what is to be said of the labels of the submission."""
    try:
        return label_notes(target, classes_of(y.to_numpy(), problem), sample, get_metric(metric))
    except SubmissionError as error:
        return [str(error)]


def _has_probabilities(sample: pd.DataFrame, roles: Roles) -> bool:
    """Return whether a sample submission has fractions, or one column for each of several classes."""
    predictions = sample.drop(columns=roles.id if roles.id in sample.columns else sample.columns[:1])
    if len(predictions.columns) != 1 and not {*roles.targets} & {*predictions.columns}:
        return len(predictions.columns) > 1
    values = predictions.apply(pd.to_numeric, errors="coerce")
    return bool(((values % 1 != 0) & (values >= 0) & (values <= 1)).to_numpy().any())


def _left_out(treatments: Treatments, others: pd.DataFrame, kinds: Sequence[ColumnKind]) -> str:
    """Return a comment that lists the columns that are left out, with reasons."""
    present = {kind.name for kind in kinds}
    absent = [str(name) for name in others.columns if name not in present]
    reasons = {**treatments.dropped, **({"the test table lacks it": absent} if absent else {})}
    lines = [f"{listed(columns, MOST_LISTED)}: {reason}." for reason, columns in reasons.items()]
    return "\n".join(["Left out:", *lines]) if lines else "Columns without a rule are left out."


def _comments(
    name: str, rows: int, roles: Roles, reasons: Mapping[str, str], treatments: Treatments, sizes: Sizes
) -> dict[Key, str]:
    roles_reason = (
        f"Target: {listed(roles.targets)}, {roles.target_reason}. Id: {roles.id or 'none'}, {roles.id_reason}."
    )
    comments: dict[Key, str] = {
        (): f"Drafted by `tabular-dl init {name}` from {rows} training rows, by rules. Change what does not suit.\n"
        f"Next: tabular-dl fit {name}",
        ("problem",): reasons["problem"],
        ("data",): roles_reason,
        ("metric",): reasons["metric"],
        ("rest",): reasons["rest"],
        ("network",): sizes.reason,
        ("search",): f"Search space of `tabular-dl search {name}`.",
    }
    if reasons["ensemble"]:
        comments["ensemble",] = reasons["ensemble"]
    comments |= {("features", feature): reason for feature, reason in treatments.feature_reasons.items()}
    return comments | {("columns", place): reason for place, reason in enumerate(treatments.rule_reasons)}

"""A pipeline drafted from the tables of a competition: every decision by rule, and each with its reason.

    tables -> roles (target, id) -> problem, metric -> kinds of columns -> treatments, sizes -> draft

The draft is the content of a pipeline file and a comment for each of its keys; `tabular_dl.spec.reader` reads it like
any other file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tabular_dl.drafting.column_defaults import Treatments, treat
from tabular_dl.drafting.network_defaults import Sizes, choose_sizes
from tabular_dl.errors import DataError
from tabular_dl.model_selection import group_codes, make_folds
from tabular_dl.problems import Problem, get_metric, get_problem, infer_problem
from tabular_dl.profiling import ColumnKind, Roles, column_kinds, find_groupings
from tabular_dl.spec import Key, commented_yaml

__all__ = ["Draft", "draft_pipeline"]

MOST_LISTED = 8  # columns in one comment


@dataclass(frozen=True)
class Draft:
    """A drafted pipeline.

    Attributes
    ----------
    content : dict
        What the pipeline file says.
    comments : dict of tuple to str
        The reason for each key that has one.
    problem : Problem
        What is to be predicted.
    kinds : tuple of ColumnKind
        What each column is.
    treatments : Treatments
        What becomes of each column.
    """

    content: dict[str, Any]
    comments: dict[Key, str]
    problem: Problem
    kinds: tuple[ColumnKind, ...]
    treatments: Treatments

    @property
    def text(self) -> str:
        """The pipeline file, with comments."""
        return commented_yaml(self.content, self.comments)


def draft_pipeline(
    name: str,
    data: Mapping[str, Any],
    roles: Roles,
    train: pd.DataFrame,
    test: pd.DataFrame | None = None,
    sample: pd.DataFrame | None = None,
    metric: str | None = None,
) -> Draft:
    """Draft a pipeline by rule.

    Parameters
    ----------
    name : str
        The pipeline's.
    data : mapping
        Where the tables are: keys of the pipeline's ``data`` section, without target and id.
    roles : Roles
        Target and id.
    train, test, sample : DataFrame
        Training rows, rows to predict, and sample submission; the last two may be lacking.
    metric : str, optional
        What runs are scored by; it may decide what a target of whole numbers is.

    Returns
    -------
    Draft

    Raises
    ------
    DataError
        If there is nothing to learn, or from: a target that is an id or free text, classes of a single row, or no
        column that says anything.
    SpecError
        If there is no such metric, or it cannot score such a target.

    Examples
    --------
    >>> train = pd.DataFrame({"size": [n / 2 for n in range(40)], "price": [2.5 * n for n in range(40)]})
    >>> draft = draft_pipeline("houses", {"source": "houses"}, Roles("price", "", None, ""), train)
    >>> draft.content["problem"], draft.content["columns"]
    ('regression', [{'columns': ['size'], 'impute': 'median', 'scale': 'standard'}])
    """
    y = train[roles.target]
    problem, problem_reason = _problem(y, roles.target, metric)
    counts = y.value_counts() if problem.classification else None
    rarest = None if counts is None else _rarest(counts, roles.target)
    others = train.drop(columns=[column for column in (roles.target, roles.id) if column is not None])
    kinds = column_kinds(others, test)
    sizes = choose_sizes(len(train), problem, rarest)
    group, group_reason = _group(train, test, roles, problem, sizes.ensemble["folds"])
    described = [kind for kind in kinds if kind.name != group]
    treatments = treat(described, train, None if counts is None else len(counts))
    if len(described) < len(kinds):
        treatments.dropped["it keeps rows in one fold, and says nothing of others"] = [str(group)]
    if not treatments.rules:
        reasons = "; ".join(f"{_listed(columns)}: {why}" for why, columns in treatments.dropped.items())
        raise DataError(f"No column is left to learn from. {reasons or 'There is none beside target and id'}.")
    chosen, metric_reason = _metric(problem, roles, sample, metric)
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
    said = {
        "problem": problem_reason,
        "metric": metric_reason,
        "rest": _left_out(treatments, others, kinds),
        "ensemble": " ".join(reason for reason in (sizes.folds_reason, group_reason) if reason),
    }
    comments = _comments(name, len(train), roles, said, treatments, sizes)
    return Draft(content, comments, problem, kinds, treatments)


def _problem(y: pd.Series, target: str, metric: str | None) -> tuple[Problem, str]:
    """Return the type of problem and why: as the target shows, unless the metric is for another."""
    try:
        problem = infer_problem(y)
    except DataError as error:
        raise DataError(f"The target {target!r} cannot be learned. {error}") from None
    if column_kinds(y.to_frame())[0].kind == "date":
        raise DataError(
            f"The target {target!r} is dates, like {y.tolist()[0]!r}: write the days since one of them instead, and "
            "predict that number."
        )
    different = y.nunique()
    said = f"{target} has {different} different values in {len(y)} rows"
    if metric is None or problem.name in get_metric(metric).problems:
        return problem, f"{said}."
    wanted = get_metric(metric).problems
    numeric = y.dtype.kind in "iuf"
    if numeric and "regression" in wanted:
        return get_problem("regression"), f"{said}; {metric} scores numbers."
    if numeric and bool((y % 1 == 0).all()):
        other = "binary" if different == 2 else "multiclass"
        if other in wanted:
            return get_problem(other), f"{said}; {metric} scores labels."
    get_metric(metric).check(problem)
    raise AssertionError("check refuses what the metric cannot score")  # pragma: no cover


def _rarest(counts: pd.Series, target: str) -> int:
    """Return the rows of the rarest class; refuse classes of one row, which no second fold can have."""
    single = [repr(value) for value, count in counts.items() if count == 1]
    if single:
        raise DataError(
            f"The target {target!r} has {len(single)} of {len(counts)} classes with a single row: {_listed(single)}. "
            "A class has to be both learned and scored: remove these rows, or join rare classes to one."
        )
    return int(counts.min())


def _group(
    train: pd.DataFrame, test: pd.DataFrame | None, roles: Roles, problem: Problem, folds: int
) -> tuple[str | None, str]:
    """Return the column whose rows share a fold, and why: a repeated id, or what test rows have other values of."""
    y = train[roles.target]
    if roles.id is not None and train[roles.id].duplicated().any():
        name, why = roles.id, "Several rows have one id: rows of one share a fold."
    else:
        if test is None:
            return None, ""
        raw = train.drop(columns=[column for column in (roles.target, roles.id) if column is not None])
        found = find_groupings(raw, test, y, classification=problem.classification, seed=0)
        if not found:
            return None, ""
        name = found[0].column
        why = f"Test rows have other values of {name}: training rows of one value share a fold, or the score flatters."
    try:
        make_folds(folds, y.to_numpy(), group_codes(train[name], name), stratified=problem.stratified, seed=0)
    except DataError:
        return None, ""
    return name, why


def _metric(problem: Problem, roles: Roles, sample: pd.DataFrame | None, metric: str | None) -> tuple[str, str]:
    if metric is not None:
        return metric, "As --metric says."
    if sample is not None and problem.classification and _asks_probabilities(sample, roles):
        return "log_loss", "The sample submission has probabilities. If the competition's score is another, name it."
    return problem.metric, f"What a {problem.name} problem is scored by unless the competition says otherwise."


def _asks_probabilities(sample: pd.DataFrame, roles: Roles) -> bool:
    """Tell whether a sample submission has fractions, or a column for each of several classes."""
    asked = sample.drop(columns=roles.id if roles.id in sample.columns else sample.columns[:1])
    if len(asked.columns) != 1:
        return roles.target not in asked.columns and len(asked.columns) > 1
    values = pd.to_numeric(asked.iloc[:, 0], errors="coerce")
    return bool(((values % 1 != 0) & values.between(0, 1)).any())


def _left_out(treatments: Treatments, others: pd.DataFrame, kinds: Sequence[ColumnKind]) -> str:
    """Say which columns nothing is made of, and why."""
    present = {kind.name for kind in kinds}
    absent = [str(name) for name in others.columns if name not in present]
    reasons = {**treatments.dropped, **({"the test table lacks it": absent} if absent else {})}
    lines = [f"{_listed(columns)}: {why}." for why, columns in reasons.items()]
    return "\n".join(["Left out:", *lines]) if lines else "What no rule names is left out."


def _comments(
    name: str, rows: int, roles: Roles, said: Mapping[str, str], treatments: Treatments, sizes: Sizes
) -> dict[Key, str]:
    id_said = f"Id: {roles.id or 'none'}, {roles.id_reason}."
    comments: dict[Key, str] = {
        (): f"Drafted by `tabular-dl init {name}` from {rows} training rows, by rule: change what you know better.\n"
        f"Next: tabular-dl fit {name}",
        ("problem",): said["problem"],
        ("data",): f"Target: {roles.target}, {roles.target_reason}. {id_said}",
        ("metric",): said["metric"],
        ("rest",): said["rest"],
        ("network",): sizes.reason,
        ("search",): f"What `tabular-dl search {name}` tries.",
    }
    if said["ensemble"]:
        comments["ensemble",] = said["ensemble"]
    comments |= {("features", feature): why for feature, why in treatments.feature_reasons.items()}
    return comments | {("columns", place): why for place, why in enumerate(treatments.rule_reasons)}


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - MOST_LISTED} more" if len(every) > MOST_LISTED else ""
    return f"{', '.join(every[:MOST_LISTED])}{more}"

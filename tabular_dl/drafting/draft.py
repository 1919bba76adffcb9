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
from tabular_dl.drafting.earlier_targets import add_earlier_targets
from tabular_dl.drafting.folds import FoldsDraft, draft_folds
from tabular_dl.drafting.in_blocks import rowwise, without_embedding, without_refit
from tabular_dl.drafting.network_defaults import Effort, Sizes, choose_sizes
from tabular_dl.drafting.rare_classes import TargetSettings, rare_class_settings
from tabular_dl.drafting.skewed_target import skew_reason
from tabular_dl.drafting.target_problem import problem_of_targets, refuse_single_rows
from tabular_dl.errors import DataError, SubmissionError, listed
from tabular_dl.problems import Problem, classes_of, get_metric, output_units, rarest_class
from tabular_dl.profiling import (
    ClassBalance,
    ColumnKind,
    Roles,
    Separation,
    class_balance,
    column_kinds,
    find_group_drift,
    find_separation,
    target_parts,
)
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
    all_rows: int | None = None,
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
    all_rows : int, optional
        Number of training rows, about, if they are read in blocks, of which `train` has the first. The draft then
        learns nothing from all rows at once (`tabular_dl.drafting.in_blocks`).

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
    problem, problem_reason = problem_of_targets(y, roles, metric)
    columns = [column for _, column in pd.DataFrame(y).items()]
    rarest, balance, skewed = _distribution(columns, problem)
    raw = train.drop(columns=roles.targets)
    others = raw.drop(columns=[roles.id], errors="ignore")
    kinds = _kinds(others, train, test, roles)
    chosen, metric_reason = _metric(problem, roles, sample, metric, balance, skewed)
    labels = _labels(y, roles.target, problem, sample, chosen)
    sizes = choose_sizes(
        all_rows or len(train), problem, rarest, effort="fast" if all_rows else effort, numbers=_numbers(kinds)
    )
    # Rows that belong together are alike in each of several targets.
    separation = find_separation(raw, test, columns[0], roles.id, classification=problem.classification, seed=0)
    folds = draft_folds(train, test, roles, problem, separation, sizes.ensemble["folds"], get_metric(chosen))
    settings = _target_settings(roles.targets[0], chosen, balance, skewed, problem)
    treatments = _treatments(kinds, train, test, _outputs(problem, y), folds, several=len(columns) > 1)
    if not problem.classification and len(columns) == 1 and folds.keys.get("split") == "time":
        _add_level(treatments, raw, test, columns[0], separation, settings)
    if all_rows:
        sizes, treatments, folds = without_embedding(sizes), rowwise(treatments), without_refit(folds)
    content: dict[str, Any] = {
        "name": name,
        "problem": problem.name,
        "data": {**data, "target": roles.target, **({} if roles.id is None else {"id": roles.id})},
        "metric": chosen,
        **settings.keys,
        **({"features": treatments.features} if treatments.features else {}),
        "columns": treatments.rules,
        "rest": "drop",
        "network": sizes.network,
        "training": {**sizes.training, **settings.training},
        "ensemble": {**sizes.ensemble, **folds.keys},
        "search": sizes.search,
    }
    reasons_by_key = {
        "problem": problem_reason,
        "metric": "\n".join([metric_reason, *labels]),
        "rest": _left_out(treatments, others, kinds, columns[0], problem),
        "threshold" if settings.keys else "training": settings.reason,
        "ensemble": " ".join(reason for reason in (sizes.folds_reason, folds.reason) if reason),
    }
    comments = _comments(name, all_rows or len(train), roles, reasons_by_key, treatments, sizes)
    return Draft(content, comments, problem, kinds, treatments, labels)


def _distribution(targets: Sequence[pd.Series], problem: Problem) -> tuple[int | None, ClassBalance | None, str | None]:
    """Return the rows of the rarest class of any target, and of a single one its balance, or why it is skewed."""
    if not problem.classification:
        return None, None, skew_reason(targets[0]) if len(targets) == 1 else None
    for column in targets:
        refuse_single_rows(column)
    rarest = min(map(rarest_class, targets))
    return rarest, class_balance(targets[0]) if len(targets) == 1 else None, None


def _numbers(kinds: Sequence[ColumnKind]) -> int:
    return sum(kind.kind == "numeric" for kind in kinds)


def _outputs(problem: Problem, y: pd.Series | pd.DataFrame) -> int | None:
    return output_units(problem, y) if problem.classification else None


def _target_settings(
    target: str, metric: str, balance: ClassBalance | None, skewed: str | None, problem: Problem
) -> TargetSettings:
    """Return the settings that suit the target."""
    if metric == "rmsle" or (skewed is not None and get_metric(metric).looks_at == "values"):
        reason = f"The logarithm of {target} is learned: {skewed}" if skewed else ""
        return TargetSettings({"target_transform": "log1p"}, {}, reason)
    return rare_class_settings(metric, balance, problem)


def _add_level(
    treatments: Treatments,
    raw: pd.DataFrame,
    test: pd.DataFrame | None,
    y: pd.Series,
    separation: Separation,
    settings: TargetSettings,
) -> None:
    """Add a feature of earlier targets if the level of groups changes."""
    drift = find_group_drift(raw, test, y, separation.order)
    logarithm = "target_transform" in settings.training
    add_earlier_targets(treatments, drift, str(y.name), [*map(str, raw.columns), str(y.name)], logarithm=logarithm)


def _treatments(
    kinds: Sequence[ColumnKind],
    train: pd.DataFrame,
    test: pd.DataFrame | None,
    classes: int | None,
    folds: FoldsDraft,
    *,
    several: bool,
) -> Treatments:
    """Return features and rules for the columns, and the features that the folds need."""
    # Test rows have other groups, so that groups do not help to predict them; dates do nevertheless.
    groups = [kind.name for kind in kinds if kind.name == folds.keys.get("group") and kind.kind != "date"]
    treatments = treat([kind for kind in kinds if kind.name not in groups], train, classes, test, several=several)
    if groups:
        treatments.dropped["it groups the folds, and test rows have other values"] = groups
    for feature, declaration in folds.features.items():
        if feature not in treatments.features:
            treatments.features[feature] = declaration
            treatments.feature_reasons[feature] = f"{folds.purpose}, for the folds."
    if not treatments.rules:
        left_out = treatments.dropped.items()
        reasons = "; ".join(f"{listed(columns, MOST_LISTED)}: {reason}" for reason, columns in left_out)
        raise DataError(f"No column is left to learn from. {reasons or 'There is none beside target and id'}.")
    return treatments


def _kinds(
    others: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame | None, roles: Roles
) -> tuple[ColumnKind, ...]:
    """Return the kinds of the columns beside target and id; of the id too if it is a date, which is a feature first."""
    kinds = column_kinds(others, test)
    if roles.id in train:
        kinds = (*(kind for kind in column_kinds(train[[roles.id]], test) if kind.kind == "date"), *kinds)
    return kinds


def _metric(
    problem: Problem,
    roles: Roles,
    sample: pd.DataFrame | None,
    metric: str | None,
    balance: ClassBalance | None,
    skewed: str | None,
) -> tuple[str, str]:
    if metric is not None:
        return metric, "Given by --metric."
    if skewed is not None:
        reason = f"{roles.target} is skewed, so that errors count by their share of it: {skewed}"
        return "rmsle", f"{reason} Change this to rmse if the competition counts all errors alike."
    if sample is not None and problem.classification and _has_probabilities(sample, roles):
        return (
            "log_loss",
            "The sample submission has probabilities. Change this if the competition uses another metric.",
        )
    if problem.metric == "accuracy" and balance is not None and balance.misleads:
        share = balance.largest_rows / balance.rows
        return "balanced_accuracy", f"Always guessing {balance.largest!r} has an accuracy of {share:.3f}."
    return problem.metric, f"Default of a {problem.name} problem. Change this if the competition uses another metric."


def _labels(
    y: pd.Series | pd.DataFrame, target: str | list[str], problem: Problem, sample: pd.DataFrame | None, metric: str
) -> list[str]:
    """Return sentences about labels of the submission that are not those of the target."""
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


def _left_out(
    treatments: Treatments, others: pd.DataFrame, kinds: Sequence[ColumnKind], y: pd.Series, problem: Problem
) -> str:
    """Return a comment that lists the columns that are left out, with reasons."""
    present = {kind.name for kind in kinds}
    absent = [str(name) for name in others.columns if name not in present]
    parts = target_parts(others[absent], y, classification=problem.classification)
    reasons = {reason: list(columns) for reason, columns in treatments.dropped.items()}
    for name in absent:
        leak = f"a leak that test rows lack: {parts[name]}" if name in parts else "the test table lacks it"
        reasons.setdefault(leak, []).append(name)
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
    comments |= {
        (section,): reasons[section] for section in ("threshold", "training", "ensemble") if reasons.get(section)
    }
    comments |= {("features", feature): reason for feature, reason in treatments.feature_reasons.items()}
    return comments | {("columns", place): reason for place, reason in enumerate(treatments.rule_reasons)}

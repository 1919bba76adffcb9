"""Type of problem of one or several targets, for a draft, and the refusal of classes of one row."""

from __future__ import annotations

import pandas as pd

from tabular_dl.errors import DataError, listed
from tabular_dl.problems import Problem, get_metric, get_problem, infer_problem
from tabular_dl.profiling import Roles, column_kinds

__all__ = ["problem_of_targets", "refuse_single_rows"]

MOST_LISTED = 8  # classes that a message lists


def problem_of_targets(y: pd.Series | pd.DataFrame, roles: Roles, metric: str | None) -> tuple[Problem, str]:
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
    if metric is not None and get_metric(metric).ordered and y.dtype.kind in "iu" and different > 2:
        queries = "orders the rows of a query by the relevance that is predicted for them"
        how = queries if get_metric(metric).by_query else "scores labels in order, into which numbers are cut"
        return get_problem("regression"), f"{reason}; {metric} {how}."
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


def refuse_single_rows(target: pd.Series) -> None:
    """Raise an error if a class of a target has a single row."""
    counts = target.value_counts()
    single = [repr(value) for value, count in counts.items() if count == 1]
    if single:
        raise DataError(
            f"The target {target.name!r} has {len(single)} of {len(counts)} classes with a single row: "
            f"{listed(single, MOST_LISTED)}. A class needs rows to learn from and rows to score: remove these rows, or "
            "join rare classes."
        )

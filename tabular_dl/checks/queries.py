"""Errors of a metric that is the mean over queries: no column with the query of each row, or weights of rows."""

from __future__ import annotations

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import data_with, ensemble_with
from tabular_dl.competition import Competition
from tabular_dl.errors import UserError
from tabular_dl.profiling import find_query_column
from tabular_dl.spec import PipelineSpec, check_queries

__all__ = ["query_errors"]


def query_errors(spec: PipelineSpec, competition: Competition) -> list[Finding]:
    """Return the error of a metric of queries that the pipeline does not name, or whose rows have weights.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline whose metric can score the problem.
    competition : Competition
        Tables, in which the column of the query is looked for.

    Returns
    -------
    list of Finding
        At most one, with the code ``queries``.
    """
    try:
        check_queries(spec)
    except UserError as error:
        return [Finding("error", "queries", str(error), _fix(spec, competition))]
    return []


def _fix(spec: PipelineSpec, competition: Competition) -> str:
    """Return the line with the missing key, or the section without the weights."""
    if spec.ensemble.group is not None:
        return data_with(spec, weight=None)
    keys: dict[str, object] = {} if spec.ensemble.split == "column" else {"split": "group", "time": None, "gap": None}
    rows = competition.train.drop(
        columns=[*spec.data.targets, spec.data.id or "", spec.data.weight or ""], errors="ignore"
    )
    column = find_query_column(rows, competition.test)
    return (
        f"# {ensemble_with(spec, **keys, group='COLUMN')}"
        if column is None
        else ensemble_with(spec, **keys, group=column)
    )

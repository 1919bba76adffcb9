"""Queries of a pipeline whose metric is the mean over queries, such as NDCG: the groups of ``ensemble.group``."""

from __future__ import annotations

import pandas as pd

from tabular_dl.errors import SpecError
from tabular_dl.problems import Metric, Problem, get_metric, with_queries
from tabular_dl.spec.build import metric_of
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.row_keys import group_numbers

__all__ = ["check_queries", "scores_queries", "scoring_metric"]


def scores_queries(spec: PipelineSpec) -> bool:
    """Return whether the metric of a pipeline is the mean over queries.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> scores_queries(load_spec("boston")), scores_queries(load_spec("boston", ["metric=ndcg:10"]))
    (False, True)
    """
    return isinstance(spec.metric, str) and get_metric(spec.metric).by_query


def check_queries(spec: PipelineSpec) -> None:
    """Raise an error for a metric that is the mean over queries, if the pipeline has none, or weights of rows.

    A pipeline with ``ensemble.group`` has folds of whole groups, since other splits refuse the key.

    Raises
    ------
    SpecError
        If ``ensemble.group`` is missing, or ``data.weight`` is given.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> check_queries(load_spec("boston", ["metric=ndcg"]))
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: pipeline boston: metric: ndcg is the mean over queries, and the pipeline names no
    column with the query of each row. Write ensemble: {split: group, group: COLUMN}.
    """
    if not scores_queries(spec):
        return
    if spec.ensemble.group is None:
        split = spec.ensemble.split
        reason = "" if split is None else f" (split: {split} does not keep queries whole)"
        form = "fold: COLUMN, group: COLUMN" if split == "column" else "group: COLUMN"
        raise SpecError(
            f"pipeline {spec.name}: metric: {spec.metric_name} is the mean over queries, and the pipeline names no "
            f"column with the query of each row{reason}. Write ensemble: "
            f"{{split: {'column' if split == 'column' else 'group'}, {form}}}."
        )
    if spec.data.weight is not None:
        raise SpecError(
            f"pipeline {spec.name}: data.weight: metric: {spec.metric_name} is the mean over queries, in which rows "
            "have no weights. Leave data.weight out, or choose another metric."
        )


def scoring_metric(spec: PipelineSpec, problem: Problem, rows: pd.DataFrame, where: str) -> Metric:
    """Return the metric of a specification, with the query of each row if it is the mean over queries.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    rows : DataFrame of shape (rows, columns)
        Raw rows that are scored.
    where : str
        Name of their table in messages.

    Returns
    -------
    Metric
        Metric of these rows.

    Raises
    ------
    UserError
        If the metric cannot score the problem, or it needs queries, which the pipeline or the table lacks.
    """
    metric = metric_of(spec, problem)
    if not metric.by_query:
        return metric
    check_queries(spec)
    return with_queries(metric, group_numbers(spec, rows, where))

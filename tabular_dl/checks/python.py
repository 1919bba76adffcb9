"""Errors of the user's transformers, losses, blocks and metric, found on a few rows before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import columns_of
from tabular_dl.errors import UserError
from tabular_dl.nn import load_quietly
from tabular_dl.problems import Problem, classes_of, with_means
from tabular_dl.spec import PipelineSpec, build_pipeline, metric_of, python_settings, python_transformer

__all__ = ["metric_errors", "network_errors", "transformer_errors"]

MOST_ROWS = 1000  # training rows that a transformer is tried on


def transformer_errors(
    spec: PipelineSpec, tables: Sequence[pd.DataFrame], target: pd.Series[Any] | pd.DataFrame, names: tuple[str, str]
) -> list[Finding]:
    """Return the errors of ``transformer`` in rules: exceptions, values that are no numbers, unstorable objects.

    Each is fitted on the first training rows and transforms all test rows, as a fit would do at its end.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline without other errors.
    tables : sequence of DataFrame
        Training rows with derived features and, if there are any, test rows.
    target : Series of shape (rows,)
        Target of the training rows.
    names : tuple of (str, str)
        Names of both tables in messages.

    Returns
    -------
    list of Finding
        Errors with the code ``python``.
    """
    findings = []
    for place, rule in enumerate(spec.columns):
        if rule.transformer is None:
            continue
        columns = columns_of(rule, map(str, tables[0].columns), (*spec.data.targets, spec.data.id, spec.data.weight))
        table = names[0]
        try:
            step = python_transformer(spec, rule)
            step.fit_transform(tables[0][columns].head(MOST_ROWS), with_means(target.to_numpy())[:MOST_ROWS])
            for test in tables[1:]:
                table = names[1]
                step.transform(test[columns])
        except UserError as error:
            findings.append(Finding("error", "python", f"{table}, rule {place + 1}: {error}"))
    return findings


def network_errors(spec: PipelineSpec, problem: Problem, target: pd.Series[Any] | pd.DataFrame) -> list[Finding]:
    """Return the error of a loss, a block or an activation of the user, tried on a few rows.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline without other errors.
    problem : Problem
        Type of problem.
    target : Series of shape (rows,) or DataFrame of shape (rows, targets)
        Target of the training rows.

    Returns
    -------
    list of Finding
        At most one error with the code ``python``.
    """
    if not (spec.model.is_network and python_settings(spec)):
        return []
    load_quietly()  # the user's functions compute with tensors
    try:
        build_pipeline(spec, problem)[-1].check_user_code(target.to_numpy())
    except UserError as error:
        return [Finding("error", "python", str(error))]
    return []


def metric_errors(
    spec: PipelineSpec, problem: Problem, target: pd.Series[Any] | pd.DataFrame, sample_weight: np.ndarray | None
) -> list[Finding]:
    """Return the error of a metric that is a function of the user: an exception, or anything but a finite number.

    It scores the first training rows, predicted by the targets of the rows before them.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline without other errors.
    problem : Problem
        Type of problem.
    target : Series of shape (rows,), or DataFrame of shape (rows, targets)
        Target of the training rows, or several.
    sample_weight : ndarray of shape (rows,) or None
        Weights of the training rows.

    Returns
    -------
    list of Finding
        At most one, with the code ``python``.
    """
    metric = metric_of(spec, problem)
    if isinstance(metric.function, str):
        return []
    y, classes = target.to_numpy()[:MOST_ROWS], classes_of(target.to_numpy(), problem)
    prediction = np.roll(y, 1, axis=0)
    if isinstance(classes, list):
        prediction = np.hstack([_likely(*pair) for pair in zip(prediction.T, classes, strict=True)])
    elif classes is not None:
        prediction = _likely(prediction, classes) if y.ndim == 1 else 0.05 + 0.9 * prediction
    try:
        metric(y, prediction, classes, None if sample_weight is None else sample_weight[:MOST_ROWS])
    except UserError as error:
        return [Finding("error", "python", f"metric: {error}")]
    return []


def _likely(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return probabilities of classes by which each row's label is the most probable one, (rows, classes)."""
    shares = 0.1 / len(classes) + 0.9 * np.eye(len(classes))
    return shares[np.searchsorted(classes, labels)]

"""Errors of the user's transformers, found on the first rows before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import columns_of
from tabular_dl.errors import UserError
from tabular_dl.spec import PipelineSpec, python_transformer

__all__ = ["transformer_errors"]

MOST_ROWS = 1000  # training rows that a transformer is tried on


def transformer_errors(
    spec: PipelineSpec, tables: Sequence[pd.DataFrame], target: pd.Series[Any] | pd.DataFrame, names: tuple[str, str]
) -> list[Finding]:
    """Return the errors of ``transformer`` in rules: exceptions, other values than numbers, what cannot be stored.

    Each is fitted on the first training rows, and transforms all test rows, which a fit would only do at its end.

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
        columns = columns_of(rule, map(str, tables[0].columns), (*spec.data.targets, spec.data.id))
        table = names[0]
        try:
            step = python_transformer(spec, rule)
            step.fit_transform(tables[0][columns].head(MOST_ROWS), target.to_numpy()[:MOST_ROWS])
            for test in tables[1:]:
                table = names[1]
                step.transform(test[columns])
        except UserError as error:
            findings.append(Finding("error", "python", f"{table}, rule {place + 1}: {error}"))
    return findings

"""Columns that the rules and features of a specification read."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from tabular_dl.preprocessing import columns_read, resolve
from tabular_dl.spec.reader import PipelineSpec

__all__ = ["columns_named", "columns_used", "unmatched_columns"]


def columns_used(spec: PipelineSpec, rows: pd.DataFrame, test: pd.DataFrame | None = None) -> list[str]:
    """Return the raw columns that predictions are made from.

    Those of ``features.python`` are all columns of both tables but target and id.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    rows : DataFrame of shape (rows, columns)
        Raw rows.
    test : DataFrame of shape (test rows, columns), optional
        Rows to predict, if there is a table of them.

    Returns
    -------
    list of str
        Columns in the table's order.
    """
    used = columns_named(spec, rows.columns)
    if spec.python_features is not None:
        used |= {*(rows if test is None else test)} - {*unmatched_columns(spec)}
    return [name for name in rows.columns if name in used]


def columns_named(spec: PipelineSpec, columns: Collection[str]) -> set[str]:
    """Return the columns and features that rules and features read, by name or by pattern."""
    names = {name for rule in spec.columns for name in rule.columns}
    matching = {name for rule in spec.columns for name in resolve(rule.columns, columns, unmatched_columns(spec))}
    return {*columns_read(spec.derived, spec.data.only_target), *names, *matching}


def unmatched_columns(spec: PipelineSpec) -> tuple[str | None, ...]:
    """Return the columns that no pattern matches: targets, id and weight, and the user's own folds."""
    return *spec.data.targets, spec.data.id, spec.data.weight, spec.ensemble.fold

"""Redundant columns and features of a draft: with one value in every row, or the same as an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tabular_dl.preprocessing import DerivedFeatures, columns_read, read_columns
from tabular_dl.profiling import constant_columns, duplicate_columns

__all__ = ["redundant_names"]


def redundant_names(
    numeric: Mapping[str, bool], features: Mapping[str, Mapping[str, Any]], rows: pd.DataFrame
) -> dict[str, str | None]:
    """Return the columns and features that rules need not name, with the earlier ones that they repeat.

    They are compared as the rules read them, as `tabular_dl.checks` compares them.

    Parameters
    ----------
    numeric : mapping of str to bool
        Columns and features that rules name; whether a rule reads them as numbers rather than as categories.
    features : mapping of str to mapping
        Declarations of the features.
    rows : DataFrame of shape (rows, columns)
        Raw training rows.

    Returns
    -------
    dict of str to str or None
        Column or feature with the same content; None for one value in every row.

    Examples
    --------
    >>> rows = pd.DataFrame({"a": [1.5, 2.5], "b": [1.5, 2.5], "name": ["Ann", "Bob"]})
    >>> features = {"name_length": {"from": "name", "text": "length"}}
    >>> redundant_names({"a": True, "b": True, "name_length": True}, features, rows)
    {'name_length': None, 'b': 'a'}
    """
    table = rows
    if features:
        sources = [name for name in columns_read(features) if name in rows]
        derived = DerivedFeatures({name: dict(feature) for name, feature in features.items()}).fit_transform(
            rows[sources]
        )
        table = pd.concat([rows, derived[[*features]]], axis=1)
    read = read_columns(table, numeric)
    constant = constant_columns(read)
    return {**dict.fromkeys(constant), **duplicate_columns(read.drop(columns=constant))}

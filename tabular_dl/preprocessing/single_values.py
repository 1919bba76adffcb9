"""Operations of derived features on single values: they learn nothing but the format of dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.preprocessing.dates import cyclic_part, date_part
from tabular_dl.preprocessing.learned_features import subject
from tabular_dl.tables import category_text, read_categories

__all__ = ["single_values", "text_size"]


def single_values(
    name: str, feature: Mapping[str, Any], values: pd.Series, dates: Mapping[str, Any] | None
) -> pd.Series:
    """Return the values of a feature after ``date``, ``cyclic``, ``text``, ``map`` and ``fill``.

    Parameters
    ----------
    name : str
        Name of the feature, for messages.
    feature : mapping
        Its operations.
    values : Series of shape (rows,)
        Values of its source.
    dates : mapping or None
        Result of `learn_dates` for the training rows, if there is the operation ``date``.

    Returns
    -------
    Series of shape (rows,)
        Values.

    Examples
    --------
    >>> single_values("Sex", {"map": {"male": 0}, "fill": 2}, pd.Series(["male", None]), None).tolist()
    [0, 2]
    """
    if dates is not None:
        values = date_part(values, feature["date"], dates, subject(name, feature))
    if "cyclic" in feature:
        values = cyclic_part(values, feature["date"], feature["cyclic"])
    if "text" in feature:
        values = text_size(values, feature["text"])
    if "map" in feature:
        replacements = {category_text(old): new for old, new in feature["map"].items()}
        pairs = zip(read_categories(values), values, strict=True)
        replaced = [replacements.get(text, value) for text, value in pairs]
        values = pd.Series(replaced, index=values.index, dtype=object)
    if "fill" in feature:
        values = values.astype(object).where(values.notna(), feature["fill"])
    return values


def text_size(values: pd.Series, unit: str) -> pd.Series:
    """Return the number of characters or of words of each text; missing values stay missing.

    Parameters
    ----------
    values : Series of shape (rows,)
        Texts, or values that are read as texts.
    unit : {"length", "words"}
        Whether to count characters, or words separated by white space.

    Returns
    -------
    Series of float64 of shape (rows,)
        Counts.

    Examples
    --------
    >>> text_size(pd.Series(["two words", "", None]), "words").tolist()
    [2.0, 0.0, nan]
    """
    texts = read_categories(values)
    sizes = [
        (len(text) if unit == "length" else len(text.split())) if isinstance(text, str) else np.nan for text in texts
    ]
    return pd.Series(sizes, index=values.index, dtype=np.float64)

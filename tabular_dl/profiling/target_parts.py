"""Columns that are parts of the target, such as the sales of two tills beside their sum.

They are known only when the target is, so that test tables lack them, and a model that was trained on them could not
predict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.tables import read_categories

__all__ = ["target_parts"]

MOST_ROWS = 10_000  # that are compared
MOST_COLUMNS = 50
EXACT = 1e-6  # largest deviation from a linear relation, in standard deviations of the target
ROWS_A_COLUMN = 5  # fewest rows for each column of a relation, which few rows would have by chance
ALIKE = 0.95  # least rank correlation with the target
ONE_LABEL = 0.99  # least share of rows with the most frequent label of their value


def target_parts(table: pd.DataFrame, target: pd.Series[Any], *, classification: bool) -> dict[str, str]:
    """Return the columns that the target consists of, or that nearly equal it, with the reasons.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Columns that the test table lacks.
    target : Series of shape (rows,)
        Labels or numbers.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    dict of str to str
        Reason for each such column: an exact linear relation of several columns, a rank correlation of 0.95 with the
        target, or values that each have one label.

    Examples
    --------
    >>> sales = pd.DataFrame({"north": np.arange(30) % 7, "south": np.arange(30) % 4})
    >>> target_parts(sales, (sales["north"] + sales["south"]).rename("all"), classification=False)
    {'north': 'north + south = all', 'south': 'north + south = all'}
    """
    rows = table.iloc[:MOST_ROWS, :MOST_COLUMNS]
    y = target.iloc[: len(rows)]
    if classification:
        shares = {str(name): _label_share(rows[name], y) for name in rows}
        return {
            name: f"{share:.1%} of the rows of its values have the same {target.name}"
            for name, share in shares.items()
            if share >= ONE_LABEL
        }
    numbers = rows.select_dtypes("number")
    parts = _linear_parts(numbers.dropna(axis=1), y)
    correlations = _rank_correlations(numbers, y) if len(rows) >= ROWS_A_COLUMN else pd.Series(dtype=float)
    alike = {
        str(name): f"its rank correlation with {target.name} is {value:.2f}"
        for name, value in correlations.items()
        if abs(value) >= ALIKE
    }
    reasons = alike | parts
    return {str(name): reasons[str(name)] for name in numbers if str(name) in reasons}


def _rank_correlations(numbers: pd.DataFrame, target: pd.Series[Any]) -> pd.Series[Any]:
    """Return Spearman's correlation of each column that varies with the target; none if the target is constant."""
    varied = numbers.loc[:, numbers.min() < numbers.max()] if target.min() < target.max() else numbers[[]]
    return varied.corrwith(target, method="spearman")


def _linear_parts(numbers: pd.DataFrame, target: pd.Series[Any]) -> dict[str, str]:
    """Return the columns of which the target is an exact linear function, with the function."""
    varied = numbers.loc[:, numbers.min() < numbers.max()]
    spread = float(target.std())
    if varied.empty or len(varied) < ROWS_A_COLUMN * varied.shape[1] or not spread > 0:
        return {}
    X = varied.to_numpy(np.float64)
    if not np.isfinite(X).all():
        return {}
    scales = X.std(axis=0)
    design = np.column_stack([(X - X.mean(axis=0)) / scales, np.ones(len(X))])
    y = target.to_numpy(np.float64)
    weights = np.linalg.lstsq(design, y, rcond=None)[0]
    if np.abs(design @ weights - y).max() > EXACT * spread:
        return {}
    taking_part = np.abs(weights[:-1]) > EXACT * spread
    names = [str(name) for name, takes_part in zip(varied, taking_part, strict=True) if takes_part]
    factors = (weights[:-1] / scales)[taking_part]
    constant = float(weights[-1] - factors @ X.mean(axis=0)[taking_part])
    reason = f"{_sum(names, factors, constant if abs(constant) > EXACT * spread else 0.0)} = {target.name}"
    return dict.fromkeys(names, reason)


def _sum(names: Sequence[str], factors: np.ndarray[Any, Any], constant: float) -> str:
    """Return a linear function as text."""
    text = ""
    for name, factor in zip(names, factors, strict=True):
        size = abs(float(factor))
        term = name if abs(size - 1) < EXACT else f"{size:.4g} {name}"
        sign = "-" if factor < 0 else "+"
        text += f" {sign} {term}" if text else term if factor > 0 else f"-{term}"
    return f"{text} {'-' if constant < 0 else '+'} {abs(constant):.4g}" if constant else text


def _label_share(column: pd.Series[Any], labels: pd.Series[Any]) -> float:
    """Return the share of rows that have the most frequent label of their value; 0 for values of few rows."""
    values = pd.Series(read_categories(column), index=labels.index, dtype=object)
    known = values.notna()
    if known.sum() < len(values) / 2 or values.nunique() < 2 or values.nunique() * 2 > known.sum():
        return 0.0
    counts = pd.crosstab(values[known], labels[known])
    return float(counts.max(axis=1).sum() / known.sum())

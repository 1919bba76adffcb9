"""Drift: differences between two tables by which a model can distinguish their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_validate
from sklearn.tree import DecisionTreeClassifier

from tabular_dl.checks.ranks import sampled, tree_input
from tabular_dl.model_selection import make_folds

__all__ = ["Drift", "find_drift"]

FEWEST_ROWS = 20  # per table
MOST_NAMED = 5  # columns that are scored on their own
ERRORS = 3  # standard errors above 0.5 from which an area is not due to chance
FOLDS = 2


@dataclass(frozen=True)
class Drift:
    """Degree to which the rows of two tables can be distinguished.

    Attributes
    ----------
    auc : float
        Cross-validated area under the ROC curve of a random forest that predicts the table of a row; 0.5 if the tables
        do not differ.
    chance : float
        Largest area that chance alone is likely to give with this number of rows: three standard errors above 0.5.
    columns : dict of str to float
        Columns that distinguish the tables on their own, in the order of the forest's importances, with their areas.
    rows : tuple of (int, int)
        Number of sampled rows of each table.
    """

    auc: float
    chance: float
    columns: dict[str, float]
    rows: tuple[int, int]


def find_drift(
    train: pd.DataFrame, test: pd.DataFrame, seed: int, groups: tuple[pd.Series[Any], pd.Series[Any]] | None = None
) -> Drift | None:
    """Train a model that distinguishes test rows from training rows (adversarial validation).

    Parameters
    ----------
    train : DataFrame of shape (rows, columns)
        Training rows, each column of numbers or of text. Large tables are sampled.
    test : DataFrame of shape (test rows, columns)
        Test rows with the same columns.
    seed : int
        Seed of the sample, the folds and the forest.
    groups : pair of Series of shape (rows,) and (test rows,), optional
        Group of each row of both tables. Rows of one group share a fold, and count as one row for `Drift.chance`.

    Returns
    -------
    Drift or None
        None if a table has fewer than 20 rows or groups, or there are no columns.

    Notes
    -----
    The standard error of the area is that of the Wilcoxon statistic for equal distributions,
    sqrt((m + n + 1) / 12mn) for m and n rows (J. A. Hanley and B. J. McNeil, Radiology 143, 1982).

    Examples
    --------
    >>> numbers = np.random.default_rng(0).normal(size=(400, 2))
    >>> train = pd.DataFrame(numbers[:200], columns=["a", "b"])
    >>> test = pd.DataFrame(numbers[200:] + [0.0, 2.0], columns=["a", "b"])
    >>> drift = find_drift(train, test, seed=0)
    >>> drift.auc > 0.8, list(drift.columns)
    (True, ['b'])
    """
    if min(len(train), len(test)) < FEWEST_ROWS or not train.shape[1]:
        return None
    tables = sampled(train, seed), sampled(test, seed)
    parts = tree_input(*tables)
    m, n = rows = len(parts[0]), len(parts[1])
    X, y = np.concatenate(parts), np.repeat([0, 1], [m, n])
    codes = None
    if groups is not None:
        sampled_groups = [column.loc[table.index] for column, table in zip(groups, tables, strict=True)]
        codes = pd.factorize(pd.concat(sampled_groups))[0]
        m, n = len(np.unique(codes[:m])), len(np.unique(codes[m:]))
        if min(m, n) < FEWEST_ROWS:
            return None
    chance = 0.5 + ERRORS * float(np.sqrt((m + n + 1) / (12 * m * n)))
    forest = RandomForestClassifier(25, min_samples_leaf=5, max_depth=6, random_state=seed)
    folds = make_folds(FOLDS, y, codes, stratified=True, seed=seed)
    results = cross_validate(forest, X, y, cv=folds, scoring="roc_auc", return_estimator=True)
    auc = float(np.mean(results["test_score"]))
    columns: dict[str, float] = {}
    if auc > chance:
        importances = np.mean([fitted.feature_importances_ for fitted in results["estimator"]], axis=0)
        leading = np.argsort(-importances, kind="stable")[:MOST_NAMED].tolist()
        areas = {str(train.columns[place]): _column_auc(X[:, [place]], y, folds) for place in leading}
        columns = {name: area for name, area in areas.items() if area > chance}
    return Drift(auc, chance, columns, rows)


def _column_auc(
    column: np.ndarray[Any, Any], y: np.ndarray[Any, Any], folds: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    """Return the cross-validated area of a decision tree on one column."""
    tree = DecisionTreeClassifier(max_depth=5, min_samples_leaf=10, random_state=0)
    probabilities = cross_val_predict(tree, column, y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, probabilities[:, 1]))

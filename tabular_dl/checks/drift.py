"""Drift: whether a model can tell the rows of two tables apart, and by which columns."""

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

FEWEST_ROWS = 20  # of either table
MOST_NAMED = 5
ERRORS = 3  # standard errors beyond one half, from which on it is no chance
FOLDS = 2


@dataclass(frozen=True)
class Drift:
    """How well the rows of two tables can be told apart.

    Attributes
    ----------
    auc : float
        The cross-validated area under the ROC curve of a random forest that tells them apart: 0.5 is not at all.
    chance : float
        The least area that chance alone hardly reaches with so many rows: three standard errors beyond 0.5.
    columns : dict of str to float
        The columns that tell them apart on their own too, the forest's most important first, with their own areas.
    rows : tuple of (int, int)
        How many rows of each table were looked at.
    """

    auc: float
    chance: float
    columns: dict[str, float]
    rows: tuple[int, int]


def find_drift(
    train: pd.DataFrame, test: pd.DataFrame, seed: int, groups: tuple[pd.Series[Any], pd.Series[Any]] | None = None
) -> Drift | None:
    """Train a model to tell test rows from training rows (adversarial validation).

    Parameters
    ----------
    train, test : DataFrame of shape (rows, columns)
        With the same columns, each of numbers or of text. Of large tables a sample is taken.
    seed : int
        Fixes the sample, the folds and the forest.
    groups : pair of Series, optional
        What each row of the two tables belongs to. Rows of one group are no test of each other, and count as one.

    Returns
    -------
    Drift or None
        None if a table has fewer than 20 rows or groups.

    Notes
    -----
    The standard error of the area is that of the Wilcoxon statistic where nothing differs,
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
    own = None
    if groups is not None:
        own = pd.factorize(pd.concat([side.loc[table.index] for side, table in zip(groups, tables, strict=True)]))[0]
        m, n = len(np.unique(own[:m])), len(np.unique(own[m:]))
        if min(m, n) < FEWEST_ROWS:
            return None
    chance = 0.5 + ERRORS * float(np.sqrt((m + n + 1) / (12 * m * n)))
    forest = RandomForestClassifier(25, min_samples_leaf=5, max_depth=6, random_state=seed)
    folds = make_folds(FOLDS, y, own, stratified=True, seed=seed)
    done = cross_validate(forest, X, y, cv=folds, scoring="roc_auc", return_estimator=True)
    auc = float(np.mean(done["test_score"]))
    columns: dict[str, float] = {}
    if auc > chance:
        importances = np.mean([fitted.feature_importances_ for fitted in done["estimator"]], axis=0)
        leading = np.argsort(-importances, kind="stable")[:MOST_NAMED].tolist()
        alone = {str(train.columns[place]): _own_auc(X[:, [place]], y, folds) for place in leading}
        columns = {name: area for name, area in alone.items() if area > chance}
    return Drift(auc, chance, columns, rows)


def _own_auc(column: np.ndarray[Any, Any], y: np.ndarray[Any, Any], folds: Any) -> float:
    tree = DecisionTreeClassifier(max_depth=5, min_samples_leaf=10, random_state=0)
    said = cross_val_predict(tree, column, y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, said[:, 1]))

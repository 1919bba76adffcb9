"""Leaks: columns that predict the target almost perfectly on their own, and are probably derived from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif, f_regression
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabular_dl.checks.ranks import sampled, tree_input

__all__ = ["Leak", "find_leaks"]

ALMOST_ALL = 0.9  # least share of the target that a leak explains
MOST_COLUMNS = 100  # that are scored one by one
WORTH_A_LOOK = 0.7  # share explained in the first fold from which a column is scored in the others
FEWEST_ERRORS = 10  # fewest errors of always guessing the largest class; with fewer, scores are due to chance
FOLDS = 3


@dataclass(frozen=True)
class Leak:
    """Column that predicts the target on its own.

    Attributes
    ----------
    column : str
        Name of the column.
    measure : {"accuracy", "R2 of ranks"}
        Name of the score.
    score : float
        Cross-validated score of a decision tree on this column.
    base : float
        Score of a guess without any column: the share of the largest class, or 0.
    rows : int
        Number of rows that the score is computed from.
    """

    column: str
    measure: str
    score: float
    base: float
    rows: int


def find_leaks(table: pd.DataFrame, target: pd.Series[Any], *, classification: bool, seed: int) -> list[Leak]:
    """Find the columns that explain at least 90 % of the target on their own.

    For labels, a decision tree on such a column makes at most a tenth of the errors of always guessing the largest
    class. For numbers, its coefficient of determination is at least 0.9. The target's ranks are predicted instead of
    its values, so that a few extreme values do not decide.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Columns of numbers or of text. Large tables are sampled; of more than 100 columns, those with the largest F
        statistic are scored.
    target : Series of shape (rows,)
        Labels or numbers.
    classification : bool
        Whether the target consists of labels.
    seed : int
        Seed of sample and folds.

    Returns
    -------
    list of Leak
        Leaks in descending order of the score; empty if fewer than ten rows are outside the target's largest class, or
        the target is constant.

    Examples
    --------
    >>> numbers = np.random.default_rng(0).normal(size=(300, 2))
    >>> table = pd.DataFrame(numbers, columns=["a", "b"])
    >>> [leak.column for leak in find_leaks(table, table["b"] > 0, classification=True, seed=0)]
    ['b']
    """
    rows = sampled(table, seed)
    y = target.loc[rows.index].to_numpy()
    y = np.unique(y, return_inverse=True)[1] if classification else pd.Series(y).rank().to_numpy()
    base = float(np.bincount(y).max() / len(y)) if classification else 0.0
    if len(y) * (1 - base) < FEWEST_ERRORS or np.ptp(y) == 0:
        return []
    (X,) = tree_input(rows)
    folds = list(KFold(FOLDS, shuffle=True, random_state=seed).split(X))
    measure = "accuracy" if classification else "R2 of ranks"
    leaks = []
    for place in _candidates(X, y, classification=classification):
        # Most columns are ruled out by one fold, which saves the time of the others.
        if _explained(X[:, [place]], y, folds[:1], base, classification=classification) < WORTH_A_LOOK:
            continue
        explained = _explained(X[:, [place]], y, folds, base, classification=classification)
        if explained >= ALMOST_ALL:
            leaks.append(Leak(str(table.columns[place]), measure, base + explained * (1 - base), base, len(y)))
    return sorted(leaks, key=lambda leak: -leak.score)


def _explained(
    column: np.ndarray[Any, Any], y: np.ndarray[Any, Any], folds: list[Any], base: float, *, classification: bool
) -> float:
    """Return the share of a guess's errors that a tree on one column avoids in the test rows of the folds."""
    tree = (DecisionTreeClassifier if classification else DecisionTreeRegressor)(min_samples_leaf=3, random_state=0)
    with warnings.catch_warnings():
        # The user cannot do anything about many classes with few rows each.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        predicted = np.concatenate([tree.fit(column[train], y[train]).predict(column[test]) for train, test in folds])
    true = y[np.concatenate([test for _, test in folds])]
    if classification:
        return float(1 - np.mean(predicted != true) / (1 - base))
    return float(1 - np.mean((predicted - true) ** 2) / np.var(y))


def _candidates(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any], *, classification: bool) -> list[int]:
    """Return the places of the columns to score: those that vary, at most 100, with the largest F statistic."""
    filled = np.where(np.isnan(X), -1, X)
    varied = np.flatnonzero(np.ptp(filled, axis=0) > 0)
    if len(varied) > MOST_COLUMNS:
        statistic = (f_classif if classification else f_regression)(filled[:, varied], y)[0]
        varied = varied[np.argsort(-statistic, kind="stable")[:MOST_COLUMNS]]
    return [int(place) for place in varied]

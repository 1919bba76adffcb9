"""Leaks: a column that alone predicts the target almost perfectly is likely made from it."""

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

ALMOST_ALL = 0.9  # of what is to explain
MOST_COLUMNS = 100  # that are looked at one by one
WORTH_A_LOOK = 0.7
FEWEST_ERRORS = 10  # of the best guess without any column
FOLDS = 3


@dataclass(frozen=True)
class Leak:
    """How well one column predicts the target alone.

    Attributes
    ----------
    column : str
        Its name.
    measure : str
        What the score is: ``accuracy``, or ``R2 of ranks``.
    score : float
        The cross-validated score of a decision tree that has this column only.
    base : float
        The score of a guess without any column: the share of the largest class, or 0.
    rows : int
        How many rows it was judged on.
    """

    column: str
    measure: str
    score: float
    base: float
    rows: int


def find_leaks(table: pd.DataFrame, target: pd.Series[Any], *, classification: bool, seed: int) -> list[Leak]:
    """Find the columns that alone explain nine tenths of the target or more.

    For labels that is a decision tree on the column which makes at most a tenth of the errors of always guessing the
    largest class; for numbers a coefficient of determination of 0.9 or more of the target's ranks, which an
    extreme value cannot decide.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        Each column of numbers or of text. Of a large table a sample is taken; of more than 100 columns those with the
        largest F statistic.
    target : Series of shape (rows,)
        Labels or numbers.
    classification : bool
        Whether they are labels.
    seed : int
        Fixes sample and folds.

    Returns
    -------
    list of Leak
        The best first. None for a target with fewer than ten rows outside its largest class.

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
    found = []
    for place in _most_telling(X, y, classification=classification):
        # One fold says whether a column is worth the others.
        if _explained(X[:, [place]], y, folds[:1], base, classification=classification) < WORTH_A_LOOK:
            continue
        explained = _explained(X[:, [place]], y, folds, base, classification=classification)
        if explained >= ALMOST_ALL:
            found.append(Leak(str(table.columns[place]), measure, base + explained * (1 - base), base, len(y)))
    return sorted(found, key=lambda leak: -leak.score)


def _explained(
    column: np.ndarray[Any, Any], y: np.ndarray[Any, Any], folds: list[Any], base: float, *, classification: bool
) -> float:
    """Return the share of what a guess leaves open that a tree on a column gets right in the folds' test rows."""
    tree = (DecisionTreeClassifier if classification else DecisionTreeRegressor)(min_samples_leaf=3, random_state=0)
    with warnings.catch_warnings():
        # Many classes of few rows each are what the user has.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        said = np.concatenate([tree.fit(column[train], y[train]).predict(column[test]) for train, test in folds])
    true = y[np.concatenate([test for _, test in folds])]
    if classification:
        return float(1 - np.mean(said != true) / (1 - base))
    return float(1 - np.mean((said - true) ** 2) / np.var(y))


def _most_telling(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any], *, classification: bool) -> list[int]:
    """Return the places of the columns to look at."""
    known = np.where(np.isnan(X), -1, X)
    varied = np.flatnonzero(np.ptp(known, axis=0) > 0)
    if len(varied) > MOST_COLUMNS:
        statistic = (f_classif if classification else f_regression)(known[:, varied], y)[0]
        varied = varied[np.argsort(-statistic, kind="stable")[:MOST_COLUMNS]]
    return [int(place) for place in varied]

"""Figures of predicted test rows: error or RMSE, log loss, AUC, and losses by groups of rows.

Two variants predict the same test rows. Their losses in 20 fixed groups of these rows give the standard error of their
difference nearly as exactly as all rows would, and fit into a row of a CSV file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

__all__ = ["GROUPS", "Figures", "figures", "group_means"]

GROUPS = 20
# Forests predict probabilities of 0: without a bound, one such row decides the log loss of a table.
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Figures:
    """Figures of one variant on one split; NaN or empty where the problem has no such figure.

    Attributes
    ----------
    error, rmse : float
        Share of wrong classes; root of the mean squared error.
    standard_error : float
        Standard error of either over test rows.
    log_loss, log_loss_standard_error : float
        Mean of -log(probability of the true class), at least 1e-6, and its standard error.
    auc : float
        Area under the ROC curve; with more than two classes, the mean of one against the rest.
    losses_by_group, log_losses_by_group : ndarray of shape (groups,)
        Mean of wrong classes or squared errors, and of log losses, in each group of test rows.
    """

    error: float
    rmse: float
    standard_error: float
    log_loss: float
    log_loss_standard_error: float
    auc: float
    losses_by_group: np.ndarray
    log_losses_by_group: np.ndarray


def figures(truth: pd.Series, predictions: pd.DataFrame, problem: str) -> Figures:
    """Return the figures of predictions.

    Parameters
    ----------
    truth : Series of shape (rows,)
        Target of the test rows.
    predictions : DataFrame of shape (rows, 1 + classes)
        Prediction in the column of the target's name, and the probability of each class c in a column ``p_c``.
    problem : {"binary", "multiclass", "regression"}
        Type of problem.

    Returns
    -------
    Figures
        The figures.
    """
    predicted = predictions[truth.name]
    if problem == "regression":
        squared = (predicted.to_numpy(float) - truth.to_numpy(float)) ** 2
        rmse = float(np.sqrt(squared.mean()))
        # The root of a mean m with standard error s has about the standard error s / (2 sqrt(m)).
        error = _standard_error(squared) / (2 * rmse)
        nothing = np.array([])
        return Figures(np.nan, rmse, error, np.nan, np.nan, np.nan, group_means(squared), nothing)
    true = truth.astype(str).to_numpy()
    wrong = (predicted.astype(str).to_numpy() != true).astype(float)
    classes = np.unique(true)
    probabilities = predictions[[f"p_{name}" for name in classes]].to_numpy(float)
    of_truth = probabilities[np.arange(len(true)), np.searchsorted(classes, true)]
    losses = -np.log(np.clip(of_truth, LEAST_PROBABILITY, 1))
    return Figures(
        float(wrong.mean()),
        np.nan,
        _standard_error(wrong),
        float(losses.mean()),
        _standard_error(losses),
        _auc(true, probabilities, classes),
        group_means(wrong),
        group_means(losses),
    )


def _auc(true: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean area of each class against the rest, of which two classes have the same."""
    return float(np.mean([roc_auc_score(true == name, probabilities[:, k]) for k, name in enumerate(classes)]))


def _standard_error(losses: np.ndarray) -> float:
    return float(losses.std(ddof=1) / np.sqrt(len(losses)))


def group_means(losses: np.ndarray) -> np.ndarray:
    """Return the mean losses of 20 groups of rows, the same groups for equally many rows."""
    order = np.random.default_rng(0).permutation(len(losses))
    return np.array([losses[rows].mean() for rows in np.array_split(order, GROUPS)])

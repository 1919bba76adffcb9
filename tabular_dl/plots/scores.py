"""Figures of scores: scores of folds, ROC curves, calibration and feature importances."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import sklearn.metrics
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tabular_dl.plots.fits import BLUE, DASHED, GREY, INK, ORANGE, brief, dress

__all__ = ["calibration", "fold_scores", "importances", "roc_curves"]

MANY_CURVES = 10  # most curves that can be distinguished by colour
BINS = 10


def fold_scores(scores: Mapping[str, np.ndarray], errors: Mapping[str, float], metric: str) -> Figure:
    """Draw the scores of the folds, one line per model, with each model's mean and standard error.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (folds,)
        Scores of the networks first, then of simple models on the same folds.
    errors : mapping of str to float
        Standard error of each model's mean score.
    metric : str
        Name of the metric.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> scores = {"networks": np.array([0.8, 0.9]), "linear": np.array([0.7, 0.8])}
    >>> figure = fold_scores(scores, {"networks": 0.09, "linear": 0.09}, "accuracy")
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['networks', 'linear']
    """
    figure, axes = _panel(1.3 + 0.55 * len(scores))
    for place, (name, values) in enumerate(scores.items()):
        colour = BLUE if place == 0 else GREY
        axes.scatter(values, np.full(len(values), place), s=28, color=colour, alpha=0.55, linewidths=0)
        axes.errorbar(values.mean(), place, xerr=errors[name], fmt="D", color=INK, markersize=6, capsize=4)
    dress(axes, f"{metric} of each fold", f"{metric} (diamond: mean and standard error)", "")
    axes.set_yticks(range(len(scores)), list(scores))
    axes.set_ylim(len(scores) - 0.5, -0.5)
    return figure


def roc_curves(y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> Figure:
    """Draw receiver operating characteristics: one curve for two classes, else one for each class against the rest.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        True labels.
    probabilities : ndarray of shape (rows, classes)
        Out-of-fold probabilities.
    classes : ndarray of shape (classes,)
        Label of each column of `probabilities`.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    >>> figure = roc_curves(np.array([0, 0, 1, 1]), p, np.array([0, 1]))
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    '1: area 1.000'
    """
    figure, axes = _panel()
    columns = [1] if len(classes) == 2 else range(len(classes))
    areas = []
    for column in columns:
        positive = y == classes[column]
        false, true, _ = sklearn.metrics.roc_curve(positive, probabilities[:, column])
        areas.append(sklearn.metrics.auc(false, true))
        colour = BLUE if len(classes) == 2 else colormaps["viridis"](column / max(1, len(classes) - 1))
        label = f"{classes[column]}: area {areas[-1]:.3f}" if len(columns) <= MANY_CURVES else None
        axes.plot(false, true, color=colour, linewidth=2 if label else 0.8, alpha=1 if label else 0.4, label=label)
    axes.plot([0, 1], [0, 1], **DASHED)
    rest = "" if len(classes) == 2 else f" of each class against the rest, mean area {np.mean(areas):.3f}"
    dress(axes, f"ROC curve{rest}", "false positive rate", "true positive rate")
    if len(columns) <= MANY_CURVES:
        axes.legend(frameon=False, loc="lower right")
    return figure


def calibration(y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> Figure:
    """Draw the share of rows in which a label is right against its predicted probability.

    The label is the second of two classes, or the predicted one of more classes. Rows are divided into ten bins of
    equal size; a bar shows the standard error of a bin's share.

    Parameters
    ----------
    y : ndarray of shape (rows,)
        True labels.
    probabilities : ndarray of shape (rows, classes)
        Out-of-fold probabilities.
    classes : ndarray of shape (classes,)
        Label of each column of `probabilities`.

    Returns
    -------
    Figure
        One panel. The title states the mean absolute difference of share and probability.

    Examples
    --------
    >>> p = np.tile([0.25, 0.75], (8, 1))
    >>> figure = calibration(np.array([0, 0, 1, 1, 1, 1, 1, 1]), p, np.array([0, 1]))
    >>> figure.axes[0].get_title(loc="left")
    'Calibration: off by 0.000 on average'
    """
    if len(classes) == 2:
        p, right, label = probabilities[:, 1], y == classes[1], f"probability of {classes[1]}"
    else:
        p, right = probabilities.max(axis=1), y == classes[probabilities.argmax(axis=1)]
        label = "probability of the predicted label"
    bins = pd.qcut(p, min(BINS, len(np.unique(p))), labels=False, duplicates="drop")
    binned = pd.DataFrame({"bin": np.nan_to_num(bins), "p": p, "right": right}).groupby("bin")
    mean, share, rows = (
        column.to_numpy(float) for column in (binned["p"].mean(), binned["right"].mean(), binned.size())
    )
    error = float(np.average(np.abs(mean - share), weights=rows))
    figure, axes = _panel()
    axes.plot([0, 1], [0, 1], **DASHED, label="perfect calibration")
    axes.errorbar(mean, share, yerr=np.sqrt(share * (1 - share) / rows), fmt="o-", color=BLUE, capsize=3)
    dress(axes, f"Calibration: off by {error:.3f} on average", label, "share of rows where it is right")
    axes.legend(frameon=False, loc="upper left")
    return figure


def importances(table: pd.DataFrame, metric: str, most: int = 20) -> Figure:
    """Draw permutation importances with their standard errors.

    Parameters
    ----------
    table : DataFrame
        Importances as returned by `tabular_dl.model_selection.importance.permutation_importance`.
    metric : str
        Name of the metric, the unit of the importances.
    most : int, default=20
        Number of columns to draw.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> table = pd.DataFrame({"column": ["Sex", "Age"], "importance": [0.15, 0.02], "error": [0.01, 0.01]})
    >>> [label.get_text() for label in importances(table, "accuracy").axes[0].get_yticklabels()]
    ['Sex', 'Age']
    """
    shown = table.head(most)
    figure, axes = _panel(1.2 + 0.32 * len(shown))
    places = range(len(shown))
    axes.barh(places, shown["importance"], color=BLUE, alpha=0.85)
    axes.errorbar(shown["importance"], places, xerr=shown["error"], fmt="none", ecolor=INK, capsize=3, elinewidth=1.2)
    axes.axvline(0, color=ORANGE, linewidth=1)
    selection = f" (the first {most} of {len(table)})" if len(table) > most else ""
    dress(axes, f"Permutation importance{selection}", f"by how much {metric} worsens", "")
    axes.set_yticks(places, [brief(name) for name in shown["column"]])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    return figure


def _panel(height: float = 4.4) -> tuple[Figure, Axes]:
    """Return a figure of one panel, 6.4 inches wide, and the panel."""
    figure = Figure(figsize=(6.4, max(2.0, height)), dpi=120, layout="constrained", facecolor="white")
    return figure, figure.subplots()

"""Figures of a run: how its networks learned, and where their predictions are wrong.

Values in, `matplotlib.figure.Figure` out. Nothing here goes through pyplot, so no figure outlives its last
reference, no backend is needed and the caller decides where `figure.savefig` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sklearn.metrics
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from tabular_dl.errors import DataError

__all__ = [
    "confusion_matrix",
    "dress",
    "learning_curves",
    "predicted_against_true",
    "residual_histogram",
    "residuals",
]

# Okabe and Ito's palette, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, GREY = "#22272E", "#8A929C"
DASHED: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))}
DARK_SHARE = 0.71  # where the contrast of white text overtakes that of black text
MANY_CLASSES = 12  # with more, the numbers no longer fit their cells
MOST_NAMES = 60  # along one side of a confusion matrix; more would be black


def learning_curves(
    history: Mapping[str, NDArray[Any]], best_epoch: ArrayLike | None = None, names: Sequence[str] = ("loss",)
) -> Figure:
    """Draw the loss, or metrics, of every network over its epochs.

    A thick line is the mean over the networks that still train in that epoch, a band goes from their 10 % to
    their 90 % quantile. So a curve's end is drawn from fewer networks than its start, and may jump.

    Parameters
    ----------
    history : dict of str to ndarray of shape (epochs, networks)
        Under each name the values on training rows, under "val_" + name those on validation rows; one of the two may
        be absent. NaN once a network has stopped.
    best_epoch : array-like of int of shape (networks,), optional
        The epoch, counted from 1, whose weights each network kept; a vertical line marks the mean.
    names : sequence of str
        What to draw, such as "loss" and a metric.

    Returns
    -------
    Figure
        A panel a name.

    Raises
    ------
    DataError
        If `history` has no values for a panel.

    Examples
    --------
    >>> history = {"loss": np.array([[0.7, 0.9], [0.5, 0.6], [0.4, np.nan]])}
    >>> figure = learning_curves(history, best_epoch=[3, 2])
    >>> figure.axes[0].lines[0].get_ydata().round(2).tolist()
    [0.8, 0.55, 0.4]
    """
    figure = _figure()
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        curves = {"training": (name, BLUE), "validation": (f"val_{name}", ORANGE)}
        found = {label: curve for label, curve in curves.items() if curve[0] in history}
        if not found:
            raise DataError(
                f"history: expected {name!r} or 'val_{name}', found {sorted(history)}. "
                "Draw a metric that the networks were trained with."
            )
        for label, (key, colour) in found.items():
            _curve(axes, np.asarray(history[key], dtype=float), label, colour)
        if best_epoch is not None:
            mean = float(np.mean(np.asarray(best_epoch)))
            axes.axvline(mean, **DASHED, label=f"best epoch: {mean:.3g} on average")
        dress(axes, title=f"Learning curve: {name}", x="epoch", y=name)
        axes.set_xlim(left=1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=True, framealpha=0.85, facecolor="white", edgecolor="none")
    networks = np.shape(next(iter(history.values())))[1]
    if networks > 1:
        caption = f"mean of {networks} networks, band from the 10 % to the 90 % quantile"
        figure.supxlabel(f"{caption}; each counts until it stops", fontsize=9, color=GREY)
    return figure


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, labels: Sequence[Any]) -> Figure:
    r"""Draw how many rows of each true class were predicted as each class, and their share of the true class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        True and predicted classes.
    labels : sequence
        All classes, in the order to draw them; of more than 60, some are named.

    Returns
    -------
    Figure
        One panel: true classes are rows, predicted classes columns, the colour is the share.

    Raises
    ------
    DataError
        If a row has a class that is not among `labels`.

    Examples
    --------
    >>> figure = confusion_matrix(["no", "no", "yes"], ["no", "yes", "yes"], labels=["no", "yes"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1\n50.0 %', '1\n50.0 %', '0\n0.0 %', '1\n100.0 %']
    """
    unknown = (set(np.unique(y_true)) | set(np.unique(y_pred))) - set(labels)
    if unknown:
        missing = ", ".join(sorted(str(label) for label in unknown))
        raise DataError(f"labels: expected every class of the rows, found no {missing}. Add what is missing.")
    counts = sklearn.metrics.confusion_matrix(y_true, y_pred, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # a class without rows: 0 %

    figure = _figure()
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=colormaps["Blues"], vmin=0, vmax=1, aspect="auto")
    if len(labels) <= MANY_CLASSES:
        _write_cells(axes, counts, shares)
    places = range(0, len(labels), 1 + (len(labels) - 1) // MOST_NAMES)
    names = [str(labels[place]) for place in places]
    upright = sum(map(len, names)) > 100  # side by side, so many letters would overlap
    axes.set_xticks(places, labels=names, rotation=90 if upright else 0)
    axes.set_yticks(places, labels=names)
    right = f"{100 * np.trace(counts) / counts.sum():.1f} %"
    dress(axes, f"Confusion matrix: {right} right of {counts.sum():,} rows", "predicted", "true")
    _separate_cells(axes, len(labels))
    bar = figure.colorbar(image, ax=axes, pad=0.015, aspect=30, format=PercentFormatter(xmax=1, symbol=" %"))
    bar.set_label("share of the true class", color=INK)
    bar.ax.tick_params(colors=INK, length=0)
    bar.outline.set_visible(False)
    return figure


def residuals(y_true: ArrayLike, y_pred: ArrayLike, target: str) -> Figure:
    """Draw predictions against truth, and how the residuals (true - predicted) are distributed.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        True and predicted values, in the target's unit.
    target : str
        The target's name, for the axes.

    Returns
    -------
    Figure
        Two panels. The second one's title states the mean residual and the root mean squared error.

    Examples
    --------
    >>> figure = residuals([1.0, 2.0, 6.0], [2.0, 2.0, 4.0], target="MEDV")
    >>> figure.axes[1].get_title(loc="left")
    'Residuals: mean 0.333, RMSE 1.29'
    """
    figure = _figure()
    left, right = figure.subplots(1, 2)
    _draw_predictions(left, y_true, y_pred, target)
    _draw_residuals(right, y_true, y_pred, target)
    return figure


def predicted_against_true(y_true: ArrayLike, y_pred: ArrayLike, target: str) -> Figure:
    """Draw predictions against truth: the left panel of `residuals` alone.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        True and predicted values, in the target's unit.
    target : str
        The target's name, for the axes.

    Examples
    --------
    >>> predicted_against_true([1.0, 2.0], [2.0, 2.0], target="MEDV").axes[0].get_xlabel()
    'true MEDV'
    """
    figure = _figure()
    _draw_predictions(figure.subplots(), y_true, y_pred, target)
    return figure


def residual_histogram(y_true: ArrayLike, y_pred: ArrayLike, target: str) -> Figure:
    """Draw how true - predicted is distributed: the right panel of `residuals` alone.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
        True and predicted values, in the target's unit.
    target : str
        The target's name, for the axes.

    Examples
    --------
    >>> residual_histogram([1.0, 2.0], [2.0, 2.0], target="MEDV").axes[0].get_ylabel()
    'rows'
    """
    figure = _figure()
    _draw_residuals(figure.subplots(), y_true, y_pred, target)
    return figure


def _draw_predictions(axes: Any, y_true: ArrayLike, y_pred: ArrayLike, target: str) -> None:
    true, predicted = np.asarray(y_true, dtype=float).ravel(), np.asarray(y_pred, dtype=float).ravel()
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, **DASHED, label="perfect prediction")
    opacity = float(np.clip(200 / len(true), 0.1, 0.6))  # dense clouds stay readable
    # Pixels where a figure is stored as lines: a point a row would make a large file.
    axes.scatter(true, predicted, s=22, color=BLUE, alpha=opacity, linewidths=0, rasterized=True)
    axes.legend(frameon=False, loc="upper left")
    dress(axes, f"Predictions of {target}", f"true {target}", f"predicted {target}")


def _draw_residuals(axes: Any, y_true: ArrayLike, y_pred: ArrayLike, target: str) -> None:
    errors = np.asarray(y_true, dtype=float).ravel() - np.asarray(y_pred, dtype=float).ravel()
    axes.hist(errors, bins=30, color=BLUE, alpha=0.8, edgecolor="white", linewidth=0.6)
    axes.axvline(0, **DASHED)
    rmse = np.sqrt(np.mean(errors**2))
    dress(axes, f"Residuals: mean {errors.mean():.3g}, RMSE {rmse:.3g}", f"true - predicted {target}", "rows")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _figure() -> Figure:
    """Return an empty figure of 1200 x 500 pixels."""
    return Figure(figsize=(1200 / 120, 500 / 120), dpi=120, layout="constrained", facecolor="white")


def dress(axes: Any, title: str, x: str, y: str) -> None:
    """Give a panel its title and labels, and the look that all panels share."""
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.tick_params(colors=INK, length=0)
    axes.grid(color="#E6E9ED", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#C4CAD1")


def _write_cells(axes: Any, counts: NDArray[Any], shares: NDArray[Any]) -> None:
    """Write count and share into each cell of a matrix."""
    size = np.interp(len(counts), [3, MANY_CLASSES], [13, 6.5])
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > DARK_SHARE else "black"
        text = f"{counts[row, column]:,}\n{100 * share:.1f} %"
        axes.text(column, row, text, color=colour, fontsize=size, ha="center", va="center")


def _separate_cells(axes: Any, classes: int) -> None:
    """Draw white gaps between the cells of a matrix in place of grid and frame."""
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if classes > MOST_NAMES:
        return  # the gaps would cover the cells
    axes.set_xticks(np.arange(1, classes) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, classes) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _curve(axes: Any, values: NDArray[Any], label: str, colour: str) -> None:
    """Draw the mean of values of shape (epochs, networks), with a band from the 10 % to the 90 % quantile."""
    values = np.where(np.isfinite(values), values, np.nan)
    some_trained = ~np.isnan(values).all(axis=1)  # an epoch with no value has no mean
    epochs, values = np.flatnonzero(some_trained) + 1, values[some_trained]
    low, high = np.nanquantile(values, [0.1, 0.9], axis=1)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    marker = "o" if len(epochs) == 1 else None  # one point makes no line
    axes.plot(epochs, np.nanmean(values, axis=1), color=colour, linewidth=2.4, marker=marker, label=label)

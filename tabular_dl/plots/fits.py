"""Figures of a run: learning curves, confusion matrix and residuals.

Functions take values and return a `matplotlib.figure.Figure`. They do not use pyplot, so figures are freed with their
last reference, no backend is needed, and the caller decides where `figure.savefig` writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sklearn.metrics
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from tabular_dl.errors import DataError

__all__ = [
    "brief",
    "confusion_matrix",
    "dress",
    "learning_curves",
    "predicted_against_true",
    "residual_histogram",
    "residuals",
]

# Palette of Okabe and Ito, for every kind of colour vision (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE = "#0072B2", "#D55E00"
INK, GREY = "#22272E", "#8A929C"
DASHED: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))}
DARK_SHARE = 0.71  # share from which white text has more contrast than black
MANY_CLASSES = 12  # most classes for which numbers fit into the cells
LONGEST_NAME = 40  # letters of a name
MOST_NAMES = 60  # most names along one side of a confusion matrix; more would overlap


def learning_curves(
    history: Mapping[str, NDArray[Any]], best_epoch: ArrayLike | None = None, names: Sequence[str] = ("loss",)
) -> Figure:
    """Draw the loss or metrics of networks over the epochs.

    A thick line shows the mean over the networks that still train in an epoch, a band their quantiles from 10 % to
    90 %. The end of a curve comes from fewer networks than its start and may jump.

    Parameters
    ----------
    history : dict of str to ndarray of shape (epochs, networks)
        Values on training rows under the name, and on validation rows under "val_" + name; one of the two may be
        absent. NaN after a network has stopped.
    best_epoch : array-like of int of shape (networks,), optional
        Epoch, counted from 1, of the weights that each network kept; a vertical line marks the mean.
    names : sequence of str
        Names of the values to draw, such as "loss" and a metric.

    Returns
    -------
    Figure
        One panel per name.

    Raises
    ------
    DataError
        If `history` has no values for a name.

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
        present = {label: curve for label, curve in curves.items() if curve[0] in history}
        if not present:
            raise DataError(
                f"history: expected {name!r} or 'val_{name}', found {sorted(history)}. "
                "Draw a metric that was followed in training."
            )
        for label, (key, colour) in present.items():
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
    r"""Draw the number of rows for each pair of true and predicted class, and their share of the true class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (rows,)
        True and predicted classes.
    labels : sequence
        All classes in the order of drawing. Of more than 60, only some are named.

    Returns
    -------
    Figure
        One panel, with true classes as rows, predicted classes as columns, and shares as colours.

    Raises
    ------
    DataError
        If a row has a class that `labels` lacks.

    Examples
    --------
    >>> figure = confusion_matrix(["no", "no", "yes"], ["no", "yes", "yes"], labels=["no", "yes"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1\n50.0 %', '1\n50.0 %', '0\n0.0 %', '1\n100.0 %']
    """
    unknown = (set(np.unique(y_true)) | set(np.unique(y_pred))) - set(labels)
    if unknown:
        missing = ", ".join(sorted(str(label) for label in unknown))
        raise DataError(f"labels: expected every class of the rows, found no {missing}. Add the missing classes.")
    counts = sklearn.metrics.confusion_matrix(y_true, y_pred, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # a class without rows: 0 %

    figure = _figure()
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=colormaps["Blues"], vmin=0, vmax=1, aspect="auto")
    if len(labels) <= MANY_CLASSES:
        _write_cells(axes, counts, shares)
    places = range(0, len(labels), 1 + (len(labels) - 1) // MOST_NAMES)
    names = [brief(labels[place]) for place in places]
    upright = sum(map(len, names)) > 100  # so many letters would overlap if written horizontally
    axes.set_xticks(places, labels=names, rotation=90 if upright else 0)
    axes.set_yticks(places, labels=names)
    accuracy = f"{100 * np.trace(counts) / counts.sum():.1f} %"
    dress(axes, f"Confusion matrix: {accuracy} right of {counts.sum():,} rows", "predicted", "true")
    _separate_cells(axes, len(labels))
    bar = figure.colorbar(image, ax=axes, pad=0.015, aspect=30, format=PercentFormatter(xmax=1, symbol=" %"))
    bar.set_label("share of the true class", color=INK)
    bar.ax.tick_params(colors=INK, length=0)
    bar.outline.set_visible(False)
    return figure


def residuals(y_true: ArrayLike, y_pred: ArrayLike, target: str) -> Figure:
    """Draw predicted against true values, and a histogram of the residuals (true - predicted).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (rows,)
        True and predicted values, in the target's unit.
    target : str
        Name of the target, for the axes.

    Returns
    -------
    Figure
        Two panels. The title of the second states the mean residual and the root mean squared error.

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
    """Draw predicted against true values: the left panel of `residuals`.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (rows,)
        True and predicted values, in the target's unit.
    target : str
        Name of the target, for the axes.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> predicted_against_true([1.0, 2.0], [2.0, 2.0], target="MEDV").axes[0].get_xlabel()
    'true MEDV'
    """
    figure = _figure()
    _draw_predictions(figure.subplots(), y_true, y_pred, target)
    return figure


def residual_histogram(y_true: ArrayLike, y_pred: ArrayLike, target: str) -> Figure:
    """Draw a histogram of the residuals: the right panel of `residuals`.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (rows,)
        True and predicted values, in the target's unit.
    target : str
        Name of the target, for the axes.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> residual_histogram([1.0, 2.0], [2.0, 2.0], target="MEDV").axes[0].get_ylabel()
    'rows'
    """
    figure = _figure()
    _draw_residuals(figure.subplots(), y_true, y_pred, target)
    return figure


def _draw_predictions(axes: Axes, y_true: ArrayLike, y_pred: ArrayLike, target: str) -> None:
    true, predicted = np.asarray(y_true, dtype=float).ravel(), np.asarray(y_pred, dtype=float).ravel()
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, **DASHED, label="perfect prediction")
    opacity = float(np.clip(200 / len(true), 0.1, 0.6))  # dense clouds stay readable
    # Rasterized, since one point per row would make large vector files.
    axes.scatter(true, predicted, s=22, color=BLUE, alpha=opacity, linewidths=0, rasterized=True)
    axes.legend(frameon=False, loc="upper left")
    target = brief(target)
    dress(axes, f"Predictions of {target}", f"true {target}", f"predicted {target}")


def _draw_residuals(axes: Axes, y_true: ArrayLike, y_pred: ArrayLike, target: str) -> None:
    errors = np.asarray(y_true, dtype=float).ravel() - np.asarray(y_pred, dtype=float).ravel()
    axes.hist(errors, bins=30, color=BLUE, alpha=0.8, edgecolor="white", linewidth=0.6)
    axes.axvline(0, **DASHED)
    rmse = np.sqrt(np.mean(errors**2))
    dress(axes, f"Residuals: mean {errors.mean():.3g}, RMSE {rmse:.3g}", f"true - predicted {brief(target)}", "rows")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _figure() -> Figure:
    """Return an empty figure of 1200 x 500 pixels."""
    return Figure(figsize=(1200 / 120, 500 / 120), dpi=120, layout="constrained", facecolor="white")


def brief(name: object) -> str:
    """Return a name, shortened to 40 characters.

    Examples
    --------
    >>> len(brief("x" * 300)), brief("Age")
    (40, 'Age')
    """
    text = str(name)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Set the title and labels of a panel, and the style that all panels share.

    Parameters
    ----------
    axes : Axes
        The panel.
    title, x, y : str
        Title, and labels of the axes.
    """
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.tick_params(colors=INK, length=0)
    axes.grid(color="#E6E9ED", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#C4CAD1")


def _write_cells(axes: Axes, counts: NDArray[Any], shares: NDArray[Any]) -> None:
    """Write the count and the share into each cell of a matrix."""
    size = np.interp(len(counts), [3, MANY_CLASSES], [13, 6.5])
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > DARK_SHARE else "black"
        text = f"{counts[row, column]:,}\n{100 * share:.1f} %"
        axes.text(column, row, text, color=colour, fontsize=size, ha="center", va="center")


def _separate_cells(axes: Axes, classes: int) -> None:
    """Replace grid and frame by white gaps between the cells of a matrix."""
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if classes > MOST_NAMES:
        return  # the gaps would cover the cells
    axes.set_xticks(np.arange(1, classes) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, classes) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _curve(axes: Axes, values: NDArray[Any], label: str, colour: str) -> None:
    """Draw the mean of values of shape (epochs, networks), and a band from the 10 % to the 90 % quantile."""
    values = np.where(np.isfinite(values), values, np.nan)
    some_trained = ~np.isnan(values).all(axis=1)  # an epoch without values has no mean
    epochs, values = np.flatnonzero(some_trained) + 1, values[some_trained]
    low, high = np.nanquantile(values, [0.1, 0.9], axis=1)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    marker = "o" if len(epochs) == 1 else None  # a line of one point would be invisible
    axes.plot(epochs, np.nanmean(values, axis=1), color=colour, linewidth=2.4, marker=marker, label=label)

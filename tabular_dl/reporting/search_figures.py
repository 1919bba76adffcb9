"""Figures of a search: scores against hyperparameters by round, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from tabular_dl.model_selection import Choice, Distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["parallel_coordinates", "scores_by_hyperparameter"]

INK = "#22272E"


def scores_by_hyperparameter(
    ranges: Sequence[Mapping[str, Distribution]],
    params: Sequence[Mapping[str, Any]],
    scores: np.ndarray,
    rounds: Sequence[int],
    metric: str,
) -> Figure:
    """Draw the score of each trial against each hyperparameter, with the range of each round as a bar below.

    Parameters
    ----------
    ranges : sequence of dict of str to Distribution
        Ranges of each round.
    params : sequence of dict of str to object
        Hyperparameters of each trial.
    scores : ndarray of shape (trials,)
        Scores, not negated; NaN for trials that diverged.
    rounds : sequence of int
        Round of each trial, from 1.
    metric : str
        Name of the metric.

    Returns
    -------
    Figure
        One panel per hyperparameter.
    """
    leaves = list(ranges[0])
    columns = 2 if len(leaves) == 4 else min(3, len(leaves))
    rows = -(-len(leaves) // columns)
    figure = Figure(figsize=(5 * columns, 3.6 * rows), layout="constrained", facecolor="white")
    numbers = np.asarray(rounds)
    colours = colormaps["viridis"](np.linspace(0, 0.85, max(2, int(numbers.max()))))
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat[len(leaves) :]:
        axes.set_visible(False)
    for axes, leaf in zip(panels.flat, leaves, strict=False):
        first = ranges[0][leaf]
        positions = np.array([_position(first, values[leaf]) for values in params])
        for number in sorted(set(rounds)):
            x, y = positions[numbers == number], scores[numbers == number]
            axes.scatter(x, y, s=16, color=colours[number - 1], label=f"round {number}", alpha=0.8)
        _draw_ranges(axes, [distributions[leaf] for distributions in ranges], colours, scores)
        if isinstance(first, Choice):
            axes.set_xticks(range(len(first.options)), [str(option) for option in first.options])
        elif first.kind == "log_uniform":
            axes.set_xscale("log")
        axes.set_title(leaf, loc="left", fontweight="bold", color=INK)
        axes.set_ylabel(metric)
        axes.grid(color="#E6E9ED")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside upper right", ncols=len(labels))
    figure.suptitle(f"{metric} of each trial; bars: range of each round", x=0.01, ha="left", color=INK)
    return figure


def _draw_ranges(axes: Axes, ranges: Sequence[Distribution], colours: np.ndarray, scores: np.ndarray) -> None:
    """Draw the range of each round as a bar below the points."""
    finite = scores[np.isfinite(scores)]
    bottom, height = finite.min(), max(float(np.ptp(finite)), 1e-9)
    for number, distribution in enumerate(ranges[: len(colours)]):
        level = bottom - (0.06 + 0.05 * number) * height
        if isinstance(distribution, Choice):
            continue
        axes.plot([distribution.low, distribution.high], [level, level], color=colours[number], linewidth=4)


def _position(distribution: Distribution, value: Any) -> float:
    return float(distribution.options.index(value)) if isinstance(distribution, Choice) else float(value)


def parallel_coordinates(
    space: Mapping[str, Distribution], params: Sequence[Mapping[str, Any]], scores: np.ndarray, metric: str, best: str
) -> Figure:
    """Draw each trial as a line through its hyperparameters to its score; better trials are darker.

    Parameters
    ----------
    space : dict of str to Distribution
        Ranges of the first round.
    params : sequence of dict of str to object
        Hyperparameters of each trial.
    scores : ndarray of shape (trials,)
        Scores, not negated; NaN for trials that diverged.
    metric : str
        Name of the metric.
    best : {"highest", "lowest"}
        Better scores.

    Returns
    -------
    Figure
        One panel.
    """
    finite = np.isfinite(scores)
    finite_scores = scores[finite]
    names = [*space, metric]
    positions = [_unit(space[leaf], [values[leaf] for values in params]) for leaf in space]
    lines = np.column_stack([*positions, _spread(scores)])[finite]
    # Colours by rank: by score, a few very bad trials would give all others the same colour.
    ranks = finite_scores.argsort().argsort() / max(1, len(finite_scores) - 1)
    goodness = ranks if best == "highest" else 1 - ranks
    figure = Figure(figsize=(max(8, 2 * len(names)), 4.5), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for trial in np.argsort(goodness):
        share = goodness[trial]
        axes.plot(lines[trial], color=colormaps["viridis_r"](share), alpha=0.15 + 0.7 * share, linewidth=0.8 + share)
    for position, name in enumerate(names):
        axes.axvline(position, color="#C4CAD1", linewidth=1)
        low, high = (
            _ends(space[name]) if name in space else (f"{finite_scores.min():.4g}", f"{finite_scores.max():.4g}")
        )
        axes.text(position, -0.06, low, ha="center", va="top", fontsize=8)
        axes.text(position, 1.03, high, ha="center", va="bottom", fontsize=8)
    axes.set_xticks(range(len(names)), [f"\n{name}" for name in names])
    axes.set_yticks([])
    axes.set_ylim(-0.15, 1.12)
    axes.spines[:].set_visible(False)
    axes.set_title(f"Each line is a trial; darker is better ({best} {metric})", loc="left", color=INK)
    return figure


def _spread(values: np.ndarray) -> np.ndarray:
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / max(high - low, 1e-12)


def _unit(distribution: Distribution, values: Sequence[Any]) -> np.ndarray:
    """Return positions of values between the ends of a range, 0 to 1; values of widened ranges lie just outside."""
    if isinstance(distribution, Choice):
        last = max(1, len(distribution.options) - 1)
        return np.array([distribution.options.index(value) / last for value in values])
    low, high = distribution.scale(distribution.low), distribution.scale(distribution.high)
    return np.clip([(distribution.scale(value) - low) / (high - low) for value in values], -0.03, 1.03)


def _ends(distribution: Distribution) -> tuple[str, str]:
    if isinstance(distribution, Choice):
        return str(distribution.options[0]), str(distribution.options[-1])
    return f"{distribution.low:.3g}", f"{distribution.high:.3g}"

"""Sampling from ranges, narrowing them to the best trials, and successive halving.

Each round samples on the scale of each range, and then narrows the ranges to the best quarter of the trials. During
training, the worse half of a population is stopped early (successive halving, arXiv:1502.07943).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular_dl.model_selection.search_space import Choice, Distribution, Range

__all__ = ["Trial", "halve", "narrow", "sample"]

BEST_SHARE = 0.25  # share of the trials that ranges are narrowed to
PADDING = 0.1  # space on either side of the best trials, as a share of the width that they span
FLOOR = 0.1  # smallest width, as a share of the initial width
EDGE = 0.05  # share of a range next to a bound in which the best trial suggests better values outside the range
WIDENING = 0.25  # share of its width by which such a range is extended
CLEARLY_WORSE = 2.0  # difference of means above which an option is dropped, in standard errors
FEWEST = 3  # number of trials that an option needs to be compared


@dataclass(frozen=True)
class Trial:
    """Values that were tried, and their score.

    Attributes
    ----------
    params : dict
        Value of each leaf.
    score : float
        Score, of which greater is better; NaN if training diverged.
    """

    params: Mapping[str, Any]
    score: float


def sample(ranges: Mapping[str, Distribution], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return random values for n trials.

    Parameters
    ----------
    ranges : mapping of str to Range or Choice
        Distribution of each leaf.
    n : int
        Number of trials.
    rng : Generator
        Source of random numbers.

    Returns
    -------
    list of dict
        Value of each leaf, for each trial.

    Examples
    --------
    >>> samples = sample({"l2": Range("log_uniform", 1e-8, 1e-4)}, 500, np.random.default_rng(0))
    >>> bool(abs(np.mean([np.log10(values["l2"]) for values in samples]) + 6) < 0.2)
    True
    """
    return [{leaf: _draw(distribution, rng) for leaf, distribution in ranges.items()} for _ in range(n)]


def _draw(distribution: Distribution, rng: np.random.Generator) -> Any:
    if isinstance(distribution, Choice):
        return distribution.options[int(rng.integers(len(distribution.options)))]
    if distribution.kind == "int_uniform":
        return int(rng.integers(int(distribution.low), int(distribution.high) + 1))
    low, high = distribution.scale(distribution.low), distribution.scale(distribution.high)
    value = distribution.value(rng.uniform(low, high))
    return min(max(value, distribution.low), distribution.high)  # rounded values may be outside the range


def narrow(
    ranges: Mapping[str, Distribution],
    trials: Sequence[Trial],
    initial: Mapping[str, Distribution] | None = None,
    allowed: Callable[[str, Any], bool] | None = None,
) -> tuple[dict[str, Distribution], list[str]]:
    """Return ranges narrowed to the values of the best quarter of the trials.

    A range is widened at a bound that the best trial is close to. Options that are clearly worse than the best one are
    dropped.

    Parameters
    ----------
    ranges : mapping of str to Range or Choice
        Current ranges.
    trials : sequence of Trial
        Trials in the current ranges. Ranges are not changed if fewer than two of them have a score.
    initial : mapping of str to Range or Choice, or None, default=None
        Ranges of the first round: no range becomes narrower than a tenth of its initial width. None stands for the
        current ranges.
    allowed : callable or None, default=None
        ``allowed(leaf, value) -> bool``, whether a widened bound is a valid value. Ranges are not widened to others.

    Returns
    -------
    ranges : dict of str to Range or Choice
        New ranges.
    changes : list of str
        Description of each change.

    Examples
    --------
    >>> trials = [Trial({"dropout": value}, -abs(value - 0.3)) for value in np.linspace(0, 0.8, 33)]
    >>> ranges, changes = narrow({"dropout": Range("uniform", 0.0, 0.8)}, trials)
    >>> changes
    ['dropout 0..0.8 -> 0.18..0.42: the best 9 of 33 lie there']
    """
    scored = sorted((trial for trial in trials if np.isfinite(trial.score)), key=lambda trial: -trial.score)
    if len(scored) < 2:
        return dict(ranges), []
    best = scored[: max(2, int(np.ceil(BEST_SHARE * len(scored))))]
    narrowed: dict[str, Distribution] = {}
    changes = []
    for leaf, distribution in ranges.items():
        if isinstance(distribution, Choice):
            narrowed[leaf], reason = _narrow_choice(leaf, distribution, scored)
        else:
            first = (initial or ranges)[leaf]
            narrowed[leaf], reason = _narrow_range(leaf, distribution, first, best, len(scored), allowed)
        if narrowed[leaf] != distribution:
            changes.append(f"{leaf} {distribution} -> {narrowed[leaf]}: {reason}")
    return narrowed, changes


def _narrow_range(
    leaf: str,
    current: Range,
    first: Any,
    best: Sequence[Trial],
    count: int,
    allowed: Callable[[str, Any], bool] | None,
) -> tuple[Range, str]:
    """Return the new range, and the reason for the change; `count` is the number of trials, of which some are best."""
    positions = np.array([current.scale(trial.params[leaf]) for trial in best])
    low, high = current.scale(current.low), current.scale(current.high)
    width = high - low
    floor = FLOOR * (first.scale(first.high) - first.scale(first.low))
    pad = max(PADDING * np.ptp(positions), (floor - np.ptp(positions)) / 2)
    new_low, new_high = max(low, positions.min() - pad), min(high, positions.max() + pad)
    reason = f"the best {len(best)} of {count} lie there"

    def bound(position: float, outward: Callable[[float], float]) -> float:
        return current.value(outward(position) if current.kind == "int_uniform" else float(position))

    def is_allowed(value: float) -> bool:
        return allowed is None or allowed(leaf, value)

    bounds = bound(new_low, math.floor), bound(new_high, math.ceil)
    wider = bound(low - WIDENING * width, math.floor), bound(high + WIDENING * width, math.ceil)
    if positions[0] < low + EDGE * width and is_allowed(wider[0]):
        bounds = wider[0], bounds[1]
        reason += f", the very best at the lower bound, which is moved beyond {current.low:.4g}"
    elif positions[0] > high - EDGE * width and is_allowed(wider[1]):
        bounds = bounds[0], wider[1]
        reason += f", the very best at the upper bound, which is moved beyond {current.high:.4g}"
    return (Range(current.kind, *bounds), reason) if bounds[0] < bounds[1] else (current, reason)


def _narrow_choice(leaf: str, current: Choice, trials: Sequence[Trial]) -> tuple[Choice, str]:
    """Return the options without those that are clearly worse than the best one, and the reason for the change."""
    scores = [np.array([trial.score for trial in trials if trial.params[leaf] == option]) for option in current.options]
    comparable = [k for k, values in enumerate(scores) if len(values) >= FEWEST]
    if not comparable:
        return current, ""
    top = max(comparable, key=lambda k: scores[k].mean())

    def clearly_worse(k: int) -> bool:
        if k not in comparable or k == top:
            return False
        error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in (scores[k], scores[top])))
        return bool(scores[top].mean() - scores[k].mean() > CLEARLY_WORSE * error)

    kept = tuple(option for k, option in enumerate(current.options) if not clearly_worse(k))
    dropped = [str(option) for k, option in enumerate(current.options) if clearly_worse(k)]
    return Choice(kept), f"{', '.join(dropped)} clearly worse than {current.options[top]}"


def halve(losses: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Return which configurations to stop: the worse half of those that are still training.

    Parameters
    ----------
    losses : ndarray of shape (configurations,)
        Losses; NaN counts as the greatest.
    active : ndarray of bool of shape (configurations,)
        Whether each configuration is still training.

    Returns
    -------
    ndarray of bool of shape (configurations,)
        Whether to stop each configuration. The number of configurations to stop is rounded down.

    Examples
    --------
    >>> halve(np.array([0.3, 0.1, np.nan, 0.2]), np.array([True, True, True, False])).tolist()
    [False, False, True, False]
    """
    order = np.argsort(np.where(np.isnan(losses), np.inf, losses), kind="stable")
    training = [k for k in order if active[k]]
    stopped = np.zeros(len(losses), bool)
    stopped[training[len(training) - len(training) // 2 :]] = True
    return stopped

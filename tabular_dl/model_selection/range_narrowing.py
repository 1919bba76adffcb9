"""Sampling from ranges, narrowing them by what came out, and halving: pure functions of a search.

Stage 1 samples on each range's own scale; stage 3 looks at the best quarter of the trials and narrows the ranges to
where they lie; in between the worse half of a population stops early (successive halving, arXiv:1502.07943).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular_dl.model_selection.search_space import Choice, Distribution, Range

__all__ = ["Trial", "halve", "narrow", "sample"]

BEST_SHARE = 0.25  # the trials that ranges are narrowed to
PADDING = 0.1  # of the width that the best trials span, on either side
FLOOR = 0.1  # a range never becomes narrower than this share of what it was at first
EDGE = 0.05  # the outermost share of a range: there the best trial says that better ones may lie beyond
WIDENING = 0.25  # by which share of its width a range then grows
CLEARLY_WORSE = 2.0  # standard errors between the means of two options
FEWEST = 3  # trials of an option that can tell


@dataclass(frozen=True)
class Trial:
    """Values that were tried, and what came of them.

    Attributes
    ----------
    params : dict
        The value of each leaf.
    score : float
        Greater is better; NaN if training diverged.
    """

    params: Mapping[str, Any]
    score: float


def sample(ranges: Mapping[str, Distribution], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Draw values for n trials.

    Examples
    --------
    >>> drawn = sample({"l2": Range("log_uniform", 1e-8, 1e-4)}, 500, np.random.default_rng(0))
    >>> bool(abs(np.mean([np.log10(values["l2"]) for values in drawn]) + 6) < 0.2)
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
    return min(max(value, distribution.low), distribution.high)  # rounding must not leave the range


def narrow(
    ranges: Mapping[str, Distribution],
    trials: Sequence[Trial],
    initial: Mapping[str, Distribution] | None = None,
    allowed: Callable[[str, Any], bool] | None = None,
) -> tuple[dict[str, Distribution], list[str]]:
    """Narrow each range to where the best quarter of the trials lies.

    Parameters
    ----------
    ranges : dict of str to Range or Choice
        The present ranges.
    trials : sequence of Trial
        What has been tried in them; at least two that did not diverge, or nothing changes.
    initial : dict, optional
        The ranges of the first round, whose tenth is the floor; by default the present ones.
    allowed : callable, optional
        Whether a leaf may have a value: a widened bound that it may not is left where it was.

    Returns
    -------
    ranges : dict
        The new ranges.
    said : list of str
        A sentence for each change.

    Examples
    --------
    >>> trials = [Trial({"dropout": value}, -abs(value - 0.3)) for value in np.linspace(0, 0.8, 33)]
    >>> ranges, said = narrow({"dropout": Range("uniform", 0.0, 0.8)}, trials)
    >>> said
    ['dropout 0..0.8 -> 0.18..0.42: the best 9 of 33 lie there']
    """
    known = sorted((t for t in trials if np.isfinite(t.score)), key=lambda trial: -trial.score)
    if len(known) < 2:
        return dict(ranges), []
    best = known[: max(2, int(np.ceil(BEST_SHARE * len(known))))]
    narrowed: dict[str, Distribution] = {}
    said = []
    for leaf, distribution in ranges.items():
        if isinstance(distribution, Choice):
            narrowed[leaf], why = _narrow_choice(leaf, distribution, known)
        else:
            first = (initial or ranges)[leaf]
            narrowed[leaf], why = _narrow_range(leaf, distribution, first, best, len(known), allowed)
        if narrowed[leaf] != distribution:
            said.append(f"{leaf} {distribution} -> {narrowed[leaf]}: {why}")
    return narrowed, said


def _narrow_range(
    leaf: str, present: Range, first: Any, best: Sequence[Trial], of: int, allowed: Callable[[str, Any], bool] | None
) -> tuple[Range, str]:
    places = np.array([present.scale(trial.params[leaf]) for trial in best])
    low, high = present.scale(present.low), present.scale(present.high)
    width = high - low
    floor = FLOOR * (first.scale(first.high) - first.scale(first.low))
    pad = max(PADDING * np.ptp(places), (floor - np.ptp(places)) / 2)
    new_low, new_high = max(low, places.min() - pad), min(high, places.max() + pad)
    why = f"the best {len(best)} of {of} lie there"

    def bound(place: float, outward: Callable[[float], float]) -> float:
        return present.value(outward(place) if present.kind == "int_uniform" else float(place))

    def may(value: float) -> bool:
        return allowed is None or allowed(leaf, value)

    bounds = bound(new_low, math.floor), bound(new_high, math.ceil)
    wider = bound(low - WIDENING * width, math.floor), bound(high + WIDENING * width, math.ceil)
    if places[0] < low + EDGE * width and may(wider[0]):
        bounds, why = (
            (wider[0], bounds[1]),
            f"{why}, the very best on the lower edge, so it goes on beyond {present.low:.4g}",
        )
    elif places[0] > high - EDGE * width and may(wider[1]):
        bounds, why = (
            (bounds[0], wider[1]),
            f"{why}, the very best on the upper edge, so it goes on beyond {present.high:.4g}",
        )
    return (Range(present.kind, *bounds), why) if bounds[0] < bounds[1] else (present, why)


def _narrow_choice(leaf: str, present: Choice, trials: Sequence[Trial]) -> tuple[Choice, str]:
    """Leave options out that are clearly worse than the best one."""
    scores = [np.array([t.score for t in trials if t.params[leaf] == option]) for option in present.options]
    known = [k for k, values in enumerate(scores) if len(values) >= FEWEST]
    if not known:
        return present, ""
    top = max(known, key=lambda k: scores[k].mean())

    def clearly_worse(k: int) -> bool:
        if k not in known or k == top:
            return False
        error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in (scores[k], scores[top])))
        return bool(scores[top].mean() - scores[k].mean() > CLEARLY_WORSE * error)

    kept = tuple(option for k, option in enumerate(present.options) if not clearly_worse(k))
    left_out = [str(option) for k, option in enumerate(present.options) if clearly_worse(k)]
    return Choice(kept), f"{', '.join(left_out)} clearly worse than {present.options[top]}"


def halve(losses: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Choose the worse half of what is still training.

    Parameters
    ----------
    losses : ndarray of shape (configurations,)
        Lower is better; NaN counts as the worst.
    active : ndarray of shape (configurations,), bool
        Which still train.

    Returns
    -------
    ndarray of shape (configurations,), bool
        Which shall stop: half of the active ones, rounded down.

    Examples
    --------
    >>> halve(np.array([0.3, 0.1, np.nan, 0.2]), np.array([True, True, True, False])).tolist()
    [False, False, True, False]
    """
    order = np.argsort(np.where(np.isnan(losses), np.inf, losses), kind="stable")
    still = [k for k in order if active[k]]
    stopped = np.zeros(len(losses), bool)
    stopped[still[len(still) - len(still) // 2 :]] = True
    return stopped

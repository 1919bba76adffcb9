"""A search in rounds: sample, train, narrow, go round again; at the end train the leading configurations once more.

The simplest of those within one standard error of the best is chosen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tabular_dl.errors import SpecError, UserError
from tabular_dl.estimators import derived_seed
from tabular_dl.model_selection.evaluation import Outcome
from tabular_dl.model_selection.range_narrowing import Trial, narrow, sample
from tabular_dl.model_selection.search_space import Distribution
from tabular_dl.model_selection.standard_error import standard_error

__all__ = ["Record", "SearchPlan", "SearchState", "choose", "search"]

# At most so many configurations are trained again at the end, each with so many fresh seeds.
LEADING, REPEATS = 8, 3


@dataclass(frozen=True)
class SearchPlan:
    """How a search goes.

    Parameters
    ----------
    trials, rounds : int
        How many configurations in all, in how many rounds.
    seed : int
        Fixes what is drawn and how networks begin.
    pick : {"simplest", "best"}
        What to choose at the end: the simplest within one standard error of the best, or the best.
    sampler : callable or None
        ``sampler(ranges, trials so far, n, seed) -> list of values``; None draws at random from narrowing ranges.
    timeout : float or None
        Seconds after which no further round begins.
    repeats : int
        With how many fresh seeds the leading configurations are trained again.
    """

    trials: int = 100
    rounds: int = 3
    seed: int = 0
    pick: str = "simplest"
    sampler: Callable[..., list[dict[str, Any]]] | None = None
    timeout: float | None = None
    repeats: int = REPEATS

    def __post_init__(self) -> None:
        if self.trials < 2:
            raise SpecError(f"trials: a search compares at least 2 configurations, found {self.trials}.")
        if not 1 <= self.rounds <= self.trials // 2:
            raise SpecError(
                f"rounds: expected 1 to {max(1, self.trials // 2)}, so that each of {self.trials} trials' rounds has "
                f"two, found {self.rounds}."
            )
        if self.pick not in ("simplest", "best"):
            raise SpecError(f"pick: expected simplest or best, found {self.pick!r}.")

    def size(self, number: int) -> int:
        """Return how many trials round ``number``, from 0, has."""
        return self.trials // self.rounds + (number < self.trials % self.rounds)


@dataclass(frozen=True)
class Record:
    """A configuration that has been tried.

    Attributes
    ----------
    round : int
        From 1; one more than the last for the leading ones that were trained again.
    params : dict
        The value of each leaf.
    scores : list of float
        Of each fold, in the metric's own direction.
    epochs : float
        Trained, on average.
    parameters : int
        Weights of one network.
    """

    round: int
    params: dict[str, Any]
    scores: list[float]
    epochs: float
    parameters: int

    @property
    def mean(self) -> float:
        """The mean over folds; NaN if training diverged in one."""
        return float(np.mean(self.scores))

    @property
    def error(self) -> float:
        """The standard error of that mean; 0 where a single score says nothing about it."""
        return standard_error(self.scores) if len(self.scores) > 1 else 0.0


@dataclass(frozen=True)
class SearchState:
    """All that a search needs to go on.

    Attributes
    ----------
    ranges : list of dict
        The ranges of each round, and those that the next would have.
    records : list of Record
        What has been tried.
    said : list of str
        Each change of a range, in words.
    finals : list of Record
        The leading configurations, trained again.
    """

    ranges: list[dict[str, Distribution]]
    records: list[Record] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    finals: list[Record] = field(default_factory=list)

    @property
    def rounds_done(self) -> int:
        """How many rounds are finished."""
        return len(self.ranges) - 1


def search(
    plan: SearchPlan,
    state: SearchState,
    train: Callable[[Sequence[Mapping[str, Any]], Sequence[int], bool], list[Outcome]],
    sign: float,
    allowed: Callable[[str, Any], bool] | None = None,
    on_round: Callable[[SearchState], None] | None = None,
) -> SearchState:
    """Run the rounds that are left, then train the leading configurations again.

    Parameters
    ----------
    plan : SearchPlan
        How the search goes.
    state : SearchState
        Where it begins: the space alone, or what an earlier process has left.
    train : callable
        ``train(values, seeds, final) -> outcomes``.
    sign : float
        1 where greater scores are better, else -1.
    allowed : callable, optional
        Whether a leaf may have a value.
    on_round : callable, optional
        Called with the state after each round, and at the end.

    Returns
    -------
    SearchState

    Raises
    ------
    UserError
        If every trial of a round diverged.
    """
    started = time.monotonic()
    for number in range(state.rounds_done, plan.rounds):
        if plan.timeout is not None and number > 0 and time.monotonic() - started > plan.timeout:
            break
        ranges, seed = state.ranges[-1], derived_seed(plan.seed, number)
        trials = [Trial(record.params, sign * record.mean) for record in state.records]
        if plan.sampler is None:
            values = sample(ranges, plan.size(number), np.random.default_rng(seed))
        else:
            values = plan.sampler(ranges, trials, plan.size(number), seed)
        seeds = [derived_seed(seed, place) for place in range(len(values))]
        outcomes = train(values, seeds, False)
        records = [_record(number + 1, v, outcome) for v, outcome in zip(values, outcomes, strict=True)]
        if not any(np.isfinite(record.mean) for record in records):
            raise UserError(
                f"All {len(records)} trials of round {number + 1} diverged: lower the upper bound of learning_rate, or "
                "scale the numeric columns (scale: standard)."
            )
        own = [Trial(record.params, sign * record.mean) for record in records]
        narrowed, said = narrow(ranges, own, state.ranges[0], allowed) if plan.sampler is None else (dict(ranges), [])
        state = replace(
            state,
            ranges=[*state.ranges, narrowed],
            records=[*state.records, *records],
            said=[*state.said, *(f"round {number + 1}: {sentence}" for sentence in said)],
        )
        if on_round is not None:
            on_round(state)
    if not state.finals and plan.repeats:
        state = replace(state, finals=_finals(plan, state, train, sign))
        if on_round is not None:
            on_round(state)
    return state


def _record(number: int, values: Mapping[str, Any], outcome: Outcome) -> Record:
    return Record(number, dict(values), outcome.scores.tolist(), outcome.epochs, outcome.parameters)


def _finals(plan: SearchPlan, state: SearchState, train: Any, sign: float) -> list[Record]:
    """Train the leading configurations again, each with fresh seeds, and average their scores."""
    known = [record for record in state.records if np.isfinite(record.mean)]
    leading = sorted(known, key=lambda record: -sign * record.mean)[:LEADING]
    values = [record.params for record in leading for _ in range(plan.repeats)]
    seeds = [derived_seed(plan.seed, 1000, place) for place in range(len(values))]
    outcomes = train(values, seeds, True)
    finals = []
    for place, record in enumerate(leading):
        own = outcomes[place * plan.repeats : (place + 1) * plan.repeats]
        scores = np.mean([outcome.scores for outcome in own], axis=0)
        epochs = float(np.mean([outcome.epochs for outcome in own]))
        finals.append(Record(plan.rounds + 1, record.params, scores.tolist(), epochs, record.parameters))
    return finals


def choose(finals: Sequence[Record], sign: float, pick: str = "simplest") -> Record:
    """Choose from the configurations that were trained again.

    Parameters
    ----------
    finals : sequence of Record
        The leading configurations.
    sign : float
        1 where greater scores are better, else -1.
    pick : {"simplest", "best"}
        The one with the fewest weights among those whose mean lies within one standard error of the best (Breiman et
        al., 1984, Classification and Regression Trees, section 3.4.3); of equal sizes the better one. Or the best.

    Examples
    --------
    >>> small = Record(2, {"hidden": [8]}, [0.80, 0.82, 0.84], 9.0, 100)
    >>> large = Record(2, {"hidden": [64]}, [0.81, 0.83, 0.85], 9.0, 900)
    >>> choose([large, small], 1.0).params, choose([large, small], 1.0, "best").params
    ({'hidden': [8]}, {'hidden': [64]})
    """
    known = [record for record in finals if np.isfinite(record.mean)]
    if not known:
        raise UserError("All leading configurations diverged when they were trained again: lower learning_rate.")
    best = max(known, key=lambda record: sign * record.mean)
    if pick == "best":
        return best
    near = [record for record in known if sign * record.mean >= sign * best.mean - best.error]
    return min(near, key=lambda record: (record.parameters, -sign * record.mean))

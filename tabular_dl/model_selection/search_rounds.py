"""Search in rounds of sampling, training and narrowing, after which the leading configurations are trained again.

Of the leading configurations, the simplest within one standard error of the best is chosen.
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

Train = Callable[[Sequence[Mapping[str, Any]], Sequence[int], bool], list[Outcome]]

# Number of configurations that are trained again at most, and number of new seeds for each.
LEADING, REPEATS = 8, 3


@dataclass(frozen=True)
class SearchPlan:
    """Settings of a search.

    Parameters
    ----------
    trials, rounds : int
        Number of configurations in total, and of rounds.
    seed : int
        Seed of the configurations and of the networks.
    pick : {"simplest", "best"}
        Final choice: the simplest configuration within one standard error of the best, or the best.
    sampler : callable or None
        ``sampler(ranges, trials so far, n, seed) -> list of values``; None draws at random from narrowing ranges.
    timeout : float or None
        Time in seconds after which no further round begins.
    repeats : int
        Number of new seeds with which the leading configurations are trained again.

    Raises
    ------
    SpecError
        If there are fewer than two trials, in total or per round, or `pick` is unknown.
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
            raise SpecError(f"trials: expected 2 or more, found {self.trials}.")
        if not 1 <= self.rounds <= self.trials // 2:
            raise SpecError(
                f"rounds: expected 1 to {max(1, self.trials // 2)}, so that each round has two or more of the "
                f"{self.trials} trials, found {self.rounds}."
            )
        if self.pick not in ("simplest", "best"):
            raise SpecError(f"pick: expected simplest or best, found {self.pick!r}.")

    def size(self, number: int) -> int:
        """Return the number of trials of a round, counted from 0."""
        return self.trials // self.rounds + (number < self.trials % self.rounds)


@dataclass(frozen=True)
class Record:
    """Configuration that was tried.

    Attributes
    ----------
    round : int
        Number of the round, from 1; that of the last round plus 1 for configurations that were trained again.
    params : dict
        Value of each leaf.
    scores : list of float
        Score of each fold, as the metric returns it.
    epochs : float
        Mean number of epochs.
    parameters : int
        Number of weights of one network.
    ratio : float or None
        Ratio of test rows to training rows, as for `standard_error`.
    """

    round: int
    params: dict[str, Any]
    scores: list[float]
    epochs: float
    parameters: int
    ratio: float | None = None

    @property
    def mean(self) -> float:
        """Mean score over folds; NaN if training diverged in a fold."""
        return float(np.mean(self.scores))

    @property
    def error(self) -> float:
        """Standard error of the mean; 0 for a single score."""
        return standard_error(self.scores, self.ratio) if len(self.scores) > 1 else 0.0


@dataclass(frozen=True)
class SearchState:
    """State of a search after a round, from which it can be continued.

    Attributes
    ----------
    ranges : list of dict
        Ranges of each round, and of the next one.
    records : list of Record
        Configurations that were tried.
    said : list of str
        Description of each change of a range.
    finals : list of Record
        Leading configurations, after they were trained again.
    """

    ranges: list[dict[str, Distribution]]
    records: list[Record] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    finals: list[Record] = field(default_factory=list)

    @property
    def rounds_done(self) -> int:
        """Number of finished rounds."""
        return len(self.ranges) - 1


def search(
    plan: SearchPlan,
    state: SearchState,
    train: Train,
    sign: float,
    allowed: Callable[[str, Any], bool] | None = None,
    on_round: Callable[[SearchState], None] | None = None,
) -> SearchState:
    """Run the remaining rounds, then train the leading configurations again.

    Parameters
    ----------
    plan : SearchPlan
        Settings.
    state : SearchState
        Initial state: only the space, or the state that an earlier process stored.
    train : callable
        ``train(values, seeds, final) -> outcomes``.
    sign : float
        1 if greater scores are better, else -1.
    allowed : callable or None, default=None
        ``allowed(leaf, value) -> bool``, whether a leaf may have a value.
    on_round : callable or None, default=None
        Called with the state after each round, and at the end.

    Returns
    -------
    SearchState
        Final state.

    Raises
    ------
    UserError
        If all trials of a round diverged.
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
        seeds = [derived_seed(seed, index) for index in range(len(values))]
        outcomes = train(values, seeds, False)
        records = [_record(number + 1, v, outcome) for v, outcome in zip(values, outcomes, strict=True)]
        if not any(np.isfinite(record.mean) for record in records):
            raise UserError(
                f"All {len(records)} trials of round {number + 1} diverged: lower the upper bound of learning_rate, or "
                "scale the numeric columns (scale: standard)."
            )
        narrowed, changes = dict(ranges), list[str]()
        if plan.sampler is None:
            round_trials = [Trial(record.params, sign * record.mean) for record in records]
            narrowed, changes = narrow(ranges, round_trials, state.ranges[0], allowed)
        state = replace(
            state,
            ranges=[*state.ranges, narrowed],
            records=[*state.records, *records],
            said=[*state.said, *(f"round {number + 1}: {change}" for change in changes)],
        )
        if on_round is not None:
            on_round(state)
    if not state.finals and plan.repeats:
        state = replace(state, finals=_finals(plan, state, train, sign))
        if on_round is not None:
            on_round(state)
    return state


def _record(number: int, values: Mapping[str, Any], outcome: Outcome) -> Record:
    return Record(number, dict(values), outcome.scores.tolist(), outcome.epochs, outcome.parameters, outcome.ratio)


def _finals(plan: SearchPlan, state: SearchState, train: Train, sign: float) -> list[Record]:
    """Train the leading configurations again with new seeds, and return records with their mean scores."""
    scored = [record for record in state.records if np.isfinite(record.mean)]
    leading = sorted(scored, key=lambda record: -sign * record.mean)[:LEADING]
    values = [record.params for record in leading for _ in range(plan.repeats)]
    seeds = [derived_seed(plan.seed, 1000, index) for index in range(len(values))]
    outcomes = train(values, seeds, True)
    finals = []
    for index, record in enumerate(leading):
        repeated = outcomes[index * plan.repeats : (index + 1) * plan.repeats]
        scores = np.mean([outcome.scores for outcome in repeated], axis=0)
        epochs = float(np.mean([outcome.epochs for outcome in repeated]))
        finals.append(Record(plan.rounds + 1, record.params, scores.tolist(), epochs, record.parameters, record.ratio))
    return finals


def choose(finals: Sequence[Record], sign: float, pick: str = "simplest") -> Record:
    """Return the chosen configuration.

    Parameters
    ----------
    finals : sequence of Record
        Configurations to choose from.
    sign : float
        1 if greater scores are better, else -1.
    pick : {"simplest", "best"}, default="simplest"
        With "simplest", the configuration with the fewest weights whose mean is within one standard error of the best
        (Breiman et al., 1984, Classification and Regression Trees, section 3.4.3); of equal sizes, the better one.

    Returns
    -------
    Record
        The choice.

    Raises
    ------
    UserError
        If all configurations diverged.

    Examples
    --------
    >>> small = Record(2, {"hidden": [8]}, [0.80, 0.82, 0.84], 9.0, 100)
    >>> large = Record(2, {"hidden": [64]}, [0.81, 0.83, 0.85], 9.0, 900)
    >>> choose([large, small], 1.0).params, choose([large, small], 1.0, "best").params
    ({'hidden': [8]}, {'hidden': [64]})
    """
    scored = [record for record in finals if np.isfinite(record.mean)]
    if not scored:
        raise UserError("All leading configurations diverged when they were trained again: lower learning_rate.")
    best = max(scored, key=lambda record: sign * record.mean)
    if pick == "best":
        return best
    near = [record for record in scored if sign * record.mean >= sign * best.mean - best.error]
    return min(near, key=lambda record: (record.parameters, -sign * record.mean))

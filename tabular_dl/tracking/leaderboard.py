"""Leaderboard of a pipeline's runs, with the runs whose scores do not differ significantly from the best."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from tabular_dl.estimators import NETWORK
from tabular_dl.model_selection import standard_error
from tabular_dl.tracking.stored_runs import StoredRun

__all__ = ["IMPORTED", "Entry", "Row", "agreement", "in_order", "rank"]

# Number of standard errors below which a difference may be due to chance.
SIGNIFICANT = 2.0
IMPORTED = "imported"  # in the place of a model's name
# Least number of public scores for a rank correlation.
LEAST_RANKED = 3


class _Scored(Protocol):
    @property
    def score(self) -> float: ...
    @property
    def started(self) -> int: ...


_Run = TypeVar("_Run", bound=_Scored)


@dataclass(frozen=True)
class Entry:
    """Finished run.

    Attributes
    ----------
    id : str
        MLflow's id.
    name : str
        Readable name.
    kind : {"fit", "ensemble", "import"}
        Kind of run.
    score : float
        Cross-validated score.
    error : float
        Standard error of the score.
    folds : str
        Identifier of the folds, equal for runs with the same folds.
    fold_scores : ndarray of shape (folds,)
        Score of each fold; empty if they were not logged.
    params : dict of str to str
        Settings of the specification by dotted path.
    seconds : float
        Duration of the training.
    submission_score : float or None
        Score of the run's submission, if known.
    started : int
        Start of the run in milliseconds since 1970.
    public_score : float or None
        Kaggle's score on the public part of the test rows, if known.
    ratio : float or None
        Ratio of test rows to training rows, as for `standard_error`.
    """

    id: str
    name: str
    kind: str
    score: float
    error: float
    folds: str
    fold_scores: np.ndarray
    params: Mapping[str, str]
    seconds: float
    submission_score: float | None
    started: int
    public_score: float | None = None
    ratio: float | None = None

    @property
    def model(self) -> str:
        """Preset of the networks, or name of another model; "blend" for a blend, and "imported" for predictions."""
        if self.kind == "ensemble":
            return "blend"
        if self.kind == "import":
            return IMPORTED
        name = self.params.get("model.name", NETWORK)
        return self.params.get("network.preset", NETWORK) if name == NETWORK else name

    @classmethod
    def of(cls, run: StoredRun) -> Entry:
        """Return the entry of a finished run."""
        metrics, tags = run.metrics, run.tags
        scores = np.array(json.loads(tags.get("tabular_dl.fold_scores", "[]")))
        ratio = float(tags["tabular_dl.test_ratio"]) if "tabular_dl.test_ratio" in tags else None
        return cls(
            run.id,
            run.name,
            run.kind,
            run.score,
            standard_error(scores, ratio) if len(scores) > 1 else metrics.get("cv_standard_error", float("nan")),
            tags.get("tabular_dl.folds", run.id),
            scores,
            # Marked, because an interrupted run is not what its settings promise.
            {**run.params, "Ctrl-C": cut} if (cut := tags.get("tabular_dl.interrupted")) else run.params,
            metrics.get("training_seconds", float("nan")),
            metrics.get("submission_score"),
            run.started,
            metrics.get("public_score"),
            ratio,
        )


@dataclass(frozen=True)
class Row:
    """Row of the leaderboard.

    Attributes
    ----------
    rank : int
        Rank, from 1.
    entry : Entry
        Run.
    difference : float
        Score minus the best score.
    error : float
        Standard error of the difference: of the paired differences if both runs have the same folds, else from the
        errors of both scores.
    tied : bool
        Whether the difference to the best run is not significant: below two standard errors.
    changes : dict of str to str
        Settings that differ from those of the best fit, with the values of this run; for a blend, its parts; for
        imported predictions, where they are from.
    """

    rank: int
    entry: Entry
    difference: float
    error: float
    tied: bool
    changes: Mapping[str, str]


def rank(entries: Sequence[Entry], *, greater_is_better: bool) -> list[Row]:
    """Return the leaderboard: runs sorted by score, each compared with the best.

    Parameters
    ----------
    entries : sequence of Entry
        Runs with the same metric and the same rows; at least one.
    greater_is_better : bool
        Whether greater scores of the metric are better.

    Returns
    -------
    list of Row
        Rows, the best run first.

    Examples
    --------
    >>> def run(name, scores):
    ...     mean = float(np.mean(scores))
    ...     return Entry(name, name, "fit", mean, 0.02, "f", np.array(scores), {"l2": name}, 1.0, None, 0)
    >>> rows = rank([run("a", [0.80, 0.82, 0.81]), run("b", [0.81, 0.81, 0.82])], greater_is_better=True)
    >>> [(row.rank, row.entry.name, row.tied, dict(row.changes)) for row in rows]
    [(1, 'b', False, {}), (2, 'a', True, {'l2': 'a'})]
    """
    ordered = in_order(entries, greater_is_better=greater_is_better)
    best = ordered[0]
    # Settings are compared with those of a fit, since a blend has none.
    reference = next((entry for entry in ordered if entry.kind == "fit"), best)
    rows = []
    for number, entry in enumerate(ordered, start=1):
        difference, error = entry.score - best.score, _error(entry, best)
        tied = number > 1 and not abs(difference) >= SIGNIFICANT * error
        changes = {key: value for key, value in entry.params.items() if key != "model.name" or value != IMPORTED}
        if entry.kind == reference.kind != "import":
            keys = sorted({*entry.params, *reference.params})
            others = reference.params
            changes = {key: entry.params.get(key, "-") for key in keys if entry.params.get(key) != others.get(key)}
            if entry.params.get("model.name", NETWORK) != others.get("model.name", NETWORK):
                # The sections of one model say nothing about another.
                given = {key: value for key, value in changes.items() if key.startswith("model.parameters.")}
                changes = {"model": entry.model, **given}
        rows.append(Row(number, entry, difference, error, tied, changes))
    return rows


def in_order(runs: Iterable[_Run], *, greater_is_better: bool) -> list[_Run]:
    """Return runs or entries, the best score first; of equal scores the oldest."""
    sign = 1.0 if greater_is_better else -1.0
    return sorted(runs, key=lambda run: (-sign * run.score, run.started))


def agreement(scores: Iterable[tuple[float, float | None]]) -> tuple[float, int] | None:
    """Return Spearman's rank correlation of cross-validated and public scores.

    Parameters
    ----------
    scores : iterable of (float, float or None)
        Cross-validated and public score of each run, by the metric of the Kaggle competition; None for a run without a
        public score.

    Returns
    -------
    tuple of (float, int) or None
        Correlation, and the number of runs with a public score. None if there are fewer than three, or all their
        cross-validated or all their public scores are equal.

    Examples
    --------
    >>> agreement([(0.81, 0.77), (0.82, 0.78), (0.83, 0.76), (0.84, None)])
    (-0.5, 3)
    """
    pairs = np.array([pair for pair in scores if pair[1] is not None])
    if len(pairs) < LEAST_RANKED or (pairs == pairs[0]).all(axis=0).any():
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(pairs).statistic), len(pairs)


def _error(entry: Entry, best: Entry) -> float:
    """Return the standard error of the difference of two scores."""
    count = len(entry.fold_scores)
    if entry.folds == best.folds and count > 1 and count == len(best.fold_scores):
        return standard_error(entry.fold_scores - best.fold_scores, best.ratio)
    return float(np.hypot(entry.error, best.error))

"""The leaderboard of a pipeline's runs: scores side by side, and which cannot be told from the best."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular_dl.model_selection import standard_error

__all__ = ["Entry", "Row", "agreement", "rank"]

# Differences below so many standard errors may be noise.
TOLD_APART = 2.0
# Fewer public scores than this have no rank correlation worth the name.
LEAST_RANKED = 3


@dataclass(frozen=True)
class Entry:
    """A finished run.

    Attributes
    ----------
    id, name, kind : str
        MLflow's id, the readable name, and "fit" or "ensemble".
    score, error : float
        The cross-validated score and its standard error.
    folds : str
        What identifies the folds.
    fold_scores : ndarray of shape (folds,)
        Of each fold; empty if they were not logged.
    params : dict of str to str
        The leaves of the specification.
    seconds : float
        How long training took.
    submission_score : float or None
        Where it is known.
    started : int
        Milliseconds since 1970.
    public_score : float or None
        Kaggle's, on the public part of its test rows, where it is known.
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

    @classmethod
    def of(cls, run: Any) -> Entry:
        """Read a run of MLflow."""
        metrics, tags = run.data.metrics, run.data.tags
        scores = np.array(json.loads(tags.get("tabular_dl.fold_scores", "[]")))
        return cls(
            run.info.run_id,
            run.info.run_name,
            tags.get("tabular_dl.kind", ""),
            metrics["cv_score"],
            standard_error(scores) if len(scores) > 1 else metrics.get("cv_standard_error", float("nan")),
            tags.get("tabular_dl.folds", run.info.run_id),
            scores,
            # A run that was ended early is not what its settings say.
            run.data.params | {"Ctrl-C": cut} if (cut := tags.get("tabular_dl.interrupted")) else run.data.params,
            metrics.get("training_seconds", float("nan")),
            metrics.get("submission_score"),
            run.info.start_time,
            metrics.get("public_score"),
        )


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard.

    Attributes
    ----------
    rank : int
        From 1.
    entry : Entry
        The run.
    difference, error : float
        By how much its score differs from the best one's, and the standard error of that: over the same folds of the
        paired differences, else of both scores.
    tied : bool
        Whether it cannot be told from the best: the difference is below two standard errors.
    changes : dict of str to str
        The leaves in which it differs from the best fit, with its own values; of a blend, what it is made of.
    """

    rank: int
    entry: Entry
    difference: float
    error: float
    tied: bool
    changes: Mapping[str, str]


def rank(entries: Sequence[Entry], *, greater_is_better: bool) -> list[Row]:
    """Sort runs by score and compare each with the best.

    Parameters
    ----------
    entries : sequence of Entry
        Scored by the same metric on the same rows.
    greater_is_better : bool
        The metric's direction.

    Returns
    -------
    list of Row

    Examples
    --------
    >>> def run(name, scores):
    ...     mean = float(np.mean(scores))
    ...     return Entry(name, name, "fit", mean, 0.02, "f", np.array(scores), {"l2": name}, 1.0, None, 0)
    >>> rows = rank([run("a", [0.80, 0.82, 0.81]), run("b", [0.81, 0.81, 0.82])], greater_is_better=True)
    >>> [(row.rank, row.entry.name, row.tied, dict(row.changes)) for row in rows]
    [(1, 'b', False, {}), (2, 'a', True, {'l2': 'a'})]
    """
    sign = 1.0 if greater_is_better else -1.0
    ordered = sorted(entries, key=lambda entry: (-sign * entry.score, entry.started))
    best = ordered[0]
    # A blend has no specification of its own to differ from.
    reference = next((entry for entry in ordered if entry.kind == "fit"), best)
    rows = []
    for number, entry in enumerate(ordered, start=1):
        difference, error = entry.score - best.score, _error(entry, best)
        tied = number > 1 and not abs(difference) >= TOLD_APART * error
        changes = dict(entry.params)
        if entry.kind == reference.kind:
            keys = sorted({*entry.params, *reference.params})
            theirs = reference.params
            changes = {key: entry.params.get(key, "-") for key in keys if entry.params.get(key) != theirs.get(key)}
        rows.append(Row(number, entry, difference, error, tied, changes))
    return rows


def agreement(entries: Sequence[Entry]) -> tuple[float, int] | None:
    """Return how far cross-validation and Kaggle order runs alike: Spearman's rank correlation, and of how many runs.

    Parameters
    ----------
    entries : sequence of Entry
        Scored by the metric that Kaggle uses. None is returned for fewer than three with a public score, or where all
        scores of a kind are equal.

    Examples
    --------
    >>> def run(cv, public):
    ...     return Entry("", "", "fit", cv, 0.02, "f", np.array([]), {}, 1.0, None, 0, public)
    >>> agreement([run(0.81, 0.77), run(0.82, 0.78), run(0.83, 0.76), run(0.84, None)])
    (-0.5, 3)
    """
    pairs = np.array([(entry.score, entry.public_score) for entry in entries if entry.public_score is not None])
    if len(pairs) < LEAST_RANKED or (pairs == pairs[0]).all(axis=0).any():
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(pairs).statistic), len(pairs)


def _error(entry: Entry, best: Entry) -> float:
    """Return the standard error of the difference of two scores."""
    count = len(entry.fold_scores)
    if entry.folds == best.folds and count > 1 and count == len(best.fold_scores):
        return standard_error(entry.fold_scores - best.fold_scores)
    return float(np.hypot(entry.error, best.error))

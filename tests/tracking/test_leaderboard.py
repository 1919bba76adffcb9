"""Runs are ranked, and told apart only where the folds tell them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tabular_dl.model_selection.standard_error import standard_error
from tabular_dl.tracking.leaderboard import Entry, rank


def entry(name: str, scores: list[float], folds: str = "same", **params: str) -> Entry:
    values = np.array(scores)
    error = float(standard_error(values))
    return Entry(name, name, "fit", float(values.mean()), error, folds, values, params, 1.0, None, 0)


A = entry("a", [0.80, 0.84, 0.88], l2="0", hidden="[8]")
B = entry("b", [0.79, 0.83, 0.869], l2="1", hidden="[8]")  # always a little worse: folds vary more than runs
C = entry("c", [0.88, 0.80, 0.83], l2="0")


def test_runs_are_sorted_by_the_metrics_direction() -> None:
    assert [row.entry.name for row in rank([B, A, C], greater_is_better=True)] == ["a", "c", "b"]
    assert [row.entry.name for row in rank([B, A, C], greater_is_better=False)] == ["b", "c", "a"]


def test_the_error_of_a_difference_is_that_of_the_pairs_on_the_same_folds() -> None:
    row = rank([A, B], greater_is_better=True)[1]
    differences = np.array([-0.01, -0.01, -0.011])
    assert row.difference == pytest.approx(differences.mean())
    assert row.error == pytest.approx(differences.std(ddof=1) * np.sqrt(1 / 3 + 1 / 2))
    assert not row.tied


def test_on_other_folds_both_errors_count_and_the_two_cannot_be_told_apart() -> None:
    row = rank([A, replace(B, folds="other")], greater_is_better=True)[1]
    assert row.error == pytest.approx(np.hypot(A.error, B.error))
    assert row.tied


def test_only_what_differs_from_the_best_is_shown() -> None:
    rows = rank([A, B, C], greater_is_better=True)
    assert rows[0].changes == {}
    assert rows[1].changes == {"hidden": "-"}
    assert rows[2].changes == {"l2": "1"}


def test_equal_scores_are_tied_and_the_older_comes_first() -> None:
    rows = rank([replace(A, name="later", started=5), A], greater_is_better=True)
    assert [row.entry.name for row in rows] == ["a", "later"]
    assert not rows[1].tied or rows[1].difference == 0

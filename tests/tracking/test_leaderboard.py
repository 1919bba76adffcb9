"""Runs are ranked, and marked where their scores do not differ significantly over the folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tabular_dl.model_selection.standard_error import standard_error
from tabular_dl.tracking.leaderboard import Entry, in_order, rank


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


def test_the_model_of_a_run_is_the_preset_of_its_networks_or_its_name() -> None:
    runs = {
        "network": entry("n", [0.8, 0.9], **{"network.hidden": "[8]"}),
        "realmlp": entry("r", [0.8, 0.9], **{"network.preset": "realmlp"}),
        "lightgbm": entry("l", [0.8, 0.9], **{"model.name": "lightgbm", "network.preset": "realmlp"}),
        "blend": replace(entry("b", [0.8, 0.9]), kind="ensemble"),
    }
    assert {run.model: run.name for run in runs.values()} == {name: run.name for name, run in runs.items()}


def test_another_model_differs_by_its_name_and_what_its_parameters_are() -> None:
    network = entry("n", [0.85, 0.9], **{"network.hidden": "[8]", "columns.0.scale": "standard"})
    own = {"model.name": "lightgbm", "model.early_stopping": "auto", "model.parameters.num_leaves": "4"}
    trees = entry("t", [0.8, 0.82], **own, **{"columns.0.scale": "none"})
    rows = rank([network, trees], greater_is_better=True)
    assert rows[1].changes == {"model": "lightgbm", "model.parameters.num_leaves": "4"}
    # Of two runs of one model the settings tell.
    other = entry("o", [0.7, 0.71], **{**own, "model.parameters.num_leaves": "8"}, **{"columns.0.scale": "none"})
    assert rank([trees, other], greater_is_better=True)[1].changes == {"model.parameters.num_leaves": "8"}


def test_the_best_rows_with_the_fit_that_settings_are_compared_with_are_those_of_the_whole_board() -> None:
    blends = [replace(entry(name, [score, score]), kind="ensemble") for name, score in (("x", 0.95), ("y", 0.94))]
    board = rank([C, *blends, B, A], greater_is_better=True)
    np.testing.assert_equal(rank([*blends, A], greater_is_better=True)[:2], board[:2])
    assert [run.name for run in in_order([C, *blends, B, A], greater_is_better=True)] == [
        row.entry.name for row in board
    ]

"""Early stopping, plateaus and divergence, each member for itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular_dl.nn.early_stopping import Stopping
from tabular_dl.nn.members import Members, Monitor

INF = np.inf


def run(
    figures: list[list[float]], monitor: Monitor | None = None, **settings: Any
) -> tuple[Stopping, list[list[bool]]]:
    """Feed the figures of each epoch; return the state and who improved in each."""
    size = len(figures[0])
    members = Members(list(range(size)), [np.arange(2)] * size, **settings)
    state = Stopping(members, monitor or Monitor())
    improved = [
        state.update(epoch, np.array(row), np.isfinite(row)).tolist() for epoch, row in enumerate(figures, start=1)
    ]
    return state, improved


def test_a_member_stops_after_its_own_patience() -> None:
    state, improved = run([[3, 3], [2, 2], [4, 4], [4, 4]], patience=np.array([1, 3]))
    assert improved == [[True, True], [True, True], [False, False], [False, False]]
    assert state.active.tolist() == [False, True]
    assert state.best_epoch.tolist() == [2, 2]
    assert state.last_epoch.tolist() == [3, 4]


def test_an_improvement_below_the_minimum_does_not_count() -> None:
    state, _ = run([[3.0, 3.0], [2.9, 2.9]], min_delta=np.array([0.2, 0.0]))
    assert state.best_epoch.tolist() == [1, 2]


def test_where_greater_is_better_the_greatest_counts() -> None:
    state, _ = run([[0.5], [0.9], [0.7]], Monitor("auc", greater_is_better=True))
    assert state.best_epoch.tolist() == [2]


def test_a_plateau_lowers_the_rate_of_its_member_alone_and_starts_over() -> None:
    figures = [[1.0, 9.0 - epoch] for epoch in range(6)]
    state, _ = run(figures, plateau_patience=2, plateau_factor=0.5)
    # Member 0 improves in epoch 1 only: plateaus after epochs 3 and 5.
    assert state.rate_factors.tolist() == [0.25, 1.0]


def test_a_loss_that_is_not_finite_stops_its_member_at_once() -> None:
    state, improved = run([[2.0, 2.0, INF], [np.nan, 1.0, 1.0], [1.0, 0.5, 1.0]])
    assert state.diverged.tolist() == [True, False, True]
    assert state.active.tolist() == [False, True, False]
    assert state.best_epoch.tolist() == [1, 3, 0]
    assert improved[2] == [False, True, False]

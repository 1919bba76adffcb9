"""Cut points make labels of numbers, and the search for them is nearly as good as trying all of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tabular_dl.problems.cut_points import apply_cut_points, best_cut_points
from tabular_dl.problems.metrics import Metric, get_metric

KAPPA = get_metric("qwk")
VALUES = st.lists(st.floats(0, 5).map(lambda value: round(value, 1)), min_size=6, max_size=30)


def kappa(y: np.ndarray, labels: np.ndarray) -> float:
    return float(cohen_kappa_score(y, labels, weights="quadratic"))


@settings(max_examples=20, deadline=None)
@given(VALUES, st.randoms(use_true_random=False))
def test_cut_points_ascend_and_are_never_worse_than_rounding(numbers: list[float], random: object) -> None:
    values = np.array(numbers)
    y = np.random.default_rng(len(numbers)).integers(1, 5, len(values))
    labels = np.arange(1, 5)
    cut_points = best_cut_points(y, values, labels, KAPPA)
    assert (np.diff(cut_points) >= 0).all()
    rounded = np.clip(np.ceil(values - 0.5), 1, 4)  # halves belong to the lower label, as to a cut point
    assert KAPPA(y, apply_cut_points(values, cut_points, labels)) >= KAPPA(y, rounded) - 1e-12


def test_the_search_finds_what_trying_all_cut_points_finds() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(1, 4, 25)
    values = 2 + 0.3 * (y - 2) + rng.normal(scale=0.15, size=25)  # shrunk, as predictions are
    ordered = np.sort(values)
    places = (ordered[1:] + ordered[:-1]) / 2
    labels = np.array([1, 2, 3])
    best = max(kappa(y, apply_cut_points(values, np.array(pair), labels)) for pair in combinations(places, 2))
    cut_points = best_cut_points(y, values, labels, KAPPA)
    assert kappa(y, apply_cut_points(values, cut_points, labels)) == pytest.approx(best, abs=0.02)
    assert best > kappa(y, values.round().clip(1, 3)) + 0.1, "rounding would be much worse"


def test_weights_count_as_rows_several_times_and_labels_need_no_equal_steps() -> None:
    rng = np.random.default_rng(2)
    labels = np.array([0, 1, 5])
    y = labels[rng.integers(0, 3, 30)]
    values, weights = y + rng.normal(size=30), rng.integers(1, 4, 30)
    several = np.repeat(np.arange(30), weights)
    cut_points = best_cut_points(y, values, labels, KAPPA, weights.astype(float))
    again = best_cut_points(y[several], values[several], labels, KAPPA)
    score = KAPPA(y, apply_cut_points(values, cut_points, labels), None, weights.astype(float))
    assert score == pytest.approx(KAPPA(y[several], apply_cut_points(values[several], again, labels)), abs=0.05)


def test_cut_points_may_differ_from_row_to_row() -> None:
    cut_points = np.array([[0.5, 1.5], [2.0, 3.0]])
    assert apply_cut_points(np.array([1.0, 1.0]), cut_points, np.array([7, 8, 9])).tolist() == [8, 7]


def test_any_metric_of_labels_may_choose_them() -> None:
    def errors(y: np.ndarray, labels: np.ndarray, weights: object, classes: object) -> float:
        return float(np.mean(y != labels))

    metric = Metric("errors", errors, "labels", False, ("regression",))
    y, values = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    assert best_cut_points(y, values, np.array([0, 1]), metric).tolist() == [0.25]

"""The standard error of a cross-validated mean is Nadeau and Bengio's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, RepeatedKFold, TimeSeriesSplit

from tabular_dl.model_selection.standard_error import mean_and_error, size_ratio, standard_error


@pytest.mark.parametrize(
    ("scores", "expected"),
    # By hand: s^2 of 1, 2, 3 is 1, and 1/3 + 1/2 = 5/6; s^2 of 0, 1 is 1/2, and 1/2 + 1 = 3/2.
    [([1.0, 2.0, 3.0], math.sqrt(5 / 6)), ([0.0, 1.0], math.sqrt(3 / 4)), ([2.0, 2.0, 2.0, 2.0], 0.0)],
)
def test_it_is_the_corrected_formula(scores: list[float], expected: float) -> None:
    assert standard_error(scores) == pytest.approx(expected)
    assert mean_and_error(scores) == pytest.approx((sum(scores) / len(scores), expected))


def test_of_one_fold_nothing_is_known() -> None:
    assert math.isnan(standard_error([0.8]))


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_it_is_wider_than_that_of_independent_scores_by_a_factor_of_the_folds_alone(folds: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=folds)
    naive = scores.std(ddof=1) / math.sqrt(folds)
    assert standard_error(scores) / naive == pytest.approx(math.sqrt(1 + folds / (folds - 1)))


def test_in_simulated_cross_validations_it_is_nearer_to_the_truth() -> None:
    # The mean of y predicts y: scores of folds share training rows, as any model's do.
    rng, folds, rows = np.random.default_rng(0), 5, 50
    means, corrected, naive = [], [], []
    for _ in range(2000):
        parts = rng.normal(size=(folds, rows // folds))
        scores = np.array([np.mean((part - np.delete(parts, k, axis=0).mean()) ** 2) for k, part in enumerate(parts)])
        means.append(scores.mean())
        corrected.append(standard_error(scores) ** 2)
        naive.append(scores.var(ddof=1) / folds)
    spread = np.var(means)
    assert np.mean(naive) < 1.1 * spread < np.mean(corrected)


def test_of_repeated_folds_the_rows_that_all_share_stay_in_it() -> None:
    # By hand: s^2 of 1, 2, 3, 1, 2, 3 is 0.8; two repeats of three folds have 1/6 + 1/2 = 2/3.
    scores = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    ratio = size_ratio(list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(np.zeros(12))))
    assert ratio == pytest.approx(1 / 2)
    assert standard_error(scores, ratio) == pytest.approx(math.sqrt(0.8 * 2 / 3))
    assert mean_and_error(scores, ratio) == pytest.approx((2.0, math.sqrt(0.8 * 2 / 3)))
    # Any number of repeats leaves s * sqrt(1 / (k - 1)).
    assert standard_error(scores * 1000, ratio) == pytest.approx(math.sqrt(np.var(scores) / 2), rel=1e-3)


def test_the_ratio_is_left_to_the_number_of_folds_unless_rows_are_missing_or_repeated() -> None:
    rows = np.zeros(13)
    assert size_ratio(list(KFold(5).split(rows))) is None
    # 13 rows in 4 blocks: 3 rows are tested after 4, 7 and 10.
    assert size_ratio(list(TimeSeriesSplit(3).split(rows))) == pytest.approx((3 / 4 + 3 / 7 + 3 / 10) / 3)


def test_in_simulated_repeated_cross_validations_it_is_nearer_to_the_truth() -> None:
    rng, repeated = np.random.default_rng(0), RepeatedKFold(n_splits=5, n_repeats=3, random_state=0)
    splits = list(repeated.split(np.zeros(30)))
    means, corrected, naive = [], [], []
    for _ in range(600):
        y = rng.normal(size=30)
        scores = np.array([np.mean((y[test] - y[train].mean()) ** 2) for train, test in splits])
        means.append(scores.mean())
        corrected.append(standard_error(scores, size_ratio(splits)) ** 2)
        naive.append(scores.var(ddof=1) / len(scores))
    assert np.mean(naive) < 0.6 * np.var(means) < np.var(means) < 1.3 * np.mean(corrected)

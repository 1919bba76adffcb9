"""Edges by hand and against scikit-learn's trees; laws of the piecewise-linear encoding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabular_dl.errors import DataError
from tabular_dl.tables import bin_edges, encode_piecewise

NUMBERS = st.one_of(st.integers(-20, 20).map(float), st.floats(-1e6, 1e6), st.floats(-1e38, 1e38))
COLUMNS = st.lists(NUMBERS, min_size=1, max_size=60).map(np.array)


@given(COLUMNS, st.integers(2, 8), st.sampled_from(["quantile", "number", "label"]))
def test_edges_increase_from_minimum_to_maximum_and_are_few(column: np.ndarray, bins: int, way: str) -> None:
    target = None if way == "quantile" else np.arange(len(column)) % 3
    edges = bin_edges(column, bins, target, classification=way == "label")
    assert edges.dtype == np.float64
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= bins + 1
    if len(edges):
        assert (edges[0], edges[-1]) == (column.min(), column.max())
        if len(np.unique(column)) <= bins + 1:
            assert edges.tolist() == sorted(set(column.tolist()))
    else:
        assert np.ptp(column) <= 1e-6 * np.abs(column).max()


@given(COLUMNS, COLUMNS, st.integers(2, 8))
def test_the_encoding_is_monotone_and_gives_the_value_back(training: np.ndarray, later: np.ndarray, bins: int) -> None:
    edges = bin_edges(training, bins)
    parts = encode_piecewise(np.sort(later), edges)
    assert parts.shape == (len(later), max(0, len(edges) - 1))
    assert ((parts >= 0) & (parts <= 1)).all()
    assert (np.diff(parts, axis=0) >= 0).all()
    # A bin is entered when those below it are full.
    assert ((parts[:, 1:] == 0) | (parts[:, :-1] == 1)).all()
    if len(edges):
        given_back = edges[0] + parts @ np.diff(edges)
        np.testing.assert_allclose(
            given_back, np.clip(np.sort(later), edges[0], edges[-1]), atol=1e-12 * np.abs(edges).max()
        )


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 4)), min_size=1, max_size=40), st.booleans())
def test_a_weight_counts_as_so_many_rows(rows: list[tuple[float, int]], supervised: bool) -> None:
    rows = [*rows, (0.0, 1)]
    column, weights = np.array([value for value, _ in rows]), np.array([weight for _, weight in rows])
    target = np.arange(len(rows)) % 2 if supervised else None
    repeated = None if target is None else np.repeat(target, weights)
    edges = bin_edges(column, 4, target, classification=True, weights=weights)
    np.testing.assert_array_equal(edges, bin_edges(np.repeat(column, weights), 4, repeated, classification=True))


def test_quantiles_by_hand() -> None:
    # A hundred and one different values, each in one row: a fifth of the rows below the second edge, and so on.
    assert bin_edges(np.arange(101)[::-1], 5).tolist() == [0, 20, 40, 60, 80, 100]
    assert bin_edges(np.exp(np.arange(101) / 10), 2).tolist() == [1.0, np.exp(5.0), np.exp(10.0)]


@pytest.mark.parametrize(
    ("spike", "expected"),
    [
        # Twenty rows of one value among a hundred others. At an end: the value beside it, and sixths of the other 99.
        (0, [0, 1, 17, 33, 50, 66, 83, 99]),
        (99, [0, 16, 32, 49, 65, 82, 98, 99]),
        # Within: the values on both sides, and quarters of the other 99, which are the 25th, 50th and 75th of them.
        (40, [0, 24, 39, 40, 41, 50, 75, 99]),
    ],
)
def test_the_encoding_can_step_at_a_spike(spike: int, expected: list[float]) -> None:
    edges = bin_edges(np.concatenate([np.arange(100.0), np.full(20, spike)]), 7)
    assert edges.tolist() == expected
    # A sum of components is 1 at the spike, and 0 at all other values.
    inputs = np.column_stack([np.ones(100), encode_piecewise(np.arange(100.0), edges)])
    marks = np.arange(100) == spike
    factors = np.linalg.lstsq(inputs, marks, rcond=None)[0]
    np.testing.assert_allclose(inputs @ factors, marks, atol=1e-12)


def test_the_most_frequent_spikes_come_first_and_leave_half_of_the_edges() -> None:
    # Four inner edges, two for spikes: none for the most frequent one, 50, which needs three; one for 99; one for 0.
    column = np.concatenate([np.arange(100.0), np.full(30, 50.0), np.full(20, 99.0), np.full(10, 0.0)])
    edges = bin_edges(column, 5)
    # 50 counts as any other value: 128 rows lie from 1 to 98; the 43rd of them is 43, the 86th 56 as 50 has 31 rows.
    assert edges.tolist() == [0, 1, 43, 56, 98, 99]


def test_a_value_in_a_twentieth_of_the_rows_is_no_spike() -> None:
    column = np.concatenate([np.arange(1, 96.0), np.zeros(5)])
    assert bin_edges(column, 4).tolist() == [0, 20, 45, 70, 95]
    assert bin_edges(np.append(column, 0.0), 4).tolist() == [0, 1, 32, 64, 95]


@pytest.mark.parametrize("classification", [False, True])
def test_bins_of_a_target_are_the_thresholds_of_scikit_learns_tree(classification: bool) -> None:
    rng = np.random.default_rng(0)
    column = rng.permutation(600).astype(float)
    noisy = np.round(np.sin(column / 60) + rng.normal(size=600) / 4, 1)
    target = noisy > 0 if classification else noisy
    kind = DecisionTreeClassifier if classification else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=6, min_samples_leaf=12, random_state=0).fit(column[:, None], target).tree_
    expected = [0, *sorted(tree.threshold[tree.feature >= 0]), 599]
    assert bin_edges(column, 6, target, classification=classification).tolist() == expected
    # Any increasing function of the column has its edges between the same rows, also where float32 is too coarse.
    stretched = bin_edges(1.7e9 + 10 * column, 6, target, classification=classification)
    np.testing.assert_array_equal(stretched, 1.7e9 + 10 * np.array(expected))


def test_a_tree_of_many_rows_depends_on_the_seed_only() -> None:
    column = np.arange(150_000.0)
    edges = [bin_edges(column, 2, column > 50_000, classification=True, seed=seed)[1] for seed in (0, 0, 1)]
    assert edges[0] == edges[1] != edges[2]
    np.testing.assert_allclose(edges, 50_000, atol=30)


def test_a_tree_that_finds_nothing_has_the_ends_only() -> None:
    assert bin_edges(np.arange(50), 4, np.ones(50)).tolist() == [0, 49]


@pytest.mark.parametrize("column", [[3.0], [0.0, -0.0], [1e6, 1e6 + 0.5], [-7.0] * 9])
def test_a_constant_column_has_no_edges_and_no_components(column: list[float]) -> None:
    edges = bin_edges(column, 4)
    assert edges.shape == (0,)
    assert encode_piecewise(column, edges).shape == (len(column), 0)


def test_numbers_outside_are_the_nearest_end_and_missing_ones_stay_missing() -> None:
    edges = [-1e38, 0.0, 5e-324, 1e38]
    parts = encode_piecewise([-np.inf, -5e37, 0.0, 5e-324, 1e300, np.nan], edges)
    nan = float("nan")
    expected = [[0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [nan, nan, nan]]
    np.testing.assert_array_equal(parts, expected)


@pytest.mark.parametrize(
    ("column", "weights", "message"),
    [
        ([1.0, float("nan")], None, "values, row 1: expected a finite number of at most 1e38, found nan; impute"),
        ([1.0, float("inf")], None, "values, row 1: .* found inf; correct or clip the value"),
        ([2e38], None, "values, row 0: .* found 2e"),
        ([], None, "one row or more"),
        ([[1.0]], None, "one column, found shape"),
        ([1.0, 2.0], [1.0, -1.0], "weights: expected 2 finite numbers of 0 or more"),
        ([1.0, 2.0], [0.0, 0.0], "not all 0"),
        ([1.0, 2.0], [1.0], "one a row"),
    ],
)
def test_rows_that_cannot_be_binned_are_named(column: list[float], weights: list[float] | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bin_edges(column, 4, weights=weights)


def test_a_target_of_other_rows_is_refused() -> None:
    with pytest.raises(DataError, match=r"target: expected 2 rows, as there are values, found shape \(3,\)"):
        bin_edges([1.0, 2.0], 4, [0, 1, 0])


def test_one_bin_is_refused() -> None:
    with pytest.raises(ValueError, match="bins: expected 2 or more, found 1"):
        bin_edges([1.0, 2.0], 1)

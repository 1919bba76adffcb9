"""Clipping against a plain loop, ranks against scikit-learn, constants by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from tabular_dl.preprocessing.scalers import ConstantScaler, NormalQuantiles, QuantileClipper

NAN = float("nan")


@given(
    st.lists(st.floats(-100, 100) | st.just(NAN), min_size=1, max_size=20),
    st.lists(st.floats(-300, 300) | st.just(NAN), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.01, 0.25]),
)
def test_numbers_beyond_the_quantiles_are_moved_there(training: list[float], later: list[float], share: float) -> None:
    known = sorted(value for value in training if value == value)

    def quantile(at: float) -> float:
        place = at * (len(known) - 1)
        low, part = int(place), place - int(place)
        return known[low] + part * (known[min(low + 1, len(known) - 1)] - known[low])

    found = QuantileClipper(share).fit(np.array(training)[:, None]).transform(np.array(later)[:, None])[:, 0]
    if known:
        expected = [max(quantile(share), min(quantile(1 - share), value)) if value == value else NAN for value in later]
        np.testing.assert_allclose(found, expected, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, later)


@pytest.mark.parametrize(("rows", "subsample"), [(7, 10_000), (1500, 10_000), (1500, 1200)])
def test_ranks_are_scikit_learns_with_as_many_quantiles_as_there_are_rows(rows: int, subsample: int) -> None:
    X = np.random.default_rng(0).exponential(size=(rows, 2))
    expected = QuantileTransformer(
        n_quantiles=min(rows, 1000), output_distribution="normal", subsample=subsample, random_state=1
    )
    found = NormalQuantiles(subsample=subsample, random_state=1)
    np.testing.assert_array_equal(found.fit_transform(X), expected.fit_transform(X))
    np.testing.assert_array_equal(found.transform(10 * X), expected.transform(10 * X))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_numbers_of_every_type_are_divided_into_float32(kind: type) -> None:
    X = np.arange(6).reshape(2, 3).astype(kind)
    scaled = ConstantScaler(4).fit(X).transform(X)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, [[0, 0.25, 0.5], [0.75, 1, 1.25]])


def test_a_missing_value_stays_missing_and_the_input_as_it_was() -> None:
    X = np.array([[np.nan, 8.0]])
    scaled = ConstantScaler(16).fit_transform(X)
    assert np.isnan(scaled[0, 0])
    assert scaled[0, 1] == 0.5
    assert X[0, 1] == 8.0


def test_names_of_columns_are_kept() -> None:
    assert ConstantScaler().fit([[1, 2]]).get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]

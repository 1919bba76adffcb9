"""Numbers are standardised, put between bounds or made logarithms, and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError
from tabular_dl.problems.target_coding import TRANSFORMS, Bounded, Logarithms, Numbers

NUMBERS = arrays("float64", st.tuples(st.integers(2, 9), st.integers(1, 3)), elements=st.floats(-1e3, 1e3))
AMOUNTS = arrays("float64", st.tuples(st.integers(2, 9), st.integers(1, 3)), elements=st.floats(0, 1e6))


@given(NUMBERS)
@settings(max_examples=50, deadline=None)
def test_numbers_come_back(y: np.ndarray) -> None:
    coding = Numbers.learn(y)
    spread = np.abs(y).max() + 1
    np.testing.assert_allclose(coding.decode(coding.encode(y).astype(float)), y, atol=1e-6 * spread)


def test_a_weight_of_two_is_a_row_twice() -> None:
    y, w = np.array([1.0, 4.0, 7.0]), np.array([2.0, 0.0, 1.0])
    weighted, repeated = Numbers.learn(y, weights=w), Numbers.learn(np.repeat(y, w.astype(int)))
    np.testing.assert_allclose(weighted.mean, repeated.mean)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


def test_a_constant_target_has_the_scale_one() -> None:
    assert Numbers.learn(np.full(4, 3.0)).scale.tolist() == [1.0]


@given(st.floats(-100, 100), st.floats(0.1, 100), arrays("float64", 5, elements=st.floats(0, 1)))
@settings(max_examples=50, deadline=None)
def test_bounds_become_zero_and_one_and_come_back(low: float, distance: float, shares: Any) -> None:
    bounds = (low, low + distance)
    coding = Bounded.learn(np.array(bounds), bounds=bounds)
    np.testing.assert_allclose(coding.encode(np.array(bounds))[:, 0], [0, 1], atol=1e-6)
    np.testing.assert_allclose(coding.decode(shares[:, None])[:, 0], low + distance * shares, atol=1e-6)


@given(AMOUNTS)
@settings(max_examples=50, deadline=None)
def test_logarithms_are_standardised_and_come_back(y: np.ndarray) -> None:
    coding = Logarithms.learn(y)
    if (y.std(axis=0) > 1).all():
        np.testing.assert_allclose(coding.encode(y), StandardScaler().fit_transform(np.log1p(y)), atol=1e-5)
    np.testing.assert_allclose(coding.decode(coding.encode(y).astype(float)), y, rtol=1e-4, atol=1e-4)


def test_weights_count_for_logarithms_too() -> None:
    y, w = np.array([1.0, 4.0, 7.0]), np.array([2.0, 0.0, 1.0])
    weighted, repeated = Logarithms.learn(y, weights=w), Logarithms.learn(np.repeat(y, w.astype(int)))
    np.testing.assert_allclose(weighted.mean, repeated.mean)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


def test_a_number_below_zero_has_no_logarithm_to_learn_and_no_output_is_too_large() -> None:
    with pytest.raises(DataError, match=r"The target has -0.5 in row 2: target_transform log1p is for numbers"):
        Logarithms.learn(np.array([0.0, 1.0, -0.5]))
    coding = TRANSFORMS["log1p"].learn(np.array([0.0, 9.0]))
    assert coding.encode(np.array([-3.0])) == coding.encode(np.array([0.0]))
    assert np.isfinite(coding.decode(np.array([[1e9]]))).all()


def test_a_number_out_of_bounds_is_named() -> None:
    with pytest.raises(DataError, match=r"The target has 7.0 in row 1, outside the bounds 0 and 5"):
        Bounded.learn(np.array([1.0, 7.0]), bounds=(0, 5))

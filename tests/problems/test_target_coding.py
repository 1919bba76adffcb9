"""Labels and numbers are coded as in the course's table, and decoded from outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError
from tabular_dl.problems.number_coding import TRANSFORMS, Bounded, Logarithms, Numbers
from tabular_dl.problems.target_coding import Indicators, Labels

NUMBERS = arrays("float64", st.tuples(st.integers(2, 9), st.integers(1, 3)), elements=st.floats(-1e3, 1e3))
AMOUNTS = arrays("float64", st.tuples(st.integers(2, 9), st.integers(1, 3)), elements=st.floats(0, 1e6))


# Labels


@given(arrays("float32", (2, 7, 1), elements=st.floats(0, 1, width=32)))
@settings(max_examples=30)
def test_one_sigmoid_unit_is_the_probability_of_the_second_class(p: np.ndarray) -> None:
    decoded = Labels(np.array([0, 1])).decode(p)
    assert decoded.shape == (2, 7, 2)
    np.testing.assert_array_equal(decoded[..., 1], p[..., 0])
    np.testing.assert_allclose(decoded.sum(axis=-1), 1.0, rtol=0, atol=1e-15)


def test_the_mean_of_probabilities_is_exact_enough_for_scikit_learns_log_loss_not_to_warn() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(200) % 3
    # Outputs of two networks, in float32.
    logits = keras.ops.convert_to_tensor(generator.normal(size=(2, 200, 3)), "float32")
    softmax = np.asarray(keras.activations.softmax(logits))
    three, two = Labels(np.arange(3)), Labels(np.arange(2))
    p = three.decode(softmax).mean(axis=0)
    np.testing.assert_allclose(p, softmax.mean(axis=0), atol=1e-6)
    assert log_loss(y, p) == pytest.approx(-np.mean(np.log(p[np.arange(200), y])))
    sigmoid = generator.random((2, 200, 1), "float32")
    log_loss(y > 0, two.decode(sigmoid).mean(axis=0))
    for outputs, coding in ((softmax, three), (sigmoid, two)):
        np.testing.assert_allclose(coding.decode(outputs).sum(axis=-1), 1.0, rtol=0, atol=1e-15)


def test_sigmoids_of_several_classes_are_normalised_and_all_zero_says_nothing() -> None:
    decoded = Labels(np.arange(2), one_hot=True).decode(np.array([[0.2, 0.6], [0.0, 0.0]]))
    np.testing.assert_allclose(decoded, [[0.25, 0.75], [0.5, 0.5]])


def test_one_hot_rows_are_those_of_to_categorical() -> None:
    encoded = Labels(np.arange(7), one_hot=True).encode(np.array([2, 6, 6, 1]))
    np.testing.assert_array_equal(encoded, keras.utils.to_categorical([2, 6, 6, 1], 7))


def test_what_cannot_be_coded_is_named() -> None:
    with pytest.raises(DataError, match=r"The target has .*2.* in row 1, column 0: a multilabel target is 0 or 1"):
        Indicators.learn(np.array([[0, 1], [2, 1]]))
    with pytest.raises(DataError, match="one class only, 'a'"):
        Labels.learn(np.array(["a", "a"]))


# Numbers


def test_a_number_is_standardised_as_the_course_has_it() -> None:
    coding = Numbers(np.array([40.0]), np.array([8.12]))
    assert coding.encode(np.array([30.0]))[0, 0] == pytest.approx(-1.23, abs=0.005)


@given(NUMBERS)
@settings(max_examples=50)
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
@settings(max_examples=50)
def test_bounds_become_zero_and_one_and_come_back(low: float, distance: float, shares: Any) -> None:
    bounds = (low, low + distance)
    coding = Bounded.learn(np.array(bounds), bounds=bounds)
    np.testing.assert_allclose(coding.encode(np.array(bounds))[:, 0], [0, 1], atol=1e-6)
    np.testing.assert_allclose(coding.decode(shares[:, None])[:, 0], low + distance * shares, atol=1e-6)


@given(AMOUNTS)
@settings(max_examples=50)
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

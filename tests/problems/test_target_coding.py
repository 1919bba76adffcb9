"""Targets are coded as the course's table says, and outputs mean what they should."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import log_loss

from tabular_dl.errors import DataError
from tabular_dl.problems.target_coding import Indicators, Labels, Numbers


@given(arrays("float32", (2, 7, 1), elements=st.floats(0, 1, width=32)))
@settings(max_examples=30, deadline=None)
def test_one_sigmoid_unit_is_the_probability_of_the_second_class(p: np.ndarray) -> None:
    found = Labels(np.array([0, 1])).decode(p)
    assert found.shape == (2, 7, 2)
    np.testing.assert_array_equal(found[..., 1], p[..., 0])
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, rtol=0, atol=1e-15)


def test_the_mean_of_probabilities_is_exact_enough_for_scikit_learns_log_loss_not_to_warn() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(200) % 3
    # Two networks' outputs, in float32 as they come.
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
    found = Labels(np.arange(2), one_hot=True).decode(np.array([[0.2, 0.6], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.25, 0.75], [0.5, 0.5]])


def test_one_hot_rows_are_those_of_to_categorical() -> None:
    found = Labels(np.arange(7), one_hot=True).encode(np.array([2, 6, 6, 1]))
    np.testing.assert_array_equal(found, keras.utils.to_categorical([2, 6, 6, 1], 7))


def test_a_number_is_standardised_as_the_course_has_it() -> None:
    coding = Numbers(np.array([40.0]), np.array([8.12]))
    assert coding.encode(np.array([30.0]))[0, 0] == pytest.approx(-1.23, abs=0.005)


def test_what_cannot_be_coded_is_named() -> None:
    with pytest.raises(DataError, match=r"The target has .*2.* in row 1, column 0: a multilabel target is 0 or 1"):
        Indicators.learn(np.array([[0, 1], [2, 1]]))
    with pytest.raises(DataError, match="one class only, 'a'"):
        Labels.learn(np.array(["a", "a"]))

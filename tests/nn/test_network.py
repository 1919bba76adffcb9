"""A stacked network predicts what each member would as a plain Keras model, from weights that its seed alone fixes."""

from __future__ import annotations

import logging
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.nn import inference as module
from tabular_dl.nn.blocks import OwnInputs
from tabular_dl.nn.choices import INITIALIZERS
from tabular_dl.nn.inference import plain_model, predict
from tabular_dl.nn.network import ACTIVATIONS, Network, Weights
from tabular_dl.nn.passes import forward
from tabular_dl.nn.weights import initial_weights, own_weights

NETWORK = Network(inputs=5, hidden=(8, 4), outputs=3, activation="tanh", output_activation="softmax", dropout=True)
X = np.random.default_rng(0).normal(size=(11, 5)).astype("float32")


@pytest.fixture(scope="module")
def weights() -> Weights:
    """Random weights of two members, biases included."""
    generator = np.random.default_rng(1)
    drawn = initial_weights(NETWORK, [0, 1], [5, 5])
    return {name: generator.normal(size=w.shape).astype("float32") for name, w in drawn.items()}


def stacked(network: Network, weights: Weights) -> tf.Tensor:
    """Return what training sees of all members, (member, row, unit)."""
    return forward(network, {name: tf.constant(weight) for name, weight in weights.items()}, tf.constant(X[np.newaxis]))


@settings(max_examples=20)
@given(inputs=st.integers(1, 9), hidden=st.lists(st.integers(1, 9), max_size=3), outputs=st.integers(1, 4))
def test_the_number_of_parameters_is_that_of_the_plain_model(inputs: int, hidden: list[int], outputs: int) -> None:
    network = Network(inputs, tuple(hidden), outputs)
    model = plain_model(network, initial_weights(network, [0], [inputs]), 0)
    assert network.parameters == model.count_params()


def test_a_prediction_is_matrix_products_activations_and_a_softmax(weights: Weights) -> None:
    for member, outputs in enumerate(predict(NETWORK, weights, X)):
        w0, b0, w1, b1, w2, b2 = (weight[member] for weight in weights.values())
        logits = np.tanh(np.tanh(X @ w0 + b0) @ w1 + b1) @ w2 + b2
        np.testing.assert_allclose(outputs, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-6)


# Keras 3.15 itself, under NumPy 2, when it writes a file.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_member_as_a_plain_keras_model_predicts_the_same_also_from_a_file(weights: Weights, tmp_path: Path) -> None:
    outputs = predict(NETWORK, weights, X)
    for member in range(2):
        model = plain_model(NETWORK, weights, member)
        np.testing.assert_allclose(np.asarray(model(X)), outputs[member], atol=1e-6)
        assert {type(layer) for layer in model.layers} == {
            keras.layers.InputLayer,
            keras.layers.Dense,
            keras.layers.Activation,
        }
    model.save(tmp_path / "member.keras")
    np.testing.assert_array_equal(np.asarray(keras.saving.load_model(tmp_path / "member.keras")(X)), model(X))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_is_keras_own(activation: str) -> None:
    network = Network(inputs=5, hidden=(4,), outputs=1, activation=activation)
    weights = initial_weights(network, [0, 1], [5, 5])
    # The stacked pass itself, as tracing each activation would take long.
    outputs = np.asarray(stacked(network, weights))
    for member in range(2):
        np.testing.assert_allclose(outputs[member], plain_model(network, weights, member)(X), atol=1e-5)


@pytest.mark.parametrize("outputs", ["linear", "sigmoid", "softmax"])
def test_the_output_activation_belongs_to_the_prediction_not_to_the_stacked_model(outputs: str) -> None:
    network = Network(inputs=5, hidden=(), outputs=2, output_activation=outputs)
    weights = initial_weights(network, [3], [5])
    logits = np.asarray(stacked(network, weights))
    np.testing.assert_allclose(logits[0], X @ weights["head.kernel"][0], atol=1e-6)
    expected = np.asarray(keras.activations.get(outputs)(tf.constant(logits)))
    np.testing.assert_allclose(predict(network, weights, X), expected, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 4, 5, 11])
def test_rows_are_predicted_in_blocks_that_change_nothing(
    rows: int, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict(NETWORK, weights, X)
    monkeypatch.setattr(module, "PREDICTION_ROWS", 4)
    blocks = predict(NETWORK, weights, X[:rows])
    assert blocks.shape == (2, rows, 3)
    np.testing.assert_allclose(blocks, whole[:, :rows], atol=1e-6)


def test_many_architectures_may_predict_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    # TensorFlow's own logger warns of retracing, and hands nothing up to where pytest listens.
    tf.get_logger().addHandler(caplog.handler)
    try:
        for width in range(1, 8):
            network = Network(inputs=5, hidden=(), outputs=width)
            predict(network, initial_weights(network, [0], [5]), X)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@settings(max_examples=20)
@given(
    members=st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(1, 5)), min_size=1, max_size=4), data=st.data()
)
def test_initial_weights_depend_on_a_members_own_seed_and_width_alone(
    members: list[tuple[int, int]], data: st.DataObject
) -> None:
    seeds, widths = zip(*members, strict=True)
    population = initial_weights(NETWORK, seeds, widths)
    k = data.draw(st.integers(0, len(members) - 1))
    alone = initial_weights(Network(widths[k], NETWORK.hidden, NETWORK.outputs), [seeds[k]], [widths[k]])
    first = population["dense_0.kernel"][k]
    np.testing.assert_array_equal(first[: widths[k]], alone["dense_0.kernel"][0])
    assert not first[widths[k] :].any()
    mine = own_weights(NETWORK, {name: weight[k : k + 1] for name, weight in population.items()}, OwnInputs(widths[k]))
    assert mine.keys() == alone.keys()
    for name, weight in mine.items():
        np.testing.assert_array_equal(weight, alone[name])


def test_seeds_and_layers_start_from_different_weights() -> None:
    first, _, second, _, head, _ = initial_weights(Network(8, (8, 8), 8), [0, 1], [8, 8]).values()
    drawn = [first[0], first[1], second[0], second[1], head[0]]
    assert all(not np.allclose(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_hidden_kernels_are_he_normal_the_head_glorot_uniform_and_biases_zero() -> None:
    hidden, bias, head, head_bias = initial_weights(Network(400, (100,), 20), [0], [400]).values()
    assert hidden.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert hidden.mean() == pytest.approx(0, abs=5 * np.sqrt(2 / 400 / hidden.size))
    limit = np.sqrt(6 / (100 + 20))
    assert np.abs(head).max() == pytest.approx(limit, rel=0.01)
    assert head.std() == pytest.approx(limit / np.sqrt(3), rel=0.03)
    assert not bias.any()
    assert not head_bias.any()


def test_two_members_draw_nothing_that_is_alike() -> None:
    first = initial_weights(Network(50, (40,), 1), [0, 1], [50, 50])["dense_0.kernel"].reshape(2, -1)
    assert abs(np.corrcoef(first)[0, 1]) < 5 / np.sqrt(first.shape[1])


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_many_members_draw_the_weights_that_each_draws_alone(initializer: str) -> None:
    network = Network(inputs=5, hidden=(4,), outputs=2, initializer=initializer)
    seeds, widths = list(range(45)), [5, 3] * 22 + [5]
    many = initial_weights(network, seeds, widths)
    for member in (0, 1, 44):
        alone = initial_weights(network, [seeds[member]], [widths[member]])
        for ours, theirs in zip(many.values(), alone.values(), strict=True):
            np.testing.assert_array_equal(ours[member], theirs[0])

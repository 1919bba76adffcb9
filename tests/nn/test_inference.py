"""Plain Keras models of trained populations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn import inference
from tabular_dl.nn.inference import ensemble_model, plain_model, predict
from tabular_dl.nn.network import Network
from tabular_dl.nn.passes import forward
from tabular_dl.nn.weights import initial_weights

X = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")


@pytest.mark.parametrize(
    "network",
    [
        Network(3, (5, 4), 1, output_activation="sigmoid", dropout=True),
        Network(3, (5,), 4, activation="tanh", output_activation="softmax", batch_norm=True, noise=True),
        Network(3, (), 2),
    ],
)
def test_plain_models_predict_what_the_population_does(network: Network) -> None:
    rng = np.random.default_rng(1)
    drawn = initial_weights(network, [1, 2, 3], [3, 3, 3])
    weights = {name: w + rng.uniform(0.1, 0.5, w.shape).astype("float32") for name, w in drawn.items()}
    together = predict(network, weights, X)
    assert together.shape == (3, 30, network.outputs)
    ensemble = ensemble_model(network, weights)
    np.testing.assert_allclose(ensemble.model(X), together.mean(axis=0), atol=1e-6)
    for k, member in enumerate(ensemble.members):
        np.testing.assert_allclose(member(X), together[k], atol=1e-6)
        np.testing.assert_allclose(plain_model(network, weights, k)(X), together[k], atol=1e-6)


def test_a_plain_model_has_standard_layers_only() -> None:
    network = Network(3, (5, 4), 1, output_activation="sigmoid", dropout=True, batch_norm=True, noise=True)
    model = plain_model(network, initial_weights(network, [1], [3]), 0)
    assert all(type(layer) is getattr(keras.layers, type(layer).__name__) for layer in model.layers)


def test_one_member_is_its_own_ensemble() -> None:
    network = Network(3, (4,), 1)
    weights = initial_weights(network, [1], [3])
    model = ensemble_model(network, weights).model
    np.testing.assert_allclose(model(X), predict(network, weights, X)[0], atol=1e-6)


def test_more_rows_than_a_block_are_predicted_as_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(3, (4,), 1)
    weights = initial_weights(network, [1, 2], [3, 3])
    whole = predict(network, weights, X)
    monkeypatch.setattr("tabular_dl.nn.inference.PREDICTION_ROWS", 7)
    np.testing.assert_allclose(predict(network, weights, X), whole, atol=1e-6)
    assert predict(network, weights, X[:0]).shape == (2, 0, 1)


@pytest.mark.parametrize(
    "network",
    [
        Network(3, (5, 4), 2, activation="tanh", output_activation="softmax", batch_norm=True, dropout=True),
        Network(3, (5,), 1, embeddings=((4, 2), (3, 1)), input_dropout=True),
        Network(2, (), 1, embeddings=((4, 2), (3, 1))),
    ],
    ids=["normalised", "embedded", "embedded alone"],
)
def test_prediction_in_float64_is_what_training_does_in_float32(network: Network) -> None:
    rng = np.random.default_rng(1)
    rows = np.column_stack([X[:, : network.numeric], rng.integers(0, 4, 30), rng.integers(0, 3, 30)])
    rows = rows[:, : network.inputs].astype("float32")
    drawn = initial_weights(network, [1, 2, 3], [network.numeric] * 3)
    weights = {name: w + rng.uniform(0.1, 0.5, w.shape).astype("float32") for name, w in drawn.items()}
    outputs = forward(network, {name: tf.constant(weight) for name, weight in weights.items()}, tf.constant(rows[None]))
    expected = keras.activations.get(network.output_activation)(outputs)
    np.testing.assert_allclose(predict(network, weights, rows), expected, atol=1e-6)


def test_many_members_are_predicted_in_blocks_of_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    network, met = Network(3, (4,), 1), []
    weights = initial_weights(network, [1, 2], [3, 3])
    whole, dense = predict(network, weights, X), inference._dense

    def watched(rows: np.ndarray) -> np.ndarray:
        met.append(len(rows))
        return dense(rows)

    monkeypatch.setattr(inference, "_dense", watched)
    # A row of one member has 3 inputs, 4 hidden units and 1 output, of 8 bytes each.
    monkeypatch.setattr(inference, "PREDICTION_BYTES", 14 * 2 * (3 + 4 + 1) * 8)
    np.testing.assert_allclose(predict(network, weights, X), whole, atol=1e-6)
    assert met == [14, 14, 2]
    monkeypatch.setattr(inference, "PREDICTION_BYTES", 1)
    assert predict(network, weights, X[:3]).shape == (2, 3, 1)


def test_a_traced_prediction_keeps_no_weights_and_serves_any_number_of_members() -> None:
    network = Network(3, (6,), 1, batch_norm=True, embeddings=((5, 2),))
    rows = np.column_stack([X[:, :2], np.arange(30) % 5]).astype("float32")
    inference._predictor.cache_clear()
    for seeds in ([1], [1, 2], [1, 2, 3]):
        predict(network, initial_weights(network, seeds, [2] * len(seeds)), rows)
    assert inference._predictor.cache_info().currsize == 1
    assert not inference._predictor(network).captured_inputs

"""Plain Keras models of trained populations."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tabular_dl.nn.inference import ensemble_model, plain_model, predict
from tabular_dl.nn.network import Network, initial_weights

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
    weights = [w + rng.uniform(0.1, 0.5, w.shape).astype("float32") for w in drawn]
    together = predict(network, weights, X)
    assert together.shape == (3, 30, network.outputs)
    ensemble, members = ensemble_model(network, weights)
    np.testing.assert_allclose(ensemble(X), together.mean(axis=0), atol=1e-6)
    for k, member in enumerate(members):
        np.testing.assert_allclose(member(X), together[k], atol=1e-6)
        np.testing.assert_allclose(plain_model(network, weights, k)(X), together[k], atol=1e-6)


def test_a_plain_model_has_standard_layers_only() -> None:
    network = Network(3, (5, 4), 1, output_activation="sigmoid", dropout=True, batch_norm=True, noise=True)
    model = plain_model(network, initial_weights(network, [1], [3]), 0)
    assert all(type(layer) is getattr(keras.layers, type(layer).__name__) for layer in model.layers)


def test_one_member_is_its_own_ensemble() -> None:
    network = Network(3, (4,), 1)
    weights = initial_weights(network, [1], [3])
    model, _ = ensemble_model(network, weights)
    np.testing.assert_allclose(model(X), predict(network, weights, X)[0], atol=1e-6)


def test_more_rows_than_a_block_are_predicted_as_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(3, (4,), 1)
    weights = initial_weights(network, [1, 2], [3, 3])
    whole = predict(network, weights, X)
    monkeypatch.setattr("tabular_dl.nn.inference.PREDICTION_ROWS", 7)
    np.testing.assert_allclose(predict(network, weights, X), whole, atol=1e-6)
    assert predict(network, weights, X[:0]).shape == (2, 0, 1)

"""One step of the compiled program equals the same step made another way: by plain Keras, and by NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from tabular_dl.nn.inference import plain_model, predict
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import fit_population
from tabular_dl.nn.weights import initial_weights

pytestmark = pytest.mark.slow

ROWS, FEATURES = 25, 3  # an odd number: the mean of signs is never zero, which Adam would blow up
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, FEATURES)).astype("float32")
CLASSES = RNG.integers(0, 3, ROWS)
ALL = np.arange(ROWS)

# loss: (output activation, units, metric, coded target)
LOSSES: dict[str, tuple[str, int, str, Any]] = {
    "binary_crossentropy": ("sigmoid", 1, "binary_accuracy", (CLASSES[:, None] > 0).astype("float32")),
    "categorical_crossentropy": ("softmax", 3, "categorical_accuracy", np.eye(3, dtype="float32")[CLASSES]),
    "sparse_categorical_crossentropy": (
        "softmax",
        3,
        "sparse_categorical_accuracy",
        CLASSES[:, None].astype("float32"),
    ),
    "mean_squared_error": ("linear", 1, "mean_absolute_error", X[:, :1] - X[:, 1:2]),
    "mean_absolute_error": ("linear", 1, "mean_squared_error", X[:, :1] - X[:, 1:2]),
}


def shape(loss: str, **changes: Any) -> Network:
    activation, units, _, _ = LOSSES[loss]
    return replace(Network(FEATURES, (5, 4), units, "tanh", activation), **changes)


def how(loss: str, **changes: Any) -> Training:
    return replace(Training(loss, (LOSSES[loss][2],), epochs=4, batch_size=ROWS, compile=False), **changes)


def alone(**settings: Any) -> Members:
    return Members([7], [ALL], **settings)


def keras_twin(network: Network, penalty: Any = None) -> keras.Model:
    """Return Keras's model of the same network with the same initial weights."""
    model = plain_model(network, initial_weights(network, [7], [FEATURES]), 0)
    if penalty is not None:
        for layer in (layer for layer in model.layers if isinstance(layer, keras.layers.Dense)):
            layer.kernel.regularizer = penalty
    return model


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_training_equals_plain_keras_step_by_step(loss: str, optimizer: str) -> None:
    network, y = shape(loss), LOSSES[loss][3]
    population = fit_population(network, X, y, alone(l2=0.01, learning_rate=0.05), how(loss, optimizer=optimizer))
    twin = keras_twin(network, keras.regularizers.L2(0.01))
    twin.compile(keras.optimizers.get({"class_name": optimizer, "config": {"learning_rate": 0.05}}), loss)
    # A batch of all rows: their order does not matter.
    for _ in range(4):
        twin.train_on_batch(X, y)
    np.testing.assert_allclose(predict(network, population.weights, X)[0], twin.predict(X, verbose=0), atol=1e-4)
    for ours, theirs in zip(population.weights.values(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours[0].reshape(theirs.shape), theirs, atol=1e-4)


def test_momentum_is_keras_own() -> None:
    network, y = shape("mean_squared_error"), LOSSES["mean_squared_error"][3]
    training = how("mean_squared_error", optimizer="sgd", optimizer_settings=(("momentum", 0.9),))
    population = fit_population(network, X, y, alone(), training)
    twin = keras_twin(network)
    twin.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mean_squared_error")
    for _ in range(4):
        twin.train_on_batch(X, y)
    np.testing.assert_allclose(predict(network, population.weights, X)[0], twin.predict(X, verbose=0), atol=1e-5)


def test_batch_normalisation_is_keras_own_moving_averages_included() -> None:
    network, y = shape("binary_crossentropy", batch_norm=True), LOSSES["binary_crossentropy"][3]
    population = fit_population(network, X, y, alone(learning_rate=0.05), how("binary_crossentropy", optimizer="sgd"))
    twin = keras_twin(network)
    twin.compile(keras.optimizers.SGD(0.05), "binary_crossentropy")
    for _ in range(4):
        twin.train_on_batch(X, y)
    for ours, theirs in zip(population.weights.values(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours[0].reshape(theirs.shape), theirs, atol=1e-4)


def test_rows_that_only_fill_up_a_batch_leave_the_batch_statistics_alone() -> None:
    network, y = shape("binary_crossentropy", batch_norm=True), LOSSES["binary_crossentropy"][3]
    short = Members([7, 7], [ALL, ALL[:10]], learning_rate=0.05)
    together = fit_population(network, X, y, short, how("binary_crossentropy"))
    exact = fit_population(network, X, y, short.take([1]), how("binary_crossentropy", batch_size=10))
    for ours, theirs in zip(together.weights.values(), exact.weights.values(), strict=True):
        np.testing.assert_allclose(ours[1], theirs[0], atol=1e-5)


def test_one_step_by_hand_with_penalties_row_weights_and_smoothing() -> None:
    network = Network(FEATURES, (4,), 1, "tanh", "sigmoid")
    y, weights = LOSSES["binary_crossentropy"][3], RNG.uniform(0.5, 2.0, ROWS).astype("float32")
    l1, l2, smoothing, rate = 0.02, 0.03, 0.1, 0.5
    members = alone(training_weights=[weights], l1=l1, l2=l2, label_smoothing=smoothing, learning_rate=rate)
    training = how("binary_crossentropy", optimizer="sgd", epochs=1)
    population = fit_population(network, X, y, members, training)

    W, b, V, c = (w[0].astype(float) for w in initial_weights(network, [7], [FEATURES]).values())
    hidden = np.tanh(X @ W + b)
    p = 1 / (1 + np.exp(-(hidden @ V + c)))
    share = weights[:, None] / weights.sum()
    d_out = share * (p - (y * (1 - smoothing) + smoothing / 2))
    d_hidden = d_out @ V.T * (1 - hidden**2)
    steps = [X.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_out, d_out.sum(0)]
    expected = [
        W - rate * (steps[0] + l1 * np.sign(W) + 2 * l2 * W),
        b - rate * steps[1],
        V - rate * (steps[2] + l1 * np.sign(V) + 2 * l2 * V),
        c - rate * steps[3],
    ]
    for ours, by_hand in zip(population.weights.values(), expected, strict=True):
        np.testing.assert_allclose(ours[0], by_hand, atol=1e-5)
    # The history tells the loss without penalties and smoothing.
    loss = -(share * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum()
    assert population.history["loss"][0, 0] == pytest.approx(loss, abs=1e-5)


def test_a_batch_of_tiny_weights_is_learned_from_as_any_other() -> None:
    network, y = shape("mean_squared_error"), LOSSES["mean_squared_error"][3]
    weights = RNG.uniform(0.5, 2.0, ROWS)
    training = how("mean_squared_error", optimizer="sgd", batch_size=5)
    plain, tiny = (
        fit_population(network, X, y, alone(training_weights=[w], learning_rate=0.1), training).weights
        for w in (weights, 1e-25 * weights)
    )
    for one, other in zip(plain.values(), tiny.values(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_row_and_its_partner_in_mixup_count_each_with_its_own_weight() -> None:
    # All rows are equal and in one batch, so whatever is mixed, the shares add up to the plain weighted mean.
    nothing, network = np.zeros_like(X), Network(FEATURES, (), 1, output_activation="sigmoid")
    y, weights = LOSSES["binary_crossentropy"][3], np.where(CLASSES > 0, 1.0, 5.0)
    members = alone(training_weights=[weights], learning_rate=2.0, mixup=0.4)
    population = fit_population(
        network, nothing, y, members, how("binary_crossentropy", optimizer="sgd", schedule="cosine", epochs=60)
    )
    expected = np.average(y[:, 0], weights=weights)
    assert predict(network, population.weights, nothing)[0, 0, 0] == pytest.approx(expected, abs=1e-3)


def test_smoothing_of_class_numbers_equals_that_of_one_hot_rows() -> None:
    results = [
        fit_population(shape(loss), X, LOSSES[loss][3], alone(label_smoothing=0.2), how(loss)).weights.values()
        for loss in ("categorical_crossentropy", "sparse_categorical_crossentropy")
    ]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_gradient_is_clipped_by_its_members_norm_alone() -> None:
    network, y = shape("mean_squared_error"), 100 * LOSSES["mean_squared_error"][3]
    members = Members([7, 7], [ALL, ALL], clip_norm=np.array([0.5, np.inf]), learning_rate=1.0)
    training = how("mean_squared_error", optimizer="sgd", epochs=1)
    population = fit_population(network, X, y, members, training)
    start = initial_weights(network, [7], [FEATURES]).values()
    norms = [
        np.sqrt(sum(((w[k] - s[0]) ** 2).sum() for w, s in zip(population.weights.values(), start, strict=True)))
        for k in (0, 1)
    ]
    assert norms[0] == pytest.approx(0.5, rel=1e-4)
    assert norms[1] > 5


def test_decay_pulls_weights_beside_the_gradient() -> None:
    network, y = shape("mean_squared_error"), LOSSES["mean_squared_error"][3]
    training = how("mean_squared_error", optimizer="sgd", epochs=1)
    plain = fit_population(network, X, y, alone(learning_rate=0.1), training).weights
    decayed = fit_population(network, X, y, alone(learning_rate=0.1, weight_decay=0.3), training).weights
    for start, one, other in zip(
        initial_weights(network, [7], [FEATURES]).values(), plain.values(), decayed.values(), strict=True
    ):
        np.testing.assert_allclose(other, one - 0.1 * 0.3 * start, atol=1e-5)


def test_a_schedule_multiplies_the_rate_step_by_step() -> None:
    network, y = shape("mean_squared_error"), LOSSES["mean_squared_error"][3]
    training = how("mean_squared_error", optimizer="sgd", schedule="step", epochs=4)
    scheduled = fit_population(network, X, y, alone(learning_rate=0.1), training).weights
    twin = keras_twin(network)
    twin.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    for rate in (0.1, 0.1, 0.01, 0.001):
        twin.optimizer.learning_rate = rate
        twin.train_on_batch(X, y)
    for ours, theirs in zip(scheduled.values(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours[0].reshape(theirs.shape), theirs, atol=1e-5)

"""Numeric embeddings: vectors by plain loops, gradients by differences, and inputs that only other members have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.blocks import NumericEmbedding, OwnInputs, TrainingStep
from tabular_dl.nn.blocks.waves import cosine, sine

KINDS = ["piecewise_linear", "periodic", "plr", "pbld"]
MEMBERS, ROWS, CONTINUOUS, OTHERS = 2, 5, 3, 2
TRAINING: Any = TrainingStep(None, None, {}, None, None, None)
RNG = np.random.default_rng(2)
X = RNG.normal(size=(MEMBERS, ROWS, CONTINUOUS + OTHERS))


def block(kind: Any) -> NumericEmbedding:
    return NumericEmbedding("numeric_embedding", kind, CONTINUOUS, size=4, components=3, scale=0.5)


def random_weights(embedding: NumericEmbedding) -> dict[str, np.ndarray]:
    return {name: RNG.normal(size=(MEMBERS, w.inputs, w.outputs)) for name, w in embedding.weights.items()}


def vector(kind: str, x: float, own: dict[str, np.ndarray], place: int) -> np.ndarray:
    """Return the vector of one number of one member, term by term."""
    if kind == "piecewise_linear":
        filled = [min(max(a * x + b, 0.0), 1.0) for a, b in zip(own["slope"][place], own["offset"][place], strict=True)]
        kernel = own["kernel"].reshape(CONTINUOUS, 3, 4)[place]
        return x * own["linear"][place] + np.array(filled) @ kernel + own["bias"][place]
    turns = x * own["frequency"][place]
    if kind == "pbld":
        waves = [np.cos(2 * np.pi * t + c) for t, c in zip(turns, own["phase"][place], strict=True)]
        return np.r_[x, np.array(waves) @ own["kernel"].reshape(CONTINUOUS, 3, 3)[place] + own["bias"][place]]
    waves = np.r_[np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)]
    if kind == "periodic":
        return waves
    return np.maximum(waves @ own["kernel"].reshape(CONTINUOUS, 6, 4)[place] + own["bias"][place], 0.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [None, TRAINING])
def test_vectors_are_those_of_a_plain_loop_and_other_inputs_follow(kind: str, step: Any) -> None:
    embedding = block(kind)
    weights = random_weights(embedding)
    outputs = embedding.forward(tf.constant(X), {k: tf.constant(v) for k, v in weights.items()}, step).numpy()
    for member in range(MEMBERS):
        own = {name: weight[member] for name, weight in weights.items()}
        for row in range(ROWS):
            vectors = [vector(kind, X[member, row, place], own, place) for place in range(CONTINUOUS)]
            expected = np.r_[np.concatenate(vectors), X[member, row, CONTINUOUS:]]
            np.testing.assert_allclose(outputs[member, row], expected, atol=1e-6)
    assert outputs.shape[2] == embedding.output_features(CONTINUOUS + OTHERS)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_in_training_are_those_of_differences(kind: str) -> None:
    embedding = block(kind)
    weights = {name: tf.Variable(value) for name, value in random_weights(embedding).items()}
    factors = tf.constant(RNG.normal(size=(MEMBERS, ROWS, embedding.output_features(CONTINUOUS + OTHERS))))

    def value() -> tf.Tensor:
        return tf.reduce_sum(factors * embedding.forward(tf.constant(X), weights, TRAINING))

    with tf.GradientTape() as tape:
        total = value()
    gradients = tape.gradient(total, weights)
    for name, weight in embedding.weights.items():
        if weight.trained:
            start, change = weights[name].numpy(), np.zeros(weights[name].shape)
            change[1, -1, 0] = 1e-5
            weights[name].assign(start + change)
            above = value().numpy()
            weights[name].assign(start - change)
            slope = (above - value().numpy()) / 2e-5
            weights[name].assign(start)
            assert gradients[name].numpy()[1, -1, 0] == pytest.approx(slope, abs=1e-4), name


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_that_only_other_members_have_is_zero_in_every_vector(kind: str) -> None:
    embedding = block(kind)
    own = embedding.own_rows(OwnInputs(2, continuous=1))
    weights = random_weights(embedding)
    for name, weight in weights.items():
        unused = np.setdiff1d(np.arange(weight.shape[1]), own[name])
        weight[:, unused] = 0.0
    x = X.copy()
    x[:, :, 1:CONTINUOUS] = 0.0
    outputs = embedding.forward(tf.constant(x), {k: tf.constant(v) for k, v in weights.items()}, TRAINING).numpy()
    assert not outputs[:, :, embedding.length : CONTINUOUS * embedding.length].any()
    assert outputs[:, :, : embedding.length].any()


def test_initial_weights_have_the_spread_of_the_papers_and_depend_on_the_seed_alone() -> None:
    wide = NumericEmbedding("numeric_embedding", "pbld", 50, size=4, components=40, scale=0.1)
    rows = np.arange(50)
    [frequency, again, other] = wide.draw("frequency", rows, [3, 3, 4])
    assert frequency.std() == pytest.approx(0.1, rel=0.05)
    assert (frequency == again).all()
    assert not (frequency == other).any()
    [phase] = wide.draw("phase", rows, [3])
    assert (phase.min(), phase.max()) == pytest.approx((-np.pi, np.pi), rel=0.01)
    [kernel] = wide.draw("kernel", np.arange(2000), [3])
    assert np.abs(kernel).max() == pytest.approx(1 / np.sqrt(40), rel=0.01)
    # Piecewise-linear vectors start from the number itself.
    [start] = NumericEmbedding("e", "piecewise_linear", 2, 4, 3).draw("kernel", np.arange(6), [0])
    assert not start.any()


def test_waves_are_sines_and_cosines_and_so_are_their_gradients() -> None:
    turns = tf.constant(np.linspace(-40.0, 40.0, 9_001))
    for function, expected, slope in ((cosine, np.cos, lambda t: -np.sin(t)), (sine, np.sin, np.cos)):
        with tf.GradientTape() as tape:
            tape.watch(turns)
            values = function(turns, exact=False)
        angles = 2 * np.pi * turns.numpy()
        np.testing.assert_allclose(values, expected(angles), atol=1e-6)
        np.testing.assert_allclose(tape.gradient(values, turns), 2 * np.pi * slope(angles), atol=1e-5)
        np.testing.assert_allclose(function(turns, exact=True), expected(angles), atol=1e-12)

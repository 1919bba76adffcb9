"""Blocks and activations of the user: each member is passed through them as alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tabular_dl.nn.block_checks import plan_block
from tabular_dl.nn.blocks.user_block import UserBlock
from tabular_dl.nn.inference import plain_model, predict
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import Population, fit_population
from tabular_dl.nn.weights import initial_weights

ROWS = 24
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
Y = X[:, :1] - X[:, 1:2]
HALVES = [np.arange(ROWS)[k::2] for k in range(2)]


class Gate:
    """Product with a learned share, and two more features."""

    def weights(self, features: int) -> dict[str, Any]:
        return {
            "kernel": ((features, features), "glorot_uniform"),
            "bias": (features, "zeros"),
            "more": ((1, 2), "ones"),
        }

    def forward(self, x: Any, weights: dict[str, Any]) -> Any:
        gated = x * ops.sigmoid(x @ weights["kernel"] + weights["bias"])
        return ops.concatenate([gated, x[:, :1] @ weights["more"]], axis=1)


def bend(x: Any) -> Any:
    return ops.where(x > 0, x, 0.1 * ops.tanh(x))


def network(*blocks: Any, width: int = 4, **settings: Any) -> Network:
    planned: list[Any] = []
    for code in blocks:
        planned.append(plan_block(code, planned[-1][1] if planned else width))
    return Network(3, (5, width), 1, **{"user_blocks": tuple(planned), **settings})


def trained(shape: Network, members: Members, **settings: Any) -> Population:
    return fit_population(shape, X, Y, members, Training("mean_squared_error", (), batch_size=6, **settings))


def test_each_member_has_weights_and_rows_of_its_own() -> None:
    block = UserBlock("gate", 0, *plan_block(Gate, 4))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 7, 4))
    weights = {name: rng.normal(size=(3, weight.inputs, weight.outputs)) for name, weight in block.weights.items()}
    result = block.forward(ops.convert_to_tensor(x), {name: ops.convert_to_tensor(w) for name, w in weights.items()})
    for k in range(3):
        share = 1 / (1 + np.exp(-(x[k] @ weights["kernel"][k] + weights["bias"][k])))
        expected = np.concatenate([x[k] * share, x[k][:, :1] @ weights["more"][k]], axis=1)
        np.testing.assert_allclose(result[k], expected, rtol=1e-12)
    assert block.output_features(4) == 6
    assert {name: weight.penalised for name, weight in block.weights.items()} == {
        "kernel": True,
        "bias": False,
        "more": False,
    }


def test_weights_follow_from_the_seed_of_a_member_and_the_number_of_the_block() -> None:
    shape = network(Gate, Gate)
    both, alone = initial_weights(shape, [3, 4]), initial_weights(shape, [4])
    for name, weight in alone.items():
        np.testing.assert_array_equal(both[name][1:], weight)
    kernel = both["block_0.kernel"]
    assert len(np.unique(kernel)) == kernel.size
    assert not np.array_equal(kernel[0], both["block_1.kernel"][0, :4, :4])
    assert shape.parameters == Network(3, (5, 4), 1).parameters + (16 + 4 + 2) + (36 + 6 + 2) + 4
    many = initial_weights(shape, list(range(50)))["block_0.kernel"]  # drawn by a loop
    np.testing.assert_array_equal(many[3:5], kernel)


@pytest.mark.parametrize(
    "same", [{"blocks": [lambda x: x]}, {"activation": lambda x: ops.maximum(x, 0.0)}, {"parametric": True}]
)
def test_a_block_that_changes_nothing_changes_nothing(same: dict[str, Any]) -> None:
    changes = dict(same)
    blocks = changes.pop("blocks", [])
    members = Members([1, 2], HALVES)
    plain = trained(network(**changes | {"activation": "relu"}), members, epochs=2)
    if "parametric" in changes:
        changes["activation"] = lambda x: ops.maximum(x, 0.0)
    own = trained(network(*blocks, **changes), members, epochs=2)
    for name, weight in plain.weights.items():
        np.testing.assert_allclose(own.weights[name], weight, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"networks": 2}, {"residual": True, "hidden": (4, 4)}])
def test_a_member_trains_and_predicts_as_alone(settings: dict[str, Any]) -> None:
    shape = replace(network(Gate, activation=bend, dropout=True), **settings)
    members = Members([1, 2], HALVES, dropout=0.2, l2=0.01, clip_norm=1.0)
    both, alone = (trained(shape, part, epochs=2, compile=False) for part in (members, members.take([1])))
    for name, weight in alone.weights.items():
        np.testing.assert_allclose(both.weights[name][1:], weight, atol=1e-5)
    whole = predict(shape, both.weights, X)
    np.testing.assert_allclose(predict(shape, both.weights, X[4:5])[:, 0], whole[:, 4], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, when it saves
@pytest.mark.parametrize("xla", [False, True])
def test_training_equals_that_of_the_exported_member(xla: bool, tmp_path: Path) -> None:
    shape = network(Gate, activation=bend, parametric=True)
    members = Members([7], [np.arange(ROWS)], learning_rate=0.05)
    training = Training("mean_squared_error", (), "sgd", epochs=3, batch_size=ROWS, compile=xla)
    population = fit_population(shape, X, Y, members, training)
    twin = plain_model(shape, initial_weights(shape, [7]), 0)
    twin.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    for _ in range(3):
        twin.train_on_batch(X, Y)
    expected = predict(shape, population.weights, X)[0]
    np.testing.assert_allclose(twin(X), expected, atol=1e-5)
    plain_model(shape, population.weights, 0).save(tmp_path / "member.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "member.keras")(X), expected, atol=1e-5)

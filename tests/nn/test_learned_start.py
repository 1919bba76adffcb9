"""Initial weights that are learned from each member's training rows."""

from __future__ import annotations

import numpy as np
import pytest

from tabular_dl.nn.batches import Table
from tabular_dl.nn.learned_start import ROWS, learn_start
from tabular_dl.nn.members import Members
from tabular_dl.nn.network import Network
from tabular_dl.nn.weights import initial_weights

RNG = np.random.default_rng(8)
X = (RNG.normal(size=(300, 5)) * [1, 10, 0.1, 3, 0] + [0, 50, 0, -7, 2]).astype("float32")
Y = RNG.normal(size=(300, 1)).astype("float32")
NETWORK = Network(5, (16, 8), 1, initializer="unit_variance", bias_initializer="he+5", activation="selu", clamp=True)


def start(network: Network, rows: list[np.ndarray], seeds: list[int]) -> dict[str, np.ndarray]:
    members = Members(seeds=seeds, training_rows=rows)
    weights = initial_weights(network, seeds, [network.numeric] * len(seeds))
    learn_start(network, weights, Table(X, Y), members)
    return weights


def selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))


def test_each_output_of_a_layer_has_a_deviation_of_one_on_the_members_rows() -> None:
    rows = [np.arange(0, 150), np.arange(100, 300)]
    weights = start(NETWORK, rows, [1, 2])
    for member, own in enumerate(rows):
        h = X[own].astype(float)
        for layer in ("dense_0", "dense_1", "head"):
            z = h @ weights[f"{layer}.kernel"][member]
            np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-3)
            # A bias is minus a convex combination of outputs on training rows: some row is above, some below.
            bias = weights[f"{layer}.bias"][member, 0]
            assert ((z + bias).max(axis=0) > 0).all()
            assert ((z + bias).min(axis=0) < 0).all()
            h = selu(z + bias)


def test_a_member_learns_the_same_alone() -> None:
    rows = [np.arange(0, 150), np.arange(100, 180)]
    together, alone = start(NETWORK, rows, [1, 2]), start(NETWORK, rows[1:], [2])
    for name, weight in together.items():
        np.testing.assert_allclose(weight[1], alone[name][0], rtol=1e-4, atol=1e-5)


def test_limits_are_the_range_of_the_members_targets() -> None:
    rows = [np.arange(0, 150), np.arange(100, 180)]
    weights = start(NETWORK, rows, [1, 2])
    for member, own in enumerate(rows):
        assert weights["clamp.low"][member, 0, 0] == Y[own].min()
        assert weights["clamp.high"][member, 0, 0] == Y[own].max()


def test_long_tables_are_sampled_and_constant_inputs_do_no_harm() -> None:
    rows = np.tile(np.arange(300), 1 + ROWS // 300)
    weights = start(NETWORK, [rows[: ROWS + 1], np.zeros(3, int)], [1, 2])
    assert all(np.isfinite(weight).all() for weight in weights.values())


def test_bins_become_slopes_and_offsets() -> None:
    network = Network(2, (3,), 1, continuous=2, numeric_embedding="piecewise_linear", components=3, vector_size=2)
    lines = np.zeros((1, 2, 3))
    lines[0] = [[2.0, 0.5, 0.0], [-1.0, -0.75, 0.0]]
    members = Members(
        seeds=[1], training_rows=[np.arange(9)], widths=np.array([1]), continuous=np.array([1]), bins=[lines]
    )
    weights = initial_weights(network, [1], [1], continuous=[1])
    learn_start(network, weights, Table(X[:, :2], Y), members)
    np.testing.assert_array_equal(weights["numeric_embedding.slope"][0], [[2.0, 0.5, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(weights["numeric_embedding.offset"][0], [[-1.0, -0.75, 0.0], [0.0, 0.0, 0.0]])


def test_a_network_that_learns_nothing_keeps_what_was_drawn() -> None:
    network = Network(5, (4,), 1)
    drawn = initial_weights(network, [3], [5])
    learned = start(network, [np.arange(50)], [3])
    assert all((drawn[name] == learned[name]).all() for name in drawn)
    assert drawn["dense_0.kernel"].std() == pytest.approx(np.sqrt(2 / 5), rel=0.5)

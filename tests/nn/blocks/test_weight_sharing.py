"""Networks that share weights: a member is the same as its networks one by one, and their losses are averaged."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.nn.blocks import Adapter, Average, Heads, OwnInputs, Tile
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.passes import forward, predictions
from tabular_dl.nn.training import fit_population
from tabular_dl.nn.weights import initial_weights

K, ROWS = 3, 6
RNG = np.random.default_rng(4)
X = RNG.normal(size=(ROWS, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def network(sharing: str = "full", **others: object) -> Network:
    settings = {"networks": K, "sharing": sharing, "output_activation": "sigmoid", **others}
    return Network(4, (5, 3), 1, **settings)  # type: ignore[arg-type]


def random_weights(shape: Network) -> dict[str, np.ndarray]:
    return {name: RNG.normal(size=(1, w.inputs, w.outputs)).astype("float32") for name, w in shape.weights.items()}


@pytest.mark.parametrize("sharing", ["mini", "full"])
def test_a_member_is_the_mean_of_its_networks_computed_one_by_one(sharing: str) -> None:
    shape = network(sharing)
    weights = random_weights(shape)
    own = {name: weight[0].astype(float) for name, weight in weights.items()}
    each = []
    for i in range(K):
        h = X * own["adapter.factor"][:, i]
        for layer in range(2):
            if sharing == "full" and layer:
                h = h * own[f"before_{layer}.factor"][:, i]
            h = h @ own[f"dense_{layer}.kernel"]
            if sharing == "full":
                h = h * own[f"after_{layer}.factor"][:, i] + own[f"after_{layer}.bias"][:, i]
            else:
                h = h + own[f"dense_{layer}.bias"]
            h = np.maximum(h, 0.0)
        z = h @ own["head.kernel"].reshape(3, K, 1)[:, i] + own["head.bias"].reshape(K, 1)[i]
        each.append(1 / (1 + np.exp(-z)))
    outputs = forward(shape, {name: tf.constant(weight) for name, weight in weights.items()}, tf.constant(X[None]))
    assert outputs.shape == (1, K * ROWS, 1)
    np.testing.assert_allclose(predictions(shape, outputs).numpy()[0], np.mean(each, axis=0), atol=1e-5)


@pytest.mark.parametrize("own_batches", [True, False])
def test_the_training_loss_is_the_mean_of_the_losses_and_the_held_out_loss_that_of_the_mean(own_batches: bool) -> None:
    shape = network(own_batches=own_batches)
    rows = np.arange(ROWS)
    members = Members(seeds=[1], training_rows=[rows], validation_rows=[rows], learning_rate=1e-12)
    how = Training("binary_crossentropy", (), epochs=1, batch_size=ROWS)
    population = fit_population(shape, X, Y, members, how)
    weights = {name: tf.constant(weight) for name, weight in population.weights.items()}
    z = forward(shape, weights, tf.constant(X[None])).numpy()[0].reshape(K, ROWS)
    p, y = 1 / (1 + np.exp(-z.astype(float))), Y[:, 0]

    def loss(p: np.ndarray) -> float:
        return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

    assert population.history["loss"][0, 0] == pytest.approx(np.mean([loss(each) for each in p]), rel=1e-4)
    assert population.history["val_loss"][0, 0] == pytest.approx(loss(p.mean(axis=0)), rel=1e-4)


def test_networks_differ_at_first_by_a_sign_of_each_input_only() -> None:
    shape = network()
    weights = initial_weights(shape, [5, 6], [4, 4])
    assert set(np.unique(weights["adapter.factor"]).tolist()) == {-1.0, 1.0}
    assert all((weights[f"{name}.factor"] == 1).all() for name in ("before_1", "after_0", "after_1"))
    assert not any(weights[f"after_{layer}.bias"].any() for layer in range(2))


def test_features_of_one_input_share_their_random_factor() -> None:
    adapter = Adapter("adapter", 0, K, 9, "normal", parts=(4, 2, 3), length=2, vectors=(3,))
    rows = adapter.own_rows(OwnInputs(2, (7,), continuous=1))["factor"]
    assert rows.tolist() == [0, 1, 4, 6, 7, 8]
    [factor] = adapter.draw("factor", rows, [3])
    assert (factor[0] == factor[1]).all()
    assert (factor[3] == factor[4]).all()
    assert len(np.unique(factor)) == 3 * K


def test_rows_of_a_network_follow_those_of_another() -> None:
    x = tf.constant([[[1.0], [2.0]]])
    tiled = Tile("tile", 2, own_batches=False).forward(x, {}, None)
    heads = Heads("head", 0, 2, 1, 1)
    outputs = heads.forward(tiled, {"kernel": tf.constant([[[10.0, 100.0]]]), "bias": tf.constant([[[0.0, 1.0]]])})
    assert outputs.numpy().ravel().tolist() == [10.0, 20.0, 101.0, 201.0]
    assert Average("average", 2).forward(outputs, {}).numpy().ravel().tolist() == [55.5, 110.5]

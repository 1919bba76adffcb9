"""Factors of rates and decays of groups of weights, and the NTK parametrisation by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.rate_factors import rate_factors
from tabular_dl.nn.training import fit_population
from tabular_dl.nn.weights import initial_weights

RNG = np.random.default_rng(3)
X = RNG.normal(size=(8, 6)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")


def after_a_step(network: Network, **how: object) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the weights of one member before and after a step on all rows."""
    members = Members(seeds=[1], training_rows=[np.arange(8)], learning_rate=0.01, weight_decay=how.pop("decay", None))
    training = Training("mean_squared_error", (), epochs=1, batch_size=8, **how)  # type: ignore[arg-type]
    start = initial_weights(network, [1], [network.numeric])
    return start, fit_population(network, X, Y, members, training).weights


@pytest.mark.parametrize(("optimizer", "power"), [("adam", 0.5), ("sgd", 1.0)])
def test_ntk_moves_the_product_as_a_kernel_of_scale_one_would(optimizer: str, power: float) -> None:
    network = Network(6, (), 1)
    start, ntk = after_a_step(network, optimizer=optimizer, parametrization="ntk")
    # By hand: x @ V / sqrt(6) with V = sqrt(6) * kernel has the gradient g / sqrt(6), where g is that of the kernel.
    V = np.sqrt(6) * start["head.kernel"][0].astype(float)
    residual = X @ V / np.sqrt(6) - Y
    g = 2 * X.T.astype(float) @ residual / 8 / np.sqrt(6)
    step = g if optimizer == "sgd" else np.sign(g)  # the first step of Adam is the sign of the gradient
    expected = (V - 0.01 * step) / np.sqrt(6)
    np.testing.assert_allclose(ntk["head.kernel"][0], expected, rtol=1e-3, atol=1e-6)
    factors = rate_factors(
        network,
        Members(seeds=[1], training_rows=[[0]]),
        Training("mse", (), optimizer=optimizer, parametrization="ntk"),
    )  # type: ignore[arg-type]
    assert factors["head.kernel"][0, 0] == pytest.approx(6**-power)
    assert factors["head.bias"][0, 0] == 1


def test_groups_have_rates_and_decays_of_their_own() -> None:
    network = Network(6, (4,), 1, scaling=True)
    plain, moved = {}, {}
    for name, how in (("plain", {}), ("moved", {"rate_factors": (("bias", 0.5), ("scaling", 6.0))})):
        start, end = after_a_step(network, **how)
        (plain if name == "plain" else moved).update({key: end[key] - start[key] for key in end})
    np.testing.assert_allclose(moved["dense_0.bias"], 0.5 * plain["dense_0.bias"], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(moved["scaling.factor"], 6 * plain["scaling.factor"], rtol=1e-3)
    np.testing.assert_allclose(moved["dense_0.kernel"], plain["dense_0.kernel"], rtol=1e-3, atol=1e-7)


def test_decay_is_decoupled_and_can_leave_a_group_out() -> None:
    network = Network(6, (4,), 1)
    start, decayed = after_a_step(network, decay=0.5, decay_factors=(("first", 0.0),))
    _, plain = after_a_step(network)
    np.testing.assert_allclose(decayed["dense_0.kernel"], plain["dense_0.kernel"], atol=1e-7)
    np.testing.assert_allclose(
        decayed["head.kernel"], plain["head.kernel"] - 0.01 * 0.5 * start["head.kernel"], atol=1e-6
    )


def test_a_narrower_member_has_the_factor_of_its_own_inputs() -> None:
    network = Network(6, (4,), 1)
    members = Members(seeds=[1, 2], training_rows=[[0], [0]], widths=np.array([6, 2]))
    factors = rate_factors(network, members, Training("mse", (), parametrization="ntk"))
    np.testing.assert_allclose(factors["dense_0.kernel"][0], [6**-0.5, 2**-0.5])
    np.testing.assert_allclose(factors["head.kernel"][0], [0.5, 0.5])

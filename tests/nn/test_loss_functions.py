"""Training by a loss of the user, beside the same loss of Keras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras import ops

from tabular_dl.nn import kept_programs
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import Population, fit_population
from tabular_dl.nn.user_code import UserCode, code_name

ROWS = 24
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
Y = X[:, :2] - X[:, 1:]
NETWORK = Network(3, (4,), 2, dropout=True)
EACH = [np.arange(ROWS)[k::2] for k in range(2)]
MEMBERS = Members([1, 2], [EACH[0], EACH[1][1:]], EACH[::-1], learning_rate=0.01, dropout=np.array([0.1, 0.3]))


class Text(UserCode):
    """Function that is known by a text."""

    def __init__(self, text: str, function: Any) -> None:
        self.text, self.function = text, function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def method(self, name: str, *arguments: Any) -> Any:
        raise NotImplementedError

    is_class = False

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def squared(y: Any, p: Any) -> Any:
    return ops.mean(ops.square(y - p), axis=-1)


def trained(loss: Any, members: Members = MEMBERS, network: Network = NETWORK, **settings: Any) -> Population:
    training = Training(loss, ("mean_absolute_error",), epochs=3, batch_size=5, **{"compile": False, **settings})
    return fit_population(network, X, Y, members, training)


def test_the_same_loss_trains_the_same_networks_bit_for_bit() -> None:
    by_user, by_keras = trained(squared, compile=True), trained("mean_squared_error", compile=True)
    for name, weight in by_keras.weights.items():
        np.testing.assert_array_equal(by_user.weights[name], weight)
    for name, figures in by_keras.history.items():
        np.testing.assert_array_equal(by_user.history[name], figures)


def test_a_member_trains_as_alone() -> None:
    both, alone = trained(squared), trained(squared, MEMBERS.take([1]))
    for name, weight in alone.weights.items():
        np.testing.assert_allclose(both.weights[name][1:], weight, atol=1e-6)


def test_networks_that_share_weights_are_each_given_their_rows() -> None:
    network = Network(3, (4,), 2, networks=2, own_batches=False)
    by_user, by_keras = trained(squared, network=network), trained("mean_squared_error", network=network)
    np.testing.assert_allclose(by_user.history["val_loss"], by_keras.history["val_loss"], rtol=1e-5)


def test_a_program_is_kept_by_the_text_of_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    programs: list[Any] = []
    monkeypatch.setattr(kept_programs, "_programs", programs)
    first = trained(Text("squared", squared))
    again = trained(Text("squared", None))  # not called: its program has been traced
    np.testing.assert_array_equal(first.weights["head.kernel"], again.weights["head.kernel"])
    (program,) = programs
    assert program.traces == 1
    assert "squared" in program.key.label
    trained(Text("doubled", lambda y, p: 2.0 * squared(y, p)))
    assert len(programs) == 2


def test_a_function_is_named_by_module_and_name() -> None:
    assert code_name(squared).endswith("test_loss_functions:squared")
    assert code_name(Text("mine.py:squared", squared)) == "mine.py:squared"


def test_unknown_targets_are_left_out_of_loss_and_metrics() -> None:
    first, second = NETWORK, Y.copy()
    second[:, 1] = np.nan
    training = Training("mean_squared_error", ("mean_absolute_error",), epochs=3, batch_size=5, compile=False)
    masked = replace(training, unknown_targets=True)
    of_first = Training(Text("first", lambda y, p: squared(y[:, :1], p[:, :1])), (), epochs=3, batch_size=5)
    found, expected = fit_population(first, X, second, MEMBERS, masked), fit_population(first, X, Y, MEMBERS, of_first)
    for name, weight in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], weight, atol=1e-6)
    for curve in ("loss", "val_loss"):
        np.testing.assert_allclose(found.history[curve], expected.history[curve], rtol=1e-5)
    assert all(np.isfinite(curve).all() for curve in found.history.values())
    with_all, plain = fit_population(first, X, Y, MEMBERS, masked), fit_population(first, X, Y, MEMBERS, training)
    for name, weight in plain.weights.items():
        np.testing.assert_allclose(with_all.weights[name], weight, atol=1e-6)

"""A member optimizer moves each member as Keras's own optimizer moves one network, and only the live ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import SpecError
from tabular_dl.nn.optimizers import DEFAULT_RATES, OPTIMIZERS, make_optimizer

pytestmark = pytest.mark.slow

SHAPES = [(4, 2), (1, 2)]
GENERATOR = np.random.default_rng(0)
START = [GENERATOR.normal(size=(3, *shape)).astype("float32") for shape in SHAPES]
# (step, weight) -> gradients of three members
GRADIENTS = [[GENERATOR.normal(size=start.shape).astype("float32") for start in START] for _ in range(6)]
RATES = np.array([0.1, 0.001, 0.03], "float32")

optimizers = pytest.mark.parametrize("name", sorted(OPTIMIZERS))


def together(name: str, live: Sequence[Sequence[bool]] | None = None, decays: Any = None) -> tuple[Any, list[Any]]:
    """Move three members side by side; ``live`` says for each step who moves."""
    variables = [keras.Variable(start) for start in START]
    optimizer = make_optimizer(name, variables, decaying=decays is not None)
    optimizer.rates.assign(RATES.reshape(3, 1, 1))
    if decays is not None:
        optimizer.decays.assign(np.reshape(decays, (3, 1, 1)))
    for gradients, moving in zip(GRADIENTS, live or [[True] * 3] * len(GRADIENTS), strict=True):
        optimizer.live.assign(np.reshape(moving, (3, 1, 1)))
        optimizer.apply(gradients, variables)
    return optimizer, variables


def alone(name: str, member: int, live: Sequence[Sequence[bool]] | None = None, **settings: Any) -> list[np.ndarray]:
    """Move one member by Keras's own optimizer, on the steps that it is live in."""
    variables = [keras.Variable(start[member]) for start in START]
    optimizer = OPTIMIZERS[name](learning_rate=float(RATES[member]), **settings)
    for step, gradients in enumerate(GRADIENTS):
        if live is None or live[step][member]:
            optimizer.apply([g[member] for g in gradients], variables)
    return [variable.numpy() for variable in variables]


def check(variables: list[Any], name: str, member: int, *args: Any, **settings: Any) -> None:
    for variable, expected in zip(variables, alone(name, member, *args, **settings), strict=True):
        np.testing.assert_allclose(variable.numpy()[member], expected, atol=1e-6, rtol=1e-5)


@optimizers
def test_each_member_moves_by_keras_own_rule_at_its_own_rate(name: str) -> None:
    _, variables = together(name)
    for member in range(3):
        check(variables, name, member)


@settings(max_examples=4)
@given(live=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=6, max_size=6))
@optimizers
def test_a_member_that_sits_steps_out_is_as_if_they_had_not_been(name: str, live: list[list[bool]]) -> None:
    optimizer, variables = together(name, live)
    np.testing.assert_array_equal(optimizer.steps.numpy().ravel(), np.sum(live, axis=0))
    for member in range(3):
        check(variables, name, member, live)


@optimizers
def test_a_stopped_member_keeps_weights_and_momenta_to_the_last_bit(name: str) -> None:
    optimizer, variables = together(name)
    state = [*variables, *(v for v in optimizer.variables if v.shape[:1] == (3,))]
    before = [variable.numpy() for variable in state]
    optimizer.live.assign(np.reshape([True, False, True], (3, 1, 1)))
    optimizer.apply([np.full(v.shape, np.nan, "float32") for v in variables], variables)
    for variable, old in zip(state, before, strict=True):
        np.testing.assert_array_equal(variable.numpy()[1], old[1])
    assert np.isnan(variables[0].numpy()[0]).all()


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_each_member_decays_by_its_own_weight_decay(name: str) -> None:
    decays = [0.5, 0.004, 0.1]
    _, variables = together(name, decays=decays)
    for member, decay in enumerate(decays):
        check(variables, name, member, weight_decay=decay)


@optimizers
def test_the_default_rate_is_keras_own_but_for_adagrad(name: str) -> None:
    optimizer = make_optimizer(name, [keras.Variable(START[0])])
    expected = 0.01 if name == "adagrad" else float(OPTIMIZERS[name]().learning_rate)
    np.testing.assert_allclose(optimizer.rates.numpy(), np.full((3, 1, 1), expected), rtol=1e-6)
    assert set(DEFAULT_RATES) == {"adagrad"}


@optimizers
def test_all_state_of_an_optimizer_is_among_its_variables_so_that_it_can_be_started_anew(name: str) -> None:
    variables = [keras.Variable(start) for start in START]
    optimizer = make_optimizer(name, variables)
    fresh = [variable.numpy() for variable in optimizer.variables]
    results = []
    for _ in range(2):
        for variable, value in zip([*variables, *optimizer.variables], [*START, *fresh], strict=True):
            variable.assign(value)
        optimizer.steps.assign(np.zeros((3, 1, 1)))
        for gradients in GRADIENTS:
            optimizer.apply(gradients, variables)
        results.append([variable.numpy() for variable in variables])
    for first, second in zip(*results, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["muon", "lamb", "adafactor"])
def test_a_rule_that_would_mix_the_members_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"optimizer: {name} uses whole weight matrices, .*one of: adadelta, .*sgd"):
        make_optimizer(name, [keras.Variable(START[0])])


def test_a_mistyped_optimizer_gets_the_nearest_name() -> None:
    with pytest.raises(SpecError, match="Did you mean 'rmsprop'"):
        make_optimizer("rmspropp", [keras.Variable(START[0])])

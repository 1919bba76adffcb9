"""Parts that stop and go on: bit for bit the training in one go, whatever the step, and the same for all parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tabular_dl.nn import chunk_plan, parts
from tabular_dl.nn.batches import Table
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.parts import PartState, join_parts, members_of_parts, train_part
from tabular_dl.nn.training import Population, fit_population

pytestmark = pytest.mark.slow

ROWS, EPOCHS = 60, 8
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
Y = (X[:, :1] - X[:, 1:2] ** 2 > -0.5).astype("float32")
NETWORK = Network(3, (4,), 1, output_activation="sigmoid", batch_norm=True, dropout=True)
TRAINING = Training("binary_crossentropy", ("binary_accuracy",), epochs=EPOCHS, batch_size=16)
MEMBERS = Members(
    seeds=[1, 2, 3, 4],
    training_rows=[np.arange(40), np.arange(20, 60), np.arange(45), np.arange(5, 45)],
    validation_rows=[np.arange(45, 60), np.arange(15), np.arange(45, 60), np.arange(45, 60)],
    learning_rate=np.array([0.1, 0.003, 0.3, 0.01]),
    dropout=0.2,
    mixup=np.array([0.0, 0.4, 0.0, 0.4]),
    patience=np.array([2.0, np.inf, 1.0, np.inf]),
    plateau_patience=2.0,
)


def in_steps(members: Members, training: Training, *untils: int) -> PartState:
    state: PartState | None = None
    for until in untils:
        state = train_part(NETWORK, Table(X, Y), members, training, state, until=until)
    assert state is not None
    return state


def assert_same(one: Population | None, other: Population | None) -> None:
    assert one is not None
    assert other is not None
    for name, weight in one.weights.items():
        np.testing.assert_array_equal(weight, other.weights[name])
    for name, values in one.history.items():
        np.testing.assert_array_equal(values, other.history[name])
    np.testing.assert_array_equal(one.best_epoch, other.best_epoch)


@pytest.mark.parametrize("untils", [(1, 8), (3, 5, 8), tuple(range(1, 9))])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("compiled", [False, True])
def test_going_on_is_training_in_one_go(untils: tuple[int, ...], optimizer: str, compiled: bool) -> None:
    training = replace(TRAINING, optimizer=optimizer, compile=compiled, schedule="cosine")
    whole = fit_population(NETWORK, X, Y, MEMBERS, training)
    assert_same(whole, in_steps(MEMBERS, training, *untils).population)


def test_without_held_out_rows() -> None:
    members = replace(MEMBERS, validation_rows=None, patience=np.inf, restore_best=True)
    assert_same(fit_population(NETWORK, X, Y, members, TRAINING), in_steps(members, TRAINING, 2, EPOCHS).population)


def test_members_that_left_the_program_are_part_of_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_plan, "WORK_THAT_PAYS_FOR_A_PROGRAM", 1.0)
    monkeypatch.setattr(chunk_plan, "MEMBERS_THAT_FILL_A_CORE", 100)
    members = replace(MEMBERS, patience=np.array([1.0, np.inf, 1.0, np.inf]), min_delta=np.array([9.0, 0.0, 9.0, 0.0]))
    half = in_steps(members, TRAINING, 4)
    assert [len(chunk.numbers) for chunk in half.chunks] == [2]
    assert_same(fit_population(NETWORK, X, Y, members, TRAINING), in_steps(members, TRAINING, 4, 5, EPOCHS).population)


def test_several_chunks_share_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_plan, "CHUNK_BYTES", 1)
    half = in_steps(MEMBERS, TRAINING, 3)
    assert len(half.chunks) == len(MEMBERS)
    assert_same(fit_population(NETWORK, X, Y, MEMBERS, TRAINING), in_steps(MEMBERS, TRAINING, 3, EPOCHS).population)


def test_parts_are_the_population(monkeypatch: pytest.MonkeyPatch) -> None:
    work = 6.0 * NETWORK.parameters * 45 * EPOCHS
    monkeypatch.setattr(parts, "WORK_OF_A_PART", 2 * work)
    numbers = members_of_parts(NETWORK, MEMBERS, TRAINING)
    assert [part.tolist() for part in numbers] == [[0, 1], [2, 3]]
    trained = [train_part(NETWORK, Table(X, Y), MEMBERS.take(part), TRAINING) for part in numbers]
    whole, joined = fit_population(NETWORK, X, Y, MEMBERS, TRAINING), join_parts(trained)
    for name, weight in whole.weights.items():
        np.testing.assert_allclose(joined.weights[name], weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(joined.history["val_loss"], whole.history["val_loss"], rtol=1e-4)
    np.testing.assert_array_equal(joined.best_epoch, whole.best_epoch)


def test_stopped_members_stay_as_they_are() -> None:
    half = in_steps(MEMBERS, TRAINING, 3)
    stopped = np.array([False, True, False, True])
    end = train_part(NETWORK, Table(X, Y), MEMBERS, TRAINING, half, stopped)
    assert end.population is not None
    assert np.isnan(end.population.history["loss"][3:, stopped]).all()
    assert end.population.best_epoch[1] == 3


def test_a_part_ends_when_all_members_are_stopped() -> None:
    half = in_steps(MEMBERS, TRAINING, 3)
    end = train_part(NETWORK, Table(X, Y), MEMBERS, TRAINING, half, np.ones(4, bool), until=5)
    assert end.population is not None
    assert len(end.history) == 3

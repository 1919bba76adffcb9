"""The engine's three promises: members are independent, epochs are right, and the same shapes are compiled once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.nn import kept_programs as module
from tabular_dl.nn import training as engine
from tabular_dl.nn.inference import plain_model, predict
from tabular_dl.nn.loss_functions import loss_and_metrics
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.optimizers import OPTIMIZERS
from tabular_dl.nn.program_key import ProgramKey
from tabular_dl.nn.training import DivergedError, DivergedWarning, Population
from tabular_dl.nn.weights import initial_weights
from tabular_dl.problems.problem_types import PROBLEMS

pytestmark = pytest.mark.slow

ROWS, FEATURES, CLASSES = 40, 3, 3
X = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype("float32")
SCORE = X @ np.array([1.0, -2.0, 0.5]) + np.random.default_rng(1).normal(size=ROWS)
# The coded target of each type of problem, (row, 1).
TARGETS = {
    "binary": (SCORE > 0).astype("float32")[:, None],
    "multiclass": np.digitize(SCORE, [-1.0, 1.0]).astype("float32")[:, None],
    "regression": ((SCORE - SCORE.mean()) / SCORE.std()).astype("float32")[:, None],
}
ALL = np.arange(ROWS)


def network(problem: str = "binary", *, hidden: tuple[int, ...] = (4,), dropout: bool = False) -> Network:
    kind = PROBLEMS[problem]
    return Network(
        FEATURES,
        hidden,
        kind.units(CLASSES if kind.classification else 1),
        output_activation=kind.activation,
        dropout=dropout,
    )


@dataclass(frozen=True)
class How(Training):
    """How a test trains: as `Training` says, with one patience for all members."""

    patience: float | None = None


def training(problem: str = "binary", **changes: Any) -> How:
    kind = PROBLEMS[problem]
    plain = How(kind.loss, tuple(one.function for one in kind.followed), epochs=5, batch_size=8, compile=False)
    return replace(plain, **changes)


def fit_population(shape: Network, table: Any, y: Any, who: Members, how: How, on_epoch: Any = None) -> Population:
    patience = np.inf if how.patience is None else how.patience
    return engine.fit_population(shape, table, y, replace(who, patience=patience), how, on_epoch=on_epoch)


def members(
    size: int,
    *,
    training_rows: Sequence[np.ndarray] | None = None,
    validation_rows: Sequence[np.ndarray] | None = None,
    rate: Any = 0.05,
    l2: Any = 0.0,
    dropout: Any = 0.0,
    widths: Sequence[int] | None = None,
) -> Members:
    """Return members with seeds 0, 1, ...; without more said, all train on all rows."""
    return Members(
        seeds=range(size),
        training_rows=training_rows or [ALL] * size,
        validation_rows=validation_rows or [ALL[:0]] * size,
        widths=widths or [FEATURES] * size,
        learning_rate=np.full(size, rate, "float32") if np.ndim(rate) == 0 else np.array(rate, "float32"),
        l2=np.full(size, l2, "float32") if np.ndim(l2) == 0 else np.array(l2, "float32"),
        dropout=np.full((size, 1), dropout) if np.ndim(dropout) == 0 else np.reshape(dropout, (size, -1)),
    )


def chosen(population: Members, numbers: Sequence[int]) -> Members:
    """Return some of the members, in this order."""
    return population.take(list(numbers))


def check_same(population: Population, ks: Sequence[int], other: Population, atol: float = 1e-4) -> None:
    """Check that members ks of a population are the members of another."""
    for stacked, own in zip(population.weights.values(), other.weights.values(), strict=True):
        np.testing.assert_allclose(stacked[list(ks)], own, atol=atol)
    np.testing.assert_array_equal(population.best_epoch[list(ks)], other.best_epoch)
    for name, values in other.history.items():
        np.testing.assert_allclose(population.history[name][: len(values), list(ks)], values, atol=10 * atol)
        assert np.isnan(population.history[name][len(values) :, list(ks)]).all()


def losses(population: Population, member: int) -> np.ndarray:
    """Return a member's validation loss of each epoch that it trained in."""
    values = population.history["val_loss"][:, member]
    return values[~np.isnan(values)]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An empty shelf of programs."""
    shelf: list[Any] = []
    monkeypatch.setattr(module, "_programs", shelf)
    return shelf


# Three members that differ in everything that members may differ in. The first has the most rows; the second is narrow
# (its last column is zero); the third has fewest rows, and rates so high that early stopping stops it first.
NARROW = X.copy()
NARROW[:, 2] = 0
TABLE = np.concatenate([X, NARROW])
UNEQUAL = members(
    3,
    training_rows=[ALL[10:], ROWS + ALL[8:25], ALL[:9]],
    validation_rows=[ALL[:10], ROWS + ALL[25:], ALL[30:36]],
    rate=[0.02, 0.01, 0.5],
    l2=[0.0, 0.01, 0.1],
    dropout=[0.3, 0.0, 0.6],
    widths=[3, 2, 3],
)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_member_is_the_network_that_it_would_be_alone(optimizer: str) -> None:
    how = training(optimizer=optimizer, patience=2)
    y = np.tile(TARGETS["binary"], (2, 1))
    population = fit_population(network(dropout=True), TABLE, y, UNEQUAL, how)
    for k in range(3) if optimizer == "adam" else [1]:
        alone = fit_population(network(dropout=True), TABLE, y, chosen(UNEQUAL, [k]), how)
        check_same(population, [k], alone)
        np.testing.assert_allclose(
            predict(network(), population.weights, TABLE)[k], predict(network(), alone.weights, TABLE)[0], atol=1e-4
        )


def test_members_that_stop_early_leave_the_others_alone() -> None:
    how = training(patience=2, epochs=12)
    y = np.tile(TARGETS["binary"], (2, 1))
    population = fit_population(network(dropout=True), TABLE, y, UNEQUAL, how)
    trained = [len(losses(population, k)) for k in range(3)]
    assert trained[2] < trained[0]
    for k in (0, 2):
        check_same(population, [k], fit_population(network(dropout=True), TABLE, y, chosen(UNEQUAL, [k]), how))


def drawn_member(fewest: int, most: int) -> Any:
    """Return numbers of training rows, and settings."""
    # Without any l2 another program would be compiled.
    return st.tuples(st.integers(fewest, most), st.floats(1e-4, 0.3), st.floats(1e-6, 0.1), st.floats(0, 0.9))


# One member has all rows and the last two batches, so that each optimizer needs two programs.
@settings(max_examples=8)
@given(
    st.tuples(drawn_member(ROWS - 4, ROWS - 4), drawn_member(1, ROWS - 4), drawn_member(17, 32)),
    st.sampled_from(["adam", "rmsprop"]),
)
def test_whatever_the_members_are_they_are_independent(drawn: Any, name: str) -> None:
    counts, rates, penalties, dropouts = zip(*drawn, strict=True)
    population = members(
        len(drawn),
        training_rows=[ALL[4 : 4 + n] for n in counts],
        validation_rows=[ALL[:4]] * len(drawn),
        rate=rates,
        l2=penalties,
        dropout=dropouts,
    )
    how = training(optimizer=name, patience=1, epochs=3, batch_size=16)
    together = fit_population(network(dropout=True), X, TARGETS["binary"], population, how)
    last = len(drawn) - 1
    alone = fit_population(network(dropout=True), X, TARGETS["binary"], chosen(population, [last]), how)
    check_same(together, [last], alone)


@settings(max_examples=6)
@given(st.permutations(range(3)))
def test_members_in_another_order_are_the_same_members(order: list[int]) -> None:
    y = np.tile(TARGETS["binary"], (2, 1))
    population = fit_population(network(dropout=True), TABLE, y, UNEQUAL, training(patience=2))
    permuted = fit_population(network(dropout=True), TABLE, y, chosen(UNEQUAL, order), training(patience=2))
    check_same(population, order, permuted, atol=1e-5)


def test_rows_that_no_member_has_influence_nothing() -> None:
    # Row 0 is nobody's, and would overflow every loss; its class is one that the network does not have.
    some = members(
        2, training_rows=[ALL[8:], ALL[8:19]], validation_rows=[ALL[1:8], ALL[1:4]], dropout=0.2, l2=[0, 0.01]
    )
    strange, y = X.copy(), TARGETS["multiclass"].copy()
    strange[0], y[0] = 3e38, 100
    how, shape = training("multiclass", patience=3), network("multiclass", dropout=True)
    expected = fit_population(shape, X, TARGETS["multiclass"], some, how)
    found = fit_population(shape, strange, y, some, how)
    for a, b in zip(expected.weights.values(), found.weights.values(), strict=True):
        np.testing.assert_array_equal(a, b)
    for name, values in expected.history.items():
        np.testing.assert_array_equal(found.history[name], values)


def test_zero_columns_that_fill_up_a_narrow_member_learn_nothing() -> None:
    y = np.tile(TARGETS["binary"], (2, 1))
    narrow = chosen(replace(UNEQUAL, l2=np.full(3, 0.01, "float32")), [1])
    kernel = fit_population(network(dropout=True), TABLE, y, narrow, training(optimizer="adamw")).weights[
        "dense_0.kernel"
    ]
    assert not kernel[0, 2].any()
    assert kernel[0, :2].all()


def keras_model(shape: Network, l2: float, optimizer: str, rate: float, loss: str) -> keras.Model:
    """Return what a Keras user would write for the network of seed 0."""
    penalty = keras.regularizers.L2(l2)
    hidden = [keras.layers.Dense(w, activation=shape.activation, kernel_regularizer=penalty) for w in shape.hidden]
    head = keras.layers.Dense(shape.outputs, activation=shape.output_activation, kernel_regularizer=penalty)
    model = keras.Sequential([keras.Input((FEATURES,)), *hidden, head])
    model.set_weights(plain_model(shape, initial_weights(shape, [0], [FEATURES]), 0).get_weights())
    model.compile(optimizer=OPTIMIZERS[optimizer](learning_rate=rate), loss=loss, run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("problem", "optimizer", "batch_size"),
    [
        *(("binary", optimizer, ROWS) for optimizer in sorted(OPTIMIZERS)),
        ("multiclass", "adam", ROWS),
        ("multiclass", "rmsprop", 12),
        ("regression", "sgd", ROWS),
        ("regression", "adam", 12),
    ],
)
def test_one_member_is_what_keras_trains_on_the_same_batches(problem: str, optimizer: str, batch_size: int) -> None:
    shape, y = network(problem), TARGETS[problem]
    population = fit_population(
        shape, X, y, members(1, l2=0.02), training(problem, optimizer=optimizer, batch_size=batch_size)
    )
    model = keras_model(shape, 0.02, optimizer, 0.05, PROBLEMS[problem].loss)
    generator = np.random.default_rng([0, 1])
    for _ in range(5):
        order = generator.permutation(ROWS)
        for start in range(0, ROWS, batch_size):
            batch = order[start : start + batch_size]
            model.train_on_batch(X[batch], y[batch])
    for ours, weight in zip(population.weights.values(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours[0].reshape(weight.shape), weight, atol=1e-4)


def test_a_batch_wider_than_the_rows_is_all_rows(programs: list[Any]) -> None:
    who = members(2, training_rows=[ALL[:30], ALL[:11]], dropout=0.4)
    wide, exact = (
        fit_population(network(dropout=True), X, TARGETS["binary"], who, training(batch_size=size))
        for size in (10**6, 30)
    )
    check_same(wide, [0, 1], exact, atol=0)
    assert len(programs) == 1


def test_a_step_of_gradient_descent_with_l2_is_the_one_worked_out_by_hand() -> None:
    shape, y, rate, l2 = network("regression"), TARGETS["regression"], 0.1, 0.03
    how = training("regression", optimizer="sgd", epochs=1, batch_size=ROWS)
    population = fit_population(shape, X, y, members(1, rate=rate, l2=l2), how)
    w, b, v, c = (weight[0].astype(float) for weight in initial_weights(shape, [0], [FEATURES]).values())
    hidden = np.maximum(X @ w + b, 0)
    slope = 2 / ROWS * (hidden @ v + c - y)
    back = (slope @ v.T) * (hidden > 0)
    gradients = [X.T @ back + 2 * l2 * w, back.sum(axis=0), hidden.T @ slope + 2 * l2 * v, slope.sum(axis=0)]
    for found, start, gradient in zip(population.weights.values(), (w, b, v, c), gradients, strict=True):
        np.testing.assert_allclose(found[0], start - rate * gradient, atol=1e-6)
    assert population.history["loss"][0, 0] == pytest.approx(np.mean((hidden @ v + c - y) ** 2), rel=1e-5)
    assert population.history["mean_absolute_error"][0, 0] == pytest.approx(
        np.mean(np.abs(hidden @ v + c - y)), rel=1e-5
    )


def test_without_a_learning_rate_the_optimizers_own_default_holds() -> None:
    how = training(optimizer="sgd")
    default = fit_population(network(), X, TARGETS["binary"], replace(members(2), learning_rate=None), how)
    given_rate = fit_population(network(), X, TARGETS["binary"], members(2, rate=0.01), how)
    check_same(default, [0, 1], given_rate, atol=0)


@pytest.fixture(scope="module")
def stopped() -> tuple[Population, Members, list[tuple[int, dict[str, np.ndarray], np.ndarray]]]:
    """Five members that early stopping stops at different epochs, and what was reported of them."""
    reports: list[tuple[int, dict[str, np.ndarray], np.ndarray]] = []
    who = members(
        5,
        training_rows=[ALL[:20]] * 4 + [ALL[:15]],
        validation_rows=[ALL[20:]] * 4 + [ALL[15:19]],
        rate=[0.3, 0.1, 0.03, 0.001, 0.1],
    )
    how = training(patience=3, epochs=20)
    population = fit_population(
        network(), X, TARGETS["binary"], who, how, lambda *args: reports.append((args[0], args[1], args[2].copy()))
    )
    return population, who, reports


def test_early_stopping_keeps_the_weights_of_the_best_epoch(stopped: Any) -> None:
    population, who, _ = stopped
    for k, outputs in enumerate(predict(network(), population.weights, X).astype(float)):
        rows = who.validation_rows[k]
        p, y = outputs[rows], TARGETS["binary"][rows]
        best = population.history["val_loss"][population.best_epoch[k] - 1, k]
        assert best == losses(population, k).min()
        assert best == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)), abs=1e-5)
        accuracy = population.history["val_binary_accuracy"][population.best_epoch[k] - 1, k]
        assert accuracy == pytest.approx(np.mean((p > 0.5) == y))


def test_a_member_stops_when_patience_epochs_have_brought_nothing_better(stopped: Any) -> None:
    population, _, _ = stopped
    lengths = [len(losses(population, k)) for k in range(5)]
    assert len(set(lengths)) > 2
    assert len(population.history["loss"]) == max(lengths)
    for k, length in enumerate(lengths):
        best, best_epoch = np.inf, 0
        for epoch, loss in enumerate(losses(population, k), start=1):
            assert epoch == 1 or epoch - 1 - best_epoch < 3
            if loss < best:
                best, best_epoch = loss, epoch
        assert population.best_epoch[k] == best_epoch
        assert length == 20 or length - best_epoch == 3


def test_the_history_of_a_stopped_member_is_nan(stopped: Any) -> None:
    population, _, _ = stopped
    assert set(population.history) == {"loss", "binary_accuracy", "val_loss", "val_binary_accuracy"}
    for name, values in population.history.items():
        for k in range(5):
            length = len(losses(population, k))
            assert np.isfinite(values[:length, k]).all(), name
            assert np.isnan(values[length:, k]).all(), name


def test_each_epoch_is_reported_with_its_figures_and_who_is_still_training(stopped: Any) -> None:
    population, _, reports = stopped
    assert [epoch for epoch, _, _ in reports] == list(range(1, len(population.history["loss"]) + 1))
    lengths = np.array([len(losses(population, k)) for k in range(5)])
    for epoch, figures, active in reports:
        for name, values in figures.items():
            np.testing.assert_array_equal(values, population.history[name][epoch - 1])
        if epoch < 20:
            np.testing.assert_array_equal(active, lengths > epoch)


def test_without_early_stopping_the_weights_are_the_last_epochs() -> None:
    who = members(2, training_rows=[ALL[:20]] * 2, validation_rows=[ALL[20:]] * 2, rate=0.3)
    population = fit_population(network(), X, TARGETS["binary"], who, training(epochs=7))
    assert population.best_epoch.tolist() == [7, 7]
    p = predict(network(), population.weights, X[20:]).astype(float)[:, :, 0]
    y = TARGETS["binary"][20:, 0]
    by_hand = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p), axis=1)
    np.testing.assert_allclose(population.history["val_loss"][-1], by_hand, atol=1e-5)


def test_every_member_learns_what_can_be_separated() -> None:
    y = (X[:, :1] - X[:, 1:2] > 0).astype("float32")
    population = fit_population(network(), X, y, members(4), training(epochs=60))
    assert (population.history["loss"][-1] < population.history["loss"][0] / 10).all()


def test_compiled_by_xla_or_not_the_result_is_the_same() -> None:
    y = np.tile(TARGETS["multiclass"], (2, 1))
    shape, how = network("multiclass", dropout=True), training("multiclass", optimizer="nadam", patience=2)
    plain = fit_population(shape, TABLE, y, UNEQUAL, how)
    compiled = fit_population(shape, TABLE, y, UNEQUAL, replace(how, compile=True))
    check_same(plain, [0, 1, 2], compiled)


def test_a_compiled_fit_repeats_bit_for_bit() -> None:
    y = np.tile(TARGETS["multiclass"], (2, 1))
    how = training("multiclass", optimizer="nadam", patience=2, compile=True)
    first, second = (fit_population(network("multiclass", dropout=True), TABLE, y, UNEQUAL, how) for _ in range(2))
    check_same(first, [0, 1, 2], second, atol=0)


def test_a_second_fit_of_the_same_shapes_traces_nothing(programs: list[Any]) -> None:
    first = members(2, training_rows=[ALL[:30], ALL[:17]], validation_rows=[ALL[30:]] * 2, l2=0.01)
    other = replace(
        members(2, training_rows=[ALL[5:22], ALL[:31]], validation_rows=[ALL[31:36], ALL[5:15]], rate=0.01, l2=0.1),
        seeds=[8, 9],
    )
    fresh = fit_population(network(), X, TARGETS["binary"], other, training(patience=2))
    programs.clear()
    fit_population(network(), X, TARGETS["binary"], first, training(epochs=3))
    again = fit_population(network(), X + 0, TARGETS["binary"] + 0, other, training(patience=2))
    assert [program.traces for program in programs] == [1]
    # And nothing of the first fit is left in the program that the second borrowed.
    check_same(fresh, [0, 1], again, atol=0)


def test_the_memory_of_the_programs_that_are_kept_is_bounded_what_was_used_last_stays(
    programs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 2 * module.CODE_BYTES + 2**20)
    for width in (1, 2, 1, 3):
        fit_population(network(hidden=(width,)), X, TARGETS["binary"], members(1), training(epochs=1))
    assert [(program.network.hidden, program.traces) for program in programs] == [((1,), 1), ((3,), 1)]
    monkeypatch.setattr(module, "KEPT_BYTES", module.CODE_BYTES)
    fit_population(network(hidden=(1,)), X, TARGETS["binary"], members(1), training(epochs=1))
    assert programs == []


@pytest.mark.parametrize(
    ("sizes", "limit", "kept"),
    [([], 5, 0), ([3], 2, 0), ([3], 3, 1), ([9, 1, 1, 1], 3, 3), ([1, 1, 1, 9], 8, 0), ([2, 2, 2], 5, 2)],
)
def test_programs_are_kept_by_their_sizes(sizes: list[int], limit: int, kept: int) -> None:
    assert module.number_kept(sizes, limit) == kept


def test_the_size_of_a_program_is_that_of_its_variables(programs: list[Any]) -> None:
    fit_population(network(hidden=(3,)), X, TARGETS["binary"], members(1), training(epochs=1))
    (program,) = programs
    assert program.bytes == sum(array.nbytes for array in program.save())


def test_a_fit_that_was_broken_off_leaves_nothing_behind(programs: list[Any]) -> None:
    def interrupt(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> None:
        raise KeyboardInterrupt

    expected = fit_population(network(), X, TARGETS["binary"], members(2), training())
    with pytest.raises(KeyboardInterrupt):
        fit_population(network(), X, TARGETS["binary"], members(2), training(), interrupt)
    check_same(expected, [0, 1], fit_population(network(), X, TARGETS["binary"], members(2), training()), atol=0)


def test_many_shapes_may_be_trained_without_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 2 * module.CODE_BYTES + 2**20)
    # TensorFlow's own logger warns of retracing, and hands nothing up to where pytest listens.
    tf.get_logger().addHandler(caplog.handler)
    how = training(epochs=1, patience=1)
    try:
        for size in (*range(1, 7), 40):
            who = members(size, validation_rows=[ALL[:5]] * size)
            fit_population(network(hidden=(size,)), X, TARGETS["binary"], who, how)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_divergence_names_the_member_and_what_to_do() -> None:
    how = training("regression", optimizer="sgd")
    reported = r"member 1 \(learning_rate 1.0\d*e\+30\) became NaN or infinite with sgd\. They keep their best epoch"
    with pytest.warns(DivergedWarning, match=reported):
        one = fit_population(network("regression"), X, TARGETS["regression"], members(2, rate=[0.01, 1e30]), how)
    assert one.diverged.tolist() == [False, True]
    expected = r"for all 2 members: the loss of member 0 .* before it had learned anything\. Lower learning_rate"
    with pytest.raises(DivergedError, match=expected):
        fit_population(network("regression"), X, TARGETS["regression"], members(2, rate=1e30), how)


def test_a_member_that_diverges_disturbs_no_other_and_keeps_its_best_finite_epoch() -> None:
    who = members(3, training_rows=[ALL[:32]] * 3, validation_rows=[ALL[32:]] * 3, rate=[0.01, 30.0, 0.02])
    shape = network("regression", hidden=())
    how = training("regression", optimizer="sgd", patience=15, epochs=15)
    with pytest.warns(DivergedWarning, match=r"member 1 \(learning_rate 30.0"):
        population = fit_population(shape, X, TARGETS["regression"], who, how)
    assert population.diverged.tolist() == [False, True, False]
    assert len(losses(population, 1)) < 15
    assert np.isinf(population.history["val_loss"][:, 1]).any() or np.isnan(population.history["val_loss"][-1, 1])
    assert population.best_epoch[1] == 1
    assert all(np.isfinite(weight).all() for weight in population.weights.values())
    check_same(population, [0, 2], fit_population(shape, X, TARGETS["regression"], chosen(who, [0, 2]), how))


def test_without_held_out_rows_a_diverged_member_keeps_weights_that_its_best_loss_is_of() -> None:
    # The rate rises, so that the loss falls before it explodes.
    shape, y = network("regression", hidden=()), TARGETS["regression"]
    how = training("regression", optimizer="sgd", schedule="one_cycle", batch_size=ROWS, epochs=150)
    with pytest.warns(DivergedWarning, match="They keep their best epoch"):
        population = fit_population(shape, X, y, members(2, rate=[0.01, 9.0]), how)
    assert population.diverged.tolist() == [False, True]
    curve = population.history["loss"][:, 1]
    best = int(np.nanargmin(curve))
    assert 0 < best == population.best_epoch[1]
    # One batch of all rows: the loss of epoch e is of the weights after e - 1.
    outputs = predict(shape, population.weights, X)[1].astype(float)
    assert np.mean((outputs - y) ** 2) == pytest.approx(curve[best], rel=1e-4)
    # The other one ends with its last epoch, as ever.
    other = fit_population(shape, X, y, members(1, rate=0.01), how)
    check_same(population, [0], other)


def test_what_explodes_in_the_very_last_step_has_diverged() -> None:
    shape, y = network("regression"), TARGETS["regression"]
    how = training("regression", optimizer="sgd", batch_size=ROWS, epochs=1)
    with pytest.raises(DivergedError, match="before it had learned anything"):
        fit_population(shape, X, y, members(1, rate=1e25), how)
    with pytest.warns(DivergedWarning):
        two = fit_population(shape, X, y, members(2, rate=[0.01, 1e25]), how)
    assert (two.diverged.tolist(), two.best_epoch.tolist()) == ([False, True], [1, 0])
    assert all(np.isfinite(weight).all() for weight in two.weights.values())


def logit(p: Any) -> np.ndarray:
    return np.log(np.asarray(p) / (1 - np.asarray(p)))


def functions(problem: str) -> tuple[Any, Any, Any]:
    """Return a program's loss of targets and outputs, its row metric and its output activation."""
    key = ProgramKey.of(network(problem), members(1), training(problem), (), False)
    loss, _, (row_metric,), activation = loss_and_metrics(key)
    return lambda y, outputs: loss(y, outputs, None)[0], row_metric, activation


PROBABILITIES = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]]
TRIPLES = [[0.1, 0.3, 0.6], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3]]


@pytest.mark.parametrize(
    ("problem", "targets", "outputs", "rows"),
    [
        ("binary", [[1], [0], [0], [1]], logit([[0.8], [0.3], [0.5], [0.9]]), [0.2231, 0.3567, 0.6931, 0.1054]),
        ("multiclass", [[1], [2], [0]], np.log(PROBABILITIES), [1.203973, 2.302585, 2.302585]),
        ("multiclass", [[2], [1], [0]], np.log(TRIPLES), [0.5108, 0.5108, 1.2040]),
        ("regression", [[1.0], [-2.0]], [[0.5], [1.0]], [0.25, 9.0]),
    ],
)
def test_a_loss_is_that_of_the_worked_example(problem: str, targets: Any, outputs: Any, rows: Any) -> None:
    loss, _, _ = functions(problem)
    found = loss(tf.constant([targets], tf.float32), tf.constant([outputs], tf.float32))
    np.testing.assert_allclose(found, [rows], atol=1e-4)


def test_the_means_of_the_worked_examples_are_the_courses() -> None:
    binary, _, _ = functions("binary")
    sparse, _, _ = functions("multiclass")
    outputs = tf.constant(logit([[[0.8], [0.3], [0.5], [0.9]]]), tf.float32)
    assert np.mean(binary(tf.constant([[[1.0], [0], [0], [1]]]), outputs)) == pytest.approx(0.3446, abs=5e-5)
    value = np.mean(sparse(tf.constant([[[1.0], [2], [0]]]), tf.constant(np.log([PROBABILITIES]), tf.float32)))
    assert value == pytest.approx(1.936381, abs=1e-6)
    one_hot = keras.utils.to_categorical([1, 2, 0], 3)
    assert value == pytest.approx(np.mean(keras.losses.categorical_crossentropy(one_hot, PROBABILITIES)), abs=1e-6)
    triples = tf.constant(np.log([TRIPLES]), tf.float32)
    assert np.mean(sparse(tf.constant([[[2.0], [1], [0]]]), triples)) == pytest.approx(0.74, abs=5e-3)


def test_a_cross_entropy_is_exact_where_the_probability_is_zero_in_float32() -> None:
    loss, _, _ = functions("binary")
    assert np.asarray(loss(tf.constant([[[1.0]]]), tf.constant([[[-200.0]]]))) == pytest.approx(200.0)


@settings(max_examples=30)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6))
def test_softmax_sums_to_one_and_of_two_is_the_sigmoid_of_the_difference(outputs: list[float]) -> None:
    _, _, softmax = functions("multiclass")
    _, _, sigmoid = functions("binary")
    assert np.sum(softmax(tf.constant([outputs]))) == pytest.approx(1.0, abs=1e-5)
    a, b = outputs[:2]
    assert np.asarray(softmax(tf.constant([[a, b]])))[0, 0] == pytest.approx(
        float(sigmoid(tf.constant(a - b))), abs=1e-5
    )

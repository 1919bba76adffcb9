"""The promise of independence, over all settings at once, and the ways in which a population may be cut up."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tabular_dl.errors import DataError
from tabular_dl.nn import batches, chunk_plan, kept_programs, parallel, program
from tabular_dl.nn.inference import predict
from tabular_dl.nn.members import Members, Monitor, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.program_key import ProgramKey
from tabular_dl.nn.training import Population, fit_population

pytestmark = pytest.mark.slow

ROWS, FEATURES = 40, 3
X = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype("float32")
Y = (X[:, :1] - X[:, 1:2] > 0).astype("float32")
HOW = Training("binary_crossentropy", ("binary_accuracy",), epochs=5, batch_size=8, compile=False)
NETWORK = Network(FEATURES, (6, 4), 1, output_activation="sigmoid", dropout=True, batch_norm=True)


def crew(size: int, **settings: Any) -> Members:
    """Return members with unequal numbers of training rows."""
    rng = np.random.default_rng(size)
    cut = [rng.permutation(ROWS) for _ in range(size)]
    return Members(
        seeds=list(range(10, 10 + size)),
        training_rows=[rows[10 + 3 * k :] for k, rows in enumerate(cut)],
        validation_rows=[rows[:10] for rows in cut],
        **{"learning_rate": 0.02, "dropout": 0.2, "patience": 3, **settings},
    )


def same(one: Population, ks: list[int], other: Population, atol: float = 1e-4) -> None:
    for stacked, own in zip(one.weights.values(), other.weights.values(), strict=True):
        np.testing.assert_allclose(stacked[ks], own, atol=atol)
    np.testing.assert_array_equal(one.best_epoch[ks], other.best_epoch)


# Programs are compiled for what stands here, and not for the settings that are drawn: two for each line. Together the
# lines have every optimizer, schedule and layer. A plain member has no penalty, clipping, smoothing or mixup: its own
# program computes less than the one that it shares. The members that are compared have fewer batches than others.
COMBINATIONS = [
    ("adam", "cosine", {"batch_norm": True, "shift": 0}, {"mixup": 0.5, "plain": False}),
    ("sgd", "one_cycle", {"batch_norm": False, "shift": 2}, {"mixup": 0.0, "plain": True}),
    ("rmsprop", "constant", {"batch_norm": True, "shift": 2}, {"mixup": 0.0, "plain": False}),
    ("nadam", "constant", {"batch_norm": False, "shift": 0}, {"mixup": 0.5, "plain": True}),
]


@pytest.mark.parametrize(("optimizer", "schedule", "layers", "extra"), COMBINATIONS)
@settings(max_examples=3)
@given(data=st.data(), k=st.sampled_from([2, 3]))
def test_a_member_is_itself_whatever_its_settings_and_whoever_is_beside_it(
    optimizer: str, schedule: str, layers: dict[str, Any], extra: dict[str, Any], data: Any, k: int
) -> None:
    size = 4

    def each(low: float, high: float, plain: float | None = None) -> np.ndarray:
        values = np.array(data.draw(st.lists(st.floats(low, high), min_size=size, max_size=size)))
        if extra["plain"] and plain is not None:
            values[k] = plain
        return values

    members = crew(
        size,
        learning_rate=each(0.001, 0.05),
        dropout=np.stack([each(0, 0.5), each(0, 0.5)], axis=1),
        l1=each(1e-6, 0.01, 0.0),
        l2=each(1e-6, 0.01, 0.0),
        clip_norm=each(0.1, 2.0, np.inf),
        noise=each(0, 0.3),
        label_smoothing=each(1e-6, 0.2, 0.0),
        input_dropout=each(0, 0.3),
        shift=data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size).map(np.array)),
        mixup=each(1e-3, extra["mixup"], 0.0) if extra["mixup"] else 0.0,
        weight_decay=each(0, 0.1),
        patience=np.floor(each(1, 5)),
        plateau_patience=1.0,
    )
    network = replace(NETWORK, noise=True, input_dropout=True, image_shape=(1, FEATURES), **layers)
    how = replace(HOW, optimizer=optimizer, schedule=schedule)
    together = fit_population(network, X, Y, members, how)
    alone = fit_population(network, X, Y, members.take([k]), how)
    same(together, [k], alone)
    ours, own = predict(network, together.weights, X)[k], predict(network, alone.weights, X)[0]
    np.testing.assert_allclose(ours, own, atol=1e-4)


def test_permuting_the_members_permutes_the_results() -> None:
    members = crew(4)
    order = [2, 0, 3, 1]
    same(fit_population(NETWORK, X, Y, members, HOW), order, fit_population(NETWORK, X, Y, members.take(order), HOW))


def test_permuting_the_rows_of_the_table_with_their_numbers_changes_nothing() -> None:
    members, order = crew(3), np.random.default_rng(5).permutation(ROWS)
    place = np.argsort(order)
    moved = replace(
        members,
        training_rows=[place[rows] for rows in members.training_rows],
        validation_rows=[place[rows] for rows in members.validation_rows or ()],
    )
    expected = fit_population(NETWORK, X, Y, members, HOW)
    same(expected, [0, 1, 2], fit_population(NETWORK, X[order], Y[order], moved, HOW), atol=1e-6)


def test_moving_to_a_smaller_program_when_half_have_stopped_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    members = crew(5, patience=np.array([1, 1, 20, 1, 20]), learning_rate=np.array([0.5, 0.5, 0.02, 0.5, 0.03]))
    how = replace(HOW, epochs=12)
    expected = fit_population(NETWORK, X, Y, members, how)
    monkeypatch.setattr(chunk_plan, "WORK_THAT_PAYS_FOR_A_PROGRAM", 0)
    sizes = []
    take_over = parallel.Program.take_over
    monkeypatch.setattr(
        parallel.Program, "take_over", lambda self, *rest: (sizes.append(self.key.members), take_over(self, *rest))
    )
    found = fit_population(NETWORK, X, Y, members, how)
    assert sizes[0] == 3
    same(expected, list(range(5)), found)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, atol=1e-3)


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_population_trained_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch, side_by_side: bool) -> None:
    members = crew(5, l2=np.linspace(0, 0.1, 5), patience=np.array([2, np.inf, 1, np.inf, 1]))
    expected = fit_population(NETWORK, X, Y, members, HOW)
    threads: set[int] = set()
    epoch = parallel.Chunk.epoch
    monkeypatch.setattr(
        parallel.Chunk, "epoch", lambda self, number: (threads.add(threading.get_ident()), epoch(self, number))
    )
    if side_by_side:
        monkeypatch.setattr(chunk_plan, "MEMBERS_THAT_FILL_A_CORE", 2)
        monkeypatch.setattr(chunk_plan, "WORK_THAT_PAYS_FOR_A_PROGRAM", 0)
        monkeypatch.setattr("os.cpu_count", lambda: 2)
    else:
        monkeypatch.setattr(chunk_plan, "CHUNK_BYTES", 2 * 4 * (8 * NETWORK.parameters + (4 * 8 + 2 * 10) * 14))
    sizes: list[int] = []
    reports: list[tuple[int, int, int]] = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            sizes.append(len(self.model.layers))

    found = fit_population(
        NETWORK,
        X,
        Y,
        members,
        HOW,
        [Watch()],
        lambda epoch, figures, active: reports.append((epoch, len(figures["loss"]), len(active))),
    )
    assert len(threads) == 1 + side_by_side
    # Whoever watches sees one population of five, whatever its parts.
    assert reports == [(epoch, 5, 5) for epoch in range(1, len(expected.history["loss"]) + 1)]
    assert len(sizes) == len(reports)
    same(expected, list(range(5)), found)
    np.testing.assert_array_equal(found.best_epoch, expected.best_epoch)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, atol=1e-4)


def test_chunks_end_together_when_training_is_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_plan, "CHUNK_BYTES", 1)
    members = crew(3, patience=np.inf)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.model.stop_training = epoch == 1

    found = fit_population(NETWORK, X, Y, members, HOW, [Stop()])
    assert found.history["loss"].shape == (2, 3)
    same(fit_population(NETWORK, X, Y, members, replace(HOW, epochs=2)), [0, 1, 2], found)


def test_a_table_in_blocks_trains_each_member_as_alone_also_from_a_memory_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 4 * FEATURES * 16)
    mapped = np.memmap(tmp_path / "rows", np.float32, "w+", shape=X.shape)
    mapped[:] = X
    members = crew(3)
    together = fit_population(NETWORK, mapped, Y, members, HOW)
    assert np.nanmin(together.history["loss"][-1]) < together.history["loss"][0].min()
    for k in range(3):
        same(together, [k], fit_population(NETWORK, X, Y, members.take([k]), HOW))


def test_groups_of_members_read_matrices_of_their_own() -> None:
    members = crew(2, groups=np.array([1, 0]))
    stacked = fit_population(NETWORK, np.stack([X, -X]), np.stack([Y, 1 - Y]), members, HOW)
    plain = replace(members, groups=0)
    same(stacked, [0], fit_population(NETWORK, -X, 1 - Y, plain.take([0]), HOW))
    same(stacked, [1], fit_population(NETWORK, X, Y, plain.take([1]), HOW))


def test_stopping_looks_at_the_metric_of_choice() -> None:
    def auc(y: np.ndarray, outputs: np.ndarray, weights: Any = None) -> float:
        assert weights is None
        return float(roc_auc_score(y[:, 0], outputs[:, 0]))

    members = crew(3, patience=4)
    how = replace(HOW, epochs=8, monitor=Monitor("auc", auc, greater_is_better=True))
    population = fit_population(NETWORK, X, Y, members, how)
    for k, rows in enumerate(members.validation_rows or ()):
        followed = population.history["val_auc"][:, k]
        best = population.best_epoch[k]
        assert followed[best - 1] == np.nanmax(followed)
        # The weights are those of that epoch.
        outputs = predict(NETWORK, {name: w[k : k + 1] for name, w in population.weights.items()}, X[rows])[0]
        assert auc(Y[rows], outputs) == pytest.approx(followed[best - 1])


def test_many_categories_make_smaller_chunks() -> None:
    members = crew(4)
    feed = batches.Feed(batches.Table(X, Y), members, 8)
    few, many = (
        chunk_plan.planned_chunks(replace(NETWORK, embeddings=((categories, 1),)), feed.table, feed, members, HOW, 1)[1]
        # Of 8 rows, four times, in 4 bytes each: more than 2**29 bytes, half of what a chunk may have.
        for categories in (10, 2**22)
    )
    assert ([len(part) for part, _ in few], [len(part) for part, _ in many]) == ([4], [1] * 4)


def test_threads_never_share_a_program() -> None:
    key = ProgramKey.of(NETWORK, crew(2), HOW, (ROWS, 1, 4, 8, 10), False)
    with kept_programs.checked_out(key) as first, kept_programs.checked_out(key) as second:
        assert first is not second
    with kept_programs.checked_out(key) as third, kept_programs.checked_out(key) as fourth:
        assert {id(third), id(fourth)} == {id(first), id(second)}


def test_a_plateau_lowers_the_rate_within_training_for_its_member_alone() -> None:
    # The first member never improves enough after its first epoch, so that its rate is 0 from the third on.
    members = crew(
        2,
        patience=np.inf,
        dropout=0.0,
        min_delta=np.array([100.0, 0.0]),
        plateau_patience=np.array([1, np.inf]),
        plateau_factor=0.0,
    )
    how = replace(HOW, epochs=2)
    two = fit_population(NETWORK, X, Y, members, how)
    five = fit_population(NETWORK, X, Y, members, replace(how, epochs=5))
    kernel = "dense_0.kernel"
    np.testing.assert_array_equal(two.weights[kernel][0], five.weights[kernel][0])
    assert not np.allclose(two.weights[kernel][1], five.weights[kernel][1])


def test_a_smaller_program_takes_over_momenta_rates_statistics_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_plan, "WORK_THAT_PAYS_FOR_A_PROGRAM", 0)
    members = crew(4, patience=np.array([1, np.inf, 1, np.inf]), learning_rate=np.array([0.9, 0.02, 0.9, 0.03]), l2=0.1)
    before: list[tuple[list[np.ndarray], np.ndarray, list[np.ndarray]]] = []
    take_over = program.Program.take_over

    def watched(self: Any, other: Any, numbers: np.ndarray) -> None:
        take_over(self, other, numbers)
        before.append((other.save(), numbers, self.save()))

    monkeypatch.setattr(program.Program, "take_over", watched)
    fit_population(NETWORK, X, Y, members, replace(HOW, epochs=12))
    larger, numbers, smaller = before[0]
    assert {1, 3} <= set(numbers.tolist())
    momenta = [array for array in larger if array.shape[0] == 4 and np.any(array != 0)]
    assert len(momenta) > 15  # kernels, statistics, both momenta of Adam, rates, steps, settings, the best so far
    for large, small in zip(larger, smaller, strict=True):
        np.testing.assert_array_equal(large[numbers], small)


def test_a_monitor_of_its_own_needs_validation_rows() -> None:
    members = replace(crew(2), validation_rows=None)
    how = replace(HOW, monitor=Monitor("roc_auc", roc_auc_score, True))
    with pytest.raises(ValueError, match="monitor: roc_auc needs validation rows"):
        fit_population(NETWORK, X, Y, members, how)


def test_a_figure_that_cannot_be_computed_is_not_taken_for_a_diverged_loss() -> None:
    how = replace(HOW, monitor=Monitor("roc_auc", lambda y, p, w: float("nan"), True))
    with pytest.raises(DataError, match=r"monitor: roc_auc cannot be computed on the 10 held-out rows .*seed 10.* nan"):
        fit_population(NETWORK, X, Y, crew(2), how)

"""The promise of independence, over all settings at once, and the ways in which a population may be cut up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tabular_dl.nn import feeding, training
from tabular_dl.nn.inference import predict
from tabular_dl.nn.members import Members, Monitor, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import Population, fit_population

ROWS, FEATURES = 40, 3
X = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype("float32")
Y = (X[:, :1] - X[:, 1:2] > 0).astype("float32")
HOW = Training("binary_crossentropy", "binary_accuracy", epochs=5, batch_size=8, compile=False)
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
    for stacked, own in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(stacked[ks], own, atol=atol)
    np.testing.assert_array_equal(one.best_epoch[ks], other.best_epoch)


@settings(max_examples=8, deadline=None)
@given(data=st.data(), size=st.integers(2, 6))
def test_a_member_is_itself_whatever_its_settings_and_whoever_is_beside_it(data: Any, size: int) -> None:
    def each(low: float, high: float) -> np.ndarray:
        return np.array(data.draw(st.lists(st.floats(low, high), min_size=size, max_size=size)))

    members = crew(
        size,
        learning_rate=each(0.001, 0.05),
        dropout=np.stack([each(0, 0.5), each(0, 0.5)], axis=1),
        l1=each(0, 0.01),
        l2=each(0, 0.01),
        clip_norm=each(0.1, 2.0),
        noise=each(0, 0.3),
        label_smoothing=each(0, 0.2),
        weight_decay=each(0, 0.1),
        patience=np.floor(each(1, 5)),
        plateau_patience=1.0,
    )
    network = replace(NETWORK, batch_norm=data.draw(st.booleans()), noise=True)
    how = replace(
        HOW,
        optimizer=data.draw(st.sampled_from(["adam", "sgd", "rmsprop", "nadam"])),
        schedule=data.draw(st.sampled_from(["constant", "cosine", "one_cycle"])),
    )
    together = fit_population(network, X, Y, members, how)
    k = data.draw(st.integers(0, size - 1))
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
    monkeypatch.setattr(training, "WORK_THAT_PAYS_FOR_COMPACTION", 0)
    sizes = []
    take_over = training.Program.take_over
    monkeypatch.setattr(
        training.Program, "take_over", lambda self, *rest: (sizes.append(self.key.members), take_over(self, *rest))
    )
    found = fit_population(NETWORK, X, Y, members, how)
    assert sizes[0] == 3
    same(expected, list(range(5)), found)
    for name, values in expected.history.items():
        np.testing.assert_allclose(found.history[name], values, atol=1e-3)


def test_a_population_trained_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    members = crew(5, l2=np.linspace(0, 0.1, 5))
    expected = fit_population(NETWORK, X, Y, members, HOW)
    monkeypatch.setattr(training, "CHUNK_BYTES", 2 * 4 * (8 * NETWORK.parameters + (4 * 8 + 2 * 10) * 14))
    reports: list[int] = []
    found = fit_population(NETWORK, X, Y, members, HOW, on_epoch=lambda epoch, *_: reports.append(epoch))
    assert reports.count(1) == 3  # chunks of 2, 2 and 1
    same(expected, list(range(5)), found)
    assert found.history["loss"].shape[1] == 5


def test_a_table_in_blocks_trains_each_member_as_alone_also_from_a_memory_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(feeding, "BLOCK_BYTES", 4 * FEATURES * 16)
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
    def auc(y: np.ndarray, outputs: np.ndarray) -> float:
        return float(roc_auc_score(y[:, 0], outputs[:, 0]))

    members = crew(3, patience=4)
    how = replace(HOW, epochs=8, monitor=Monitor("auc", auc, greater_is_better=True))
    population = fit_population(NETWORK, X, Y, members, how)
    for k, rows in enumerate(members.validation_rows or ()):
        followed = population.history["val_auc"][:, k]
        best = population.best_epoch[k]
        assert followed[best - 1] == np.nanmax(followed)
        # The weights are those of that epoch.
        outputs = predict(NETWORK, [w[k : k + 1] for w in population.weights], X[rows])[0]
        assert auc(Y[rows], outputs) == pytest.approx(followed[best - 1])

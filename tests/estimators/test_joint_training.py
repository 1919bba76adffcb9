"""Estimators that are trained together end up as each would alone, on its own rows and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.held_out import RowTimes
from tabular_dl.estimators.joint_fit import fit_together
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.estimators.population import derived_seed
from tabular_dl.nn.training import fit_population

ROWS = 60
GENERATOR = np.random.default_rng(0)
# Three groups' matrices of the same rows, of different widths.
MATRICES = [GENERATOR.normal(size=(ROWS, width)).astype("float32") for width in (4, 2, 3)]
SCORE = sum(matrix[:, 0] for matrix in MATRICES)
LABEL = np.where(SCORE > 0, "up", "down")
# Row 0 of the first matrix, the first of the whole table, is not the first estimator's.
ROW_LISTS = [np.arange(5, 40), np.arange(15, 60), np.setdiff1d(np.arange(ROWS), np.arange(10, 50))]
SETTINGS: dict[str, Any] = {
    "hidden": [5],
    "dropout": 0.2,
    "l2": 0.01,
    "epochs": 6,
    "batch_size": 16,
    "learning_rate": 0.05,
    "validation_fraction": 0.2,
    "early_stopping": 2,
    "members": 2,
}


def estimators(kind: Any = KerasClassifier, **changes: Any) -> list[Any]:
    return [kind(**{**SETTINGS, **changes}, random_state=group) for group in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "y"), [(KerasClassifier, LABEL), (KerasRegressor, SCORE)])
def test_each_estimator_ends_up_as_its_own_fit_would_have_left_it(kind: Any, y: np.ndarray) -> None:
    together = estimators(kind)
    fit_together(together, MATRICES, y, ROW_LISTS)
    for model, alone, matrix, rows in zip(together, estimators(kind), MATRICES, ROW_LISTS, strict=True):
        alone.fit(matrix[rows], y[rows])
        assert model.n_features_in_ == alone.n_features_in_ == matrix.shape[1]
        assert model.network_ == alone.network_
        for found, expected in zip(model.weights_.values(), alone.weights_.values(), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_allclose(model._decoded(matrix), alone._decoded(matrix), atol=1e-4)
        np.testing.assert_array_equal(model.best_epoch_, alone.best_epoch_)
        # The history runs until the last estimator has stopped; after its own last epoch there is nothing.
        for name, values in alone.curves_.items():
            np.testing.assert_allclose(model.curves_[name][: len(values)], values, atol=1e-4)
            assert np.isnan(model.curves_[name][len(values) :]).all()
        if kind is KerasRegressor:
            assert (model.target_mean_, model.target_scale_) == (alone.target_mean_, alone.target_scale_)
        else:
            np.testing.assert_array_equal(model.classes_, alone.classes_)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"noise": 0.5, "input_dropout": 0.3},
        {"mixup": 0.5, "batch_norm": True},
        # The first column becomes a vector, which stands behind the numbers of the widest.
        {"noise": 0.5, "input_dropout": 0.3, "categorical_features": [0], "embedding_size": 2},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_what_is_random_does_not_depend_on_how_wide_the_others_are(changes: dict[str, Any]) -> None:
    codes = np.arange(ROWS) % 5
    matrices = [np.column_stack([codes, matrix[:, 1:]]).astype("float32") for matrix in MATRICES]
    matrices[0] = np.column_stack([matrices[0], *[MATRICES[0]] * 5])
    # A wide one and a narrow one.
    together, matrices, row_lists = estimators(**changes)[:2], matrices[:2], ROW_LISTS[:2]
    fit_together(together, matrices, LABEL, row_lists)
    for model, alone, matrix, rows in zip(together, estimators(**changes)[:2], matrices, row_lists, strict=True):
        alone.fit(matrix[rows], LABEL[rows])
        for found, expected in zip(model.weights_.values(), alone.weights_.values(), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_array_equal(model.best_epoch_, alone.best_epoch_)


@pytest.mark.parametrize(("kind", "y"), [(KerasClassifier, LABEL), (KerasRegressor, SCORE)])
def test_a_row_outside_an_estimators_rows_never_influences_it(kind: Any, y: np.ndarray) -> None:
    expected, found = estimators(kind), estimators(kind)
    fit_together(expected, MATRICES, y, ROW_LISTS)
    # Row 12 is the first estimator's alone, row 45 the second's: the last has neither.
    other_y = y.copy()
    other_y[[12, 45]] = "up" if kind is KerasClassifier else 1e6
    matrices = [matrix.copy() for matrix in MATRICES]
    for matrix, rows in zip(matrices, ROW_LISTS, strict=True):
        matrix[np.setdiff1d(np.arange(ROWS), rows)] = 3e38
    fit_together(found, matrices, other_y, ROW_LISTS)
    for before, after in zip(expected[2].weights_.values(), found[2].weights_.values(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(expected[2].curves_["val_loss"], found[2].curves_["val_loss"])


def test_an_estimator_that_lacks_a_class_gives_it_a_probability_all_the_same() -> None:
    y = np.digitize(SCORE, [-1.0, 1.0])
    rows = [np.flatnonzero(y != 2), np.arange(ROWS)]
    models = estimators()[:2]
    fit_together(models, MATRICES[:2], y, rows, classes=np.array([0, 1, 2]))
    for model, matrix in zip(models, MATRICES, strict=False):
        assert model.predict_proba(matrix).shape == (ROWS, 3)
        np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    with pytest.raises(DataError, match="rows hold different labels: pass the labels of all rows as classes"):
        fit_together(estimators()[:2], MATRICES[:2], y, rows)


def test_a_bad_hyperparameter_is_refused_before_anything_is_trained() -> None:
    models = estimators(dropout=2.0)
    with pytest.raises(SpecError, match=r"dropout should be less than 1"):
        fit_together(models, MATRICES, LABEL, ROW_LISTS)
    assert not hasattr(models[0], "weights_")


def test_smoothing_that_one_estimator_of_several_cannot_have_is_refused() -> None:
    models = [KerasClassifier(**SETTINGS, loss="mse", label_smoothing=share) for share in (0.0, 0.1)]
    with pytest.raises(
        SpecError, match=r"label_smoothing 0.1 has no effect on the loss mean_squared_error: set it to 0"
    ):
        fit_together(models, [MATRICES[0]] * 2, LABEL, [ROW_LISTS[0]] * 2)


def test_each_epoch_is_reported_for_the_members_of_all_groups() -> None:
    reports: list[tuple[int, int]] = []
    fit_together(
        estimators(early_stopping=None),
        MATRICES,
        LABEL,
        ROW_LISTS,
        on_epoch=lambda epoch, figures, active: reports.append((epoch, len(figures["val_loss"]) + active.sum())),
    )
    assert reports == [(epoch, 12) for epoch in range(1, 7)]


class _RowsSeen(Exception):  # noqa: N818
    """Stops a fit where training would begin."""


@pytest.fixture(scope="module")
def splits() -> Callable[..., list[tuple[np.ndarray, np.ndarray]]]:
    """Return each member's rows to train on and rows held out, as the engine is given them."""

    def seen(model: Any, y: np.ndarray, groups: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
        found: list[Any] = []

        def stop(network: Any, X: Any, y: Any, members: Any, *others: Any, **named: Any) -> None:
            found.extend(zip(members.training_rows, members.validation_rows, strict=True))
            raise _RowsSeen

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tabular_dl.nn.fit_population", stop)
            with pytest.raises(_RowsSeen):
                fit_together([model] * groups, [np.zeros((len(y), 1))] * groups, y, [np.arange(len(y))] * groups)
        return found

    return seen


@settings(max_examples=25)
@given(st.integers(2, 80), st.floats(0, 0.9), st.integers(1, 3), st.integers(0, 2**31))
def test_training_rows_and_held_out_rows_part_the_rows_of_an_estimator(
    splits: Any, rows: int, fraction: float, members: int, seed: int
) -> None:
    model = KerasRegressor(validation_fraction=fraction, early_stopping=None, members=members, random_state=seed)
    held_out = 0 if fraction == 0 else max(1, round(fraction * rows))
    if held_out == rows:
        with pytest.raises(DataError, match="leaves none to train on"):
            model.fit(np.zeros((rows, 1)), np.arange(rows))
        return
    for train, validation in splits(model, np.arange(float(rows))):
        assert len(validation) == held_out
        np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(rows))


def test_each_member_holds_out_its_own_draw_whichever_group_it_is_in(splits: Any) -> None:
    model = KerasRegressor(members=3, random_state=0)
    first = splits(model, np.arange(100.0))
    assert len({tuple(np.sort(held_out)) for _, held_out in first}) == 3
    # Rows are numbered inside each group's own matrix.
    both = splits(model, np.arange(100.0), groups=2)
    for (train, held_out), (below, held_out_below) in zip(first, both[3:], strict=True):
        np.testing.assert_array_equal(train, below)
        np.testing.assert_array_equal(held_out, held_out_below)


@settings(max_examples=20)
@given(st.lists(st.integers(10, 60), min_size=2, max_size=4), st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 99))
def test_held_out_rows_have_the_classes_in_their_shares(
    splits: Any, counts: list[int], fraction: float, seed: int
) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    model = KerasClassifier(validation_fraction=fraction, members=2, random_state=seed)
    for _, held_out in splits(model, y):
        found = np.bincount(y[held_out], minlength=len(counts))
        assert (np.abs(found - np.array(counts) * len(held_out) / len(y)) < 1).all()


def test_a_class_of_one_row_is_no_reason_to_refuse(splits: Any) -> None:
    y = np.array(["rare"] + ["often"] * 19)
    for train, held_out in splits(KerasClassifier(random_state=0), y):
        assert (len(train), len(held_out)) == (18, 2)


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1), st.lists(st.integers(0, 1000), max_size=3), st.lists(st.integers(0, 1000), max_size=3)
)
def test_a_derived_seed_depends_on_its_path_alone(root: int, path: list[int], other: list[int]) -> None:
    seed = derived_seed(root, *path)
    assert seed == derived_seed(np.int64(root), *path)
    assert 0 <= seed < 2**31
    assert (seed == derived_seed(root, *other)) == (path == other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "optimizer"),
    [
        ("learning_rate", 0.05, "adam"),
        ("learning_rate", 0.05, "adagrad"),
        ("weight_decay", 0.1, "adamw"),
        ("weight_decay", 0.1, "sgd"),
        ("clip_norm", 0.1, "adam"),
    ],
)
def test_a_default_beside_a_number_is_the_default(name: str, value: float, optimizer: str) -> None:
    common = {
        "hidden": [4],
        "epochs": 4,
        "members": 1,
        "early_stopping": None,
        "random_state": 0,
        "optimizer": optimizer,
    }
    together = [KerasClassifier(**{**common, name: each}) for each in (None, value)]
    rows = np.arange(ROWS)
    fit_together(together, [MATRICES[0]] * 2, LABEL, [rows] * 2)
    assert not np.allclose(together[0].weights_["dense_0.kernel"], together[1].weights_["dense_0.kernel"], atol=1e-4)
    for model, own in zip(together, (None, value), strict=True):
        alone = KerasClassifier(**{**common, name: own}).fit(MATRICES[0], LABEL)
        for found, expected in zip(model.weights_.values(), alone.weights_.values(), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_rows_that_belong_together_are_held_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def watched(network: Any, X: Any, y: Any, members: Any, *others: Any) -> Any:
        trained.append(members)
        return fit_population(network, X, y, members, *others)

    monkeypatch.setattr("tabular_dl.nn.fit_population", watched)
    patients = np.arange(ROWS) // 4
    fit_together(estimators(epochs=1), MATRICES, LABEL, ROW_LISTS, row_groups=patients)
    (members,) = trained
    assert len(members.validation_rows) == 6
    for number, (learned, held) in enumerate(zip(members.training_rows, members.validation_rows, strict=True)):
        own = ROW_LISTS[number // 2]
        np.testing.assert_array_equal(np.sort(np.concatenate([learned, held])), own)
        assert not set(patients[learned]) & set(patients[held])
        assert len(set(patients[held])) == round(0.2 * len(set(patients[own])))
    assert not np.array_equal(members.validation_rows[0], members.validation_rows[1])


def test_by_time_the_latest_training_rows_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def watched(network: Any, X: Any, y: Any, members: Any, *others: Any) -> Any:
        trained.append(members)
        return fit_population(network, X, y, members, *others)

    monkeypatch.setattr("tabular_dl.nn.fit_population", watched)
    times = np.random.default_rng(3).permutation(ROWS)
    fit_together(estimators(epochs=1), MATRICES, LABEL, ROW_LISTS, row_groups=RowTimes.of(times, 2))
    (members,) = trained
    for number, (learned, held) in enumerate(zip(members.training_rows, members.validation_rows, strict=True)):
        own = ROW_LISTS[number // 2]
        assert set(held) == set(own[np.argsort(times[own])][-round(0.2 * len(own)) :])
        assert set(learned) == set(own[times[own] < times[held].min() - 2])


def test_a_weight_for_a_class_that_a_fold_lacks_is_no_matter() -> None:
    y = np.where(np.arange(ROWS) < 15, "rare", LABEL)  # in no row of the second estimator
    models = estimators(class_weight={"rare": 3.0, "up": 2.0})[:2]
    fit_together(models, MATRICES[:2], y, [np.arange(ROWS), np.arange(15, ROWS)], classes=np.unique(y))
    alone = estimators(class_weight={"up": 2.0})[:2]
    fit_together(alone, MATRICES[:2], y, [np.arange(ROWS), np.arange(15, ROWS)], classes=np.unique(y))
    np.testing.assert_allclose(models[1].weights_["dense_0.kernel"], alone[1].weights_["dense_0.kernel"], atol=1e-5)
    assert not np.allclose(models[0].weights_["dense_0.kernel"], alone[0].weights_["dense_0.kernel"], atol=1e-3)


def test_one_group_cannot_be_held_out_and_trained_on() -> None:
    with pytest.raises(DataError, match="All training rows of a fold are of one group, and early stopping holds out"):
        fit_together(estimators(), MATRICES, LABEL, ROW_LISTS, row_groups=np.zeros(ROWS, int))

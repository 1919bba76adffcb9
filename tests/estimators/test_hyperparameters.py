"""Every hyperparameter does what its line in the docstring says, and what cannot be is refused by its name."""

from __future__ import annotations

import inspect
import re
import warnings
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from tabular_dl.errors import SpecError
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.nn import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from tabular_dl.tracking.persistence import TRUSTED_TYPES

pytestmark = pytest.mark.slow

ROWS = 96
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)).astype("float32")
NOISY = (X @ np.array([1.0, -2.0, 0.5]) + RNG.normal(size=ROWS) > 0).astype(int)
TINY: dict[str, Any] = {
    "hidden": [8],
    "epochs": 6,
    "members": 2,
    "dropout": 0.0,
    "learning_rate": 0.02,
    "random_state": 0,
    "early_stopping": None,
}
FULL = {**TINY, "batch_size": 1000}


def fit(settings: dict[str, Any] = TINY, y: Any = NOISY, rows: Any = X, **more: Any) -> KerasClassifier:
    return KerasClassifier(**{**settings, **more}).fit(rows, y)


def size(model: Any) -> float:
    """Return the mean square of all kernels."""
    return float(np.mean([np.mean(weight**2) for name, weight in model.weights_.items() if name.endswith("kernel")]))


def test_the_docstring_tells_of_every_hyperparameter() -> None:
    names = inspect.signature(Hyperparameters).parameters
    told = re.findall(r"^    ([a-z_0-9, ]+) : ", KerasClassifier.__doc__ or "", re.MULTILINE)
    assert set(names) <= {name.strip() for line in told for name in line.split(",")}


@pytest.mark.parametrize(
    ("initializer", "activation", "deviation"),
    [("he_normal", "relu", 2 / 200), ("lecun_normal", "relu", 1 / 200), ("glorot_normal", "relu", 2 / 500)],
)
def test_an_initialiser_is_keras_own(initializer: str, activation: str, deviation: float) -> None:
    rows = RNG.normal(size=(40, 200)).astype("float32")
    settings = {**FULL, "hidden": [300], "learning_rate": 1e-9, "epochs": 1, "members": 1}
    model = fit(settings, NOISY[:40], rows, initializer=initializer, activation=activation)
    assert model.weights_["dense_0.kernel"].var() == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize(
    ("activation", "initializer"), [("relu", "he_normal"), ("tanh", "glorot_uniform"), ("selu", "lecun_normal")]
)
def test_the_initialiser_goes_by_the_activation(activation: str, initializer: str) -> None:
    assert KerasClassifier(activation=activation).kernel_initializer() == initializer


def test_vanishing_gradients_can_be_seen() -> None:
    # The course: sigmoids saturate, and little of the gradient reaches the first of many layers.
    deep = {**FULL, "hidden": [8] * 6, "epochs": 1, "optimizer": "sgd", "learning_rate": 1.0, "members": 1}
    moved = {}
    for activation in ("relu", "sigmoid"):
        start = fit(deep, activation=activation, learning_rate=1e-12).weights_
        end = fit(deep, activation=activation).weights_
        first, last = (np.abs(end[name] - start[name]).mean() for name in ("dense_0.kernel", "head.kernel"))
        moved[activation] = first / last
    assert moved["sigmoid"] < 0.1 * moved["relu"]


def test_batch_normalisation_has_statistics_that_serve_at_prediction() -> None:
    model = fit(batch_norm=True, epochs=30)
    assert len(model.weights_) == 5 + 2
    shifted = fit(batch_norm=True, epochs=30, rows=X * 100 + 7)
    assert shifted.score(X * 100 + 7, NOISY) > 0.8
    assert model.score(X, NOISY) > 0.8


def test_penalties_and_decay_make_weights_smaller() -> None:
    plain = size(fit(epochs=40))
    for name, value in (("l1", 0.02), ("l2", 0.02), ("weight_decay", 0.5)):
        assert size(fit(epochs=40, **{name: value})) < 0.8 * plain, name


def test_l1_makes_weights_of_noise_vanish() -> None:
    rows = np.column_stack([X, RNG.normal(size=(ROWS, 5))]).astype("float32")
    model = fit({**FULL, "hidden": []}, rows=rows, l1=0.1, epochs=300)
    kernel = np.abs(model.weights_["head.kernel"]).mean(axis=0)[:, 0]
    assert kernel[3:].max() < 0.1 * kernel[:2].min()


def test_dropout_of_inputs_is_that_of_a_layer_before_the_first() -> None:
    assert fit(input_dropout=0.5, epochs=40).curves_["loss"][-1].mean() > fit(epochs=40).curves_["loss"][-1].mean()


@pytest.mark.parametrize("name", ["noise", "mixup", "label_smoothing"])
def test_noise_mixup_and_smoothing_make_a_network_less_sure(name: str) -> None:
    plain, softer = (fit(epochs=60, **{name: value}).predict_proba(X) for value in (0.0, 0.9))
    assert np.abs(softer - 0.5).mean() < 0.9 * np.abs(plain - 0.5).mean()


def test_shift_shows_a_network_its_images_moved() -> None:
    # Images of 2 x 6: one bright pixel, or two beside each other, always at the same place.
    y = np.arange(ROWS) % 2
    images = np.zeros((ROWS, 2, 6), "float32")
    images[:, 0, 2] = 1
    images[y == 1, 0, 3] = 1
    moved = np.concatenate([np.roll(images[:2], move, axis=(1, 2)) for move in ((0, -1), (0, 1), (1, 0), (1, 1))])
    settings = {**TINY, "image_shape": [2, 6], "hidden": [32], "epochs": 60, "batch_size": 16}
    still, shown = (fit(settings, y, images.reshape(ROWS, 12), shift=amount) for amount in (0, 1))
    assert still.score(images.reshape(ROWS, 12), y) == 1.0
    assert shown.score(moved.reshape(8, 12), np.tile([0, 1], 4)) == 1.0
    assert still.predict_proba(moved.reshape(8, 12)).max(axis=1).min() < 0.9  # it has never seen the like


def test_shift_0_is_no_shift() -> None:
    off, without = fit(image_shape=[1, 3]), fit()
    for one, other in zip(off.weights_.values(), without.weights_.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_have_as_many_pixels_as_there_are_numbers() -> None:
    with pytest.raises(SpecError, match="image_shape: 2 x 2 are 4 pixels, but the network has 3 numeric inputs"):
        fit(image_shape=[2, 2], shift=1)


def test_mixup_trains_on_mixed_rows_with_the_mixed_loss() -> None:
    # With alpha so large, a is 1/2: a row and its partner count alike, and a linear fit sees the means of pairs.
    y = X @ np.array([1.0, -2.0, 0.5]) + 3
    settings = {**FULL, "hidden": [], "epochs": 400, "learning_rate": 0.05, "members": 1}
    model = KerasRegressor(**settings, mixup=1e6).fit(X, y)
    assert model.score(X, y) > 0.98


def test_a_schedule_and_a_plateau_lower_the_rate() -> None:
    settings = {**TINY, "epochs": 30, "learning_rate": 0.05}
    ends = {
        name: np.abs(np.diff(fit(settings, schedule=name).curves_["loss"][-3:], axis=0)).mean()
        for name in ("constant", "cosine", "exponential", "step", "one_cycle")
    }
    assert all(ends[name] < ends["constant"] for name in ("cosine", "exponential", "step", "one_cycle"))
    frozen = fit(settings, reduce_lr={"patience": 1, "factor": 0.0}, epochs=60)
    late = frozen.curves_["val_loss"][-5:]
    np.testing.assert_allclose(late, np.broadcast_to(late[-1], late.shape), rtol=1e-6)
    assert fit(settings, reduce_lr=3).curves_["val_loss"].shape == (30, 2)


def test_a_clipped_gradient_moves_no_further_than_its_bound() -> None:
    settings = {**FULL, "optimizer": "sgd", "learning_rate": 1.0, "epochs": 1}
    start, end = fit(settings, learning_rate=1e-12), fit(settings, clip_norm=0.01)
    steps = zip(start.weights_.values(), end.weights_.values(), strict=True)
    moved = np.sqrt(sum(((b - a) ** 2).sum(axis=(1, 2)) for a, b in steps))
    np.testing.assert_allclose(moved, 0.01, rtol=1e-3)


@pytest.mark.parametrize(("rows", "batch"), [(1, 32), (4096, 32), (8192, 64), (20_000, 128), (10**7, 1024)])
def test_the_automatic_batch_is_a_power_of_two_near_a_128th(rows: int, batch: int) -> None:
    assert KerasClassifier().rows_a_step(rows) == batch
    assert KerasClassifier(batch_size=7).rows_a_step(rows) == 7


def test_rows_are_held_out_where_anything_looks_at_them() -> None:
    assert KerasClassifier().held_out_share == 0.1
    assert KerasClassifier(early_stopping=None).held_out_share == 0
    assert KerasClassifier(early_stopping=None, reduce_lr=4).held_out_share == 0.1
    assert "val_loss" not in fit().curves_


def test_stopping_looks_at_the_metric_that_is_named() -> None:
    model = fit(monitor="roc_auc", early_stopping=3, epochs=40, validation_fraction=0.4)
    curve = model.curves_["val_roc_auc"]
    np.testing.assert_array_equal(np.nanargmax(curve, axis=0) + 1, model.best_epoch_)
    regressor = KerasRegressor(**{**TINY, "early_stopping": 3}, monitor="rmse").fit(X, 1000 * X[:, 0])
    loss, rmse = regressor.curves_["val_loss"], regressor.curves_["val_rmse"]
    np.testing.assert_allclose(rmse, np.sqrt(loss) * regressor.target_scale_[0], rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-46, 1e-16, 1e100])
@pytest.mark.parametrize("kind", [KerasClassifier, KerasRegressor])
def test_the_scale_of_sample_weights_says_nothing(kind: Any, scale: float) -> None:
    weights = RNG.integers(0, 5, ROWS).astype(float)
    settings: dict[str, Any] = {**TINY, "optimizer": "sgd", "validation_fraction": 0.3, "members": 1}
    y = NOISY if kind is KerasClassifier else X[:, 0] + NOISY
    plain, scaled = (kind(**settings).fit(X, y, sample_weight=w) for w in (weights, scale * weights))
    start = kind(**{**settings, "learning_rate": 1e-9}).fit(X, y, sample_weight=weights)
    assert not np.allclose(plain.weights_["dense_0.kernel"], start.weights_["dense_0.kernel"], atol=1e-3)
    for one, other in zip(plain.weights_.values(), scaled.weights_.values(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for name, curve in plain.curves_.items():
        np.testing.assert_allclose(scaled.curves_[name], curve, rtol=1e-4)


def test_the_monitor_is_weighted_as_the_loss_is() -> None:
    weights = np.where(NOISY == 1, 20.0, 1.0)
    settings: dict[str, Any] = {**TINY, "early_stopping": 3, "validation_fraction": 0.5}
    curves = {
        name: KerasClassifier(**settings, monitor=name).fit(X, NOISY, sample_weight=weights).curves_["val_accuracy"][0]
        for name in ("accuracy", "loss")
    }
    # After one epoch the two fits are the same, and one figure is scikit-learn's, the other the engine's.
    np.testing.assert_allclose(curves["accuracy"], curves["loss"], rtol=1e-5)
    unweighted = KerasClassifier(**settings).fit(X, NOISY).curves_["val_accuracy"][0]
    assert not np.allclose(curves["accuracy"], unweighted, atol=0.01)


def test_a_monitor_has_a_curve_of_its_own_where_another_figure_has_its_name() -> None:
    settings: dict[str, Any] = {**TINY, "early_stopping": 3, "validation_fraction": 0.5, "members": 1}
    labels = np.stack([NOISY, X[:, 0] > 0.5], axis=1).astype(int)
    curves = KerasClassifier(**settings, monitor="accuracy").fit(X, labels).curves_
    # A row with all labels right has each right, and of two labels that are right half the time more are.
    assert (curves["val_monitor_accuracy"] < curves["val_accuracy"]).all()
    assert (2 * curves["val_accuracy"] - 1 <= curves["val_monitor_accuracy"] + 1e-6).all()
    y = np.exp(3 + X @ np.array([1.0, -2.0, 0.5]))
    model = KerasRegressor(**settings, target_transform="log1p", monitor="mae").fit(X, y)
    of_logarithms = KerasRegressor(**settings, monitor="mae").fit(X, np.log1p(y)).curves_
    np.testing.assert_allclose(model.curves_["val_mae"][0], of_logarithms["val_mae"][0], rtol=1e-3)
    assert (model.curves_["val_monitor_mae"] > 3 * model.curves_["val_mae"]).all()
    assert np.nanargmin(model.curves_["val_monitor_mae"]) + 1 == model.best_epoch_[0]
    assert "monitor_mae" in set(model.history_["metric"])
    bounded = KerasRegressor(**settings, bounds=(0, 1000), monitor="mae").fit(X, np.minimum(y, 1000))
    assert set(of_logarithms) == set(bounded.curves_) == {"loss", "mae", "val_loss", "val_mae"}


def test_a_target_is_learned_as_its_logarithm_and_predicted_in_its_own_unit() -> None:
    y = np.exp(3 + X @ np.array([1.0, -2.0, 0.5]))
    settings = {**TINY, "early_stopping": 3, "members": 1}
    model = KerasRegressor(**settings, target_transform="log1p", monitor="rmsle").fit(X, y)
    plain = KerasRegressor(**settings, monitor="rmse").fit(X, np.log1p(y))
    np.testing.assert_allclose(model.predict(X), np.expm1(plain.predict(X)), rtol=1e-4)
    np.testing.assert_allclose(model.members_[0].predict(X, verbose=0)[:, 0], model.predict(X), rtol=1e-3)
    assert model.target_transform_ == "log1p"
    # The loss is of standardised logarithms, what is followed of logarithms, the monitor of the target itself.
    np.testing.assert_allclose(model.curves_["loss"], plain.curves_["loss"], rtol=1e-4)
    np.testing.assert_allclose(model.curves_["mae"], plain.curves_["mae"], rtol=1e-4)
    np.testing.assert_allclose(model.curves_["val_rmsle"], plain.curves_["val_rmse"], rtol=1e-3)


def test_members_average_values_and_not_logarithms_of_several_targets_too() -> None:
    y = np.exp(X[:, :2])
    model = KerasRegressor(**{**TINY, "epochs": 2}, target_transform="log1p").fit(X, y)
    each = [member.predict(X, verbose=0) for member in model.members_]
    np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-4)
    np.testing.assert_allclose(model.model_.predict(X, verbose=0), model.predict(X), rtol=1e-4)
    restored = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(restored.predict(X), model.predict(X))


def test_a_monitor_of_relative_errors_takes_a_coded_zero_for_zero() -> None:
    y = np.where(X[:, 0] > 0, 0.0, 1000.0 / 3)
    curve = KerasRegressor(**{**TINY, "early_stopping": 3}, monitor="rmsle").fit(X, y).curves_["val_rmsle"]
    assert np.isfinite(curve[0]).all()


@pytest.mark.parametrize(
    ("model", "y", "message"),
    [
        (
            KerasRegressor(target_transform="log1p", bounds=(0, 1)),
            X[:, 0] * 0 + 0.5,
            "the problem is bounded_regr",
        ),
        (
            KerasClassifier(target_transform="log1p"),
            NOISY,
            "is for a regression without bounds, the problem is binary",
        ),
        (KerasRegressor(target_transform="log"), NOISY, "target_transform should be 'log1p'"),
        (KerasRegressor(target_transform="log1p"), X[:, 0], "The target has -.* target_transform log1p is for numbers"),
    ],
)
def test_a_transform_that_does_not_suit_the_target_is_refused(model: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_monte_carlo_dropout_averages_thinned_networks() -> None:
    settings = {**TINY, "dropout": 0.4, "epochs": 30}
    plain = fit(settings)
    sampled = fit(settings, mc_dropout=200)
    np.testing.assert_allclose(sampled.predict_proba(X), plain.predict_proba(X), atol=0.1)
    assert not np.allclose(sampled.predict_proba(X), plain.predict_proba(X), atol=1e-3)
    # The same networks for all rows: a row's prediction does not depend on its neighbours.
    np.testing.assert_allclose(sampled.predict_proba(X[5:9]), sampled.predict_proba(X)[5:9], atol=1e-6)


def test_class_weights_are_row_weights() -> None:
    y = (np.arange(ROWS) < 12).astype(int)
    balanced = fit(FULL, y, class_weight="balanced")
    weights = np.where(y == 1, ROWS / (2 * 12), ROWS / (2 * (ROWS - 12)))
    by_hand = KerasClassifier(**FULL).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-5)
    by_dict = fit(FULL, y, class_weight={0: weights[-1], 1: weights[0]})
    np.testing.assert_array_equal(balanced.predict_proba(X), by_dict.predict_proba(X))
    assert balanced.predict_proba(X)[:, 1].mean() > fit(FULL, y).predict_proba(X)[:, 1].mean()


def test_a_row_twice_is_a_row_of_weight_two_and_of_weight_zero_is_absent() -> None:
    w = RNG.integers(0, 4, ROWS)
    weighted = KerasClassifier(**FULL).fit(X, NOISY, sample_weight=w)
    repeated = KerasClassifier(**FULL).fit(np.repeat(X, w, axis=0), np.repeat(NOISY, w))
    np.testing.assert_array_equal(weighted.predict_proba(X), repeated.predict_proba(X))
    np.testing.assert_array_equal(weighted.curves_["loss"], repeated.curves_["loss"])
    some = w > 0
    zero, absent = (KerasClassifier(**TINY) for _ in range(2))
    zero.fit(X, NOISY, sample_weight=some.astype(float))
    absent.fit(X[some], NOISY[some])
    np.testing.assert_allclose(zero.predict_proba(X), absent.predict_proba(X), atol=1e-6)
    with pytest.raises(ValueError, match="must contain at least one non-zero"):
        KerasClassifier(**FULL).fit(X, NOISY, sample_weight=np.zeros(ROWS))


def test_an_embedding_learns_what_a_category_means() -> None:
    codes = RNG.integers(0, 6, 400)
    y = np.isin(codes, [1, 4])
    rows = np.column_stack([RNG.normal(size=400), codes]).astype("float32")
    model = fit({**TINY, "epochs": 60}, y, rows, categorical_features=[1], embedding_size=2)
    assert model.score(rows, y) == 1.0
    assert (2, 7, 2) in [weight.shape for weight in model.weights_.values()]
    # A category that was not seen gets the unknown vector, whatever its number.
    unseen = np.array([[0.0, 77.0], [0.0, -3.0]], "float32")
    assert len(np.unique(model.predict_proba(unseen), axis=0)) == 1
    np.testing.assert_allclose(model.model_(rows)[:, 0], model.predict_proba(rows)[:, 1], atol=1e-5)
    np.testing.assert_allclose(model.model_(unseen)[:, 0], model.predict_proba(unseen)[:, 1], atol=1e-5)


def test_categorical_columns_may_be_named() -> None:
    table = pd.DataFrame({"size": X[:, 0], "kind": RNG.integers(0, 3, ROWS).astype("float32")})
    model = fit(rows=table, categorical_features=["kind"])
    assert model.inputs_["categorical"] == [1]
    with pytest.raises(SpecError, match=r"no column 'knd'\. Did you mean 'kind'"):
        fit(rows=table, categorical_features=["knd"])
    with pytest.raises(SpecError, match="no column 7 among 2"):
        fit(rows=table, categorical_features=[7])


def test_normalisation_is_keras_own_layer() -> None:
    rows = X * [1, 1000, 0.001] + [0, 5e4, 0]
    model = fit({**TINY, "epochs": 40}, rows=rows, normalize=True)
    layer = keras.layers.Normalization()
    layer.adapt(rows.astype("float32"))
    np.testing.assert_allclose(model.inputs_["mean"], layer.mean.numpy()[0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(model.inputs_["scale"] ** 2, layer.variance.numpy()[0], rtol=1e-3)
    assert model.score(rows, NOISY) > 0.8
    np.testing.assert_allclose(model.model_(rows)[:, 0], model.predict_proba(rows)[:, 1], atol=1e-4)


def test_sparse_rows_are_made_dense_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.where(np.abs(X) > 0.7, X, 0)
    dense = fit(rows=rows)
    whole = fit(rows=csr_matrix(rows))
    np.testing.assert_array_equal(whole.predict_proba(csr_matrix(rows)), dense.predict_proba(rows))
    monkeypatch.setattr("tabular_dl.nn.batches.BLOCK_BYTES", 4 * 3 * 32)
    blocks: list[tuple[int, ...]] = []
    toarray = csr_matrix.toarray

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        blocks.append(self.shape)
        return toarray(self, *args, **kwargs)

    monkeypatch.setattr(csr_matrix, "toarray", watched)
    fit(rows=csr_matrix(rows))
    assert max(shape[0] for shape in blocks) == 32
    with pytest.raises(ValueError, match="need a dense matrix"):
        fit(rows=csr_matrix(rows), normalize=True)


def test_small_integers_are_not_copied_as_floats() -> None:
    rows = RNG.integers(0, 2, (ROWS, 5)).astype("uint8")
    np.testing.assert_array_equal(
        fit(rows=rows).predict_proba(rows), fit(rows=rows.astype("float32")).predict_proba(rows)
    )


def test_callbacks_are_copied_never_shared_and_named_in_yaml_words(tmp_path: Path) -> None:
    seen: list[int] = []
    given = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    named = {"CSVLogger": {"filename": str(tmp_path / "log.csv")}}
    model = KerasClassifier(**TINY, callbacks=[given, named])
    other = clone(model)
    model.fit(X, NOISY)
    assert seen == list(range(6))
    assert len(pd.read_csv(tmp_path / "log.csv")) == 6
    assert model.callbacks == [given, named]
    assert given.model is None
    assert other.callbacks[0] is not given
    assert model.callbacks_[0] is not given


class Patient(keras.callbacks.EarlyStopping):
    """A user's own kind of early stopping."""


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (["CSVLoger"], "Keras has no callback 'CSVLoger'. Did you mean 'CSVLogger'"),
        ([{"CSVLogger": {"file": "x"}}], "CSVLogger does not take {'file': 'x'}"),
        (["EarlyStopping"], "EarlyStopping would act on all members at once; use early_stopping"),
        ([keras.callbacks.ReduceLROnPlateau()], "ReduceLROnPlateau would act on all members at once; use reduce_lr"),
        ([Patient()], "Patient would act on all members at once; use early_stopping"),
        ([3], "expected a callback, its name, or {name: {argument: value}}; found 3"),
    ],
)
def test_a_callback_that_cannot_be_is_named(callbacks: Any, message: str) -> None:
    with pytest.raises(SpecError) as error:
        fit(callbacks=callbacks)
    assert message in str(error.value)


def test_tensorboard_gets_curves_and_histograms_of_every_member(tmp_path: Path) -> None:
    from tensorflow.core.util import event_pb2
    from tensorflow.python.lib.io.tf_record import tf_record_iterator

    fit(tensorboard=str(tmp_path / "logs"), validation_fraction=0.2, epochs=3)
    for member in ("member_0", "member_1"):
        (file,) = (tmp_path / "logs" / member).iterdir()
        events = [event_pb2.Event.FromString(record) for record in tf_record_iterator(str(file))]
        tags = {value.tag for event in events for value in event.summary.value}
        assert {"epoch_loss", "epoch_val_loss", "weights/dense_0/kernel", "activations/dense_1"} <= tags
        assert {event.step for event in events if event.summary.value} == {0, 1, 2}


def test_a_verbose_fit_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    fit(verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert re.match(r"epoch 6/6: loss 0\.\d{4}, .*; 2 of 2 members ", lines[-1])


def test_history_is_a_tidy_table_of_the_curves() -> None:
    model = fit(early_stopping=2, epochs=30)
    history = model.history_
    assert list(history.columns) == ["epoch", "member", "metric", "train", "validation"]
    assert set(history["metric"]) == {"loss", "accuracy"}
    row = history[(history["epoch"] == 2) & (history["member"] == 1) & (history["metric"] == "loss")].iloc[0]
    assert row["train"] == model.curves_["loss"][1, 1]
    assert row["validation"] == model.curves_["val_loss"][1, 1]
    assert len(history) == 2 * np.isfinite(model.curves_["loss"]).sum()
    figure = model.plot_history()
    assert len(figure.axes) == 2


def test_a_member_and_the_ensemble_are_saved_and_loaded_by_keras_alone(tmp_path: Path) -> None:
    model = fit(batch_norm=True)
    for name, keras_model in (("member", model.members_[1]), ("ensemble", model.model_)):
        with warnings.catch_warnings():
            # Keras's own code under NumPy 2.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            keras_model.save(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        np.testing.assert_allclose(loaded(X), keras_model(X), atol=1e-6)
    np.testing.assert_allclose(model.model_(X)[:, 0], model.predict_proba(X)[:, 1], atol=1e-6)


def test_what_monitoring_looks_at_is_scikit_learns_metric() -> None:
    model = fit(monitor="roc_auc", early_stopping=50, epochs=1, validation_fraction=0.5, members=1)
    # One epoch: the weights are those that were scored. Rows held out are those that the loss was not trained on.
    p = model.predict_proba(X)[:, 1]
    assert abs(model.curves_["val_roc_auc"][0, 0] - roc_auc_score(NOISY, p)) < 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bounds": (3, 1)}, "bounds should be two numbers, the lower first; they are [3, 1]"),
        ({"monitor": "accuray"}, "monitor: there is no 'accuray'. Did you mean 'accuracy'"),
        ({"monitor": "accuracy", "validation_fraction": 0}, "monitor accuracy needs held-out rows"),
        ({"reduce_lr": 3, "validation_fraction": 0}, "reduce_lr needs held-out rows"),
        ({"shift": 1}, "shift needs image_shape, the height and width of the images, like [28, 28]"),
        ({"shift": 1, "image_shape": [3]}, "image_shape should be height and width; it is [3]"),
        ({"shift": 8, "image_shape": [8, 9]}, "shift 8 moves images of [8, 9] off: make it smaller"),
        ({"shift": 0.5}, "shift should be a valid integer"),
        ({"reduce_lr": {"patient": 3}}, "reduce_lr: there is no 'patient'. Did you mean 'patience'"),
        ({"reduce_lr": {"factor": 3}}, "reduce_lr.factor should be less than 1; it is 3"),
        ({"schedule": "cosin"}, "schedule: there is no 'cosin'. Did you mean 'cosine'"),
        ({"initializer": "he"}, "initializer: there is no 'he'"),
        ({"input_dropout": 1.0}, "input_dropout should be less than 1; it is 1.0"),
        ({"mc_dropout": -1}, "mc_dropout should be greater than or equal to 0; it is -1"),
        ({"clip_norm": 0.0}, "clip_norm should be greater than 0"),
        (
            {"class_weight": "balance"},
            "class_weight should be a valid dictionary or should be 'balanced'; it is 'balance'",
        ),
        ({"problem": "binry"}, "problem: there is no 'binry'. Did you mean 'binary'"),
    ],
)
def test_a_value_that_cannot_be_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        fit({**TINY, **settings})
    assert message in str(error.value)


@pytest.mark.parametrize("kind", [KerasClassifier, KerasRegressor])
def test_an_argument_that_there_is_not_is_answered_with_the_nearest_one(kind: Any) -> None:
    with pytest.raises(
        TypeError, match=f"^{kind.__name__}: there is no hyperparameter 'dropuot'. Did you mean 'dropout'"
    ):
        kind(dropuot=0.2)
    with pytest.raises(TypeError, match=f"^{kind.__name__}: .*by name.*found \\[3\\]"):
        kind([3])


def test_choices_that_type_checkers_see_are_those_of_the_engine() -> None:
    assert set(get_args(Optimizer)) == set(OPTIMIZERS)
    assert set(get_args(Schedule)) == set(SCHEDULES)

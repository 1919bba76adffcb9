"""Keras callbacks at the boundaries of epochs, and Ctrl-C that waits for the epoch under way."""

from __future__ import annotations

import signal
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from tabular_dl.nn.inference import predict
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.training import Population, fit_population

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
NETWORK = Network(3, (4,), 1, output_activation="sigmoid")


def fit(*callbacks: Any, epochs: int = 5, size: int = 2, **named: Any) -> Population:
    rows, held_out = np.arange(10, 40), np.arange(10)
    members = Members(list(range(size)), [rows] * size, [held_out] * size, learning_rate=0.05)
    how = Training("binary_crossentropy", ("binary_accuracy",), epochs=epochs, batch_size=8, compile=False)
    return fit_population(NETWORK, X, Y, members, how, callbacks, **named)


def test_events_come_in_keras_order_with_its_logs() -> None:
    events: list[Any] = []

    class Recorder(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            events.append("train begin")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            events.append(("begin", epoch))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            events.append(("end", epoch, logs))

        def on_train_end(self, logs: Any = None) -> None:
            events.append("train end")

    population = fit(Recorder(), epochs=2)
    assert [e if isinstance(e, str) else e[:2] for e in events] == [
        "train begin",
        ("begin", 0),
        ("end", 0),
        ("begin", 1),
        ("end", 1),
        "train end",
    ]
    assert events[2][2] == {name: pytest.approx(values[0].mean()) for name, values in population.history.items()}


def test_model_checkpoint_saves_the_mean_of_the_members_at_their_best_epoch(tmp_path: Path) -> None:
    file = tmp_path / "best.keras"
    best: dict[str, Any] = {"loss": np.inf}

    class Best(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if logs["val_loss"] < best["loss"]:
                best.update(loss=logs["val_loss"], outputs=self.model.predict(X, verbose=0))

    checkpoint = keras.callbacks.ModelCheckpoint(str(file), monitor="val_loss", save_best_only=True)
    with warnings.catch_warnings():
        # Keras's own code under NumPy 2.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        fit(checkpoint, Best())
        loaded = keras.saving.load_model(file)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), best["outputs"], atol=1e-6)


def test_the_model_of_a_callback_is_the_mean_of_the_members() -> None:
    outputs: list[np.ndarray] = []
    last = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: outputs.append(last.model(X).numpy()))
    population = fit(last, epochs=3)
    np.testing.assert_allclose(outputs[-1], predict(NETWORK, population.weights, X).mean(axis=0), atol=1e-6)


def test_csv_logger_writes_a_line_an_epoch(tmp_path: Path) -> None:
    population = fit(keras.callbacks.CSVLogger(str(tmp_path / "log.csv")), epochs=4)
    log = pd.read_csv(tmp_path / "log.csv")
    assert log["epoch"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(log["val_loss"], population.history["val_loss"].mean(axis=1), rtol=1e-6)


def test_tensorboard_writes_its_events(tmp_path: Path) -> None:
    fit(keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1, write_graph=False), epochs=2)
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_a_callback_may_end_training() -> None:
    def stop(epoch: int, logs: Any) -> None:
        if epoch == 1:
            stopper.model.stop_training = True

    stopper = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    assert len(fit(stopper, epochs=9).history["loss"]) == 2


def test_the_callers_list_of_callbacks_is_left_as_it_is() -> None:
    given = [keras.callbacks.LambdaCallback()]
    fit(*given)
    assert len(given) == 1


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_training_after_the_epoch_and_keeps_what_was_learned() -> None:
    before = signal.getsignal(signal.SIGINT)

    def press(epoch: int, figures: Any, active: Any) -> None:
        if epoch == 3:
            signal.raise_signal(signal.SIGINT)

    population = fit(epochs=50, on_epoch=press)
    assert len(population.history["loss"]) in (3, 4)
    assert signal.getsignal(signal.SIGINT) is before
    expected = fit(epochs=len(population.history["loss"]))
    for ours, theirs in zip(population.weights.values(), expected.weights.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("interruptible")
def test_a_second_ctrl_c_interrupts_as_usual() -> None:
    def press(epoch: int, figures: Any, active: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(epochs=5, on_epoch=press)


def test_a_handler_of_signals_that_python_did_not_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("a handler was set that cannot be taken back"))
    assert len(fit(epochs=2).history["loss"]) == 2

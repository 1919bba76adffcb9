"""Networks train on the device that is asked for, and a GPU that is not there is an error."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tabular_dl.errors import SpecError
from tabular_dl.nn import devices
from tabular_dl.nn.devices import gpus, placed, resolved_device
from tabular_dl.nn.inference import predict
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.program_key import ProgramKey
from tabular_dl.nn.training import fit_population

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X[:, :1] - X[:, 1:2]
NETWORK = Network(3, (4,), 1)
MEMBERS = Members([1, 2], [np.arange(40)] * 2)
TRAINING = Training("mean_squared_error", (), epochs=2, batch_size=20, compile=False)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Settings of TensorFlow that were changed; nothing is changed, as they would hold for all later tests."""
    changed: list[Any] = []
    config = tf.config.experimental
    monkeypatch.setattr(config, "set_memory_growth", lambda gpu, on: changed.append((gpu.name, on)))
    monkeypatch.setattr(config, "enable_tensor_float_32_execution", lambda on: changed.append(("tf32", on)))
    monkeypatch.setattr(config, "enable_op_determinism", lambda: changed.append("deterministic"))
    return changed


def show(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    seen = [SimpleNamespace(name=f"/physical_device:GPU:{number}") for number in range(count)]
    monkeypatch.setattr(devices, "gpus", lambda: seen)


def test_without_a_gpu_networks_train_on_the_processor(monkeypatch: pytest.MonkeyPatch, settings: list[Any]) -> None:
    show(monkeypatch, 0)
    assert [resolved_device("auto"), resolved_device("cpu")] == ["cpu", "cpu"]
    assert settings == []


def test_a_gpu_that_is_not_there_is_an_error_that_says_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, 0)
    with pytest.raises(SpecError, match=r"device: expected a GPU .* found .*CPU:0.* Set device: auto or cpu"):
        fit_population(NETWORK, X, Y, MEMBERS, replace(TRAINING, device="gpu"))


@pytest.mark.parametrize("choice", ["auto", "gpu"])
def test_a_gpu_is_prepared_before_its_first_use(
    monkeypatch: pytest.MonkeyPatch, settings: list[Any], choice: Any
) -> None:
    show(monkeypatch, 2)
    assert resolved_device(choice) == "gpu"
    grown = [("/physical_device:GPU:0", True), ("/physical_device:GPU:1", True)]
    assert settings == [*grown, ("tf32", False), "deterministic"]


def test_the_processor_is_taken_beside_a_gpu_if_asked(monkeypatch: pytest.MonkeyPatch, settings: list[Any]) -> None:
    show(monkeypatch, 1)
    assert resolved_device("cpu") == "cpu"
    assert settings == []
    with placed("cpu"):
        assert tf.constant(1.0).device.endswith("CPU:0")


def test_a_program_is_of_one_device() -> None:
    keys = [ProgramKey.of(NETWORK, MEMBERS, replace(TRAINING, device=name), (), False) for name in ("cpu", "gpu")]
    assert keys[0] != keys[1]
    assert keys[0].label != keys[1].label


def test_placed_on_the_processor_the_weights_are_those_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = fit_population(NETWORK, X, Y, MEMBERS, TRAINING)
    show(monkeypatch, 1)
    beside = fit_population(NETWORK, X, Y, MEMBERS, replace(TRAINING, device="cpu"))
    for name, weight in alone.weights.items():
        np.testing.assert_array_equal(beside.weights[name], weight)
    outputs = predict(NETWORK, alone.weights, X)
    monkeypatch.undo()
    np.testing.assert_array_equal(outputs, predict(NETWORK, alone.weights, X))


@pytest.mark.skipif(not gpus(), reason="TensorFlow sees no GPU")
def test_a_gpu_trains_the_networks_of_the_processor_up_to_rounding() -> None:
    first, second = (fit_population(NETWORK, X, Y, MEMBERS, replace(TRAINING, device=name)) for name in ("cpu", "gpu"))
    for name, weight in first.weights.items():
        np.testing.assert_allclose(second.weights[name], weight, rtol=1e-3, atol=1e-5)

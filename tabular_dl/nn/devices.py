"""Devices that networks train on: the processor, or a GPU that TensorFlow sees.

Training takes place on one device, which is part of the key of a program. Prediction stays on the processor, in
float64, so that a model predicts the same numbers on every machine. Where TensorFlow sees no GPU nothing is placed, and
programs are those of the processor.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import tensorflow as tf

from tabular_dl.errors import SpecError
from tabular_dl.nn.choices import Device

__all__ = ["gpus", "placed", "resolved_device"]


def gpus() -> list[Any]:
    """Return the GPUs that TensorFlow sees.

    Examples
    --------
    >>> isinstance(gpus(), list)
    True
    """
    return list(tf.config.list_physical_devices("GPU"))


def resolved_device(device: Device) -> Device:
    """Return "cpu" or "gpu" for a choice, and prepare a GPU that is taken.

    A GPU is prepared for the whole process: memory is taken as it is needed, products are of float32 without TF32, and
    operations are deterministic where TensorFlow has a deterministic one.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"}
        Choice; "auto" is a GPU if TensorFlow sees one.

    Returns
    -------
    str
        Device to train on.

    Raises
    ------
    SpecError
        If the choice is "gpu" and TensorFlow sees none.

    Examples
    --------
    >>> resolved_device("cpu")
    'cpu'
    """
    if device == "cpu":
        return "cpu"
    seen = gpus()
    if not seen:
        if device == "auto":
            return "cpu"
        built = "is" if tf.test.is_built_with_gpu_support() else "is not"
        devices = ", ".join(one.name for one in tf.config.list_physical_devices()) or "no device"
        raise SpecError(
            f"device: expected a GPU that TensorFlow sees, found {devices}; this TensorFlow {built} built for GPUs. "
            "Set device: auto or cpu, or install tensorflow[and-cuda] and NVIDIA's driver."
        )
    for gpu in seen:
        # A GPU that is in use already keeps its settings.
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.experimental.enable_op_determinism()
    return "gpu"


def placed(device: Device) -> AbstractContextManager[Any]:
    """Return a context whose variables and operations are on a device; it holds for the thread that enters it.

    Parameters
    ----------
    device : {"cpu", "gpu"}
        Device that `resolved_device` returned.

    Examples
    --------
    >>> with placed("cpu"):
    ...     tensor = tf.constant(1.0)
    >>> tensor.device.endswith("CPU:0")
    True
    """
    if not gpus():
        return nullcontext()
    context: AbstractContextManager[Any] = tf.device("/GPU:0" if device == "gpu" else "/CPU:0")
    return context

"""Presets: tables of hyperparameters that make a type of network.

A hyperparameter whose value is "auto" takes the value of the preset. Each is a hyperparameter of its own that any
network may use; a preset is nothing but the table here.

=========  =========================================================================================================
mlp        dense layers, Adam, early stopping: quick, and enough for small tables
realmlp    RealMLP with tuned defaults (Holzmüller et al., 2024, arXiv:2407.04491)
tabm       TabM: 32 networks that share weights within a member (Gorishniy et al., 2025, arXiv:2410.24210)
tabm_mini  TabM of which only the inputs' factors and the heads are each network's own (the same)
resnet     residual layers with layer normalisation (Gorishniy et al., 2021, arXiv:2106.11959)
=========  =========================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["PRESETS", "Preset", "batch_size_for", "preset_values"]

Preset = Literal["mlp", "realmlp", "tabm", "tabm_mini", "resnet"]


@dataclass(frozen=True)
class ByTarget:
    """Value that depends on the target: classes or numbers."""

    classes: Any
    numbers: Any


_MLP: dict[str, Any] = {
    "hidden": (64, 32),
    "activation": "relu",
    "parametric_activation": False,
    "initializer": "auto",
    "bias_initializer": "zeros",
    "parametrization": "standard",
    "batch_norm": False,
    "layer_norm": False,
    "residual": False,
    "linear_skip": False,
    "scaling_layer": False,
    "shared_networks": 1,
    "sharing": "mini",
    "own_batches": True,
    "numeric_embedding": "none",
    "bins": 48,
    "bin_strategy": "quantile",
    "frequencies": 16,
    "frequency_scale": 0.1,
    "numeric_embedding_size": 16,
    "embedding_size": "auto",
    "embedding_initializer": "uniform",
    "normalize": False,
    "dropout": 0.1,
    "dropout_schedule": "constant",
    "weight_decay": None,
    "weight_decay_schedule": "constant",
    "optimizer": "adam",
    "beta_2": None,
    "learning_rate": None,
    "schedule": "constant",
    "rate_factors": {},
    "decay_factors": {},
    "clip_norm": None,
    "epochs": 100,
    "drop_last": False,
    "early_stopping": 10,
    "restore_best": False,
    "label_smoothing": 0.0,
    "label_smoothing_schedule": "constant",
    "as_softmax": False,
    "clamp": False,
}
_REALMLP: dict[str, Any] = {
    **_MLP,
    "hidden": (256, 256, 256),
    "activation": ByTarget("selu", "mish"),
    "parametric_activation": True,
    "initializer": "unit_variance",
    "bias_initializer": "he+5",
    "parametrization": "ntk",
    "scaling_layer": True,
    "numeric_embedding": "pbld",
    "numeric_embedding_size": 4,
    "embedding_size": 8,
    "embedding_initializer": "normal",
    "normalize": "robust",
    "dropout": 0.15,
    "dropout_schedule": "flat_cos",
    "weight_decay": 0.02,
    "weight_decay_schedule": "flat_cos",
    "beta_2": 0.95,
    "learning_rate": ByTarget(0.04, 0.2),
    "schedule": "coslog4",
    "rate_factors": {"scaling": 6.0, "bias": 0.1, "activation": 0.1, "numeric_embedding": 0.1},
    "decay_factors": {"bias": 0.0},
    "epochs": 256,
    "drop_last": True,
    "early_stopping": None,
    "restore_best": True,
    "label_smoothing": ByTarget(0.1, 0.0),
    "as_softmax": True,
    "clamp": ByTarget(False, True),
}
_TABM: dict[str, Any] = {
    **_MLP,
    "hidden": (512, 512),
    "shared_networks": 32,
    "sharing": "full",
    "numeric_embedding": "piecewise_linear",
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 3e-4,
    "clip_norm": 1.0,
    "epochs": 200,
    "early_stopping": 16,
    "as_softmax": True,
}
_RESNET: dict[str, Any] = {
    **_MLP,
    "hidden": (192, 192),
    "layer_norm": True,
    "residual": True,
    "dropout": 0.2,
    "optimizer": "adamw",
    "weight_decay": 1e-4,
    "early_stopping": 16,
    "epochs": 200,
}
PRESETS: dict[str, dict[str, Any]] = {
    "mlp": _MLP,
    "realmlp": _REALMLP,
    "tabm": _TABM,
    "tabm_mini": {**_TABM, "sharing": "mini"},
    "resnet": _RESNET,
}
# Rows per step of tables of at most so many rows (arXiv:2407.04491 and arXiv:2410.24210); presets without an entry have
# the rule of `batch_size_for`.
_TABM_BATCHES = {2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, np.inf: 512}
_BATCHES: Mapping[str, Mapping[float, int]] = {
    "realmlp": {1_024: 64, 8_192: 128, 30_000: 256, 100_000: 512, np.inf: 1_024},
    "tabm": _TABM_BATCHES,
    "tabm_mini": _TABM_BATCHES,
}


def preset_values(preset: str, *, classification: bool) -> dict[str, Any]:
    """Return the hyperparameters of a preset.

    Parameters
    ----------
    preset : str
        Name of the preset.
    classification : bool
        Whether the target consists of classes.

    Returns
    -------
    dict
        Values by name; "auto" for those that follow from the data.

    Examples
    --------
    >>> preset_values("realmlp", classification=True)["activation"], PRESETS["mlp"]["hidden"]
    ('selu', (64, 32))
    """
    values = {}
    for name, value in PRESETS[preset].items():
        of_target = (value.classes if classification else value.numbers) if isinstance(value, ByTarget) else value
        values[name] = of_target
    return values


def batch_size_for(preset: str, rows: int) -> int:
    """Return the rows per step for a number of training rows.

    Presets from papers have the rule of their paper. Others have the power of two nearest to a 128th of the rows,
    between 32 and 1024: many small steps for a small table, and batches that use all of the processor for a large one.

    Parameters
    ----------
    preset : str
        Name of the preset.
    rows : int
        Number of training rows.

    Returns
    -------
    int
        Rows per step.

    Examples
    --------
    >>> batch_size_for("mlp", 10_000), batch_size_for("realmlp", 10_000)
    (64, 256)
    """
    if preset in _BATCHES:
        return next(size for most, size in _BATCHES[preset].items() if rows <= most)
    return int(np.clip(2 ** round(np.log2(max(1, rows) / 128)), 32, 1024))

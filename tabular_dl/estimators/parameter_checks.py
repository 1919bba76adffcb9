"""Checks of hyperparameters: names, types, and whether they suit each other. No data is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, get_args, get_type_hints

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.estimators.parameter_types import Count, Share
from tabular_dl.estimators.presets import PRESETS
from tabular_dl.nn import INITIALIZERS, NumericEmbedding, Optimizer, Schedule, WeightGroup, load_quietly
from tabular_dl.problems import METRICS, PROBLEMS, get_metric

__all__ = ["REDUCE_LR", "check_bounds", "check_preset", "check_together", "check_types", "check_values"]

# Keys of reduce_lr and their defaults.
REDUCE_LR = {"patience": 10, "factor": 0.2}
SCHEDULED = ("schedule", "dropout_schedule", "weight_decay_schedule", "label_smoothing_schedule")
# Optimizers of Keras with a second moment that decays by `beta_2`.
WITH_BETA_2 = ("adam", "adamax", "adamw", "nadam", "lion")
# Losses that have the settings of a focal loss.
FOCAL = {
    "focal_gamma": ("binary_focal_crossentropy", "categorical_focal_crossentropy"),
    "focal_alpha": ("binary_focal_crossentropy",),
}
_ARBITRARY_TYPES = ConfigDict(arbitrary_types_allowed=True)


def check_preset(name: object) -> None:
    """Raise an error if there is no preset of a name.

    Parameters
    ----------
    name : object
        Name.

    Raises
    ------
    SpecError
        If there is none.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise SpecError(f"preset: there is no {name!r}. {did_you_mean(str(name), PRESETS)}")


def check_values(settings: Any, constructor: Callable[..., None]) -> None:
    """Raise an error if the value of a hyperparameter is invalid by itself.

    Parameters
    ----------
    settings : Hyperparameters
        Hyperparameters as they were given.
    constructor : callable
        Constructor, whose annotations are the types.

    Raises
    ------
    SpecError
        If a name is unknown or a type is wrong.
    """
    check_preset(settings.preset)
    _check_names(settings)
    check_types(settings, constructor)
    for name in ("rate_factors", "decay_factors"):
        factors = getattr(settings, name)
        for group in factors if isinstance(factors, Mapping) else ():
            if group not in get_args(WeightGroup):
                raise SpecError(
                    f"{name}: there is no group of weights {group!r}. {did_you_mean(str(group), get_args(WeightGroup))}"
                )


def check_types(settings: Any, constructor: Callable[..., None]) -> None:
    """Raise an error if the value of an argument has another type than its annotation says.

    Parameters
    ----------
    settings : object
        Arguments as attributes.
    constructor : callable
        Constructor, whose annotations are the types.

    Raises
    ------
    SpecError
        If a type is wrong.
    """
    for name, adapter in _adapters(constructor).items():
        _check_type(name, adapter, getattr(settings, name))


def _check_names(settings: Any) -> None:
    """Raise an error if a name is unknown. Keras is only loaded if its names are needed: not for defaults."""
    names: dict[str, Collection[str]] = {
        "problem": ["auto", *PROBLEMS],
        "initializer": ["auto", *INITIALIZERS],
        "optimizer": ["auto", *get_args(Optimizer)],
        "numeric_embedding": ["auto", *get_args(NumericEmbedding)],
        "monitor": ["loss", *METRICS],
        **{name: ("auto", *get_args(Schedule)) for name in SCHEDULED},
    }
    if not callable(settings.activation) and settings.activation not in ("auto", "relu"):
        load_quietly()  # the command line has not, since no file has been found valid yet
        from tabular_dl.nn import ACTIVATIONS

        names["activation"] = ACTIVATIONS
    for name, valid_names in names.items():
        value = getattr(settings, name)
        if name == "monitor" and isinstance(value, str) and value.partition(":")[0] in METRICS:
            _check_metric(value)
        elif not isinstance(value, str) or value not in valid_names:
            raise SpecError(f"{name}: there is no {value!r}. {did_you_mean(str(value), valid_names)}")
    if settings.callbacks is not None:
        load_quietly()
        from tabular_dl.nn import make_callbacks

        make_callbacks(settings.callbacks)


def _check_metric(monitor: str) -> None:
    """Raise an error if the parameter of a monitored metric is invalid, or the metric is the mean over queries."""
    try:
        metric = get_metric(monitor)
    except SpecError as error:
        raise SpecError(f"monitor: {error}") from None
    if metric.by_query:
        raise SpecError(f"monitor: {monitor} is the mean over queries, which held-out rows do not know: write loss.")


def check_together(settings: Any) -> None:
    """Raise an error if hyperparameters do not suit each other.

    Parameters
    ----------
    settings : Hyperparameters
        Hyperparameters, with those of the preset in place of "auto".

    Raises
    ------
    SpecError
        If two do not suit each other; the first found is named.
    """
    check_bounds(settings.bounds)
    faults = chain(_training_faults(settings), _architecture_faults(settings), _input_faults(settings))
    for message in faults:
        raise SpecError(message)  # the first, as later checks may need that it is mended
    plateau = settings.reduce_lr if isinstance(settings.reduce_lr, Mapping) else {}
    for name in plateau:
        if name not in REDUCE_LR:
            raise SpecError(f"reduce_lr: there is no {name!r}. {did_you_mean(name, REDUCE_LR)}")
    _check_type("reduce_lr.patience", TypeAdapter(Count), plateau.get("patience", 1))
    _check_type("reduce_lr.factor", TypeAdapter(Share), plateau.get("factor", 0.5))


def check_bounds(bounds: Sequence[float] | None) -> None:
    """Raise an error for bounds of predictions that are not two numbers, the lower first.

    Parameters
    ----------
    bounds : (low, high) or None
        Bounds.

    Raises
    ------
    SpecError
        If they are not.
    """
    if bounds is not None and not (len(bounds) == 2 and bounds[0] < bounds[1]):
        raise SpecError(f"bounds should be two numbers, the lower first; they are {list(bounds)!r}.")


def _training_faults(settings: Any) -> Iterator[str]:
    if np.ndim(settings.dropout) and np.size(settings.dropout) != len(settings.hidden):
        yield (
            f"dropout should be one number, or one for each of the {len(settings.hidden)} hidden layers; "
            f"it is {settings.dropout!r}."
        )
    for name in ("early_stopping", "reduce_lr"):
        if getattr(settings, name) is not None and settings.validation_fraction == 0:
            yield f"{name} needs held-out rows: set validation_fraction above 0, or to auto, or {name} to null."
    if settings.restore_best and settings.held_out_share == 0:
        yield "restore_best needs held-out rows: set validation_fraction above 0, or to auto, or restore_best to false."
    if settings.monitor != "loss" and settings.held_out_share == 0:
        yield f"monitor {settings.monitor} needs held-out rows: set validation_fraction above 0."
    if settings.beta_2 is not None and settings.optimizer not in WITH_BETA_2:
        yield f"beta_2 is for {', '.join(WITH_BETA_2)}; the optimizer is {settings.optimizer}. Set beta_2 to null."
    for name, losses in FOCAL.items():
        if getattr(settings, name) is not None and settings.loss not in losses:
            yield (
                f"{name} is for a focal loss; the loss is {settings.loss or 'that of the problem'}. Set loss to "
                f"{' or '.join(losses)}, or {name} to null."
            )


def _architecture_faults(settings: Any) -> Iterator[str]:
    networks = settings.shared_networks
    if settings.preset in ("tabm", "tabm_mini") and networks < 2:
        yield (
            f"shared_networks should be 2 or more with preset {settings.preset}, whose networks share weights; it is "
            f"{networks}. Choose preset mlp for a single network."
        )
    if networks > 1 and not settings.hidden:
        yield "shared_networks needs hidden layers, whose weights are shared: set hidden, like [128]."
    if networks > 1 and settings.mixup and settings.own_batches:
        yield "mixup needs own_batches: false with shared_networks, since a batch is mixed as a whole."
    if settings.residual and (not settings.hidden or len(set(settings.hidden)) > 1):
        yield f"hidden should be layers of one width with residual, like [128, 128]; it is {list(settings.hidden)}."
    if settings.residual and networks > 1 and settings.sharing == "full":
        yield "sharing: full is for networks without residual layers: set sharing to mini, or residual to false."
    if settings.batch_norm and settings.layer_norm:
        yield "batch_norm and layer_norm exclude each other: set one of them to false."
    if settings.mc_dropout and (settings.residual or networks > 1 or settings.linear_skip or settings.blocks):
        yield (
            "mc_dropout is for networks without residual layers, linear_skip, shared_networks and blocks: set it to 0."
        )
    if settings.blocks and not settings.hidden:
        yield "blocks come after hidden layers: set hidden, like [64, 32]."
    if settings.numeric_embedding == "pbld" and settings.numeric_embedding_size < 2:
        yield (
            "numeric_embedding_size should be 2 or more with numeric_embedding pbld, whose vectors begin with the "
            f"number itself; it is {settings.numeric_embedding_size}."
        )


def _input_faults(settings: Any) -> Iterator[str]:
    if settings.image_shape is not None and len(settings.image_shape) != 2:
        yield f"image_shape should be height and width; it is {list(settings.image_shape)!r}."
    if settings.shift and settings.image_shape is None:
        yield "shift needs image_shape, the height and width of the images, like [28, 28]."
    if settings.shift and settings.shift >= min(settings.image_shape or ()):
        yield f"shift {settings.shift} moves images of {list(settings.image_shape or ())} off: make it smaller."
    if settings.shift and settings.numeric_embedding != "none":
        yield "shift is for networks without numeric_embedding, which changes the order of pixels: set it to none."
    if settings.categorical_features and len(set(settings.categorical_features)) < len(settings.categorical_features):
        yield f"categorical_features names a column twice: {list(settings.categorical_features)!r}."


@cache
def _adapters(constructor: Callable[..., None]) -> dict[str, TypeAdapter[Any]]:
    """Return the type check of each hyperparameter; cached, as a search checks thousands of configurations."""
    types = get_type_hints(constructor, include_extras=True)
    return {name: TypeAdapter(hint, config=_ARBITRARY_TYPES) for name, hint in types.items() if name != "return"}


def _check_type(name: str, adapter: TypeAdapter[Any], value: object) -> None:
    try:
        adapter.validate_python(_without_numpy(value))
    except ValidationError as error:
        # Pydantic's messages for these name Python's types. Those that expect "auto" are left out.
        no_list = ("'str' instances are not allowed as a Sequence value", "should be an instance of Sequence")
        messages = [fault["msg"] for fault in error.errors() if fault["msg"] != "Input should be 'auto'"]
        texts = [message.removeprefix("Input ") for message in messages]
        reasons = " or ".join(dict.fromkeys("should be a list" if text in no_list else text for text in texts))
        raise SpecError(f"{name} {reasons}; it is {value!r}.") from None


def _without_numpy(value: object) -> object:
    """Return Python's numbers and lists for NumPy's scalars and arrays, which are valid values as well."""
    if isinstance(value, list | tuple):
        return [_without_numpy(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value

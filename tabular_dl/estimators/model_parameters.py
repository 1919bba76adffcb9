"""Checks of models other than networks before anything is trained: the class and its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.estimators.model_table import MODELS, NETWORK, model_named

__all__ = ["TREES", "check_model", "known_parameters", "model_class"]

# Parameters that have a key of their own in a pipeline file.
OTHER_KEYS = {
    "random_state": "Set seed.",
    "random_seed": "Set seed.",
    "seed": "Set seed.",
    "early_stopping": "Set model.early_stopping.",
    "early_stopping_rounds": "Set model.early_stopping.",
    "early_stopping_round": "Set model.early_stopping.",
    "n_iter_no_change": "Set model.early_stopping.",
    "validation_fraction": "Set training.validation_fraction.",
    "class_weight": "Set training.class_weight.",
    "categorical_features": "Name the columns in a rule with encode: native.",
    "categorical_feature": "Name the columns in a rule with encode: native.",
    "cat_features": "Name the columns in a rule with encode: native.",
    "enable_categorical": "Name the columns in a rule with encode: native.",
    "feature_types": "Name the columns in a rule with encode: native.",
}
# Packages of the extra ``trees``.
TREES = ("catboost", "lightgbm", "xgboost")


def model_class(name: str, *, classification: bool) -> type:
    """Return the class of a model.

    Parameters
    ----------
    name : str
        Key of `tabular_dl.estimators.model_table.MODELS`, or ``package.module:Class``.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    type
        Class with the methods ``fit``, ``predict`` and ``get_params``.

    Raises
    ------
    SpecError
        If there is no such model, its library is not installed, or the class is no estimator.

    Examples
    --------
    >>> model_class("ridge", classification=False).__name__
    'Ridge'
    """
    if ":" not in name and name not in MODELS:
        names = (NETWORK, *MODELS)
        raise SpecError(f"model: there is no {name!r}. {did_you_mean(name, names)} Any class: package.module:Class.")
    model = model_named(name)
    module, _, attribute = (model.classifier if classification else model.regressor).partition(":")
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError as error:
        package = module.partition(".")[0]
        if package in TREES:
            raise SpecError(f'model: {package} is not installed: pip install "tabular-dl[trees]".') from None
        raise SpecError(f"model: {name}: {module} cannot be imported ({error}). Install the package.") from None
    except (TypeError, ValueError) as error:  # of a name such as ".module"
        raise SpecError(f"model: {name}: expected package.module:Class ({error}).") from None
    if found is None:
        raise SpecError(
            f"model: {name}: {module} has no {attribute!r}. {did_you_mean(attribute, dir(import_module(module)))}"
        )
    if not inspect.isclass(found) or any(not hasattr(found, method) for method in ("fit", "predict", "get_params")):
        raise SpecError(
            f"model: {name} is no scikit-learn estimator, as it is no class with fit, predict and get_params."
        )
    return found


def known_parameters(kind: type) -> Sequence[str]:
    """Return the names of the parameters of a class, those that its library knows by other names included.

    Parameters
    ----------
    kind : type
        Class of a model.

    Returns
    -------
    sequence of str
        Names.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> known_parameters(Ridge)[:2]
    ['alpha', 'copy_X']
    """
    names = [name for name in inspect.signature(kind).parameters if name not in ("self", "args", "kwargs")]
    with suppress(Exception):  # a class whose parameters have no defaults
        names += kind().get_params()
    if kind.__module__.startswith("lightgbm"):
        with suppress(ImportError, AttributeError):  # not public, and only for better messages
            from lightgbm.basic import _ConfigAliases

            names += _ConfigAliases._get_all_param_aliases()
            names += [alias for aliases in _ConfigAliases._get_all_param_aliases().values() for alias in aliases]
    return sorted(set(names))


def check_model(
    name: str, parameters: Mapping[str, Any], *, classification: bool, needs_probabilities: bool = False
) -> None:
    """Raise an error for a model that could not be trained.

    Parameters
    ----------
    name : str
        Name or class of the model.
    parameters : mapping of str to object
        Parameters.
    classification : bool
        Whether the target consists of labels.
    needs_probabilities : bool, default=False
        Whether the metric needs more than the predicted labels.

    Raises
    ------
    SpecError
        If there is no such model or parameter, or the model predicts no probabilities and they are needed.

    Examples
    --------
    >>> check_model("ridge", {"alfa": 2.0}, classification=False)
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: model.parameters.alfa: Ridge has no such parameter. Did you mean 'alpha'? ...
    """
    kind = model_class(name, classification=classification)
    known = known_parameters(kind)
    for parameter in parameters:
        if parameter in OTHER_KEYS:
            raise SpecError(f"model.parameters.{parameter}: {OTHER_KEYS[parameter]}")
        if parameter not in known:
            raise SpecError(
                f"model.parameters.{parameter}: {kind.__name__} has no such parameter. {did_you_mean(parameter, known)}"
            )
    try:
        model = kind(**{**model_named(name).own_values, **parameters})
    except Exception as error:  # noqa: BLE001 (each library raises its own)
        raise SpecError(f"model: {name} cannot be made with these parameters: {first_line(error)}") from None
    if classification and needs_probabilities and not hasattr(model, "predict_proba"):
        raise SpecError(
            f"model: {kind.__name__} predicts no probabilities, which the metric needs: write metric: accuracy, or "
            "take another model."
        )


def first_line(error: Exception) -> str:
    """Return the first line of an error of a library, or its type if it has no text."""
    lines = str(error).strip().splitlines()
    return f"{(lines[0] if lines else type(error).__name__)[:300].rstrip('.')}."

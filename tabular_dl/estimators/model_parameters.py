"""Checks of models other than networks before anything is trained: the class and its parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.estimators.model_table import MODELS, NETWORK, model_named

__all__ = [
    "TREES",
    "boosting_rounds",
    "check_model",
    "first_line",
    "known_parameters",
    "make_model",
    "model_class",
]

# Parameters that have a key of their own in a pipeline file.
OTHER_KEYS = {
    "random_state": "Set seed.",
    "random_seed": "Set seed.",
    "seed": "Set seed.",
    "class_weight": "Set training.class_weight.",
    "categorical_features": "Name the columns in a rule with encode: native.",
    "categorical_feature": "Name the columns in a rule with encode: native.",
    "cat_features": "Name the columns in a rule with encode: native.",
    "enable_categorical": "Name the columns in a rule with encode: native.",
    "feature_types": "Name the columns in a rule with encode: native.",
}
# The same of models that stop early by this package's held-out rows. Others may hold out rows of their own.
OF_ROUNDS = {
    "early_stopping": "Set model.early_stopping.",
    "early_stopping_rounds": "Set model.early_stopping.",
    "early_stopping_round": "Set model.early_stopping.",
    "n_iter_no_change": "Set model.early_stopping.",
    "od_wait": "Set model.early_stopping.",
    "validation_fraction": "Set training.validation_fraction.",
}
# Names of one parameter of CatBoost, which refuses two of them.
CATBOOST = (
    {"iterations", "n_estimators", "num_boost_round", "num_trees"},
    {"logging_level", "silent", "verbose", "verbose_eval"},
)
# Place in a library's source, before or after the text of an error.
_PLACE = re.compile(r"^(\[[\d:]+\] )?\S+\.(cc|cpp|cu|h):\d+: | at \S+, line \d+ *\.?$")
# Objectives of XGBoost whose boosters predict no probabilities, and those to take instead.
LABELS_ONLY = {
    "binary:hinge": "binary:logistic",
    "binary:logitraw": "binary:logistic",
    "multi:softmax": "multi:softprob",
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
    if not all(part.isidentifier() for part in (*module.split("."), attribute)):
        raise SpecError(f"model: {name}: expected package.module:Class, such as sklearn.svm:SVC.")
    package = module.partition(".")[0]
    try:
        imported = import_module(module)
    except ModuleNotFoundError as error:
        if package in TREES and error.name == package:
            raise SpecError(f'model: {package} is not installed: pip install "tabular-dl[trees]".') from None
        raise SpecError(f"model: {name}: {module} cannot be imported ({error}). Install the package.") from None
    except Exception as error:  # a module runs any code, and a library may lack another of the system
        raise SpecError(f"model: {name}: {module} cannot be imported ({first_line(error)})") from error
    estimator = getattr(imported, attribute, None)
    if estimator is None:
        public = [known for known in dir(imported) if not known.startswith("_")]
        raise SpecError(f"model: {name}: {module} has no {attribute!r}. {did_you_mean(attribute, public)}")
    if not inspect.isclass(estimator) or any(
        not hasattr(estimator, method) for method in ("fit", "predict", "get_params")
    ):
        raise SpecError(
            f"model: {name} is no scikit-learn estimator, as it is no class with fit, predict and get_params."
        )
    return estimator


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
    names += [alias for aliases in _synonyms(kind) for alias in aliases]
    # n_jobs has no effect on linear models any more, and they warn of it.
    return sorted({*names} - ({"n_jobs"} if kind.__module__.startswith("sklearn.linear_model") else set()))


def make_model(name: str, kind: type, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    """Return an unfitted model.

    Parameters
    ----------
    name : str
        Name of the model.
    kind : type
        Its class.
    parameters : mapping of str to object
        Parameters that are given.
    settings : mapping of str to object
        Parameters that follow from the pipeline. Those that are given, by any of their names, come before these and
        before this package's own values.

    Returns
    -------
    estimator
        Model.

    Raises
    ------
    SpecError
        If one parameter is given by two names.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> make_model("knn", KNeighborsRegressor, {"n_neighbors": 3}, {})
    KNeighborsRegressor(n_neighbors=3, weights='distance')
    """
    accepted, given = known_parameters(kind), _named_as_arguments(parameters, kind)
    values = {**{key: value for key, value in model_named(name).own_values.items() if key in accepted}, **settings}
    taken = {*given}.union(*(group for group in _synonyms(kind) if not group.isdisjoint(given)))
    return kind(**{key: value for key, value in values.items() if key not in taken}, **given)


def boosting_rounds(name: str, parameters: Mapping[str, Any], *, classification: bool) -> tuple[str, int] | None:
    """Return the parameter with the number of boosting rounds, as it is given if it is, and the number.

    Parameters
    ----------
    name : str
        Name or class of the model.
    parameters : mapping of str to object
        Parameters that are given.
    classification : bool
        Whether the target consists of labels.

    Returns
    -------
    tuple of (str, int) or None
        Name and value; None for models without rounds.

    Examples
    --------
    >>> boosting_rounds("hist_gradient_boosting", {"max_iter": 50}, classification=True)
    ('max_iter', 50)
    """
    model = model_named(name)
    if model.rounds is None:
        return None
    groups = _synonyms(model_class(name, classification=classification))
    names = next((group for group in groups if model.rounds in group), {model.rounds})
    return next(
        ((key, parameters[key]) for key in parameters if key in names), (model.rounds, model.own_values[model.rounds])
    )


def _named_as_arguments(parameters: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return parameters under the names of the arguments of a class, where they are given by other names.

    LightGBM's classes ignore ``eta``, as they pass ``learning_rate`` on as well.
    """
    arguments = inspect.signature(kind).parameters
    given: list[str] = []
    named: dict[str, Any] = {}
    for name, value in parameters.items():
        group = next((group for group in _synonyms(kind) if name in group), {name})
        same = sorted(group.intersection(arguments))
        argument = name if name in arguments or len(same) != 1 else same[0]
        if not group.isdisjoint(given):
            other = next(other for other in given if other in group)
            raise SpecError(f"model.parameters.{name}: it is the same as {other}; keep one of the two.")
        given.append(name)
        named[argument] = value
    return named


def _synonyms(kind: type) -> list[set[str]]:
    """Return sets of names of one parameter each."""
    package = kind.__module__.partition(".")[0]
    if package == "lightgbm":
        with suppress(ImportError, AttributeError):  # not public
            from lightgbm.basic import _ConfigAliases

            groups = _ConfigAliases._get_all_param_aliases()
            return [{name, *others} for name, others in groups.items()]
    return list(CATBOOST) if package == "catboost" else []


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
    tabular_dl.errors.SpecError: model.parameters.alfa: Ridge has no such parameter. Did you mean 'alpha'?
    """
    from sklearn.base import is_classifier, is_regressor  # here, as pipelines of networks are read without it

    model_type = model_class(name, classification=classification)
    accepted = known_parameters(model_type)
    elsewhere = OTHER_KEYS if model_named(name).rounds is None else OTHER_KEYS | OF_ROUNDS
    for parameter in parameters:
        if parameter in elsewhere:
            raise SpecError(f"model.parameters.{parameter}: {elsewhere[parameter]}")
        if parameter not in accepted:
            raise SpecError(
                f"model.parameters.{parameter}: {model_type.__name__} has no such parameter. "
                f"{did_you_mean(parameter, accepted)}"
            )
    if parameters.get("objective") in LABELS_ONLY:
        objective = parameters["objective"]
        raise SpecError(
            f"model.parameters.objective: {objective} predicts labels or scores, not probabilities: write "
            f"{LABELS_ONLY[objective]}."
        )
    try:
        model = make_model(name, model_type, parameters, {})
        if hasattr(model_type, "_parameter_constraints"):  # scikit-learn's models check them only in fit
            model._validate_params()
    except SpecError:
        raise
    except Exception as error:  # noqa: BLE001 (each library raises its own)
        raise SpecError(f"model.parameters: {name} cannot be made with them: {first_line(error)}") from None
    if (is_regressor if classification else is_classifier)(model):
        raise SpecError(
            f"model: {model_type.__name__} predicts {'numbers' if classification else 'classes'}, and the target is "
            f"{'one of classes' if classification else 'a number'}: take another class."
        )
    if classification and needs_probabilities and not hasattr(model, "predict_proba"):
        raise SpecError(
            f"model: {model_type.__name__} predicts no probabilities, which the metric needs: write metric: accuracy, "
            "or take another model."
        )


def first_line(error: Exception) -> str:
    """Return the first line of an error of a library without the place in its source, or its type without text."""
    lines = str(error).strip().splitlines()
    line = _PLACE.sub("", lines[0]) if lines else ""
    return f"{(line or type(error).__name__)[:300].rstrip(' .')}."

"""Construction of a scikit-learn `Pipeline` from a specification: features -> preprocessing -> model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline

from tabular_dl.competition import Competition, load_competition
from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import (
    Hyperparameters,
    KerasClassifier,
    KerasRegressor,
    ModelClassifier,
    ModelRegressor,
    check_model,
    model_named,
)
from tabular_dl.preprocessing import CODES, DerivedFeatures, build_preprocessing
from tabular_dl.problems import Metric, Problem, get_metric, get_problem, infer_problem
from tabular_dl.spec.callbacks import in_folder
from tabular_dl.spec.own_metric import OwnMetric, own_metric
from tabular_dl.spec.python_references import python_features, python_settings, python_transformer
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.used_columns import unmatched_columns

__all__ = [
    "SHARED",
    "build_pipeline",
    "check_network",
    "check_settings",
    "competition_of",
    "metric_of",
    "network_settings",
    "problem_of",
    "reads_missing",
    "whole_tables",
]


def competition_of(spec: PipelineSpec) -> Competition:
    """Return the tables of a specification, read from their files.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.

    Returns
    -------
    Competition
        Tables.

    Raises
    ------
    DataError
        If a file or column is missing or a value is invalid; the message names file, column and row.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> competition_of(load_spec("wine")).train.shape
    (142, 15)
    """
    data = spec.data
    files = data.model_dump(include={"train", "test", "sample", "labels", "target_number", "stream"})
    return load_competition(data.source, data.target, data.id, **files)


def whole_tables(spec: PipelineSpec, competition: Competition | None = None) -> Competition:
    """Return the tables of a specification, for what needs all training rows in memory.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    competition : Competition, optional
        Tables, if they have been read already.

    Returns
    -------
    Competition
        Tables.

    Raises
    ------
    DataError
        As for `competition_of`; and if the training rows are read in blocks.
    """
    competition = competition or competition_of(spec)
    if competition.source is not None:
        raise DataError(
            f"pipeline {spec.name}: the training rows are read in blocks ({competition.train_file} and others), which "
            "fit, check, submit and predict can. This command needs them in memory: name one file of them, as by "
            "--set data.train=FILE --set data.stream=false."
        )
    return competition


def build_pipeline(spec: PipelineSpec, problem: Problem, folder: Path | None = None) -> Pipeline:
    """Return the unfitted pipeline of a specification, from raw rows to predictions.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    folder : Path, optional
        Folder that Keras callbacks write into; by default callbacks that write are left out.

    Returns
    -------
    Pipeline
        Pipeline with the steps "features", "python" for ``features.python``, "preprocessing" and "network", or "model"
        for a model of another library.

    Raises
    ------
    SpecError
        If a hyperparameter is invalid or contradicts a rule, or a Python file cannot be read.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> [name for name, _ in build_pipeline(load_spec("wine"), get_problem("multiclass")).steps]
    ['features', 'preprocessing', 'network']
    """
    preprocessing = build_preprocessing(
        spec.columns,
        unmatched_columns(spec),
        classification=problem.classification,
        random_state=spec.seed,
        python=partial(python_transformer, spec),
    )
    python = python_features(spec)
    return Pipeline(
        [
            ("features", DerivedFeatures(spec.derived, spec.data.only_target)),
            *([] if python is None else [("python", python)]),
            ("preprocessing", preprocessing),
            _last_step(spec, problem, folder),
        ]
    )


def _last_step(spec: PipelineSpec, problem: Problem, folder: Path | None) -> tuple[str, Any]:
    """Return the name of the last step, and the unfitted estimator."""
    if spec.model.is_network:
        estimator = KerasClassifier if problem.classification else KerasRegressor
        return "network", estimator(problem=problem.name, **in_folder(network_settings(spec), folder))
    model_type = ModelClassifier if problem.classification else ModelRegressor
    return "model", model_type(**model_settings(spec, problem))


def check_settings(spec: PipelineSpec, problem: Problem) -> None:
    """Raise an error for settings that neither networks nor the model of a pipeline can be trained with.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem, which the metric can score.

    Raises
    ------
    SpecError
        If a setting is invalid; the message begins with the name of the pipeline.
    """
    if spec.model.is_network:
        network_settings(spec)
    else:
        model_settings(spec, problem)


# Hyperparameters under ``network`` and ``training`` that other models have as well.
SHARED = ("bounds", "class_weight", "target_transform", "validation_fraction")


def model_settings(spec: PipelineSpec, problem: Problem) -> dict[str, Any]:
    """Return the arguments of `ModelClassifier` or `ModelRegressor` for a model of another library.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline with a model other than ``network``.
    problem : Problem
        Type of problem.

    Returns
    -------
    dict
        Arguments.

    Raises
    ------
    SpecError
        If there is no such model or parameter, or the metric needs probabilities that the model does not predict.
    """
    model, metric = spec.model, metric_of(spec, problem)
    try:
        check_model(
            model.name,
            model.parameters,
            classification=problem.classification,
            needs_probabilities=metric.looks_at != "labels",
        )
    except SpecError as error:
        raise SpecError(f"pipeline {spec.name}: {error}") from None
    given = {**spec.network, **spec.training}
    return {
        "name": model.name,
        "parameters": dict(model.parameters),
        "early_stopping": model.early_stopping,
        "members": spec.ensemble.members,
        "problem": problem.name,
        "random_state": spec.seed,
        "categorical_features": [*range(_coded_columns(spec))] or None,
        **{name: given[name] for name in SHARED if name in given},
    }


def reads_missing(spec: PipelineSpec) -> bool:
    """Return whether the model of a pipeline reads missing numbers, so that ``impute: none`` may leave them."""
    return not spec.model.is_network and model_named(spec.model.name).native


def _coded_columns(spec: PipelineSpec) -> int:
    """Return the number of columns that are whole numbers for categories; the preprocessing puts them first."""
    return sum(len(rule.columns) for rule in spec.columns if rule.encode in CODES)


def network_settings(spec: PipelineSpec) -> dict[str, Any]:
    """Return the hyperparameters of a specification's network, including those that follow from its rules.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.

    Returns
    -------
    dict
        Arguments of `KerasClassifier` or `KerasRegressor`, except ``problem``.

    Raises
    ------
    SpecError
        If a hyperparameter is invalid or contradicts a rule; the message names the pipeline.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> network_settings(load_spec("wine", ["seed=3"]))["random_state"]
    3
    """
    settings = {**spec.network, **spec.training, **python_settings(spec)}
    settings |= {"members": spec.ensemble.members, "random_state": spec.seed}
    embedded = _coded_columns(spec)
    if embedded:
        if settings.get("categorical_features"):
            raise SpecError(
                f"pipeline {spec.name}: network.categorical_features and a rule with encode: embedding say the same "
                "thing: leave network.categorical_features out."
            )
        settings["categorical_features"] = list(range(embedded))
    try:
        check_network(settings)
    except SpecError as error:
        raise SpecError(f"pipeline {spec.name}: {error}") from None
    return settings


def check_network(settings: Mapping[str, Any]) -> None:
    """Raise an error for hyperparameters that no network can be trained with; the `check` of `load_spec`.

    Parameters
    ----------
    settings : mapping of str to object
        Hyperparameters by name.

    Raises
    ------
    SpecError
        If a value is invalid. The message begins with the name of the hyperparameter.
    """
    Hyperparameters(**settings).check_parameters()


def problem_of(spec: PipelineSpec, y: ArrayLike) -> Problem:
    """Return the type of problem that a specification names, or that is detected from the target.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    y : array-like of shape (rows,) or (rows, targets)
        Target of the training rows.

    Returns
    -------
    Problem
        Type of problem.

    Raises
    ------
    DataError
        If the type is to be detected and none fits.
    """
    try:
        return infer_problem(y) if spec.problem == "auto" else get_problem(spec.problem)
    except DataError as error:
        raise error if np.ndim(y) == 1 else DataError(f"pipeline {spec.name}: data.target: {error}") from None


def metric_of(spec: PipelineSpec, problem: Problem) -> Metric:
    """Return the metric of a specification.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.

    Returns
    -------
    Metric
        Metric that the specification names, or the default one of the type of problem.

    Raises
    ------
    SpecError
        If the metric cannot score this type of problem, or its Python file cannot be read.
    """
    if isinstance(spec.metric, OwnMetric):
        return own_metric(spec.metric, spec.python, problem)
    metric = get_metric(spec.metric or problem.metric)
    metric.check(problem)
    return metric

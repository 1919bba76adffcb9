"""From a specification to a scikit-learn `Pipeline`: features -> preprocessing -> network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from tabular_dl.competition import Competition, load_competition
from tabular_dl.errors import SpecError
from tabular_dl.estimators import Hyperparameters, KerasClassifier, KerasRegressor
from tabular_dl.preprocessing import DerivedFeatures, build_preprocessing, columns_read, resolve
from tabular_dl.problems import Metric, Problem, get_metric, get_problem, infer_problem
from tabular_dl.spec.reader import PipelineSpec

__all__ = [
    "build_pipeline",
    "check_network",
    "columns_used",
    "competition_of",
    "metric_of",
    "network_settings",
    "problem_of",
]


def competition_of(spec: PipelineSpec) -> Competition:
    """Read the tables of a specification.

    Raises
    ------
    DataError
        Naming the file, the column and the row, what was expected and what to do.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> competition_of(load_spec("wine")).train.shape
    (142, 15)
    """
    data = spec.data
    return load_competition(data.source, data.target, data.id, train=data.train, test=data.test, sample=data.sample)


def build_pipeline(spec: PipelineSpec, problem: Problem) -> Pipeline:
    """Return the unfitted pipeline of a specification, from raw rows to predictions.

    Parameters
    ----------
    spec : PipelineSpec
        What the user wrote.
    problem : Problem
        Whether to classify or to predict a number.

    Returns
    -------
    Pipeline
        With the steps "features", "preprocessing" and "network".

    Raises
    ------
    SpecError
        If a hyperparameter cannot be used, or contradicts a rule.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> [name for name, _ in build_pipeline(load_spec("wine"), get_problem("multiclass")).steps]
    ['features', 'preprocessing', 'network']
    """
    estimator = KerasClassifier if problem.classification else KerasRegressor
    settings = network_settings(spec)
    network = estimator(problem=problem.name, **settings)
    preprocessing = build_preprocessing(
        spec.columns, unmatched_columns(spec), classification=problem.classification, random_state=spec.seed
    )
    return Pipeline(
        [
            ("features", DerivedFeatures(spec.features)),
            ("preprocessing", preprocessing),
            ("network", network),
        ]
    )


def network_settings(spec: PipelineSpec) -> dict[str, Any]:
    """Return the hyperparameters of a specification's network, with what follows from its rules.

    Raises
    ------
    SpecError
        If they contradict a rule, or cannot be used; the pipeline is named.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> network_settings(load_spec("wine", ["seed=3"]))["random_state"]
    3
    """
    settings = {**spec.network, **spec.training, "members": spec.ensemble.members, "random_state": spec.seed}
    embedded = sum(len(rule.columns) for rule in spec.columns if rule.encode == "embedding")
    if embedded:
        if settings.get("categorical_features"):
            raise SpecError(
                f"pipeline {spec.name}: network.categorical_features and a rule with encode: embedding say the same "
                "thing: leave network.categorical_features out."
            )
        # Their codes are the first columns of the matrix.
        settings["categorical_features"] = list(range(embedded))
    try:
        check_network(settings)
    except SpecError as error:
        raise SpecError(f"pipeline {spec.name}: {error}") from None
    return settings


def check_network(settings: Mapping[str, Any]) -> None:
    """Refuse hyperparameters of a pipeline file that no network can be trained with, for `load_spec`.

    Raises
    ------
    SpecError
        Naming the hyperparameter first, what it must be and what it is.
    """
    Hyperparameters(**settings).check_parameters()


def problem_of(spec: PipelineSpec, y: Any) -> Problem:
    """Return the type of problem that a specification names, or that the target shows."""
    return infer_problem(y) if spec.problem == "auto" else get_problem(spec.problem)


def metric_of(spec: PipelineSpec, problem: Problem) -> Metric:
    """Return the metric that runs of a specification are scored by.

    Raises
    ------
    SpecError
        If that metric cannot score this type of problem.
    """
    metric = get_metric(spec.metric or problem.metric)
    metric.check(problem)
    return metric


def columns_used(spec: PipelineSpec, rows: pd.DataFrame) -> list[str]:
    """Name the raw columns that predictions are made from, in the table's order."""
    used = columns_named(spec, rows.columns)
    return [name for name in rows.columns if name in used]


def columns_named(spec: PipelineSpec, columns: Collection[str]) -> set[str]:
    """Return the columns and features that features and rules are made from, those that match a pattern included."""
    plain = {name for rule in spec.columns for name in rule.columns}
    matching = {name for rule in spec.columns for name in resolve(rule.columns, columns, unmatched_columns(spec))}
    return {*columns_read(spec.features), *plain, *matching}


def unmatched_columns(spec: PipelineSpec) -> tuple[str | None, ...]:
    """Return the columns that no pattern means."""
    return spec.data.target, spec.data.id

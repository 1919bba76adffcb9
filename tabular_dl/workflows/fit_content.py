"""Content of the run of a fit: parameters, metrics, curves, tags, tables and model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabular_dl import tracking
from tabular_dl.competition import Competition
from tabular_dl.model_selection import mean_and_error
from tabular_dl.reporting import FitResult, by_split
from tabular_dl.spec import PipelineSpec, leaves
from tabular_dl.tracking import environment
from tabular_dl.workflows.python_tag import python_tag

__all__ = ["run_content"]


def run_content(result: FitResult, tags: Mapping[str, str]) -> tracking.RunContent:
    """Return the content of the run of a fit.

    Parameters
    ----------
    result : FitResult
        Fitted cross-fit and its scores.
    tags : mapping of str to str
        Tags of the run in addition to those of every fit.

    Returns
    -------
    RunContent
        Content of the run.
    """
    spec, crossfit, competition = result.spec, result.crossfit, result.competition
    mean, error = mean_and_error(result.scores, result.ratio)
    threshold = getattr(crossfit, "threshold_", None)
    baselines = {f"baseline_{name.replace(' ', '_')}": scores.mean() for name, scores in result.baselines.items()}
    lengths = _lengths(result)
    folds = [
        {"cv_score": score, **{name: values[fold].mean() for name, values in lengths.items()}}
        for fold, score in enumerate(result.scores)
    ]
    return tracking.RunContent(
        pipeline=spec.name,
        kind="fit",
        parameters=leaves(spec),
        metrics={
            "cv_score": mean,
            "cv_standard_error": error,
            f"cv_{result.metric.name}": mean,
            **{name: values.mean() for name, values in lengths.items()},
            "training_seconds": result.seconds,
            **({} if threshold is None else {"threshold": threshold}),
            **{f"cut_point_{number}": value for number, value in enumerate(_cut_points(crossfit), start=1)},
            **_at_best(crossfit),
            **baselines,
        },
        curves={name: _mean_over_members(values) for name, values in crossfit.curves_.items()},
        folds=folds,
        tags={
            **tracking.metric_tags(result.metric),
            "tabular_dl.problem": result.problem.name,
            "tabular_dl.data_digest": competition.digest,
            **tracking.fold_tags(crossfit, result.scores),
            "tabular_dl.surroundings": json.dumps(environment(crossfit)),
            **({"tabular_dl.interrupted": result.interrupted} if result.interrupted else {}),
            **({"tabular_dl.test_digest": competition.test_digest} if spec.ensemble.pseudo_labels else {}),
            **tags,
            **python_tag(spec),
        },
        description=_description(result),
        tables=_tables(spec, competition),
        model=crossfit,
        example=competition.train.drop(columns=spec.data.target),
        started=result.started,
    )


def _tables(spec: PipelineSpec, competition: Competition) -> list[tracking.Table]:
    """Return the training table, and the test table if there is one."""
    source = str(competition.folder)
    train = (f"{spec.name}-train", "training", competition.train, source, competition.digest, spec.data.target)
    if competition.test is None:
        return [tracking.Table(*train)]
    test = (f"{spec.name}-test", "prediction", competition.test, source, competition.test_digest)
    return [tracking.Table(*train), tracking.Table(*test)]


def _cut_points(crossfit: Any) -> list[float]:
    cut_points = getattr(crossfit, "cut_points_", None)
    return [] if cut_points is None else cut_points.tolist()


def _lengths(result: FitResult) -> dict[str, np.ndarray]:
    """Return the best epoch of each network, or the boosting rounds of each model if it has any, (folds, members)."""
    shape = (result.folds, result.spec.ensemble.members)
    if result.of_networks:
        return {"best_epoch": result.crossfit.best_epoch_.reshape(shape)}
    rounds = result.crossfit.rounds_
    return {} if rounds is None else {"boosting_rounds": rounds.reshape(shape[0], -1)}


def _at_best(crossfit: Any) -> dict[str, float]:
    """Return the mean of each learning curve at the networks' best epochs."""
    curves = crossfit.curves_
    best = crossfit.best_epoch_ if curves else np.zeros(0, int)
    return {f"best_{name}": values[best - 1, np.arange(len(best))].mean() for name, values in curves.items()}


def _mean_over_members(values: np.ndarray) -> np.ndarray:
    """Return the mean of (epochs, members) over the members that still trained; every epoch has at least one."""
    return np.nanmean(values, axis=1)


def _description(result: FitResult) -> str:
    """Return a description of the run in Markdown, for the MLflow UI."""
    spec, (mean, error) = result.spec, mean_and_error(result.scores, result.ratio)
    rows = [f"| {name} | {scores.mean():.4f} |" for name, scores in result.baselines.items()]
    return "\n".join(
        [
            f"**{spec.name}**, {result.problem.name}: {result.metric.name} {mean:.4f} (standard error {error:.4f}) in "
            f"{result.folds}-fold cross-validation{by_split(spec)} of {result.models_a_fold} per fold, "
            f"{result.rows} rows, seed {spec.seed}.",
            *([f"{result.ended_by} ended training {result.interrupted}."] if result.interrupted else []),
            "",
            f"| the same folds | {result.metric.name} |",
            "| --- | --- |",
            *rows,
        ]
    )

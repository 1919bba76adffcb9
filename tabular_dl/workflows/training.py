"""From a specification to a trained and scored cross-fit, checked before anything is trained."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console

from tabular_dl.crossfit import CrossFitClassifier, CrossFitRegressor, baseline_scores, fold_scores
from tabular_dl.datasets import Competition, load_competition
from tabular_dl.metrics import Metric
from tabular_dl.pipeline import build_pipeline, check_rows, check_target, columns_used, metric_of, problem_of
from tabular_dl.preflight import preflight
from tabular_dl.problems import Problem
from tabular_dl.spec import PipelineSpec
from tabular_dl.targets import Bounded
from tabular_dl.workflows.findings import warn_in_short
from tabular_dl.workflows.progress import TrainingProgress

__all__ = ["FitResult", "train"]


@dataclass(frozen=True)
class FitResult:
    """What a fit leaves in memory.

    Attributes
    ----------
    spec : PipelineSpec
        What was fitted.
    problem, metric : Problem and Metric
        The type of problem, and what it was scored by.
    crossfit : CrossFitClassifier or CrossFitRegressor
        The fitted predictor.
    scores : ndarray of shape (folds,)
        Each fold's score on the rows that it did not train on.
    baselines : dict of str to ndarray of shape (folds,)
        The same of simple models.
    competition : Competition
        The tables.
    started, seconds : float
        When training began, in seconds since 1970, and how long it took.
    """

    spec: PipelineSpec
    problem: Problem
    metric: Metric
    crossfit: Any
    scores: np.ndarray
    baselines: dict[str, np.ndarray]
    competition: Competition
    started: float
    seconds: float


def train(spec: PipelineSpec, console: Console, named: str | None = None) -> FitResult:
    """Check everything that can be checked, then train.

    Parameters
    ----------
    spec : PipelineSpec
        What to train.
    console : Console
        Where to print.
    named : str, optional
        The pipeline as the user named it, for the advice how to see all that the checks found.

    Raises
    ------
    UserError
        If something cannot be used; nothing has been trained then.
    """
    competition = load_competition(spec.data.source, spec.data.target, spec.data.id)
    train, target = competition.train, competition.train[spec.data.target]
    train_file, test_file = str(competition.folder / "train.csv"), str(competition.folder / "test.csv")
    problem = problem_of(spec, target)
    metric = metric_of(spec, problem)
    check_target(spec, problem, target, train_file)
    check_rows(spec, train.drop(columns=spec.data.target), train_file)
    check_rows(spec, competition.test, test_file, rest=False)
    pipeline = build_pipeline(spec, problem)
    warn_in_short(preflight(competition, spec, problem), named, spec.data.source, console)
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    crossfit = kind(pipeline, cv=spec.ensemble.folds, random_state=spec.seed)
    X, y = train[columns_used(spec, train)], target.to_numpy()
    started, clock = time.time(), time.perf_counter()
    # A regression's networks see the target in units of its standard deviation, or of the distance of its bounds.
    unit = 1.0 if problem.classification else float(target.std(ddof=0))
    if issubclass(problem.coding, Bounded):
        low, high = pipeline[-1].bounds or (0.0, 1.0)
        unit = float(high - low)
    with TrainingProgress(console, pipeline[-1].epochs, problem.followed[0], unit) as progress:
        crossfit.fit(X, y, on_epoch=progress)
    seconds = time.perf_counter() - clock
    scores = fold_scores(crossfit, y, metric)
    baselines = baseline_scores(crossfit, X, y, problem.baselines(), metric)
    return FitResult(spec, problem, metric, crossfit, scores, baselines, competition, started, seconds)

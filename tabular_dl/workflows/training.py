"""From a specification to a trained and scored cross-fit, checked before anything is trained."""

from __future__ import annotations

import time

from rich.console import Console
from sklearn.dummy import DummyClassifier, DummyRegressor

from tabular_dl.checks import run_checks
from tabular_dl.competition import Competition
from tabular_dl.model_selection import CrossFitClassifier, CrossFitRegressor, baseline_scores, fold_scores
from tabular_dl.reporting import FitResult
from tabular_dl.spec import (
    PipelineSpec,
    build_pipeline,
    columns_used,
    competition_of,
    groups_of,
    metric_of,
    problem_of,
)
from tabular_dl.workflows.console import TrainingProgress, print_notes, stop_at_errors, warn_in_short

__all__ = ["train"]

# Rows x columns of a table beyond which no linear model is fitted for comparison.
MOST_CELLS = 10_000_000


def train(
    spec: PipelineSpec, console: Console, named: str | None = None, competition: Competition | None = None
) -> FitResult:
    """Check tables and pipeline as `tabular-dl check` does, then train.

    Parameters
    ----------
    spec : PipelineSpec
        What to train.
    console : Console
        Where to print.
    named : str, optional
        The pipeline as the user named it, for the advice how to see all that the checks found.
    competition : Competition, optional
        The tables, where they were read before.

    Raises
    ------
    UserError
        If something cannot be used, with all errors that the checks found; nothing has been trained then.
    """
    competition = competition or competition_of(spec)
    train, target = competition.train, competition.train[spec.data.target]
    problem = problem_of(spec, target)
    findings = run_checks(competition, spec, problem)
    stop_at_errors(findings, named, spec.data.source)
    print_notes(competition.notes, console)
    warn_in_short(findings, named, spec.data.source, console)
    metric, pipeline = metric_of(spec, problem), build_pipeline(spec, problem)
    groups = groups_of(spec, train, competition.train_file.name)
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    crossfit = kind(pipeline, cv=spec.ensemble.folds, random_state=spec.seed)
    X, y = train[columns_used(spec, train)], target.to_numpy()
    started, clock = time.time(), time.perf_counter()
    # The figures that networks report while they train are in these units of the target.
    unit = pipeline[-1].target_coding(y).unit
    with TrainingProgress(console, pipeline[-1].epochs, problem.followed[0], unit) as progress:
        crossfit.fit(X, y, groups, on_epoch=progress)
    if problem.classification:
        crossfit.choose_threshold(spec.threshold, y, metric)
    seconds = time.perf_counter() - clock
    scores = fold_scores(crossfit, y, metric)
    simple = problem.baselines()
    if X.size > MOST_CELLS:
        # On 60,000 images a linear model takes longer than the networks.
        simple = {name: model for name, model in simple.items() if isinstance(model, DummyClassifier | DummyRegressor)}
    baselines = baseline_scores(crossfit, X, y, simple, metric)
    return FitResult(spec, problem, metric, crossfit, scores, baselines, competition, started, seconds)

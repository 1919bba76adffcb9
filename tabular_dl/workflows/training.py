"""From a specification to a trained and scored cross-fit, checked before anything is trained."""

from __future__ import annotations

import time

from rich.console import Console
from sklearn.dummy import DummyClassifier, DummyRegressor

from tabular_dl.checks import preflight
from tabular_dl.model_selection import CrossFitClassifier, CrossFitRegressor, baseline_scores, fold_scores
from tabular_dl.reporting import FitResult
from tabular_dl.spec import (
    PipelineSpec,
    build_pipeline,
    check_rows,
    check_target,
    check_threshold,
    columns_used,
    competition_of,
    groups_of,
    metric_of,
    problem_of,
)
from tabular_dl.workflows.console import TrainingProgress, print_notes, warn_in_short

__all__ = ["train"]

# Rows x columns of a table beyond which no linear model is fitted for comparison.
MOST_CELLS = 10_000_000


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
    competition = competition_of(spec)
    train, target = competition.train, competition.train[spec.data.target]
    train_file = str(competition.train_file)
    problem = problem_of(spec, target)
    metric = metric_of(spec, problem)
    check_threshold(spec, problem, metric)
    check_target(spec, problem, target, train_file)
    groups = groups_of(spec, train, train_file)
    raw = train.drop(columns=spec.data.target)
    check_rows(spec, raw, train_file)
    if competition.test is not None:
        check_rows(spec, competition.test, str(competition.test_file), rest=False, training=raw)
    pipeline = build_pipeline(spec, problem)
    print_notes(competition.notes, console)
    warn_in_short(preflight(competition, spec, problem), named, spec.data.source, console)
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    crossfit = kind(pipeline, cv=spec.ensemble.folds, random_state=spec.seed)
    X, y = train[columns_used(spec, train)], target.to_numpy()
    started, clock = time.time(), time.perf_counter()
    # What one unit of the figures is worth that networks report while they train.
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

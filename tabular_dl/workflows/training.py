"""Training and scoring of a cross-fit from a specification, after the checks of `tabular-dl check`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from tabular_dl.checks import find_errors, run_checks
from tabular_dl.competition import Competition
from tabular_dl.estimators import ModelClassifier, ModelRegressor
from tabular_dl.model_selection import (
    CrossFitClassifier,
    CrossFitRegressor,
    Splits,
    baseline_scores,
    choose_decisions,
    fold_scores,
)
from tabular_dl.problems import Problem, output_units
from tabular_dl.reporting import FitResult
from tabular_dl.spec import (
    PipelineSpec,
    StreamedTable,
    build_pipeline,
    columns_used,
    competition_of,
    folds_of,
    other_rows,
    problem_of,
    row_keys,
    scoring_metric,
    weights_of,
)
from tabular_dl.tracking import check_storable, keep_metric
from tabular_dl.workflows.background_imports import BackgroundImports, imported_meanwhile
from tabular_dl.workflows.console import ModelProgress, TrainingProgress, print_notes, stop_at_errors, warn_in_short
from tabular_dl.workflows.streamed_training import mapped_table, sampled

__all__ = ["BOOSTED", "train"]

# Largest table, in rows x columns, that a linear model is fitted to for comparison. On 60,000 images a linear model
# takes longer than the networks.
MOST_CELLS = 10_000_000
# The same for boosted trees, unless the pipeline says `baselines: full`, with their number of boosting rounds and of
# classes, each of which has a tree in each round: together they bound the time, to about a minute on one core.
MOST_CELLS_OF_TREES, ROUNDS, MOST_CLASSES = 3_000_000, 300, 20
BOOSTED = "boosted trees"


def train(
    spec: PipelineSpec,
    console: Console,
    command: str | None = None,
    competition: Competition | None = None,
    folder: Path | None = None,
    *,
    stop_at: float | None = None,
    checked: bool = False,
    meanwhile: Sequence[str] = (),
) -> FitResult:
    """Check tables and pipeline as `tabular-dl check` does, then train and score a cross-fit.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    console : Console
        Console to print to.
    command : str, optional
        Command that prints all findings, for messages.
    competition : Competition, optional
        Tables, if they have been read already.
    folder : Path, optional
        Folder that Keras callbacks write into; by default callbacks that write are left out.
    stop_at : float, optional
        Time, of `time.monotonic`, after which networks train no further epoch. They are kept as after Ctrl-C.
    checked : bool, default=False
        Whether tables and pipeline have been checked already, so that only errors are looked for.
    meanwhile : sequence of str
        Modules to import while networks train, as `modules_after_training` returns them.

    Returns
    -------
    FitResult
        Fitted cross-fit, its scores, and the scores of the baselines.

    Raises
    ------
    UserError
        If pipeline or tables have errors; the message lists all errors that the checks found. Nothing is trained then.
    """
    competition = competition or competition_of(spec)
    train, target = competition.train, competition.train[spec.data.target]
    problem = problem_of(spec, target)
    findings = (find_errors if checked else run_checks)(competition, spec, problem)
    stop_at_errors(findings, command)
    if not checked:
        print_notes(competition.notes, console)
        warn_in_short(findings, console, command)
    rows = _training_rows(spec, competition, problem, console)
    train, y, where = rows.keys, rows.y, competition.train_file.name
    metric = scoring_metric(spec, problem, train, where)
    pipeline = build_pipeline(spec, problem, folder)
    check_storable(pipeline[-1])
    weights, keys = weights_of(spec, train, where), row_keys(spec, train, where)
    splits = rows.compact(folds_of(spec, problem, y, keys))
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    crossfit = kind(pipeline, splits, spec.seed, *_further(spec))
    started, clock = time.time(), time.perf_counter()
    others, encoded = other_rows(spec, competition), list[Sequence[np.ndarray]]()
    with _progress(console, spec, pipeline, problem, y) as progress, imported_meanwhile(meanwhile) as imports:
        limit = _TimeLimit(stop_at, progress, imports)
        crossfit.fit(rows.X, y, keys.together, limit, weights, others, limit.begins, encoded.append)
    crossfit.set_params(cv=len(splits))  # it keeps the rows of the folds, which are not stored twice
    if spec.model.is_network:
        _as_specified(crossfit, spec, interrupted=limit.passed)
    choose_decisions(crossfit, spec.threshold, y, metric)
    keep_metric(crossfit, metric)
    seconds = time.perf_counter() - clock
    scores = fold_scores(crossfit, y, metric)
    clock = time.perf_counter()
    models = {} if rows.streamed else _baselines(spec, problem, rows.X.size, output_units(problem, target))
    baselines = baseline_scores(crossfit, rows.X, y, models, metric, encoded[0])
    baseline_seconds = time.perf_counter() - clock
    result = FitResult(spec, problem, metric, crossfit, scores, baselines, competition, started, seconds)
    if rows.streamed:
        result = sampled(result, rows.streamed)
    return replace(result, baseline_seconds=baseline_seconds, ended_by="The time limit" if limit.passed else "Ctrl-C")


def _as_specified(crossfit: CrossFitClassifier | CrossFitRegressor, spec: PipelineSpec, *, interrupted: bool) -> None:
    """Name callbacks as the pipeline file does, not by a folder of this machine: a stored model has them."""
    settings = {**spec.network, **spec.training}
    for fitted in (crossfit.pipeline, *crossfit.fitted_pipelines):
        fitted[-1].set_params(**{name: settings.get(name) for name in ("callbacks", "tensorboard")})
        fitted[-1].__dict__.update({"interrupted_": True} if interrupted else {})


@dataclass(frozen=True, eq=False)
class _TrainingRows:
    """Rows to train on, their target, and a table with target and keys; a streamed one is on disk."""

    X: Any
    y: np.ndarray
    keys: pd.DataFrame
    streamed: StreamedTable | None = None

    def compact(self, splits: Splits) -> Splits:
        """Return folds whose row numbers take half of the memory, if there are many."""
        if self.streamed is None:
            return splits
        return [(train.astype(np.int32), test.astype(np.int32)) for train, test in splits]


def _training_rows(spec: PipelineSpec, competition: Competition, problem: Problem, console: Console) -> _TrainingRows:
    train = competition.train
    if competition.source is None:
        columns = columns_used(spec, train, competition.test)
        return _TrainingRows(train[columns], train[spec.data.target].to_numpy(), train)
    streamed = mapped_table(spec, competition, problem, console)
    return _TrainingRows(streamed.rows, streamed.y, streamed.keys, streamed)


def _further(spec: PipelineSpec) -> tuple[dict[str, float] | None, bool]:
    """Return the arguments ``pseudo_labels`` and ``refit`` of a cross-fit."""
    pseudo_labels = spec.ensemble.pseudo_labels
    return None if pseudo_labels is None else pseudo_labels.model_dump(), spec.ensemble.refit == "all"


class _TimeLimit:
    """Callback that shows the progress, and stops all networks when the time is over, or an import has failed.

    Attributes
    ----------
    passed : bool
        Whether networks were stopped that still trained.
    """

    def __init__(
        self, stop_at: float | None, progress: TrainingProgress | ModelProgress, imports: BackgroundImports
    ) -> None:
        self.stop_at, self.progress, self.imports, self.passed = stop_at, progress, imports, False

    def begins(self, words: str) -> bool:
        """Return whether there is time for a further training, and show its words."""
        self.progress.begins(words)
        return not self.passed and (self.stop_at is None or time.monotonic() < self.stop_at)

    def __call__(self, epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> np.ndarray | None:
        self.imports.check()
        self.progress(epoch, figures, active)
        if self.stop_at is None or time.monotonic() < self.stop_at or not active.any():
            return None
        self.passed = True
        return np.ones(len(active), bool)


def _progress(
    console: Console, spec: PipelineSpec, pipeline: Pipeline, problem: Problem, y: np.ndarray
) -> TrainingProgress | ModelProgress:
    if not spec.model.is_network:
        models = spec.ensemble.trainings * spec.ensemble.members * len(spec.data.targets)
        return ModelProgress(console, models, spec.model.name)
    # Networks report their metrics in units of the coded target.
    unit = pipeline[-1].target_coding(y).unit
    return TrainingProgress(console, pipeline[-1].resolved().epochs, problem.followed[0], unit)


def _baselines(spec: PipelineSpec, problem: Problem, cells: int, classes: int = 0) -> dict[str, Any]:
    """Return the models to compare with; of a large table or many classes, only those that take little time."""
    wanted = spec.compared_with
    if wanted == "none":
        return {}
    models = problem.baselines()
    if cells > MOST_CELLS:
        models = {name: model for name, model in models.items() if isinstance(model, DummyClassifier | DummyRegressor)}
    quick = cells <= MOST_CELLS_OF_TREES and classes <= MOST_CLASSES
    if wanted == "full" and (spec.baselines == "full" or quick):
        kind = ModelClassifier if problem.classification else ModelRegressor
        models[BOOSTED] = kind(
            "hist_gradient_boosting", parameters={"max_iter": ROUNDS}, problem=problem.name, random_state=spec.seed
        )
    return models

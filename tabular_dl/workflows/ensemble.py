"""Blending of finished runs by their out-of-fold predictions, without training: `tabular-dl ensemble`.

runs -> models -> check of rows, folds and labels -> blend and its nested score -> run
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl import tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.competition import Competition
from tabular_dl.errors import SpecError, SubmissionError
from tabular_dl.estimators import NETWORK, ModelEstimator
from tabular_dl.model_selection import (
    Blend,
    BlendedClassifier,
    BlendedRegressor,
    choose_decisions,
    error_ratio,
    fold_scores,
    imported_parts,
    lacks_test_predictions,
    mean_and_error,
    predicted_rows,
    standard_error,
)
from tabular_dl.problems import Metric, get_problem
from tabular_dl.reporting import Judged, Model, blend_page, described, member_weights, options_of, render, scored_by
from tabular_dl.spec import PipelineSpec, columns_used, dump_spec, load_spec, scoring_metric, whole_tables
from tabular_dl.tracking import environment, in_order, open_model
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.outputs import log, new_results
from tabular_dl.workflows.predictions import write_predictions
from tabular_dl.workflows.signals import interrupts_deferred

__all__ = ["ensemble"]


def ensemble(
    pipeline: str,
    runs: Sequence[str] = (),
    *,
    top: int = 3,
    method: str = "greedy",
    meta: str | None = None,
    levels: int = 1,
    passthrough: bool = False,
    console: Console | None = None,
    trust: bool = False,
) -> tracking.LoggedRun | None:
    """Blend runs and log the blend as a run.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    runs : sequence of str
        Ids or names of the runs; by default the best fits and imported predictions.
    top : int, default=3
        Number of the best of them to blend if no runs are named.
    method : str, default="greedy"
        Method of `tabular_dl.model_selection.blending.Blend`.
    meta : str, optional
        Meta model of the method "stack".
    levels : {1, 2}, default=1
        Number of levels of the method "stack".
    passthrough : bool, default=False
        Whether meta models read the table's columns as well.
    console : Console, optional
        Console to print to; standard output by default.
    trust : bool, default=False
        Whether to execute Python in the models that was not stored by this user on this machine.

    Returns
    -------
    LoggedRun or None
        Run of the blend; None if tracking failed, and the results are kept in ``outputs``.

    Raises
    ------
    UserError
        If there are fewer than two runs, or they were fitted on different rows, folds or targets.
    """
    console = console or Console()
    started = time.time()
    Blend(method, meta=meta, levels=levels, passthrough=passthrough).check_parameters()
    current = load_spec(pipeline)
    tracking.prepare_store(create=False, write=True)
    name = current.name
    members = _named_runs(name, runs) if runs else _best_fits(name, current.metric_name, top, console)
    _check_members(name, members, named=bool(runs))
    models, specs = zip(*(open_model(member, trust=trust) for member in members), strict=True)
    _check_folds(members, specs)
    spec = specs[0]
    competition = whole_tables(spec)
    _check_data(members, competition.digest)
    problem = get_problem(members[0].tags["tabular_dl.problem"])
    metric = scoring_metric(spec, problem, competition.train, competition.train_file.name)
    y = competition.train[spec.data.target].to_numpy()
    blend = Blend(method, spec.seed, meta=meta, levels=levels, passthrough=passthrough)
    blended = _blended(models, blend, spec, competition, metric)
    scores = fold_scores(blended, y, metric)
    content = _run_content(name, members, blended, scores, spec, competition, metric, started)
    judged = _judged(blended, specs, competition, members, metric)
    member_scores = {m.name: fold_scores(model, y, metric) for m, model in zip(members, models, strict=True)}
    kinds = [_model_of(model) for model in models]

    def write(folder: Path) -> None:
        (folder / "predictions").mkdir()
        write_text(folder / "spec.yaml", dump_spec(spec))
        tags = {**content.tags, **write_predictions(blended, spec, competition, folder / "predictions")}
        write_text(
            folder / "report.html", render(blend_page(judged, member_scores, kinds, scores, environment(blended)))
        )
        tracking.write_results(replace(content, tags=tags), folder)

    with new_results(name) as results:
        with interrupts_deferred() as interrupts:
            folder = results.complete(write)
        console.print(_score_grid(members, models, blended, scores, y, metric))
        print_lines(console, *_unpredicted(models, blended), markup=False)
        run = log(folder, interrupts)
    if run is None:
        return None
    following = f"[bold]tabular-dl submit {escape(pipeline)} --run {escape(run.name)}[/], or "
    if lacks_test_predictions(blended):
        print_lines(console, "A part was imported without test predictions, so that the blend cannot be submitted.")
        following = ""
    print_lines(
        console,
        f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(run.experiment)}",
        f"Next: {following}tabular-dl compare {escape(pipeline)}",
    )
    return run


def _blended(
    models: Sequence[Model], blend: Blend, spec: PipelineSpec, competition: Competition, metric: Metric
) -> Model:
    """Return the fitted blend of models, with the decision threshold of the specification."""
    blend_class = BlendedClassifier if hasattr(models[0], "classes_") else BlendedRegressor
    y = competition.train[spec.data.target].to_numpy()
    blended = blend_class(models, blend).fit_blend(y, metric, competition.train)
    choose_decisions(blended, spec.threshold if metric.looks_at == "labels" else None, y, metric)
    return blended


def _judged(
    blended: Model,
    specs: Sequence[PipelineSpec],
    competition: Competition,
    members: Sequence[tracking.LoggedRun],
    metric: Metric,
) -> Judged:
    """Return the blend with the columns that any of its members uses, for the report."""
    used = {column for spec in specs for column in columns_used(spec, competition.train, competition.test)}
    columns = [column for column in competition.train if column in used]
    return Judged(blended, specs[0], competition, get_problem(members[0].tags["tabular_dl.problem"]), metric, columns)


def _named_runs(pipeline: str, names: Sequence[str]) -> list[tracking.LoggedRun]:
    runs = [tracking.find_run(name) for name in dict.fromkeys(names)]
    for run in runs:
        if run.tags.get("tabular_dl.pipeline") != pipeline:
            raise SubmissionError(f"Run {run.name} is of pipeline {run.tags.get('tabular_dl.pipeline')}.")
        if run.tags.get("tabular_dl.kind") == "ensemble":
            raise SubmissionError(f"Run {run.name} is a blend, whose parts cannot be blended again: name its runs.")
    return list({run.id: run for run in runs}.values())


def _best_fits(pipeline: str, metric_name: str | None, top: int, console: Console) -> list[tracking.LoggedRun]:
    """Return the best fits and imports that share folds: those of the best run that is not alone with its folds."""
    runs, left_out = tracking.comparable_runs(pipeline, metric_name)
    greater_is_better = tracking.is_greater_better(runs[0].tags)
    single = [run for run in runs if run.kind in ("fit", "import")]
    no_test = [run for run in single if tracking.NO_TEST_TAG in run.tags]
    if no_test:
        names = ", ".join(run.name for run in no_test)
        message = f"Left out because imported without test predictions (name them by --runs to blend them): {names}"
        print_lines(console, message, markup=False)
    fits = [run for run in single if tracking.NO_TEST_TAG not in run.tags]
    folds = {run.id: run.tags.get("tabular_dl.folds", run.id) for run in fits}
    ordered, counts = in_order(fits, greater_is_better=greater_is_better), Counter(folds.values())
    first = next((run for run in ordered if counts[folds[run.id]] > 1), ordered[0] if ordered else None)
    same_folds = [run for run in ordered if first is not None and folds[run.id] == folds[first.id]]
    others = [run.name for run in ordered if first is not None and folds[run.id] != folds[first.id]]
    if first is not None and others:
        run = "the best run" if first is ordered[0] else first.name
        message = f"Left out because of other folds (ensemble.folds, seed) than {run}: {', '.join(others)}"
        print_lines(console, message, markup=False)
    if left_out:
        runs_left_out = "1 run" if left_out == 1 else f"{left_out} runs"
        print_lines(console, f"Left out because of other data or another metric: {runs_left_out}")
    return [tracking.find_run(run.id) for run in same_folds[:top]]


def _check_members(name: str, members: Sequence[tracking.LoggedRun], *, named: bool) -> None:
    """Raise an error for fewer than two runs."""
    if len(members) < 2:
        count = f"--runs names {len(members)}" if named else f"found {len(members)} with the folds of the best run"
        raise SubmissionError(
            f"A blend needs two runs or more of {name}, {count}: fit with other settings first, like "
            f"tabular-dl fit {name} --set network.hidden=[128]"
        )


def _check_folds(members: Sequence[tracking.LoggedRun], specs: Sequence[PipelineSpec]) -> None:
    """Raise an error for runs with different folds, unless all are split by the same time."""
    if specs[0].ensemble.time is not None and len({spec.ensemble.time for spec in specs}) == 1:
        return
    first, *others = members
    for run in others:
        if run.tags.get("tabular_dl.folds") != first.tags.get("tabular_dl.folds"):
            raise SpecError(
                f"Run {run.name} has other folds than {first.name}, so the blend would be scored on rows that it was "
                "trained on: blend runs with the same table, split, ensemble.folds and seed."
            )


def _check_data(members: Sequence[tracking.LoggedRun], digest: str) -> None:
    for member in members:
        if member.tags.get("tabular_dl.data_digest") != digest:
            raise SpecError(f"The training table has changed since run {member.name}: fit again.")


def _score_grid(
    members: Sequence[tracking.LoggedRun],
    models: Sequence[Model],
    blended: Model,
    scores: np.ndarray,
    y: np.ndarray,
    metric: Metric,
) -> Grid:
    better = "higher" if metric.greater_is_better else "lower"
    grid = Grid(
        title=f"{metric.name} of {len(scores)} folds, {better} is better",
        caption=f"score of the blend: {scored_by(blended.blend_, by_time=len(predicted_rows(blended)) < len(y))}",
    )
    for heading in ("run", "model", "weight", metric.name, "standard error"):
        grid.add_column(heading, overflow="fold")
    weights, ratio = member_weights(blended.blend_, len(models)), error_ratio(blended)
    for member, weight, model in zip(members, weights, models, strict=True):
        shown = "" if weight is None else f"{weight:.2f}"
        cells = _score_cells(fold_scores(model, y, metric), ratio)
        grid.add_row(escape(member.name), escape(_model_of(model)), shown, *cells)
    for name, weight in blended.blend_.level_weights_.items():
        grid.add_row("level 1", name, f"{weight:.2f}", "", "")
    grid.add_row(f"blend ({described(blended.blend_)})", "", "", *_score_cells(scores, ratio), style="bold")
    return grid


def _unpredicted(models: Sequence[Model], blended: Model) -> list[str]:
    """Return a sentence about the rows that the blend is scored on, if not every run predicts the same rows."""
    rows, counts = len(predicted_rows(blended)), [len(predicted_rows(model)) for model in models]
    if rows == max(counts):
        return []
    return [f"By time, the runs predict {min(counts):,} to {max(counts):,} rows; the blend is scored on {rows:,}."]


def _score_cells(scores: np.ndarray, ratio: float | None) -> tuple[str, str]:
    return f"{scores.mean():.4f}", f"{standard_error(scores, ratio):.4f}"


def _model_of(model: Model) -> str:
    """Return the preset of a member's networks, or the name of its model."""
    if imported_parts(model) == [model]:
        return tracking.IMPORTED
    if not hasattr(model, "pipelines_"):
        return "blend"
    last = model.pipelines_[0][-1]
    if isinstance(last, ModelEstimator):
        return last.name
    return NETWORK if last.preset == "mlp" else last.preset


def _run_content(
    name: str,
    members: Sequence[tracking.LoggedRun],
    blended: Model,
    scores: np.ndarray,
    spec: PipelineSpec,
    competition: Competition,
    metric: Metric,
    started: float,
) -> tracking.RunContent:
    mean, error = mean_and_error(scores, error_ratio(blended))
    blend = blended.blend_
    weights = dict(zip((member.name for member in members), member_weights(blend, len(members)), strict=True))
    source = str(competition.folder)
    tags = members[0].tags
    lines = [
        f"- {member.name} ({member.id})" + ("" if weight is None else f": weight {weight:.3f}")
        for member, weight in zip(members, weights.values(), strict=True)
    ]
    lines += [f"- {name}, level 1: weight {weight:.3f}" for name, weight in blend.level_weights_.items()]
    return tracking.RunContent(
        pipeline=name,
        kind="ensemble",
        parameters={
            **{f"ensemble.{name}": value for name, value in options_of(blend).items()},
            "ensemble.runs": " ".join(member.name for member in members),
        },
        metrics={
            "cv_score": mean,
            "cv_standard_error": error,
            f"cv_{metric.name}": mean,
            "training_seconds": time.time() - started,
            **{f"weight_{key}": value for key, value in weights.items() if value is not None},
        },
        curves={},
        folds=[{"cv_score": score} for score in scores],
        tags={
            **tracking.metric_tags(metric),
            "tabular_dl.problem": tags.get("tabular_dl.problem", ""),
            "tabular_dl.data_digest": competition.digest,
            "tabular_dl.members": json.dumps([member.id for member in members]),
            **tracking.fold_tags(blended, scores),
        },
        description="\n".join(
            [
                f"**Blend of {len(members)} runs** by {described(blend)}: {metric.name} {mean:.4f} ({error:.4f}), "
                "nested.",
                "",
                *lines,
            ]
        ),
        tables=[
            tracking.Table(
                f"{spec.name}-train", "training", competition.train, source, competition.digest, spec.data.target
            )
        ],
        model=blended,
        example=competition.train.drop(columns=spec.data.target),
        started=started,
    )

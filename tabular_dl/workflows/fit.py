"""Training and tracking of a cross-validated ensemble: `tabular-dl fit`.

spec and tables -> checks -> cross-fit (one population) -> scores and baselines -> files -> MLflow run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl import plots, tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.competition import Competition, ids_of
from tabular_dl.drafting import Effort, Tables, draft_from_files, name_of, with_model
from tabular_dl.model_selection import mean_and_error
from tabular_dl.problems import decide
from tabular_dl.reporting import FitResult, by_group, fit_page, render
from tabular_dl.spec import (
    DataSpec,
    PipelineSpec,
    check_network,
    competition_of,
    dump_spec,
    load_spec,
    read_spec,
)
from tabular_dl.tracking import environment
from tabular_dl.workflows.console import check_command, print_lines
from tabular_dl.workflows.effort import apply_effort
from tabular_dl.workflows.fit_content import run_content
from tabular_dl.workflows.outputs import CALLBACKS, check_outputs, log, new_results
from tabular_dl.workflows.predictions import write_predictions
from tabular_dl.workflows.signals import interrupts_deferred
from tabular_dl.workflows.training import BOOSTED, train

__all__ = ["FitResult", "adapted", "fit", "fit_spec", "fit_tables"]


def fit(
    pipeline: str,
    overrides: Sequence[str] = (),
    *,
    preset: Effort | None = None,
    model: str | None = None,
    track: bool = True,
    console: Console | None = None,
) -> FitResult:
    """Fit a pipeline, print its scores, and store model, predictions, figures and report.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    overrides : sequence of str
        Changed values, such as ``"network.dropout=0.4"``.
    preset : {"fast", "good", "best"}, optional
        Time that training may take: the networks are those that `init` drafts for it; by default the pipeline's.
    model : str, optional
        Model in place of the pipeline's, such as "lightgbm"; rules for columns are adapted to it.
    track : bool, default=True
        Whether to write an MLflow run. Otherwise results go to ``outputs``; if the run cannot be written, they stay
        there until it is.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    FitResult
        Fitted cross-fit and its scores.

    Raises
    ------
    UserError
        If the pipeline or the tables cannot be used; nothing is written then.
    """
    chosen = [] if model is None else [f"model={model}"]
    overrides = [*chosen, *overrides]
    spec = adapted(load_spec(pipeline, overrides, check_network), model, overrides)
    return fit_spec(spec, pipeline, overrides, preset=preset, track=track, console=console)


def adapted(spec: PipelineSpec, model: str | None, overrides: Sequence[str]) -> PipelineSpec:
    """Return a pipeline whose rules suit the model that replaces its own.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline that has been read with the model.
    model : str or None
        Model; None if the pipeline's own is trained.
    overrides : sequence of str
        Changes that the pipeline has been read with, which stay.

    Returns
    -------
    PipelineSpec
        Pipeline.
    """
    if model is None or spec.model.is_network:
        return spec
    return with_model(spec, [override.partition("=")[0] for override in overrides])


def fit_tables(
    tables: Tables,
    overrides: Sequence[str] = (),
    *,
    preset: Effort = "good",
    track: bool = True,
    console: Console | None = None,
) -> FitResult:
    """Draft a pipeline for tables, fit it, and store the results with the pipeline.

    Parameters
    ----------
    tables : Tables
        Files, and the target, id and metric if the user names them.
    overrides, preset, track, console
        As for `fit`; the preset is "good" by default.

    Returns
    -------
    FitResult
        Fitted cross-fit and its scores.

    Raises
    ------
    UserError
        If the tables cannot be used; nothing is written then.
    """
    draft, competition = draft_from_files(name_of(tables.train), tables, preset)
    drafted = DataSpec.model_validate(draft.content["data"])
    spec = read_spec(draft.content, overrides, Path("the drafted pipeline"), check=check_network)
    if not spec.model.is_network:
        spec = adapted(spec, spec.model.name, overrides)
    unchanged = competition if spec.data == drafted else None  # an override may name other tables
    return fit_spec(spec, None, track=track, console=console, competition=unchanged)


def fit_spec(
    spec: PipelineSpec,
    pipeline: str | None,
    overrides: Sequence[str] = (),
    *,
    preset: Effort | None = None,
    track: bool = True,
    console: Console | None = None,
    competition: Competition | None = None,
) -> FitResult:
    """Fit a specification, as `fit` does.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    pipeline : str or None
        Pipeline as named by the user; None if it was drafted and has no file.
    overrides : sequence of str
        Changes that the specification has been read with, for messages.
    preset, track, console
        As for `fit`.
    competition : Competition, optional
        Tables, if they have been read already.

    Returns
    -------
    FitResult
        Fitted cross-fit and its scores.

    Raises
    ------
    UserError
        If the pipeline or the tables cannot be used; nothing is written then.
    """
    console = console or Console()
    if track:
        tracking.prepare_store(create=False, write=True)  # said before the training rather than after it
    else:
        check_outputs()
    command = None if pipeline is None else check_command(pipeline, overrides)
    if preset is not None:
        competition = competition or competition_of(spec)
        spec = apply_effort(spec, preset, overrides, competition, console)
    with new_results(spec.name) as results:
        result = train(spec, console, command, competition, _callback_folder(spec, results.folder))
        with interrupts_deferred() as interrupts:
            folder = results.complete(lambda folder: _write(result, folder, track=track))
        # Not before the results are whole: what has been shown is not lost, whatever happens.
        console.print(_score_grid(result))
        print_lines(console, *_messages(result, pipeline))
        run = log(folder, interrupts) if track else None
    if run is not None:
        print_lines(
            console,
            f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(run.experiment)}",
            f"Model {run.model_uri}",
            f"Next: {_next_command(result, pipeline, run.name)}tabular-dl ui",
        )
    elif track:
        return replace(result, unlogged=folder)
    else:
        has_test = result.competition.test is not None and result.competition.test_file.exists()
        predict = f"tabular-dl predict {folder} {result.competition.test_file if has_test else 'FILE'}"
        print_lines(console, f"Results are in [bold]{escape(str(folder))}[/]", f"Next: [bold]{escape(predict)}[/]")
    return result


def _callback_folder(spec: PipelineSpec, files: Path) -> Path | None:
    """Return a new folder for what Keras callbacks write, among the files of the run; None without callbacks."""
    if not any({**spec.network, **spec.training}.get(name) for name in ("callbacks", "tensorboard")):
        return None
    folder = files / CALLBACKS
    folder.mkdir()
    return folder


def _messages(result: FitResult, pipeline: str | None) -> list[str]:
    """Return what is worth knowing beside the scores."""
    messages = _better_baselines(result, pipeline)
    if result.interrupted:
        messages.append(
            f"[bold]Ctrl-C[/] ended training {result.interrupted}: the networks trained so far are scored and stored."
        )
    if result.spec.threshold == "auto":
        messages.append(
            f"Threshold {result.crossfit.threshold_:.3f}; each fold is scored with the threshold of the other folds, "
            "the simple models with 0.5."
        )
    return messages


def _better_baselines(result: FitResult, pipeline: str | None) -> list[str]:
    """Return a sentence for each simple model with a better mean score than what was trained."""
    sign = 1 if result.metric.greater_is_better else -1
    messages = []
    for name, scores in result.baselines.items():
        difference, error = mean_and_error(scores - result.scores)
        if sign * difference > 0:
            messages.append(
                f"{_better(name)} better than {escape(result.subject)} by {abs(difference):.4f} on the same folds "
                f"(standard error {error:.4f})."
            )
            if name == BOOSTED and pipeline is not None:
                trees = f"[bold]tabular-dl fit {escape(pipeline)} --model hist_gradient_boosting[/]"
                messages[-1] += f" {trees}, then [bold]tabular-dl ensemble {escape(pipeline)}[/] blends both."
    if messages and pipeline is not None and result.of_networks:
        messages.append(f"[bold]tabular-dl search {escape(pipeline)}[/] looks for better networks.")
    return messages


def _better(name: str) -> str:
    return "Boosted trees are" if name == BOOSTED else f"The {name} is"


def _score_grid(result: FitResult) -> Grid:
    spec, metric = result.spec, result.metric
    better = "higher" if metric.greater_is_better else "lower"
    grid = Grid(
        title=f"{spec.name}: {metric.name} of {spec.ensemble.folds} folds{by_group(spec)}, {better} is better",
        caption=f"{result.models}, {len(result.competition.train)} rows, {result.seconds:.1f} s{_others(result)}, "
        f"seed {spec.seed}",
    )
    columns = {result.models_a_fold: result.scores, **result.baselines}
    grid.add_column("fold")
    for name in columns:
        grid.add_column(name, justify="right")
    for fold in range(spec.ensemble.folds):
        grid.add_row(str(fold + 1), *(f"{scores[fold]:.4f}" for scores in columns.values()))
    grid.add_section()
    summaries = [mean_and_error(scores) for scores in columns.values()]
    grid.add_row("mean", *(f"{mean:.4f}" for mean, _ in summaries), style="bold")
    grid.add_row("standard error", *(f"{error:.4f}" for _, error in summaries))
    return grid


def _others(result: FitResult) -> str:
    return f" (simple models {result.baseline_seconds:.1f} s)" if result.baselines else ""


def _write(result: FitResult, folder: Path, *, track: bool) -> None:
    """Write all results; those of an untracked fit have no record, since they are not left to be logged."""
    _write_files(result, folder)
    write = tracking.write_results if track else tracking.save_model
    write(run_content(result), folder)


def _write_files(result: FitResult, folder: Path) -> None:
    """Write specification, predictions, figures and the report."""
    spec, crossfit, competition = result.spec, result.crossfit, result.competition
    classes = getattr(crossfit, "classes_", None)
    y = competition.train[spec.data.target].to_numpy()
    for name in ("predictions", "figures"):
        (folder / name).mkdir()
    write_text(folder / "spec.yaml", dump_spec(spec))
    write_predictions(crossfit, spec, competition, folder / "predictions")
    figures = {}
    if result.of_networks:
        curves, best = crossfit.curves_, crossfit.best_epoch_
        figures["learning_curves"] = plots.learning_curves(curves, best, ["loss", result.problem.followed[0].name])
    if classes is None:
        figures["residuals"] = plots.residuals(y, crossfit.oof_predictions_, spec.data.target)
    else:
        thresholds = getattr(crossfit, "oof_thresholds_", None)
        predicted = classes[decide(crossfit.oof_predictions_, thresholds).argmax(axis=1)]
        figures["confusion_matrix"] = plots.confusion_matrix(y, predicted, classes)
    for name, figure in figures.items():
        figure.savefig(folder / "figures" / f"{name}.png", dpi=120)
    write_text(folder / "report.html", render(fit_page(result, environment(crossfit))))


def _next_command(result: FitResult, pipeline: str | None, run: str) -> str:
    """Return the command to suggest before `tabular-dl ui`; empty if there is none."""
    if pipeline is None:
        name = escape(result.spec.name)
        command = f"tabular-dl init {name} --train {escape(str(result.competition.train_file))}"
        return f"[bold]{command}[/], with the same options, writes this pipeline to a file; "
    competition = result.competition
    if competition.test is None:
        return ""
    if ids_of(competition.test, competition.sample, result.spec.data.id) is None:
        # Without an id there is no submission, but the test rows can be predicted.
        return f"[bold]tabular-dl predict {escape(run)} {escape(str(result.competition.test_file))}[/], or "
    return f"[bold]tabular-dl submit {escape(pipeline)}[/], or "

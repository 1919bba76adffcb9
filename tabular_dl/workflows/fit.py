"""Training and tracking of a cross-validated ensemble: `tabular-dl fit`.

spec and tables -> checks -> cross-fit (one population) -> scores and baselines -> files -> MLflow run
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl import plots, tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.competition import Competition
from tabular_dl.drafting import Effort, Tables, draft_from_files, name_of, with_model
from tabular_dl.model_selection import predicted_rows
from tabular_dl.problems import decide
from tabular_dl.reporting import FitResult, fit_page, render
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
from tabular_dl.workflows.background_imports import modules_after_training
from tabular_dl.workflows.console import check_command, print_lines
from tabular_dl.workflows.effort import apply_effort
from tabular_dl.workflows.fit_content import run_content
from tabular_dl.workflows.fit_messages import fit_messages, next_command, score_grid, target_grid
from tabular_dl.workflows.outputs import CALLBACKS, check_outputs, log, new_results
from tabular_dl.workflows.predictions import write_predictions
from tabular_dl.workflows.signals import interrupts_deferred
from tabular_dl.workflows.streamed_training import write_all_rows
from tabular_dl.workflows.training import train

__all__ = ["FitResult", "adapted", "fit", "fit_and_log", "fit_spec", "fit_tables"]


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
        tracking.prepare_store(create=False, write=True)  # an unusable store is reported before the training
    else:
        check_outputs()
    command = None if pipeline is None else check_command(pipeline, overrides)
    if preset is not None:
        competition = competition or competition_of(spec)
        spec = apply_effort(spec, preset, overrides, competition, console)

    def show(result: FitResult) -> None:
        console.print(score_grid(result))
        if len(spec.data.targets) > 1:
            console.print(target_grid(result))
        print_lines(console, *fit_messages(result, pipeline))

    result, folder, run = fit_and_log(spec, console, command, competition, track=track, show=show)
    if run is not None:
        print_lines(
            console,
            f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(run.experiment)}",
            f"Model {run.model_uri}",
            f"Next: {next_command(result, pipeline, run.name)}tabular-dl ui",
        )
    elif track:
        return replace(result, unlogged=folder)
    else:
        has_test = result.competition.test is not None and result.competition.test_file.exists()
        predict = f"tabular-dl predict {folder} {result.competition.test_file if has_test else 'FILE'}"
        print_lines(console, f"Results are in [bold]{escape(str(folder))}[/]", f"Next: [bold]{escape(predict)}[/]")
    return result


def fit_and_log(
    spec: PipelineSpec,
    console: Console,
    command: str | None = None,
    competition: Competition | None = None,
    *,
    track: bool = True,
    show: Callable[[FitResult], None] | None = None,
    stop_at: float | None = None,
    checked: bool = False,
    tags: Mapping[str, str] | None = None,
) -> tuple[FitResult, Path, tracking.LoggedRun | None]:
    """Train a specification, write its results to a folder, and log them.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    console, command, competition, stop_at, checked
        As for `tabular_dl.workflows.training.train`.
    track : bool, default=True
        Whether to log the results, and delete the folder then.
    show : callable, optional
        Function that shows the result once it is complete on disk.
    tags : mapping of str to str, optional
        Tags of the run in addition to those of every fit.

    Returns
    -------
    result : FitResult
        Fitted cross-fit and its scores.
    folder : Path
        Folder with the results; it is deleted if they are logged.
    run : LoggedRun or None
        Run; None if the results are not in the store.
    """
    with new_results(spec.name) as results:
        callbacks = _callback_folder(spec, results.folder)
        modules = modules_after_training(spec, track=track)
        result = train(
            spec, console, command, competition, callbacks, stop_at=stop_at, checked=checked, meanwhile=modules
        )
        with interrupts_deferred() as interrupts:
            folder = results.complete(lambda folder: _write(result, folder, tags or {}, track=track))
        # Shown only once the results are complete on disk, so that no result that was shown can be lost.
        if show is not None:
            show(result)
        run = log(folder, interrupts) if track else None
    return result, folder, run


def _callback_folder(spec: PipelineSpec, files: Path) -> Path | None:
    """Return a new folder for files of Keras callbacks, among the files of the run; None without callbacks."""
    if not any({**spec.network, **spec.training}.get(name) for name in ("callbacks", "tensorboard")):
        return None
    folder = files / CALLBACKS
    folder.mkdir()
    return folder


def _write(result: FitResult, folder: Path, tags: Mapping[str, str], *, track: bool) -> None:
    """Write all results; those of an untracked fit have no record, since they are not left to be logged."""
    of_predictions = _write_files(result, folder)
    write = tracking.write_results if track else tracking.save_model
    write(run_content(result, {**tags, **of_predictions}), folder)


def _write_files(result: FitResult, folder: Path) -> dict[str, str]:
    """Write specification, predictions, figures and the report, and return the tag of the predictions."""
    spec, crossfit, competition = result.spec, result.crossfit, result.competition
    classes = getattr(crossfit, "classes_", None)
    rows = predicted_rows(crossfit)
    y, predictions = competition.train[spec.data.target].to_numpy()[rows], crossfit.oof_predictions_[rows]
    for name in ("predictions", "figures"):
        (folder / name).mkdir()
    write_text(folder / "spec.yaml", dump_spec(spec))
    if result.all_rows is not None:
        write_all_rows(result, folder / "predictions")
    tag = write_predictions(crossfit, spec, competition, folder / "predictions")
    figures = {}
    if result.of_networks:
        curves, best = crossfit.curves_, crossfit.best_epoch_
        figures["learning_curves"] = plots.learning_curves(curves, best, ["loss", result.problem.followed[0].name])
    if y.ndim == 2:
        pass  # the report has figures of each target
    elif classes is None:
        figures["residuals"] = plots.residuals(y, predictions, spec.data.target_names)
    else:
        thresholds = getattr(crossfit, "oof_thresholds_", None)
        decided = decide(predictions, None if thresholds is None else thresholds[rows])
        predicted = classes[decided.argmax(axis=1)]
        figures["confusion_matrix"] = plots.confusion_matrix(y, predicted, classes)
    for name, figure in figures.items():
        plots.save_png(figure, folder / "figures" / f"{name}.png", dpi=120)
    write_text(folder / "report.html", render(fit_page(result, environment(crossfit))))
    return tag

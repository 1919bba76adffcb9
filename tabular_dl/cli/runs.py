"""Commands about finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabular_dl.cli.options import Data, Pipeline, Quiet, Run, Trust, check_run, check_values, quiet_console, quoted
from tabular_dl.errors import TrackingError
from tabular_dl.nn import load_quietly

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Runs"


@app.command(rich_help_panel=PANEL)
def compare(
    pipeline: Pipeline,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of runs to show, the best first; by default 50 in a table, all as CSV and JSON."
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Show, newest first, also runs of other data, searches, and runs that failed or were killed."
        ),
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the leaderboard of a pipeline's runs, and mark those that do not differ clearly from the best.

    Example: `tabular-dl compare titanic --top 10`
    """
    from tabular_dl.workflows.compare import compare as run

    run(pipeline, top=top, form="json" if as_json else "csv" if as_csv else "table", every=every)


@app.command(rich_help_panel=PANEL)
def ensemble(
    pipeline: Pipeline,
    runs: Annotated[list[str] | None, typer.Option(help="Ids or names, separated by commas.", metavar="A,B,C")] = None,
    top: Annotated[int, typer.Option(min=2, help="Without --runs: number of the best fits to blend.")] = 3,
    method: Annotated[str, typer.Option(help="mean, weighted, per_class, rank, greedy or stack.")] = "greedy",
    meta: Annotated[
        str | None,
        typer.Option(
            help="With --method stack: model that is trained on the runs' predictions: logistic (classes), ridge "
            "(numbers), hist_gradient_boosting or network.",
            metavar="MODEL",
        ),
    ] = None,
    levels: Annotated[
        int,
        typer.Option(help="With --method stack: 2 trains several such models, and blends them with the runs."),
    ] = 1,
    passthrough: Annotated[
        bool, typer.Option("--passthrough", help="With --method stack: these models read the table's columns as well.")
    ] = False,
    quiet: Quiet = False,
    trust: Trust = False,
) -> None:
    """Blend finished runs by their out-of-fold predictions, without training them again, and store the blend as a run.

    Its score is nested: each fold is predicted with weights, or by models, learned from the other folds.

    Example: `tabular-dl ensemble titanic --top 3 --method stack --meta logistic`
    """
    names = [name for value in runs or () for name in value.split(",") if name]
    for name in names:
        check_run(name)
    load_quietly()
    from tabular_dl.workflows.ensemble import ensemble as blend

    run = blend(
        pipeline,
        names,
        top=top,
        method=method,
        meta=meta,
        levels=levels,
        passthrough=passthrough,
        console=quiet_console(quiet),
        trust=trust,
    )
    if run is None:
        raise typer.Exit(TrackingError.exit_code)


@app.command("import", rich_help_panel=PANEL)
def import_predictions(
    pipeline: Pipeline,
    oof: Annotated[Path, typer.Option("--oof", help="Out-of-fold predictions of the training rows.", metavar="FILE")],
    name: Annotated[str, typer.Option("--name", help="Name of the run.", metavar="NAME")],
    test: Annotated[
        Path | None,
        typer.Option("--test", help="Predictions of the test rows; needed for a submission.", metavar="FILE"),
    ] = None,
    folds: Annotated[
        Path | None,
        typer.Option(
            "--folds", help="Folds of the predictions, by id; by default those that `folds` writes.", metavar="FILE"
        ),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Text to keep with the run.", metavar="TEXT")] = "",
    data: Data = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like ensemble.folds=10; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make a tracked run out of predictions that were made elsewhere, to compare, blend and submit them.

    Files have the id and one column for each class, `p_CLASS`; for two classes also one column `p`, the probability of
    the second; for numbers one column `prediction`. The predictions are taken to be made on the folds that
    `tabular-dl folds` writes.

    Example: `tabular-dl import titanic --oof oof.csv --test test.csv --name my-lightgbm`
    """
    from tabular_dl.spec import load_spec

    overrides = [*(settings or [])]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    load_spec(pipeline, overrides, check_values)
    load_quietly()
    from tabular_dl.workflows.import_run import ImportFiles, import_run

    files = ImportFiles(oof, test, folds)
    if import_run(pipeline, name, files, note=note, overrides=overrides, console=quiet_console(quiet)) is None:
        raise typer.Exit(TrackingError.exit_code)


@app.command(rich_help_panel=PANEL)
def recover(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of results; by default all that were left in outputs/.", metavar="[FOLDER]"),
    ] = None,
) -> None:
    """Log results that were trained but did not get into the store: it failed, or the command was killed.

    Example: `tabular-dl recover`
    """
    from tabular_dl.workflows.recover import recover as log_again

    if log_again(folders or ()):
        raise typer.Exit(TrackingError.exit_code)


@app.command(rich_help_panel=PANEL)
def report(
    run: Annotated[str, typer.Argument(help="Id or name of a fit, a blend or a search.", metavar="RUN")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; by default report-NAME.html.", metavar="FILE"),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
) -> None:
    """Write the report of a run as a self-contained HTML page: scores, curves, errors, importances.

    Example: `tabular-dl report amusing-owl-123 --open`
    """
    from tabular_dl.workflows.report import report as write

    write(run, output, show=show)


@app.command(rich_help_panel=PANEL)
def promote(
    run: Run,
    alias: Annotated[str, typer.Option("--as", help="Alias for the model.", metavar="ALIAS")] = "champion",
) -> None:
    """Register a run's model in MLflow under an alias; `submit` and `predict` then accept NAME@ALIAS.

    Example: `tabular-dl promote amusing-owl-123 --as champion`, then `tabular-dl submit titanic@champion`
    """
    from tabular_dl.workflows.promote import promote as register

    register(run, alias)


@app.command(rich_help_panel=PANEL)
def reproduce(run: Run, trust: Trust = False) -> None:
    """Fit a run again with its specification, data and seed, and compare the predictions.

    Example: `tabular-dl reproduce amusing-owl-123`
    """
    check_run(run)
    load_quietly()
    from tabular_dl.workflows.reproduce import reproduce as fit_again

    fit_again(run, trust=trust)


@app.command(rich_help_panel=PANEL)
def serve(
    run_or_model: Annotated[
        str, typer.Argument(help="Id or name of a run, NAME@alias, or folder of a model.", metavar="RUN|MODEL")
    ],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5001,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Number of processes, each with the model.")] = 1,
    trust: Trust = False,
) -> None:
    """Serve a run's model over HTTP, by default on this machine only; stop with Ctrl-C.

    Requests and answers are those of MLflow's model server; the model is loaded as `predict` loads it.

    Example: `tabular-dl serve titanic@champion`
    """
    load_quietly()
    from tabular_dl.workflows.serve import serve as run_server

    run_server(run_or_model, port, host, workers, trust=trust)


@app.command(rich_help_panel=PANEL)
def ui(
    pipeline: Annotated[
        str | None,
        typer.Argument(help="Pipeline whose runs to show first; by default that of the newest run.", metavar="[NAME]"),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5000,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve the MLflow UI with all runs, on this machine only; stop with Ctrl-C.

    Example: `tabular-dl ui titanic --open`
    """
    from tabular_dl.workflows.ui import ui as run

    run(port, pipeline, show=show)

"""Commands that train."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from tabular_dl.cli.options import (
    ClusterOption,
    Data,
    Id,
    MetricName,
    Model,
    Pipeline,
    Preset,
    Quiet,
    Target,
    TestFile,
    TrainFile,
    check_values,
    effort_of,
    quiet_console,
    quoted,
    seconds_of,
)
from tabular_dl.errors import TrackingError, UserError
from tabular_dl.nn import load_quietly

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Training"


@app.command(rich_help_panel=PANEL)
def fit(
    pipeline: Annotated[
        str | None,
        typer.Argument(
            help="Name of a pipeline (see `list`), or a YAML file.", metavar="NAME|FILE.yaml", show_default=False
        ),
    ] = None,
    data: Data = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like network.dropout=0.4; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Number of folds of the cross-validation.")] = None,
    members: Annotated[int | None, typer.Option(min=1, help="Number of networks per fold.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Maximum number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; fits of equal seeds are the same bit for bit.")] = None,
    no_track: Annotated[bool, typer.Option("--no-track", help="Write results to outputs/, not to MLflow.")] = False,
    quiet: Quiet = False,
    train: TrainFile = None,
    test: TestFile = None,
    target: Target = None,
    id_column: Id = None,
    metric: MetricName = None,
    preset: Preset = None,
    model: Model = None,
    cluster: ClusterOption = None,
) -> None:
    """Train a cross-validated ensemble, compare its score with simple models, and track it in MLflow.

    Exit code 3: trained, but the run could not be logged; `recover` logs it later.

    All folds and members train at once, as one compiled program. Instead of a pipeline, `--train` names a table; the
    pipeline is then the one that `init` would write. `--model` trains a model of another library on the same folds,
    which `ensemble` blends with the networks.

    Examples: `tabular-dl fit titanic --set network.dropout=0.4 --members 8`,
    `tabular-dl fit --train houses/train.csv --target price`, `tabular-dl fit titanic --model lightgbm`
    """
    options = {"ensemble.folds": folds, "ensemble.members": members, "training.epochs": epochs, "seed": seed}
    overrides = [*(settings or []), *(f"{key}={value}" for key, value in options.items() if value is not None)]
    overrides = [*_chosen_model(model, preset), *overrides]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    table_options = {"--test": test, "--target": target, "--id": id_column, "--metric": metric}
    _check_source(pipeline, data, train, [option for option, value in table_options.items() if value is not None])
    _check_cluster(cluster, model is None)
    if train is not None:
        load_quietly()
        from tabular_dl.drafting import Tables
        from tabular_dl.workflows.fit import fit_tables

        tables = Tables(train, test, None, target, id_column, metric)
        console = quiet_console(quiet)
        chosen = effort_of(preset) or "good"
        from tabular_dl.clusters import open_cluster

        with open_cluster(cluster):
            result = fit_tables(tables, overrides, preset=chosen, track=not no_track, console=console)
    else:
        # Read before the slow imports, so that mistakes in the pipeline are reported at once.
        from tabular_dl.spec import load_spec

        spec = load_spec(str(pipeline), overrides, check_values)
        if model is None and spec.model.is_network:
            load_quietly()  # models of other libraries do not need TensorFlow, which takes 2 s to load
        from tabular_dl.clusters import open_cluster
        from tabular_dl.workflows.fit import adapted, fit_spec

        spec = adapted(spec, model, overrides)

        effort = effort_of(preset)
        _check_cluster(cluster, spec.model.is_network)
        console = quiet_console(quiet)
        with open_cluster(cluster):
            result = fit_spec(spec, pipeline, overrides, preset=effort, track=not no_track, console=console)
    if result.unlogged is not None:
        raise typer.Exit(TrackingError.exit_code)


@app.command(rich_help_panel=PANEL)
def search(
    pipeline: Pipeline,
    trials: Annotated[int, typer.Option(min=2, help="Total number of configurations.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Number of rounds; after each, ranges narrow.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Maximum number of epochs of a trial.")] = 20,
    timeout: Annotated[str | None, typer.Option(help="Time after which no round begins, like 90s, 10m or 1h.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the configurations; by default that of the pipeline.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="random (narrowing ranges) or tpe (needs Optuna).")] = "random",
    pick: Annotated[str, typer.Option(help="simplest within one standard error of the best, or best.")] = "simplest",
    no_holdout: Annotated[
        bool, typer.Option("--no-holdout", help="Choose on all rows, with no hold-out score of the winner.")
    ] = False,
    space: Annotated[Path | None, typer.Option(help="YAML file with the search space.", metavar="FILE")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with train.csv and test.csv.", metavar="DIR")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change one value, like network.activation=tanh; may be repeated.", metavar="KEY=VALUE"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File for the winner; by default pipelines/NAME.best.yaml."),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Id or name of an interrupted search to continue.", metavar="RUN")
    ] = None,
    model: Model = None,
    cluster: ClusterOption = None,
    quiet: Quiet = False,
) -> None:
    """Search hyperparameters in rounds; the configurations of a round train together on all folds.

    The search space is the pipeline's `search:` section, with lines such as
    `learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}`.

    Example: `tabular-dl search titanic --trials 100 --rounds 3`, then `tabular-dl fit pipelines/titanic.best.yaml`
    """
    overrides = [*_chosen_model(model, None), *(settings or [])]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    from tabular_dl.spec import load_spec

    _check_cluster(cluster, model is None)
    spec = load_spec(pipeline, overrides, check_values)
    _check_cluster(cluster, spec.model.is_network)
    load_quietly()
    from tabular_dl.workflows.fit import adapted
    from tabular_dl.workflows.search import SearchOptions, search_spec

    spec = adapted(spec, model, overrides)

    options = SearchOptions(
        trials, rounds, epochs, seconds_of(timeout), seed, sampler, pick, not no_holdout, space, output, resume, cluster
    )
    search_spec(spec, pipeline, overrides, options, quiet_console(quiet))


@app.command(rich_help_panel=PANEL)
def auto(
    pipeline: Pipeline,
    duration: Annotated[str, typer.Option("--time", help="Time to spend, like 90s, 10m or 1h.")] = "10m",
    data: Data = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like ensemble.folds=10; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File of the submission.", metavar="FILE")] = Path(
        "submission.csv"
    ),
    resume: Annotated[
        str | None,
        typer.Option(help="Id or name of a run of auto that was killed; its time is continued.", metavar="RUN"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make the best submission that this machine can in a given time: networks, boosted trees and a blend of all.

    Trains a portfolio, the cheapest first, each as a run: a linear model, boosted trees (LightGBM, XGBoost and
    CatBoost where they are installed), the pipeline's networks, RealMLP, TabM. Then it searches the hyperparameters of
    the two best, blends all greedily with a nested score, and writes the checked submission. It ends early when
    searches improve nothing.

    Example: `tabular-dl auto titanic --time 2m`
    """
    overrides = [*(settings or [])]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    seconds = seconds_of(duration, "--time")
    from tabular_dl.spec import load_spec

    load_spec(pipeline, overrides, check_values)  # mistakes are reported before the slow imports
    load_quietly()
    import psutil

    from tabular_dl.workflows.auto import auto as run

    began = time.monotonic() - (time.time() - psutil.Process().create_time())  # the imports count
    console = quiet_console(quiet)
    done = run(pipeline, overrides, seconds or 0.0, output=output, resume=resume, began=began, console=console)
    if done is None:
        raise typer.Exit(TrackingError.exit_code)


def _chosen_model(model: str | None, preset: str | None) -> list[str]:
    """Return the setting that ``--model`` stands for."""
    if model is not None and preset is not None:
        raise UserError("--preset chooses networks, and --model another model: leave one of them out.")
    return [] if model is None else [f"model={model}"]


def _check_cluster(cluster: str | None, networks: bool) -> None:
    """Raise an error for an address that cannot be read, or for models that do not train on a cluster."""
    if cluster is None:
        return
    from tabular_dl.clusters import read_address

    read_address(cluster)
    if not networks:
        raise UserError("--cluster trains networks only: leave it out for models of other libraries.")


def _check_source(pipeline: str | None, data: Path | None, train: Path | None, options: list[str]) -> None:
    """Raise an error unless there is a pipeline or a table, but not both, and the options suit it."""
    if (pipeline is None) == (train is None):
        sources = "neither" if train is None else "both"
        raise UserError(f"fit: expected a pipeline (see `tabular-dl list`) or a table by --train, found {sources}.")
    if train is None and options:
        raise UserError(f"{options[0]} goes with --train. Change a pipeline by --set, such as --set data.target=y.")
    if train is not None and data is not None:
        raise UserError("--data goes with a pipeline. Leave it out: --train locates the tables.")

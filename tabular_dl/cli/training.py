"""Commands that train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabular_dl.cli.options import (
    Id,
    MetricName,
    Pipeline,
    Target,
    TestFile,
    TrainFile,
    check_values,
    quiet_console,
    quoted,
    seconds_of,
)
from tabular_dl.errors import UserError
from tabular_dl.nn import load_quietly

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Training"


@app.command(rich_help_panel=PANEL)
def fit(
    pipeline: Annotated[
        str | None,
        typer.Argument(
            help="A pipeline by name (see `list`), or a YAML file.", metavar="NAME|FILE.yaml", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with train.csv, test.csv and perhaps sample_submission.csv.", metavar="DIR"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like network.dropout=0.4; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Folds of the cross-validation.")] = None,
    members: Annotated[int | None, typer.Option(min=1, help="Networks a fold.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="The most passes over the rows.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Makes a fit repeatable bit for bit.")] = None,
    no_track: Annotated[bool, typer.Option("--no-track", help="Keep results in outputs/, not in MLflow.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    train: TrainFile = None,
    test: TestFile = None,
    target: Target = None,
    id_column: Id = None,
    metric: MetricName = None,
) -> None:
    """Train a cross-validated ensemble, score it beside two baselines, and track it in MLflow.

    All folds and members train side by side as one compiled program. Without a pipeline, `--train` takes a table and
    fits what `init` would have written.

    Examples: `tabular-dl fit titanic --set network.dropout=0.4 --members 8`,
    `tabular-dl fit --train houses/train.csv --target price`
    """
    options = {"ensemble.folds": folds, "ensemble.members": members, "training.epochs": epochs, "seed": seed}
    overrides = [*(settings or []), *(f"{key}={value}" for key, value in options.items() if value is not None)]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    asked = {"--test": test, "--target": target, "--id": id_column, "--metric": metric}
    _refuse_mixture(pipeline, data, train, [option for option, value in asked.items() if value is not None])
    if train is not None:
        load_quietly()
        from tabular_dl.drafting import Tables
        from tabular_dl.workflows.fit import fit_tables

        tables = Tables(train, test, None, target, id_column, metric)
        fit_tables(tables, overrides, track=not no_track, console=quiet_console(quiet))
    if pipeline is not None:
        # A mistake in the pipeline is told before the libraries load.
        from tabular_dl.spec import load_spec

        spec = load_spec(pipeline, overrides, check_values)
        load_quietly()
        from tabular_dl.workflows.fit import fit_spec

        fit_spec(spec, pipeline, track=not no_track, console=quiet_console(quiet))


@app.command(rich_help_panel=PANEL)
def search(
    pipeline: Pipeline,
    trials: Annotated[int, typer.Option(min=2, help="Configurations in all.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="After each, ranges narrow to where the best lie.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="The most epochs of a trial.")] = 20,
    timeout: Annotated[str | None, typer.Option(help="No round begins after this, like 90s, 10m or 1h.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Fixes what is tried; by default the pipeline's.")] = None,
    sampler: Annotated[str, typer.Option(help="random (ranges that narrow) or tpe (needs Optuna).")] = "random",
    pick: Annotated[str, typer.Option(help="simplest within one standard error of the best, or best.")] = "simplest",
    no_holdout: Annotated[bool, typer.Option("--no-holdout", help="Set no rows aside to score the winner on.")] = False,
    space: Annotated[Path | None, typer.Option(help="A YAML file with the search space.", metavar="FILE")] = None,
    data: Annotated[Path | None, typer.Option(help="A folder with train.csv and test.csv.", metavar="DIR")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change one value, like network.activation=tanh; may be repeated.", metavar="KEY=VALUE"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the winner goes; pipelines/NAME.best.yaml.")
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a search that was broken off.", metavar="RUN")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Search hyperparameters: a hundred configurations x folds, a round at a time, in a program or two.

    The space is the pipeline's `search:` section: `learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}` and the like.

    Example: `tabular-dl search titanic --trials 100 --rounds 3`, then `tabular-dl fit pipelines/titanic.best.yaml`
    """
    overrides = [*(settings or [])]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    from tabular_dl.spec import load_spec

    spec = load_spec(pipeline, overrides, check_values)
    load_quietly()
    from tabular_dl.workflows.search import SearchOptions, search_spec

    options = SearchOptions(
        trials, rounds, epochs, seconds_of(timeout), seed, sampler, pick, not no_holdout, space, output, resume
    )
    search_spec(spec, pipeline, overrides, options, quiet_console(quiet))


def _refuse_mixture(pipeline: str | None, data: Path | None, train: Path | None, options: list[str]) -> None:
    """Refuse a fit of both a pipeline and a table, or of neither."""
    if (pipeline is None) == (train is None):
        found = "neither" if train is None else "both"
        raise UserError(f"fit: expected a pipeline (see `tabular-dl list`) or a table by --train, found {found}.")
    if train is None and options:
        raise UserError(f"{options[0]} goes with --train; a value of a pipeline is changed by --set, as data.target=y.")
    if train is not None and data is not None:
        raise UserError("--data is a pipeline's folder of tables; leave it out, --train says where they are.")

"""The command line: options in, one workflow each, and errors without a traceback.

A command imports its workflow when it is called, so that `--help`, `--version`, `list` and mistakes in a pipeline file
are answered at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tabular_dl.errors import UserError
from tabular_dl.nn import load_quietly

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown")

data_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Data sets from elsewhere.")
app.add_typer(data_app, name="data")

Pipeline = Annotated[
    str, typer.Argument(help="A pipeline by name (see `list`), or a YAML file.", metavar="NAME|FILE.yaml")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from tabular_dl import __version__

        typer.echo(f"tabular-dl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Neural networks for Kaggle-style tables: from train.csv to a tracked ensemble and a checked submission.

    Start with `tabular-dl fit titanic`, then `tabular-dl submit titanic` and `tabular-dl ui`.
    """
    del version


TrainFile = Annotated[
    Path | None, typer.Option("--train", help="A table to learn from, instead of a pipeline.", metavar="FILE")
]
TestFile = Annotated[
    Path | None, typer.Option("--test", help="The table to predict; test.csv beside it.", metavar="FILE")
]
Target = Annotated[str | None, typer.Option(help="The column to predict, if the tables do not say.", metavar="COLUMN")]
Id = Annotated[str | None, typer.Option("--id", help="The column that names rows.", metavar="COLUMN")]
MetricName = Annotated[str | None, typer.Option("--metric", help="What runs are scored by.", metavar="NAME")]


@app.command()
def check(
    pipeline: Pipeline,
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with train.csv, test.csv and perhaps sample_submission.csv.", metavar="DIR"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like ensemble.folds=3; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    """Check tables and pipeline together before anything is trained; `fit` does so too, and shows the warnings.

    An error stops a fit. A warning means a score that is worse, or too good to be true: test rows that are training
    rows too, a column that gives the target away (leak), a test table that differs from the training table (drift),
    ids as features, outliers that break min-max scaling, rows or columns that are there twice, rare classes. A note is
    good to know. Under each stands the line of the pipeline file that mends it. Exit code 2 if there is an error.

    Example: `tabular-dl check titanic --data kaggle-titanic`
    """
    overrides = [*(settings or [])]
    if data is not None:
        overrides.append(f"data.source={_quoted(data)}")
    from tabular_dl.spec import load_spec

    load_spec(pipeline, overrides)
    from tabular_dl.workflows.check import check as run

    if any(finding.level == "error" for finding in run(pipeline, overrides, _console(False))):
        raise typer.Exit(2)


@app.command()
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
        overrides.append(f"data.source={_quoted(data)}")
    asked = {"--test": test, "--target": target, "--id": id_column, "--metric": metric}
    _refuse_mixture(pipeline, data, train, [option for option, value in asked.items() if value is not None])
    if train is not None:
        load_quietly()
        from tabular_dl.workflows.drafts import Tables
        from tabular_dl.workflows.fit import fit_tables

        tables = Tables(train, test, None, target, id_column, metric)
        fit_tables(tables, overrides, track=not no_track, console=_console(quiet))
    if pipeline is not None:
        # A mistake in the pipeline is told before the libraries load.
        from tabular_dl.spec import load_spec

        load_spec(pipeline, overrides)
        load_quietly()
        from tabular_dl.workflows.fit import fit as run

        run(pipeline, overrides, track=not no_track, console=_console(quiet))


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="The new pipeline's name.", metavar="NAME")],
    train: Annotated[Path, typer.Option(help="The table to learn from.", metavar="FILE")],
    test: TestFile = None,
    sample: Annotated[
        Path | None, typer.Option(help="The sample submission; sample_submission.csv beside it.", metavar="FILE")
    ] = None,
    target: Target = None,
    id_column: Id = None,
    metric: MetricName = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a pipeline of that name.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Look at the tables of a competition and write pipelines/NAME.yaml, with the reason for each decision.

    Target and id are told from the sample submission, or from what the test table lacks.

    Example: `tabular-dl init houses --train houses/train.csv --metric rmsle`, then `tabular-dl fit houses`
    """
    from tabular_dl.workflows.drafts import Tables
    from tabular_dl.workflows.init import init as run

    tables = Tables(train, test, sample, target, id_column, metric)
    run(name, tables, force=force, console=_console(quiet))


@app.command("spec")
def print_spec(
    pipeline: Pipeline,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like network.dropout=0.4; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    """Print a pipeline with every default filled, as YAML that can be fitted as it is.

    Example: `tabular-dl spec titanic > pipelines/mine.yaml`
    """
    from tabular_dl.workflows.describe import full_text

    typer.echo(full_text(pipeline, settings or []), nl=False)


@app.command("schema")
def print_schema() -> None:
    """Print the JSON schema of pipeline files, by which editors complete and explain keys.

    Write `tabular-dl schema > pipelines/schema.json`, and as first line of a pipeline
    `# yaml-language-server: $schema=schema.json`.
    """
    from tabular_dl.workflows.describe import schema_text

    typer.echo(schema_text())


@app.command()
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
        overrides.append(f"data.source={_quoted(data)}")
    from tabular_dl.spec import load_spec

    load_spec(pipeline, overrides)
    load_quietly()
    from tabular_dl.workflows.search import SearchOptions
    from tabular_dl.workflows.search import search as run

    options = SearchOptions(
        trials, rounds, epochs, _seconds(timeout), seed, sampler, pick, not no_holdout, space, output, resume
    )
    run(pipeline, overrides, options, _console(quiet))


@app.command()
def compare(
    pipeline: Pipeline,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many of the best.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the leaderboard of a pipeline's runs, and which cannot be told from the best.

    Example: `tabular-dl compare titanic --top 10`
    """
    from tabular_dl.workflows.compare import compare as run

    run(pipeline, top=top, form="json" if as_json else "csv" if as_csv else "table")


@app.command()
def ensemble(
    pipeline: Pipeline,
    runs: Annotated[
        list[str] | None, typer.Option(help="Ids or names, with commas between them.", metavar="A,B,C")
    ] = None,
    top: Annotated[int, typer.Option(min=2, help="Without --runs: so many of the best fits.")] = 3,
    method: Annotated[str, typer.Option(help="mean, weighted, rank, greedy or stack.")] = "greedy",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Blend finished runs by their out-of-fold predictions, without training; the blend is a run like any other.

    Its score is nested: each fold is predicted by weights that the other folds taught.

    Example: `tabular-dl ensemble titanic --top 3 --method greedy`
    """
    load_quietly()
    from tabular_dl.workflows.ensemble import ensemble as run

    names = [name for each in runs or () for name in each.split(",") if name]
    run(pipeline, names, top=top, method=method, console=_console(quiet))


@app.command()
def promote(
    run: Annotated[str, typer.Argument(help="A run's id or name.", metavar="RUN")],
    alias: Annotated[str, typer.Option("--as", help="The alias that its model gets.", metavar="ALIAS")] = "champion",
) -> None:
    """Register a run's model in MLflow under an alias; `submit` and `predict` then take NAME@ALIAS.

    Example: `tabular-dl promote amusing-owl-123 --as champion`, then `tabular-dl submit titanic@champion`
    """
    load_quietly()
    from tabular_dl.workflows.promote import promote as register

    register(run, alias)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="The id or name of a fit, a blend or a search.", metavar="RUN")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; report-NAME.html.", metavar="FILE")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the report of a run as one HTML page that loads nothing: scores, curves, errors, importances.

    Example: `tabular-dl report amusing-owl-123 --open`
    """
    load_quietly()
    from tabular_dl.workflows.report import report as write

    write(run, output, show=show)


@app.command()
def reproduce(run: Annotated[str, typer.Argument(help="A run's id or name.", metavar="RUN")]) -> None:
    """Fit a run again from its own specification, data and seed, and say whether its predictions are the same.

    Example: `tabular-dl reproduce amusing-owl-123`
    """
    load_quietly()
    from tabular_dl.workflows.reproduce import reproduce as again

    again(run)


@app.command()
def predict(
    run_or_model: Annotated[
        str, typer.Argument(help="A run's id or name, NAME@alias, or a model's folder.", metavar="RUN|MODEL")
    ],
    table: Annotated[Path, typer.Argument(help="Raw rows, as in test.csv.", metavar="CSV")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("predictions.csv"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Predict the rows of a CSV file with a fitted model.

    Example: `tabular-dl predict amusing-owl-123 test.csv -o predictions.csv`
    """
    load_quietly()
    from tabular_dl.workflows.predict import predict as run

    run(run_or_model, table, output, _console(quiet))


@app.command()
def submit(
    pipeline: Pipeline,
    run_id: Annotated[
        str | None, typer.Option("--run", help="A run's id or name; by default the best by its CV score.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write; zipped if it ends in .zip or is over 50 MB.")
    ] = Path("submission.csv"),
    probabilities: Annotated[
        bool | None, typer.Option("--proba/--labels", help="What to write; by default as the sample shows.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it to Kaggle, and wait for the score.")] = False,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Shown beside it on Kaggle.")] = None,
    timeout: Annotated[str, typer.Option(help="How long to wait for the score, like 90s or 10m.")] = "5m",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Write a submission from the best run, check it before Kaggle sees it, and send it if you say so.

    Example: `tabular-dl submit titanic -o submission.csv`, or `tabular-dl submit titanic --send -m "64-32"`
    """
    from tabular_dl.spec import load_spec

    seconds = _seconds(timeout) or 0.0
    if message is not None and not send:
        raise UserError("-m is for the submission on Kaggle: add --send, or leave -m out.")
    name, _, alias = pipeline.partition("@")
    load_spec(name)
    run_id = pipeline if alias and run_id is None else run_id
    pipeline = name
    load_quietly()
    from tabular_dl.workflows.submit import Sending
    from tabular_dl.workflows.submit import submit as run

    form: Any = None if probabilities is None else "probabilities" if probabilities else "labels"
    run(pipeline, run_id, output, _console(quiet), form=form, sending=Sending(message, seconds) if send else None)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="As the source calls it; a number of OpenML.", metavar="NAME")],
    source: Annotated[str, typer.Option(help="kaggle, openml or keras.")] = "kaggle",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; data/NAME by default.", metavar="DIR")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Download a data set: it is complete in its place, or not there at all.

    Example: `tabular-dl data get titanic`, or `tabular-dl data get credit-g --source openml`
    """
    from tabular_dl.workflows.data import get

    get(name, source, output, force=force)


@app.command()
def serve(
    run: Annotated[str, typer.Argument(help="A run's id or name, or NAME@alias.", metavar="RUN")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 5001,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve a run's model over HTTP by MLflow's model server, on this machine only; Ctrl-C ends it.

    Example: `tabular-dl serve titanic@champion`
    """
    from tabular_dl.workflows.serve import serve as run_server

    raise typer.Exit(run_server(run, port, host))


@app.command("list")
def list_pipelines() -> None:
    """List the pipelines that can be fitted by name."""
    from tabular_dl.workflows.listing import list_all

    list_all()


@app.command()
def problems() -> None:
    """Show what follows from each type of problem: output layer, loss, target coding, metric."""
    from tabular_dl.workflows.listing import list_problems

    list_problems()


@app.command()
def ui(
    pipeline: Annotated[
        str | None, typer.Argument(help="Whose runs to show first; those of the newest run.", metavar="[NAME]")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine.")] = 5000,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Serve the MLflow UI over all runs, on this machine only; Ctrl-C ends it.

    Example: `tabular-dl ui titanic --open`
    """
    from tabular_dl.workflows.ui import ui as run

    run(port, pipeline, show=show)


def _refuse_mixture(pipeline: str | None, data: Path | None, train: Path | None, options: list[str]) -> None:
    """Refuse a fit of both a pipeline and a table, or of neither."""
    if (pipeline is None) == (train is None):
        found = "neither" if train is None else "both"
        raise UserError(f"fit: expected a pipeline (see `tabular-dl list`) or a table by --train, found {found}.")
    if train is None and options:
        raise UserError(f"{options[0]} goes with --train; a value of a pipeline is changed by --set, as data.target=y.")
    if train is not None and data is not None:
        raise UserError("--data is a pipeline's folder of tables; leave it out, --train says where they are.")


def _seconds(text: str | None) -> float | None:
    """Read a duration like 90s, 10m or 1h."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"--timeout: expected a time like 90s, 10m or 1h, found {text!r}.")
    return seconds


def _quoted(path: Path) -> str:
    """Write a path as a YAML value, absolute, so that a run's specification says where its tables were."""
    import json

    return json.dumps(str(path.resolve()), ensure_ascii=False)


def _console(quiet: bool) -> Any:
    from rich.console import Console

    return Console(quiet=quiet)


def main() -> None:
    """Run a command; print what is wrong with the user's input without a traceback, and exit with code 2."""
    try:
        app(prog_name="tabular-dl")
    except UserError as error:
        typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()

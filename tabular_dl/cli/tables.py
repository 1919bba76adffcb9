"""Commands about tables and pipeline files, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabular_dl.cli.options import Id, MetricName, Pipeline, Target, TestFile, check_values, quiet_console, quoted

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Tables and pipelines"

data_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Data sets from elsewhere.")
app.add_typer(data_app, name="data", rich_help_panel=PANEL)


@app.command(rich_help_panel=PANEL)
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
    from tabular_dl.drafting import Tables
    from tabular_dl.workflows.init import init as run

    tables = Tables(train, test, sample, target, id_column, metric)
    run(name, tables, force=force, console=quiet_console(quiet))


@app.command(rich_help_panel=PANEL)
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
        overrides.append(f"data.source={quoted(data)}")
    from tabular_dl.spec import load_spec

    spec = load_spec(pipeline, overrides, check_values)
    from tabular_dl.workflows.check import check_spec

    if any(finding.level == "error" for finding in check_spec(spec, quiet_console(False))):
        raise typer.Exit(2)


@app.command("spec", rich_help_panel=PANEL)
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
    from tabular_dl.workflows.show import full_text

    typer.echo(full_text(pipeline, settings or []), nl=False)


@app.command("schema", rich_help_panel=PANEL)
def print_schema() -> None:
    """Print the JSON schema of pipeline files, by which editors complete and explain keys.

    Write `tabular-dl schema > pipelines/schema.json`, and as first line of a pipeline
    `# yaml-language-server: $schema=schema.json`.
    """
    from tabular_dl.workflows.show import schema_text

    typer.echo(schema_text())


@app.command("list", rich_help_panel=PANEL)
def list_pipelines() -> None:
    """List the pipelines that can be fitted by name."""
    from tabular_dl.workflows.show import list_all

    list_all()


@app.command(rich_help_panel=PANEL)
def problems() -> None:
    """Show what follows from each type of problem: output layer, loss, target coding, metric."""
    from tabular_dl.workflows.show import list_problems

    list_problems()


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
    from tabular_dl.workflows.download import get

    get(name, source, output, force=force)

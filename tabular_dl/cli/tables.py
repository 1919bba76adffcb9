"""Commands for tables and pipeline files, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabular_dl.cli.options import (
    Data,
    Id,
    MetricName,
    Pipeline,
    Preset,
    Quiet,
    Target,
    TestFile,
    check_values,
    effort_of,
    quiet_console,
    quoted,
)

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Tables and pipelines"

data_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Download data sets.")
app.add_typer(data_app, name="data", rich_help_panel=PANEL)


@app.command(rich_help_panel=PANEL)
def init(
    name: Annotated[str, typer.Argument(help="Name of the new pipeline.", metavar="NAME")],
    train: Annotated[Path, typer.Option(help="Training table.", metavar="FILE")],
    test: TestFile = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            help="Sample submission; by default sample_submission.csv beside the training table.", metavar="FILE"
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Ids and targets of the training rows; by default train_labels.csv, if the training table has none.",
            metavar="FILE",
        ),
    ] = None,
    target: Target = None,
    id_column: Id = None,
    metric: MetricName = None,
    preset: Preset = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a pipeline of that name.")] = False,
    quiet: Quiet = False,
) -> None:
    """Draft pipelines/NAME.yaml from the tables of a competition, with the reason for each decision.

    Target and id are detected from the sample submission, or from the columns that the test table lacks.

    Example: `tabular-dl init houses --train houses/train.csv --metric rmsle`, then `tabular-dl fit houses`
    """
    from tabular_dl.drafting import Tables
    from tabular_dl.workflows.init import init as run

    tables = Tables(train, test, sample, target, id_column, metric, labels)
    run(name, tables, preset=effort_of(preset) or "good", force=force, console=quiet_console(quiet))


@app.command(rich_help_panel=PANEL)
def check(
    pipeline: Pipeline,
    data: Data = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like ensemble.folds=3; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    """Check tables and pipeline together before training; `fit` runs the same checks and prints the warnings.

    An error stops a fit. A warning means that the score may be worse, or too good to be true: test rows that are also
    training rows, a column that reveals the target (leak), a test table that differs from the training table (drift),
    ids as features, outliers that break min-max scaling, duplicate rows or columns, rare classes. A note is for
    information. Below each finding stands the change to the pipeline file that fixes it. Exit code 2 if there is an
    error.

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


@app.command(rich_help_panel=PANEL)
def folds(
    pipeline: Pipeline,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.", metavar="FILE")] = Path("folds.csv"),
    data: Data = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like ensemble.folds=10; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the folds that `fit` uses, to train other models on them elsewhere: the id and the fold of each row.

    `import` then makes a run of the predictions, which `ensemble` can blend with the pipeline's own.

    Example: `tabular-dl folds titanic -o folds.csv`
    """
    overrides = [*(settings or [])]
    if data is not None:
        overrides.append(f"data.source={quoted(data)}")
    from tabular_dl.workflows.folds import folds as write

    write(pipeline, output, overrides, quiet_console(quiet))


@app.command("spec", rich_help_panel=PANEL)
def print_spec(
    pipeline: Pipeline,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value, like network.dropout=0.4; may be repeated.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    """Print a pipeline with all defaults filled in, as YAML that `fit` accepts.

    Example: `tabular-dl spec titanic > pipelines/mine.yaml`
    """
    from tabular_dl.workflows.show import full_text

    typer.echo(full_text(pipeline, settings or []), nl=False)


@app.command("schema", rich_help_panel=PANEL)
def print_schema() -> None:
    """Print the JSON schema of pipeline files, with which editors complete and explain keys.

    Run `tabular-dl schema > pipelines/schema.json`, and begin a pipeline file with the line
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
    """Show output layer, loss, target coding and metric of each type of problem."""
    from tabular_dl.workflows.show import list_problems

    list_problems()


@data_app.command("get")
def data_get(
    name: Annotated[
        str, typer.Argument(help="Name of the data set at the source; for OpenML also its number.", metavar="NAME")
    ],
    source: Annotated[str, typer.Option(help="kaggle, openml or keras.")] = "kaggle",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write; by default data/NAME.", metavar="DIR")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing folder.")] = False,
) -> None:
    """Download a data set. The folder appears only once it is complete.

    Example: `tabular-dl data get titanic`, or `tabular-dl data get credit-g --source openml`
    """
    from tabular_dl.workflows.download import get

    get(name, source, output, force=force)

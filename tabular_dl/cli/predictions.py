"""Commands that predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tabular_dl.cli.options import Pipeline, quiet_console, seconds_of
from tabular_dl.errors import UserError
from tabular_dl.nn import load_quietly

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Predictions"


@app.command(rich_help_panel=PANEL)
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

    run(run_or_model, table, output, quiet_console(quiet))


@app.command(rich_help_panel=PANEL)
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

    seconds = seconds_of(timeout) or 0.0
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
    run(pipeline, run_id, output, quiet_console(quiet), form=form, sending=Sending(message, seconds) if send else None)

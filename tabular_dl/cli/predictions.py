"""Commands that predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tabular_dl.cli.options import Pipeline, Quiet, Trust, check_run, quiet_console, seconds_of
from tabular_dl.errors import UserError
from tabular_dl.nn import load_quietly

if TYPE_CHECKING:
    from tabular_dl.competition import Form

__all__ = ["app"]

app = typer.Typer(rich_markup_mode="markdown")
PANEL = "Predictions"


@app.command(rich_help_panel=PANEL)
def predict(
    run_or_model: Annotated[
        str, typer.Argument(help="Id or name of a run, NAME@alias, or folder of a model.", metavar="RUN|MODEL")
    ],
    table: Annotated[Path, typer.Argument(help="Table of raw rows, as in test.csv.", metavar="CSV")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("predictions.csv"),
    quiet: Quiet = False,
    trust: Trust = False,
) -> None:
    """Predict the rows of a CSV file with a fitted model.

    Example: `tabular-dl predict amusing-owl-123 test.csv -o predictions.csv`
    """
    check_run(run_or_model)
    load_quietly()
    from tabular_dl.workflows.predict import predict as run

    run(run_or_model, table, output, quiet_console(quiet), trust=trust)


@app.command(rich_help_panel=PANEL)
def submit(
    pipeline: Pipeline,
    run_id: Annotated[
        str | None, typer.Option("--run", help="Id or name of a run; by default the run with the best CV score.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; zipped if it ends in .zip or exceeds 50 MB.")
    ] = Path("submission.csv"),
    probabilities: Annotated[
        bool | None, typer.Option("--proba/--labels", help="Form of the predictions; by default that of the sample.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=1, help="Number of labels in a cell, the most probable first.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the file to Kaggle and wait for its score.")] = False,
    message: Annotated[str | None, typer.Option("--message", "-m", help="Description shown on Kaggle.")] = None,
    timeout: Annotated[str, typer.Option(help="Longest wait for the score, like 90s or 10m.")] = "5m",
    quiet: Quiet = False,
    trust: Trust = False,
) -> None:
    """Write a checked submission from the best run, and send it to Kaggle with `--send`.

    Example: `tabular-dl submit titanic -o submission.csv`, or `tabular-dl submit titanic --send -m "64-32"`
    """
    from tabular_dl.spec import load_spec

    seconds = seconds_of(timeout) or 0.0
    if message is not None and not send:
        raise UserError("-m describes a submission sent to Kaggle: add --send, or leave -m out.")
    if top_k is not None and probabilities:
        raise UserError("--top-k writes labels: leave --proba out.")
    name, _, alias = pipeline.partition("@")
    load_spec(name)
    run_id = pipeline if alias and run_id is None else run_id
    pipeline = name
    check_run(run_id)
    from tabular_dl.competition import Asked
    from tabular_dl.workflows.submit import Sending
    from tabular_dl.workflows.submit import submit as run

    form: Form | None = None if probabilities is None else "probabilities" if probabilities else "labels"
    sending = Sending(message, seconds) if send else None
    run(pipeline, run_id, output, quiet_console(quiet), asked=Asked(form, top_k=top_k), sending=sending, trust=trust)

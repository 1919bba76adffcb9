"""Predictions of a fitted model for a table of raw rows, as a CSV file: `tabular-dl predict`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import write_text
from tabular_dl.competition import prediction_table
from tabular_dl.model_selection import imported_parts
from tabular_dl.spec import check_rows, unread_numbers
from tabular_dl.tables import read_table_file
from tabular_dl.tracking import open_model
from tabular_dl.workflows.console import print_lines, print_notes
from tabular_dl.workflows.predictions import predict_rows

__all__ = ["predict"]


def predict(
    run_or_model: str, table: Path, output: Path, console: Console | None = None, *, trust: bool = False
) -> Path:
    """Predict the rows of a table.

    Parameters
    ----------
    run_or_model : str
        Id or name of a run, ``NAME@alias``, or folder of a model.
    table : Path
        File with raw rows and the columns that the pipeline uses.
    output : Path
        File to write, with the id, the prediction, and one probability per class.
    console : Console, optional
        Console to print to; standard output by default.
    trust : bool, default=False
        Whether to execute Python in the model that was not stored by this user on this machine.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    UserError
        If the model or the rows cannot be used; nothing is written then.
    """
    console = console or Console()
    model, spec = open_model(run_or_model, trust=trust)
    file = read_table_file(table, () if spec.data.id is None else (spec.data.id,))
    rows = file.frame
    if imported_parts(model) != [model]:  # imported predictions read the id only
        check_rows(spec, rows, str(table), rest=False)
    unread = [cells.message.rstrip(".") for cells in unread_numbers(spec, rows, table.name)]
    print_notes([*file.notes, *unread], console)
    classes, threshold = getattr(model, "classes_", None), getattr(model, "threshold_", None)
    predictions = prediction_table(
        rows.get(spec.data.id), spec.data.target, predict_rows(model, rows), classes, threshold
    )
    write_text(output, predictions.to_csv(index=False))
    print_lines(
        console, f"{len(rows)} predictions of {escape(spec.data.target_names)} are in [bold]{escape(str(output))}[/]."
    )
    return output

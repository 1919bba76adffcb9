"""`tabular-dl predict`: a fitted model and a table of raw rows -> a CSV file of predictions."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import write_text
from tabular_dl.competition import prediction_table
from tabular_dl.spec import check_rows
from tabular_dl.tables import read_table_file
from tabular_dl.tracking import open_model
from tabular_dl.workflows.console import print_notes

__all__ = ["predict"]


def predict(run_or_model: str, table: Path, output: Path, console: Console | None = None) -> Path:
    """Predict the rows of a table.

    Parameters
    ----------
    run_or_model : str
        A run's id or name, or a model's folder.
    table : Path
        Raw rows, with the columns that the pipeline uses.
    output : Path
        Where to write: the id, the prediction, then one probability a class.
    console : Console, optional
        Where to print.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UserError
        If the model or the rows cannot be used; nothing has been written then.
    """
    console = console or Console()
    model, spec = open_model(run_or_model)
    file = read_table_file(table, () if spec.data.id is None else (spec.data.id,))
    rows = file.frame
    check_rows(spec, rows, str(table), rest=False)
    print_notes(file.notes, console)
    classes = getattr(model, "classes_", None)
    predictions = model.predict(rows) if classes is None else model.predict_proba(rows)
    ids = rows.get(spec.data.id)
    laid_out = prediction_table(ids, spec.data.target, predictions, classes, getattr(model, "threshold_", None))
    write_text(output, laid_out.to_csv(index=False))
    said = f"{len(rows)} predictions of {escape(spec.data.target)} are in [bold]{escape(str(output))}[/]."
    console.print(said, highlight=False, soft_wrap=True)
    return output

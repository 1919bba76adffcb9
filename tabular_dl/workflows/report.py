"""Export of a run's report as an HTML file: `tabular-dl report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import write_text
from tabular_dl.tracking import OpenRun, find_run_id
from tabular_dl.workflows.console import print_lines

__all__ = ["report"]


def report(run: str, output: Path | None = None, *, show: bool = False, console: Console | None = None) -> Path:
    """Write the report of a run as one HTML file.

    Parameters
    ----------
    run : str
        Id or name of a fit, a blend or a search.
    output : Path, optional
        File to write; by default ``report-NAME.html``.
    show : bool, default=False
        Whether to open the file in the browser.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    UserError
        If there is no such run, or it has no report.
    """
    opened = OpenRun(find_run_id(run))
    page = opened.read("report.html")
    path = output or Path(f"report-{opened.name}.html")
    write_text(path, page)
    print_lines(console or Console(), f"The report of {escape(opened.name)} is in [bold]{escape(str(path))}[/]")
    if show:
        webbrowser.open(path.resolve().as_uri())
    return path

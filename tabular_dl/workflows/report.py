"""`tabular-dl report`: the page that a run has kept, as a file."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import write_text
from tabular_dl.tracking import OpenRun, find_run_id

__all__ = ["report"]


def report(run: str, output: Path | None = None, *, show: bool = False, console: Console | None = None) -> Path:
    """Write the report of a run as one HTML file.

    Parameters
    ----------
    run : str
        A run's id or name: a fit, a blend or a search.
    output : Path or None
        Where to write; by default ``report-NAME.html``.
    show : bool
        Whether to open it in the browser.
    console : Console, optional
        Where to print.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If there is no such run, or it has no report.
    """
    opened = OpenRun(find_run_id(run))
    page = opened.read("report.html")
    path = output or Path(f"report-{opened.name}.html")
    write_text(path, page)
    (console or Console()).print(
        f"The report of {escape(opened.name)} is in [bold]{escape(str(path))}[/]", soft_wrap=True
    )
    if show:
        webbrowser.open(path.resolve().as_uri())
    return path

"""MLflow's web pages for the runs of the current store: `tabular-dl ui`."""

from __future__ import annotations

import subprocess
import webbrowser

from rich.console import Console

from tabular_dl.errors import UserError
from tabular_dl.tracking import experiment_page, tracking_uri, ui_command
from tabular_dl.workflows.console import print_lines

__all__ = ["ui"]


def ui(port: int, pipeline: str | None = None, *, show: bool = False, console: Console | None = None) -> None:
    """Serve the MLflow UI on this machine until Ctrl-C.

    If the store is an MLflow server, the address of its UI is printed instead.

    Parameters
    ----------
    port : int
        Port to listen on.
    pipeline : str, optional
        Pipeline whose experiment is selected; by default that of the newest run.
    show : bool, default=False
        Whether to open the page in the browser.
    console : Console, optional
        Console to print to; standard output by default.

    Raises
    ------
    UserError
        If there is no such experiment, or the server ends by itself after printing the reason.
    """
    console = console or Console()
    page = experiment_page(pipeline)
    if tracking_uri().startswith(("http://", "https://")):
        address = f"{tracking_uri().rstrip('/')}/{page}"
        print_lines(console, f"MLFLOW_TRACKING_URI is an MLflow server; its UI is on [bold]{address}[/]")
        if show:
            webbrowser.open(address)
        return
    address = f"http://127.0.0.1:{port}/{page}"
    print_lines(console, f"MLflow is starting on [bold]{address}[/]; stop it with Ctrl-C.")
    try:
        if show:
            webbrowser.open(address)
        ended = subprocess.run(ui_command(port), check=False)  # noqa: S603 (a fixed command)
    except KeyboardInterrupt:
        return
    if ended.returncode:
        raise UserError(f"MLflow ended with code {ended.returncode}. If port {port} is taken, name another: --port.")

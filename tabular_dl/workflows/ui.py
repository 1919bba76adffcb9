"""`tabular-dl ui`: MLflow's own pages over this store."""

from __future__ import annotations

import subprocess
import webbrowser

from rich.console import Console

from tabular_dl.errors import UserError
from tabular_dl.tracking import experiment_page, tracking_uri, ui_command

__all__ = ["ui"]


def ui(port: int, pipeline: str | None = None, *, show: bool = False, console: Console | None = None) -> None:
    """Serve the MLflow UI on this machine until Ctrl-C.

    Parameters
    ----------
    port : int
        The port.
    pipeline : str or None
        Whose experiment to select; by default that of the newest run.
    show : bool
        Whether to open the page in the browser.
    console : Console, optional
        Where to print.

    Raises
    ------
    UserError
        If there is no such experiment, or the server ends by itself; it has said why.
    """
    console = console or Console()
    page = experiment_page(pipeline)
    if tracking_uri().startswith(("http://", "https://")):
        # A server of its own has pages of its own.
        address = f"{tracking_uri().rstrip('/')}/{page}"
        console.print(f"MLFLOW_TRACKING_URI is a server already; its pages are on [bold]{address}[/]", soft_wrap=True)
        if show:
            webbrowser.open(address)
        return
    address = f"http://127.0.0.1:{port}/{page}"
    console.print(f"MLflow is starting on [bold]{address}[/]; Ctrl-C ends it.", soft_wrap=True)
    try:
        if show:
            webbrowser.open(address)
        ended = subprocess.run(ui_command(port), check=False)  # noqa: S603 (a fixed command)
    except KeyboardInterrupt:
        return
    if ended.returncode:
        raise UserError(f"MLflow ended with code {ended.returncode}. If port {port} is taken, name another: --port.")

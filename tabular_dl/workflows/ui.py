"""MLflow's web pages for the runs of the current store: `tabular-dl ui`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import webbrowser
from contextlib import suppress

from rich.console import Console

from tabular_dl.errors import UserError
from tabular_dl.tracking import experiment_page, prepare_store, tracking_uri, ui_command
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.signals import as_ctrl_c

__all__ = ["ui"]

SECONDS_TO_STOP = 10.0  # time for MLflow's processes to end by themselves


def ui(port: int, pipeline: str | None = None, *, show: bool = False, console: Console | None = None) -> None:
    """Serve the MLflow UI on this machine until Ctrl-C or SIGTERM; no process of MLflow's stays behind.

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
    prepare_store(create=True)  # MLflow's server would create it in place, and leave it incomplete if it is killed
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
        with as_ctrl_c(signal.SIGTERM):
            if show:
                webbrowser.open(address)
            code = _run(ui_command(port))
    except KeyboardInterrupt:
        return
    if code:
        raise UserError(f"MLflow ended with code {code}. If port {port} is taken, name another: --port.")


def _run(command: list[str]) -> int:
    """Run a server and return its exit code. Its children end with it, also if this process is ended."""
    # In a session of its own, so that one signal reaches the server and all its workers.
    server = subprocess.Popen(command, start_new_session=True)  # noqa: S603 (a fixed command)
    try:
        return server.wait()
    finally:
        _end_group(server)


def _end_group(server: subprocess.Popen[bytes]) -> None:
    """End all processes of a server's session: by SIGTERM, and after some seconds by SIGKILL."""
    with suppress(ProcessLookupError):  # raised once no process is left
        os.killpg(server.pid, signal.SIGTERM)
        end = time.monotonic() + SECONDS_TO_STOP
        while time.monotonic() < end:
            server.poll()  # an ended process stays in its group until it is waited for
            os.killpg(server.pid, 0)
            time.sleep(0.05)
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()

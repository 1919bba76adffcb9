"""`tabular-dl ui`: MLflow's own pages over this store."""

from __future__ import annotations

import subprocess

from rich.console import Console

from tabular_dl.errors import UserError
from tabular_dl.tracking import ui_command

__all__ = ["ui"]


def ui(port: int, console: Console | None = None) -> None:
    """Serve the MLflow UI on this machine until Ctrl-C.

    Raises
    ------
    UserError
        If the server ends by itself; it has said why.
    """
    (console or Console()).print(f"MLflow is starting on [bold]http://127.0.0.1:{port}[/]; Ctrl-C ends it.")
    try:
        ended = subprocess.run(ui_command(port), check=False)  # noqa: S603 (a fixed command)
    except KeyboardInterrupt:
        return
    if ended.returncode:
        raise UserError(f"MLflow ended with code {ended.returncode}. If port {port} is taken, name another: --port.")

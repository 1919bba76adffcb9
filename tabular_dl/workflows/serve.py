"""`tabular-dl serve`: MLflow's own model server on a run's model, in this environment, on this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking

__all__ = ["serve"]


def serve(run: str, port: int, host: str = "127.0.0.1", console: Console | None = None) -> int:
    """Serve a run's model until Ctrl-C.

    Parameters
    ----------
    run : str
        A run's id or name, or ``NAME@alias``.
    port : int
        The port.
    host : str
        The address to listen on; others than loopback let everybody in.
    console : Console, optional
        Where to print.

    Returns
    -------
    int
        The server's exit code.

    Raises
    ------
    SubmissionError
        If there is no such run.
    """
    logged = tracking.find_run(run)
    console = console or Console()
    example = '{"dataframe_split": {"columns": [...], "data": [[...]]}}'
    for line in (
        f"Serving run [bold]{escape(logged.name)}[/] on http://{host}:{port}; Ctrl-C ends it. Ask it by",
        escape(f"curl http://{host}:{port}/invocations -H 'Content-Type: application/json' -d '{example}'"),
    ):
        console.print(line, highlight=False, soft_wrap=True)
    # MLflow starts `uvicorn` by its name: the one that is installed beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"MLFLOW_TRACKING_URI": tracking.tracking_uri(), "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": path}
    environment = {**os.environ, **own}
    # A session of its own, as the server is a child of MLflow's command: both end when this process does.
    command = tracking.serve_command(logged, host, port)
    server = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    before = signal.signal(signal.SIGTERM, _end)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)


def _end(number: int, frame: Any) -> None:
    del number, frame
    raise KeyboardInterrupt

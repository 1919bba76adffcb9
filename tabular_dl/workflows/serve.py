"""HTTP server for a run's model, by MLflow in the current environment: `tabular-dl serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.workflows.console import print_lines

__all__ = ["serve"]


def serve(run: str, port: int, host: str = "127.0.0.1", console: Console | None = None) -> int:
    """Serve a run's model until Ctrl-C.

    Parameters
    ----------
    run : str
        Id or name of a run, or ``NAME@alias``.
    port : int
        Port to listen on.
    host : str, default="127.0.0.1"
        Address to listen on. At any other than a loopback address, other machines can send requests.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    int
        Exit code of the server.

    Raises
    ------
    SubmissionError
        If there is no such run.
    """
    logged = tracking.find_run(run)
    console = console or Console()
    example = '{"dataframe_split": {"columns": [...], "data": [[...]]}}'
    print_lines(
        console,
        f"Serving run [bold]{escape(logged.name)}[/] on http://{host}:{port}; stop it with Ctrl-C. To predict:",
        escape(f"curl http://{host}:{port}/invocations -H 'Content-Type: application/json' -d '{example}'"),
    )
    # MLflow starts `uvicorn` by name; the one beside this Python comes first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    changes = {"MLFLOW_TRACKING_URI": tracking.tracking_uri(), "TF_CPP_MIN_LOG_LEVEL": "3", "PATH": path}
    environment = {**os.environ, **changes}
    # The server is a child of MLflow's command: in a separate session, one signal ends both.
    command = tracking.serve_command(logged, host, port)
    server = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt

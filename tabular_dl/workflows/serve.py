"""HTTP server of a run's model: `tabular-dl serve`.

Each worker loads the model as `tabular-dl predict` does: values from a file, and no code except Python that the user
stored or trusts. Other settings in the store, such as MLflow's `loader_module`, are ignored.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from importlib.metadata import version
from typing import Any

import uvicorn
from rich.console import Console
from rich.markup import escape
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from tabular_dl.errors import UserError
from tabular_dl.model_selection import joint_model
from tabular_dl.nn import load_quietly
from tabular_dl.serving import make_app
from tabular_dl.tracking import local_folder, open_model
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.signals import as_ctrl_c

__all__ = ["serve", "worker_app"]

# Folder and name of the model that workers serve, in JSON: their processes inherit it.
SERVED = "TABULAR_DL_SERVED"
MOST_CONNECTIONS = 256  # of a worker; more are answered with 503
SECONDS_TO_STOP = 20  # time for requests under way before their connections are closed


def serve(
    run_or_model: str,
    port: int,
    host: str = "127.0.0.1",
    workers: int = 1,
    console: Console | None = None,
    *,
    trust: bool = False,
) -> None:
    """Serve a model until Ctrl-C or SIGTERM; requests under way are answered first.

    Parameters
    ----------
    run_or_model : str
        Id or name of a run, ``NAME@alias``, or folder of a model.
    port : int
        Port to listen on.
    host : str, default="127.0.0.1"
        Address to listen on. At any other than a loopback address, other machines can send requests.
    workers : int, default=1
        Number of processes, each with a copy of the model.
    console : Console, optional
        Console to print to; standard output by default.
    trust : bool, default=False
        Whether to execute Python in the model that was not stored by this user on this machine.

    Raises
    ------
    UserError
        If there is no such run, its model cannot be loaded, or the address cannot be listened on.
    """
    console = console or Console()
    try:
        with as_ctrl_c(signal.SIGINT, signal.SIGTERM):
            _serve(run_or_model, port, host, workers, console, trust=trust)
    except KeyboardInterrupt:
        return
    finally:
        os.environ.pop(SERVED, None)


def _serve(run_or_model: str, port: int, host: str, workers: int, console: Console, *, trust: bool) -> None:
    folder = local_folder(run_or_model)
    with _listen(host, port) as listening:
        os.environ[SERVED] = json.dumps({"folder": str(folder.resolve()), "run": run_or_model, "trust": trust})
        # Loaded before workers start, so that a model that cannot be loaded is an error of this command.
        app = worker_app()
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        example = '{"dataframe_split": {"columns": [...], "data": [[...]]}}'
        print_lines(
            console,
            f"Serving [bold]{escape(run_or_model)}[/] on {address}; stop it with Ctrl-C. To predict:",
            escape(f"curl {address}/invocations -H 'Content-Type: application/json' -d '{example}'"),
        )
        if workers == 1:
            uvicorn.Server(_config(app, 1)).run(sockets=[listening])
        else:
            Multiprocess(_config(f"{__name__}:worker_app", workers), sockets=[listening]).run()


def worker_app() -> Starlette:
    """Return the application of one worker, with the model that the environment variable names."""
    load_quietly()
    served = json.loads(os.environ[SERVED])
    model, _ = open_model(served["folder"], trust=served["trust"])
    models = getattr(model, "models", [model])
    columns = list(dict.fromkeys(str(name) for part in models for name in part.feature_names_in_))
    return make_app(joint_model(model).predict, columns, served["run"], type(model).__name__, version("tabular-dl"))


def _config(app: Any, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, so that a taken port is an error before the model is loaded."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Otherwise a port would stay taken for some time after an earlier server has ended.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise UserError(f"{host}, port {port}: {reason}. Name another with --host or --port.") from None
    listening.set_inheritable(True)
    return listening

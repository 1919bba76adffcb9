"""Command that starts MLflow's web pages."""

from __future__ import annotations

import sys

from tabular_dl.tracking.store import tracking_uri

__all__ = ["ui_command"]


def ui_command(port: int) -> list[str]:
    """Return the command that serves the MLflow UI of the store, reachable from this machine only."""
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking_uri(), *address]

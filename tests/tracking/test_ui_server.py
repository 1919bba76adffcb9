"""The command that starts MLflow's pages."""

from __future__ import annotations

import sys

import pytest

from tabular_dl.tracking.ui_server import ui_command


def test_the_ui_is_served_to_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////somewhere/x.db")
    command = ui_command(5123)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options["--host"] == "127.0.0.1"
    assert options["--port"] == "5123"
    assert options["--backend-store-uri"] == "sqlite:////somewhere/x.db"

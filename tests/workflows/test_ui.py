"""`tabular-dl ui` serves MLflow's pages over the store, on this machine only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabular_dl.tracking import ui_command


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[list[str]]]:
    """Return a function that says how a server ends; none is started, the commands are noted."""

    def ends(with_: int | type[BaseException]) -> list[list[str]]:
        commands: list[list[str]] = []

        def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            commands.append(command)
            if isinstance(with_, int):
                return subprocess.CompletedProcess(command, with_)
            raise with_

        monkeypatch.setattr(subprocess, "run", run)
        return commands

    return ends


def test_the_address_is_said_and_the_server_started_on_the_port(cli: Any, server: Any, workspace: Path) -> None:
    commands = server(0)
    outcome = cli("ui", "--port", 5123)
    assert outcome.code == 0
    assert "http://127.0.0.1:5123" in outcome.out
    assert commands == [ui_command(5123)]
    assert f"sqlite:///{workspace}/mlflow.db" in commands[0]


def test_ctrl_c_is_the_way_to_end_it(cli: Any, server: Any, workspace: Path) -> None:
    server(KeyboardInterrupt)
    outcome = cli("ui")
    assert (outcome.code, outcome.err) == (0, "")


def test_a_server_that_ends_by_itself_is_an_error_with_what_to_try(cli: Any, server: Any, workspace: Path) -> None:
    server(1)
    assert cli("ui").refused() == "MLflow ended with code 1. If port 5000 is taken, name another: --port."

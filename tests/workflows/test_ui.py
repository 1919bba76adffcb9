"""`tabular-dl ui` serves MLflow's pages over the store, on this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabular_dl.tracking.ui_server import ui_command


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[list[str]]]:
    """Return a function that says how a server ends; none is started, the commands are noted."""

    def ends(with_: int | type[BaseException]) -> list[list[str]]:
        commands: list[list[str]] = []

        def run(command: list[str]) -> int:
            commands.append(command)
            if isinstance(with_, int):
                return with_
            raise with_

        monkeypatch.setattr("tabular_dl.workflows.ui._run", run)
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


def test_the_experiment_of_the_pipeline_named_is_selected(cli: Any, server: Any, own: Any) -> None:
    server(0)
    wanted = f"http://127.0.0.1:5000/#/experiments/{own.run.info.experiment_id}/runs"
    assert wanted in cli("ui", "titanic").out
    assert wanted in cli("ui").out


def test_a_pipeline_without_runs_is_refused(cli: Any, server: Any, own: Any) -> None:
    assert server(0) == []
    assert "There is no run of 'wine'" in cli("ui", "wine").refused()


def test_the_page_is_opened_on_request(cli: Any, server: Any, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server(0)
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    cli("ui", "titanic", "--open")
    assert opened == [f"http://127.0.0.1:5000/#/experiments/{own.run.info.experiment_id}/runs"]


def test_a_store_that_is_a_server_has_pages_of_its_own(
    cli: Any, server: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = server(0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9/")
    monkeypatch.setattr("tabular_dl.workflows.ui.prepare_store", lambda create: create)
    monkeypatch.setattr("tabular_dl.workflows.ui.experiment_page", lambda pipeline: "#/experiments/7/runs")
    assert "http://127.0.0.1:9/#/experiments/7/runs" in cli("ui").out
    assert commands == []


@pytest.mark.parametrize("deaf", [False, True], ids=["a child that ends", "a child that ignores SIGTERM"])
def test_told_to_end_it_leaves_no_child_behind(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    # A server with a worker, as MLflow's: the worker tells this process to end, as a supervisor would.
    worker = "import os, signal, sys, time; sys.argv[2] == 'True' and signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    worker += "open('pid', 'w').write(str(os.getpid())); os.kill(int(sys.argv[1]), signal.SIGTERM); time.sleep(60)"
    server = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    command = [sys.executable, "-c", server, worker, str(os.getpid()), str(deaf)]
    monkeypatch.setattr("tabular_dl.workflows.ui.ui_command", lambda port: command)
    monkeypatch.setattr("tabular_dl.workflows.ui.SECONDS_TO_STOP", 0.5)
    before = signal.getsignal(signal.SIGTERM)
    outcome = cli("ui")
    assert (outcome.code, outcome.err) == (0, "")
    assert signal.getsignal(signal.SIGTERM) is before
    pid = int(Path("pid").read_text())
    # Whoever adopts the worker may not have waited for it yet: it is gone, or dead.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    assert state.strip()[:1] in ("", "Z")

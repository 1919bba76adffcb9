"""`tabular-dl serve`, from end to end: answers, what it does not run, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import UserError
from tabular_dl.tracking.stored_model import open_model

DATA = Path(__file__).parents[2] / "data"
TEST = DATA / "titanic" / "test.csv"


def alive(group: int) -> bool:
    """Whether a group has a process; if so, a moment passes."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def ask(port: int, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Return status and body of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def question(rows: pd.DataFrame) -> bytes:
    split = json.loads(rows.to_json(orient="split", index=False))
    return json.dumps({"dataframe_split": {"columns": split["columns"], "data": split["data"]}}).encode()


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve a model in a process of its own; yield the port, once it answers, and the process."""
    port = free_port()
    command = [sys.executable, "-m", "tabular_dl.cli.app", "serve", str(folder), "--port", str(port), *options]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(600):
            try:
                ask(port, "/ping")
                break
            except OSError:
                assert server.poll() is None, "the server has ended"
                time.sleep(0.1)
        yield port, server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=60)


def model_folder(tracked: Any) -> Path:
    model = tracked.run.outputs.model_outputs[-1].model_id
    return Path(tracked.client.get_logged_model(model).artifact_location)


@pytest.mark.slow
def test_a_served_model_answers_as_predict_does_and_runs_nothing_of_the_store(own: Any) -> None:
    folder = model_folder(own)
    # The store is changed: its own code and another loader, which `mlflow models serve` would run.
    described = (folder / "MLmodel").read_text()
    assert "loader_module: mlflow.sklearn" in described
    (folder / "MLmodel").write_text(described.replace("loader_module: mlflow.sklearn", "loader_module: foreign"))
    foreign = f"open({str(own.folder / 'ran')!r}, 'w').close()\n"
    for place in (
        folder / "code" / "foreign.py",
        folder / "code" / "tabular_dl" / "__init__.py",
        folder / "foreign.py",
    ):
        place.write_text(foreign)
    rows = pd.read_csv(TEST).head(40)
    rows.loc[0, "Fare"] = np.nan
    rows.loc[1, "Embarked"] = "Mars"
    expected = open_model(str(folder))[0].predict(rows).tolist()
    with served(folder) as (port, server):
        assert json.loads(ask(port, "/invocations", question(rows))[1]) == {"predictions": expected}
        assert json.loads(ask(port, "/health")[1])["status"] == "ready"
        text = rows.astype({"Age": object}).assign(Age="x")
        status, answer = ask(port, "/invocations", question(text))
        assert status == 400
        assert "'Age'" in json.loads(answer)["message"]
        assert ask(port, "/invocations", b"\xff" * 10_000_000)[0] == 400
        assert ask(port, "/invocations", b" " * 17_000_000)[0] == 413
        assert ask(port, "/invocations", question(rows))[0] == 200
        server.terminate()
        assert server.wait(timeout=60) == 0
    assert not (own.folder / "ran").exists()


@pytest.mark.slow
def test_told_to_end_all_workers_end_and_the_port_is_free(own: Any) -> None:
    with served(model_folder(own), "--workers", "2") as (port, server):
        assert ask(port, "/invocations", question(pd.read_csv(TEST).head(1)))[0] == 200
        server.terminate()
        assert server.wait(timeout=60) == 0
        # Python's own tracker of shared resources ends just after the process that it belongs to.
        assert any(not alive(server.pid) for _ in range(600))
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(cli: Any, own: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = cli("serve", own.run.info.run_id, "--port", port).refused()
    assert f"127.0.0.1, port {port}: Address already in use" in message
    assert "--port" in message


def test_a_model_of_other_types_is_refused_as_by_predict(cli: Any, own: Any) -> None:
    (model_folder(own) / "model.skops").write_bytes(b"no archive")
    port = free_port()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    assert "model.skops is not a model" in cli("serve", own.run.info.run_name, "--port", port).refused()
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_run_that_does_not_exist_is_refused(cli: Any, own: Any) -> None:
    assert "There is no run 'nobody'" in cli("serve", "nobody").refused()


def test_other_machines_are_served_on_request_only(cli: Any, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def refuse(host: str, port: int) -> None:
        asked.append((host, port))
        raise UserError("noted")

    monkeypatch.setattr("tabular_dl.workflows.serve._listen", refuse)
    assert cli("serve", own.run.info.run_id).refused() == "noted"
    assert cli("serve", own.run.info.run_id, "--host", "0.0.0.0", "--port", 5002).refused() == "noted"  # noqa: S104
    assert asked == [("127.0.0.1", 5001), ("0.0.0.0", 5002)]  # noqa: S104

"""A server that does not answer is an error within seconds, after retries that are logged."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import urllib3

from tabular_dl.errors import UserError
from tabular_dl.tracking import connection
from tabular_dl.tracking.connection import check_answers, retries_said, without_password


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SECONDS", 0.2)
    monkeypatch.setattr(connection, "PAUSE", 0.0)


@pytest.fixture
def silent() -> Iterator[int]:
    """Listen on a port and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("status", [200, 404])
def test_any_answer_will_do(status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        check_answers(f"http://127.0.0.1:{server.server_port}", attempts=1)
        server.shutdown()
        thread.join()


def test_a_server_that_takes_the_request_and_says_nothing(silent: int, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(UserError, match=rf"127\.0\.0\.1:{silent} does not answer: nothing for .*--no-track"),
    ):
        check_answers(f"http://127.0.0.1:{silent}")
    said = [record.getMessage() for record in caplog.records if record.name == connection.__name__]
    assert [message.rpartition(": ")[2] for message in said] == ["attempt 1 of 3.", "attempt 2 of 3."]


@pytest.mark.parametrize("scheme", ["http", "postgresql", "mysql+pymysql"])
def test_a_port_on_which_nobody_listens(closed: int, scheme: str) -> None:
    with pytest.raises(UserError, match=rf"127\.0\.0\.1:{closed}/x does not answer"):
        check_answers(f"{scheme}://127.0.0.1:{closed}/x", attempts=1)


def test_a_database_server_is_asked_for_a_connection(silent: int) -> None:
    check_answers(f"postgresql://ann@127.0.0.1:{silent}/mlflow", attempts=1)


def test_files_are_no_servers() -> None:
    for uri in ("sqlite:////x.db", "file:///mlruns", "mlruns", ""):
        check_answers(uri, attempts=1)


def test_no_message_has_a_password(closed: int, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UserError) as refused:
        check_answers(f"postgresql://ann:secret@127.0.0.1:{closed}/x")
    assert "secret" not in str(refused.value) + caplog.text
    assert without_password("http://ann:a@b.example") == "http://ann:***@b.example"


def test_retries_of_requests_are_said_in_plain_words(closed: int, caplog: pytest.LogCaptureFixture) -> None:
    pool = urllib3.HTTPConnectionPool("127.0.0.1", closed, retries=urllib3.Retry(2, backoff_factor=0))
    with caplog.at_level(logging.WARNING), retries_said(), pytest.raises(urllib3.exceptions.MaxRetryError):
        pool.request("GET", "/")
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "The tracking server does not answer; trying again (attempts left: 1).",
        "The tracking server does not answer; trying again (attempts left: 0).",
    ]

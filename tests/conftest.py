"""Fixtures of all tests: libraries without telemetry and log output, and a local server."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Set before anything imports the libraries.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
# No test takes a program from the user or from another test. Keeping them would save nothing: most tests compile none.
os.environ["TABULAR_DL_COMPILED_CACHE"] = "off"


# A full garbage collection visits the millions of objects of the libraries and of the tests: seldom is often enough.
gc.set_threshold(50_000, 100, 10)

# No test depends on how fast a processor is.
settings.register_profile("any processor", deadline=None)
settings.load_profile("any processor")

# Bytes of compiled programs that a process keeps: fits of the tests are of few shapes, and compiling costs a second.
KEPT_BYTES = 2**30
# Boosting rounds of the trees that each fit is compared with.
ROUNDS = 3


def pytest_runtest_setup() -> None:
    """Keep programs from one test to the next, and boost little, once something has imported the modules that do."""
    programs = sys.modules.get("tabular_dl.nn.kept_programs")
    if programs is not None:
        programs.KEPT_BYTES = KEPT_BYTES
    training = sys.modules.get("tabular_dl.workflows.training")
    if training is not None:
        training.ROUNDS = ROUNDS


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let files with slow tests go first: those that take no time fill up the end, and all workers end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class Answer:
    """What the server says: a status and a body, late or broken off if a test wants that."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    kind: str = "application/octet-stream"
    sent: float = 1.0
    delay: float = 0.0


@dataclass
class Server:
    """A server on this machine: answers by the end of a path, one after the other, the last again and again."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    heads: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def respond(self, path: str, head: dict[str, str], body: bytes) -> Answer:
        self.heads.append(head)
        for end, answers in self.answers.items():
            if path.endswith(end):
                self.received[end].append(body)
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer(404, f"nothing at {path}".encode(), "text/plain")


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve on a free port of this machine."""
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = served.respond(self.path, dict(self.headers), body)
            time.sleep(answer.delay)
            given = isinstance(answer.body, dict)
            content = json.dumps(answer.body).encode() if given else bytes(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json" if given else answer.kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: int(len(content) * answer.sent)])

        do_GET = do_PUT = do_POST  # noqa: N815 (the names that the library calls)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        served.address = f"http://127.0.0.1:{listening.server_port}"
        yield served
        listening.shutdown()
        thread.join()


@pytest.fixture
def kaggle(server: Server, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Put the server in Kaggle's place, for Kaggle's own client, with a token that is no secret.

    The client knows a development site at http://localhost, which a proxy can stand for.
    """
    home = tmp_path_factory.mktemp("home")
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / ".kaggle"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "the-users-own-token")
    monkeypatch.setenv("http_proxy", server.address)
    return server


@pytest.fixture
def says() -> type[Answer]:
    """Return the type of an answer: files of tests do not import each other."""
    return Answer


@pytest.fixture
def home(kaggle: Server) -> Path:
    """Return the user's home folder, which is empty."""
    return Path(os.environ["HOME"])


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt as in a terminal: a job in the background of a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

"""Paths, statuses and bodies of the server, asked without a network."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import DataError
from tabular_dl.serving import http_app, make_app
from tests.serving.http_client import ask


def double(rows: pd.DataFrame) -> np.ndarray:
    """Stand for a model: refuses text as ours do."""
    if rows["a"].dtype == object:
        raise DataError("column 'a', row 1: expected a finite number, found 'x'.")
    return 2 * rows["a"].to_numpy()


APP = make_app(double, ["a"], "nice-owl-1", "CrossFitRegressor", "1.2.3")


def run(question: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(question)


def rows(*values: Any) -> bytes:
    return json.dumps({"inputs": {"a": values}}).encode()


def test_predictions_are_answered_as_by_mlflow() -> None:
    assert run(ask(APP, "/invocations", [rows(1, 2.5)])) == (200, {"predictions": [2.0, 5.0]})
    assert run(ask(APP, "/invocations", [rows(1)[:9], rows(1)[9:]])) == (200, {"predictions": [2.0]})


def test_health_tells_the_run_and_version_that_of_the_package() -> None:
    ready = {"status": "ready", "run": "nice-owl-1", "model": "CrossFitRegressor"}
    assert run(ask(APP, "/health", method="GET")) == (200, ready)
    assert run(ask(APP, "/ping", method="GET")) == (200, b"\n")
    assert run(ask(APP, "/version", method="GET")) == (200, b"1.2.3")
    assert run(ask(APP, "/invocations", method="GET"))[0] == 405
    assert run(ask(APP, "/predict"))[0] == 404


def test_rows_that_the_model_refuses_are_400_with_its_words() -> None:
    status, answer = run(ask(APP, "/invocations", [rows("x")]))
    assert (status, answer["error_code"]) == (400, "BAD_REQUEST")
    assert "column 'a', row 1" in answer["message"]
    assert run(ask(APP, "/invocations", [b"[" * 100_000]))[0] == 400
    assert run(ask(APP, "/invocations", [rows(1)], headers={"content-type": "text/html"}))[0] == 415


def test_a_body_is_cut_at_the_limit_announced_or_not() -> None:
    sent: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(40):
            sent.append(number)
            yield b" " * 1_000_000

    for headers in ({}, {"content-length": "40000000"}):
        status, answer = run(ask(APP, "/invocations", parts(), headers=headers))
        assert (status, answer["error_code"]) == (413, "CONTENT_TOO_LARGE")
        assert "16,000,000 bytes" in answer["message"]
    assert run(ask(APP, "/invocations", [rows(*[1] * 10_001)]))[0] == 413
    assert run(ask(APP, "/invocations", [b" " * 15_999_000, rows(1)])) == (200, {"predictions": [2.0]})


def test_a_body_that_does_not_arrive_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_app, "SECONDS_A_BODY", 0.05)

    async def never() -> int:
        status: list[int] = []

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, Any]) -> None:
            status.append(message.get("status", 0))

        scope = {"type": "http", "method": "POST", "path": "/invocations", "query_string": b"", "headers": []}
        await APP(scope, receive, send)
        return status[0]

    assert run(never()) == 408


def test_health_is_answered_while_a_prediction_is_under_way() -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(table: pd.DataFrame) -> np.ndarray:
        started.set()
        assert go_on.wait(60)
        return double(table)

    app = make_app(slow, ["a"], "r", "m", "1")

    async def both() -> tuple[Any, Any]:
        prediction = asyncio.create_task(ask(app, "/invocations", [rows(4)]))
        assert await asyncio.to_thread(started.wait, 60)
        health = await ask(app, "/health", method="GET")
        go_on.set()
        return health, await prediction

    health, prediction = run(both())
    assert health[0] == 200
    assert prediction == (200, {"predictions": [8.0]})

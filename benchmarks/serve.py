"""Requests per second and latency of `tabular-dl serve`, against scikit-learn's logistic regression served by MLflow.

Titanic as bundled, 5 folds of 4 networks, one worker, pinned to one core; the client, on another, keeps 8 connections
busy with requests of one row for 10 seconds. `mlflow models serve` serves the logistic regression, in a pipeline with a
`ColumnTransformer` of the same raw columns, with the same worker, core, client and requests.

    python benchmarks/serve.py [seconds]
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import psutil
from mlflow.models import infer_signature
from rich.console import Console
from rich.table import Table
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabular_dl.competition import load_competition
from tabular_dl.tracking import best_run
from tabular_dl.workflows.fit import fit

CONNECTIONS = 8
NUMBERS, CATEGORIES = ["Age", "Fare", "SibSp", "Parch"], ["Sex", "Pclass", "Embarked"]
BAR = "at least 50 requests a second, p99 under 60 ms"


def questions() -> list[bytes]:
    """Return requests of one raw row of test.csv each."""
    test = load_competition("titanic", "Survived", "PassengerId").test
    assert test is not None
    split = json.loads(test.drop(columns="PassengerId").to_json(orient="split", index=False))
    return [
        json.dumps({"dataframe_split": {"columns": split["columns"], "data": [row]}}).encode() for row in split["data"]
    ]


def logistic_regression(folder: Path) -> None:
    """Fit and store scikit-learn's model."""
    train = load_competition("titanic", "Survived", "PassengerId").train
    raw = train.drop(columns=["Survived", "PassengerId"])
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    steps = make_column_transformer((numbers, NUMBERS), (categories, CATEGORIES))
    model = make_pipeline(steps, LogisticRegression(max_iter=1000)).fit(
        raw.astype({"Pclass": "float64"}), train["Survived"]
    )
    # Any type of value, and optional, as our models are stored: otherwise MLflow refuses rows with missing values.
    columns = [mlflow.types.ColSpec(mlflow.types.schema.AnyType(), name, required=False) for name in raw]
    signature = infer_signature(None, train["Survived"].head(1).to_numpy())
    signature.inputs = mlflow.types.Schema(columns)
    mlflow.sklearn.save_model(
        model, str(folder), signature=signature, pip_requirements=[], serialization_format="pickle"
    )


def pinned(core: int) -> Callable[[], None] | None:
    """Return a function that binds the process to a core, where that is possible."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return None
    return lambda: os.sched_setaffinity(0, {core})


def cpu_seconds(server: subprocess.Popen[bytes]) -> float:
    """Return processor time of a server and its children."""
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    return float(sum(sum(process.cpu_times()[:2]) for process in family))


def client(port: int, bodies: list[bytes], seconds: float, results: Any) -> None:
    """Keep all connections busy; put the latencies of all answers into a queue."""
    pin = pinned(1)
    if pin:
        pin()
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (start := time.perf_counter()) < end:
            number += CONNECTIONS
            body = bodies[number % len(bodies)]
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content[:300]
            latencies.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(latencies)


def measure(command: list[str], port: int, seconds: float) -> list[str]:
    """Run a server, send requests for some seconds, and return the row of the table."""
    server = subprocess.Popen(
        command, preexec_fn=pinned(0), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        bodies, results = questions(), multiprocessing.get_context("spawn").Queue()
        for length in (2.0, seconds):  # the first run warms up
            before = cpu_seconds(server)
            arguments = port, bodies, length, results
            process = multiprocessing.get_context("spawn").Process(target=client, args=arguments)
            process.start()
            latencies = results.get(timeout=length + 120)
            process.join()
            spent = cpu_seconds(server) - before
        p50, p99 = 1000 * np.quantile(latencies, [0.5, 0.99])
        return [
            f"{len(latencies) / seconds:.0f}",
            f"{p50:.1f} ms",
            f"{p99:.1f} ms",
            f"{1000 * spent / len(latencies):.1f} ms",
        ]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main(seconds: float = 10.0) -> None:
    """Measure and print."""
    grid = Table(title=f"One row a request, {CONNECTIONS} connections, one worker on one core, {seconds:.0f} s")
    for heading in ("served", "requests/s", "p50", "p99", "CPU a request"):
        grid.add_column(heading)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fit("titanic", console=Console(quiet=True))
        run = best_run("titanic")
        port = free_port()
        ours = [sys.executable, "-m", "tabular_dl.cli.app", "serve", run.id, "--port", str(port)]
        grid.add_row("tabular-dl serve, 5 folds x 4 networks", *measure(ours, port, seconds))
        logistic_regression(Path(folder) / "logistic")
        port = free_port()
        theirs = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "logistic", "--env-manager", "local"]
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        theirs += ["--port", str(port)]
        grid.add_row("mlflow models serve, LogisticRegression", *measure(theirs, port, seconds))
        os.chdir("/")
    Console(width=120).print(grid)
    print(f"Must reach: {BAR}. {platform.machine()}, {os.cpu_count()} CPU cores, Python {platform.python_version()}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))

"""Runs that are read by SQL are those that MLflow returns, value by value and in its order."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.entities import LoggedModelOutput, Metric, Param

from tabular_dl.tracking import processes, run_search, runs, stored_runs
from tabular_dl.tracking import store as stores
from tabular_dl.tracking.leaderboard import Entry
from tabular_dl.tracking.stored_runs import Condition, StoredRun

KINDS = ("fit", "ensemble", "import", "search", "auto")
PIPELINE, KIND = "tabular_dl.pipeline", "tabular_dl.kind"
CONDITIONS = [
    (PIPELINE, "titanic"),
    (PIPELINE, None),
    (KIND, "fit"),
    (KIND, "fold"),
    ("run_name", "calm-owl-1"),
    ("run_name", "Calm-Owl-1"),
    ("run_id", "x"),
    ("tabular_dl.note", 'naïve "quotes"\n\\ 🦉 {"a": 1}'),
    ("no.such.tag", "fit"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill a store, by MLflow's own client, with runs of all kinds and states."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    with stores.quiet():
        stores.make_database(file, stores._create_database)
        fill(mlflow.MlflowClient(f"sqlite:///{file}"))
    return file


def fill(client: mlflow.MlflowClient) -> None:
    titanic, wine, gone = (client.create_experiment(name) for name in ("titanic", "wine", "gone"))
    odd = CONDITIONS[7][1]
    for number, kind in enumerate([*KINDS, *KINDS]):
        tags = {PIPELINE: "titanic", KIND: kind, "tabular_dl.metric": "accuracy", "tabular_dl.note": odd}
        tags |= {"tabular_dl.fold_scores": json.dumps([0.8, 0.7 + number / 100]), "tabular_dl.test_ratio": "0.5"}
        if number == 1:
            tags["tabular_dl.interrupted"] = "2 of 5 epochs"
        # Two runs of one time are in the order of their ids.
        run = client.create_run(titanic, start_time=1000 + number // 2, tags=tags, run_name=f"calm-owl-{number}")
        metrics = [Metric("cv_score", 0.1 + number / 3, 1, step) for step in (0, 1)]
        metrics += [Metric("nan", np.nan, 1, 0), Metric("inf", -np.inf, 1, 0), Metric("training_seconds", 1e-9, 1, 0)]
        params = [Param("network.hidden", "[8, 4]"), Param("eval", odd), Param("empty", "")]
        client.log_batch(run.info.run_id, metrics, params)
        for _ in range(number % 3):
            model = client.create_logged_model(titanic, name="model", source_run_id=run.info.run_id)
            client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])
        client.set_terminated(run.info.run_id, ("FINISHED", "FAILED", "KILLED")[number // 4])
        child = client.create_run(titanic, tags={KIND: "fold", "mlflow.parentRunId": run.info.run_id})
        client.set_terminated(child.info.run_id)
    running = client.create_run(titanic, tags={PIPELINE: "titanic", processes.PROCESS_TAG: processes.this_process()})
    client.create_run(wine, start_time=1000, tags={PIPELINE: "wine", KIND: "fit"}, run_name="calm-owl-1")
    client.create_run(wine, tags={PIPELINE: ""})
    deleted = client.create_run(titanic, tags={PIPELINE: "titanic", KIND: "fit"}, run_name="calm-owl-1")
    client.delete_run(deleted.info.run_id)
    client.create_run(gone, tags={PIPELINE: "titanic", KIND: "fit"})
    client.delete_experiment(gone)
    client.set_tag(running.info.run_id, "tabular_dl.empty", "")


@pytest.fixture(autouse=True)
def used(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{filled}")


@pytest.mark.parametrize(("key", "value"), CONDITIONS)
@pytest.mark.parametrize("most", [None, 1, 3])
def test_both_readers_return_the_same(filled: Path, key: str, value: str | None, most: int | None) -> None:
    condition = Condition(key, value)
    by_sql = stored_runs.read_runs(filled, condition, most)
    assert by_sql is not None
    by_mlflow = run_search.ask_mlflow(condition, most)
    assert [comparable(run) for run in by_sql] == [comparable(run) for run in by_mlflow]


def comparable(run: StoredRun) -> list[object]:
    """Return all values of a run; NaN, which equals nothing, as text."""
    values = {key: str(value) if np.isnan(value) else value for key, value in run.metrics.items()}
    return [*(value for name, value in vars(run).items() if name != "metrics"), values]


def test_the_store_has_what_is_compared(filled: Path) -> None:
    titanic = stored_runs.read_runs(filled, Condition(PIPELINE, "titanic"))
    assert titanic is not None
    assert {run.status for run in titanic} == {"FINISHED", "FAILED", "KILLED", "RUNNING"}
    assert {run.kind for run in titanic} == {*KINDS, ""}
    assert sorted({len(run.models) for run in titanic}) == [0, 1, 2]
    assert {run.experiment for run in titanic} == {"titanic"}
    assert len(titanic) == 11  # neither the deleted run nor that of the deleted experiment


def test_entries_of_the_leaderboard_are_the_same_either_way(filled: Path) -> None:
    condition = Condition(PIPELINE, "titanic")
    readers = (stored_runs.read_runs(filled, condition), run_search.ask_mlflow(condition))
    by_sql, by_mlflow = ([vars(Entry.of(run)) for run in found or () if run.kind in KINDS] for found in readers)
    assert len(by_sql) == 10
    for one, other in zip(by_sql, by_mlflow, strict=True):
        np.testing.assert_equal(one, other)
    assert sum("Ctrl-C" in entry["params"] for entry in by_sql) == 1


def test_runs_of_a_local_file_are_found(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "ask_mlflow", lambda *_: pytest.fail("MLflow was asked"))
    assert [run.status for run in runs.all_runs("titanic")] == ["killed"] * 2 + ["failed"] * 4 + ["finished"] * 4
    assert len(runs.comparable_runs("titanic")[0]) == 3
    assert runs.find_run("calm-owl-2").experiment == "titanic"
    assert runs.best_run("titanic").name == "calm-owl-2"


def test_a_local_file_is_read_without_importing_mlflow(filled: Path) -> None:
    code = "import sys; from tabular_dl.tracking import best_run; best_run('titanic'); print('mlflow' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"


def test_mlflow_is_asked_for_all_other_stores(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stored_runs.readable_file(f"sqlite:///{filled}") == filled
    assert stored_runs.readable_file(f"sqlite:///{filled}?timeout=5") is None
    other = tmp_path / "older.db"
    other.write_bytes(filled.read_bytes())
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    for uri in (f"sqlite:///{other}", "http://127.0.0.1:5000", "postgresql://host/mlflow", f"file://{tmp_path}"):
        assert stored_runs.readable_file(uri) is None
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    assert stored_runs.readable_file(f"sqlite:///{filled}") is None


def test_a_file_that_cannot_be_read_by_sql_is_left_to_mlflow(tmp_path: Path) -> None:
    (tmp_path / "empty.db").write_bytes(b"")
    assert stored_runs.read_runs(tmp_path / "empty.db", Condition(KIND, "fit")) is None
    assert stored_runs.has_killed_runs(tmp_path / "empty.db")


def test_killed_runs_are_noticed(filled: Path, tmp_path: Path) -> None:
    assert not stored_runs.has_killed_runs(filled)
    other = tmp_path / "mlflow.db"
    other.write_bytes(filled.read_bytes())
    gone = json.dumps({**json.loads(processes.this_process()), "started": 0})
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE tags SET value = ? WHERE key = ?", (gone, processes.PROCESS_TAG))
    assert stored_runs.has_killed_runs(other)


def test_reading_writes_nothing(filled: Path) -> None:
    before = filled.read_bytes()
    stored_runs.read_runs(filled, Condition(PIPELINE, None))
    assert filled.read_bytes() == before
    assert [path.name for path in filled.parent.iterdir() if path.name != "mlruns"] == ["mlflow.db"]

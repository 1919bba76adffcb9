"""The checks of the trials find what they look for: a trial without faults would say nothing otherwise."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.torture.commands import Finished
from tests.torture.invariants import SCORES_SHOWN, check_files, check_marked, check_results, check_store
from tests.torture.stores import Store
from tests.torture.trials import Shared, Trial

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial("later-fit", 0, 0, tmp_path, Shared())


def _submission() -> str:
    ids = [line.split(",")[0] for line in (ROOT / "data/wine/test.csv").read_text(encoding="utf-8").splitlines()[1:]]
    return "".join(f"{line}\n" for line in ["Id,cultivar", *(f"{number},2" for number in ids)])


def _result(folder: Path) -> None:
    """Write what looks like the whole results of a fit; a zip without members has these 22 bytes."""
    for name in ("model", "predictions"):
        (folder / name).mkdir(parents=True)
    for name in ("spec.yaml", "predictions/oof.csv", "model/MLmodel"):
        (folder / name).write_text("x", encoding="utf-8")
    (folder / "report.html").write_text("<html></html>\n", encoding="utf-8")
    (folder / "model/model.skops").write_bytes(b"PK\x05\x06" + bytes(18))


def _store(file: Path, runs: list[tuple[str, str, str]]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table runs (run_uuid, name, status, lifecycle_stage, start_time)")
        connection.execute("create table tags (run_uuid, key, value)")
        connection.execute("create table logged_models (source_run_id, artifact_location)")
        for number, (run, kind, status) in enumerate(runs):
            connection.execute("insert into runs values (?, ?, ?, 'active', ?)", (run, f"name-{run}", status, number))
            connection.execute("insert into tags values (?, 'tabular_dl.kind', ?)", (run, kind))


def _kinds(trial: Trial) -> list[str]:
    return [fault.kind for fault in trial.outcome.faults]


def test_whole_files_are_no_faults_and_each_cut_one_is(trial: Trial) -> None:
    (trial.work / "pipelines").mkdir()
    whole = {"submission.csv": _submission(), "report.html": "<html></html>\n"}
    whole["pipelines/wine.yaml"] = (ROOT / "pipelines/wine.yaml").read_text(encoding="utf-8")
    for name, text in whole.items():
        (trial.work / name).write_text(text, encoding="utf-8")
    _result(trial.work / "outputs" / "wine-1")
    _result(trial.work / "outputs" / ".wine-2-unfinished")
    check_files(trial)
    assert _kinds(trial) == []

    for name, text in whole.items():
        (trial.work / name).write_text(text[: len(text) // 2], encoding="utf-8")
        check_files(trial)
        assert trial.outcome.faults[-1].detail.startswith(Path(name).name)
        (trial.work / name).write_text(text, encoding="utf-8")
    shutil.rmtree(trial.work / "outputs/wine-1/model")
    check_files(trial)
    assert trial.outcome.faults[-1].detail.startswith("outputs/wine-1")
    assert _kinds(trial) == ["half-written file"] * 4


def test_a_submission_without_one_row_is_half_written(trial: Trial) -> None:
    lines = _submission().splitlines(keepends=True)
    (trial.work / "submission.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    check_files(trial)
    assert _kinds(trial) == ["half-written file"]


def test_damage_in_the_store_is_found(trial: Trial) -> None:
    file = trial.work / "mlflow.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table values_ (value)")
        connection.execute("create index by_value on values_ (value)")
        connection.executemany("insert into values_ values (?)", [(f"text {number}",) for number in range(1000)])
    check_store(trial)
    assert _kinds(trial) == []
    content = bytearray(file.read_bytes())
    content[-2000:-1000] = bytes(1000)
    file.write_bytes(bytes(content))
    check_store(trial)
    assert _kinds(trial) == ["store damaged"]


def test_a_run_that_is_finished_without_its_model_is_not_whole(trial: Trial) -> None:
    _store(trial.work / "mlflow.db", [("a", "fit", "FINISHED"), ("b", "search", "FINISHED"), ("c", "fit", "RUNNING")])
    assert [(run.id, run.kind, run.whole) for run in trial.store.runs()] == [
        ("a", "fit", False),
        ("b", "search", True),
        ("c", "fit", False),
    ]
    with closing(sqlite3.connect(trial.work / "mlflow.db")) as connection, connection:
        connection.execute("insert into logged_models values ('a', ?)", (str(trial.work),))
    (trial.work / "model.skops").write_bytes(b"")
    assert trial.store.runs()[0].whole


def test_a_run_that_still_passes_for_running_is_a_fault_and_a_marked_one_is_none(trial: Trial) -> None:
    _store(trial.work / "mlflow.db", [("a", "fit", "KILLED"), ("b", "fit", "RUNNING"), ("c", "fold", "RUNNING")])
    left = trial.store.unfinished()
    assert left == {"b", "c"}
    check_marked(trial, left | {"a"})
    (fault,) = trial.outcome.faults
    assert fault.kind == "killed run not marked"
    assert fault.detail.startswith("2 of 3")
    trial.store.rows("update runs set status = 'KILLED'")
    check_marked(trial, left)
    assert len(trial.outcome.faults) == 1


@pytest.mark.parametrize(
    ("said", "folder", "expected"),
    [
        ("epoch 1/2", False, []),
        ("│ standard error │ 0.1 │", False, ["results lost"]),
        ("│ standard error │ 0.1 │", True, ["results not offered", "results not logged"]),
    ],
)
def test_results_whose_scores_were_shown_must_lie_somewhere_and_be_offered(
    trial: Trial, said: str, folder: bool, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.torture.invariants.has_recover", lambda: False)
    if folder:
        _result(trial.work / "outputs" / "wine-1")
    fit = Finished("tabular-dl fit wine", -9, 1.0, said)
    check_results(trial, fit, Finished("tabular-dl compare wine", 0, 1.0, "1 run"))
    assert _kinds(trial) == expected


def test_what_a_fit_prints_last_of_its_scores_is_known() -> None:
    source = (ROOT / "tabular_dl/workflows/fit_messages.py").read_text(encoding="utf-8")
    assert '"standard error"' in source
    assert SCORES_SHOWN.search("│ standard error │    0.1342 │")


def test_the_moments_of_kills_cover_the_time_of_a_command_evenly(tmp_path: Path) -> None:
    moments = sorted(Trial("search", index, 3, tmp_path / str(index), Shared()).moment for index in range(50))
    edges = [0.0, *moments, 1.0]
    assert max(after - before for before, after in pairwise(edges)) < 3 / 50


def test_a_store_that_was_copied_names_its_own_folder(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    for table, column in (("experiments", "artifact_location"), ("logged_models", "artifact_location")):
        store_rows = f"create table {table} ({column})"
        with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
            connection.execute(store_rows)
            connection.execute(f"insert into {table} values ('/a/before/mlruns/1')")  # noqa: S608
    store.move(Path("/a/before"), Path("/b/after"))
    assert store.rows("select artifact_location from experiments") == [("/b/after/mlruns/1",)]


COMMANDS = """
import sys, time
from pathlib import Path
from tests.torture.commands import Command

def run(*arguments, before=None):
    return Command(arguments, Path(sys.argv[1]), Path(sys.argv[1], "said"), {}, before)

print(run("list").end().code, run("check", "nothing").end().code)
sleeping = run("list", before=lambda: time.sleep(60))
print(sleeping.kill(), sleeping.end().code)
broken = run("list", before=lambda: 1 / 0).end()
print(broken.code, broken.traceback)
"""


def test_a_command_runs_in_a_process_of_its_own_and_can_be_killed(tmp_path: Path) -> None:
    # From a new process: this one may have threads, which a forked one would lack.
    printed = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.splitlines()
    assert printed == ["0 2", "True -9", "1 ZeroDivisionError: division by zero"]

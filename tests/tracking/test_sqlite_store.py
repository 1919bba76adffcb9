"""MLflow's database is created completely or not at all; one that was left half made is kept aside and replaced."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tabular_dl.errors import UserError
from tabular_dl.tracking import sqlite_store
from tabular_dl.tracking.sqlite_store import check_writable, database_file, is_half_made, make_database


def execute(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def create(uri: str) -> None:
    """Make what MLflow makes, as far as it matters here."""
    execute(Path(uri.removeprefix("sqlite:///")), *HALF, "INSERT INTO experiments VALUES ('Default')")


HALF = ("CREATE TABLE experiments (name)", "CREATE TABLE alembic_version (number)")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mlflow.db"


def old(file: Path) -> Path:
    """Let a file look as if nobody had worked on it for a minute."""
    os.utime(file, (time.time() - 60,) * 2)
    return file


def test_a_missing_database_is_made_whole_and_nothing_else_stays(file: Path) -> None:
    make_database(file, create)
    assert not is_half_made(file)
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


def test_a_missing_database_stays_missing_if_only_repairs_are_wanted(file: Path) -> None:
    make_database(file, create, only_repair=True)
    assert list(file.parent.iterdir()) == []


def test_what_a_killed_process_left_of_its_making_is_removed(file: Path) -> None:
    (file.parent / ".mlflow-abc").mkdir()
    (file.parent / ".mlflow-abc" / "mlflow.db").touch()
    make_database(file, create)
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


def test_a_making_that_fails_leaves_nothing(file: Path) -> None:
    def full(uri: str) -> None:
        execute(Path(uri.removeprefix("sqlite:///")), *HALF)
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"mlflow\.db cannot be made: No space left on device.*--no-track"):
        make_database(file, full)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(
    "statements",
    [
        (),
        HALF[1:],
        HALF,
        (*HALF, "CREATE TABLE _alembic_tmp_endpoints (id)"),
    ],
    ids=["empty", "before experiments", "no experiment", "within a change"],
)
def test_a_half_made_database_is_kept_aside_and_replaced(
    file: Path, statements: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    file.touch()
    execute(file, *statements)
    before = old(file).read_bytes()
    assert is_half_made(file)
    with caplog.at_level(logging.WARNING):
        make_database(file, create, only_repair=True)
    assert not is_half_made(file)
    kept = file.with_name("mlflow.db.half-made")
    assert kept.read_bytes() == before
    assert "half made" in caplog.text
    assert kept.name in caplog.text


def test_a_second_half_made_database_does_not_replace_the_first(file: Path) -> None:
    file.with_name("mlflow.db.half-made").write_text("the first")
    execute(file, *HALF)
    make_database(old(file), create)
    assert file.with_name("mlflow.db.half-made").read_text() == "the first"
    assert is_half_made(file.with_name("mlflow.db.half-made2"))


def test_the_journal_goes_with_its_database(file: Path) -> None:
    execute(file, *HALF)
    file.with_name("mlflow.db-wal").touch()
    old(file.with_name("mlflow.db-wal"))
    make_database(old(file), create)
    assert {path.name for path in file.parent.iterdir()} <= {
        "mlflow.db",
        "mlflow.db.half-made",
        "mlflow.db.half-made-wal",
    }


def test_a_database_that_another_process_is_making_is_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(file, *HALF)

    def other_process(seconds: float) -> None:
        del seconds
        execute(file, "INSERT INTO experiments VALUES ('Default')")

    monkeypatch.setattr(sqlite_store.time, "sleep", other_process)
    make_database(file, lambda _: pytest.fail("made a second time"))
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


def test_a_clock_that_was_set_back_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(file, *HALF)
    os.utime(file, (time.time() + 86_400,) * 2)
    monkeypatch.setattr(sqlite_store.time, "sleep", lambda _: pytest.fail("waited"))
    make_database(file, create)
    assert not is_half_made(file)


def test_a_database_of_another_program_is_left_alone(file: Path) -> None:
    execute(file, "CREATE TABLE mine (x)")
    make_database(old(file), lambda _: pytest.fail("replaced"))
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


def test_a_file_that_is_no_database_is_told_and_kept(file: Path) -> None:
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(UserError, match=r"mlflow\.db cannot be read as a SQLite database .*move it away"):
        make_database(file, create)
    assert file.read_bytes() == b"not a database" * 100


@pytest.mark.parametrize("use", [lambda file: make_database(file, create), check_writable])
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, use: Callable[[Path], None]) -> None:
    with pytest.raises(UserError, match=r"no folder .*missing for the store x\.db"):
        use(tmp_path / "missing" / "x.db")


def test_a_database_that_takes_no_writes_is_told_and_one_that_does_is_unchanged(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(f"sqlite:///{file}")
    check_writable(file)
    with closing(sqlite3.connect(file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert tables == {"experiments", "alembic_version"}
    connect = sqlite3.connect
    # As root, permissions bind nobody: the connection is opened for reading only.
    monkeypatch.setattr(
        sqlite_store.sqlite3, "connect", lambda path, **options: connect(f"file:{path}?mode=ro", uri=True, **options)
    )
    with pytest.raises(UserError, match=r"Nothing can be written to the store .*readonly.*--no-track"):
        check_writable(file)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///mlflow.db", "mlflow.db"),
        ("sqlite+pysqlite:////data/a b.db?timeout=5", "/data/a b.db"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("postgresql://host/name", None),
        ("file:///mlruns", None),
    ],
)
def test_the_file_of_an_address(uri: str, path: str | None) -> None:
    assert database_file(uri) == (None if path is None else Path(path))

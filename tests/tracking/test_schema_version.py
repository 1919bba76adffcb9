"""The schema of a database is compared without importing MLflow, which is imported only if that is not possible."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from mlflow.store.db.utils import _get_latest_schema_revision

from tabular_dl.errors import UserError
from tabular_dl.tracking import prepare_store, schema_version
from tabular_dl.tracking.schema_version import has_newest_schema, newest_schema


def database(file: Path, version: str | None) -> Path:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE experiments (name)")
        connection.execute("INSERT INTO experiments VALUES ('Default')")
        connection.execute("CREATE TABLE alembic_version (version_num)")
        if version is not None:
            connection.execute("INSERT INTO alembic_version VALUES (?)", [version])
        connection.commit()
    return file


def test_the_newest_schema_is_the_one_that_mlflow_expects() -> None:
    assert newest_schema() == _get_latest_schema_revision()


@pytest.mark.parametrize("version", ["451aebb31d03", None])
def test_a_database_of_another_schema_is_told_apart(version: str | None, tmp_path: Path) -> None:
    assert not has_newest_schema(database(tmp_path / "other.db", version))
    assert has_newest_schema(database(tmp_path / "this.db", newest_schema()))


@pytest.mark.parametrize("content", [b"", b"no database, but a text that is long enough to be read as one" * 20])
def test_a_file_that_is_none_of_mlflows_is_not_known(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.db").write_bytes(content)
    assert not has_newest_schema(tmp_path / "file.db")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a": 'revision = "aa"\ndown_revision = None', "b": 'revision = "bb"\ndown_revision = None'},
        {"a": 'revision = "aa"\ndown_revision = "99"'},
        {"a": 'revision = make("aa")'},
    ],
)
def test_files_of_another_form_do_not_tell_the_newest_schema(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store" / "db_migrations" / "versions"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(schema_version, "find_spec", lambda _: package)
    assert newest_schema() is None
    assert not has_newest_schema(database(tmp_path / "this.db", "aa"))


def test_a_command_that_will_write_does_not_ask_mlflow_about_a_schema_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = database(tmp_path / "mlflow.db", newest_schema())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    monkeypatch.setattr(mlflow, "MlflowClient", lambda *_: pytest.fail("it asks"))
    assert prepare_store(create=False, write=True)


def test_a_store_of_another_version_is_refused_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = database(tmp_path / "mlflow.db", "451aebb31d03")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    with pytest.raises(UserError, match=r"mlflow\.db cannot be used: "):
        prepare_store(create=False, write=True)

"""A new store is a copy of a template, or is created by MLflow if there is no valid template."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from tabular_dl.tracking import prepare_store, store_template
from tabular_dl.tracking.sqlite_store import is_half_made
from tabular_dl.tracking.store_template import create_from_template


class Maker:
    """Stand-in for MLflow: it makes the tables that are missing, and an experiment, and refuses another schema."""

    def __init__(self, schema: str = "a") -> None:
        self.schema, self.made, self.opened = schema, 0, 0

    def __call__(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            self.opened += 1
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                self.made += 1
                connection.execute("CREATE TABLE experiments (place)")
                connection.execute("CREATE TABLE alembic_version (number)")
                connection.execute("INSERT INTO alembic_version VALUES (?)", self.schema)
            if connection.execute("SELECT number FROM alembic_version").fetchone() != (self.schema,):
                raise sqlite3.DatabaseError("out of date")
            if not connection.execute("SELECT 1 FROM experiments").fetchone():
                connection.execute("INSERT INTO experiments VALUES (?)", [str(file)])
            connection.commit()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of templates, which does not exist yet."""
    monkeypatch.setenv("TABULAR_DL_COMPILED_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(store_template, "version", lambda _: "3.1")
    return tmp_path / "kept" / "mlflow-3.1"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name in "abc":
        (tmp_path / name).mkdir()
    return [tmp_path / name / "mlflow.db" for name in "abc"]


def places(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [place for (place,) in connection.execute("SELECT place FROM experiments")]


def test_a_second_store_is_a_copy_with_an_experiment_of_its_own(kept: Path, files: list[Path]) -> None:
    maker = Maker()
    create_from_template(files[0], maker)
    create_from_template(files[1], maker)
    assert (maker.made, maker.opened) == (1, 2)
    assert [len(places(file)) for file in files[:2]] == [1, 1]
    assert places(files[1]) != places(files[0])
    assert [path.name for file in files[:2] for path in file.parent.iterdir()] == ["mlflow.db"] * 2
    (template,) = kept.iterdir()
    assert places(template) == []
    assert template.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "link", "writable"])
def test_a_template_that_cannot_be_trusted_is_made_anew(damage: str, kept: Path, files: list[Path]) -> None:
    create_from_template(files[0], Maker())
    (template,) = kept.iterdir()
    content = bytearray(template.read_bytes())
    if damage == "flipped":
        content[-1] ^= 1
        template.write_bytes(content)
    elif damage == "link":
        template.rename(kept.parent / "elsewhere")
        template.symlink_to(kept.parent / "elsewhere")
    elif damage == "writable":
        template.chmod(0o622)
    else:
        template.write_bytes(content[:100] if damage == "cut" else b"")
    again = Maker()
    create_from_template(files[1], again)
    assert again.made == 1
    (template,) = kept.iterdir()
    assert template.read_bytes()[:15] == b"SQLite format 3"
    assert template.stat().st_mode & 0o777 == 0o600
    assert not template.is_symlink()


def test_a_template_of_another_user_is_not_used(kept: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    create_from_template(files[0], Maker())
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    maker = Maker()
    create_from_template(files[1], maker)
    assert maker.made == 1
    assert len(list(kept.iterdir())) == 1  # it is not touched either


def test_other_versions_have_templates_of_their_own(
    kept: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    create_from_template(files[0], Maker())
    monkeypatch.setattr(store_template, "version", lambda _: "3.2")
    os.utime(kept, (0, 0))  # made no store for years
    newer = Maker("b")
    create_from_template(files[1], newer)
    assert newer.made == 1
    assert [path.name for path in kept.parent.iterdir()] == ["mlflow-3.2"]


def test_a_template_that_mlflow_refuses_is_replaced(kept: Path, files: list[Path]) -> None:
    create_from_template(files[0], Maker())
    changed = Maker("b")  # the same version, changed by hand
    create_from_template(files[1], changed)
    create_from_template(files[2], changed)
    assert changed.made == 1
    assert [path.name for path in files[1].parent.iterdir()] == ["mlflow.db"]
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("setting", ["off", "unwritable"])
def test_without_a_folder_each_store_is_made_by_mlflow(
    setting: str, tmp_path: Path, kept: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting == "off":
        monkeypatch.setenv("TABULAR_DL_COMPILED_CACHE", "off")
    else:
        (tmp_path / "kept").write_text("a file")
    maker = Maker()
    for file in files[:2]:
        create_from_template(file, maker)
    assert maker.made == 2
    assert not kept.exists()


def test_what_mlflow_cannot_make_is_no_template(kept: Path, files: list[Path]) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        create_from_template(files[0], full)
    assert list(kept.iterdir()) == []


def test_two_processes_at_once_make_whole_stores(kept: Path, files: list[Path]) -> None:
    program = (
        "import sys; from pathlib import Path; from tabular_dl.tracking import store_template as module\n"
        "from tests.tracking.test_store_template import Maker\n"
        "module.version = lambda _: '3.1'\n"
        "for number in range(20): module.create_from_template(Path(sys.argv[1]).with_name(f'{number}.db'), Maker())"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(file)]) for file in files[:2]]
    assert [process.wait() for process in processes] == [0, 0]
    made = [file for folder in files[:2] for file in folder.parent.iterdir()]
    assert len(made) == 40
    assert not any(is_half_made(file) for file in made)
    maker = Maker()
    create_from_template(files[2], maker)
    assert maker.made == 0
    assert kept.exists()


def test_mlflow_uses_a_copy_as_a_store_of_the_new_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABULAR_DL_COMPILED_CACHE", str(tmp_path / "kept"))
    described = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        uri = f"sqlite:///{tmp_path}/{name}/mlflow.db"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        if name == "second":  # no migration is left to run
            monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", lambda _: pytest.fail("it migrates"))
        assert prepare_store(create=True)
        (experiment,) = mlflow.MlflowClient(uri).search_experiments()
        described.append((experiment.experiment_id, experiment.name, Path(experiment.artifact_location)))
        with closing(sqlite3.connect(tmp_path / name / "mlflow.db")) as connection:
            described[-1] += (connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall(),)
    assert [place for _, _, place, _ in described] == [tmp_path / name / "mlruns/0" for name in ("first", "second")]
    assert described[0][:2] == described[1][:2]
    assert described[0][3] == described[1][3]
    shutil.rmtree(tmp_path / "kept")

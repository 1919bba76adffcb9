"""One small tracked fit for all tests of the workflows, and the command line in this process."""

from __future__ import annotations

import io
import shutil
import sqlite3
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import mlflow
import pytest
from mlflow.tracking._tracking_service import utils as mlflow_places
from rich.console import Console

from tabular_dl.cli.app import main
from tabular_dl.tracking import store as stored_runs
from tabular_dl.workflows.fit import FitResult, fit

TINY = [
    "network.hidden=[4]",
    "training.epochs=2",
    "training.learning_rate=0.1",
    "ensemble.folds=2",
    "ensemble.members=2",
    "baselines=simple",
]


FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what asks for the options of a small fit: it fits for itself."""
    for item in items:
        if item.path.is_relative_to(FOLDER) and "tiny" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Tracked:
    """A fit of titanic that was tracked: its folder, what it returned and what it printed."""

    folder: Path
    result: FitResult
    printed: str

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(f"sqlite:///{self.folder}/mlflow.db")

    @property
    def run(self) -> Any:
        """The parent run."""
        experiment = self.client.get_experiment_by_name("titanic")
        return self.client.search_runs([experiment.experiment_id], "tags.`tabular_dl.kind` = 'fit'")[-1]

    @property
    def children(self) -> list[Any]:
        return self.client.search_runs([self.run.info.experiment_id], "tags.`tabular_dl.kind` = 'fold'")

    @property
    def artifacts(self) -> Path:
        return Path(self.run.info.artifact_uri)


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def refused(self) -> str:
        """Assert that the command refused what the user gave it, as a user should be told; return the message."""
        assert self.code == 2, self
        assert self.err.startswith("Error: "), self
        assert "Traceback" not in self.err + self.out
        return self.err.removeprefix("Error: ").strip()


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wide lines and no store but the test's own; no run is left active."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    yield
    assert mlflow.active_run() is None


@pytest.fixture(scope="module", autouse=True)
def axes_without_numbers() -> Iterator[None]:
    """Draw figures without ticks: a third of a small fit's time are its figures, and much of that the ticks' places."""
    sides = {"xtick.bottom": False, "xtick.labelbottom": False, "ytick.left": False, "ytick.labelleft": False}
    with matplotlib.rc_context(sides):
        yield


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty MLflow database once a session: its migrations take seconds."""
    database = tmp_path_factory.getbasetemp() / "empty_mlflow.db"
    if not database.exists():
        with stored_runs.quiet():
            mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture(scope="session")
def tracked(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Fit titanic once, tracked. For tests that only look."""
    folder = tmp_path_factory.mktemp("tracked")
    shutil.copy(empty_store, folder / "mlflow.db")
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        result = fit("titanic", TINY, console=Console(file=printed, width=200))
    return Tracked(folder, result, printed.getvalue())


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a store that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


@pytest.fixture
def store(workspace: Path, empty_store: Path) -> mlflow.MlflowClient:
    """Work in a folder with an empty store; return a client that looks into it."""
    shutil.copy(empty_store, workspace / "mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{workspace}/mlflow.db")


@pytest.fixture
def own(tracked: Tracked, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Tracked:
    """Work in a copy of the tracked fit's folder that a test may change."""
    # MLflow remembers where a run's files are by its id, and the copies share their ids.
    monkeypatch.setattr(mlflow_places, "_artifact_repos_cache", OrderedDict())
    shutil.copytree(tracked.folder, workspace, dirs_exist_ok=True)
    # The store holds absolute paths.
    places = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
    with sqlite3.connect(workspace / "mlflow.db") as database:
        for table, column in places:
            change = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # noqa: S608 (names from the line above)
            database.execute(change, (str(tracked.folder), str(workspace)))
    database.close()
    return replace(tracked, folder=workspace)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs a command as the shell would, but in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tabular-dl", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(int(ended.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def tiny() -> list[str]:
    """Return the options of a fit that takes a second."""
    return [option for change in TINY for option in ("--set", change)]

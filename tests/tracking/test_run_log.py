"""MLflow: a fit is one run with a child run a fold, found again by its score, and its model takes Kaggle's raw rows."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.entities import LoggedModelOutput, Metric

from tabular_dl.competition.competition import load_competition
from tabular_dl.errors import SubmissionError, UserError
from tabular_dl.model_selection.crossfit import CrossFitClassifier
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline
from tabular_dl.spec.reader import dump_spec, leaves, load_spec
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.tracking import processes, results, run_log, runs
from tabular_dl.tracking import store as stores

pytestmark = pytest.mark.slow

SPEC = load_spec(
    "titanic",
    ["network.hidden=[2]", "training.epochs=5", "training.learning_rate=0.1", "ensemble.folds=2", "ensemble.members=1"],
)
COMPETITION = load_competition("titanic", "Survived", "PassengerId")
TRAIN = COMPETITION.train.head(80)
EPOCHS = 400
CURVES = {
    "loss": np.linspace(1, 0.1, EPOCHS),
    "accuracy": np.linspace(0.5, 0.9, EPOCHS),
    "val_loss": np.where(np.arange(EPOCHS) < 300, 0.5, np.nan),
}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty MLflow database once a session: its migrations take seconds."""
    database = tmp_path_factory.getbasetemp() / "empty_mlflow.db"
    if not database.exists():
        with stores.quiet():
            mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield
    assert mlflow.active_run() is None


@pytest.fixture
def store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """Put an empty store into an empty working folder; return a client that looks into it."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture(scope="module")
def model() -> CrossFitClassifier:
    pipeline = build_pipeline(SPEC, get_problem("binary"))
    return CrossFitClassifier(pipeline, 2, 0).fit(TRAIN[columns_used(SPEC, TRAIN)], TRAIN["Survived"])


@pytest.fixture(scope="module")
def content(model: CrossFitClassifier) -> results.RunContent:
    return results.RunContent(
        pipeline="titanic",
        kind="fit",
        parameters=leaves(SPEC),
        metrics={"cv_score": 0.8, "cv_standard_error": np.float32(0.25)},
        curves=CURVES,
        folds=[{"cv_score": 0.7, "best_epoch": 3}, {"cv_score": 0.9, "best_epoch": 4}],
        tags={"tabular_dl.metric": "accuracy", "tabular_dl.data_digest": "abc"},
        description="A **description**.",
        tables=[
            results.Table("titanic-train", "training", TRAIN, "somewhere", COMPETITION.digest, "Survived"),
            results.Table("titanic-test", "prediction", COMPETITION.test, "somewhere", COMPETITION.test_digest),
        ],
        model=model,
        example=TRAIN.drop(columns="Survived"),
        started=time.time(),
    )


def write_files(folder: Path) -> Path:
    """Write the files of a run into a new folder."""
    folder.mkdir()
    (folder / "spec.yaml").write_text(dump_spec(SPEC))
    (folder / "figures").mkdir()
    (folder / "figures" / "curve.png").write_bytes(b"a figure")
    return folder


@pytest.fixture(scope="module")
def folder(content: results.RunContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the results of a run."""
    folder = write_files(tmp_path_factory.mktemp("results") / "titanic")
    results.write_results(content, folder)
    return folder


@dataclass
class Logged:
    """A run that was logged once for all tests that only look at it."""

    returned: runs.LoggedRun
    client: mlflow.MlflowClient
    calls: Counter[str]
    folder: Path

    @property
    def run(self) -> Any:
        return self.client.get_run(self.returned.id)

    @property
    def model(self) -> Path:
        return Path(self.client.get_logged_model(self.returned.model_uri.removeprefix("models:/")).artifact_location)


@pytest.fixture(scope="module")
def logged(folder: Path, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    place = tmp_path_factory.mktemp("store")
    shutil.copy(empty_store, place / "mlflow.db")
    uri = f"sqlite:///{place}/mlflow.db"
    calls: Counter[str] = Counter()

    def counted(name: str) -> Any:
        original = getattr(mlflow.MlflowClient, name)

        def call(*arguments: Any, **settings: Any) -> Any:
            calls[name] += 1
            return original(*arguments, **settings)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        for name in ("log_batch", "log_metric", "log_param", "set_tag", "create_run"):
            patch.setattr(mlflow.MlflowClient, name, counted(name))
        returned = run_log.log_results(folder)
    return Logged(returned, mlflow.MlflowClient(uri), calls, place)


@pytest.fixture
def in_store(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> Logged:
    """Work in the folder of the run that was logged once; tests that use it must not write."""
    monkeypatch.chdir(logged.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{logged.folder}/mlflow.db")
    return logged


# One run


def test_a_fit_is_one_finished_run_in_the_experiment_of_its_pipeline(logged: Logged) -> None:
    run = logged.run
    assert run.info.status == "FINISHED"
    assert logged.client.get_experiment(run.info.experiment_id).name == logged.returned.experiment == "titanic"
    assert logged.returned.name == run.info.run_name
    parents = [r for r in runs_of(logged.client, "titanic") if "mlflow.parentRunId" not in r.data.tags]
    assert [r.info.run_id for r in parents] == [logged.returned.id]


def runs_of(client: mlflow.MlflowClient, experiment: str) -> list[Any]:
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def test_every_leaf_of_the_specification_is_a_parameter(logged: Logged) -> None:
    parameters = logged.run.data.params
    assert parameters == {name: str(value) for name, value in leaves(SPEC).items()}
    assert parameters["network.hidden"] == "[2]"
    assert parameters["columns.0.impute"] == "median"


def test_the_run_has_the_values_tags_and_description(logged: Logged) -> None:
    run = logged.run
    assert run.data.metrics["cv_score"] == 0.8
    assert run.data.metrics["cv_standard_error"] == 0.25
    assert run.data.tags["tabular_dl.pipeline"] == "titanic"
    assert run.data.tags["tabular_dl.kind"] == "fit"
    assert run.data.tags["tabular_dl.metric"] == "accuracy"
    assert run.data.tags["mlflow.note.content"] == "A **description**."


def test_a_curve_has_one_value_an_epoch_from_step_1_and_none_where_there_is_none(logged: Logged) -> None:
    for name, values in CURVES.items():
        found = {metric.step: metric.value for metric in logged.client.get_metric_history(logged.returned.id, name)}
        assert found == {epoch: value for epoch, value in enumerate(values, start=1) if not math.isnan(value)}


def test_hundreds_of_epochs_take_a_handful_of_calls(logged: Logged) -> None:
    assert sum(np.isfinite(values).sum() for values in CURVES.values()) == 1100
    assert logged.calls["log_batch"] < 10
    assert logged.calls["log_metric"] == logged.calls["log_param"] == logged.calls["set_tag"] == 0


def test_each_fold_is_a_finished_child_run(logged: Logged) -> None:
    children = [r for r in runs_of(logged.client, "titanic") if "mlflow.parentRunId" in r.data.tags]
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {logged.returned.id}
    by_name = {child.info.run_name: child.data.metrics for child in children}
    assert by_name == {
        f"{logged.returned.name}-fold-1": {"cv_score": 0.7, "best_epoch": 3},
        f"{logged.returned.name}-fold-2": {"cv_score": 0.9, "best_epoch": 4},
    }
    assert {child.info.status for child in children} == {"FINISHED"}


def test_the_tables_are_inputs_with_their_digests(logged: Logged) -> None:
    inputs = {entry.dataset.name: entry for entry in logged.run.inputs.dataset_inputs}
    assert set(inputs) == {"titanic-train", "titanic-test"}
    assert COMPETITION.digest.startswith(inputs["titanic-train"].dataset.digest)
    assert len(inputs["titanic-train"].dataset.digest) >= 32
    contexts = {name: {tag.key: tag.value for tag in entry.tags} for name, entry in inputs.items()}
    assert contexts["titanic-train"]["mlflow.data.context"] == "training"
    assert contexts["titanic-test"]["mlflow.data.context"] == "prediction"
    assert json.loads(inputs["titanic-train"].dataset.profile)["num_rows"] == len(TRAIN)


def test_the_folder_of_files_is_logged_whole(logged: Logged, tmp_path: Path) -> None:
    found = Path(mlflow.artifacts.download_artifacts(logged.run.info.artifact_uri, dst_path=str(tmp_path)))
    assert {str(f.relative_to(found)) for f in found.rglob("*") if f.is_file()} == {"spec.yaml", "figures/curve.png"}
    assert load_spec(found / "spec.yaml") == SPEC


def test_nothing_but_the_store_is_written_to_the_working_folder(logged: Logged) -> None:
    assert {path.name for path in logged.folder.iterdir()} == {"mlflow.db", "mlruns"}


# The model


RAW = COMPETITION.test.head(6).copy()
RAW.loc[RAW.index[0], "Fare"] = np.nan
RAW.loc[RAW.index[1], "Embarked"] = "Zanzibar"
RAW.loc[RAW.index[2], "Name"] = "Nemo, Archduke. Karl"


@pytest.fixture
def path_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the model's own copy of the code off the import path again."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.usefixtures("path_kept")
def test_the_model_that_mlflow_loads_predicts_kaggles_raw_rows(in_store: Logged, model: CrossFitClassifier) -> None:
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    loaded = mlflow.pyfunc.load_model(in_store.returned.model_uri)
    np.testing.assert_array_equal(loaded.predict(RAW), model.predict(RAW))
    # Whole numbers where training had fractions, missing values where it had whole numbers, a column of nothing.
    other = RAW.assign(Fare=[1, 2, 3, 4, 5, 6], SibSp=[0, np.nan, 1, 0, 0, 0], Cabin=np.nan)
    np.testing.assert_array_equal(loaded.predict(other), model.predict(other))
    # Columns that the model does not use may be absent.
    np.testing.assert_array_equal(loaded.predict(RAW.drop(columns="PassengerId")), model.predict(RAW))
    assert len({*loaded.predict(COMPETITION.test)}) == 2


def test_a_run_says_who_and_what_made_it(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = logged.run.data.tags
    assert tags["mlflow.source.name"] == "tabular-dl fit titanic"
    assert tags["mlflow.user"]

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr(run_log.getpass, "getuser", nobody)
    assert run_log.origin_tags("wine", "search")["mlflow.user"] == "unknown"


def test_the_model_holds_no_pickle(logged: Logged) -> None:
    files = [path for path in logged.model.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {
        *(".skops", ".yaml", ".txt", ".py", ".pyi", ".typed", "", ".csv", ".md", ".html")
    }
    with zipfile.ZipFile(logged.model / "model.skops") as archive:
        assert archive.testzip() is None
        assert {Path(name).suffix for name in archive.namelist()} <= {".json", ".npy", ".npz"}
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    np.load(file, allow_pickle=False)
    description = yaml.safe_load((logged.model / "MLmodel").read_text())
    assert description["flavors"]["sklearn"]["serialization_format"] == "skops"


def test_the_model_says_exactly_which_packages_it_needs_and_brings_its_specification(logged: Logged) -> None:
    requirements = (logged.model / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in requirements} == set(results.REQUIREMENTS)
    assert all("==" in line for line in requirements)
    assert load_spec(logged.model / "extra_files" / "spec.yaml") == SPEC
    assert (logged.model / "code" / "tabular_dl" / "model_selection" / "crossfit.py").is_file()


def test_the_code_goes_along_without_the_tables_of_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "tabular_dl"
    for name in (
        "crossfit.py",
        "nn/layers.py",
        "nn/__pycache__/layers.pyc",
        "data/wine/answers.csv",
        "pipelines/a.yaml",
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    copy = results.copy_code(package, tmp_path / "code")
    assert copy == results.copy_code(package, tmp_path / "code") == tmp_path / "code" / "tabular_dl"
    assert {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()} == {
        "crossfit.py",
        "nn/layers.py",
    }


def test_a_models_folder_is_found_for_its_run(in_store: Logged) -> None:
    before = sorted(in_store.model.rglob("*"))
    assert runs.model_folder(in_store.returned) == in_store.model
    assert (in_store.model / "model.skops").is_file()
    assert sorted(in_store.model.rglob("*")) == before, "the store may be read-only"


def test_save_model_writes_the_same_model_without_a_store(
    content: results.RunContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write_files(tmp_path / "results")
    results.save_model(content, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert {path.name for path in folder.iterdir()} == {"spec.yaml", "figures", "model"}
    assert {"MLmodel", "model.skops", "requirements.txt"} <= {path.name for path in (folder / "model").iterdir()}


# Where it is written


def test_the_store_is_the_environments_or_a_database_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for unset in (None, ""):
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        if unset is not None:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", unset)
        assert stores.tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert stores.tracking_uri() == "http://example.org"


def test_inside_mlflow_run_the_values_land_in_the_run_that_mlflow_opened(
    store: mlflow.MlflowClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = store.create_run(store.create_experiment("a project"), run_name="opened").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", opened)
    logged = run_log.log_results(folder)
    assert (logged.id, logged.name, logged.experiment) == (opened, "opened", "a project")
    run = store.get_run(opened)
    assert (run.info.status, run.data.metrics["cv_score"]) == ("FINISHED", 0.8)
    assert [e.name for e in store.search_experiments() if e.name == "titanic"] == []
    # It is found like any other.
    assert runs.best_run("titanic").id == opened


def test_results_are_logged_once_however_often_they_are_tried(store: mlflow.MlflowClient, folder: Path) -> None:
    first = run_log.log_results(folder)
    assert run_log.log_results(folder).id == first.id
    assert len([r for r in runs_of(store, "titanic") if "mlflow.parentRunId" not in r.data.tags]) == 1


def test_a_run_whose_process_was_killed_is_marked_never_chosen_and_shown(
    store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = json.dumps({**json.loads(processes.this_process()), "started": 0})
    ids = {}
    for name, process in {"killed": gone, "at work": processes.this_process()}.items():
        run = fake_run(store, 0.9, status="RUNNING")
        store.set_tag(run, processes.PROCESS_TAG, process)
        ids[name] = run
    finished = fake_run(store, 0.5)
    monkeypatch.setattr(stores, "_prepared", set())
    assert runs.best_run("titanic").id == finished
    statuses = {name: store.get_run(run).info.status for name, run in ids.items()}
    assert statuses == {"killed": "KILLED", "at work": "RUNNING"}
    assert sorted(run.status for run in runs.all_runs("titanic")) == ["finished", "killed", "running"]


def test_a_run_that_could_not_be_written_is_marked_as_failed_and_not_left_open(
    store: mlflow.MlflowClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(run_log.Model, "log", full)
    with pytest.raises(OSError, match="No space left"):
        run_log.log_results(folder)
    failed = [r for r in runs_of(store, "titanic") if "mlflow.parentRunId" not in r.data.tags]
    assert [run.info.status for run in failed] == ["FAILED"]
    assert mlflow.active_run() is None


def test_three_first_runs_at_once_make_one_store(tmp_path: Path) -> None:
    code = "from tabular_dl.tracking.store import open_experiment, quiet\nwith quiet(): print(open_experiment('wine'))"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(Path(run_log.__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert [out for out, _ in said] == ["1\n"] * 3
    assert {path.name for path in tmp_path.iterdir()} <= {"mlflow.db", "mlruns"}


def test_a_file_and_its_values_are_added_to_a_finished_run(
    store: mlflow.MlflowClient, content: results.RunContent, tmp_path: Path
) -> None:
    run = fake_run(store, 0.5)
    (tmp_path / "submission.csv").write_text("Id,y\n")
    run_log.log_file(runs.find_run(run), tmp_path / "submission.csv", "submission", {"submission_score": 0.75})
    assert [artifact.path for artifact in store.list_artifacts(run, "submission")] == ["submission/submission.csv"]
    assert store.get_run(run).data.metrics["submission_score"] == 0.75
    assert store.get_run(run).info.status == "FINISHED"


# Finding runs again


START_TIMES = itertools.count(1_700_000_000_000, 1000)


def fake_run(
    client: mlflow.MlflowClient,
    score: float | None,
    *,
    metric: str = "accuracy",
    digest: str = "abc",
    status: str = "FINISHED",
    name: str | None = None,
    with_model: bool = True,
) -> str:
    """Write, with MLflow's own client, what best_run and find_run look at; return the run's id."""
    experiment = client.get_experiment_by_name("titanic")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("titanic")
    tags = {
        "tabular_dl.pipeline": "titanic",
        "tabular_dl.kind": "fit",
        "tabular_dl.metric": metric,
        "tabular_dl.data_digest": digest,
    }
    # Start times in the order of calls.
    start = next(START_TIMES)
    run = client.create_run(experiment_id, start_time=start, tags=tags, run_name=name).info.run_id
    if score is not None:
        client.log_batch(run, metrics=[Metric("cv_score", score, start, 0)])
    if with_model:
        saved = client.create_logged_model(experiment_id, name="model", source_run_id=run)
        client.log_outputs(run, [LoggedModelOutput(saved.model_id, 0)])
    client.set_terminated(run, status)
    return run


def test_the_best_run_has_the_highest_accuracy(store: mlflow.MlflowClient) -> None:
    ids = [fake_run(store, score) for score in (0.7, 0.9, 0.8)]
    best = runs.best_run("titanic")
    assert best.id == ids[1]
    assert best.metrics["cv_score"] == 0.9
    assert best.model_uri == f"models:/{store.get_run(ids[1]).outputs.model_outputs[0].model_id}"


def copy_run(database: Path, run: str, copies: int) -> None:
    """Copy a run within its database: by MLflow, a thousand would take a minute."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("runs", "tags", "metrics", "latest_metrics"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ["printf('%032d', number)" if column == "run_uuid" else column for column in columns]
            numbers = "WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < ?) "
            insert = f"INSERT INTO {table} ({', '.join(columns)}) {numbers} SELECT {', '.join(values)} FROM {table}, n "  # noqa: S608
            connection.execute(f"{insert} WHERE run_uuid = ?", (copies, run))


def test_the_best_run_is_found_behind_a_thousand_newer_ones(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    best = fake_run(store, 0.9, name="oldest")
    copy_run(tmp_path / "mlflow.db", fake_run(store, 0.6), 1100)
    assert len(runs.comparable_runs("titanic")[0]) == 1102
    assert runs.best_run("titanic").id == best
    assert runs.find_run("oldest").id == best


def test_the_best_run_has_the_lowest_rmse(store: mlflow.MlflowClient) -> None:
    ids = [fake_run(store, score, metric="rmse") for score in (3.0, 2.0, 4.0)]
    assert runs.best_run("titanic").id == ids[1]


def test_runs_that_failed_or_have_no_score_are_never_the_best(store: mlflow.MlflowClient) -> None:
    good = fake_run(store, 0.5)
    for score, status in ((0.9, "FAILED"), (0.9, "RUNNING"), (0.9, "KILLED"), (None, "FINISHED"), (np.nan, "FINISHED")):
        fake_run(store, score, status=status)
    assert runs.best_run("titanic").id == good


def test_runs_by_another_metric_or_on_other_rows_are_not_compared(store: mlflow.MlflowClient) -> None:
    fake_run(store, 0.99, digest="other rows")
    fake_run(store, 0.1, metric="log_loss")
    newest = [fake_run(store, score) for score in (0.6, 0.5)]
    assert runs.best_run("titanic").id == newest[0]


def test_a_fit_by_another_metric_for_once_decides_nothing(store: mlflow.MlflowClient) -> None:
    own = [fake_run(store, score) for score in (0.5, 0.6)]
    other = fake_run(store, 0.99, metric="roc_auc")
    assert runs.best_run("titanic").id == other
    assert runs.best_run("titanic", "accuracy").id == own[1]
    assert runs.best_run("titanic", "log_loss").id == other  # no run is scored by it
    comparable, left_out = runs.comparable_runs("titanic", "accuracy")
    assert ({run.id for run in comparable}, left_out) == ({*own}, 1)


def test_a_deleted_run_is_not_the_best(store: mlflow.MlflowClient) -> None:
    good, deleted = fake_run(store, 0.5), fake_run(store, 0.9)
    store.delete_run(deleted)
    assert runs.best_run("titanic").id == good


def test_a_pipeline_without_a_finished_run_is_told_how_to_get_one(store: mlflow.MlflowClient) -> None:
    fake_run(store, 0.9, status="FAILED")
    with pytest.raises(SubmissionError, match=r"no finished run of titanic in sqlite:.*: tabular-dl fit titanic$"):
        runs.best_run("titanic")
    with pytest.raises(SubmissionError, match="no finished run of wine"):
        runs.best_run("wine")


def test_a_run_is_found_by_id_or_by_name_the_newest_of_that_name(store: mlflow.MlflowClient) -> None:
    older, newer = fake_run(store, 0.5, name="calm-owl-1"), fake_run(store, 0.4, name="calm-owl-1")
    assert runs.find_run(older).id == older
    assert runs.find_run("calm-owl-1").id == newer


def test_an_unknown_run_is_refused_with_the_nearest_name(store: mlflow.MlflowClient) -> None:
    fake_run(store, 0.5, name="calm-owl-1")
    with pytest.raises(SubmissionError, match=r"no run 'calm-owl-2' in sqlite:.* Did you mean 'calm-owl-1'\?"):
        runs.find_run("calm-owl-2")


def test_a_run_without_a_model_is_refused(store: mlflow.MlflowClient) -> None:
    fake_run(store, 0.5, name="calm-owl-1", with_model=False)
    with pytest.raises(SubmissionError, match=r"Run calm-owl-1 \(\w{32}\) has no model: it is not a finished fit"):
        runs.find_run("calm-owl-1")


@pytest.mark.parametrize("name", ["owl'", "' OR run_id != '", "x' and attributes.status = 'FINISHED"])
def test_a_name_cannot_become_a_part_of_the_query(store: mlflow.MlflowClient, name: str) -> None:
    fake_run(store, 0.5)
    with pytest.raises(SubmissionError, match="has no quotation marks"):
        runs.find_run(name)


def test_a_pipelines_name_in_place_of_a_runs_is_answered_with_its_runs_of_every_kind(
    store: mlflow.MlflowClient,
) -> None:
    fake_run(store, 0.5, name="calm-owl-1")
    store.set_tag(fake_run(store, 0.6, name="busy-bee-2"), "tabular_dl.kind", "ensemble")
    store.set_tag(fake_run(store, None, name="keen-kite-4"), "tabular_dl.kind", "search")
    store.set_tag(fake_run(store, 0.6, name="a-fold"), "tabular_dl.kind", "fold")
    store.set_tag(fake_run(store, 0.7, name="other-ox-3"), "tabular_dl.pipeline", "wine")
    with pytest.raises(SubmissionError, match=r"There is no run 'titanic'.* Known: busy-bee-2, calm-owl-1\. "):
        runs.find_run("titanic")
    with pytest.raises(SubmissionError, match=r"Known: busy-bee-2, calm-owl-1, keen-kite-4\. "):
        runs.find_run_id("titanic")
    with pytest.raises(SubmissionError, match=r"Known: busy-bee-2, calm-owl-1, other-ox-3\. "):
        runs.find_run("quartz")


@pytest.mark.parametrize("name", ["", "%", "a`b", 'a"b', "a\\", "a; b", "ü"])
def test_odd_names_are_simply_not_found(store: mlflow.MlflowClient, name: str) -> None:
    fake_run(store, 0.5, name="calm-owl-1")
    with pytest.raises(SubmissionError, match="There is no run"):
        runs.find_run(name)


@pytest.mark.parametrize("uri", [None, "sqlite:///mlflow.db", "sqlite:///{folder}/mlflow.db"])
def test_asking_a_store_that_is_not_there_creates_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(folder=tmp_path))
    with pytest.raises(SubmissionError, match="There is no finished run of titanic"):
        runs.best_run("titanic")
    with pytest.raises(SubmissionError, match=r"There is no run 'x'.*There are none"):
        runs.find_run("x")
    assert list(tmp_path.iterdir()) == []


def test_by_default_a_run_is_in_the_working_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path
) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    logged = run_log.log_results(folder)
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlruns"}
    assert runs.find_run(logged.id).id == logged.id


def test_the_values_say_when_the_run_began(content: results.RunContent, logged: Logged) -> None:
    assert logged.run.info.start_time == int(content.started * 1000)
    assert logged.run.info.end_time >= logged.run.info.start_time


def test_a_store_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "mlflow.db"
    damaged.write_bytes(b"not a database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{damaged}")
    with pytest.raises(UserError, match=r"mlflow\.db cannot be read as a SQLite database .*MLFLOW_TRACKING_URI"):
        runs.find_run("calm-owl-1")


def test_the_columns_of_a_large_table_are_described_as_mlflow_would(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 30
    frame = pd.DataFrame(
        {
            "whole": np.arange(rows),
            "bytes": np.arange(rows, dtype=np.uint8),
            "late": [1.5] * (rows - 1) + [None],
            "text": ["a"] * (rows - 1) + [None],
            "early": pd.Series([None] * 15 + ["b"] * (rows - 15), dtype=object),
            "maybe": pd.Series([None] * 15 + [True] * (rows - 15), dtype=object),
            "yes": [True, False] * (rows // 2),
            "never": [np.nan] * rows,
        }
    )
    table = results.Table("t", "training", frame, "keras:mnist", "0" * 64, "whole")
    monkeypatch.setattr(results, "ROWS_FOR_TYPES", 10)
    described = []
    for most in (frame.size, frame.size - 1):
        monkeypatch.setattr(results, "MOST_CELLS", most)
        with stores.quiet():
            described.append(results._described(table))
    assert json.loads(described[0]["schema"]) == json.loads(described[1]["schema"])
    assert json.loads(described[0]["source"])["tags"] == {"source": "keras:mnist"}

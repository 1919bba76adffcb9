"""Logging of finished fits and blends to MLflow.

A fit is one parent run in the experiment of its pipeline, with one child run per fold. Values are written in batches:
all epochs of a run in one call take a hundredth of the time of one call per epoch.

Inside ``mlflow run``, the values go to the run that MLflow has created for the project.
"""

from __future__ import annotations

import getpass
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import open_experiment, quiet, told_as_user_errors, tracking_uri

# isort: split
import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.models import Model

from tabular_dl.tracking.processes import PROCESS_TAG, this_process
from tabular_dl.tracking.record import MODEL, RECORD, read_record
from tabular_dl.tracking.run_search import from_mlflow
from tabular_dl.tracking.runs import LoggedRun, as_logged, find_tagged

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["log_file", "log_results", "log_values", "origin_tags", "register"]

RESULTS_TAG = "tabular_dl.results"

# MLflow's limits for one call of log_batch.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100


def log_results(folder: Path) -> LoggedRun:
    """Write a run with its folds, files, tables and model to the store.

    Parameters
    ----------
    folder : Path
        Results of the run, as `tabular_dl.tracking.results.write_results` leaves them.

    Returns
    -------
    LoggedRun
        Run as read back from the store. If the results were logged before, that run.

    Raises
    ------
    DataError
        If the folder does not hold such results.
    Exception
        Any error of MLflow or its store; the run is then marked as failed.
    """
    record = read_record(folder)
    logged = _logged_before(record)
    if logged is not None:
        return logged
    with quiet():
        mlflow.set_tracking_uri(tracking_uri())
        client = mlflow.MlflowClient()
        with _opened_run(record) as run:
            run_id = run.info.run_id
            _log_values(client, run_id, record)
            _log_folds(client, run, record["folds"])
            client.log_inputs(run_id, [_dataset_input(described) for described in record["inputs"]])
            _log_files(client, run_id, folder)
            arguments = {"flavor": _StoredModel, "flavor_name": "sklearn", "folder": folder / MODEL}
            Model.log(None, name=MODEL, run_id=run_id, **arguments)
        return as_logged(*from_mlflow([client.get_run(run_id)]))


def _logged_before(record: Mapping[str, Any]) -> LoggedRun | None:
    """Return the finished run of the same results, if any: a process may be killed before it removes logged results."""
    runs = [run for run in find_tagged(RESULTS_TAG, record["id"]) if run.status == "FINISHED"]
    return as_logged(runs[0]) if runs else None


class _StoredModel:
    """Flavor of MLflow that logs a model already stored in a folder."""

    @staticmethod
    def save_model(path: str, mlflow_model: Model, folder: Path) -> None:
        """Copy the model, and write its description with the ids that MLflow has assigned."""
        shutil.copytree(folder, path, dirs_exist_ok=True)
        stored = Model.load(str(folder))
        for name, settings in stored.flavors.items():
            mlflow_model.add_flavor(name, **settings)
        mlflow_model.signature, mlflow_model.model_size_bytes = stored.signature, stored.model_size_bytes
        mlflow_model.save(str(Path(path) / "MLmodel"))


def origin_tags(pipeline: str, kind: str) -> dict[str, str]:
    """Return the tags of all runs of this package: pipeline and kind, and MLflow's tags for user and source."""
    return {
        "tabular_dl.pipeline": pipeline,
        "tabular_dl.kind": kind,
        "mlflow.user": _user(),
        "mlflow.source.name": f"tabular-dl {kind} {pipeline}",
        "mlflow.source.type": "LOCAL",
        PROCESS_TAG: this_process(),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, the user id may have no name
        return "unknown"


def register(run: LoggedRun, alias: str) -> tuple[str, str]:
    """Register a run's model under the name of its pipeline, and return the name and the version.

    The version gets the alias, which an earlier version loses.
    """
    name = run.tags["tabular_dl.pipeline"]
    with quiet(), told_as_user_errors():
        client = mlflow.MlflowClient(tracking_uri())
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        # Not by `mlflow.register_model`, which prints.
        model_id = run.model_uri.removeprefix("models:/")
        created = client.create_model_version(name, run.model_uri, run.id, model_id=model_id)
        client.set_registered_model_alias(name, alias, created.version)
    return name, str(created.version)


def log_file(run: LoggedRun, file: Path, folder: str, metrics: Mapping[str, float]) -> None:
    """Add a file and its metrics to a finished run."""
    with quiet(), told_as_user_errors():
        client = mlflow.MlflowClient(tracking_uri())
        client.log_artifact(run.id, str(file), folder)
        for name, value in metrics.items():
            client.log_metric(run.id, name, value)


def log_values(run: LoggedRun, metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Add metrics and tags to a finished run."""
    now = int(time.time() * 1000)
    with quiet(), told_as_user_errors():
        mlflow.MlflowClient(tracking_uri()).log_batch(
            run.id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )


@contextmanager
def _opened_run(record: Mapping[str, Any]) -> Iterator[Run]:
    """Open a new run, or the one that `mlflow run` has created, and mark it as finished or failed at the end."""
    run_id = None
    # `mlflow run` sets this variable to the id of its run, which `start_run` then continues.
    if "MLFLOW_RUN_ID" not in os.environ:
        experiment = open_experiment(record["pipeline"])
        # The run has its kind and its process from the start, so that it is recognised if it is killed.
        tags = {**origin_tags(record["pipeline"], record["kind"]), RESULTS_TAG: record["id"]}
        started = int(record["started"] * 1000)
        client, name = mlflow.MlflowClient(), record.get("name")  # records of older versions have none
        run_id = client.create_run(experiment, start_time=started, tags=tags, run_name=name).info.run_id
    with mlflow.start_run(run_id) as run:
        yield run


def _log_values(client: mlflow.MlflowClient, run_id: str, record: Mapping[str, Any]) -> None:
    now = int(time.time() * 1000)
    params = [Param(name, value) for name, value in record["parameters"].items()]
    tags = {
        **origin_tags(record["pipeline"], record["kind"]),
        "mlflow.note.content": record["description"],
        **record["tags"],
        RESULTS_TAG: record["id"],
    }
    metrics = [Metric(name, float(value), now, 0) for name, value in record["metrics"].items()]
    metrics += [
        Metric(name, float(value), now, epoch)
        for name, values in record["curves"].items()
        for epoch, value in enumerate(values, start=1)
        if value is not None
    ]
    for start in range(0, len(params), PARAMS_A_BATCH):
        client.log_batch(run_id, params=params[start : start + PARAMS_A_BATCH])
    for start in range(0, len(metrics), METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + METRICS_A_BATCH])
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def _log_folds(client: mlflow.MlflowClient, run: Run, folds: Sequence[Mapping[str, float]]) -> None:
    now = int(time.time() * 1000)
    tags = {"mlflow.parentRunId": run.info.run_id, "tabular_dl.kind": "fold", PROCESS_TAG: this_process()}
    for number, metrics in enumerate(folds, start=1):
        name = f"{run.info.run_name}-fold-{number}"
        child = client.create_run(run.info.experiment_id, tags=tags, run_name=name).info.run_id
        client.log_batch(child, metrics=[Metric(key, float(value), now, 0) for key, value in metrics.items()])
        client.set_terminated(child)


def _log_files(client: mlflow.MlflowClient, run_id: str, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.name in (MODEL, RECORD):
            continue
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))


def _dataset_input(described: Mapping[str, str]) -> DatasetInput:
    table = {name: value for name, value in described.items() if name != "context"}
    return DatasetInput(Dataset(**table), [InputTag("mlflow.data.context", described["context"])])

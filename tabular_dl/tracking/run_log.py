"""Logging of finished fits and blends to MLflow.

A fit is one parent run in the experiment of its pipeline, with one child run per fold. Values are written in batches:
all epochs of a run in one call take a hundredth of the time of one call per epoch.

Inside ``mlflow run``, the values go to the run that MLflow has created for the project.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import LoggedRun, as_logged, open_experiment, quiet, tracking_uri

# isort: split
import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param, RunTag
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from tabular_dl.competition import is_loaded
from tabular_dl.tracking import compressed
from tabular_dl.tracking.persistence import TRUSTED_TYPES

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run
    from sklearn.base import BaseEstimator

__all__ = [
    "RunContent",
    "Table",
    "fold_tags",
    "log_file",
    "log_run",
    "log_values",
    "origin_tags",
    "register",
    "save_model",
]

# MLflow's limits for one call of log_batch.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100
# Cells of a table above which MLflow is slow to infer the types of columns, and the number of rows used instead.
MOST_CELLS, ROWS_FOR_TYPES = 1_000_000, 1000
REQUIREMENTS = ("keras", "lazy-loader", "mlflow", "numpy", "pandas", "pydantic", "scikit-learn", "skops", "tensorflow")


@dataclass(frozen=True)
class Table:
    """Table that a run was computed from.

    Parameters
    ----------
    name : str
        Name, such as "titanic-train".
    context : str
        Use of the table, such as "training".
    frame : DataFrame of shape (rows, columns)
        Rows.
    source : str
        File or data set that the rows were read from.
    digest : str
        Hash of the content.
    target : str, optional
        Target column.
    """

    name: str
    context: str
    frame: pd.DataFrame
    source: str
    digest: str
    target: str | None = None


@dataclass(frozen=True)
class RunContent:
    """Content of one run.

    Parameters
    ----------
    pipeline, kind : str
        Name of the pipeline and its experiment, and kind of run, such as "fit".
    parameters : dict
        Settings of the specification by dotted path.
    metrics : dict of str to float
        Final values.
    curves : dict of str to ndarray of shape (epochs,)
        Values by epoch, the first at step 1.
    folds : list of dict of str to float
        Metrics of each fold, for one child run each.
    tags : dict of str to str
        Tags, by which runs are searched.
    description : str
        Markdown text for the page of the run.
    tables : list of Table
        Tables that the run was computed from.
    files : Path
        Folder with files to log, among them the specification in spec.yaml.
    model : estimator
        Fitted model.
    example : DataFrame of shape (rows, columns)
        Raw rows as input of the model.
    started : float
        Start of the run in seconds since 1970.
    """

    pipeline: str
    kind: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]
    folds: Sequence[Mapping[str, float]]
    tags: Mapping[str, str]
    description: str
    tables: Sequence[Table]
    files: Path
    model: BaseEstimator
    example: pd.DataFrame
    started: float


def log_run(content: RunContent) -> LoggedRun:
    """Write a run with its folds, files, tables and model to the store.

    Parameters
    ----------
    content : RunContent
        Content of the run.

    Returns
    -------
    LoggedRun
        Run as read back from the store.

    Raises
    ------
    Exception
        Any error of MLflow or its store; the run is then marked as failed.
    """
    with quiet():
        mlflow.set_tracking_uri(tracking_uri())
        client = mlflow.MlflowClient()
        with _opened_run(content) as run:
            run_id = run.info.run_id
            _log_values(client, run_id, content)
            _log_folds(client, run, content.folds)
            client.log_inputs(run_id, [_dataset_input(table) for table in content.tables])
            client.log_artifacts(run_id, str(content.files))
            compressed.log_model(content.model, **_model_arguments(content))
        return as_logged(client.get_run(run_id))


def origin_tags(pipeline: str, kind: str) -> dict[str, str]:
    """Return the tags of all runs of this package: pipeline and kind, and MLflow's tags for user and source."""
    return {
        "tabular_dl.pipeline": pipeline,
        "tabular_dl.kind": kind,
        "mlflow.user": _user(),
        "mlflow.source.name": f"tabular-dl {kind} {pipeline}",
        "mlflow.source.type": "LOCAL",
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, the user id may have no name
        return "unknown"


def save_model(content: RunContent, folder: Path) -> None:
    """Write the model into a folder in the same form as `log_run`, without a store."""
    with quiet():
        compressed.save_model(content.model, folder, **_model_arguments(content))


def fold_tags(test_rows: Sequence[np.ndarray], scores: np.ndarray) -> dict[str, str]:
    """Return the tags that identify the folds of a run and hold its scores by fold, for paired comparisons.

    Parameters
    ----------
    test_rows : sequence of ndarray of shape (test rows,)
        Test rows of each fold.
    scores : ndarray of shape (folds,)
        Score of each fold.
    """
    digest = hashlib.sha256()
    for rows in test_rows:
        digest.update(np.asarray(rows, np.int64).tobytes() + b"|")
    return {
        "tabular_dl.folds": digest.hexdigest()[:16],
        "tabular_dl.fold_scores": json.dumps([float(score) for score in scores]),
    }


def register(run: LoggedRun, alias: str) -> tuple[str, str]:
    """Register a run's model under the name of its pipeline, and return the name and the version.

    The version gets the alias, which an earlier version loses.
    """
    name = run.tags["tabular_dl.pipeline"]
    with quiet():
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
    with quiet():
        client = mlflow.MlflowClient(tracking_uri())
        client.log_artifact(run.id, str(file), folder)
        for name, value in metrics.items():
            client.log_metric(run.id, name, value)


def log_values(run: LoggedRun, metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Add metrics and tags to a finished run."""
    now = int(time.time() * 1000)
    with quiet():
        mlflow.MlflowClient(tracking_uri()).log_batch(
            run.id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )


@contextmanager
def _opened_run(content: RunContent) -> Iterator[Run]:
    """Open a new run, or the one that `mlflow run` has created, and mark it as finished or failed at the end."""
    run_id = None
    # `mlflow run` sets this variable to the id of its run, which `start_run` then continues.
    if "MLFLOW_RUN_ID" not in os.environ:
        experiment = open_experiment(content.pipeline)
        run_id = mlflow.MlflowClient().create_run(experiment, start_time=int(content.started * 1000)).info.run_id
    with mlflow.start_run(run_id) as run:
        yield run


def _log_values(client: mlflow.MlflowClient, run_id: str, content: RunContent) -> None:
    now = int(time.time() * 1000)
    params = [Param(name, str(value)) for name, value in content.parameters.items()]
    tags = {
        **origin_tags(content.pipeline, content.kind),
        "mlflow.note.content": content.description,
        **content.tags,
    }
    metrics = [Metric(name, float(value), now, 0) for name, value in content.metrics.items()]
    metrics += [
        Metric(name, float(value), now, epoch)
        for name, values in content.curves.items()
        for epoch, value in enumerate(values, start=1)
        if np.isfinite(value)
    ]
    for start in range(0, len(params), PARAMS_A_BATCH):
        client.log_batch(run_id, params=params[start : start + PARAMS_A_BATCH])
    for start in range(0, len(metrics), METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + METRICS_A_BATCH])
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def _log_folds(client: mlflow.MlflowClient, run: Run, folds: Sequence[Mapping[str, float]]) -> None:
    now = int(time.time() * 1000)
    for number, metrics in enumerate(folds, start=1):
        tags = {"mlflow.parentRunId": run.info.run_id, "tabular_dl.kind": "fold"}
        name = f"{run.info.run_name}-fold-{number}"
        child = client.create_run(run.info.experiment_id, tags=tags, run_name=name).info.run_id
        client.log_batch(child, metrics=[Metric(key, float(value), now, 0) for key, value in metrics.items()])
        client.set_terminated(child)


def _dataset_input(table: Table) -> DatasetInput:
    """Return a table in MLflow's form: name, digest, source and columns, without the rows."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.entities import DatasetInput, InputTag

    # Keras's data sets are not files that MLflow could open.
    source = CodeDatasetSource({"source": table.source}) if is_loaded(table.source) else table.source
    dataset = mlflow.data.from_pandas(
        table.frame, source=source, targets=table.target, name=table.name, digest=table.digest[:32]
    )
    if table.frame.size > MOST_CELLS:
        dataset.schema = _schema(table.frame)
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", table.context)])


def _schema(frame: pd.DataFrame) -> Schema | None:
    """Return the schema that MLflow would infer, faster: types from the first rows, missing values from all rows.

    For 60,000 images this takes a second instead of a minute.
    """
    missing = frame.isna().any()
    inferred = mlflow.data.from_pandas(frame.head(ROWS_FOR_TYPES), digest="unused").schema
    return inferred and Schema(
        [ColSpec(column.type, column.name, required=not missing[column.name]) for column in inferred]
    )


def _model_arguments(content: RunContent) -> dict[str, Any]:
    """Return the arguments for storing a model: skops instead of pickle, raw rows as input, this package's code."""
    return {
        "serialization_format": "skops",
        "skops_trusted_types": TRUSTED_TYPES,
        "signature": _signature(content.model, content.example),
        "pip_requirements": [f"{name}=={version(name)}" for name in REQUIREMENTS],
        # With the code instead of a requirement, the model can be served without a registry that has this package.
        "code_paths": [str(copy_code(Path(__file__).parents[1], content.files.parent / "code"))],
        "extra_files": [str(content.files / "spec.yaml")],
    }


def copy_code(package: Path, folder: Path) -> Path:
    """Copy the code of a package, without bundled tables and pipelines, and return the folder of the copy."""
    copy = folder / package.name
    if not copy.exists():
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("data", "pipelines", "__pycache__"))
    return copy


def _signature(model: BaseEstimator, example: pd.DataFrame) -> ModelSignature:
    """Return a signature in which every raw column is optional and of any type.

    With types, MLflow would reject whole numbers for double, missing values for long, and batches without a text
    column. The model can read all of these, and its errors name column, row and value.
    """
    columns = [ColSpec(AnyType(), str(name), required=False) for name in example.columns]
    kinds = {"i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}
    output = model.classes_.dtype.kind if hasattr(model, "classes_") else "f"
    return ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(kinds.get(output, DataType.string))]))

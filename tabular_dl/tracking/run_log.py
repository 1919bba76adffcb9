"""Runs written to MLflow.

A fit is one parent run in the experiment of its pipeline, and one child run a fold. Values are buffered and written in
few calls: a run's epochs go out in one batch, which takes MLflow a hundredth of the time of one call an epoch.

Inside ``mlflow run`` the values go to the run that MLflow has opened for the project.
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

# First: it tells MLflow what to leave, before MLflow is imported.
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
from tabular_dl.tracking.persistence import TRUSTED_TYPES

if TYPE_CHECKING:
    from mlflow.entities import Run

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

# MLflow's bounds for one call of log_batch.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100
# Cells of a table beyond which MLflow would take long to tell its columns' types, and the rows that tell them.
MOST_CELLS, ROWS_THAT_TELL_TYPES = 1_000_000, 1000
REQUIREMENTS = ("keras", "lazy-loader", "mlflow", "numpy", "pandas", "pydantic", "scikit-learn", "skops", "tensorflow")


@dataclass(frozen=True)
class Table:
    """A table that a run was made from.

    Parameters
    ----------
    name, context : str
        Like "titanic-train" and "training".
    frame : DataFrame
        The rows.
    source : str
        Where they were read from.
    digest : str
        What identifies the contents.
    target : str or None
        The target column, where there is one.
    """

    name: str
    context: str
    frame: pd.DataFrame
    source: str
    digest: str
    target: str | None = None


@dataclass(frozen=True)
class RunContent:
    """All that is written of one run.

    Parameters
    ----------
    pipeline, kind : str
        The experiment, and what made the run ("fit").
    parameters : dict
        The leaves of the specification.
    metrics : dict of str to float
        Final values.
    curves : dict of str to ndarray of shape (epochs,)
        Values by epoch, the first at step 1.
    folds : list of dict of str to float
        The metrics of each fold, a child run each.
    tags : dict of str to str
        What runs are found by.
    description : str
        Markdown, shown on the run's page.
    tables : list of Table
        What it was made from.
    files : Path
        A folder that is logged whole, with the specification in spec.yaml.
    model, example : object and DataFrame
        The fitted model, and raw rows as it takes them.
    started : float
        When the work began, in seconds since 1970.
    """

    pipeline: str
    kind: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    curves: Mapping[str, np.ndarray]
    folds: Sequence[Mapping[str, float]]
    tags: Mapping[str, str]
    description: str
    tables: Sequence[Table]
    files: Path
    model: Any
    example: pd.DataFrame
    started: float


def log_run(content: RunContent) -> LoggedRun:
    """Write a run, its folds, files, tables and model.

    Parameters
    ----------
    content : RunContent
        What to write.

    Returns
    -------
    LoggedRun

    Raises
    ------
    Exception
        Whatever MLflow or its store raises; the run is then marked as failed.
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
            mlflow.sklearn.log_model(content.model, name="model", **_model_arguments(content))
        return as_logged(client.get_run(run_id))


def origin_tags(pipeline: str, kind: str) -> dict[str, str]:
    """Return the tags that every run of ours has: its pipeline and kind, and MLflow's own for who and what made it."""
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
    except (ImportError, KeyError, OSError):  # a container without a user of that number
        return "unknown"


def save_model(content: RunContent, folder: Path) -> None:
    """Write the model as `log_run` would, into a folder, without a store."""
    with quiet():
        mlflow.sklearn.save_model(content.model, str(folder), **_model_arguments(content))


def fold_tags(test_rows: Sequence[np.ndarray], scores: np.ndarray) -> dict[str, str]:
    """Return the tags by which runs of the same folds are known and compared."""
    digest = hashlib.sha256()
    for rows in test_rows:
        digest.update(np.asarray(rows, np.int64).tobytes() + b"|")
    return {
        "tabular_dl.folds": digest.hexdigest()[:16],
        "tabular_dl.fold_scores": json.dumps([float(score) for score in scores]),
    }


def register(run: LoggedRun, alias: str) -> tuple[str, str]:
    """Register a run's model under its pipeline's name; return that name and the version, which gets the alias."""
    name = run.tags["tabular_dl.pipeline"]
    with quiet():
        client = mlflow.MlflowClient(tracking_uri())
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        # By the client: `mlflow.register_model` prints.
        model_id = run.model_uri.removeprefix("models:/")
        made = client.create_model_version(name, run.model_uri, run.id, model_id=model_id)
        client.set_registered_model_alias(name, alias, made.version)
    return name, str(made.version)


def log_file(run: LoggedRun, file: Path, folder: str, metrics: Mapping[str, float]) -> None:
    """Add a file, and values that belong to it, to a finished run."""
    with quiet():
        client = mlflow.MlflowClient(tracking_uri())
        client.log_artifact(run.id, str(file), folder)
        for name, value in metrics.items():
            client.log_metric(run.id, name, value)


def log_values(run: LoggedRun, metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Add values and tags to a finished run."""
    now = int(time.time() * 1000)
    with quiet():
        mlflow.MlflowClient(tracking_uri()).log_batch(
            run.id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )


@contextmanager
def _opened_run(content: RunContent) -> Iterator[Run]:
    run_id = None
    # `mlflow run` has opened a run, in an experiment of its own: `start_run` finds it by this variable.
    if "MLFLOW_RUN_ID" not in os.environ:
        experiment = open_experiment(content.pipeline)
        run_id = mlflow.MlflowClient().create_run(experiment, start_time=int(content.started * 1000)).info.run_id
    with mlflow.start_run(run_id) as run:
        yield run


def _log_values(client: Any, run_id: str, content: RunContent) -> None:
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


def _log_folds(client: Any, run: Run, folds: Sequence[Mapping[str, float]]) -> None:
    now = int(time.time() * 1000)
    for number, metrics in enumerate(folds, start=1):
        tags = {"mlflow.parentRunId": run.info.run_id, "tabular_dl.kind": "fold"}
        name = f"{run.info.run_name}-fold-{number}"
        child = client.create_run(run.info.experiment_id, tags=tags, run_name=name).info.run_id
        client.log_batch(child, metrics=[Metric(key, float(value), now, 0) for key, value in metrics.items()])
        client.set_terminated(child)


def _dataset_input(table: Table) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.entities import DatasetInput, InputTag

    # Keras's data sets are no files that MLflow could find again.
    source = CodeDatasetSource({"source": table.source}) if is_loaded(table.source) else table.source
    dataset = mlflow.data.from_pandas(
        table.frame, source=source, targets=table.target, name=table.name, digest=table.digest[:32]
    )
    if table.frame.size > MOST_CELLS:
        dataset.schema = _schema(table.frame)
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", table.context)])


def _schema(frame: pd.DataFrame) -> Schema | None:
    """Return what MLflow would infer, cell by cell: types from some rows, and from all whether a value is missing.

    On 60,000 images that takes a second instead of a minute.
    """
    missing = frame.isna().any()
    inferred = mlflow.data.from_pandas(frame.head(ROWS_THAT_TELL_TYPES), digest="unused").schema
    return inferred and Schema(
        [ColSpec(column.type, column.name, required=not missing[column.name]) for column in inferred]
    )


def _model_arguments(content: RunContent) -> dict[str, Any]:
    """Say how the model is stored: no pickle, Kaggle's raw rows as they come, and this package's code beside it."""
    return {
        "serialization_format": "skops",
        "skops_trusted_types": TRUSTED_TYPES,
        "signature": _signature(content.model, content.example),
        "pip_requirements": [f"{name}=={version(name)}" for name in REQUIREMENTS],
        # The code goes along instead of a requirement: no registry has to know this package to serve the model.
        "code_paths": [str(copy_code(Path(__file__).parents[1], content.files.parent / "code"))],
        "extra_files": [str(content.files / "spec.yaml")],
    }


def copy_code(package: Path, folder: Path) -> Path:
    """Copy a package's code, without the tables and pipelines that an installed one brings; return the copy."""
    copy = folder / package.name
    if not copy.exists():
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("data", "pipelines", "__pycache__"))
    return copy


def _signature(model: Any, example: pd.DataFrame) -> ModelSignature:
    """Declare every raw column optional and of any type.

    MLflow refuses whole numbers where a signature says double, missing values where it says long, and a batch in which
    a text column is missing altogether. The model reads all of these, and names column, row and value otherwise.
    """
    columns = [ColSpec(AnyType(), str(name), required=False) for name in example.columns]
    kinds = {"i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}
    output = model.classes_.dtype.kind if hasattr(model, "classes_") else "f"
    return ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(kinds.get(output, DataType.string))]))

"""MLflow: the one module that imports it.

A fit is one parent run in the experiment of its pipeline, and one child run a fold. Values are buffered and written in
few calls: a run's epochs go out in one batch, which takes MLflow a hundredth of the time of one call an epoch.

The store is ``MLFLOW_TRACKING_URI`` or, by default, ``sqlite:///mlflow.db`` in the current folder with files in
``mlruns``. Inside ``mlflow run`` the values go to the run that MLflow has opened for the project.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before MLflow is imported: no usage telemetry, and no progress bar for each artifact.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param, RunTag
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType

from tabular_dl.errors import SubmissionError, did_you_mean
from tabular_dl.loaders import is_loaded
from tabular_dl.metrics import get_metric
from tabular_dl.persistence import TRUSTED_TYPES

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = [
    "LoggedRun",
    "RunContent",
    "Table",
    "best_run",
    "comparable_runs",
    "experiment_page",
    "find_run",
    "find_run_id",
    "fold_tags",
    "log_file",
    "log_run",
    "log_values",
    "model_folder",
    "origin_tags",
    "quiet",
    "register",
    "save_model",
    "serve_command",
    "tracking_uri",
    "ui_command",
]

# MLflow's bounds for one call of log_batch.
METRICS_A_BATCH, PARAMS_A_BATCH = 1000, 100
# The kinds of run that can predict; the score of a search is that of a configuration, not of a model.
WITH_MODELS = ("fit", "ensemble")
# Cells of a table beyond which MLflow would take long to tell its columns' types, and the rows that tell them.
MOST_CELLS, ROWS_THAT_TELL_TYPES = 1_000_000, 1000
REQUIREMENTS = ("keras", "mlflow", "numpy", "pandas", "pydantic", "scikit-learn", "skops", "tensorflow")


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


@dataclass(frozen=True)
class LoggedRun:
    """A run as the store knows it.

    Attributes
    ----------
    id, name, experiment : str
        MLflow's id of the run, its readable name, and the experiment's name.
    model_uri : str
        What `mlflow.pyfunc.load_model` takes.
    tags, metrics : dict
        As logged.
    """

    id: str
    name: str
    experiment: str
    model_uri: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def tracking_uri() -> str:
    """Return the store's address.

    The default is an absolute path: MLflow keeps stores by their address, also after a change of folder.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').resolve().as_posix()}"


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
        return _logged(client.get_run(run_id))


def ui_command(port: int) -> list[str]:
    """Return the command that serves the MLflow UI over this store, on this machine only."""
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking_uri(), *address]


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


def experiment_page(pipeline: str | None) -> str:
    """Return the part of the UI's address that selects the experiment of a pipeline, or of the newest run.

    Raises
    ------
    SubmissionError
        If the pipeline named has no run.
    """
    runs = _runs(
        "tags.`tabular_dl.pipeline` != ''" if pipeline is None else f"tags.`tabular_dl.pipeline` = '{pipeline}'"
    )
    if not runs and pipeline is not None:
        raise SubmissionError(f"There is no run of {pipeline!r} in {tracking_uri()}: tabular-dl fit {pipeline}")
    return f"#/experiments/{runs[0].info.experiment_id}/runs" if runs else ""


def serve_command(run: LoggedRun, host: str, port: int) -> list[str]:
    """Return the command that serves a run's model with this environment's packages."""
    address = ["--host", host, "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "models", "serve", "-m", run.model_uri, "--env-manager", "local", *address]


def save_model(content: RunContent, folder: Path) -> None:
    """Write the model as `log_run` would, into a folder, without a store."""
    with quiet():
        mlflow.sklearn.save_model(content.model, str(folder), **_model_arguments(content))


def best_run(pipeline: str) -> LoggedRun:
    """Return the finished fit of a pipeline with the best cross-validated score.

    Only runs that can be compared with the newest are looked at: scored by the same metric, on the same training data.

    Parameters
    ----------
    pipeline : str
        The pipeline's name.

    Raises
    ------
    SubmissionError
        If there is none.
    """
    comparable, _ = comparable_runs(pipeline)
    sign = 1 if get_metric(comparable[0].data.tags["tabular_dl.metric"]).greater_is_better else -1
    return _logged(max(comparable, key=lambda run: sign * run.data.metrics["cv_score"]))


def comparable_runs(pipeline: str) -> tuple[list[Run], int]:
    """Return the finished runs of a pipeline that can be compared with the newest, and how many others there are.

    Raises
    ------
    SubmissionError
        If there is none.
    """
    runs = [
        run
        for run in _runs(f"tags.`tabular_dl.pipeline` = '{pipeline}'")
        if run.info.status == "FINISHED"
        and run.data.tags.get("tabular_dl.kind") in WITH_MODELS
        and np.isfinite(run.data.metrics.get("cv_score", np.nan))
    ]
    if not runs:
        raise SubmissionError(
            f"There is no finished run of {pipeline} in {tracking_uri()}. Fit one first: tabular-dl fit {pipeline}"
        )
    newest = max(runs, key=lambda run: run.info.start_time)
    same = ("tabular_dl.metric", "tabular_dl.data_digest")
    comparable = [run for run in runs if all(run.data.tags.get(tag) == newest.data.tags.get(tag) for tag in same)]
    return comparable, len(runs) - len(comparable)


def fold_tags(test_rows: Sequence[np.ndarray], scores: np.ndarray) -> dict[str, str]:
    """Return the tags by which runs of the same folds are known and compared."""
    digest = hashlib.sha256()
    for rows in test_rows:
        digest.update(np.asarray(rows, np.int64).tobytes() + b"|")
    return {
        "tabular_dl.folds": digest.hexdigest()[:16],
        "tabular_dl.fold_scores": json.dumps([float(score) for score in scores]),
    }


def find_run(id_or_name: str) -> LoggedRun:
    """Return the run with this id, the newest with this name, or the one that has an alias, as in ``NAME@champion``.

    Raises
    ------
    SubmissionError
        If there is none, or it has no model.
    """
    if "@" in id_or_name:
        return _logged(_find(_run_of_alias(*id_or_name.split("@", 1))))
    return _logged(_find(id_or_name))


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


def _run_of_alias(name: str, alias: str) -> str:
    with quiet():
        try:
            return str(mlflow.MlflowClient(tracking_uri()).get_model_version_by_alias(name, alias).run_id)
        except Exception:  # noqa: BLE001 (each kind of store raises its own)
            raise SubmissionError(
                f"No model of {name} has the alias {alias!r} in {tracking_uri()}. Give it to a run first: "
                f"tabular-dl promote RUN --as {alias}"
            ) from None


def find_run_id(id_or_name: str) -> str:
    """Return the id of the run with this id, or of the newest with this name, of any kind."""
    return str(_find(id_or_name).info.run_id)


def _find(id_or_name: str) -> Run:
    runs = _runs(f"attributes.run_id = '{id_or_name}'") or _runs(f"attributes.run_name = '{id_or_name}'")
    if not runs:
        names = [run.info.run_name for run in _runs("tags.`tabular_dl.kind` = 'fit'")]
        raise SubmissionError(
            f"There is no run {id_or_name!r} in {tracking_uri()}. {did_you_mean(id_or_name, names)} "
            "`tabular-dl ui` shows all runs."
        )
    return runs[0]


def model_folder(run: LoggedRun) -> Path:
    """Return a local folder with the model of a run."""
    with quiet():
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=run.model_uri, tracking_uri=tracking_uri()))


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


def _runs(condition: str) -> list[Run]:
    """Return the store's runs that meet a condition, newest first; asking never creates a store."""
    uri = tracking_uri()
    if "'" in condition.replace("'", "", 2):
        raise SubmissionError("The id or name of a run has no quotation marks.")
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return []
    with quiet():
        try:
            mlflow.set_tracking_uri(uri)
            return mlflow.search_runs(
                search_all_experiments=True, filter_string=condition, output_format="list", max_results=1000
            )
        except Exception as error:  # noqa: BLE001 (each kind of store raises its own)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SubmissionError(
                f"The runs in {uri} cannot be read: {reason}. Check MLFLOW_TRACKING_URI, or the file."
            ) from None


def _logged(run: Run) -> LoggedRun:
    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise SubmissionError(f"Run {run.info.run_name} ({run.info.run_id}) has no model: it is not a finished fit.")
    experiment = mlflow.get_experiment(run.info.experiment_id).name
    uri = f"models:/{models[-1].model_id}"
    return LoggedRun(run.info.run_id, run.info.run_name, experiment, uri, run.data.tags, run.data.metrics)


@contextmanager
def _opened_run(content: RunContent) -> Iterator[Run]:
    run_id = None
    # `mlflow run` has opened a run, in an experiment of its own: `start_run` finds it by this variable.
    if "MLFLOW_RUN_ID" not in os.environ:
        client, experiment = mlflow.MlflowClient(), mlflow.set_experiment(content.pipeline)
        # The UI then shows the pages for training, not those for language models.
        client.set_experiment_tag(experiment.experiment_id, "mlflow.experimentKind", "custom_model_development")
        run_id = client.create_run(experiment.experiment_id, start_time=int(content.started * 1000)).info.run_id
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
        "code_paths": [str(Path(__file__).parent)],
        "extra_files": [str(content.files / "spec.yaml")],
    }


def _signature(model: Any, example: pd.DataFrame) -> ModelSignature:
    """Declare every raw column optional and of any type.

    MLflow refuses whole numbers where a signature says double, missing values where it says long, and a batch in which
    a text column is missing altogether. The model reads all of these, and names column, row and value otherwise.
    """
    columns = [ColSpec(AnyType(), str(name), required=False) for name in example.columns]
    kinds = {"i": DataType.long, "u": DataType.long, "f": DataType.double, "b": DataType.boolean}
    output = model.classes_.dtype.kind if hasattr(model, "classes_") else "f"
    return ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(kinds.get(output, DataType.string))]))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's remarks on its own workings away from the user's terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""Runs as MLflow's store knows them: where it is, how they are found, and the commands that show and serve them.

The store is ``MLFLOW_TRACKING_URI`` or, by default, ``sqlite:///mlflow.db`` in the current folder with files in
``mlruns``.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Before MLflow is imported: no usage telemetry, and no progress bar for each artifact.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import numpy as np

from tabular_dl.errors import SubmissionError, did_you_mean
from tabular_dl.problems import get_metric

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = [
    "LoggedRun",
    "as_logged",
    "best_run",
    "comparable_runs",
    "experiment_page",
    "find_run",
    "find_run_id",
    "model_folder",
    "open_experiment",
    "quiet",
    "serve_command",
    "tracking_uri",
    "ui_command",
]

# The kinds of run that can predict; the score of a search is that of a configuration, not of a model.
WITH_MODELS = ("fit", "ensemble")


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


def open_experiment(pipeline: str) -> str:
    """Return the id of a pipeline's experiment, made with its store where there is none."""
    uri = tracking_uri()
    if uri.startswith("sqlite:///"):
        _make_store(Path(uri.removeprefix("sqlite:///")))
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.set_experiment(pipeline)
    # The UI then shows the pages for training, not those for language models.
    mlflow.MlflowClient().set_experiment_tag(
        experiment.experiment_id, "mlflow.experimentKind", "custom_model_development"
    )
    return str(experiment.experiment_id)


def _make_store(file: Path) -> None:
    """Make a new database beside its place, and put it there whole: of two processes at once, MLflow fails both."""
    if file.exists() or not file.parent.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".mlflow-", ignore_cleanup_errors=True) as folder:
        new = Path(folder) / file.name
        mlflow.MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
        try:
            os.link(new, file)  # unlike a renaming it never replaces what another process has made meanwhile
        except OSError:
            if not file.exists():  # a file system without links
                new.replace(file)


def best_run(pipeline: str, metric: str | None = None) -> LoggedRun:
    """Return the finished fit of a pipeline with the best cross-validated score, among `comparable_runs`.

    Parameters
    ----------
    pipeline : str
        The pipeline's name.
    metric : str, optional
        What the pipeline is scored by.

    Raises
    ------
    SubmissionError
        If there is none.
    """
    comparable, _ = comparable_runs(pipeline, metric)
    sign = 1 if get_metric(comparable[0].data.tags["tabular_dl.metric"]).greater_is_better else -1
    return as_logged(max(comparable, key=lambda run: sign * run.data.metrics["cv_score"]))


def comparable_runs(pipeline: str, metric: str | None = None) -> tuple[list[Run], int]:
    """Return the finished runs of a pipeline that can be compared with the newest, and how many others there are.

    They are scored by the same metric, on the same training data. The newest is that by the pipeline's own metric, if
    there is one: a fit that tried another metric for once does not decide what the others are compared by.

    Parameters
    ----------
    pipeline : str
        The pipeline's name.
    metric : str, optional
        What the pipeline is scored by.

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
    own = [run for run in runs if run.data.tags.get("tabular_dl.metric") == metric]
    newest = max(own or runs, key=lambda run: run.info.start_time)
    same = ("tabular_dl.metric", "tabular_dl.data_digest")
    comparable = [run for run in runs if all(run.data.tags.get(tag) == newest.data.tags.get(tag) for tag in same)]
    return comparable, len(runs) - len(comparable)


def find_run(id_or_name: str) -> LoggedRun:
    """Return the run with this id, the newest with this name, or the one that has an alias, as in ``NAME@champion``.

    Raises
    ------
    SubmissionError
        If there is none, or it has no model.
    """
    if "@" in id_or_name:
        return as_logged(_find(_run_of_alias(*id_or_name.split("@", 1))))
    return as_logged(_find(id_or_name))


def find_run_id(id_or_name: str) -> str:
    """Return the id of the run with this id, or of the newest with this name, of any kind."""
    return str(_find(id_or_name, (*WITH_MODELS, "search")).info.run_id)


def as_logged(run: Run) -> LoggedRun:
    """Return what is needed of a run of MLflow; refuse one without a model."""
    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise SubmissionError(f"Run {run.info.run_name} ({run.info.run_id}) has no model: it is not a finished fit.")
    experiment = mlflow.get_experiment(run.info.experiment_id).name
    uri = f"models:/{models[-1].model_id}"
    return LoggedRun(run.info.run_id, run.info.run_name, experiment, uri, run.data.tags, run.data.metrics)


def model_folder(run: LoggedRun) -> Path:
    """Return a local folder with the model of a run."""
    with quiet():
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=run.model_uri, tracking_uri=tracking_uri()))


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


def ui_command(port: int) -> list[str]:
    """Return the command that serves the MLflow UI over this store, on this machine only."""
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking_uri(), *address]


def serve_command(run: LoggedRun, host: str, port: int) -> list[str]:
    """Return the command that serves a run's model with this environment's packages."""
    address = ["--host", host, "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "models", "serve", "-m", run.model_uri, "--env-manager", "local", *address]


def _run_of_alias(name: str, alias: str) -> str:
    with quiet():
        try:
            return str(mlflow.MlflowClient(tracking_uri()).get_model_version_by_alias(name, alias).run_id)
        except Exception:  # noqa: BLE001 (each kind of store raises its own)
            raise SubmissionError(
                f"No model of {name} has the alias {alias!r} in {tracking_uri()}. Give it to a run first: "
                f"tabular-dl promote RUN --as {alias}"
            ) from None


def _find(id_or_name: str, kinds: Iterable[str] = WITH_MODELS) -> Run:
    """Return the newest run of this id or name; where there is none, name those of the kinds that would do."""
    runs = _runs(f"attributes.run_id = '{id_or_name}'") or _runs(f"attributes.run_name = '{id_or_name}'")
    if not runs:
        told = [run for kind in kinds for run in _runs(f"tags.`tabular_dl.kind` = '{kind}'")]
        # A pipeline's name stands for none of its runs: those are what was meant.
        told = [run for run in told if run.data.tags.get("tabular_dl.pipeline") == id_or_name] or told
        names = [run.info.run_name for run in told]
        raise SubmissionError(
            f"There is no run {id_or_name!r} in {tracking_uri()}. {did_you_mean(id_or_name, names)} "
            "`tabular-dl ui` shows all runs."
        )
    return runs[0]


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

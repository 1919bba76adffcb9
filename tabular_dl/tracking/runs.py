"""Runs of this package in the MLflow store: all of a pipeline, the best, and by id, name or alias."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import quiet, told_as_user_errors, tracking_uri

# isort: split
import numpy as np

from tabular_dl.errors import SubmissionError, did_you_mean
from tabular_dl.problems import get_metric
from tabular_dl.tracking.run_search import search_runs
from tabular_dl.tracking.stored_runs import StoredRun

__all__ = [
    "NO_TEST_TAG",
    "LoggedRun",
    "RunStatus",
    "all_runs",
    "as_logged",
    "best_run",
    "comparable_runs",
    "experiment_page",
    "find_run",
    "find_run_id",
    "find_tagged",
    "has_run_named",
    "model_folder",
    "run_file",
]

# Kinds of runs with a model. Searches have none: their score belongs to a configuration.
WITH_MODELS = ("fit", "ensemble", "import")
RESUMABLE = ("search", "auto")  # kinds of runs that others are found by
# Tag of runs that were imported without predictions of the test rows that there are.
NO_TEST_TAG = "tabular_dl.no_test_predictions"
# Tags of runs whose metric is a function of the user: its direction, and the SHA-256 of its text.
GREATER_IS_BETTER, METRIC_DIGEST = "tabular_dl.greater_is_better", "tabular_dl.metric_sha256"
PIPELINE = "tabular_dl.pipeline"  # tag with the name of the pipeline


@dataclass(frozen=True)
class LoggedRun:
    """Run with a model, as read from the store.

    Attributes
    ----------
    id : str
        MLflow's id of the run.
    name : str
        Readable name of the run.
    experiment : str
        Name of the experiment.
    model_uri : str
        Address of the model, for `mlflow.pyfunc.load_model`.
    tags : dict of str to str
        Tags.
    metrics : dict of str to float
        Metrics.
    """

    id: str
    name: str
    experiment: str
    model_uri: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunStatus:
    """State of a run of any kind.

    Attributes
    ----------
    run : str
        Readable name.
    kind : str
        Kind of run, such as "fit".
    status : str
        One of running, finished, failed and killed.
    metric : str
        Name of the metric; empty if the run ended before it was logged.
    cv_score : float or None
        Cross-validated score.
    data : str
        First letters of the training table's hash.
    began : str
        Date and time in the local time zone.
    """

    run: str
    kind: str
    status: str
    metric: str
    cv_score: float | None
    data: str
    began: str

    @classmethod
    def of(cls, run: StoredRun) -> RunStatus:
        """Return the state of a run."""
        tags = run.tags
        began = datetime.fromtimestamp(run.started / 1000, UTC).astimezone()
        return cls(
            run.name,
            run.kind,
            run.status.lower(),
            tags.get("tabular_dl.metric", ""),
            run.metrics.get("cv_score"),
            tags.get("tabular_dl.data_digest", "")[:8],
            began.strftime("%Y-%m-%d %H:%M"),
        )


def best_run(pipeline: str, metric: str | None = None) -> LoggedRun:
    """Return the run with the best cross-validated score among `comparable_runs`.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.
    metric : str, optional
        Name of the pipeline's metric.

    Returns
    -------
    LoggedRun
        Best run.

    Raises
    ------
    SubmissionError
        If there is no finished run.
    """
    comparable, _ = comparable_runs(pipeline, metric)
    sign = 1 if is_greater_better(comparable[0].tags) else -1
    return as_logged(max(comparable, key=lambda run: sign * run.score))


def is_greater_better(tags: Mapping[str, str]) -> bool:
    """Return whether a greater score of a run is better, by its tags: its metric may be a function of the user.

    Examples
    --------
    >>> is_greater_better({"tabular_dl.metric": "rmse"})
    False
    """
    known = tags.get(GREATER_IS_BETTER)
    return get_metric(tags["tabular_dl.metric"]).greater_is_better if known is None else known == "true"


def comparable_runs(pipeline: str, metric: str | None = None) -> tuple[list[StoredRun], int]:
    """Return the finished runs of a pipeline that can be compared with the newest.

    These are the runs with the same metric and the same training data. If there are runs with the pipeline's metric,
    the newest of them is taken, so that a single fit with another metric does not hide all others.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.
    metric : str, optional
        Name of the pipeline's metric.

    Returns
    -------
    runs : list of StoredRun
        Comparable runs, newest first.
    others : int
        Number of finished runs that are not comparable.

    Raises
    ------
    SubmissionError
        If there is no finished run.
    """
    runs = [
        run
        for run in search_runs(PIPELINE, pipeline)
        if run.status == "FINISHED" and run.kind in WITH_MODELS and np.isfinite(run.score)
    ]
    if not runs:
        raise SubmissionError(
            f"There is no finished run of {pipeline} in {tracking_uri()}. Fit one first: tabular-dl fit {pipeline}"
        )
    with_metric = [run for run in runs if run.tags.get("tabular_dl.metric") == metric]
    newest = max(with_metric or runs, key=lambda run: run.started)
    tags = ("tabular_dl.metric", "tabular_dl.data_digest", METRIC_DIGEST)
    comparable = [run for run in runs if all(run.tags.get(tag) == newest.tags.get(tag) for tag in tags)]
    return comparable, len(runs) - len(comparable)


def all_runs(pipeline: str) -> list[RunStatus]:
    """Return all fits, blends, imports, searches and sessions of auto, newest first, whatever became of them."""
    runs = search_runs(PIPELINE, pipeline)
    return [RunStatus.of(run) for run in runs if run.kind in (*WITH_MODELS, *RESUMABLE)]


def find_run(id_or_name: str) -> LoggedRun:
    """Return a run with a model by its id, name or alias.

    Parameters
    ----------
    id_or_name : str
        Id of the run; its name, of which the newest run is returned; or its alias, such as ``NAME@champion``.

    Returns
    -------
    LoggedRun
        Run.

    Raises
    ------
    SubmissionError
        If there is no such run, or it has no model.
    """
    if "@" in id_or_name:
        return as_logged(_find(_run_of_alias(*id_or_name.split("@", 1))))
    return as_logged(_find(id_or_name))


def find_run_id(id_or_name: str) -> str:
    """Return the id of the run with an id, or of the newest run with a name, of any kind."""
    return _find(id_or_name, (*WITH_MODELS, *RESUMABLE)).id


def has_run_named(name: str) -> bool:
    """Return whether a run of any kind has a name."""
    return bool(search_runs("run_name", name, 1))


def find_tagged(tag: str, value: str) -> list[StoredRun]:
    """Return the runs whose tag has a value, newest first."""
    return search_runs(tag, value)


def as_logged(run: StoredRun) -> LoggedRun:
    """Return a stored run as a `LoggedRun`; a run without a model raises a `SubmissionError`."""
    if not run.models:
        raise SubmissionError(f"Run {run.name} ({run.id}) has no model: it is not a finished fit.")
    return LoggedRun(run.id, run.name, run.experiment, f"models:/{run.models[-1]}", run.tags, run.metrics)


def model_folder(run: LoggedRun) -> Path:
    """Return a local folder with the model of a run, downloaded if the store is remote."""
    import mlflow

    with quiet(), told_as_user_errors():
        model = mlflow.MlflowClient(tracking_uri()).get_logged_model(run.model_uri.removeprefix("models:/"))
        place = urlsplit(model.artifact_location)
        folder = Path(url2pathname(place.path))
        # Not by MLflow if it is here: it would write into the folder, which may be read-only.
        if place.scheme in ("", "file") and folder.is_dir():
            return folder
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=run.model_uri, tracking_uri=tracking_uri()))


def run_file(run: LoggedRun, name: str) -> Path | None:
    """Return a local file of a run, downloaded if the store is remote; None if it has no such file."""
    import mlflow

    with quiet():
        try:
            address = f"runs:/{run.id}/{name}"
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=address, tracking_uri=tracking_uri()))
        except Exception:  # noqa: BLE001 (each kind of store raises its own)
            return None


def experiment_page(pipeline: str | None) -> str:
    """Return the part of the UI's address that selects an experiment.

    Parameters
    ----------
    pipeline : str or None
        Name of a pipeline, which is the name of its experiment; None for the experiment of the newest run.

    Returns
    -------
    str
        Fragment of the address; empty without runs.

    Raises
    ------
    SubmissionError
        If the pipeline has no run.
    """
    runs = search_runs(PIPELINE, pipeline, 1)
    if not runs and pipeline is not None:
        raise SubmissionError(f"There is no run of {pipeline!r} in {tracking_uri()}: tabular-dl fit {pipeline}")
    return f"#/experiments/{runs[0].experiment_id}/runs" if runs else ""


def _run_of_alias(name: str, alias: str) -> str:
    """Return the id of the run whose registered model has an alias."""
    import mlflow

    with quiet():
        try:
            return str(mlflow.MlflowClient(tracking_uri()).get_model_version_by_alias(name, alias).run_id)
        except Exception:  # noqa: BLE001 (each kind of store raises its own)
            raise SubmissionError(
                f"No model of {name} has the alias {alias!r} in {tracking_uri()}. Give it to a run first: "
                f"tabular-dl promote RUN --as {alias}"
            ) from None


def _find(id_or_name: str, kinds: Iterable[str] = WITH_MODELS) -> StoredRun:
    """Return the newest run with an id or name. If there is none, the error suggests runs of the given kinds."""
    runs = search_runs("run_id", id_or_name, 1) or search_runs("run_name", id_or_name, 1)
    if not runs:
        candidates = [run for kind in kinds for run in search_runs("tabular_dl.kind", kind)]
        # For the name of a pipeline, its runs are suggested.
        of_pipeline = [run for run in candidates if run.tags.get(PIPELINE) == id_or_name]
        names = [run.name for run in of_pipeline or candidates]
        raise SubmissionError(
            f"There is no run {id_or_name!r} in {tracking_uri()}. {did_you_mean(id_or_name, names)} "
            "`tabular-dl ui` shows all runs."
        )
    return runs[0]

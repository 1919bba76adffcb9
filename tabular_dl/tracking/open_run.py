"""MLflow runs that are written step by step, and can be continued by another process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import open_experiment, quiet, told_as_user_errors, tracking_uri

# isort: split
import mlflow
from mlflow.entities import Metric, Param, RunTag

from tabular_dl.errors import SpecError
from tabular_dl.tracking.processes import PROCESS_TAG, this_process
from tabular_dl.tracking.run_log import METRICS_A_BATCH, PARAMS_A_BATCH, origin_tags

__all__ = ["Child", "OpenRun"]


@dataclass(frozen=True)
class Child:
    """Child run that is complete when it is written.

    Parameters
    ----------
    name : str
        Suffix of the run's name, after the parent's name.
    parameters, metrics, tags : dict
        Content of the run.
    """

    name: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class OpenRun:
    """Run that is being written.

    Parameters
    ----------
    run_id : str
        MLflow's id of the run.

    Attributes
    ----------
    id, name : str
        Id and name of the run.
    experiment : str
        Id of the experiment.
    tags : dict of str to str
        Tags at the time of opening.
    """

    def __init__(self, run_id: str) -> None:
        self.client = mlflow.MlflowClient(tracking_uri())
        with quiet():
            run = self.client.get_run(run_id)
        self.id, self.name, self.experiment = run.info.run_id, run.info.run_name, run.info.experiment_id
        self.tags = dict(run.data.tags)

    @classmethod
    def create(cls, pipeline: str, kind: str, parameters: Mapping[str, object], tags: Mapping[str, str]) -> OpenRun:
        """Create a run in the experiment of a pipeline.

        Parameters
        ----------
        pipeline : str
            Name of the pipeline.
        kind : str
            Kind of run, such as "search".
        parameters : mapping of str to object
            Settings, logged as text.
        tags : mapping of str to str
            Tags in addition to `origin_tags`.

        Returns
        -------
        OpenRun
            New run.
        """
        with quiet(), told_as_user_errors():
            experiment = open_experiment(pipeline)
            client = mlflow.MlflowClient()
            run_id = client.create_run(experiment, tags={**origin_tags(pipeline, kind), **tags}).info.run_id
            params = [Param(name, str(value)[:6000]) for name, value in parameters.items()]
            for start in range(0, len(params), PARAMS_A_BATCH):
                client.log_batch(run_id, params=params[start : start + PARAMS_A_BATCH])
        return cls(run_id)

    def log(
        self, metrics: Mapping[str, float] | None = None, tags: Mapping[str, str] | None = None, step: int = 0
    ) -> None:
        """Log metrics and tags, in one call if there are at most 1,000 metrics."""
        now = int(time.time() * 1000)
        values = [Metric(name, float(value), now, step) for name, value in (metrics or {}).items()]
        with quiet(), told_as_user_errors():
            for start in range(0, max(1, len(values)), METRICS_A_BATCH):
                run_tags = [RunTag(name, value) for name, value in (tags or {}).items()]
                self.client.log_batch(self.id, metrics=values[start : start + METRICS_A_BATCH], tags=run_tags)

    def log_file(self, file: Path, folder: str | None = None) -> None:
        """Log a file to a folder of the run; an earlier file of the same name is replaced."""
        with quiet(), told_as_user_errors():
            self.client.log_artifact(self.id, str(file), folder)

    def children(self, children: Sequence[Child]) -> None:
        """Write child runs, with three calls each."""
        now = int(time.time() * 1000)
        process = this_process()
        with quiet(), told_as_user_errors():
            for child in children:
                tags = {"mlflow.parentRunId": self.id, PROCESS_TAG: process, **child.tags}
                name = f"{self.name}-{child.name}"
                run_id = self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id
                self.client.log_batch(
                    run_id,
                    metrics=[Metric(key, float(value), now, 0) for key, value in child.metrics.items()],
                    params=[Param(key, str(value)[:6000]) for key, value in child.parameters.items()],
                )
                self.client.set_terminated(run_id)

    def read(self, file: str) -> str:
        """Return the text of one of the run's files.

        Parameters
        ----------
        file : str
            Path of the file within the run.

        Returns
        -------
        str
            Content of the file.

        Raises
        ------
        SpecError
            If there is no such file.
        """
        with quiet():
            try:
                address = f"runs:/{self.id}/{file}"
                path = mlflow.artifacts.download_artifacts(artifact_uri=address, tracking_uri=tracking_uri())
            except Exception:  # noqa: BLE001 (each kind of store raises its own)
                raise SpecError(f"Run {self.name} ({self.id}) has no {file}.") from None
        return Path(path).read_text(encoding="utf-8")

    def reopen(self) -> None:
        """Continue the run of another process, which has ended."""
        with quiet(), told_as_user_errors():
            self.client.update_run(self.id, status="RUNNING")
            self.client.set_tag(self.id, PROCESS_TAG, this_process())

    def close(self, status: str = "FINISHED") -> None:
        """End the run with a status of MLflow."""
        with quiet(), told_as_user_errors():
            self.client.set_terminated(self.id, status)

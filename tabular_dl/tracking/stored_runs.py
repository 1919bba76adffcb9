"""Runs as the store has them: read by SQL from a SQLite file, or taken over from MLflow.

MLflow returns runs in pages of 1,000 and builds an object for each value of each run, which takes two minutes for
10,000 runs. A file with the schema of the installed MLflow is therefore read by SQL, read only and without importing
MLflow; a server, a file of another schema and one that cannot be read so go through MLflow. Both ways return the same.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular_dl.tracking.processes import PROCESS_TAG, is_gone
from tabular_dl.tracking.schema_version import has_newest_schema
from tabular_dl.tracking.sqlite_store import database_file

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["Condition", "StoredRun", "has_killed_runs", "read_runs", "readable_file"]

LOCK_SECONDS = 30.0  # for which a process that writes is waited for
_ALL = -1  # limit of SQL that is none


@dataclass(frozen=True)
class StoredRun:
    """Run of any kind and status.

    Attributes
    ----------
    id : str
        MLflow's id.
    name : str
        Readable name.
    experiment, experiment_id : str
        Name of the experiment, and MLflow's id of it.
    status : str
        MLflow's word, such as FINISHED.
    started : int
        Start of the run in milliseconds since 1970.
    tags, params : dict of str to str
        Tags and parameters.
    metrics : dict of str to float
        Last value of each metric.
    models : tuple of str
        Ids of the models that the run has logged.
    """

    id: str
    name: str
    experiment: str
    experiment_id: str
    status: str
    started: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    models: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Cross-validated score; NaN if there is none."""
        return self.metrics.get("cv_score", float("nan"))

    @property
    def kind(self) -> str:
        """Kind of run, such as "fit"; empty for a run that is not of this package."""
        return self.tags.get("tabular_dl.kind", "")

    @classmethod
    def of(cls, run: Run, experiment: str) -> StoredRun:
        """Return an MLflow run of an experiment as a stored run."""
        info, data = run.info, run.data
        outputs = run.outputs.model_outputs if run.outputs else []
        models = tuple(output.model_id for output in outputs)
        head = (info.run_id, info.run_name, experiment, str(info.experiment_id), info.status, info.start_time)
        return cls(*head, data.tags, data.params, data.metrics, models)


@dataclass(frozen=True)
class Condition:
    """Condition that runs meet: an attribute or a tag has a value.

    Parameters
    ----------
    key : str
        ``run_id`` or ``run_name``, or the name of a tag, which has a dot.
    value : str or None
        Value without quotation marks; None for any that is not empty.

    Examples
    --------
    >>> Condition("run_name", "calm-owl").filter
    "attributes.run_name = 'calm-owl'"
    >>> Condition("tabular_dl.kind", None).filter
    "tags.`tabular_dl.kind` != ''"
    """

    key: str
    value: str | None

    @property
    def filter(self) -> str:
        """Condition in MLflow's language."""
        field = f"tags.`{self.key}`" if "." in self.key else f"attributes.{self.key}"
        return f"{field} != ''" if self.value is None else f"{field} = '{self.value}'"

    @property
    def sql(self) -> tuple[str, tuple[str, ...]]:
        """Condition on the table of runs, with the values of its placeholders."""
        comparison = "!= ''" if self.value is None else "= ?"
        values = () if self.value is None else (self.value,)
        if "." in self.key:
            of_tag = f"SELECT run_uuid FROM tags WHERE key = ? AND value {comparison}"  # noqa: S608 (values are bound)
            return f"runs.run_uuid IN ({of_tag})", (self.key, *values)
        column = {"run_id": "run_uuid", "run_name": "name"}[self.key]
        return f"runs.{column} {comparison}", values


def readable_file(uri: str) -> Path | None:
    """Return the file of a store whose runs can be read by SQL.

    Parameters
    ----------
    uri : str
        Address of a store.

    Returns
    -------
    Path or None
        None if MLflow has to be asked: the store is no SQLite file, its address has options, its schema is not that of
        the installed MLflow, or runs are divided among workspaces.

    Examples
    --------
    >>> print(readable_file("http://127.0.0.1:5000"), readable_file("sqlite:///no_such_folder/mlflow.db"))
    None None
    """
    file = database_file(uri)
    if (
        file is None
        or "?" in uri
        or os.environ.get("MLFLOW_ENABLE_WORKSPACES", "false").lower() not in ("", "0", "false")
    ):
        return None
    return file if file.exists() and has_newest_schema(file) else None


def read_runs(file: Path, condition: Condition, most: int | None = None) -> list[StoredRun] | None:
    """Return the runs of a file that meet a condition, newest first, without those that were deleted.

    Parameters
    ----------
    file : Path
        Database with the newest schema.
    condition : Condition
        Condition.
    most : int, optional
        Largest number of runs; all by default.

    Returns
    -------
    list of StoredRun or None
        None if the file cannot be read without writing to it, as after a crash.
    """
    where, values = condition.sql
    # The order is MLflow's: newest first, then by id.
    chosen = (
        "SELECT run_uuid, runs.name, experiments.name AS experiment, experiment_id, status, start_time "  # noqa: S608 (values are bound)
        "FROM runs JOIN experiments USING (experiment_id) "
        f"WHERE runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active' AND {where} "
        "ORDER BY start_time DESC, run_uuid LIMIT ?"
    )
    try:
        with closing(_opened(file)) as connection:
            connection.execute("CREATE TEMP TABLE chosen AS " + chosen, (*values, _ALL if most is None else most))
            heads = connection.execute("SELECT * FROM chosen ORDER BY rowid").fetchall()
            tags = _by_run(connection.execute(_of_chosen("tags", "key, value")))
            metrics = _by_run(connection.execute(_of_chosen("latest_metrics", "key, IIF(is_nan, NULL, value)")))
            # As text of each run, since there are far more parameters than anything else.
            params = dict(
                connection.execute(_of_chosen("params", "json_group_object(key, value)") + " GROUP BY run_uuid")
            )
            models = connection.execute(
                "SELECT source_id, destination_id FROM inputs WHERE source_type = 'RUN_OUTPUT' "
                "AND destination_type = 'MODEL_OUTPUT' AND source_id IN (SELECT run_uuid FROM chosen)"
            ).fetchall()
    except sqlite3.Error:
        return None
    models_of = defaultdict(list)
    for run, model in models:
        models_of[run].append(model)
    return [_stored(head, tags[head[0]], params.get(head[0]), metrics[head[0]], models_of[head[0]]) for head in heads]


def has_killed_runs(file: Path) -> bool:
    """Return whether a run of a file is said to be running though its process has ended.

    Parameters
    ----------
    file : Path
        Database with the newest schema.

    Returns
    -------
    bool
        True also if that cannot be found out; MLflow is to be asked then.
    """
    running = (
        "SELECT value FROM tags JOIN runs USING (run_uuid) "
        "WHERE status = 'RUNNING' AND lifecycle_stage = 'active' AND key = ?"
    )
    try:
        with closing(_opened(file)) as connection:
            return any(is_gone(process) for (process,) in connection.execute(running, (PROCESS_TAG,)) if process)
    except sqlite3.Error:
        return True


def _opened(file: Path) -> sqlite3.Connection:
    """Open a file for reading; all that is read is of one moment."""
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS, isolation_level=None
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN")
    return connection


def _of_chosen(table: str, columns: str) -> str:
    return f"SELECT run_uuid, {columns} FROM {table} WHERE run_uuid IN (SELECT run_uuid FROM chosen)"  # noqa: S608 (names are this file's)


def _by_run(rows: Iterable[tuple[str, str, Any]]) -> defaultdict[str, dict[str, Any]]:
    by_run: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for run, key, value in rows:
        by_run[run][key] = value
    return by_run


def _stored(
    head: Sequence[Any], tags: dict[str, str], params: str | None, metrics: dict[str, Any], models: Sequence[str]
) -> StoredRun:
    run, name, experiment, experiment_id, status, started = head
    # A metric that is no number is stored as 0 with a mark, and read as None.
    numbers = {key: float("nan") if value is None else value for key, value in metrics.items()}
    name = name or tags.get("mlflow.runName", name)
    values = (tags, json.loads(params or "{}"), numbers, tuple(models))
    return StoredRun(run, name, experiment, str(experiment_id), status, started, *values)

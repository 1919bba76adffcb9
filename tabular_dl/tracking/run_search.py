"""Runs of the store that meet a condition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

# First, because it sets MLflow's environment variables, which MLflow reads when it is imported.
from tabular_dl.tracking.store import MOST_RUNS, prepare_store, quiet, told_as_user_errors, tracking_uri

# isort: split
from tabular_dl.errors import SubmissionError
from tabular_dl.tracking.stored_runs import Condition, StoredRun, read_runs, readable_file

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["ask_mlflow", "from_mlflow", "search_runs"]


def search_runs(key: str, value: str | None, most: int | None = None) -> list[StoredRun]:
    """Return the runs whose attribute or tag has a value, newest first. A store that does not exist is not created.

    Parameters
    ----------
    key, value : str
        As for `Condition`.
    most : int, optional
        Largest number of runs; all by default.

    Returns
    -------
    list of StoredRun
        Runs that are not deleted.

    Raises
    ------
    SubmissionError
        If the value has quotation marks.
    UserError
        If the store cannot be used.
    """
    if value is not None and "'" in value:
        raise SubmissionError("The id or name of a run has no quotation marks.")
    if not prepare_store(create=False):
        return []
    condition = Condition(key, value)
    file = readable_file(tracking_uri())
    runs = None if file is None else read_runs(file, condition, most)
    return ask_mlflow(condition, most) if runs is None else runs


def ask_mlflow(condition: Condition, most: int | None = None) -> list[StoredRun]:
    """Return the same as `search_runs` through MLflow, for a store of any kind."""
    import mlflow

    with quiet(), told_as_user_errors():
        mlflow.set_tracking_uri(tracking_uri())
        runs = mlflow.search_runs(
            search_all_experiments=True,
            filter_string=condition.filter,
            output_format="list",
            max_results=MOST_RUNS if most is None else most,
        )
        return from_mlflow(runs)


def from_mlflow(runs: Iterable[Run]) -> list[StoredRun]:
    """Return MLflow's runs as stored runs."""
    import mlflow

    client, names, stored = mlflow.MlflowClient(tracking_uri()), dict[str, str](), []
    for run in runs:
        experiment = run.info.experiment_id
        if experiment not in names:
            names[experiment] = client.get_experiment(experiment).name
        stored.append(StoredRun.of(run, names[experiment]))
    return stored

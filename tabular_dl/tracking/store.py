"""MLflow store: its address, and that it can be used.

The address is ``MLFLOW_TRACKING_URI`` or, by default, ``sqlite:///mlflow.db`` in the current folder, with files in the
folder ``mlruns``.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

# MLflow reads these when it is imported: no usage telemetry, and no progress bar for each artifact.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# A server that stops answering is waited for half a minute, not four: what was trained is kept.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

from tabular_dl.errors import UserError
from tabular_dl.tracking.connection import check_answers, retries_said, without_password
from tabular_dl.tracking.processes import PROCESS_TAG, is_gone
from tabular_dl.tracking.sqlite_store import check_writable, database_file, make_database
from tabular_dl.tracking.store_template import create_from_template
from tabular_dl.tracking.stored_runs import has_killed_runs, readable_file

if TYPE_CHECKING:
    import mlflow

__all__ = [
    "MOST_RUNS",
    "open_experiment",
    "prepare_store",
    "quiet",
    "told_as_user_errors",
    "tracking_uri",
]

# MLflow reads page after page until there are so many runs; a lower number would hide the oldest, perhaps the best.
MOST_RUNS = 10**9

_prepared: set[tuple[str, int]] = set()  # address and process


def tracking_uri() -> str:
    """Return the address of the store.

    The default is an absolute path, because MLflow caches stores by address and the current folder may change.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').resolve().as_posix()}"


def open_experiment(pipeline: str) -> str:
    """Return the id of a pipeline's experiment. Experiment and store are created if they do not exist."""
    import mlflow

    prepare_store(create=True)
    experiment = mlflow.set_experiment(pipeline)
    # The UI then shows the pages for training instead of those for language models.
    mlflow.MlflowClient().set_experiment_tag(
        experiment.experiment_id, "mlflow.experimentKind", "custom_model_development"
    )
    return str(experiment.experiment_id)


def prepare_store(*, create: bool, write: bool = False) -> bool:
    """Make sure that the store can be used, before anything else of MLflow looks at it.

    A database that was left half made is replaced, a server has to answer, and runs whose process is gone are marked.
    MLflow is imported where it has to be: not for a file whose schema is known, unless a run has to be marked.

    Parameters
    ----------
    create : bool
        Whether to make a store that does not exist.
    write : bool, default=False
        Whether to check that the store can be written to, or made, by a command that will log to it later. Runs whose
        process is gone are marked then.

    Returns
    -------
    bool
        Whether there is a store.

    Raises
    ------
    UserError
        If the store cannot be used.
    """
    uri = tracking_uri()
    file = database_file(uri)
    # It prints the traceback of each error of a database, which is raised as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    with quiet(), told_as_user_errors():
        if file is not None:
            make_database(file, _create_database, only_repair=not create)
            if write:
                check_writable(file)
            if not file.exists():
                return False
            if not create and readable_file(uri) is not None and (write or not has_killed_runs(file)):
                return True
        import mlflow

        mlflow.set_tracking_uri(uri)
        if (uri, os.getpid()) not in _prepared:
            check_answers(uri)
            client = mlflow.MlflowClient(uri)
            with suppress(Exception):  # a store that takes no writes can be read all the same
                _mark_killed_runs(client)
            _prepared.add((uri, os.getpid()))
    return True


def _create_database(uri: str) -> None:
    create_from_template(Path(uri.removeprefix("sqlite:///")), _open_database)


def _open_database(file: Path) -> None:
    import mlflow

    mlflow.MlflowClient(f"sqlite:///{file.resolve().as_posix()}").search_experiments(max_results=1)


def _mark_killed_runs(client: mlflow.MlflowClient) -> None:
    """Give runs that nobody will end, because their process is gone, the status of a killed run."""
    import mlflow

    running = mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"attributes.status = 'RUNNING' AND tags.`{PROCESS_TAG}` != ''",
        output_format="list",
        max_results=MOST_RUNS,
    )
    for run in running:
        if is_gone(run.data.tags[PROCESS_TAG]):
            client.set_terminated(run.info.run_id, "KILLED")


@contextmanager
def told_as_user_errors() -> Iterator[None]:
    """Raise errors of MLflow, a database or a connection as a `UserError` that names the store."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 (each kind of store raises its own)
        # SQLAlchemy begins with a remark on its own workings if it wrote before it read.
        lines = [line for line in str(error).strip().splitlines() if not line.startswith("(raised as a result")]
        reason = (lines or [type(error).__name__])[0].rstrip(".")
        raise UserError(
            f"The store {without_password(tracking_uri())} cannot be used: {reason}. Check MLFLOW_TRACKING_URI, or the "
            "file."
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the log messages and warnings of MLflow, which concern its internals."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), retries_said():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""Cluster that is open: started or connected to, checked, in use by everything that trains meanwhile, and closed."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tabular_dl.clusters.address import ClusterAddress, read_address
from tabular_dl.clusters.cluster import A_PART, Cluster, DaskCluster, LokyCluster
from tabular_dl.clusters.versions import check_versions, versions, versions_of_worker
from tabular_dl.errors import UserError

__all__ = ["current_cluster", "open_cluster"]

CONNECT_SECONDS = 10
START_SECONDS = 120

_current: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


def current_cluster() -> Cluster | None:
    """Return the cluster that `open_cluster` has opened around the caller, or None.

    Examples
    --------
    >>> current_cluster() is None
    True
    """
    return _current.get()


@contextmanager
def open_cluster(address: str | None) -> Iterator[Cluster | None]:
    """Open a cluster, on which all networks train that are fitted inside the ``with`` statement.

    Processes that it starts listen on this machine only, without a dashboard, and end with the statement, whatever
    ends it.

    Parameters
    ----------
    address : str or None
        ``local:N`` for N processes of Dask, ``loky:N`` for N of joblib, ``tcp://HOST:PORT`` for a scheduler of Dask
        that runs already; None opens nothing.

    Yields
    ------
    Cluster or None
        The cluster.

    Raises
    ------
    UserError
        If the address cannot be read, nothing answers there within ten seconds, Dask is not installed, or a worker has
        other versions of Python, of this package or of the libraries that compute.

    Examples
    --------
    >>> with open_cluster(None):
    ...     current_cluster() is None
    True
    """
    if address is None:
        yield None
        return
    with ExitStack() as stack:
        cluster = _open(read_address(address), stack)
        token = _current.set(cluster)
        stack.callback(_current.reset, token)
        yield cluster


def _open(address: ClusterAddress, stack: ExitStack) -> Cluster:
    if address.kind == "scheduler":
        return DaskCluster(_connected(address, stack), None, None)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tabular-dl-cluster-")))
    threads = max(1, (os.cpu_count() or 1) // address.workers)
    if address.kind == "loky":
        cluster = LokyCluster(address.workers, folder, threads)
        stack.callback(cluster.close)
        return cluster
    return DaskCluster(_started(address.workers, threads, folder, stack), folder, threads)


def _dask() -> Any:
    """Return Dask's module of clusters."""
    try:
        import distributed
    except ImportError:
        raise UserError(
            "--cluster: Dask is not installed. Install it by pip install 'tabular-dl[distributed]', or use loky:N."
        ) from None
    return distributed


def _started(workers: int, threads: int, folder: Path, stack: ExitStack) -> Any:
    """Return the client of a new cluster on this machine."""
    distributed = _dask()
    import dask

    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    stack.enter_context(_quiet())
    stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 2}))
    cluster = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        resources={A_PART: 1},
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
        silence_logs=logging.CRITICAL,
        local_directory=str(folder / "workers"),
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **dict.fromkeys(variables, str(threads))},
    )
    stack.callback(cluster.close, timeout=CONNECT_SECONDS)
    client = distributed.Client(cluster, set_as_default=False, timeout=START_SECONDS)
    stack.callback(client.close)
    client.wait_for_workers(workers, timeout=START_SECONDS)
    return client


def _connected(address: ClusterAddress, stack: ExitStack) -> Any:
    """Return the client of a scheduler that runs already, after its workers were checked."""
    distributed = _dask()
    stack.enter_context(_quiet())
    try:
        client = distributed.Client(address.address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"--cluster: no scheduler of Dask answers at {address.address} ({str(error) or type(error).__name__}). "
            "Start one by: dask scheduler"
        ) from None
    stack.callback(client.close)
    if not client.scheduler_info(n_workers=-1)["workers"]:
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    of_workers = client.run(versions_of_worker())
    if not of_workers:
        raise UserError(
            f"--cluster: the scheduler at {address.address} has no workers. Start some by: dask worker "
            f"{address.address} --nworkers N --nthreads 1"
        )
    for worker, of_worker in of_workers.items():
        check_versions(of_worker, versions(), worker)
    return client


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out log messages and warnings of Dask: what matters is raised as an error."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"distributed\..*")
        try:
            yield
        finally:
            logger.setLevel(level)

"""Clusters: processes that run the calls of a pure function, through joblib, however often one of them dies."""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import joblib

from tabular_dl.clusters.attempt import Attempt, Failure
from tabular_dl.clusters.shared_arrays import Array, ArrayFiles
from tabular_dl.clusters.versions import versions
from tabular_dl.errors import UserError, listed

__all__ = ["A_PART", "RETRIES", "Cluster", "DaskCluster", "LokyCluster"]

RETRIES = 2  # after the first attempt
SHOWN = 3  # parts that a message names
A_PART = "part"  # resource of the workers of Dask that are started here, of which each has one


class Cluster(ABC):
    """Processes that run calls.

    Parameters
    ----------
    folder : Path or None
        Folder that all processes can read; None if there is none, as they run on several machines.
    threads : int or None
        Number of threads of each process; None leaves the workers as they are.
    """

    def __init__(self, folder: Path | None, threads: int | None) -> None:
        self.folder, self.threads = folder, threads
        self._numbers = count()

    @contextmanager
    def shared(self, arrays: Sequence[Array]) -> Iterator[Any]:
        """Provide arrays for calls, which `tabular_dl.clusters.arrays_of` returns in a worker.

        Parameters
        ----------
        arrays : sequence of ndarray or CSR matrix
            Arrays that all calls read.

        Yields
        ------
        object
            Argument for calls.
        """
        if self.folder is None:
            yield self._spread(list(arrays))
            return
        try:
            files = ArrayFiles.write(self.folder / f"table-{next(self._numbers)}", arrays)
        except OSError as error:
            raise UserError(
                f"--cluster: the table cannot be written for the workers to {self.folder}: {error.strerror or error}. "
                "Free space there, or set TMPDIR to a folder with more."
            ) from None
        try:
            yield files
        finally:
            shutil.rmtree(files.folder)

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], names: Sequence[str]) -> list[Any]:
        """Return the results of all calls, in their order.

        A call whose process dies, or runs out of memory or disk, is repeated, at most twice.

        Parameters
        ----------
        function : callable
            Pure function of a module.
        calls : sequence of tuple
            Arguments of each call.
        names : sequence of str
            Description of each call, for messages.

        Returns
        -------
        list
            Results.

        Raises
        ------
        UserError
            If a call raises one, or fails three times; the message describes the call.
        """
        results: dict[int, Any] = {}
        reasons: dict[int, str] = {}
        refused: list[UserError] = []
        attempts = [Attempt(number, function, versions(), self.threads) for number in range(len(calls))]
        for _ in range(1 + RETRIES):
            missing = [number for number in range(len(calls)) if number not in results]
            if not missing:
                break
            tasks = (joblib.delayed(attempts[number])(*calls[number]) for number in missing)
            try:
                for number, result in self._outcomes(tasks, names):
                    if not isinstance(result, Failure):
                        results[number] = result
                    elif result.refused is not None:
                        refused.append(result.refused)  # raised when the others have ended: they cannot be cancelled
                    else:
                        reasons[number] = result.error
            except self.worker_lost:
                lost = (number for number in missing if number not in results)
                reasons |= dict.fromkeys(lost, "its process ended: the system may have ended it for want of memory")
            if refused:
                raise refused[0]
        failed = [number for number in range(len(calls)) if number not in results]
        if failed:
            described = listed([names[number] for number in failed], SHOWN)
            raise UserError(
                f"--cluster: failed {1 + RETRIES} times: {described}. The last time, {reasons[failed[0]]}. Use fewer "
                "processes, or machines with more memory and disk."
            )
        return [results[number] for number in range(len(calls))]

    @property
    @abstractmethod
    def worker_lost(self) -> tuple[type[BaseException], ...]:
        """Errors of a backend that loses all calls with a process, so that they have to be repeated."""

    @abstractmethod
    def _outcomes(self, tasks: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Yield number and result of each task, in any order; the names are those of all calls by their numbers."""

    def _spread(self, arrays: list[Array]) -> Any:
        """Return an argument that stands for arrays."""
        return arrays


class LokyCluster(Cluster):
    """Processes of this machine that joblib starts by itself.

    Parameters
    ----------
    workers : int
        Number of processes.
    folder, threads
        As for `Cluster`.
    """

    def __init__(self, workers: int, folder: Path, threads: int) -> None:
        super().__init__(folder, threads)
        self.workers = workers

    @property
    def worker_lost(self) -> tuple[type[BaseException], ...]:
        """Errors of a broken pool, which loses all calls that have not ended."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        return (BrokenProcessPool,)

    def _outcomes(self, tasks: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        del names  # the pool does not say which call a process died of
        with joblib.parallel_config(backend="loky", inner_max_num_threads=self.threads):
            yield from joblib.Parallel(self.workers, return_as="generator_unordered", batch_size=1)(tasks)

    def close(self) -> None:
        """End the processes."""
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


class DaskCluster(Cluster):
    """Workers of a scheduler of Dask.

    Parameters
    ----------
    client : distributed.Client
        Connection to the scheduler.
    folder, threads
        As for `Cluster`.
    """

    def __init__(self, client: Any, folder: Path | None, threads: int | None) -> None:
        super().__init__(folder, threads)
        self.client = client

    @property
    def worker_lost(self) -> tuple[type[BaseException], ...]:
        """Nothing: Dask repeats the calls of a worker that has died."""
        return ()

    def _outcomes(self, tasks: Iterable[Any], names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker, as_completed

        # Not by joblib: its backend for Dask waits for ever for a call that has killed each of its workers.
        token = next(self._numbers)
        # Of our own workers, each has one part at a time: one that waits would count as a cause of a worker's death.
        alone = None if self.folder is None else {A_PART: 1}
        futures = [
            self.client.submit(attempt, *arguments, key=f"{attempt.__name__}-{token}", pure=False, resources=alone)
            for attempt, arguments, _ in tasks
        ]
        try:
            for _, result in as_completed(futures, loop=self.client.loop, with_results=True):
                yield result
        except KilledWorker as error:
            number = re.search(r"part_(\d+)", str(error.task))
            described = listed(names, SHOWN) if number is None else names[int(number[1])]
            raise UserError(
                f"--cluster: a worker died each time that it ran {described}: the system may have ended it for want of "
                "memory. Use fewer processes, or machines with more memory."
            ) from None
        except (CancelledError, OSError, TimeoutError) as error:
            raise UserError(
                f"--cluster: the connection to the scheduler was lost ({type(error).__name__}: {error}). What was "
                "finished is kept: start the scheduler again, and continue a search with --resume."
            ) from None
        finally:
            self.client.cancel(futures)

    def _spread(self, arrays: list[Array]) -> Any:
        (future,) = self.client.scatter([arrays], broadcast=True, hash=False)
        return future

"""Call of a function in a worker, with what it needs to know about its process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tabular_dl.clusters.versions import check_versions, versions
from tabular_dl.errors import UserError

__all__ = ["Attempt", "Failure"]

# Errors of a machine, not of the work: another attempt may succeed. TensorFlow's own are known by their name.
OF_MACHINES = ("MemoryError", "OSError", "ResourceExhaustedError")


@dataclass(frozen=True)
class Failure:
    """Error of a call, returned instead of raised.

    Attributes
    ----------
    error : str
        Type and message of the error.
    refused : UserError or None
        Error that another attempt would raise again.
    """

    error: str
    refused: UserError | None = None


class Attempt:
    """Function with a number, for a worker with the same versions.

    Parameters
    ----------
    number : int
        Number of the call.
    function : callable
        Function of a module.
    expected : mapping of str to str
        Versions of the process that sends work.
    threads : int or None
        Number of threads of TensorFlow; None leaves the worker as it is.
    """

    def __init__(
        self, number: int, function: Callable[..., Any], expected: Mapping[str, str], threads: int | None
    ) -> None:
        self.number, self.function, self.expected, self.threads = number, function, expected, threads
        self.__name__ = f"part_{number}"  # Dask names a task by it, and a task that has failed by its name

    def __call__(self, *arguments: Any) -> tuple[int, Any]:
        """Return the number and the result of the call, or its failure."""
        try:
            check_versions(versions(), self.expected, f"process {os.getpid()}")
            if self.threads is not None:
                for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
                    os.environ.setdefault(name, str(self.threads))
            return self.number, self.function(*arguments)
        except UserError as error:
            return self.number, Failure(str(error), error)
        except Exception as error:  # raised again, unless another attempt may succeed
            if not any(kind.__name__ in OF_MACHINES for kind in type(error).__mro__):
                raise
            return self.number, Failure(f"{type(error).__name__}: {error}")

"""Address of a cluster, as a user writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tabular_dl.errors import UserError

__all__ = ["ClusterAddress", "read_address"]

MOST_WORKERS = 1024


@dataclass(frozen=True)
class ClusterAddress:
    """Processes that run parts.

    Parameters
    ----------
    kind : {"local", "loky", "scheduler"}
        Workers of Dask or of loky that are started on this machine, or a scheduler of Dask that runs already.
    workers : int
        Number of processes to start.
    address : str
        Address of the scheduler.
    """

    kind: Literal["local", "loky", "scheduler"]
    workers: int = 0
    address: str = ""


def read_address(text: str) -> ClusterAddress:
    """Return the address that a user has written.

    Parameters
    ----------
    text : str
        ``local:N``, ``loky:N``, ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.

    Returns
    -------
    ClusterAddress
        The address.

    Raises
    ------
    UserError
        If the text is none of these.

    Examples
    --------
    >>> read_address("local:4")
    ClusterAddress(kind='local', workers=4, address='')
    >>> read_address("tcp://10.0.0.7:8786").address
    'tcp://10.0.0.7:8786'
    """
    started = re.fullmatch(r"(local|loky):(\d{1,4})", text)
    # One process of joblib would be the process that asks.
    if started and (2 if started[1] == "loky" else 1) <= int(started[2]) <= MOST_WORKERS:
        return ClusterAddress("loky" if started[1] == "loky" else "local", int(started[2]))
    running = re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})", text)
    if running and 0 < int(running[3]) < 2**16:
        return ClusterAddress("scheduler", address=text)
    raise UserError(
        f"--cluster: expected local:N or loky:N with 1 (loky: 2) to {MOST_WORKERS} processes to start on this "
        f"machine, or the address of a scheduler of Dask, like tcp://HOST:8786; found {text!r}."
    )

"""Versions that the processes of a cluster must share, because they change results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from tabular_dl.errors import UserError

__all__ = ["check_versions", "versions", "versions_of_worker"]


def versions_of_worker() -> Callable[[], dict[str, str]]:
    """Return a function that returns the versions of the process that calls it, even one without this package.

    Returns
    -------
    callable
        Function that is sent by its code, since it refers to nothing of this package; the digest is that of the
        package's files.
    """

    def collect() -> dict[str, str]:
        import platform
        from hashlib import sha256
        from importlib import metadata
        from importlib.util import find_spec
        from pathlib import Path

        collected = {"python": platform.python_version()}
        for package in ("tensorflow", "keras", "numpy"):
            try:
                collected[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                collected[package] = "missing"
        located = find_spec("tabular_dl")
        if located is None or located.origin is None:
            return {**collected, "tabular_dl": "missing"}
        digest, folder = sha256(), Path(located.origin).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
        return {**collected, "tabular_dl": f"code {digest.hexdigest()[:12]}"}

    return collect


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions of this process.

    Returns
    -------
    dict of str to str
        Version of each package; of tabular_dl a digest of its files.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'python', 'tabular_dl', 'tensorflow']
    """
    return versions_of_worker()()


def check_versions(of_worker: Mapping[str, str], expected: Mapping[str, str], worker: str) -> None:
    """Raise an error if a worker has other versions than the process that sends work.

    Parameters
    ----------
    of_worker, expected : mapping of str to str
        Versions of the worker, and of the process that sends work.
    worker : str
        Address of the worker, for the message.

    Raises
    ------
    UserError
        If a version differs; the message has both.

    Examples
    --------
    >>> check_versions({"numpy": "2.0"}, {"numpy": "2.1"}, "tcp://10.0.0.7:4321")
    Traceback (most recent call last):
    tabular_dl.errors.UserError: --cluster: the worker tcp://10.0.0.7:4321 has numpy 2.0, this process 2.1. ...
    """
    for package, version in expected.items():
        if of_worker.get(package) != version:
            raise UserError(
                f"--cluster: the worker {worker} has {package} {of_worker.get(package, 'missing')}, this process "
                f"{version}. Results would depend on the worker: install the same versions everywhere, from "
                "requirements.lock."
            )

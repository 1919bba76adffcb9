"""Check that a tracking server or database server answers, with a short timeout."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tabular_dl.errors import UserError

__all__ = ["check_answers", "retries_said", "without_password"]

SECONDS = 5.0  # for one attempt
ATTEMPTS = 3
PAUSE = 2.0  # seconds between two attempts
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}

logger = logging.getLogger(__name__)


def check_answers(uri: str, attempts: int = ATTEMPTS) -> None:
    """Check that the server of a store answers within 5 s, and try again if it does not.

    Parameters
    ----------
    uri : str
        Address of a store. Nothing is checked for a file.
    attempts : int, default=3
        Number of attempts. Each that fails is reported by a warning of the logger.

    Raises
    ------
    UserError
        If the server does not answer.
    """
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if scheme not in PORTS or parts.hostname is None:
        return
    for attempt in range(1, attempts + 1):
        reason = _http_fault(uri) if scheme.startswith("http") else _socket_fault(uri)
        if reason is None:
            return
        if attempt < attempts:
            logger.warning(
                "%s does not answer (%s): attempt %d of %d.", without_password(uri), reason, attempt, attempts
            )
            time.sleep(PAUSE)
    raise UserError(
        f"The tracking server {without_password(uri)} does not answer: {reason}. Start it, or name another store by "
        "MLFLOW_TRACKING_URI; `fit --no-track` needs none."
    )


def without_password(uri: str) -> str:
    """Return an address without the password in it.

    Examples
    --------
    >>> without_password("postgresql://ann:secret@db.example/mlflow")
    'postgresql://ann:***@db.example/mlflow'
    """
    password = urlsplit(uri).password
    return uri if password is None else uri.replace(f":{password}@", ":***@", 1)


def _http_fault(uri: str) -> str | None:
    import requests  # imported here, since most stores are files

    try:
        # Any answer is enough: behind a proxy there may be no such page.
        requests.get(f"{uri.rstrip('/')}/health", timeout=SECONDS, allow_redirects=False, stream=True).close()
    except requests.Timeout:
        return f"nothing for {SECONDS:.0f} s"
    except requests.ConnectionError:
        return "no connection"
    except requests.RequestException as error:
        return type(error).__name__
    return None


def _socket_fault(uri: str) -> str | None:
    parts = urlsplit(uri)
    try:
        port = parts.port or PORTS[parts.scheme.partition("+")[0]]
        socket.create_connection((parts.hostname, port), SECONDS).close()
    except (OSError, ValueError) as error:
        return str(error)
    return None


@contextmanager
def retries_said() -> Iterator[None]:
    """Replace urllib3's log messages about retries, which name its own objects, by plain ones."""
    log = logging.getLogger("urllib3.connectionpool")
    log.addFilter(_plain_retry)
    try:
        yield
    finally:
        log.removeFilter(_plain_retry)


def _plain_retry(record: logging.LogRecord) -> bool:
    if record.msg.startswith("Retrying") and isinstance(record.args, tuple):
        retry = record.args[0]
        record.msg = "The tracking server does not answer; trying again (attempts left: %s)."
        record.args = (getattr(retry, "total", "some"),)
    return True

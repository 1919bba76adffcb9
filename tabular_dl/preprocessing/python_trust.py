"""Permission to execute Python that a model carries: a signature with the user's own key, or the user's consent.

A file that a model is stored in may come from anywhere, so its Python is executed only if the user has fitted it, or
trusts it. Fits of the user are signed by an HMAC-SHA256 with a secret that only this user can read:
``$XDG_CONFIG_HOME/tabular-dl/key`` or ``~/.config/tabular-dl/key``. The signature covers text, name and parameters, and
not what was learned from the training rows, which are values and not code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tabular_dl.errors import DataError, UserError
from tabular_dl.nn import private_folder
from tabular_dl.preprocessing.python_source import PythonSource

__all__ = ["approve", "is_trusted", "require_trusted", "trust"]

LENGTH = 64  # hexadecimal digits of the key
# Digests of what this process may execute without a signature.
_TRUSTED: set[str] = set()


def approve(source: PythonSource, name: str, parameters: Mapping[str, Any]) -> str:
    """Allow the execution of Python that the user has written, and return the signature that a model stores.

    Parameters
    ----------
    source : PythonSource
        Text of a file beside the user's pipeline, or of a model that the user trusts.
    name : str
        Function or class in it.
    parameters : mapping of str to value
        Arguments of the class.

    Returns
    -------
    str
        Signature; empty if there is no place for a key, so that the model will have to be trusted when it is opened.

    Raises
    ------
    UserError
        If others can read the key.
    """
    message = _message(source, name, parameters)
    _TRUSTED.add(hashlib.sha256(message).hexdigest())
    key = _key(create=True)
    return "" if key is None else _signature(key, message)


def trust(source: PythonSource, name: str, parameters: Mapping[str, Any]) -> None:
    """Allow this process to execute Python of a stored model, because the user trusts it."""
    _TRUSTED.add(hashlib.sha256(_message(source, name, parameters)).hexdigest())


def is_trusted(source: PythonSource, name: str, parameters: Mapping[str, Any], signature: str) -> bool:
    """Whether the user has signed this Python, or trusts it.

    Parameters
    ----------
    source, name, parameters
        As for `approve`.
    signature : str
        Signature that is stored with it.

    Raises
    ------
    UserError
        If others can read the key.
    """
    try:
        message = _message(source, name, parameters)
    except TypeError:  # a value that no pipeline file holds
        return False
    if hashlib.sha256(message).hexdigest() in _TRUSTED:
        return True
    key = _key(create=False) if isinstance(signature, str) and len(signature) == LENGTH else None
    return key is not None and hmac.compare_digest(_signature(key, message).encode(), signature.encode())


def require_trusted(source: PythonSource, name: str, parameters: Mapping[str, Any], signature: str) -> None:
    """Raise an error unless this Python may be executed; the parameters are those of `is_trusted`.

    Raises
    ------
    DataError
        If it may not.
    """
    if not is_trusted(source, name, parameters, signature):
        raise DataError(
            f"the model contains Python that was not stored by you on this machine: {source.file}, SHA-256 "
            f"{source.digest}. It was not executed. Read extra_files/{source.place} in the model's folder; if you "
            "trust it, add --trust (in Python: open the model with trust=True)."
        )


def _message(source: PythonSource, name: str, parameters: Mapping[str, Any]) -> bytes:
    return json.dumps([source.text, name, parameters], sort_keys=True).encode()


def _signature(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def _key(*, create: bool) -> bytes | None:
    """Return the user's key, made if there is none; None if there is no folder that only the user can write to."""
    root = _root()
    if root is None or not (create or root.exists()):
        return None
    folder = private_folder(root)
    if folder is None:
        return None
    path = folder / "key"
    if create and not path.exists():
        with suppress(OSError):
            _make(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UserError(
                f"{path}, the key that signs the Python of your models, is not yours alone: if others may have read "
                f"it, delete it (models with Python then need --trust); if not, chmod 600 {path}."
            )
        content = file.read(LENGTH + 1)
    return content if len(content) == LENGTH else None


def _root() -> Path | None:
    config = os.environ.get("XDG_CONFIG_HOME") or ""
    try:
        # A relative path is to be ignored, by the specification of that variable.
        base = Path(config) if Path(config).is_absolute() else Path.home() / ".config"
    except RuntimeError:
        return None  # no home
    return base / "tabular-dl"


def _make(path: Path) -> None:
    """Write a new key under a temporary name, which becomes the key's unless another process is faster."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(LENGTH // 2))
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink()

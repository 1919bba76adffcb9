"""Keras callbacks of pipeline files, which write inside the folder of their run and open no connection.

Pipeline files are shared, so a file must not decide where on a disk something is written, or what is sent where. From
Python, `KerasClassifier` and `KerasRegressor` take any callback and any path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular_dl.errors import SpecError
from tabular_dl.nn import REPLACED_CALLBACKS

__all__ = ["check_callbacks", "in_folder"]

# Callbacks that a pipeline file may name, with the argument that says where they write, and its default.
ALLOWED: dict[str, tuple[str, str] | None] = {
    "CSVLogger": ("filename", "log.csv"),
    "ModelCheckpoint": ("filepath", "checkpoint.keras"),
    "SwapEMAWeights": None,
    "TensorBoard": ("log_dir", "tensorboard"),
}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def check_callbacks(settings: Mapping[str, Any]) -> None:
    """Raise an error for callbacks or a TensorBoard folder that a pipeline file may not name.

    Parameters
    ----------
    settings : mapping of str to object
        Hyperparameters by name, of which ``callbacks`` and ``tensorboard`` are looked at.

    Raises
    ------
    SpecError
        If a callback is not allowed, or a path is more than a name. The message begins with the name of the
        hyperparameter.

    Examples
    --------
    >>> check_callbacks({"callbacks": [{"CSVLogger": {"filename": "log.csv"}}], "tensorboard": "logs"})
    """
    if settings.get("tensorboard") is not None:
        _check_name("tensorboard", settings["tensorboard"])
    callbacks = settings.get("callbacks") or []
    if not isinstance(callbacks, list):
        raise SpecError(
            f"callbacks: expected a list, like [{{CSVLogger: {{filename: log.csv}}}}]; found {callbacks!r}."
        )
    for item in callbacks:
        name, arguments = _parts(item)
        if name in REPLACED_CALLBACKS:
            continue  # refused, with the hyperparameter that replaces it, when the network is checked
        if name not in ALLOWED:
            raise SpecError(
                f"callbacks: {name} cannot be used from a pipeline file: expected one of {', '.join(ALLOWED)}. "
                "KerasClassifier takes any callback in Python."
            )
        written = ALLOWED[name]
        for argument, value in arguments.items():
            if written is not None and argument == written[0]:
                _check_name(f"callbacks: {name}.{argument}", value)
            elif any(part in str(value) for part in ("/", "\\", "..")):
                raise SpecError(f"callbacks: {name}.{argument}: expected a value without a path, found {value!r}.")


def in_folder(settings: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """Return hyperparameters whose callbacks write into a folder.

    Parameters
    ----------
    settings : mapping of str to object
        Hyperparameters by name, which `check_callbacks` has accepted.
    folder : Path or None
        Folder for all that callbacks write; None to leave out callbacks that write.

    Returns
    -------
    dict of str to object
        Hyperparameters.

    Examples
    --------
    >>> settings = {"callbacks": [{"CSVLogger": {"filename": "log.csv"}}, "SwapEMAWeights"], "tensorboard": "logs"}
    >>> in_folder(settings, None)
    {'callbacks': ['SwapEMAWeights'], 'tensorboard': None}
    >>> in_folder(settings, Path("run"))["callbacks"][0]["CSVLogger"]["filename"]
    'run/log.csv'
    """
    changed = dict(settings)
    if settings.get("tensorboard") is not None:
        changed["tensorboard"] = None if folder is None else str(folder / str(settings["tensorboard"]))
    if settings.get("callbacks"):
        items = [_placed(item, folder) for item in settings["callbacks"]]
        changed["callbacks"] = [item for item in items if item is not None]
    return changed


def _placed(item: object, folder: Path | None) -> object:
    name, arguments = _parts(item)
    written = ALLOWED.get(name)
    if written is None:
        return item
    argument, default = written
    return None if folder is None else {name: {**arguments, argument: str(folder / arguments.get(argument, default))}}


def _parts(item: object) -> tuple[str, Mapping[str, Any]]:
    """Return name and arguments of a callback as written in a file."""
    name, arguments = next(iter(item.items())) if isinstance(item, Mapping) and len(item) == 1 else (item, {})
    if not isinstance(name, str) or not isinstance(arguments, Mapping | None):
        raise SpecError(f"callbacks: expected a name or {{name: {{argument: value}}}}, found {item!r}.")
    return name, arguments or {}


def _check_name(what: str, value: object) -> None:
    if not isinstance(value, str) or not NAME.fullmatch(value) or ".." in value:
        raise SpecError(
            f"{what}: expected a name of letters, digits, '_', '.' and '-', found {value!r}. It is written into the "
            "folder of the run."
        )

"""Storing of models by MLflow in compressed archives, which skops leaves uncompressed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import mlflow.sklearn
from mlflow.models import Model
from mlflow.utils import environment

__all__ = ["compress", "save_model"]


def save_model(model: Any, path: str | Path, **arguments: Any) -> None:
    """Store a model in a folder as `mlflow.sklearn.save_model` does, and compressed.

    Parameters
    ----------
    model : estimator
        Fitted model.
    path : str or Path
        Folder to be created.
    **arguments
        Arguments of `mlflow.sklearn.save_model`.
    """
    description = arguments.setdefault("mlflow_model", Model())
    with _requirements_not_compared():
        mlflow.sklearn.save_model(model, str(path), **arguments)
    compress(Path(path) / "model.skops")
    description.model_size_bytes = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    description.save(str(Path(path) / "MLmodel"))


@contextmanager
def _requirements_not_compared() -> Iterator[None]:
    """Keep MLflow from comparing requirements with installed packages, from which they have just been read.

    The comparison reads the files of all packages, half of the time of storing a model, for a warning that
    cannot occur.
    """
    name = "warn_dependency_requirement_mismatches"
    compare = vars(environment).get(name)
    if compare is None:  # another version of MLflow
        yield
        return
    setattr(environment, name, lambda _: None)
    try:
        yield
    finally:
        setattr(environment, name, compare)


def compress(file: Path) -> None:
    """Compress an archive of skops, and remove the spaces that indent its schema.

    Parameters
    ----------
    file : Path
        Archive, which is replaced by one with the same content.
    """
    content = io.BytesIO()
    with ZipFile(file) as archive, ZipFile(content, "w", ZIP_DEFLATED) as compressed:
        for name in archive.namelist():
            member = archive.read(name)
            if name == "schema.json":
                member = json.dumps(json.loads(member), separators=(",", ":")).encode()
            compressed.writestr(name, member)
    file.write_bytes(content.getbuffer())

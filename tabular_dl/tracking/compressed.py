"""Storing of models by MLflow in compressed archives, which skops leaves uncompressed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import mlflow.sklearn
from mlflow.models import Model

__all__ = ["compress", "log_model", "save_model"]


def log_model(model: Any, **arguments: Any) -> None:
    """Log a model to the active run as `mlflow.sklearn.log_model` does, and compressed.

    Parameters
    ----------
    model : estimator
        Fitted model.
    **arguments
        Arguments of `mlflow.sklearn.log_model`, without ``name``.
    """
    Model.log(None, _Flavor, name="model", flavor_name="mlflow.sklearn", sk_model=model, **arguments)


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
    mlflow.sklearn.save_model(model, str(path), **arguments)
    compress(Path(path) / "model.skops")
    description.model_size_bytes = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    description.save(str(Path(path) / "MLmodel"))


class _Flavor:
    """MLflow's flavour for scikit-learn with compression; MLflow calls this one function of it."""

    @staticmethod
    def save_model(sk_model: Any, path: str, **arguments: Any) -> None:
        save_model(sk_model, path, **arguments)


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

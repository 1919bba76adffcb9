"""Find a fitted model with its specification: by run id, run name or folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabular_dl.errors import DataError
from tabular_dl.spec import PipelineSpec, load_spec
from tabular_dl.tracking import store
from tabular_dl.tracking.persistence import load_model

__all__ = ["open_model"]


def open_model(run_or_folder: str | store.LoggedRun) -> tuple[Any, PipelineSpec]:
    """Load a model and the specification that it was fitted by.

    Parameters
    ----------
    run_or_folder : str or LoggedRun
        A run, its id or its name; or the folder of a model, or of an untracked fit.

    Returns
    -------
    model : CrossFitClassifier or CrossFitRegressor
    spec : PipelineSpec

    Raises
    ------
    UserError
        If there is no such run or folder, or its model cannot be trusted or read.
    """
    folder = _folder(run_or_folder)
    specs = folder / "extra_files" / "spec.yaml"
    if not specs.exists():
        raise DataError(f"{folder} is not a model of this package: it has no extra_files/spec.yaml.")
    return load_model(folder / "model.skops"), load_spec(specs)


def _folder(run_or_folder: str | store.LoggedRun) -> Path:
    if isinstance(run_or_folder, store.LoggedRun):
        return store.model_folder(run_or_folder)
    path = Path(run_or_folder)
    if not path.is_dir():
        return store.model_folder(store.find_run(run_or_folder))
    return path / "model" if (path / "model").is_dir() else path

"""Loading of a fitted model with its specification, by run id, run name or folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabular_dl.errors import DataError
from tabular_dl.spec import PipelineSpec, PythonFiles, load_spec
from tabular_dl.tracking import runs
from tabular_dl.tracking.model_checks import check_parts, check_predicts
from tabular_dl.tracking.model_files import file_of, keep_file
from tabular_dl.tracking.persistence import describe, load_model
from tabular_dl.tracking.python_code import permit, python_losses, sources_of

__all__ = ["check_opened", "local_folder", "open_model"]


def open_model(
    run_or_folder: str | runs.LoggedRun, *, trust: bool = False, training: bool = False, check: bool = True
) -> tuple[Any, PipelineSpec]:
    """Return a stored model and its specification.

    Parameters
    ----------
    run_or_folder : str or LoggedRun
        Run, or its id or name; or the folder of a model or of an untracked fit.
    trust : bool, default=False
        Whether Python in the model may be executed that was not stored by this user on this machine.
    training : bool, default=False
        Whether the specification will be fitted again, which executes a loss of the user as well.
    check : bool, default=True
        Whether to check that the model predicts, as `check_opened` does, which loads TensorFlow if it has networks.

    Returns
    -------
    model : CrossFitClassifier, CrossFitRegressor, BlendedClassifier or BlendedRegressor
        Fitted model.
    spec : PipelineSpec
        Specification of the fit, with the text of its Python files at the time of the fit.

    Raises
    ------
    UserError
        If there is no such run or folder, or its model cannot be trusted or read.
    """
    folder = local_folder(run_or_folder)
    spec_file = folder / "extra_files" / "spec.yaml"
    if not spec_file.exists():
        raise DataError(f"{folder} is not a model of this package: it has no extra_files/spec.yaml.")
    model = load_model(folder / "model.skops", trust=trust, weights=check)
    if training:
        permit(python_losses(model), folder, trusted=trust)
    keep_file(model, folder / "model.skops")
    if check:
        _check_predicts(model)
    first = getattr(model, "models", [model])[0]
    sources = {source.file: source for source in sources_of(first).values()}
    spec = load_spec(spec_file)
    return model, spec.with_python(PythonFiles(sources=sources))  # not the text of a file beside the specification


def check_opened(model: Any) -> None:
    """Check a model that `open_model` has returned without a check of whether it predicts.

    Parameters
    ----------
    model : cross-fit or blend
        Model.

    Raises
    ------
    DataError
        If its weights do not fit its architecture, or it predicts no row.
    """
    try:
        check_parts(model)
    except ValueError as error:
        raise DataError(
            f"{file_of(model)} is not a model, or is damaged: {describe(error)}. Take another copy, or fit again."
        ) from error
    _check_predicts(model)


def _check_predicts(model: Any) -> None:
    try:
        check_predicts(model)
    except Exception as error:  # the steps of a damaged model may raise any type
        raise DataError(
            f"{file_of(model)} predicts no row, so it is damaged, or was stored by another version: "
            f"{describe(error)}. Take another copy, or fit again."
        ) from error


def local_folder(run_or_folder: str | runs.LoggedRun) -> Path:
    """Return the folder of a model, downloaded from the store if a run is given.

    Parameters
    ----------
    run_or_folder : str or LoggedRun
        Run, or its id or name; or the folder of a model or of an untracked fit.

    Returns
    -------
    Path
        Folder on this machine.

    Raises
    ------
    SubmissionError
        If there is no such run.
    """
    if isinstance(run_or_folder, runs.LoggedRun):
        return runs.model_folder(run_or_folder)
    path = Path(run_or_folder)
    if not path.is_dir():
        return runs.model_folder(runs.find_run(run_or_folder))
    return path / "model" if (path / "model").is_dir() else path

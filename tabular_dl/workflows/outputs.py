"""Folders with the results of fits that are not tracked."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from tabular_dl import tracking
from tabular_dl.errors import UserError

__all__ = ["check_outputs", "write_outputs"]

OUTPUTS = Path("outputs")  # in the working folder


def check_outputs() -> None:
    """Check that results can be written to ``outputs``.

    Raises
    ------
    UserError
        If ``outputs`` is a file or not writable.
    """
    if OUTPUTS.exists() and not OUTPUTS.is_dir():
        raise UserError(f"{OUTPUTS.resolve()} is a file, but has to be a folder for the results: move the file away.")
    if not os.access(OUTPUTS if OUTPUTS.exists() else Path(), os.W_OK):
        raise UserError(f"{OUTPUTS.resolve()}, the folder for the results, is not writable: work in another folder.")


def write_outputs(content: tracking.RunContent, files: Path) -> Path:
    """Write files and model of a fit to a new folder in ``outputs``, or in a temporary folder if that fails.

    Parameters
    ----------
    content : RunContent
        Content of the run, with the model.
    files : Path
        Folder with the files of the run.

    Returns
    -------
    Path
        The new folder. It appears when it is complete.
    """
    try:
        return _write_to(OUTPUTS, content, files)
    except OSError:
        # Training may have taken hours: its results are saved even if they cannot be saved in place.
        return _write_to(Path(tempfile.mkdtemp(prefix="tabular-dl-")), content, files)


def _write_to(parent: Path, content: tracking.RunContent, files: Path) -> Path:
    first = parent / f"{content.pipeline}-{time.strftime('%Y%m%d-%H%M%S')}"
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{first.name}-") as partial:
        complete = Path(partial) / "complete"
        shutil.copytree(files, complete)
        tracking.save_model(content, complete / "model")
        # Two fits may end in the same second.
        names = (first, *(first.with_name(f"{first.name}-{number}") for number in range(2, 1000)))
        folder = next(name for name in names if not name.exists())
        return complete.rename(folder)

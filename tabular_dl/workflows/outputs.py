"""Folder ``outputs`` with the results of fits and blends: kept if untracked, otherwise until they are logged.

    new_results --> outputs/.titanic-20261126-201500.partial   while a command works; removed if it fails
    complete    --> outputs/titanic-20261126-201500            complete: files, model, run.json
    log         --> a run in the store; then the folder is deleted

A lock file beside a folder shows that a command works on it. A lock is released when its process ends, however it ends,
so a folder with a ``run.json`` whose lock is free was left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tabular_dl import tracking
from tabular_dl.errors import UserError
from tabular_dl.tracking import RECORD

__all__ = ["CALLBACKS", "OUTPUTS", "Results", "check_outputs", "left_behind", "locked", "log", "new_results"]

OUTPUTS = Path("outputs")  # in the working folder
PARTIAL = ".partial"
CALLBACKS = "callbacks"  # folder for files of Keras callbacks, in that of the results


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


class Results:
    """Folder with the results of one command.

    Parameters
    ----------
    parent : Path
        Folder to create it in.
    name : str
        Name that the folder gets when it is complete.

    Attributes
    ----------
    folder : Path
        Path of the folder: hidden until it is complete.
    """

    def __init__(self, parent: Path, name: str) -> None:
        self._final = parent / name
        self.folder = parent / f".{name}{PARTIAL}"
        self.folder.mkdir(parents=True)  # another command may have removed an empty parent

    def complete(self, write: Callable[[Path], None]) -> Path:
        """Write results, and give the folder its name, by which later commands find it.

        Parameters
        ----------
        write : callable
            Function that writes all results into a folder.

        Returns
        -------
        Path
            The folder; a temporary one if its disk is full.

        Raises
        ------
        UserError
            If there is no room in the temporary folder either.
        """
        try:
            write(self.folder)
        except (OSError, UserError) as error:
            self._elsewhere(write, error)
        self.folder = self.folder.rename(self._final)
        return self.folder

    def _elsewhere(self, write: Callable[[Path], None], reason: Exception) -> None:
        """Write results into a temporary folder: training may have taken hours."""
        first = self._final.parent
        try:
            parent = Path(tempfile.mkdtemp(prefix="tabular-dl-"))
            written_by_callbacks = self.folder / CALLBACKS
            self.folder, self._final = parent / PARTIAL, parent / self._final.name
            self.folder.mkdir()
            if written_by_callbacks.exists():
                shutil.copytree(written_by_callbacks, self.folder / CALLBACKS)
            write(self.folder)
        except (OSError, UserError) as second:
            raise UserError(
                f"The results cannot be written, neither to {first.resolve()} ({_words(reason)}) nor to a temporary "
                f"folder ({_words(second)}): make room, and run the command again."
            ) from None


def _words(error: Exception) -> str:
    """Return the reason of an error; for an error of `shutil.copytree`, that of the first file."""
    if isinstance(error, shutil.Error):
        return str(error.args[0][0][-1])
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def new_results(pipeline: str) -> Iterator[Results]:
    """Create a folder for results in ``outputs``, or in a temporary folder if nothing can be written there.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.

    Yields
    ------
    Results
        Folder, which is removed at the end unless it is complete.
    """
    parent = OUTPUTS
    try:
        parent.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=parent).close()
    except OSError:
        # Training may take hours: its results are saved even if they cannot be saved in place.
        parent = Path(tempfile.mkdtemp(prefix="tabular-dl-"))
    _remove_partial(parent)
    name = f"{pipeline}-{time.strftime('%Y%m%d-%H%M%S')}"
    # Two fits may begin in the same second.
    for number in range(1, 1000):
        final = parent / (name if number == 1 else f"{name}-{number}")
        with locked(final) as acquired:
            if not acquired or final.exists():
                continue
            results = Results(parent, final.name)
            try:
                yield results
            finally:
                shutil.rmtree(parent / f".{final.name}{PARTIAL}", ignore_errors=True)
        break


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder, if no other process does.

    Parameters
    ----------
    folder : Path
        Folder, complete or not.

    Yields
    ------
    bool
        Whether this process holds the lock.
    """
    from filelock import FileLock, Timeout  # imported here, since every command imports this module, and few use locks

    file = _lock_file(folder)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):  # OSError: in a folder that is read-only
        yield False
        return
    try:
        yield True
    finally:
        file.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):
            folder.parent.rmdir()  # if nothing is in it


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def left_behind() -> list[Path]:
    """Return the folders in ``outputs`` whose results are complete, but not in the store, oldest first."""
    folders = [record.parent for record in sorted(OUTPUTS.glob(f"*/{RECORD}"))]
    return [folder for folder in folders if _is_free(folder)]


def _is_free(folder: Path) -> bool:
    if not _lock_file(folder).exists():
        return True
    with locked(folder) as acquired:
        return acquired


def _remove_partial(parent: Path) -> None:
    """Remove folders of processes that were killed before their results were complete."""
    for partial in parent.glob(f".*{PARTIAL}"):
        with locked(parent / partial.name.removeprefix(".").removesuffix(PARTIAL)) as acquired:
            if acquired:
                shutil.rmtree(partial, ignore_errors=True)


def log(folder: Path, interrupts: Sequence[int] = ()) -> tracking.LoggedRun | None:
    """Log results to the store and delete their folder. If that fails, the last printed line says how to log them.

    Parameters
    ----------
    folder : Path
        Folder with complete results.
    interrupts : sequence of int
        Signals that arrived while the results were written; if there are any, nothing is logged.

    Returns
    -------
    LoggedRun or None
        Run; None if the results are not in the store.
    """
    from rich.console import Console  # imported here for the same reason as the locks

    try:
        if interrupts:
            raise KeyboardInterrupt
        tracking.prepare_store(create=True)
        run = tracking.log_results(folder)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (each store raises its own)
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        reason = "Ctrl-C" if isinstance(error, KeyboardInterrupt) else reason
        message = (
            f"Tracking failed: {reason}\nNothing is lost: the results are in {folder}. Once the store can be used "
            f"again, log them: tabular-dl recover {folder}"
        )
        # On a separate console, so that it is printed even if the other is quiet.
        Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)
        return None
    shutil.rmtree(folder, ignore_errors=True)
    return run

"""Logging of results that a killed command or a failed store has left behind: `tabular-dl recover`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.errors import UserError
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.outputs import left_behind, locked, log

__all__ = ["recover"]


def recover(folders: Sequence[Path] = (), console: Console | None = None) -> list[Path]:
    """Log results that were trained, but did not get into the store, and delete their folders.

    Parameters
    ----------
    folders : sequence of Path
        Folders with results; by default all that were left behind in ``outputs``.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    list of Path
        Folders that could not be logged.

    Raises
    ------
    UserError
        If a folder holds no such results, or another command is logging it.
    """
    console = console or Console()
    folders = list(folders) or left_behind()
    for folder in folders:
        tracking.read_record(folder)  # all of them, before the first is logged
    if not folders:
        print_lines(console, "Nothing was left behind: all results in outputs/ are in the store, or were not tracked.")
    failed = []
    for folder in folders:
        with locked(folder) as acquired:
            if not acquired:
                raise UserError(f"{folder} is being logged by another command: wait until it has ended.")
            run = log(folder)
        if run is None:
            failed.append(folder)
        else:
            line = f"{folder}: run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(run.experiment)}"
            print_lines(console, line)
    return failed

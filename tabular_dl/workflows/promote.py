"""Registration of a run's model in MLflow under an alias: `tabular-dl promote`."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.errors import SpecError
from tabular_dl.workflows.console import print_lines

__all__ = ["promote"]


def promote(run: str, alias: str, console: Console | None = None) -> str:
    """Register a run's model under its pipeline's name, and give that version an alias.

    Parameters
    ----------
    run : str
        Id or name of the run.
    alias : str
        Alias such as "champion"; it is taken from the version that had it before.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    str
        ``NAME@alias``, as `predict` and `submit` accept it.

    Raises
    ------
    UserError
        If there is no such run, or the alias is not valid.
    """
    # MLflow reserves "latest" and v1, v2, ...
    if not re.fullmatch(r"[A-Za-z][\w-]*", alias) or alias == "latest" or re.fullmatch(r"v\d+", alias):
        raise SpecError(f"--as: expected a word like champion (not latest, not v1), found {alias!r}.")
    logged = tracking.find_run(run)
    name, number = tracking.register(logged, alias)
    print_lines(
        console or Console(),
        f"Run [bold]{escape(logged.name)}[/] is version {number} of {escape(name)}, alias [bold]{escape(alias)}[/]",
        f"Next: [bold]tabular-dl submit {escape(name)}@{escape(alias)}[/]",
    )
    return f"{name}@{alias}"

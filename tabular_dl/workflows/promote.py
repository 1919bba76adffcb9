"""`tabular-dl promote`: puts a run's model into MLflow's registry under an alias."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.errors import SpecError

__all__ = ["promote"]


def promote(run: str, alias: str, console: Console | None = None) -> str:
    """Register a run's model under its pipeline's name, and give that version an alias.

    Parameters
    ----------
    run : str
        A run's id or name.
    alias : str
        Like "champion"; whatever version had it loses it.
    console : Console, optional
        Where to print.

    Returns
    -------
    str
        ``NAME@alias``, which `predict` and `submit` take.

    Raises
    ------
    UserError
        If there is no such run, or the alias cannot be.
    """
    # MLflow keeps "latest" and v1, v2, ... for itself.
    if not re.fullmatch(r"[A-Za-z][\w-]*", alias) or alias == "latest" or re.fullmatch(r"v\d+", alias):
        raise SpecError(f"--as: expected a word like champion (not latest, not v1), found {alias!r}.")
    logged = tracking.find_run(run)
    name, number = tracking.register(logged, alias)
    for line in (
        f"Run [bold]{escape(logged.name)}[/] is version {number} of {escape(name)}, alias [bold]{escape(alias)}[/]",
        f"Next: [bold]tabular-dl submit {escape(name)}@{escape(alias)}[/]",
    ):
        (console or Console()).print(line, highlight=False, soft_wrap=True)
    return f"{name}@{alias}"

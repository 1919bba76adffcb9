"""Findings of a preflight on the console: all of them with what mends them, or in short before a fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import join

from rich.console import Console
from rich.text import Text

from tabular_dl.checks.finding import LEVELS, Finding
from tabular_dl.errors import DataError

__all__ = ["print_findings", "warn_in_short"]

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
MOST_WARNINGS = 4  # before a fit: with the line that says where to see all, five


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print each finding with the line that mends it, and how many there are of each level."""
    for finding in findings:
        message = Text.assemble((finding.level, STYLES[finding.level]), f"  {finding.message}")
        console.print(message, highlight=False)
        if finding.fix:
            # On one line however long it is, so that it can be copied.
            fix = Text.assemble(("  fix: ", "dim"), (finding.fix, "cyan"))
            console.print(fix, highlight=False, soft_wrap=True)
    counts = Counter(finding.level for finding in findings)
    said = [f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}" for level in LEVELS if counts[level]]
    console.print(f"[bold]{', '.join(said) or 'nothing found'}[/]", highlight=False)


def warn_in_short(findings: Sequence[Finding], pipeline: str | None, source: str, console: Console) -> None:
    """Print the warnings among findings, a line each and five lines at most, or stop at an error.

    Parameters
    ----------
    findings : sequence of Finding
        Errors first.
    pipeline : str or None
        The pipeline as the user named it; None if there is no name or file that `check` could be given.
    source : str
        Where its tables are.
    console : Console
        Where to print.

    Raises
    ------
    DataError
        With the first error and its remedy.
    """
    where = "" if pipeline is None else _command(pipeline, source)
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        fix = f"\nfix: {errors[0].fix}" if errors[0].fix else ""
        raise DataError(f"{errors[0].message}{fix}" + (f"\nAll findings: {where}" if where else ""))
    warnings = [finding for finding in findings if finding.level == "warning"]
    for finding in warnings[:MOST_WARNINGS]:
        line = Text.assemble((finding.level, STYLES[finding.level]), f"  {finding.message}")
        if where:
            console.print(line, highlight=False, no_wrap=True, overflow="ellipsis")
        else:  # nowhere else to be read
            console.print(line, highlight=False, soft_wrap=True)
    more = [f"{len(warnings) - MOST_WARNINGS} more"] if len(warnings) > MOST_WARNINGS else []
    advice = [f"all, and what mends them: {where}"] if warnings and where else []
    if more or advice:
        console.print(Text("; ".join([*more, *advice])), highlight=False, soft_wrap=True)


def _command(pipeline: str, source: str) -> str:
    # A name in the pipeline file finds the tables again, a folder from the command line has to be said.
    folder = ["--data", source] if Path(source).is_absolute() else []
    return join(["tabular-dl", "check", pipeline, *folder])

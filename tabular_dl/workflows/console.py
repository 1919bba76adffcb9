"""What commands print: notes, findings, and a live line while a population trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import join
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tabular_dl.checks import LEVELS, Finding
from tabular_dl.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from tabular_dl.problems import Followed

__all__ = ["TrainingProgress", "print_findings", "print_notes", "stop_at_errors", "warn_in_short"]

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
MOST_WARNINGS = 4  # before a fit: with the line that says where to see all, five


class TrainingProgress:
    """Show epoch, figures on the held-out rows, how many networks still train, and the time.

    Parameters
    ----------
    console : Console
        Where to draw; a quiet console draws nothing.
    epochs : int
        The most epochs there can be.
    followed : Followed
        The figure to show beside the loss.
    unit : float
        What one unit of the coded target is worth.
    """

    def __init__(self, console: Console, epochs: int, followed: Followed, unit: float = 1.0) -> None:
        self.followed = followed
        self.unit = unit**followed.power
        self.progress = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}  {task.description} "),
            TimeElapsedColumn(),
            console=console,
        )
        self.task = self.progress.add_task("compiling", total=epochs)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress.stop()

    def __call__(self, epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> None:
        """Take in the figures ``{name: (P,)}`` of an epoch and who still trains, (P,)."""
        held_out = "val_" if "val_loss" in figures else ""
        loss, metric = (_mean(figures[held_out + name]) for name in ("loss", self.followed.function))
        shown = f"{held_out}loss {loss:.4f}  {held_out}{self.followed.name} {metric * self.unit:.4f}"
        training = f"{int(active.sum())} of {len(active)} training"
        self.progress.update(self.task, completed=epoch, description=f"{shown}  {training}")


def _mean(figures: np.ndarray) -> float:
    """Average over the networks that have a figure; NaN where all have stopped or diverged."""
    known = figures[figures == figures]
    return float(known.mean()) if len(known) else float("nan")


def print_notes(notes: Iterable[str], console: Console) -> None:
    """Print each note as a line of its own."""
    for note in notes:
        console.print(f"Note: {note}.", markup=False, highlight=False, soft_wrap=True)


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
    totals = [f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}" for level in LEVELS if counts[level]]
    console.print(f"[bold]{', '.join(totals) or 'nothing found'}[/]", highlight=False)


def stop_at_errors(findings: Sequence[Finding], pipeline: str | None, source: str) -> None:
    """Refuse to go on if there are errors among findings.

    Parameters
    ----------
    findings : sequence of Finding
        Errors first.
    pipeline : str or None
        The pipeline as the user named it; None if there is no name or file that `check` could be given.
    source : str
        Where its tables are.

    Raises
    ------
    DataError
        With all errors as `print_findings` prints them, but for the word "error" before the first.
    """
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return
    told = [finding.message + (f"\n  fix: {finding.fix}" if finding.fix else "") for finding in errors]
    advice = "" if pipeline is None else f"\nAll findings: {_command(pipeline, source)}"
    raise DataError("\nerror  ".join(told) + advice)


def warn_in_short(findings: Sequence[Finding], pipeline: str | None, source: str, console: Console) -> None:
    """Print the warnings among findings, a line each and five lines at most.

    Parameters
    ----------
    findings : sequence of Finding
        Errors first.
    pipeline, source
        As for `stop_at_errors`.
    console : Console
        Where to print.
    """
    where = "" if pipeline is None else _command(pipeline, source)
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

"""Printed output of commands: lines, notes, findings, and the progress of training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from shlex import join
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from tabular_dl.checks import LEVELS, Finding
from tabular_dl.errors import DataError, shortened

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from tabular_dl.problems import Followed

__all__ = [
    "ModelProgress",
    "TrainingProgress",
    "check_command",
    "print_findings",
    "print_lines",
    "print_notes",
    "stop_at_errors",
    "warn_in_short",
]

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
MOST_WARNINGS = 4  # printed before a fit, with one more line that names the command to see all


class _ProgressLine:
    """Base class of progress lines, which are drawn while their context lasts."""

    progress: Progress
    task: TaskID

    def begins(self, words: str) -> None:
        """Show that a further training begins, with its description."""
        self.progress.update(self.task, completed=0, training=f"{words}  ")

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress.stop()


class TrainingProgress(_ProgressLine):
    """Progress line: epoch, loss and metric, number of networks still training, and time.

    Parameters
    ----------
    console : Console
        Console to draw on; a quiet console draws nothing.
    epochs : int
        Maximum number of epochs.
    followed : Followed
        Function to show beside the loss.
    unit : float, default=1.0
        Size of one unit of the coded target, in units of the target.
    """

    def __init__(self, console: Console, epochs: int, followed: Followed, unit: float = 1.0) -> None:
        self.followed = followed
        self.unit = unit**followed.power
        self.progress = Progress(
            TextColumn("{task.fields[training]}epoch {task.completed:.0f}/{task.total:.0f}  {task.description} "),
            TimeElapsedColumn(),
            console=console,
        )
        self.task = self.progress.add_task("compiling", total=epochs, training="")

    def __call__(self, epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> None:
        """Show the values of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 1.
        figures : dict of str to ndarray of shape (networks,)
            Losses and metrics; those on held-out rows are preferred.
        active : ndarray of shape (networks,)
            Whether each network still trains.
        """
        prefix = "val_" if "val_loss" in figures else ""
        loss, metric = (_mean(figures[prefix + name]) for name in ("loss", self.followed.function))
        values = f"{prefix}loss {loss:.4f}  {prefix}{self.followed.name} {metric * self.unit:.4f}"
        training = f"{int(active.sum())} of {len(active)} training"
        self.progress.update(self.task, completed=epoch, description=f"{values}  {training}")


class ModelProgress(_ProgressLine):
    """Progress line of models of other libraries: number of models trained, and time.

    Parameters
    ----------
    console : Console
        Console to draw on; a quiet console draws nothing.
    models : int
        Number of models.
    name : str
        Name of the model.
    """

    def __init__(self, console: Console, models: int, name: str) -> None:
        text = f"{{task.fields[training]}}{escape(name)}  {{task.completed:.0f}} of {{task.total:.0f}} models trained "
        self.progress = Progress(TextColumn(text), TimeElapsedColumn(), console=console)
        self.task = self.progress.add_task("", total=models, training="")

    def __call__(self, trained: int, figures: dict[str, np.ndarray], active: np.ndarray) -> None:
        """Show the number of models that are trained.

        Parameters
        ----------
        trained : int
            Number of models.
        figures : dict
            Empty: these models have no figures while they train.
        active : ndarray of shape (models,)
            Whether each model still trains.
        """
        del figures
        self.progress.update(self.task, completed=trained, total=len(active))


def _mean(values: np.ndarray) -> float:
    """Return the mean without missing values; NaN if all networks have stopped or diverged."""
    numbers = values[values == values]
    return float(numbers.mean()) if len(numbers) else float("nan")


def print_lines(console: Console, *lines: str | Text, markup: bool = True) -> None:
    """Print lines without wrapping them, so that commands and paths can be copied.

    Parameters
    ----------
    console : Console
        Console to print to.
    *lines : str or Text
        Lines to print.
    markup : bool, default=True
        Whether square brackets in strings are Rich markup.
    """
    for line in lines:
        console.print(line, markup=markup, highlight=False, soft_wrap=True)


def print_notes(notes: Iterable[str], console: Console) -> None:
    """Print notes, one per line.

    Parameters
    ----------
    notes : iterable of str
        Notes without a final full stop.
    console : Console
        Console to print to.
    """
    print_lines(console, *(shortened(f"Note: {note}.") for note in notes), markup=False)


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print findings with their fixes, and the number of findings of each level.

    Parameters
    ----------
    findings : sequence of Finding
        Findings to print.
    console : Console
        Console to print to.
    """
    for finding in findings:
        console.print(_headline(finding), highlight=False)
        if finding.fix:
            print_lines(console, Text.assemble(("  fix: ", "dim"), (shortened(finding.fix), "cyan")))
    counts = Counter(finding.level for finding in findings)
    totals = [f"{counts[level]} {level}{'s' if counts[level] > 1 else ''}" for level in LEVELS if counts[level]]
    console.print(f"[bold]{', '.join(totals) or 'nothing found'}[/]", highlight=False)


def stop_at_errors(findings: Sequence[Finding], command: str | None = None) -> None:
    """Raise an error if there are errors among findings.

    Parameters
    ----------
    findings : sequence of Finding
        Findings, errors first.
    command : str, optional
        Command that prints all findings.

    Raises
    ------
    DataError
        If there are errors. The message lists all of them as `print_findings` does, without the first "error".
    """
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return
    messages = [finding.message + (f"\n  fix: {finding.fix}" if finding.fix else "") for finding in errors]
    advice = "" if command is None else f"\nAll findings: {command}"
    raise DataError("\nerror  ".join(messages) + advice)


def warn_in_short(findings: Sequence[Finding], console: Console, command: str | None = None) -> None:
    """Print the warnings among findings, one per line, at most five lines.

    Parameters
    ----------
    findings : sequence of Finding
        Findings, errors first.
    console : Console
        Console to print to.
    command : str, optional
        Command that prints all findings.
    """
    warnings = [finding for finding in findings if finding.level == "warning"]
    for finding in warnings[:MOST_WARNINGS]:
        if command:
            console.print(_headline(finding), highlight=False, no_wrap=True, overflow="ellipsis")
        else:  # no command prints the rest of a shortened line
            print_lines(console, _headline(finding))
    unprinted = [f"{len(warnings) - MOST_WARNINGS} more"] if len(warnings) > MOST_WARNINGS else []
    advice = [f"all warnings with their fixes: {command}"] if warnings and command else []
    if unprinted or advice:
        print_lines(console, Text("; ".join([*unprinted, *advice])))


def _headline(finding: Finding) -> Text:
    return Text.assemble((finding.level, STYLES[finding.level]), f"  {shortened(finding.message)}")


def check_command(pipeline: str, overrides: Sequence[str]) -> str:
    """Return the command that checks a pipeline with the same changes as a fit.

    Parameters
    ----------
    pipeline : str
        Pipeline as named by the user.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=3"``.

    Returns
    -------
    str
        Command line, quoted for a shell.

    Examples
    --------
    >>> check_command("wine", ["ensemble.folds=3", "columns.0.columns=[ash, hue]"])
    "tabular-dl check wine --set ensemble.folds=3 --set 'columns.0.columns=[ash, hue]'"
    """
    return join(["tabular-dl", "check", pipeline, *(part for each in overrides for part in ("--set", each))])

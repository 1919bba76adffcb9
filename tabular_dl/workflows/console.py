"""One live line while a population trains."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from tabular_dl.problems.losses import Followed

__all__ = ["TrainingProgress"]


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

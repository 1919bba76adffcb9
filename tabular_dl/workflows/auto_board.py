"""Live table of `tabular-dl auto`: one row per member, and the time that is left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl.model_selection import error_ratio, mean_and_error
from tabular_dl.problems import Metric
from tabular_dl.workflows.auto_session import Member, Session

__all__ = ["Board"]


class Board:
    """Table that is redrawn each second while members train.

    Parameters
    ----------
    console : Console
        Console to draw on; a quiet console draws nothing.
    title : str
        Title of the table.
    metric : Metric
        Metric of the scores.
    session : Session
        Time that is left.
    """

    def __init__(self, console: Console, title: str, metric: Metric, session: Session) -> None:
        self.title, self.metric, self.session = title, metric, session
        self.members: list[Member] = []
        self.notes: list[str] = []
        self.active, self.since = "", time.monotonic()
        self.live = Live(console=console, refresh_per_second=1, transient=False, get_renderable=self._grid)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.active = ""
        self.live.stop()

    def begin(self, activity: str) -> None:
        """Show the current activity."""
        self.active, self.since = activity, time.monotonic()
        self.live.refresh()

    def add(self, member: Member) -> None:
        """Show the scores of a member."""
        self.members.append(member)
        self.active = ""
        self.live.refresh()

    def note(self, text: str) -> None:
        """Show a sentence below the table."""
        self.notes.append(text)
        self.live.refresh()

    def _grid(self) -> Grid:
        better = "higher" if self.metric.greater_is_better else "lower"
        spent, seconds = self.session.spent, self.session.seconds
        caption = "\n".join([f"{spent:.0f} s of {seconds:.0f} s", *self.notes])
        grid = Grid(title=f"{self.title}: {self.metric.name}, {better} is better", caption=escape(caption))
        for heading in ("model", "score (error)", "seconds", "run"):
            grid.add_column(heading, no_wrap=heading == "run")
        for member in self.members:
            mean, error = mean_and_error(member.scores, error_ratio(member.predictions))
            grid.add_row(escape(member.label), f"{mean:.4f} ({error:.4f})", f"{member.seconds:.1f}", member.run)
        if self.active:
            grid.add_row(escape(self.active), "...", f"{time.monotonic() - self.since:.0f}", "", style="dim")
        return grid

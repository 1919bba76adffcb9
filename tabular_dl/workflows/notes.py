"""What was unusual about the tables that were read, said once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_notes"]


def print_notes(notes: Iterable[str], console: Console) -> None:
    """Print each note as a line of its own."""
    for note in notes:
        console.print(f"Note: {note}.", markup=False, highlight=False, soft_wrap=True)

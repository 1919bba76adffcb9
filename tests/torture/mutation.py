"""A file that was changed so that it may be wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mutation"]


@dataclass(frozen=True)
class Mutation:
    """A changed file: what was done to it, the name it has, and its content."""

    name: str
    file: str
    content: bytes

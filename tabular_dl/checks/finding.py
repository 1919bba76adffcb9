"""What a check of the tables and the pipeline has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["LEVELS", "Finding", "Level", "by_level"]

Level = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth to know, before anything is trained.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        Whether a fit is impossible, whether its score will be worse or too good to be true, or neither.
    code : str
        The name of the check that found it, such as ``drift``.
    message : str
        Which table, which column, what was found and how much of it.
    fix : str
        The line of the pipeline file that would mend it, as YAML; a comment where what is to do is no line; empty where
        the message says all.

    Examples
    --------
    >>> Finding("error", "unnamed", "train.csv: no rule names the column Remark.", "rest: drop").fix
    'rest: drop'
    """

    level: Level
    code: str
    message: str
    fix: str = ""


def by_level(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: errors first, then warnings, then notes; otherwise as they came.

    Examples
    --------
    >>> found = by_level([Finding("note", "a", ""), Finding("error", "b", "")])
    >>> [finding.level for finding in found]
    ['error', 'note']
    """
    return tuple(sorted(findings, key=lambda finding: LEVELS.index(finding.level)))

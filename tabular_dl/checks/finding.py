"""Findings of the checks of tables and pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["LEVELS", "Finding", "Level", "by_level"]

# Checks whose findings may cost the most, in this order: scores that are too good mislead every later decision.
COSTLY = ("leak", "time", "group", "repeated-id", "overlap", "twins", "kind", "drift")


Level = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Problem of tables or pipeline, or a remark about them, found before training.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        An error makes a fit impossible; a warning announces a worse score, or one too good to be true; a note does
        neither.
    code : str
        Name of the check, such as ``drift``.
    message : str
        Table, column, what was found, and in how many rows.
    fix : str, default=""
        Line of the pipeline file, in YAML, that fixes the problem; a comment if something else is to do; empty if there
        is nothing to do, or the message says it.

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
    """Return findings sorted by level (errors, warnings, notes), and within a level by what they may cost.

    Leaks and folds that do not mirror the test table come first. Findings of other checks keep their order.

    Parameters
    ----------
    findings : iterable of Finding
        Findings in any order.

    Returns
    -------
    tuple of Finding
        Sorted findings.

    Examples
    --------
    >>> findings = by_level([Finding("note", "a", ""), Finding("error", "b", "")])
    >>> [finding.level for finding in findings]
    ['error', 'note']
    """

    def rank(finding: Finding) -> tuple[int, int]:
        cost = COSTLY.index(finding.code) if finding.code in COSTLY and finding.level != "error" else len(COSTLY)
        return LEVELS.index(finding.level), cost

    return tuple(sorted(findings, key=rank))

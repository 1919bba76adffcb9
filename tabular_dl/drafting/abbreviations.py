"""Patterns in place of the names of many columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["abbreviated"]

MANY_NUMBERED = 50  # columns of one rule that differ only by a number, from which on they are written as a pattern
_NUMBERED = re.compile(r"(.*[^\d])\d+", re.DOTALL)


def abbreviated(columns: Sequence[str], all_columns: Iterable[str]) -> list[str]:
    """Return names, with a pattern such as ``pixel*`` for many that end in a number, if it matches no other column."""
    numbered = Counter(match.group(1) for name in columns if (match := _NUMBERED.fullmatch(name)))
    members = {*columns}
    others = [name for name in all_columns if name not in members]
    prefixes = [
        prefix
        for prefix, count in numbered.items()
        if count >= MANY_NUMBERED and not any(mark in prefix for mark in "*?[")
        # The star also matches names without a number.
        if not any(name.startswith(prefix) for name in others)
    ]
    pairs = ((next((prefix for prefix in prefixes if name.startswith(prefix)), None), name) for name in columns)
    return list(dict.fromkeys(name if prefix is None else f"{prefix}*" for prefix, name in pairs))

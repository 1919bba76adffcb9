"""Names of files: whether a file can have one, and whether it is a pattern."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_pattern", "name_problem"]

LONGEST_PATH, LONGEST_NAME = 4000, 255  # bytes; limits of Linux, macOS and Windows


def is_pattern(name: str) -> bool:
    """Return whether a name contains ``*``, ``?`` or ``[``, so that it may stand for several.

    Examples
    --------
    >>> is_pattern("part-*.csv"), is_pattern("train.csv")
    (True, False)
    """
    return any(mark in name for mark in "*?[")


def name_problem(path: str | Path) -> str | None:
    """Return the reason for which no file can have a name; None if one can.

    Operating systems raise different errors for such names.

    Parameters
    ----------
    path : str or Path
        Path of a file or folder.

    Returns
    -------
    str or None
        Reason, with what was expected and found.

    Examples
    --------
    >>> name_problem("data/train.csv") is None
    True
    >>> name_problem("data/" + "x" * 300)
    'expected a name of a file of at most 255 bytes, found one of 300'
    """
    text = str(path)
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        return "expected the name of a file, found a character that names cannot have"
    if b"\0" in encoded:
        return "expected the name of a file, found a zero byte in it"
    if len(encoded) > LONGEST_PATH:
        return f"expected a path of at most {LONGEST_PATH:,} bytes, found one of {len(encoded):,}"
    longest = max(map(len, encoded.split(b"/")))
    if longest > LONGEST_NAME:
        return f"expected a name of a file of at most {LONGEST_NAME} bytes, found one of {longest:,}"
    return None

"""Limits for files and requests from outside, all raised by one factor.

The factor is the environment variable ``TABULAR_DL_LIMITS``, 1 by default, which ``tabular-dl --limits FACTOR COMMAND``
sets. It is read whenever a limit is needed, so that it can be changed between two calls.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tabular_dl.errors import UserError

__all__ = ["VARIABLE", "is_bomb", "limit", "machine_memory", "raised_by", "read_at_most", "size_of"]

VARIABLE = "TABULAR_DL_LIMITS"
# The memory limit of a container may be below the memory of the machine.
_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def limit(default: int) -> int:
    """Return a limit, raised by the factor that the user has chosen.

    Parameters
    ----------
    default : int
        Limit with a factor of 1.

    Returns
    -------
    int
        Limit that holds now.

    Raises
    ------
    UserError
        If the factor is not a positive and finite number.

    Examples
    --------
    >>> limit(4_000_000)
    4000000
    """
    text = os.environ.get(VARIABLE) or "1"
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < 1e9:
        raise UserError(f"{VARIABLE} (option --limits): expected a positive number like 10, found {text[:40]!r}.")
    return math.ceil(default * factor)


def raised_by(size: float, default: int) -> str:
    """Return a sentence with the option that raises a limit as far as needed.

    Parameters
    ----------
    size : float
        Value that is above the limit.
    default : int
        Limit with a factor of 1.

    Returns
    -------
    str
        Sentence to append to an error message.

    Examples
    --------
    >>> raised_by(9_500_000, 4_000_000)
    'If you trust it: tabular-dl --limits 3 COMMAND.'
    """
    return f"If you trust it: tabular-dl --limits {max(2, math.ceil(size / default))} COMMAND."


def is_bomb(size: int, packed: int, small: int, expansion: int) -> bool:
    """Return whether a file unpacks to far more than its own size.

    Parameters
    ----------
    size : int
        Bytes unpacked.
    packed : int
        Bytes of the file.
    small : int
        Bytes that any file may unpack to, with a factor of 1.
    expansion : int
        Number of times its own size that a file may unpack to beyond that, with a factor of 1.

    Returns
    -------
    bool
        False up to the limits.

    Examples
    --------
    >>> is_bomb(10**9, 10**8, 10**6, 200), is_bomb(10**9, 10**6, 10**6, 200)
    (False, True)
    """
    return size > limit(small) and size > packed * limit(expansion)


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """Return the content of a file, or one byte more than a limit if it has more.

    Parameters
    ----------
    file : binary file
        Open file, which may be a pipe, or a device without an end.
    most : int
        Limit in bytes.

    Returns
    -------
    bytes
        Content of at most ``most + 1`` bytes.

    Examples
    --------
    >>> import io
    >>> read_at_most(io.BytesIO(b"abcdef"), 3)
    b'abcd'
    """
    # In pieces, because `read` allocates the requested number of bytes at once.
    pieces, left = [], most + 1
    while left and (piece := file.read(min(left, 2**24))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


@cache
def machine_memory() -> int:
    """Return the memory of this machine, or of the container, in bytes.

    Examples
    --------
    >>> machine_memory() > 10**8
    True
    """
    import psutil  # imported here, since few commands need it

    sizes = [psutil.virtual_memory().total]
    for file in _CONTAINER:
        with suppress(ValueError, OSError):  # "max", or no such file
            sizes.append(int(file.read_text(encoding="ascii")))
    return min(size for size in sizes if size > 0)


def size_of(count: float) -> str:
    """Return a number of bytes for a message.

    Examples
    --------
    >>> size_of(4_000_000), size_of(2.5e9), size_of(3e15)
    ('4 MB', '2.5 GB', '3,000 TB')
    """
    units = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
    unit, name = next(((size, name) for size, name in units if count >= size), (1, "bytes"))
    value = count / unit
    return f"{value:,.0f} {name}" if value >= 100 or value == round(value) else f"{value:.1f} {name}"

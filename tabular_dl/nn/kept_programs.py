"""Programs that are kept for later trainings of the same shapes, as many as a limit of memory allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

from tabular_dl.nn.program import Program
from tabular_dl.nn.program_key import ProgramKey

__all__ = ["checked_out", "number_kept"]

# Limit of the memory of all programs that are kept.
KEPT_BYTES = 2**29
# Memory of a program's graphs and compiled code, beside its variables: measured as 20 MB without XLA and 45 MB with it.
CODE_BYTES = 2**25

# Programs that are not in use, the one that was used last at the end.
_programs: list[Program] = []
_programs_lock = threading.Lock()


@contextmanager
def checked_out(key: ProgramKey) -> Iterator[Program]:
    """Provide a kept or new program for a key, which no other thread gets while it is in use."""
    with _programs_lock:
        kept = next((program for program in _programs if program.key == key), None)
        if kept is not None:
            _programs.remove(kept)
    program = kept or Program(key)
    yield program
    with _programs_lock:
        _programs.append(program)
        del _programs[: -number_kept([CODE_BYTES + each.bytes for each in _programs], KEPT_BYTES) or None]


def number_kept(sizes: Sequence[int], limit: int) -> int:
    """Return how many of the last sizes come to no more than a limit.

    Parameters
    ----------
    sizes : sequence of int
        Sizes in bytes; what was used last is at the end.
    limit : int
        Limit of their sum in bytes.

    Returns
    -------
    int
        Number of sizes, counted from the end.

    Examples
    --------
    >>> number_kept([1, 5, 2, 3], 6), number_kept([1, 9], 6)
    (2, 0)
    """
    return sum(total <= limit for total in accumulate(reversed(sizes)))

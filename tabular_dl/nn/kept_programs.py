"""Programs that are kept for later trainings of the same shapes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tabular_dl.nn.program import Program
from tabular_dl.nn.program_key import ProgramKey

__all__ = ["checked_out"]

PROGRAMS_KEPT = 8

# Programs that are not in use, the oldest first.
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
        del _programs[:-PROGRAMS_KEPT]

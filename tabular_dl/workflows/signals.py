"""Signals that end a command, and signals that are deferred."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["as_ctrl_c", "interrupts_deferred"]


@contextmanager
def as_ctrl_c(*numbers: int) -> Iterator[None]:
    """Raise a `KeyboardInterrupt` for signals, so that child processes are ended before the command ends.

    Parameters
    ----------
    *numbers : int
        Signals, such as ``signal.SIGTERM``.
    """
    previous = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


@contextmanager
def interrupts_deferred() -> Iterator[list[int]]:
    """Defer Ctrl-C while files are written that have to be complete.

    Yields
    ------
    list of int
        Signals that have arrived.
    """
    arrived: list[int] = []
    # Other threads get no signals, and a command in the background may ignore them.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield arrived
        return
    previous = signal.signal(signal.SIGINT, lambda number, _: arrived.append(number))
    try:
        yield arrived
    finally:
        signal.signal(signal.SIGINT, previous)

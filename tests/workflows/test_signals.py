"""Signals end a command after its cleanup, and deferred signals are not lost."""

from __future__ import annotations

import os
import signal

import pytest

from tabular_dl.workflows.signals import as_ctrl_c, interrupts_deferred


def end_by_sigterm() -> None:
    """Get SIGTERM where it is taken for Ctrl-C."""
    with as_ctrl_c(signal.SIGTERM):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):  # a signal is delivered between two instructions
            pass


def test_a_signal_is_taken_for_ctrl_c_and_later_handled_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        end_by_sigterm()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_command_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_deferred() as came:
            os.kill(os.getpid(), signal.SIGINT)
        assert came == []
    finally:
        signal.signal(signal.SIGINT, before)

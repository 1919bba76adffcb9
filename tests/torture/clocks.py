"""Clocks that jump while a command runs."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.torture.invariants import aftermath
from tests.torture.trials import ENSEMBLE, FIT, SEARCH, Trial

__all__ = ["jump"]

HOUR = 3600.0
# As after sleep or a correction by the network; years, as on boards without a battery.
JUMPS = (-HOUR, HOUR, -24 * HOUR, 24 * HOUR, -10 * 365 * 24 * HOUR, 10 * 365 * 24 * HOUR)
COMMANDS = [(0, FIT, "first-fit"), (1, FIT, "later-fit"), (0, SEARCH, "search"), (2, ENSEMBLE, "ensemble")]


def jump(trial: Trial) -> None:
    """Let the clock of a command jump at a random moment: it ends well, and so do the next, whose clock is right."""
    fits, arguments, name = COMMANDS[trial.index % len(COMMANDS)]
    trial.begin(fits)
    shift = float(trial.random.choice(JUMPS))
    trial.run(*arguments, before=_jumping(trial.shared.seconds[name] * trial.moment, shift))
    trial.note("forwards" if shift > 0 else "backwards")
    if trial.store.unfinished():
        trial.fault("run not ended", f"a jump of {shift / HOUR:.0f} hours")
    aftermath(trial)


def _jumping(delay: float, shift: float) -> Callable[[], None]:
    """Return a function after which Python's clocks jump by `shift` seconds once `delay` seconds have passed."""
    real = {name: getattr(time, name) for name in ("time", "time_ns", "localtime", "gmtime", "strftime")}

    def install() -> None:
        start = time.monotonic()

        def now() -> float:
            return float(real["time"]()) + (shift if time.monotonic() - start >= delay else 0.0)

        time.time = now
        time.localtime = lambda seconds=None: real["localtime"](now() if seconds is None else seconds)
        time.time_ns = lambda: int(now() * 1e9)
        time.gmtime = lambda seconds=None: real["gmtime"](now() if seconds is None else seconds)
        time.strftime = lambda form, moment=None: real["strftime"](form, time.localtime() if moment is None else moment)

    return install

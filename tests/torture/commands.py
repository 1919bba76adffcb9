"""`tabular-dl` in processes of their own that start at once: forked from one that has imported all libraries.

A command spends most of its first seconds on imports, during which it writes nothing. What is tried here is the rest.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LONGEST", "Command", "Finished", "warm"]

# Seconds after which a command counts as hanging. The slowest takes a tenth of that when the machine is busy.
LONGEST = 240.0
PAUSE = 0.005  # seconds between two looks at a process
HANGS = -1000  # in place of an exit code


def warm() -> None:
    """Import all that commands import. Nothing is computed: TensorFlow starts threads with the first operation."""
    from tabular_dl.nn import load_quietly

    load_quietly()
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import mlflow.sklearn
    import mlflow.store.db.utils
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import tensorflow  # noqa: F401

    from tabular_dl.cli import app  # noqa: F401
    from tabular_dl.workflows import compare, ensemble, fit, report, search, submit  # noqa: F401


@dataclass(frozen=True)
class Finished:
    """Command that has ended: exit code (negative: the signal that ended it), duration and all it printed."""

    line: str
    code: int
    seconds: float
    said: str

    @property
    def traceback(self) -> str | None:
        """The error of a traceback; None if there is none."""
        if "Traceback (most recent call last)" not in self.said:
            return None
        after = self.said.rsplit("Traceback (most recent call last)", 1)[1].splitlines()[1:]
        errors = [line for line in after if line and not line.startswith(" ")]
        return (errors or ["a traceback"])[0][:300]


class Command:
    """Command that runs in a folder.

    Parameters
    ----------
    arguments : sequence of str
        Arguments of `tabular-dl`.
    folder : Path
        Working folder.
    output : Path
        File for standard output and standard error, which need not be in a folder that can be written to.
    environment : mapping of str to str
        Variables to set.
    before : callable, optional
        Called in the new process before the command.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        output: Path,
        environment: Mapping[str, str],
        before: Callable[[], None] | None = None,
    ) -> None:
        self.line, self.output, self.began = " ".join(("tabular-dl", *arguments)), output, time.monotonic()
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            _become(arguments, folder, output, environment, before)
        os.setpgid(self.pid, self.pid)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def running(self) -> bool:
        """Whether the command has not ended."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is None

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Wait for the end of the command, for a number of seconds, or until something is so."""
        end = time.monotonic() + seconds
        while self.running() and time.monotonic() < end and not until():
            time.sleep(PAUSE)

    def kill(self) -> bool:
        """Send signal 9 to the command and its children. Return whether the command was still running."""
        if not self.running():
            return False
        os.killpg(self.pid, signal.SIGKILL)
        self.wait(10)
        return self.code == -signal.SIGKILL

    def end(self, longest: float = LONGEST) -> Finished:
        """Wait for the end and return what became of the command; one that hangs is killed."""
        self.wait(longest)
        seconds = self.seconds
        hung = self.kill()
        said = self.output.read_text(encoding="utf-8", errors="replace")
        return Finished(self.line, HANGS if hung or self.code is None else self.code, seconds, said)


def _become(
    arguments: tuple[str, ...],
    folder: Path,
    output: Path,
    environment: Mapping[str, str],
    before: Callable[[], None] | None,
) -> None:
    """Run the command in this new process, and end it."""
    code = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        os.environ.update(environment)
        tempfile.tempdir = None  # chosen anew, by TMPDIR
        sys.argv = ["tabular-dl", *arguments]
        from tabular_dl.cli.app import main

        if before:
            before()
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 (as Python does at the end of a program)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

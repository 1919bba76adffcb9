"""Commands on changed files, in one process: how each ended, in which time and memory, and what it left behind."""

from __future__ import annotations

import contextlib
import io
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pandas as pd

from tabular_dl.cli.app import main
from tests.torture import specs, tables
from tests.torture.mutation import Mutation

__all__ = ["KINDS", "Outcome", "lay", "outcomes", "report", "run", "trial"]

LONGEST = 60  # seconds after which a command is ended
MOST_MEMORY = 6 * 2**30  # bytes that a command may ask for beyond what the process has

# Settings of a small network, so that a fit that is not refused takes a second.
TINY = (
    *("--set", "network.hidden=[2]", "--set", "training.batch_size=64", "--epochs", "1", "--folds", "2"),
    *("--members", "1", "--no-track"),
)
PIPELINE = """
name: own
data: {source: table, target: y, id: Id}
features:
  Letter: {from: kind, extract: '^([a-z])'}
columns:
  - {columns: [x, n], scale: standard}
  - {columns: [kind, Letter], encode: onehot}
rest: drop
"""


@dataclass(frozen=True)
class Outcome:
    """End of a command on a changed file.

    Attributes
    ----------
    name : str
        What was done to the file, with the seed and the number that make it again.
    command : str
        The command.
    code : int
        Exit code; 1 after a traceback.
    seconds : float
        Time that it took.
    traceback : str or None
        Traceback, if there is one.
    left : tuple of str
        Files that a command left that did not succeed, or that are of a temporary name.
    memory : int
        Bytes that the process held at most.
    printed : str
        What the command printed.
    """

    name: str
    command: str
    code: int
    seconds: float
    traceback: str | None
    left: tuple[str, ...]
    memory: int = 0
    printed: str = ""


def _table_commands(mutation: Mutation, index: int) -> list[str]:
    """Return the command for a changed table: half of them check it, the others draft a pipeline or fit it."""
    file = f"table/{mutation.file}"
    return (
        ["check", "own.yaml", "--set", f"data.train={mutation.file}"],
        ["init", "drafted", "--train", file],
        ["check", "own.yaml", "--set", f"data.test={mutation.file}", "--set", "data.train=whole.csv"],
        ["fit", "--train", file, "--target", tables.TARGET, *TINY],
        ["check", "own.yaml", "--set", f"data.train={mutation.file}", "--set", "data.test=test.csv"],
        ["init", "drafted", "--train", file, "--target", tables.TARGET, "--test", "table/test.csv"],
        ["check", "own.yaml", "--set", f"data.sample={mutation.file}", "--set", "data.train=whole.csv"],
        ["fit", "own.yaml", "--set", f"data.train={mutation.file}", *TINY],
    )[index * 5 // 3 % 8]


def _spec_commands(_: Mutation, index: int) -> list[str]:
    """Return the command for a changed pipeline file: most of them check it."""
    return (
        ["check", specs.FILE],
        ["fit", specs.FILE, "--no-track", "--epochs", "2"],
        ["fit", specs.FILE, "--no-track"],
        ["spec", specs.FILE],
        ["check", specs.FILE, "--data", "table"],
        ["search", specs.FILE, "--trials", "2", "--rounds", "1", "--epochs", "1", "--resume", "none"],
        ["check", specs.FILE],
    )[index * 5 // 3 % 7]


KINDS: dict[str, tuple[Callable[[int, int], Mutation], Callable[[Mutation, int], list[str]]]] = {
    "tables": (tables.mutation, _table_commands),
    "specs": (specs.mutation, _spec_commands),
}


def trial(kind: str, seed: int, count: int, folder: Path) -> list[Outcome]:
    """Run a command on each of a number of changed files.

    Parameters
    ----------
    kind : {"tables", "specs"}
        Kind of the files.
    seed, count : int
        Seed, and number of files.
    folder : Path
        Empty folder to work in.

    Returns
    -------
    list of Outcome
        End of each command.
    """
    return list(outcomes(kind, seed, range(count), folder))


def outcomes(kind: str, seed: int, numbers: range, folder: Path) -> Iterator[Outcome]:
    """Yield the end of the command on the changed file of each number."""
    make, command_of = KINDS[kind]
    with contextlib.chdir(folder):
        for index in numbers:
            mutation = make(seed, index)
            lay(kind, mutation)
            yield run(mutation.name, command_of(mutation, index))
            for path in Path().iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def lay(kind: str, mutation: Mutation) -> None:
    """Write whole tables and a pipeline, and the changed file among them."""
    whole = tables.whole_table()
    place = Path("table")
    place.mkdir()
    whole.to_csv(place / "whole.csv", index=False)
    whole.drop(columns=tables.TARGET).head(9).to_csv(place / "test.csv", index=False)
    if kind == "tables":
        Path("own.yaml").write_text(PIPELINE, encoding="utf-8")
        (place / mutation.file).write_bytes(mutation.content)
    else:
        whole.to_csv(place / "train.csv", index=False)
        pd.DataFrame({"Id": whole["Id"].head(9), tables.TARGET: 0}).to_csv(place / "sample_submission.csv", index=False)
        Path(mutation.file).write_bytes(mutation.content)


def run(name: str, command: list[str]) -> Outcome:
    before = _files()
    printed, error, code = io.StringIO(), None, 0
    _forget_peak()
    begun = time.perf_counter()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), _limits(), _arguments(command):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:  # noqa: BLE001 (whatever it is, it is told)
            code, error = 1, traceback.format_exc()
    seconds = time.perf_counter() - begun
    if "Traceback (most recent call last)" in printed.getvalue():
        error = error or printed.getvalue()
    left = _files() - before
    half = left if code else {file for file in left if re.search(r"(^|/)\.|\.(tmp|partial|before)", file)}
    return Outcome(name, " ".join(command), code, seconds, error, tuple(sorted(half)), _peak(), printed.getvalue())


@contextlib.contextmanager
def _arguments(command: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, ["tabular-dl", *command]
    try:
        yield
    finally:
        sys.argv = before


class _TooLongError(BaseException):
    """A command that has not ended in time; not an `Exception`, so that nothing takes it for one of its own."""


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """End a command that takes too long or asks for too much memory, so that others can run after it."""

    def end(_: int, __: FrameType | None) -> None:
        raise _TooLongError(f"no end after {LONGEST} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + MOST_MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _files() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


def _status(name: str) -> int:
    """Return a size of this process in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    match = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(match[1]) * 1024 if match else 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):  # not allowed everywhere; the peak is then that of all commands
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _peak() -> int:
    return _status("VmHWM")


def report(found: list[Outcome]) -> str:
    """Return the figures of some outcomes: tracebacks, exit codes, files left, the slowest and the largest."""
    slowest, largest = max(found, key=lambda o: o.seconds), max(found, key=lambda o: o.memory)
    codes = {code: sum(outcome.code == code for outcome in found) for code in sorted({o.code for o in found})}
    return (
        f"{len(found)} commands: {sum(o.traceback is not None for o in found)} tracebacks, exit codes {codes}, "
        f"{sum(bool(o.left) for o in found)} left files; slowest {slowest.seconds:.1f} s ({slowest.name}), most memory "
        f"{largest.memory / 2**30:.1f} GB ({largest.name})"
    )


if __name__ == "__main__":  # python -m tests.torture.command_line KIND SEED FIRST COUNT
    import tempfile

    kind, seed, first, count = sys.argv[1], *map(int, sys.argv[2:5])
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    collected = []
    with tempfile.TemporaryDirectory() as place:
        for outcome in outcomes(kind, seed, range(first, first + count), Path(place)):
            collected.append(outcome)
            if outcome.traceback or outcome.left or outcome.code not in (0, 2) or outcome.seconds > 20:
                lines = (
                    f"== {outcome.name}",
                    f"{outcome.command} -> {outcome.code} in {outcome.seconds:.1f} s, left {outcome.left}",
                    (outcome.traceback or outcome.printed).strip()[-1500:],
                )
                sys.stdout.writelines(f"{line}\n" for line in lines)
                sys.stdout.flush()
    sys.stdout.write(report(collected) + "\n")

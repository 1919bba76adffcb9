"""One trial: a folder, the commands that are run in it, and the faults that were found."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.torture.commands import HANGS, Command, Finished
from tests.torture.stores import Store

__all__ = ["ENSEMBLE", "FIT", "SEARCH", "Fault", "Outcome", "Shared", "Skipped", "Trial"]

TINY = ("--set", "network.hidden=[4]")
FIT = ("fit", "wine", "--epochs", "2", "--folds", "2", "--members", "1", *TINY)
SEARCH = ("search", "wine", "--trials", "4", "--rounds", "2", "--epochs", "2", "--set", "ensemble.folds=2", *TINY)
ENSEMBLE = ("ensemble", "wine", "--top", "2")
GOLDEN = (5**0.5 - 1) / 2


class Skipped(Exception):  # noqa: N818 (no error)
    """The trial cannot be made on this machine, for a reason."""


@dataclass(frozen=True)
class Fault:
    """Promise that was broken: which one, and what was seen."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Shared:
    """What trials know from before: folders to start from, and commands that ended undisturbed.

    Attributes
    ----------
    templates : dict of int to Path
        Working folders by their number of tracked fits.
    seconds, first : dict of str to float
        By name of the command: its duration, and the part of it after which it first changes the folder.
    bytes : dict of str to int
        By name of the command: how much larger the folder is afterwards.
    winner : str
        Pipeline that the undisturbed search has written.
    """

    templates: dict[int, Path] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    winner: str = ""


@dataclass
class Outcome:
    """Result of a trial: its faults, what else is worth counting, and the slowest command."""

    name: str
    index: int
    faults: list[Fault] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    runs: int = 1
    slowest: float = 0.0
    skipped: str = ""


class Trial:
    """Trial number `index` of a name. Whatever is random in it follows from name, seed and number."""

    def __init__(self, name: str, index: int, seed: int, folder: Path, shared: Shared) -> None:
        self.name, self.index, self.seed, self.folder, self.shared = name, index, seed, folder, shared
        self.mutations = 0  # of a trial that mutates files
        self.random = np.random.default_rng([seed, zlib.crc32(name.encode()), index])
        # Evenly spread over 0 to 1, however many trials there are.
        self.moment = (index * GOLDEN + np.random.default_rng([seed, zlib.crc32(name.encode())]).random()) % 1
        self.work, self.temporary, self.said = (folder / name for name in ("disk/work", "disk/tmp", "said"))
        for path in (self.work, self.temporary, self.said):
            path.mkdir(parents=True)
        self.outcome = Outcome(name, index)
        self.environment: dict[str, str] = {}
        self.fits = 0  # tracked fits at the beginning
        self.store = Store.of(self.work)

    def begin(self, fits: int) -> None:
        """Fill the folder with a store of so many fits."""
        self.fits = fits
        if fits:
            template = self.shared.templates[fits]
            shutil.copytree(template, self.work, dirs_exist_ok=True)
            Store.of(self.work).move(template, self.work)

    def fault(self, kind: str, detail: str) -> None:
        """Record a broken promise."""
        self.outcome.faults.append(Fault(kind, " ".join(detail.split())[:400]))

    def note(self, kind: str, count: int = 1) -> None:
        """Count something that is no fault."""
        self.outcome.notes[kind] += count

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Command:
        """Start a command in the folder."""
        output = Path(tempfile.mkstemp(dir=self.said, prefix=f"{arguments[0]}-")[1])
        variables = {"TMPDIR": str(self.temporary), **self.environment, **(environment or {})}
        return Command(arguments, self.work, output, variables, before)

    def end(self, command: Command, codes: tuple[int, ...] = (0,)) -> Finished:
        """Wait for a command. A hang, a traceback and an exit code that is not among the given ones are faults."""
        return self.judge(command.end(), codes)

    def judge(self, ended: Finished, codes: tuple[int, ...] = (0,)) -> Finished:
        """Record what is wrong with the end of a command."""
        self.outcome.slowest = max(self.outcome.slowest, ended.seconds)
        # Not the lower edge of a box.
        last = [line for line in ended.said.splitlines() if any(map(str.isalpha, line))][-1:] or [""]
        if ended.code == HANGS:
            self.fault("hang", f"{ended.line}: {ended.seconds:.0f} s, {last[0]}")
        elif ended.traceback:
            self.fault("traceback", f"{ended.line}: {ended.traceback}")
        elif ended.code not in codes:
            self.fault("exit code", f"{ended.line}: {ended.code} instead of {codes}: {last[0]}")
        return ended

    def run(
        self,
        *arguments: str,
        codes: tuple[int, ...] = (0,),
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Finished:
        """Run a command to its end, as `end` judges it."""
        return self.end(self.start(*arguments, environment=environment, before=before), codes)

"""Full disks, folders that cannot be written to, and a folder for temporary files that is missing."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.torture.invariants import SCORES_SHOWN, aftermath, whole_results
from tests.torture.trials import ENSEMBLE, FIT, SEARCH, Skipped, Trial

__all__ = ["full_disk", "missing_temporary_folder", "read_only_folder"]

MOUNTS = "TORTURE_MOUNTS" in os.environ  # disks can be mounted that nobody else sees
PAGE = 4096
ROOM = 256 * 2**20

# Commands in turn, with the number of fits that are in the store before, and their trial that was not disturbed.
COMMANDS = [
    (0, FIT, "first-fit"),
    (1, FIT, "later-fit"),
    (2, ENSEMBLE, "ensemble"),
    (0, SEARCH, "search"),
    (1, ("submit", "wine"), ""),
    (1, ("report", "RUN", "-o", "report.html"), ""),
    (1, ("compare", "wine"), ""),
]
SUBMISSION_BYTES = 400_000  # about what a submission takes, with SQLite's journal


def _arguments(trial: Trial, arguments: tuple[str, ...]) -> tuple[str, ...]:
    run = trial.store.runs()[-1].id if "RUN" in arguments else ""
    return tuple(run if argument == "RUN" else argument for argument in arguments)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def full_disk(trial: Trial) -> None:
    """Let the disk of the working folder be full after a random number of bytes; every second time TMPDIR is on it.

    The disk is a small one in memory where that can be mounted. Elsewhere no file may grow beyond a random size.
    """
    fits, arguments, name = COMMANDS[trial.index % 6]
    disk = trial.folder / "disk"
    if MOUNTS:
        _mount("-t", "tmpfs", "-o", f"size={ROOM}", "torture", str(disk))
        trial.work.mkdir()
        trial.temporary.mkdir()
    try:
        trial.begin(fits)
        if trial.index // 6 % 2:
            trial.temporary = trial.folder / "tmp"
            trial.temporary.mkdir()
        arguments = _arguments(trial, arguments)
        free = int(trial.moment * 1.2 * trial.shared.bytes.get(name, SUBMISSION_BYTES))
        before = None
        if MOUNTS:
            used = shutil.disk_usage(disk).used
            _mount("-o", f"remount,size={(used + free) // PAGE * PAGE + PAGE}", str(disk))
        else:
            before = _limit(free)
        ended = trial.run(*arguments, codes=(0, 2, 3), before=before)
        trial.note(f"exit code {ended.code}")
        if MOUNTS:
            _mount("-o", f"remount,size={ROOM}", str(disk))
        kept = whole_results(trial) or (len(trial.store.runs()) > fits and trial.store.runs()[-1].whole)
        if arguments[0] == "fit" and ended.code == 0 and not kept:
            trial.fault("results lost", f"{ended.line} ended with 0, but its results are nowhere")
        if SCORES_SHOWN.search(ended.said) and trial.temporary.parent != disk and arguments[0] == "fit" and not kept:
            trial.fault("results lost", f"{ended.line} showed its scores, and there was room in TMPDIR")
        aftermath(trial)
    finally:
        if MOUNTS:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


def _limit(size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def read_only_folder(trial: Trial) -> None:
    """Run a command in a folder that cannot be written to: it says so, changes nothing, and keeps a fit's results."""
    fits, arguments, _ = COMMANDS[trial.index % len(COMMANDS)]
    trial.begin(fits)
    arguments = _arguments(trial, arguments)
    before = _contents(trial.work)
    if MOUNTS:
        _mount("--bind", str(trial.work), str(trial.work))
        _mount("-o", "remount,bind,ro", str(trial.work))
    elif os.geteuid() == 0:
        raise Skipped("root may write everywhere, and nothing can be mounted")
    else:
        _allow(trial.work, write=False)
    try:
        # Only a comparison writes nothing; a fit may end with 3 and its results elsewhere.
        codes = {"compare": (0,), "fit": (2, 3), "ensemble": (2, 3)}.get(arguments[0], (2,))
        ended = trial.run(*arguments, codes=codes)
    finally:
        if MOUNTS:
            subprocess.run(["umount", str(trial.work)], check=True)
        else:
            _allow(trial.work, write=True)
    trial.note(f"exit code {ended.code}")
    if ended.code != 0 and not any(
        word in ended.said for word in ("Read-only", "read-only", "readonly", "ermission", "ritable", "written")
    ):
        trial.fault("reason not said", f"{ended.line}: {ended.said[-200:]}")
    if SCORES_SHOWN.search(ended.said) and arguments[0] == "fit" and not whole_results(trial):
        trial.fault("results lost", f"{ended.line} showed its scores, but its results are nowhere")
    if _contents(trial.work) != before:
        trial.fault("folder changed", ended.line)
    aftermath(trial)


def _contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _allow(folder: Path, *, write: bool) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod((0o700 if path.is_dir() else 0o600) if write else (0o500 if path.is_dir() else 0o400))


def missing_temporary_folder(trial: Trial) -> None:
    """Run a command with a TMPDIR that does not exist: it works as ever."""
    fits, arguments, _ = COMMANDS[trial.index % 6]
    trial.begin(fits)
    trial.run(*_arguments(trial, arguments), environment={"TMPDIR": str(trial.folder / "missing")})
    aftermath(trial)

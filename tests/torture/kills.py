"""Commands killed by signal 9 at random moments."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.torture.commands import Finished
from tests.torture.invariants import aftermath, check_marked
from tests.torture.trials import ENSEMBLE, FIT, SEARCH, Trial

__all__ = ["ATTEMPTS", "EARLIER", "KILLED", "Measured", "calm", "half_made", "kill"]

# By name of the trial: fits that are in the store before, and the command.
KILLED = {"first-fit": (0, FIT), "later-fit": (1, FIT), "search": (0, SEARCH), "ensemble": (2, ENSEMBLE)}
# How long a command takes varies; one that ended before its kill is run again and killed earlier.
ATTEMPTS, EARLIER = 4, 0.75
STORE_SECONDS = 2.0  # about how long MLflow makes a store
WINNER = "pipelines/wine.best.yaml"


@dataclass(frozen=True)
class Measured:
    """Undisturbed command: seconds, the part of them until it changed its folder, bytes and pipeline it wrote."""

    seconds: float
    first: float
    bytes: int
    winner: str


def calm(trial: Trial) -> Measured:
    """Run the command of a trial undisturbed, and return how long it takes and what it writes.

    All that is checked after a disturbance has to hold then, too.
    """
    fits, arguments = KILLED[trial.name]
    trial.begin(fits)
    before, size = _state(trial.work), _bytes(trial.work)
    command = trial.start(*arguments)
    command.wait(600, lambda: _state(trial.work) != before)
    first = command.seconds
    ended = trial.end(command)
    winner = trial.work / WINNER
    measured = Measured(
        ended.seconds,
        first / ended.seconds,
        _bytes(trial.work) - size,
        winner.read_text(encoding="utf-8") if winner.exists() else "",
    )
    aftermath(trial, ended if trial.name.endswith("fit") else None)
    return measured


def kill(trial: Trial) -> None:
    """Kill a command at a random moment: every second time of the whole, else after it first changed its folder."""
    for attempt in range(ATTEMPTS):
        killed = _kill_at(trial, trial.moment * EARLIER**attempt)
        if killed.code == -signal.SIGKILL:
            break
    if killed.code != -signal.SIGKILL:
        trial.fault("trial failed", f"{killed.line} ended before each of {ATTEMPTS} kills")
        return
    trial.note("killed")
    if trial.name == "search":
        _resume(trial, killed)
        aftermath(trial)
    else:
        aftermath(trial, killed if trial.name.endswith("fit") else None)


def _kill_at(trial: Trial, moment: float) -> Finished:
    """Run the command in a folder that is as before, and kill it at a moment between 0 and 1 of its usual time."""
    fits, arguments = KILLED[trial.name]
    _empty(trial.work)
    trial.begin(fits)
    before = _state(trial.work)
    command = trial.start(*arguments)
    usual, first = trial.shared.seconds[trial.name], trial.shared.first[trial.name]
    if trial.index % 2:
        command.wait(600, lambda: _state(trial.work) != before)
        command.wait(usual * (1 - first) * moment)
    else:
        command.wait(usual * moment)
    command.kill()
    return command.end()


def _resume(trial: Trial, killed: Finished) -> None:
    """Check that a search that was killed ends with the winner of an undisturbed one."""
    left = trial.store.unfinished()
    trial.run("compare", "wine", codes=(2,))  # there is no fit yet
    check_marked(trial, left)
    searches = [run for run in trial.store.runs() if run.kind == "search"]
    if searches and not searches[-1].whole:
        run = searches[-1]
        begun = any(trial.work.glob(f"mlruns/*/{run.id}/artifacts/state.json"))
        # A search that has not written its state yet has nothing to go on from.
        resumed = trial.run(*SEARCH, "--resume", run.id, codes=(0,) if begun else (2,))
        trial.note("resumed" if resumed.code == 0 else "nothing to resume")
    if not (trial.work / WINNER).exists():
        trial.run(*SEARCH)
    winner = trial.work / WINNER
    if not winner.exists() or _settings(winner.read_text(encoding="utf-8")) != _settings(trial.shared.winner):
        trial.fault("another winner", f"after {killed.seconds:.2f} s of the killed search")


def _settings(pipeline: str) -> list[str]:
    """Return a pipeline without the comments, which name the run."""
    return [line for line in pipeline.splitlines() if not line.startswith("#")]


def half_made(trial: Trial) -> None:
    """Kill MLflow itself while it makes a store in place, as versions of this package did that made none themselves."""
    for attempt in range(ATTEMPTS):
        _empty(trial.work)
        before = _state(trial.work)
        # The command's place is taken by a program that does nothing but let MLflow make the store.
        command = trial.start("list", before=_make_in_place)
        command.wait(600, lambda before=before: _state(trial.work) != before)  # type: ignore[misc]
        command.wait(STORE_SECONDS * trial.moment * EARLIER**attempt)
        if command.kill():
            break
    if command.code != -signal.SIGKILL:
        trial.fault("trial failed", f"the store was made before each of {ATTEMPTS} kills")
        return
    trial.note("killed")
    aftermath(trial)


def _make_in_place() -> None:
    import mlflow

    mlflow.MlflowClient(f"sqlite:///{Path('mlflow.db').resolve()}").search_experiments(max_results=1)
    os._exit(0)


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """Return what can be seen of a folder without opening its files; locks do not count."""
    entries = []
    for entry in os.scandir(folder):
        try:
            status = entry.stat()
        except FileNotFoundError:
            continue
        if "lock" not in entry.name:
            entries.append((entry.name, status.st_mtime_ns, status.st_size))
    return sorted(entries)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""Trials of what may happen to commands: `python -m tests.torture`, or `make torture`.

Prints a table of the trials and their faults, each with the command that makes it again. The exit code is 1 if there
are any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.torture.clocks import jump
from tests.torture.commands import warm
from tests.torture.disks import full_disk, missing_temporary_folder, read_only_folder
from tests.torture.figures import as_json, print_figures, write_figures
from tests.torture.inputs import mutated_files, mutated_models
from tests.torture.kills import KILLED, Measured, calm, half_made, kill
from tests.torture.servers import server
from tests.torture.together import at_once, submit_twice
from tests.torture.trials import FIT, Outcome, Shared, Skipped, Trial

TRIALS: dict[str, Callable[[Trial], None]] = {
    **dict.fromkeys(KILLED, kill),
    "half-made": half_made,
    "disk": full_disk,
    "folder": read_only_folder,
    "clock": jump,
    "tmpdir": missing_temporary_folder,
    "submit-twice": submit_twice,
    "at-once": at_once,
    "server": server,
    "tables": mutated_files,
    "specs": mutated_files,
    "models": mutated_models,
}
# How often each trial is made that is neither a kill nor a mutated file.
TIMES = {
    "half-made": 10,
    "disk": 20,
    "folder": 8,
    "clock": 10,
    "tmpdir": 6,
    "submit-twice": 6,
    "at-once": 4,
    "server": 4,
}
WORKERS = min(2, os.cpu_count() or 1)  # each command uses all processors for part of its time


def options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills of each command")
    parser.add_argument("--mutations", type=int, default=500, help="mutated files of each kind")
    parser.add_argument("--times", type=int, help="how often every other trial is made; by default each its own number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="NAMES", help=f"separated by commas, of {', '.join(TRIALS)}")
    parser.add_argument("--index", type=int, help="make one trial only, by its number")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes to a file")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the figures into a page, docs/reliability.md")
    parser.add_argument("--keep", action="store_true", help="keep the folders of trials with faults")
    return parser.parse_args()


def counts(chosen: argparse.Namespace) -> dict[str, list[int]]:
    """Return the numbers of the trials to make, by name."""
    names = [name for name in chosen.only.split(",") if name] or list(TRIALS)
    unknown = set(names) - set(TRIALS)
    if unknown:
        sys.exit(f"There is no trial {', '.join(sorted(unknown))}: {', '.join(TRIALS)}")
    if chosen.index is not None:
        return {name: [chosen.index] for name in names}
    # A mutated file's number is its own; the trial makes all of them.
    times = {name: chosen.times or number for name, number in TIMES.items()} | dict.fromkeys(KILLED, chosen.kills)
    return {name: list(range(times.get(name, 1))) for name in names}


def one_trial(name: str, index: int, chosen: argparse.Namespace, folder: Path, shared: Shared) -> Outcome:
    """Make a trial in a new folder, and delete the folder."""
    trial = Trial(name, index, chosen.seed, folder / f"{name}-{index}", shared)
    trial.mutations = chosen.mutations
    try:
        TRIALS[name](trial)
    except Skipped as reason:
        trial.outcome.skipped = str(reason)
    except Exception:  # noqa: BLE001 (a trial that fails must not end all others)
        trial.fault("trial failed", traceback.format_exc()[-400:])
    if not (chosen.keep and trial.outcome.faults):
        shutil.rmtree(trial.folder, ignore_errors=True)
    return trial.outcome


def undisturbed(name: str, seed: int, folder: Path, shared: Shared) -> tuple[Measured, Outcome]:
    """Make the undisturbed trial of a command."""
    trial = Trial(name, 10**6, seed, folder / f"{name}-calm", shared)
    measured = calm(trial)
    trial.outcome.name = f"{name}, not killed"
    return measured, trial.outcome


def templates(folder: Path) -> dict[int, Path]:
    """Make working folders with one and two tracked fits."""
    trial = Trial("templates", 0, 0, folder / "templates", Shared())
    made = {}
    for fits, seeds in ((1, "hidden=[4]"), (2, "hidden=[5]")):
        ended = trial.run(*FIT, "--set", f"network.{seeds}")
        if trial.outcome.faults:
            sys.exit(f"An undisturbed fit fails: {trial.outcome.faults[0].detail}\n{ended.said}")
        made[fits] = trial.folder / f"fits-{fits}"
        shutil.copytree(trial.work, made[fits])
        trial.store.of(made[fits]).move(trial.work, made[fits])
    return made


def run_all(chosen: argparse.Namespace, folder: Path, console: Console) -> list[Outcome]:
    """Make all trials, two at a time, and return their outcomes."""
    wanted = counts(chosen)
    warm()
    shared = Shared(templates(folder))
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("fork")) as pool:
        # Two at a time, as later, so that they take as long as later.
        needed = KILLED if {"disk", "clock"} & set(wanted) else [name for name in wanted if name in KILLED]
        asked = {name: pool.submit(undisturbed, name, chosen.seed, folder, shared) for name in needed}
        calms = {name: future.result() for name, future in asked.items()}
        for name, (measured, _) in calms.items():
            shared.seconds[name], shared.first[name] = measured.seconds, measured.first
            shared.bytes[name] = measured.bytes
        if "search" in calms:
            shared = replace(shared, winner=calms["search"][0].winner)
        jobs = [
            pool.submit(one_trial, name, index, chosen, folder, shared)
            for name, indices in wanted.items()
            for index in indices
        ]
        outcomes = [outcome for _, outcome in calms.values()]
        for number, job in enumerate(jobs, start=1):
            outcomes.append(job.result())
            for fault in outcomes[-1].faults:
                console.print(
                    f"{number}/{len(jobs)} {outcomes[-1].name} {outcomes[-1].index}: {fault.kind}", markup=False
                )
    return outcomes


def main() -> int:
    """Make the trials that the command line asks for, and return the exit code."""
    chosen, console, began = options(), Console(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="torture-")).resolve()
    try:
        outcomes = run_all(chosen, folder, console)
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)
    seconds = time.monotonic() - began
    print_figures(outcomes, chosen.seed, console)
    console.print(f"{sum(outcome.runs for outcome in outcomes)} runs in {seconds / 60:.1f} minutes")
    if chosen.json:
        chosen.json.write_text(as_json(outcomes, seconds, chosen.seed), encoding="utf-8")
    if chosen.page:
        write_figures(chosen.page, outcomes, seconds, chosen.seed)
    return int(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    if os.geteuid() == 0 and "TORTURE_MOUNTS" not in os.environ and shutil.which("unshare"):
        # In a view of the file system of its own, in which disks are mounted that nobody else sees.
        os.environ["TORTURE_MOUNTS"] = "1"
        own_view = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            sys.executable,
            "-m",
            "tests.torture",
            *sys.argv[1:],
        ]
        os.execvp("unshare", own_view)  # noqa: S606
    sys.exit(main())

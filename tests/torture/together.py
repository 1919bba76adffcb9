"""Commands that run at the same time in one folder."""

from __future__ import annotations

from tests.torture.invariants import aftermath, check_files
from tests.torture.trials import ENSEMBLE, FIT, SEARCH, Trial

__all__ = ["at_once", "submit_twice"]


def submit_twice(trial: Trial) -> None:
    """Write two submissions to one file at once: it is one of them, whole. Every second time they are of two runs."""
    trial.begin(2)
    ids = [run.id for run in trial.store.runs()]
    chosen = [ids[0], ids[trial.index % 2]]
    whole = []
    for run in chosen:
        trial.run("submit", "wine", "--run", run, "-o", "alone.csv")
        whole.append((trial.work / "alone.csv").read_bytes())
    (trial.work / "alone.csv").unlink()
    commands = [trial.start("submit", "wine", "--run", run, "-o", "both.csv") for run in chosen]
    for command in commands:
        trial.end(command)
    if not (trial.work / "both.csv").exists() or (trial.work / "both.csv").read_bytes() not in whole:
        trial.fault("half-written file", "both.csv is neither of the two submissions")
    if any(trial.work.glob(".both.csv*")):
        trial.fault("half-written file", "a part of both.csv was left")
    check_files(trial)


def at_once(trial: Trial) -> None:
    """Run fit, search, ensemble and compare at once on one store, each twice; every second time there is none yet."""
    fits = trial.index % 2 * 2
    trial.begin(fits)
    # Without runs there is nothing to blend or compare, and the commands say so.
    codes = (0,) if fits else (0, 2)
    started = [
        (trial.start(*arguments), expected)
        for _ in range(2)
        for arguments, expected in (
            ((*FIT, "--seed", str(trial.index)), (0,)),
            (SEARCH, (0,)),
            (ENSEMBLE, codes),
            (("compare", "wine"), codes),
        )
    ]
    ended = [trial.end(command, expected) for command, expected in started]
    whole = [run.kind for run in trial.store.runs() if run.whole]
    expected_runs = {
        "fit": fits + 2,
        "search": 2,
        "ensemble": sum(e.code == 0 for e in ended if e.line.startswith("tabular-dl ensemble")),
    }
    if {kind: whole.count(kind) for kind in expected_runs} != expected_runs:
        trial.fault("results lost", f"the store has {sorted(whole)}, not {expected_runs}")
    aftermath(trial)

"""Mutated tables, specifications and models, through the command line."""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import traceback
from pathlib import Path

from tests.torture.trials import FIT, Skipped, Trial

__all__ = ["mutated_files", "mutated_models"]

LONGEST = 20.0
MEMORY = 16 * 2**30  # of addresses, of which libraries alone take some GB
ROWS = Path(__file__).parents[2] / "data" / "wine" / "test.csv"


def _module(name: str) -> object:
    try:
        return importlib.import_module(f"tests.torture.{name}")
    except ModuleNotFoundError as error:
        raise Skipped(f"there is no {error.name}") from None


def mutated_files(trial: Trial) -> None:
    """Read mutated tables or specifications by commands that all run in one new process."""
    driver = _module("command_line")
    seed = int(trial.seed)
    answer = trial.folder / "outcomes.json"
    pid = os.fork()
    if pid == 0:
        try:
            found = driver.trial(trial.name, seed, trial.mutations, trial.work)  # type: ignore[attr-defined]
            answer.write_text(
                json.dumps([[o.name, str(o.command), o.code, o.seconds, o.traceback, list(o.left)] for o in found])
            )
            os._exit(0)
        except BaseException:  # noqa: BLE001 (as Python does at the end of a program)
            (trial.folder / "error").write_text(traceback.format_exc())
            os._exit(1)
    os.waitpid(pid, 0)
    if not answer.exists():
        reason = trial.folder / "error"
        trial.fault("trial failed", reason.read_text()[-400:] if reason.exists() else "the process was killed")
        return
    outcomes = json.loads(answer.read_text())
    trial.outcome.runs = len(outcomes)
    for name, command, code, seconds, error, left in outcomes:
        trial.outcome.slowest = max(trial.outcome.slowest, seconds)
        trial.note(f"exit code {code}")
        if error:
            trial.fault("traceback", f"{name}: {command}: {error}")
        elif code not in (0, 2):
            trial.fault("exit code", f"{name}: {command}: {code}")
        if left:
            trial.fault("half-written file", f"{name}: {command}: {left}")
        if seconds > LONGEST:
            trial.fault("slow", f"{name}: {command}: {seconds:.0f} s")


def mutated_models(trial: Trial) -> None:
    """Predict with mutated models: each is refused, or predicts."""
    generator = _module("models")
    trial.run(*FIT, "--no-track", "--quiet")
    (result,) = (trial.work / "outputs").glob("[!.]*")
    shutil.copy(ROWS, trial.work / "rows.csv")
    model = result / "model" / "model.skops"
    whole = model.read_bytes()
    trial.outcome.runs = 0
    for number, (name, content) in enumerate(
        generator.mutations(whole, int(trial.seed), trial.mutations)  # type: ignore[attr-defined]
    ):
        model.write_bytes(content)
        output = f"predictions-{number}.csv"
        ended = trial.run("predict", str(result), "rows.csv", "-o", output, codes=(0, 2), before=_limit_memory)
        trial.outcome.runs += 1
        trial.note(f"exit code {ended.code}")
        if ended.code == 2 and (trial.work / output).exists():
            trial.fault("half-written file", f"{name}: {output}")
        if ended.seconds > LONGEST:
            trial.fault("slow", f"{name}: {ended.seconds:.0f} s")
        if ended.traceback or ended.code not in (0, 2):
            trial.fault("which model", f"{number}: {name}")
        (trial.work / output).unlink(missing_ok=True)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

"""What has to hold in a working folder, whatever has happened to the commands in it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.torture.commands import Finished
from tests.torture.trials import FIT, SEARCH, Trial

__all__ = [
    "aftermath",
    "check_files",
    "check_marked",
    "check_next_commands",
    "check_results",
    "check_store",
    "whole_results",
]

TEST_ROWS = Path(__file__).parents[2] / "data" / "wine" / "test.csv"
RUN = re.compile(r"\b[0-9a-f]{32}\b")
# A fit prints this line of its table of scores when training and the simple models have ended.
SCORES_SHOWN = re.compile(r"standard error\s+│")


def aftermath(trial: Trial, disturbed: Finished | None = None) -> None:
    """Check all that has to hold after a command was disturbed: store, files, results, and the next commands.

    Parameters
    ----------
    trial : Trial
        Trial, whose faults are recorded.
    disturbed : Finished, optional
        Command that was disturbed, if a fit's results are to be looked for.
    """
    check_store(trial)
    check_files(trial)
    left = trial.store.unfinished()
    finished = any(run.whole and run.kind in ("fit", "ensemble") for run in trial.store.runs())
    answer = trial.run("compare", "wine", codes=(0,) if finished else (2,))
    check_marked(trial, left)
    if disturbed:
        check_results(trial, disturbed, answer)
    check_next_commands(trial, left)
    check_store(trial)
    check_files(trial)
    hidden = [path.name for path in trial.work.iterdir() if path.name.startswith(".") and "lock" not in path.name]
    trial.note("hidden files left", len(hidden))


def check_store(trial: Trial) -> None:
    """Check that SQLite finds no damage in the store."""
    damage = trial.store.damage()
    if damage:
        trial.fault("store damaged", damage)


def check_files(trial: Trial) -> None:
    """Check that each file that can be seen is whole: submissions, pipeline files, reports, folders of results."""
    from tabular_dl.errors import UserError
    from tabular_dl.spec import load_spec

    for path in trial.work.glob("*.csv"):
        if not whole_submission(path):
            trial.fault("half-written file", f"{path.name}: {path.stat().st_size} bytes")
    for path in trial.work.glob("pipelines/*.yaml"):
        try:
            load_spec(str(path))
        except UserError as error:
            trial.fault("half-written file", f"{path.name}: {error}")
    for path in trial.work.glob("*.html"):
        if not path.read_text(encoding="utf-8", errors="replace").rstrip().endswith("</html>"):
            trial.fault("half-written file", f"{path.name}: {path.stat().st_size} bytes")
    for path in trial.work.glob("outputs/[!.]*"):
        if not whole_result(path):
            trial.fault("half-written file", f"outputs/{path.name}: {sorted(p.name for p in path.iterdir())}")


def whole_submission(path: Path) -> bool:
    """Whether a file is a whole submission for the bundled wines: ids of all test rows, and a cultivar each."""
    ids = [line.split(",")[0] for line in TEST_ROWS.read_text(encoding="utf-8").splitlines()[1:]]
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    cells = [line.split(",") for line in lines[1:-1]]
    return (
        lines[0] == "Id,cultivar"
        and lines[-1] == ""
        and [row[0] for row in cells] == ids
        and all(len(row) == 2 and row[1] for row in cells)
    )


def whole_result(folder: Path) -> bool:
    """Whether a folder holds the whole results of a fit: report, specification, predictions and a model that opens."""
    import zipfile

    model = folder / "model" / "model.skops"
    report = folder / "report.html"
    return (
        (folder / "spec.yaml").exists()
        and any(folder.glob("predictions/*"))
        and report.exists()
        and report.read_text(encoding="utf-8").rstrip().endswith("</html>")
        and model.exists()
        and zipfile.is_zipfile(model)
        and (model.parent / "MLmodel").exists()
    )


def whole_results(trial: Trial) -> list[Path]:
    """Return the folders with whole results, in the working folder and where temporary files go."""
    places = (trial.work / "outputs", trial.temporary, trial.folder / "tmp")
    found = {
        path.parents[1].resolve()
        for place in places
        for path in place.rglob("model/model.skops")
        if not any(part.startswith(".") for part in path.relative_to(place).parts)
    }
    return sorted(path for path in found if whole_result(path))


def check_marked(trial: Trial, left: set[str]) -> None:
    """Check that runs of killed commands do not pass for running any more."""
    still = left & trial.store.unfinished()
    if still:
        trial.fault("killed run not marked", f"{len(still)} of {len(left)} runs are still RUNNING after compare")


def check_results(trial: Trial, disturbed: Finished, answer: Finished) -> None:
    """Check that a fit whose scores were shown is whole in the store, or lies in a folder that the next command names.

    Parameters
    ----------
    trial : Trial
        Trial, whose faults are recorded.
    disturbed : Finished
        The fit.
    answer : Finished
        The next command.
    """
    if not SCORES_SHOWN.search(disturbed.said):
        return
    trial.note("scores shown")
    stored = len(_fits(trial)) > trial.fits
    folders = whole_results(trial)
    if not stored and not folders:
        trial.fault("results lost", f"{disturbed.line} showed its scores, but no whole run and no folder has them")
    elif not stored and not any(folder.name in answer.said for folder in folders) and "recover" not in answer.said:
        trial.fault("results not offered", f"{answer.line} does not name {folders[0].name}")
    if folders and not (stored and not has_recover()):
        recover(trial)


def has_recover() -> bool:
    """Whether there is a command that logs what was left."""
    from typer.main import get_command

    from tabular_dl.cli.app import app

    return "recover" in getattr(get_command(app), "commands", {})


def recover(trial: Trial) -> None:
    """Log what was left: the store then has the disturbed fit once."""
    if not has_recover():
        trial.fault("results not logged", "there is no command to log results that were left in a folder")
        return
    trial.note("recovered")
    trial.run("recover")
    if len(_fits(trial)) != trial.fits + 1:
        trial.fault("results not logged", f"after recover there are {len(_fits(trial))} fits, not {trial.fits + 1}")


def _fits(trial: Trial) -> list[str]:
    return [run.id for run in trial.store.runs() if run.kind == "fit" and run.whole]


def check_next_commands(trial: Trial, left: set[str]) -> None:
    """Check that the next fit is tracked, that compare and submit work, and never take a killed run.

    Parameters
    ----------
    trial : Trial
        Trial, whose faults are recorded.
    left : set of str
        Ids of runs that killed commands have left.
    """
    before = len(_fits(trial))
    fitted = trial.run(*FIT, "--seed", "7", "--quiet")
    if len(_fits(trial)) != before + 1:
        trial.fault("next fit not tracked", fitted.said.strip().splitlines()[-1] if fitted.said.strip() else "silent")
    compared = trial.run("compare", "wine")
    for run in trial.store.runs():
        if run.id in left and not run.whole and run.name in compared.said:
            trial.fault("killed run chosen", f"compare shows {run.name}, {run.status}")
    submitted = trial.run("submit", "wine", "-o", "next.csv")
    whole = {run.id for run in trial.store.runs() if run.whole}
    chosen = RUN.search(submitted.said)
    if submitted.code == 0 and (chosen is None or chosen[0] not in whole):
        trial.fault("killed run chosen", f"submit took {chosen and chosen[0]}")
    if submitted.code == 0 and not (trial.work / "next.csv").exists():
        trial.fault("half-written file", "submit ended well, but there is no next.csv")
    killed = [run for run in trial.store.runs() if run.id in left and run.kind in ("fit", "search", "ensemble")]
    if killed:
        shown = trial.run("compare", "wine", "--all")
        if shown.code == 0 and killed[0].name not in shown.said:
            trial.fault("killed run not shown", f"compare --all does not name {killed[0].name}, {killed[0].status}")
        if killed[0].kind != "search":
            trial.run(*SEARCH, "--resume", killed[0].id, codes=(2,))
    if "--resume" in fitted.said + compared.said:
        trial.fault("resume offered for a fit", (fitted.said + compared.said)[-200:])

"""MLflow run of a search: opened or resumed, updated after each round, and closed with figures and a report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import SpecError
from tabular_dl.model_selection import Distribution, Record, SearchState, read_distribution
from tabular_dl.plots import save_png
from tabular_dl.reporting import SearchResult, parallel_coordinates, render, scores_by_hyperparameter, search_page
from tabular_dl.spec import leaves
from tabular_dl.tracking import Child, OpenRun, environment, find_run_id, metric_tags
from tabular_dl.workflows.search_task import SearchOptions, SearchTask

__all__ = ["finish", "log_round", "open_search"]

# Largest number of trials with child runs. More would make the UI slow; all trials are in a table anyway.
MOST_CHILDREN = 200


def open_search(task: SearchTask, options: SearchOptions) -> tuple[OpenRun, SearchState]:
    """Open a new run, or the run of an interrupted search.

    Parameters
    ----------
    task : SearchTask
        Tables, folds and search space.
    options : SearchOptions
        Options of the search; ``resume`` names the interrupted search.

    Returns
    -------
    run : OpenRun
        Run to log to.
    state : SearchState
        State to continue from.

    Raises
    ------
    SpecError
        If the run to resume is not a search, or was started with another pipeline, other data or other options.
    """
    identity = task.identity()
    if options.resume is None:
        space = {f"search.{leaf}": str(distribution) for leaf, distribution in task.space.items()}
        tags = {
            **metric_tags(task.metric),
            "tabular_dl.problem": task.problem.name,
            "tabular_dl.data_digest": task.digest,
        }
        run = OpenRun.create(task.spec.name, "search", {**leaves(task.spec), **space, **_parameters(options)}, tags)
        _write_json(run, "search.json", {"identity": identity})
        state = SearchState([task.space])
        _write_json(run, "state.json", _as_json(state))
        return run, state
    run = OpenRun(find_run_id(options.resume))
    if run.tags.get("tabular_dl.kind") != "search":
        raise SpecError(f"--resume {options.resume}: expected a search, found a {run.tags.get('tabular_dl.kind')}.")
    before = json.loads(run.read("search.json"))["identity"]
    now = json.loads(json.dumps(identity))
    different = sorted(name for name in now if now[name] != before.get(name))
    if different:
        keys = [key for key in {*now["spec"], *before["spec"]} if now["spec"].get(key) != before["spec"].get(key)]
        differences = ", ".join(sorted(keys)) if different == ["spec"] else ", ".join(different)
        raise SpecError(
            f"--resume {options.resume}: that search had another pipeline or other options ({differences}). Use the "
            "same, or start a new search."
        )
    state = _from_json(json.loads(run.read("state.json")))
    run.reopen()
    return run, state


def _parameters(options: SearchOptions) -> dict[str, Any]:
    return {
        f"search_{name}": value for name, value in asdict(options).items() if value is not None and name != "resume"
    }


def _as_json(state: SearchState) -> dict[str, Any]:
    ranges = [
        {leaf: distribution.as_dict() for leaf, distribution in distributions.items()} for distributions in state.ranges
    ]
    records, finals = ([asdict(record) for record in group] for group in (state.records, state.finals))
    return {"ranges": ranges, "records": records, "said": state.said, "finals": finals}


def _from_json(content: Mapping[str, Any]) -> SearchState:
    ranges: list[dict[str, Distribution]] = [
        {leaf: read_distribution(leaf, settings) for leaf, settings in distributions.items()}
        for distributions in content["ranges"]
    ]
    records, finals = ([Record(**record) for record in content[name]] for name in ("records", "finals"))
    return SearchState(ranges, records, list(content["said"]), finals)


def _write_json(run: OpenRun, name: str, content: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(json.dumps(content, indent=1), encoding="utf-8")
        run.log_file(file)


def log_round(run: OpenRun, state: SearchState, before: int, task: SearchTask) -> None:
    """Log the trials of a round as child runs, the best score so far, and the state.

    The state is written last: a search resumes after the last round that was logged completely.

    Parameters
    ----------
    run : OpenRun
        Run of the search.
    state : SearchState
        State after the round.
    before : int
        Number of trials before the round.
    task : SearchTask
        Tables, folds and search space.
    """
    records = state.records[before:]
    if records and len(state.records) <= MOST_CHILDREN:
        run.children([_child(record, number, task) for number, record in enumerate(records, start=before + 1)])
    scores = [record.mean for record in state.records if np.isfinite(record.mean)]
    best = max(scores, key=lambda score: task.sign * score)
    run.log({"best_cv_score": best, "trials": len(state.records)}, step=state.rounds_done)
    _write_json(run, "state.json", _as_json(state))


def _child(record: Record, number: int, task: SearchTask) -> Child:
    metrics = {"epochs": record.epochs, "parameters": record.parameters}
    if np.isfinite(record.mean):
        metrics |= {"cv_score": record.mean, "cv_standard_error": record.error, f"cv_{task.metric.name}": record.mean}
    tags = {"tabular_dl.kind": "trial", "tabular_dl.round": str(record.round)}
    return Child(f"trial-{number}", record.params, metrics, tags)


def finish(run: OpenRun, result: SearchResult, seconds: float) -> None:
    """Log figures, table of trials, report, winner and scores, and end the run.

    Parameters
    ----------
    run : OpenRun
        Run of the search.
    result : SearchResult
        Result of the search.
    seconds : float
        Duration of the search.
    """
    state, winner, name = result.state, result.winner, result.metric.name
    records = state.records
    scores = np.array([record.mean for record in records])
    params = [record.params for record in records]
    rounds = [record.round for record in records]
    best = "highest" if result.metric.greater_is_better else "lowest"
    figures = {
        "scores": scores_by_hyperparameter(state.ranges, params, scores, rounds, name),
        "parallel_coordinates": parallel_coordinates(state.ranges[0], params, scores, name, best),
    }
    table = pd.DataFrame(
        [{"round": r.round, **r.params, "cv_score": r.mean, "epochs": r.epochs} for r in [*records, *state.finals]]
    )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(render(search_page(result, figures, environment())), encoding="utf-8")
        run.log_file(page)
        for title, figure in figures.items():
            file = Path(folder) / f"{title}.png"
            save_png(figure, file, dpi=110)
            run.log_file(file, "figures")
        trials = Path(folder) / "trials.csv"
        trials.write_text(table.to_csv(index=False), encoding="utf-8")
        run.log_file(trials)
    run.log_file(result.output)
    metrics = {"cv_score": winner.mean, "cv_standard_error": winner.error, f"cv_{name}": winner.mean}
    metrics |= {"training_seconds": seconds}
    metrics |= {f"holdout_{key}": value for key, value in result.holdout.items()}
    lines = [f"**Search of {result.spec.name}**: {len(records)} trials. The winner:", ""]
    lines += [f"- {leaf}: {value}" for leaf, value in winner.params.items()]
    lines += ["", "Changes of the ranges:", "", *(f"- {sentence}" for sentence in state.said)]
    run.log(metrics, {"mlflow.note.content": "\n".join(lines)})
    run.close()

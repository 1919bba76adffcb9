"""A search from the command's own function: what it prints, writes and tracks, and that it survives being killed."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.competition.competition import load_competition
from tabular_dl.errors import SpecError, UserError
from tabular_dl.problems.metrics import METRICS
from tabular_dl.reporting.results import SearchResult
from tabular_dl.resources import bundled
from tabular_dl.spec.reader import load_spec
from tabular_dl.tracking import OpenRun, runs
from tabular_dl.tracking import store as stored_runs
from tabular_dl.workflows.search import SearchOptions, holdout_lines, search
from tabular_dl.workflows.search_task import SearchTask

pytestmark = pytest.mark.slow

OPTIONS = SearchOptions(trials=6, rounds=2, epochs=3)
SMALL = ["ensemble.folds=2", "ensemble.members=1", "training.epochs=4", "network.hidden=[4]"]
SPACE = """
learning_rate: {log_uniform: [1.0e-3, 1.0e-1]}
network: {l2: {log_uniform: [1.0e-8, 1.0e-4]}}
columns.0.scale: {choice: [standard, minmax]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Any:
    """Return an empty folder with a store of runs of its own, and a search space."""
    place = tmp_path_factory.mktemp("search")
    (place / "mlflow.db").write_bytes(empty_store.read_bytes())
    (place / "space.yaml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield place


def run(**changes: Any) -> tuple[SearchResult, str]:
    said = io.StringIO()
    options = replace(OPTIONS, space=Path("space.yaml"), **changes)
    result = search("wine", SMALL, options, Console(file=said, width=150))
    return result, said.getvalue()


@pytest.fixture(scope="module")
def found(folder: Path) -> tuple[SearchResult, str]:
    return run()


def test_what_is_said(found: tuple[SearchResult, str]) -> None:
    result, said = found
    assert "round 1: network.learning_rate 0.001..0.1 -> " in said
    assert "the best 2 of 3 lie there" in said
    assert "On 29 hold-out rows: accuracy" in said
    assert "Next: tabular-dl fit pipelines/wine.best.yaml" in said
    (chosen,) = [line for line in said.splitlines() if "*" in line and "chosen" not in line]
    assert f"{result.winner.mean:.4f}" in chosen
    assert 0 <= result.holdout["winner"] <= 1
    assert result.holdout["difference"] == pytest.approx(result.holdout["winner"] - result.holdout["pipeline"])


@pytest.mark.parametrize(
    ("metric", "winner", "worse_by"),
    [
        ("accuracy", 0.75, "more"),
        ("accuracy", 0.79, "less"),
        ("accuracy", 0.80, None),
        ("accuracy", 0.85, None),
        ("rmse", 0.85, "more"),
        ("rmse", 0.81, "less"),
        ("rmse", 0.75, None),
    ],
)
def test_a_winner_that_the_held_out_rows_refute_is_not_praised(
    metric: str, winner: float, worse_by: str | None
) -> None:
    scores = {"winner": winner, "winner_error": 0.1, "pipeline": 0.8, "difference": winner - 0.8}
    lines = holdout_lines({**scores, "difference_error": 0.01}, METRICS[metric], 29)
    assert lines[0].startswith(f"On 29 hold-out rows: {metric} [bold]{winner:.4f}[/]")
    expected = f"pipeline is better, by {worse_by} than two standard errors: keep it"
    assert [expected in line for line in lines[1:]] == ([] if worse_by is None else [True])


def test_the_winner_is_a_pipeline_that_fit_runs(found: tuple[SearchResult, str], folder: Path) -> None:
    result, _ = found
    file = folder / "pipelines" / "wine.best.yaml"
    assert file.read_text().startswith(f"# Winner of search {OpenRun(result.run_id).name} ({result.run_id})")
    shipped = bundled("pipelines") / "wine.yaml"
    comments = [line for line in shipped.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("#")]
    assert comments
    assert not [comment for comment in comments if comment not in file.read_text(encoding="utf-8")]
    spec = load_spec(file)
    assert spec.search == load_spec("wine").search, "a further search may begin here"
    assert spec.model_copy(update={"search": {}}) == result.spec
    assert spec.network["l2"] == result.winner.params["network.l2"]
    assert spec.columns[0].scale == result.winner.params["columns.0.scale"]
    assert spec.training["epochs"] == 4


def test_the_run_holds_rounds_trials_figures_and_the_winner(found: tuple[SearchResult, str], folder: Path) -> None:
    result, _ = found
    client = mlflow.MlflowClient(stored_runs.tracking_uri())
    parent = client.get_run(result.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["tabular_dl.kind"] == "search"
    assert parent.data.metrics["cv_score"] == pytest.approx(result.winner.mean)
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{result.run_id}'")
    assert len(children) == 6
    assert {child.data.tags["tabular_dl.round"] for child in children} == {"1", "2"}
    best = max(children, key=lambda child: child.data.metrics["cv_score"])
    assert float(best.data.params["network.learning_rate"]) in [
        r.params["network.learning_rate"] for r in result.state.records
    ]
    files = {file.path for file in client.list_artifacts(result.run_id)}
    assert {"figures", "trials.csv", "wine.best.yaml", "state.json", "search.json"} <= files
    assert {file.path for file in client.list_artifacts(result.run_id, "figures")} == {
        "figures/scores.png",
        "figures/parallel_coordinates.png",
    }
    table = pd.read_csv(mlflow.artifacts.download_artifacts(f"runs:/{result.run_id}/trials.csv"))
    assert len(table) == 6 + 6


def test_many_trials_go_into_a_table_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.workflows.search_run.MOST_CHILDREN", 2)
    result, _ = run(holdout=False, output=Path("other.yaml"), trials=4, rounds=1)
    client = mlflow.MlflowClient(stored_runs.tracking_uri())
    parent = client.get_run(result.run_id)
    assert not client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{result.run_id}'")
    assert not result.holdout


def test_a_search_whose_time_is_over_says_how_far_it_came(folder: Path) -> None:
    result, said = run(timeout=1e-6, holdout=False, output=Path("short.yaml"))
    assert len(result.state.records) == 3
    assert re.search(r"--timeout .* after 3 of 6 trials", said)
    assert "3 trials in " in said


def test_the_search_keeps_a_report(found: tuple[SearchResult, str], folder: Path) -> None:
    result, _ = found
    page = Path(mlflow.artifacts.download_artifacts(f"runs:/{result.run_id}/report.html")).read_text(encoding="utf-8")
    assert "6 trials; the winner&#39;s accuracy" in page
    assert "the best 2 of 3 lie there" in page
    assert page.count("<img ") == 2


def test_whole_groups_take_part_or_do_not(folder: Path) -> None:
    table = load_competition("wine", "cultivar", "Id").train
    site = np.arange(len(table)) // 3
    (folder / "sites").mkdir()
    table.assign(site=site).to_csv(folder / "sites" / "train.csv", index=False)
    changes = ["data.source=sites", "ensemble.group=site", "rest=drop", *SMALL]
    task = SearchTask(load_spec("wine", changes), replace(OPTIONS, space=Path("space.yaml")))
    inside, outside = set(site[task.rows]), set(site[task.held_out])
    assert inside | outside == set(site)
    assert not inside & outside
    for train, test in task.splits:
        assert not set(site[task.rows][train]) & set(site[task.rows][test])
    scores = task.score_on_holdout({"winner": task.spec, "pipeline": task.spec})
    assert scores["difference"] == scores["difference_error"] == 0
    assert scores["winner_error"] > 0


def test_optuna_asks_and_is_told(folder: Path) -> None:
    result, said = run(sampler="tpe", holdout=False, output=Path("tpe.yaml"))
    assert len(result.state.records) == 6
    assert "->" not in said
    rates = [record.params["network.learning_rate"] for record in result.state.records]
    assert len(set(rates)) == 6
    assert {record.params["columns.0.scale"] for record in result.state.records} <= {"standard", "minmax"}


def test_a_search_that_was_killed_goes_on_and_ends_with_the_same_winner(
    found: tuple[SearchResult, str], folder: Path
) -> None:
    expected, _ = found
    script = f"""
from tabular_dl.workflows import search as module
from pathlib import Path
import time
log = module.log_round
def slow(run, state, before, task):
    log(run, state, before, task)
    print(run.id, flush=True)
    time.sleep(60)
module.log_round = slow
module.search("wine", {SMALL!r}, module.SearchOptions(trials=6, rounds=2, epochs=3, space=Path("space.yaml")))
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    run_id = next(line.strip() for line in lines if len(line.strip()) == 32)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    state = json.loads(Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/state.json")).read_text())
    assert len(state["records"]) == 3
    resumed, _ = run(resume=run_id, output=Path("resumed.yaml"))
    assert resumed.run_id == run_id
    assert resumed.winner == expected.winner
    assert resumed.state == expected.state
    assert resumed.holdout == expected.holdout


@pytest.mark.parametrize(
    ("changes", "overrides", "message"),
    [
        ({"trials": 8}, SMALL, "other options (trials)"),
        ({"seed": 9}, SMALL, "other options (seed)"),
        ({}, [*SMALL, "network.activation=tanh"], "other options (network.activation)"),
    ],
)
def test_another_search_is_not_gone_on_with(
    found: tuple[SearchResult, str], changes: dict[str, Any], overrides: list[str], message: str
) -> None:
    options = replace(OPTIONS, space=Path("space.yaml"), resume=found[0].run_id, **changes)
    with pytest.raises(SpecError) as error:
        search("wine", overrides, options, Console(quiet=True))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            "dropuot: {uniform: [0, 0.5]}",
            "search.dropuot: only settings of network, training, columns, features, model can be searched. Did",
        ),
        ("network.drop: {uniform: [0, 0.5]}", "network.drop: there is no such key. Did you mean 'dropout'"),
        ("dropout: {uniform: [0.5, 0.1]}", "search.dropout.uniform: expected a lower bound below the upper one"),
        ("learning_rate: {log_uniform: [0, 1]}", "a log scale has bounds above 0"),
        ("columns.9.scale: {choice: [minmax]}", "there is no key '9' in columns"),
        ("columns.0.scale: {choice: [minmx]}", "there is no 'minmx'. Did you mean 'minmax'"),
        ("l2: {choice: [0.0, high]}", "l2 should be a valid number; it is 'high'"),
        ("dropout: {choice: [[0.1, 0.2, 0.3]]}", "dropout should be one number, or one for each of the"),
        ("hidden: {choice: [[4], [64, 1000000000]]}", "search.network.hidden: [64, 1000000000] cannot be used: "),
        ("seed: {choice: [1, 2]}", "search.seed: only settings of network, training, columns, features, model can"),
        ("{}", "has no search space: add a section like"),
    ],
)
def test_a_space_that_cannot_be_is_refused_before_anything_is_written(folder: Path, space: str, message: str) -> None:
    (folder / "bad.yaml").write_text(space)
    before = len(runs.find_tagged("tabular_dl.kind", "search"))
    with pytest.raises(UserError) as error:
        search("wine", SMALL, replace(OPTIONS, space=Path("bad.yaml")), Console(quiet=True))
    assert message in str(error.value)
    assert len(runs.find_tagged("tabular_dl.kind", "search")) == before


def test_a_run_that_is_no_search_is_not_gone_on_with(found: tuple[SearchResult, str]) -> None:
    client = mlflow.MlflowClient(stored_runs.tracking_uri())
    parent = client.get_run(found[0].run_id)
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{found[0].run_id}'")
    with pytest.raises(SpecError, match=f"--resume {children[0].info.run_id}: expected a search, found a trial"):
        search("wine", SMALL, replace(OPTIONS, space=Path("space.yaml"), resume=children[0].info.run_id))
    with pytest.raises(UserError, match="There is no run 'nothing'"):
        search("wine", SMALL, replace(OPTIONS, space=Path("space.yaml"), resume="nothing"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": "grid"}, "--sampler: there is no 'grid'. Known: random, tpe"),
        ({"pick": "worst"}, "pick: expected simplest or best"),
        ({"trials": 1}, "trials: expected 2 or more, found 1"),
        ({"trials": 10**12}, "--trials: expected 100,000 or less, found 1000000000000"),
        ({"seed": 2**32}, "--seed: expected a number from 0 to 4294967295, found 4294967296"),
    ],
)
def test_an_option_that_cannot_be_is_named(folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        search("wine", SMALL, replace(OPTIONS, space=Path("space.yaml"), **changes), Console(quiet=True))
    assert message in str(error.value)

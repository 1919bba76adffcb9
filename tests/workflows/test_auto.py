"""A portfolio in a given time: members that are runs, a blend, a submission, and what is left when it is killed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from tabular_dl.competition.competition import load_competition
from tabular_dl.drafting.models import with_model
from tabular_dl.drafting.portfolio import Candidate
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.models import ModelSpec
from tabular_dl.spec.reader import PipelineSpec, load_spec
from tabular_dl.workflows import auto as module
from tabular_dl.workflows import auto_search
from tabular_dl.workflows.auto_time import FASTEST, FEWEST, Estimates

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
LONG = "100h"  # time that no test needs


def candidates(spec: PipelineSpec, *_: Any) -> list[Candidate]:
    """Return a portfolio that trains at once."""
    named = {"logistic": {}, "hist_gradient_boosting": {"max_iter": 8, "min_samples_leaf": 2}}
    return [
        Candidate(name, with_model(spec.model_copy(update={"model": ModelSpec(name=name, parameters=parameters)})))
        for name, parameters in named.items()
    ]


@pytest.fixture
def small(store: mlflow.MlflowClient, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """Wine, with a small portfolio and few trials."""
    monkeypatch.setattr(module, "make_portfolio", candidates)
    monkeypatch.setattr(auto_search, "FEWEST", 2)
    monkeypatch.setattr(auto_search, "MOST", 2)
    return store


def runs_of(store: mlflow.MlflowClient, kind: str) -> list[Any]:
    experiment = store.get_experiment_by_name("wine")
    return store.search_runs([experiment.experiment_id], f"tags.`tabular_dl.kind` = '{kind}'")


def test_members_are_runs_of_a_session_and_are_blended_and_submitted(small: mlflow.MlflowClient, cli: Run) -> None:
    said = cli("auto", "wine", "--time", LONG, "--set", "ensemble.folds=2")
    assert said.code == 0, said
    (session,), fits, (blend,) = runs_of(small, "auto"), runs_of(small, "fit"), runs_of(small, "ensemble")
    labels = {fit.data.tags["tabular_dl.auto_label"] for fit in fits}
    assert {"logistic", "hist_gradient_boosting"} < labels  # and what searches of both have found
    assert labels <= {
        f"{name}{suffix}"
        for name in ("logistic", "hist_gradient_boosting")
        for suffix in ("", *(f"-search-{turn}" for turn in range(1, 9)))
    }
    assert {fit.data.tags["tabular_dl.auto"] for fit in fits} == {session.info.run_id}
    assert session.info.status == "FINISHED"
    assert session.data.metrics["seconds_spent"] > 0
    assert set(blend.data.params["ensemble.runs"].split()) == {fit.info.run_name for fit in fits}
    for label in labels:
        spec = load_spec(f"pipelines/wine.auto/{label}.yaml")
        assert spec.model.name == label.partition("-")[0]
        assert spec.ensemble.folds == 2
        assert label in said.out
    submission = pd.read_csv("submission.csv")
    assert len(submission) == 36
    assert blend.info.run_name in said.out
    assert "the blend changes by" in said.out


def test_a_killed_session_is_continued_without_training_its_members_again(
    small: mlflow.MlflowClient, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    fit = module.fit_and_log

    def interrupted(spec: PipelineSpec, *arguments: Any, **options: Any) -> Any:
        trained.append(spec.model.name)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return fit(spec, *arguments, **options)

    monkeypatch.setattr(module, "fit_and_log", interrupted)
    settings = ("--set", "ensemble.folds=2")
    said = cli("auto", "wine", "--time", LONG, *settings)
    (session,) = runs_of(small, "auto")
    assert session.info.status == "KILLED"
    assert said.code != 0
    name = session.info.run_name
    assert f"tabular-dl auto wine --resume {name}" in said.out
    everything = cli("compare", "wine", "--all").out
    assert re.search(rf"{name} +│ auto +│ killed", everything)

    refused = cli("auto", "wine", "--resume", name, "--set", "ensemble.folds=3").refused()
    assert "began with another pipeline or other data" in refused
    (fitted,) = runs_of(small, "fit")
    assert "expected a run of auto, found a fit" in cli("auto", "wine", "--resume", fitted.info.run_name).refused()

    monkeypatch.setattr(auto_search, "MOST", 0)  # no searches
    said = cli("auto", "wine", "--resume", name, *settings)
    assert said.code == 0, said
    assert trained == ["logistic", "hist_gradient_boosting", "hist_gradient_boosting"]
    assert len(runs_of(small, "auto")) == 1
    assert len(runs_of(small, "ensemble")) == 1
    assert small.get_run(session.info.run_id).info.status == "FINISHED"
    assert "it has finished" in cli("auto", "wine", "--resume", name, *settings).refused()


def test_a_time_that_is_too_short_is_said(small: mlflow.MlflowClient, cli: Run) -> None:
    message = cli("auto", "wine", "--time", "1s").refused()
    assert "No model could be trained in 1 s" in message
    assert "--time 10m" in message
    assert not runs_of(small, "fit")
    assert not Path("submission.csv").exists()


@pytest.mark.parametrize("time", ["soon", "-1m", "0s"])
def test_a_duration_that_is_none_is_refused(workspace: Path, cli: Run, time: str) -> None:
    assert (
        f"--time: expected a duration like 90s, 10m or 1h, found {time!r}"
        in cli("auto", "wine", "--time", time).refused()
    )
    assert not any(workspace.iterdir())


# Estimates of time


@pytest.fixture(scope="module")
def estimates() -> Estimates:
    return Estimates(get_problem("multiclass"), load_competition("wine", "cultivar", "Id").train, "cultivar")


def spec_of(model: str, *overrides: str) -> PipelineSpec:
    return load_spec("wine", [f"model={model}", *overrides])


def test_what_one_model_took_corrects_the_others(estimates: Estimates) -> None:
    trees, other = spec_of("hist_gradient_boosting"), spec_of("lightgbm")
    before = estimates.seconds(other)
    estimates.learn(trees, 10 * estimates.seconds(trees))
    assert estimates.seconds(other) == pytest.approx(10 * before)
    estimates.learn(trees, estimates.seconds(trees) / 10)
    assert estimates.seconds(other) == pytest.approx(before)


def test_boosted_trees_get_fewer_and_faster_rounds(estimates: Estimates) -> None:
    spec = spec_of("lightgbm", "model.parameters.n_estimators=1000", "model.parameters.learning_rate=0.1")
    seconds = estimates.seconds(spec)
    assert estimates.fitting(spec, seconds) is spec
    half = estimates.fitting(spec, seconds / 2)
    assert half is not None
    assert half.model.parameters == {"n_estimators": 500, "learning_rate": pytest.approx(0.2)}
    tenth = estimates.fitting(spec, seconds / 10)
    assert tenth is not None
    assert tenth.model.parameters["learning_rate"] == FASTEST
    assert estimates.fitting(spec, seconds * (FEWEST - 1) / 1000) is None
    assert estimates.fitting(spec_of("extra_trees"), 0.0) is None  # without rounds there is nothing to save


def test_a_search_without_time_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    competition = load_competition("wine", "cultivar", "Id")
    spec = with_model(spec_of("logistic", "ensemble.folds=2"))
    candidate = Candidate("logistic", spec)
    assert auto_search.found_candidate(candidate, "found", competition, 1.0, 1.5, 1) is None
    monkeypatch.setattr(auto_search, "FEWEST", 2)
    found = auto_search.found_candidate(candidate, "found", competition, 0.1, 1.0, 1)
    assert found is not None
    assert found.label == "found"
    assert 1e-3 <= found.spec.model.parameters["C"] <= 1e3
    assert np.isfinite(found.spec.model.parameters["C"])

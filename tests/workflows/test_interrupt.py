"""Ctrl-C in a fit keeps the networks and marks the run as interrupted; in a search it ends the search."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import mlflow
import pytest

from tabular_dl.workflows.console import TrainingProgress

pytestmark = pytest.mark.slow

SMALL = ["--set", "network.hidden=[4]", "--set", "ensemble.members=1", "--set", "ensemble.folds=2"]
LONG = [*SMALL, "--set", "training.early_stopping=null", "--set", "training.epochs=60"]


def runs(folder: Path, kind: str) -> list[Any]:
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("wine")
    return client.search_runs([experiment.experiment_id], f"tags.`tabular_dl.kind` = '{kind}'")


@pytest.mark.usefixtures("interruptible", "store")
def test_a_fit_that_was_ended_says_so_wherever_it_is_shown(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = TrainingProgress.__call__

    def press(self: Any, epoch: int, figures: Any, active: Any) -> Any:
        if epoch == 3:
            signal.raise_signal(signal.SIGINT)
        return plain(self, epoch, figures, active)

    assert cli("fit", "wine", *LONG, "--epochs", "4").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "__call__", press)
        said = cli("fit", "wine", *LONG)
    assert said.code == 0
    assert "Ctrl-C ended training after epoch 3 of 60:" in said.out
    (cut,) = [run for run in runs(workspace, "fit") if "tabular_dl.interrupted" in run.data.tags]
    assert cut.data.tags["tabular_dl.interrupted"] == "after epoch 3 of 60"
    assert "Ctrl-C ended training after epoch 3 of 60." in cut.data.tags["mlflow.note.content"]
    report = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{cut.info.artifact_uri}/report.html"))
    assert "Ctrl-C ended training after epoch 3 of 60" in report.read_text(encoding="utf-8")
    assert "Ctrl-C after epoch 3 of 60" in " ".join(cli("compare", "wine").out.split())
    message = cli("reproduce", cut.info.run_name).refused()
    assert message.startswith(f"Run {cut.info.run_name} was ended early, after epoch 3 of 60")
    assert "cannot be reproduced: tabular-dl fit wine" in message


@pytest.mark.usefixtures("interruptible", "store")
def test_a_search_that_was_ended_can_be_gone_on_with(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "space.yaml").write_text("l2: {log_uniform: [1.0e-8, 1.0e-4]}")
    options = ["--space", "space.yaml", "--trials", "4", "--rounds", "2", "--epochs", "3", "--no-holdout"]
    from tabular_dl.workflows.search_task import SearchTask

    plain = SearchTask.train
    rounds = 0

    def press(self: Any, values: Any, seeds: Any, final: bool, on_epoch: Any) -> Any:
        nonlocal rounds
        rounds += 1

        def after(epoch: int, alive: int) -> None:
            if rounds == 2 and epoch == 1:
                signal.raise_signal(signal.SIGINT)
            on_epoch(epoch, alive)

        return plain(self, values, seeds, final, after)

    with monkeypatch.context() as patch:
        patch.setattr(SearchTask, "train", press)
        ended = cli("search", "wine", *SMALL, *options)
    assert ended.code != 0
    (run,) = runs(workspace, "search")
    assert run.info.status == "KILLED"
    assert f"tabular-dl search wine --resume {run.info.run_name}, with the same options, continues it" in ended.out
    assert not (workspace / "pipelines").exists()
    done = cli("search", "wine", *SMALL, *options, "--resume", run.info.run_name)
    assert done.code == 0
    assert "4 trials in" in done.out
    assert [run.info.status for run in runs(workspace, "search")] == ["FINISHED"]

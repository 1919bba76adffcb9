"""`metric: {python: FILE:NAME}`: a function of the user scores, and is kept with the run; `compare` does not run it."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import python_trust as trusting
from tabular_dl.tracking import find_run, open_model
from tabular_dl.workflows.fit import FitResult, fit

pytestmark = pytest.mark.slow

PIPELINE = """
name: boxes
problem: regression
data: {source: SOURCE, target: price, id: Id}
metric: {python: "my_metrics.py:largest", greater_is_better: false}
columns:
  - {columns: [size, weight], scale: standard}
model: ridge
ensemble: {folds: 2, members: 1}
baselines: simple
"""

METRICS = """
import pathlib
import numpy as np


def largest(y_true, prediction):
    pathlib.Path("executed").touch()
    return np.abs(y_true - prediction).max()
"""


def write(folder: Path, pipeline: str = PIPELINE, metrics: str = METRICS) -> Path:
    """Write tables of 30 and 5 rows with answers, the pipeline and its metric; return the pipeline's file."""
    rng = np.random.default_rng(0)
    for file, rows, first in (("train", 30, 1), ("test", 5, 100)):
        size, weight = rng.normal(size=(2, rows)).round(3)
        price = (3 * size + weight + rng.normal(size=rows)).round(2)
        table = pd.DataFrame({"Id": np.arange(first, first + rows), "size": size, "weight": weight})
        if file == "train":
            table = table.assign(price=price)
        else:
            pd.DataFrame({"Id": table["Id"], "price": price}).to_csv(folder / "answers.csv", index=False)
        table.to_csv(folder / f"{file}.csv", index=False)
    (folder / "my_metrics.py").write_text(metrics)
    file = folder / "boxes.yaml"
    file.write_text(pipeline.replace("SOURCE", str(folder)))
    return file


@dataclass(frozen=True)
class Fitted:
    """A tracked fit."""

    folder: Path
    result: FitResult
    run: str


@pytest.fixture(scope="module")
def fitted(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Fit the pipeline twice, with a key of this user; the second model is stiffer."""
    folder = tmp_path_factory.mktemp("boxes")
    shutil.copy(empty_store, folder / "mlflow.db")
    file, printed = write(folder), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setattr(trusting, "_TRUSTED", set())
        result = fit(str(file), console=Console(file=printed, width=200))
        fit(str(file), ["model.parameters={alpha: 100.0}"], console=Console(file=io.StringIO(), width=200))
    return Fitted(folder, result, printed.getvalue().partition("\nRun ")[2].partition(" ")[0])


@pytest.fixture
def own(fitted: Fitted, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """Work in an empty folder as the user who fitted, in a new process."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{fitted.folder}/mlflow.db")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fitted.folder / "config"))
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    shutil.copy(fitted.folder / "boxes.yaml", "boxes.yaml")
    return fitted


def test_each_fold_is_scored_by_the_function_and_so_are_the_simple_models(fitted: Fitted) -> None:
    crossfit = fitted.result.crossfit
    y = fitted.result.competition.train["price"].to_numpy()
    expected = [np.abs(y[rows] - crossfit.oof_predictions_[rows]).max() for rows in crossfit.test_rows_]
    np.testing.assert_array_equal(fitted.result.scores, expected)
    means = [np.abs(y[a] - y[b].mean()).max() for a, b in zip(crossfit.test_rows_, crossfit.train_rows_, strict=True)]
    np.testing.assert_allclose(fitted.result.baselines["mean"], means)


def test_a_leaderboard_runs_nothing_and_knows_the_direction(cli: Any, own: Fitted) -> None:
    outcome = cli("compare", "boxes.yaml", "--json")
    assert outcome.code == 0, outcome
    first, second = json.loads(outcome.out)
    assert first["cv_score"] < second["cv_score"], "lower is better"
    assert "my_metrics.py:largest in cross-validation, lower is better" in cli("compare", "boxes.yaml").out
    assert not Path("executed").exists()


def test_the_run_keeps_text_and_hash(own: Fitted) -> None:
    model, spec = open_model(own.run)
    assert model.own_metric_.source.text == spec.python.source("my_metrics.py").text == METRICS
    texts = [path.read_text() for path in own.folder.glob("mlruns/*/*/artifacts/python/*/my_metrics.py")]
    assert set(texts) == {METRICS}
    assert not Path("executed").exists()


def test_a_blend_and_a_submission_are_scored_by_the_text_of_the_run(cli: Any, own: Fitted) -> None:
    outcome = cli("submit", "boxes.yaml", "--run", own.run)
    assert outcome.code == 0, outcome
    table, truth = pd.read_csv("submission.csv"), pd.read_csv(own.folder / "answers.csv")
    score = np.abs(table["price"] - truth["price"]).max()
    assert f"Its my_metrics.py:largest against answers.csv: {score:.4f}" in outcome.out
    blended = cli("ensemble", "boxes.yaml", "--method", "mean")
    assert blended.code == 0, blended
    assert "my_metrics.py:largest of 2 folds, lower is better" in blended.out


def test_a_run_of_another_text_is_not_compared(cli: Any, own: Fitted) -> None:
    client, run = mlflow.MlflowClient(f"sqlite:///{own.folder}/mlflow.db"), find_run(own.run)
    digest = run.tags["tabular_dl.metric_sha256"]
    assert digest == hashlib.sha256(METRICS.encode()).hexdigest()
    try:
        client.set_tag(run.id, "tabular_dl.metric_sha256", "that of another text")
        assert "left out because of other data or another metric" in cli("compare", "boxes.yaml").out
    finally:
        client.set_tag(run.id, "tabular_dl.metric_sha256", digest)


def test_the_metric_of_somebody_else_is_not_run_without_trust(
    cli: Any, own: Fitted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    assert "my_metrics.py; if you trust it, add --trust" in cli("submit", "boxes.yaml", "--run", own.run).refused()
    assert not Path("executed").exists()
    assert cli("submit", "boxes.yaml", "--run", own.run, "--trust").code == 0


def test_a_file_beside_a_stored_specification_is_not_run(cli: Any, own: Fitted, workspace: Path) -> None:
    """Somebody adds a metric to the specification of a model without Python, and its file."""
    source = next(own.folder.glob("mlruns/*/models/*/artifacts"))
    shutil.copytree(source, workspace / "model")
    extra = workspace / "model" / "extra_files"
    (extra / "evil.py").write_text(METRICS)
    text = (extra / "spec.yaml").read_text().replace("my_metrics.py", "evil.py")
    (extra / "spec.yaml").write_text(text)
    _, spec = open_model(str(workspace / "model"))
    assert spec.metric_name == "evil.py:largest"
    with pytest.raises(ValueError, match=r"evil\.py: the pipeline was not read from a file"):
        spec.python.source("evil.py")


@pytest.mark.parametrize(
    ("metric", "text", "message"),
    [
        (
            "{python: my_metrics.py:larges}",
            METRICS,
            "line 5: metric.python: my_metrics.py does not define 'larges'. Did",
        ),
        ("{python: my_metric.py:largest}", METRICS, "metric.python: there is no file"),
        ("{python: ../my_metrics.py:largest}", METRICS, "metric.python: expected a path relative to the folder"),
        ("{python: 3}", METRICS, "line 5: metric: python: expected FILE.py:NAME such as my_metrics.py:score, found 3."),
        (
            "{python: 'a.py:f', greater: true}",
            METRICS,
            "metric: there is no key 'greater' beside python. Known",
        ),
        ("{python: 'a.py:f', greater_is_better: 1}", METRICS, "greater_is_better: expected true or false, found 1."),
        (
            "{python: 'a.py:f', looks_at: all}",
            METRICS,
            "looks_at: expected labels, probabilities or values, found 'all'",
        ),
        (
            "{python: my_metrics.py:largest, looks_at: probabilities}",
            METRICS,
            "looks at probabilities, which a regression problem does not have: write looks_at: values.",
        ),
        (
            "{python: my_metrics.py:largest}",
            "def largest(y, p):\n    return 1 / 0",
            "metric: my_metrics.py:largest, line 2: ZeroDivisionError",
        ),
        (
            "{python: my_metrics.py:largest}",
            "def largest(y, p):\n    return 'good'",
            "returned str: expected a number.",
        ),
        ("{python: my_metrics.py:largest}", "def largest(y, p):\n    return p", "returned ndarray: expected a number."),
        (
            "{python: my_metrics.py:largest}",
            "def largest(y, p):\n    return float('nan')",
            "my_metrics.py:largest returned nan for 30 rows: expected a finite number.",
        ),
        ("{python: my_metrics.py:largest}", "def largest(y):\n    return 1", "TypeError: largest() takes 1 positional"),
        ("{python: my_metrics.py:largest}", "largest = 3", "expected a function, found int."),
    ],
)
def test_a_mistake_is_told_before_training(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch, metric: str, text: str, message: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace / "config"))
    line = next(line for line in PIPELINE.splitlines() if line.startswith("metric"))
    file = write(workspace, PIPELINE.replace(line, f"metric: {metric}"), text)
    outcome = cli("check", file)
    assert outcome.code == 2, outcome
    assert message in " ".join((outcome.err + outcome.out).split()), outcome
    if "nan" in text:
        assert message in cli("fit", file, "--no-track").refused()
        assert not Path("outputs").exists()


def test_the_function_gets_labels_or_the_probability_of_the_second_class(workspace: Path) -> None:
    from tabular_dl.preprocessing import PythonMetric, PythonSource, approve
    from tabular_dl.problems import Metric

    source = PythonSource(
        "m.py", "def shape(y, p, sample_weight=None):\n    return p.ndim + (p.max() if p.ndim == 1 else 0)"
    )
    function = PythonMetric(source, "shape", approve(source, "shape", {}))
    y, p = np.array([0, 1, 1]), np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]])
    for looks_at, expected in (("labels", 2.0), ("probabilities", 1.75)):
        metric = Metric("m.py:shape", function, looks_at, True, ("binary",))
        assert metric(y, p, np.arange(2)) == metric(y, p, np.arange(2), np.ones(3)) == expected
    plain = PythonSource("m.py", "def shape(y, p):\n    return 1")
    without = Metric(
        "m.py:shape", PythonMetric(plain, "shape", approve(plain, "shape", {})), "labels", True, ("binary",)
    )
    with pytest.raises(SpecError, match=r"m\.py:shape takes no sample_weight, but the rows have weights"):
        without(y, p, np.arange(2), np.ones(3))
    three = Metric("m.py:shape", function, "probabilities", True, ("multiclass",))
    assert three(y, np.ones((3, 3)) / 3, np.arange(3)) == 2

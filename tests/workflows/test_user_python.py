"""Python beside a pipeline file: fitted inside folds, kept in the run, and executed for its own user only."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from rich.console import Console

from tabular_dl import load_model
from tabular_dl.errors import DataError, SpecError
from tabular_dl.model_selection import Blend, BlendedClassifier, CrossFitClassifier, joint_model
from tabular_dl.preprocessing import python_trust as trusting
from tabular_dl.problems import get_metric, get_problem
from tabular_dl.spec import build_pipeline, columns_used, load_spec
from tabular_dl.tracking import open_model
from tabular_dl.tracking.python_code import python_steps, write_sources
from tabular_dl.workflows import serve as serving
from tabular_dl.workflows.fit import FitResult, fit
from tabular_dl.workflows.python_tag import left_behind_python
from tabular_dl.workflows.search_task import SearchOptions, SearchTask

pytestmark = pytest.mark.slow

PIPELINE = """
name: cats
problem: binary
data: {source: SOURCE, target: kind, id: Id}
features:
  Both: {eval: size + weight}
  python: my_features.py:add
columns:
  - {columns: [size, weight, Both, Length, Above], scale: standard}
  - {columns: [name], transformer: "my_steps.py:Seen", parameters: {value: 2.0}}
rest: drop
network: {hidden: [4]}
training: {epochs: 2, batch_size: 16, loss: "my_losses.py:squared"}
ensemble: {folds: 2, members: 1}
baselines: none
"""

LOSSES = """
def squared(y_true, y_pred):
    return (y_true - y_pred)[:, 0] ** 2
"""

FEATURES = """
class add:
    def fit(self, table):
        assert "kind" not in table and "Id" not in table and "only" not in table
        self.mean_ = table["weight"].mean()

    def transform(self, table):
        return table.assign(Length=table["name"].str.len(), Above=table["Both"] > self.mean_)
"""

STEPS = '''
"""A transformer that remembers the rows that it has seen."""
import pathlib


class Seen:
    def __init__(self, value):
        self.value = value

    def fit(self, X, y):
        self.rows_ = sorted(X["name"])
        self.classes_ = sorted(set(y))

    def transform(self, X):
        pathlib.Path("executed").touch()
        return self.value * X[["name"]].isin(self.rows_)
'''

TEXTS = {"my_features.py": FEATURES, "my_losses.py": LOSSES, "my_steps.py": STEPS}


def tables(folder: Path) -> None:
    """Write tables of 40 and 6 rows; no two rows have one name, and only training rows have the last column."""
    rng = np.random.default_rng(0)
    for file, rows, first in (("train", 40, 1), ("test", 6, 100)):
        ids = np.arange(first, first + rows)
        size, weight = rng.normal(size=(2, rows)).round(3)
        table = pd.DataFrame({"Id": ids, "name": [f"cat {number}" for number in ids], "size": size, "weight": weight})
        if file == "train":
            table = table.assign(only=1.0, kind=np.where(size + weight > 0, "tabby", "black"))
        table.to_csv(folder / f"{file}.csv", index=False)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def pipeline(folder: Path, **changed: str) -> Path:
    """Write the pipeline and its Python, and return its file."""
    folder.mkdir(exist_ok=True)
    texts = {"my_features": FEATURES, "my_losses": LOSSES, "my_steps": STEPS, **changed}
    for name in ("my_features", "my_losses", "my_steps"):
        (folder / f"{name}.py").write_text(texts[name])
    file = folder / "cats.yaml"
    file.write_text(texts.get("pipeline", PIPELINE).replace("SOURCE", str(folder)))
    return file


@dataclass(frozen=True)
class Fitted:
    """A tracked fit."""

    folder: Path
    result: FitResult
    run: str

    @property
    def model(self) -> Path:
        return next((self.folder / "mlruns").glob("*/models/*/artifacts"))


@pytest.fixture(scope="module")
def fitted(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Fit the pipeline once, with a key of this user."""
    folder = tmp_path_factory.mktemp("cats")
    shutil.copy(empty_store, folder / "mlflow.db")
    tables(folder)
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        result = fit(str(pipeline(folder)), console=Console(file=printed, width=200))
    run = printed.getvalue().partition("\nRun ")[2].partition(" ")[0]
    return Fitted(folder, result, run)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test as a new process of a user who has no key yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(trusting, "_TRUSTED", set())


@pytest.fixture
def own(fitted: Fitted, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """Work in an empty folder, beside the store of the fit, as the user who fitted."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{fitted.folder}/mlflow.db")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fitted.folder / "config"))
    return fitted


@pytest.fixture
def foreign(fitted: Fitted, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a copy of the model, as somebody else."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{fitted.folder}/mlflow.db")
    shutil.copytree(fitted.model, workspace / "model")
    return workspace / "model"


def test_no_transformer_sees_a_row_of_its_test_fold(fitted: Fitted) -> None:
    crossfit, train = fitted.result.crossfit, fitted.result.competition.train
    names, weights = train["name"].to_numpy(), train["weight"].to_numpy()
    for fold, rows in zip(crossfit.pipelines_, crossfit.train_rows_, strict=True):
        (_, branch, _) = next(part for part in fold["preprocessing"].transformers_ if part[0].startswith("python"))
        assert branch[0]._ready().rows_ == sorted(names[rows])
        assert branch[0]._ready().classes_ == ["black", "tabby"]
        np.testing.assert_allclose(fold["python"]._ready().mean_, weights[rows].mean())


def test_a_stored_model_predicts_the_same_and_the_run_keeps_the_text(own: Fitted) -> None:
    model, spec = open_model(own.run)
    test = own.result.competition.test
    np.testing.assert_array_equal(model.predict_proba(test), own.result.crossfit.predict_proba(test))
    np.testing.assert_array_equal(joint_model(model).predict_proba(test), model.predict_proba(test))
    assert spec == load_spec(own.folder / "cats.yaml")
    assert spec.python.source("my_steps.py").text == STEPS
    for root in (own.model / "extra_files", next((own.folder / "mlruns").glob("*/*/artifacts/report.html")).parent):
        assert {path.name: path.read_text() for path in root.glob("python/*/*")} == TEXTS


def test_a_submission_needs_neither_trust_nor_the_python_files(cli: Any, own: Fitted) -> None:
    shutil.copy(own.folder / "cats.yaml", "cats.yaml")
    assert cli("submit", "cats.yaml").code == 0
    table = pd.read_csv("submission.csv")
    p = own.result.crossfit.predict_proba(own.result.competition.test)
    assert list(table["kind"]) == list(own.result.crossfit.classes_[p.argmax(axis=1)])


def test_reproduce_uses_the_text_of_the_run_and_says_what_has_changed(cli: Any, own: Fitted) -> None:
    unchanged = cli("reproduce", own.run)
    assert unchanged.code == 0
    assert "Identical: all 80 out-of-fold predictions" in unchanged.out
    assert ".py" not in unchanged.out
    step = own.folder / "my_steps.py"
    try:
        step.write_text(STEPS.replace("self.value *", "-9 *"))
        (own.folder / "my_losses.py").write_text(LOSSES + "# changed")
        (own.folder / "my_features.py").unlink()
        outcome = cli("reproduce", own.run)
    finally:
        pipeline(own.folder)
    assert "Identical" in outcome.out
    assert f"my_losses.py has changed since run {own.run} (SHA-256 " in outcome.out
    assert f"my_steps.py has changed since run {own.run} (SHA-256 " in outcome.out
    assert f"my_features.py is not in {own.folder} any more" in outcome.out


# Models of others


def test_a_model_of_somebody_else_is_not_executed_without_trust(
    cli: Any, fitted: Fitted, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = fitted.folder / "test.csv"
    shutil.copy(fitted.folder / "cats.yaml", "cats.yaml")
    commands: tuple[tuple[object, ...], ...] = (
        ("predict", foreign, rows),
        ("submit", "cats.yaml", "--run", fitted.run),
        ("reproduce", fitted.run),
        ("serve", foreign, "--port", free_port()),
    )
    for command in commands:
        message = cli(*command).refused()
        assert "contains Python that was not stored by you on this machine, so it was not executed" in message
        assert "extra_files/python/" in message
        assert "my_steps.py; if you trust it, add --trust" in message
    with pytest.raises(DataError, match="add --trust"):
        load_model(foreign / "model.skops")
    assert not Path("executed").exists()
    assert not Path("predictions.csv").exists()
    assert cli("predict", foreign, rows, "--trust").code == 0
    assert Path("executed").exists()
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    assert cli("submit", "cats.yaml", "--run", fitted.run, "--trust").code == 0
    monkeypatch.setenv(serving.SERVED, json.dumps({"folder": str(foreign), "run": "a", "trust": False}))
    monkeypatch.setattr(trusting, "_TRUSTED", set())
    with pytest.raises(DataError, match="add --trust"):
        serving.worker_app()


def test_text_that_differs_from_what_would_be_executed_is_refused_even_with_trust(
    cli: Any, fitted: Fitted, foreign: Path
) -> None:
    file = next(foreign.glob("extra_files/python/*/my_steps.py"))
    file.write_text("x = 1  # harmless")
    message = cli("predict", foreign, fitted.folder / "test.csv", "--trust").refused()
    assert "was changed since it was stored" in message
    assert str(file) in message
    file.unlink()
    assert "was changed" in cli("predict", foreign, fitted.folder / "test.csv", "--trust").refused()
    assert not Path("executed").exists()


# Mistakes


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"my_features": "def added(table):\n    return table"},
            "cats.yaml, line 7: features.python: my_features.py does not define 'add'. Did you mean 'added'?",
        ),
        ({"my_features": "def add(table)\n    pass"}, "features.python: my_features.py, line 1 is not valid Python"),
        (
            {"my_features": "def add(table):\n    return table.dropna().head(9)"},
            "train.csv: my_features.py:add returned 9 rows for 40",
        ),
        (
            {"my_features": "def add(table):\n    return table['nmae']"},
            "train.csv: my_features.py:add, line 2: KeyError: 'nmae'",
        ),
        (
            {
                "my_features": "def add(table):\n    if len(table) < 9:\n        raise ValueError('few')\n    return "
                "table.assign(Length=1, Above=2)"
            },
            "test.csv: my_features.py:add, line 3: ValueError: few",
        ),
        ({"my_features": "def add(table):\n    return table.assign(Length=1)"}, "rules name. 'Above'"),
        (
            {"my_steps": STEPS.replace("self.value *", "self.valeu *")},
            "train.csv, rule 2: my_steps.py:Seen.transform, line 16: AttributeError",
        ),
        (
            {"my_steps": STEPS.replace("sorted(X", "iter(X")},
            "my_steps.py:Seen cannot be stored without pickle: attribute 'rows_' holds a",
        ),
        ({"pipeline": PIPELINE.replace("my_steps.py:", "my_step.py:")}, "Did you mean 'my_steps.py'?"),
        ({"pipeline": PIPELINE.replace("my_steps.py:", "../my_steps.py:")}, "columns.1: transformer: expected a path"),
        ({"pipeline": PIPELINE.replace("my_features.py:", "/my_features.py:")}, "features.python: expected a path"),
        ({"pipeline": PIPELINE.replace("{value: 2.0}", "{valeu: 2.0}")}, "no parameter 'valeu'. Did you mean 'value'?"),
        ({"pipeline": PIPELINE + "search: {features.python: {choice: [a, b]}}"}, "Python cannot be searched"),
    ],
)
def test_a_mistake_is_told_before_training(cli: Any, workspace: Path, changed: dict[str, str], message: str) -> None:
    tables(workspace)
    file = pipeline(workspace, **changed)
    before = sorted(workspace.iterdir())
    said = cli("fit", file, "--no-track").refused()
    assert message in said, said
    assert sorted(path for path in workspace.iterdir() if path.name not in ("config", "executed")) == before


@pytest.mark.parametrize(
    "value", ["3", "null", "[]", "true", "''", "':'", "mine.py", "'mine.py:'", "'a b:c'", "[mine.py]"]
)
@pytest.mark.parametrize("key", ["features.python", "columns.1.transformer"])
def test_a_reference_of_another_form_is_refused_with_its_key(workspace: Path, key: str, value: str) -> None:
    tables(workspace)
    file = pipeline(workspace)
    if (key, value) == ("columns.1.transformer", "null"):
        key = "columns.1"  # no transformer, but its parameters
        value = "{columns: [name], parameters: {value: 1}}"
    with pytest.raises(SpecError, match=key.split(".")[-1]):
        load_spec(file, [f"{key}={value}"])


@pytest.mark.parametrize("value", ["3", "[1]", "a", "{1: 2}"])
def test_parameters_are_a_mapping_of_names(cli: Any, workspace: Path, value: str) -> None:
    tables(workspace)
    message = cli("check", pipeline(workspace), "--set", f"columns.1.parameters={value}").refused()
    assert "columns.1.parameters" in message


def test_check_finds_the_same_and_spec_prints_what_fit_reads(cli: Any, workspace: Path) -> None:
    tables(workspace)
    file = pipeline(workspace, my_features="def add(table):\n    return table")
    outcome = cli("check", file)
    assert outcome.code == 2
    assert "my_features.py:add added no column" in " ".join(outcome.out.split())
    file = pipeline(workspace)
    assert cli("check", file).code == 0
    (workspace / "full.yaml").write_text(cli("spec", file).out)
    assert load_spec("full.yaml").columns == load_spec(file).columns
    assert cli("check", "full.yaml").code == 0


def test_a_python_file_that_is_missing_is_no_matter_until_a_pipeline_is_built(workspace: Path) -> None:
    tables(workspace)
    spec = load_spec(pipeline(workspace))
    (workspace / "my_steps.py").unlink()
    with pytest.raises(SpecError, match=r"there is no file .*my_steps\.py"):
        build_pipeline(spec, get_problem("binary"))


def test_a_search_varies_parameters_of_a_transformer_and_is_tied_to_the_text(workspace: Path) -> None:
    tables(workspace)
    file = pipeline(workspace, pipeline=PIPELINE + "search: {columns.1.parameters.value: {choice: [1.0, 3.0]}}")
    options = SearchOptions(trials=2, epochs=1, holdout=False)
    task = SearchTask(load_spec(file), options)
    leaf = "columns.1.parameters.value"
    outcomes = task.train([{leaf: 1.0}, {leaf: 3.0}], [0, 1], False, lambda *_: None)
    assert all(np.isfinite(outcome.scores).all() for outcome in outcomes)
    before = task.identity()["python"]
    assert before == {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items()}
    (workspace / "my_steps.py").write_text(STEPS + "# changed")
    assert SearchTask(load_spec(file), options).identity()["python"]["my_steps.py"] != before["my_steps.py"]
    lines = left_behind_python(task.spec, workspace / "other" / "best.yaml")
    assert lines[0] == f"Copy {workspace}/my_features.py beside it: {workspace}/other/my_features.py"
    assert left_behind_python(task.spec, workspace / "best.yaml") == []


def test_a_blend_holds_both_versions_of_a_file(own: Fitted, tmp_path: Path) -> None:
    file = pipeline(tmp_path, my_steps=STEPS + "# another version")
    spec = load_spec(file, ["model=ridge", f"data.source={own.folder}"])
    competition, problem = own.result.competition, get_problem("binary")
    X = competition.train[columns_used(spec, competition.train, competition.test)]
    y = competition.train["kind"].to_numpy()
    ridge = CrossFitClassifier(build_pipeline(spec, problem), cv=2, random_state=0).fit(X, y)
    model, _ = open_model(own.run)
    blend = BlendedClassifier([model, ridge], Blend("mean")).fit_blend(y, get_metric("accuracy"))
    write_sources(blend, tmp_path / "extra_files")
    files = [path.name for path in (tmp_path / "extra_files").glob("python/*/*")]
    assert sorted(files) == ["my_features.py", "my_losses.py", "my_steps.py", "my_steps.py"]
    skops.io.dump(blend, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    assert len({step.source for step in python_steps(loaded)}) == 3
    expected = (model.predict_proba(competition.test) + ridge.predict_proba(competition.test)) / 2
    np.testing.assert_allclose(loaded.predict_proba(competition.test), expected)

"""Models of other libraries as a user trains, compares, blends and submits them beside networks."""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking._tracking_service import utils as mlflow_places
from rich.console import Console
from threadpoolctl import threadpool_limits

from tabular_dl.competition.competition import load_competition
from tabular_dl.model_selection.fold_matrices import fold_matrix
from tabular_dl.resources import bundled
from tabular_dl.spec.reader import load_spec
from tabular_dl.tracking.persistence import load_model
from tabular_dl.workflows import fit as fit_workflow
from tabular_dl.workflows.fit import FitResult, fit

pytestmark = pytest.mark.slow

TREES = ["ensemble.folds=2", "model.parameters.n_estimators=12", "model.parameters.num_leaves=6"]
TEST = pd.read_csv(bundled("data") / "titanic" / "test.csv")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, "openmp"):
        yield


@dataclass(frozen=True)
class Forest:
    """A folder with a tracked fit of networks, and one of boosted trees: its result and what it printed."""

    folder: Path
    result: FitResult
    printed: str

    @property
    def run(self) -> Any:
        client = mlflow.MlflowClient(f"sqlite:///{self.folder}/mlflow.db")
        experiment = client.get_experiment_by_name("titanic")
        return client.search_runs([experiment.experiment_id], "params.`model.name` = 'lightgbm'")[-1]

    @property
    def artifacts(self) -> Path:
        return Path(self.run.info.artifact_uri)


@pytest.fixture(scope="module")
def forest(tracked: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forest]:
    """Fit boosted trees in a copy of the folder of the tracked networks."""
    folder = tmp_path_factory.mktemp("forest") / "work"
    shutil.copytree(tracked.folder, folder)
    places = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
    with sqlite3.connect(folder / "mlflow.db") as database:
        for table, column in places:
            change = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # noqa: S608 (names from the line above)
            database.execute(change, (str(tracked.folder), str(folder)))
    database.close()
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        # MLflow remembers where a run's files are by its id, and the copies share their ids.
        patch.setattr(mlflow_places, "_artifact_repos_cache", OrderedDict())
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        result = fit("titanic", TREES, model="lightgbm", console=Console(file=printed, width=200))
        yield Forest(folder, result, printed.getvalue())


@pytest.fixture
def beside(forest: Forest, monkeypatch: pytest.MonkeyPatch) -> Forest:
    """Work where both runs are."""
    monkeypatch.chdir(forest.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{forest.folder}/mlflow.db")
    return forest


# What is printed and stored


def test_the_table_names_the_model_beside_simple_ones(forest: Forest) -> None:
    assert re.search(r"fold +┃ lightgbm ┃ majority class ┃ logistic regression", forest.printed)
    assert "2 models, 891 rows" in forest.printed
    assert "networks" not in forest.printed
    assert list(forest.result.baselines) == ["majority class", "logistic regression"]
    assert "lightgbm  2 of 2" in forest.printed or "2/2" in forest.printed or "2 of 2" in forest.printed


def test_the_run_has_the_model_its_rounds_and_no_curves(forest: Forest) -> None:
    run, result = forest.run, forest.result
    assert run.data.params["model.parameters.n_estimators"] == "12"
    assert run.data.metrics["boosting_rounds"] == pytest.approx(result.crossfit.rounds_.mean())
    assert run.data.metrics["cv_score"] == pytest.approx(result.scores.mean())
    assert not {"best_epoch", "loss", "val_loss"} & {*run.data.metrics}
    versions = json.loads(run.data.tags["tabular_dl.surroundings"])
    assert versions["lightgbm"] == __import__("lightgbm").__version__


def test_the_files_of_the_run_are_those_of_a_fit_without_learning_curves(forest: Forest) -> None:
    assert {path.name for path in forest.artifacts.iterdir()} >= {"spec.yaml", "predictions", "figures", "report.html"}
    assert [path.name for path in (forest.artifacts / "figures").iterdir()] == ["confusion_matrix.png"]
    spec = load_spec(forest.artifacts / "spec.yaml")
    assert spec == forest.result.spec
    assert spec.model.name == "lightgbm"
    # Rules for the model: numbers as they are, categories as categories.
    assert {rule.encode for rule in spec.columns} == {"none", "native", "label"}
    assert {rule.scale for rule in spec.columns} == {"none"}
    requirements = {
        "lightgbm" in path.read_text(): path.parent
        for path in forest.folder.rglob("requirements.txt")
        if path.parent.name == "artifacts"
    }
    assert {*requirements} == {True, False}, "a model of networks needs no other library"


def test_the_stored_model_predicts_what_is_in_the_files(forest: Forest) -> None:
    table = pd.read_csv(forest.artifacts / "predictions" / "test.csv")
    (path,) = [
        path for path in forest.folder.rglob("model.skops") if load_model(path).pipelines_[0].steps[-1][0] == "model"
    ]
    loaded = load_model(path)
    np.testing.assert_allclose(table[["p_0", "p_1"]], loaded.predict_proba(TEST), atol=1e-12)
    np.testing.assert_array_equal(loaded.predict_proba(TEST), forest.result.crossfit.predict_proba(TEST))


def test_the_report_shows_rounds_instead_of_epochs(forest: Forest) -> None:
    page = (forest.artifacts / "report.html").read_text()
    assert "Learning curves" not in page
    assert "Boosting rounds" in page
    assert "Data and model" in page
    assert "lightgbm, 2 folds x 1" in page
    assert "n_estimators 12, num_leaves 6" in page
    assert "epoch" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.S)


# Beside networks


def test_compare_has_a_column_with_the_model(cli: Any, beside: Forest) -> None:
    out = cli("compare", "titanic").out
    assert re.search(r"run +┃ model +┃ accuracy", out)
    rows = json.loads(cli("compare", "titanic", "--json").out)
    models = {row["model"]: row for row in rows if row["kind"] == "fit"}
    assert set(models) == {"network", "lightgbm"}
    worse = max(models.values(), key=lambda row: row["rank"])
    assert worse["changes"]["model"] == worse["model"]


def test_a_blend_of_both_is_the_weighted_mean_and_can_be_submitted(cli: Any, beside: Forest) -> None:
    outcome = cli("ensemble", "titanic", "--method", "weighted")
    assert outcome.code == 0, outcome
    assert re.search(r"│ +lightgbm +│ +\d\.\d\d", outcome.out)
    assert re.search(r"│ +network +│ +\d\.\d\d", outcome.out)
    name = re.search(r"Run (\S+) \(", outcome.out)
    assert name is not None
    assert cli("submit", "titanic", "--run", name[1], "--output", "blend.csv").code == 0
    answers = load_competition("titanic", "Survived", "PassengerId")
    submitted = pd.read_csv("blend.csv")
    assert [*submitted["PassengerId"].astype(str)] == [*answers.test["PassengerId"]]
    assert {*submitted["Survived"]} == {0, 1}


def test_submit_and_predict_agree(cli: Any, beside: Forest) -> None:
    name = beside.run.info.run_name
    assert cli("submit", "titanic", "--run", name, "--output", "trees.csv").code == 0
    assert cli("predict", name, str(bundled("data") / "titanic" / "test.csv"), "--output", "predicted.csv").code == 0
    submitted, predicted = pd.read_csv("trees.csv"), pd.read_csv("predicted.csv")
    np.testing.assert_array_equal(submitted["Survived"], predicted["Survived"])
    np.testing.assert_allclose(predicted["p_1"], beside.result.crossfit.predict_proba(TEST)[:, 1], atol=1e-12)


def test_the_fit_is_reproduced_bit_for_bit(cli: Any, beside: Forest) -> None:
    outcome = cli("reproduce", beside.run.info.run_name)
    assert "Identical: all 1782 out-of-fold predictions" in " ".join(outcome.out.split())
    assert " was " not in outcome.out.partition("Identical")[2]


# Which models


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "random_forest", "catboost"])
def test_another_model_is_trained_on_a_pipeline_for_networks(cli: Any, workspace: Path, name: str) -> None:
    key = {"hist_gradient_boosting": "max_iter", "catboost": "iterations"}.get(name, "n_estimators")
    options = ["--set", f"model.parameters.{key}=5"]
    outcome = cli("fit", "wine", "--model", name, "--folds", 2, *options, "--no-track")
    assert outcome.code == 0, outcome
    assert re.search(rf"fold +┃ +{name} +┃ majority class", outcome.out)
    (folder,) = (workspace / "outputs").iterdir()
    predictions = pd.read_csv(folder / "predictions" / "oof.csv")
    shares = predictions.filter(like="p_").to_numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    # The wines are easily told apart.
    train = pd.read_csv(bundled("data") / "wine" / "train.csv")
    assert (predictions["cultivar"] == train["cultivar"]).mean() > 0.6


def test_a_class_of_scikit_learn_predicts_numbers(cli: Any, workspace: Path) -> None:
    options = ["--model", "sklearn.ensemble:GradientBoostingRegressor", "--set", "model.parameters.n_estimators=10"]
    outcome = cli("fit", "boston", *options, "--folds", 2, "--no-track")
    assert outcome.code == 0, outcome
    (folder,) = (workspace / "outputs").iterdir()
    report = (folder / "report.html").read_text()
    assert "Boosting rounds" not in report
    following = re.search(r"Next: tabular-dl (predict .*)", outcome.out)
    assert following is not None
    assert cli(*following[1].split()).code == 0
    pd.testing.assert_frame_equal(pd.read_csv("predictions.csv"), pd.read_csv(folder / "predictions" / "test.csv"))


def test_a_table_alone_is_drafted_for_the_model(cli: Any, workspace: Path) -> None:
    pd.read_csv(bundled("data") / "titanic" / "train.csv").head(150).to_csv(workspace / "people.csv", index=False)
    options = ["--model", "xgboost", "--set", "model.parameters.n_estimators=5", "--folds", 2, "--no-track"]
    outcome = cli("fit", "--train", "people.csv", "--target", "Survived", *options)
    assert outcome.code == 0, outcome
    (folder,) = (workspace / "outputs").iterdir()
    spec = load_spec(folder / "spec.yaml")
    assert (spec.model.name, spec.ensemble.members) == ("xgboost", 1)
    assert "native" in {rule.encode for rule in spec.columns}


def test_a_search_of_a_model_writes_a_winner_that_fits(cli: Any, store: Any, workspace: Path) -> None:
    (workspace / "space.yaml").write_text("search: {max_depth: {int_uniform: [1, 4]}}\n")
    options = ["--set", "model.parameters.n_estimators=8", "--set", "ensemble.folds=2"]
    outcome = cli(
        "search", "wine", "--model", "xgboost", *options, "--trials", 4, "--rounds", 1, "--space", "space.yaml"
    )
    assert outcome.code == 0, outcome
    winner = load_spec(workspace / "pipelines" / "wine.best.yaml")
    assert winner.model.name == "xgboost"
    assert 1 <= winner.model.parameters["max_depth"] <= 4
    assert winner.model.parameters["n_estimators"] == 8
    assert cli("check", "pipelines/wine.best.yaml").code == 0


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "lightgbm", "--preset", "best"], "--preset chooses networks, and --model another model"),
        (["--model", "lightgmb"], "there is no 'lightgmb'. Did you mean 'lightgbm'?"),
        (["--model", "sklearn.svm:SVCC"], "sklearn.svm has no 'SVCC'. Did you mean 'SVC'?"),
        (["--model", "knn", "--set", "model.parameters.n_neighbours=3"], "has no such parameter. Did you mean 'n_nei"),
        (["--model", "knn", "--set", "training.class_weight=balanced"], "takes no weights of rows"),
        (["--model", "ridge", "--set", "metric=log_loss"], "predicts no probabilities, which the metric needs"),
        (["--model", "lightgbm", "--set", "model.parameters.seed=3"], "model.parameters.seed: Set seed."),
        (
            ["--model", "xgboost", "--set", "model.parameters.max_depth=-3"],
            "model: xgboost could not be trained: value -3 for Parameter max_depth should be greater",
        ),
        (["--model", "sklearn.svm:SVR"], "SVR predicts numbers, and the target is one of classes"),
        (["--set", "model.parameters.num_leaves=3"], "those of networks are keys of network and training"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_nothing_is_written(
    cli: Any, workspace: Path, options: list[str], message: str
) -> None:
    assert message in cli("fit", "wine", "--folds", 2, *options).refused()
    assert list(workspace.iterdir()) == []


def test_a_class_that_cannot_be_stored_is_refused_before_the_training(
    cli: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tabular_dl.model_selection.fold_models.fit_models", lambda *_, **__: pytest.fail("trained"))
    message = cli("fit", "wine", "--model", "lightgbm:LGBMClassifier").refused()
    assert message.startswith("model: lightgbm:LGBMClassifier cannot be stored without pickle: ")
    assert list(workspace.iterdir()) == []


# Boosted trees beside networks


def test_boosted_trees_that_do_better_are_named_with_the_blend(cli: Any, workspace: Path) -> None:
    options = ["--set", "network.hidden=[2]", "--set", "training.learning_rate=1e-6", "--set", "ensemble.members=1"]
    outcome = cli("fit", "wine", *options, "--epochs", 1, "--folds", 2, "--no-track")
    said = " ".join(outcome.out.split())
    assert re.search(r"fold ┃ 1 network ┃ majority class ┃ logistic regression ┃ boosted trees ┃", said)
    assert re.search(r"Boosted trees are better than the networks by 0\.\d{4} on the same folds \(standard error", said)
    command = "tabular-dl fit wine --model hist_gradient_boosting, then tabular-dl ensemble wine blends both."
    assert command in said
    (folder,) = (workspace / "outputs").iterdir()
    assert "boosted trees" in (folder / "report.html").read_text()


def test_a_model_that_is_no_worse_gets_no_advice(forest: Forest) -> None:
    assert "tabular-dl search titanic" not in forest.printed
    better = [name for name, own in forest.result.baselines.items() if own.mean() > forest.result.scores.mean()]
    assert [name for name in forest.result.baselines if f"The {name} is better than" in forest.printed] == better


# No fold sees its test rows


def test_a_folds_preprocessing_and_trees_never_see_its_test_rows(forest: Forest) -> None:
    crossfit, spec = forest.result.crossfit, forest.result.spec
    competition = forest.result.competition
    target = spec.data.target
    table, y = competition.train.drop(columns=target), competition.train[target].to_numpy()
    columns = list(crossfit.feature_names_in_)
    changed = y.copy()
    changed[crossfit.test_rows_[0]] = 1 - changed[crossfit.test_rows_[0]]
    splits = list(zip(crossfit.train_rows_, crossfit.test_rows_, strict=True))
    again = type(crossfit)(crossfit.pipeline, cv=splits, random_state=spec.seed).fit(table[columns], changed)
    first, second = crossfit.test_rows_
    np.testing.assert_array_equal(again.oof_predictions_[first], crossfit.oof_predictions_[first])
    assert not np.array_equal(again.oof_predictions_[second], crossfit.oof_predictions_[second])
    # What the first fold's steps learn does not change with its test rows either.
    rows = table[columns].copy()
    rows["Fare"] = np.where(np.isin(np.arange(len(rows)), first), 1000.0, rows["Fare"])
    steps = crossfit.pipeline[:-1]
    matrices = [
        fold_matrix(steps, part, y, crossfit.train_rows_[0], np.float64, missing=True)[1]
        for part in (table[columns], rows)
    ]
    np.testing.assert_array_equal(*(matrix[second] for matrix in matrices))


def test_the_workflow_adapts_rules_only_for_another_model() -> None:
    networks = load_spec("titanic")
    assert fit_workflow.adapted(networks, None, []) is networks
    assert fit_workflow.adapted(networks, "network", ["model=network"]) is networks
    trees = load_spec("titanic", ["model=catboost"])
    assert fit_workflow.adapted(trees, None, []) is trees
    assert fit_workflow.adapted(trees, "catboost", ["model=catboost", "columns.0.scale=none"]).columns == trees.columns

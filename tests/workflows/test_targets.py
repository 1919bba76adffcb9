"""Several targets in one pipeline, and labels in the sample's words, from CSV files to the submission's content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from tabular_dl.reporting.html_page import Page
from tabular_dl.spec.reader import PipelineSpec, load_spec
from tabular_dl.workflows.search_task import SearchOptions, SearchTask

pytestmark = pytest.mark.slow

TINY = [
    *("--epochs", 3, "--folds", 2, "--members", 1),
    *("--set", "network={hidden: [4]}", "--set", "training={epochs: 3, early_stopping: null, batch_size: 64}"),
    *("--set", "training.learning_rate=0.05", "--set", "baselines=none"),
]
ROWS, TESTED = 120, 30


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit without the report, whose figures take longer than so small a fit."""
    monkeypatch.setattr("tabular_dl.workflows.fit.fit_page", lambda *_: Page("", "", []))


def features(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = pd.DataFrame(random.normal(size=(rows, 3)).round(3), columns=["size", "width", "depth"])
    table.insert(0, "Id", range(seed * 1000, seed * 1000 + rows))
    return table.assign(colour=random.choice(["red", "green", "blue"], rows))


def answered(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the true targets of rows, which follow from the features."""
    x, red = table[["size", "width", "depth"]].to_numpy(), (table["colour"] == "red").to_numpy()
    if kind == "numbers":
        columns: dict[str, Any] = {"cost": 100 + 10 * x[:, 0], "weight": x[:, 1] - red, "Länge": 5 * x[:, 2]}
    elif kind == "labels":
        columns = {"toxic": x[:, 0] > 0, "rude": x[:, 1] + red > 0.5, "long": x[:, 2] > -0.5}
        columns = {name: values.astype(int) for name, values in columns.items()}
    elif kind == "classes":
        columns = {
            "root": np.where(x[:, 0] > 0.5, "high", np.where(x[:, 0] < -0.5, "low", "middle")),
            "happy": np.where(red, "Yes", "No"),
        }
    else:
        columns = {"kind": np.array(list("abcd"))[np.digitize(x[:, 0], [-0.6, 0.0, 0.6])]}
    return pd.DataFrame(columns, index=table.index)


def write(folder: Path, kind: str, sample: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the tables of a competition; return its test rows and their hidden answers."""
    folder.mkdir(exist_ok=True)
    train, test = features(ROWS, 1), features(TESTED, 2)
    train.join(answered(train, kind)).to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    ids = test[["Id"]].iloc[::-1]  # in another order than the test table
    ids.assign(**sample).to_csv(folder / "sample_submission.csv", index=False)
    return test, test[["Id"]].join(answered(test, kind))


def submitted(cli: Any, name: str, *options: Any) -> tuple[pd.DataFrame, str]:
    outcome = cli("submit", name, *options)
    assert outcome.code == 0, outcome
    return pd.read_csv("submission.csv", keep_default_na=False), outcome.out


def drafted(cli: Any, name: str, *options: Any) -> str:
    """Draft and check a pipeline; return what both printed."""
    outcome = cli("init", name, "--train", f"{name}/train.csv", *options)
    assert outcome.code == 0, outcome
    checked = cli("check", name)
    assert checked.code == 0, checked
    return outcome.out + checked.out


def fitted(cli: Any, name: str, *options: Any) -> str:
    outcome = cli("fit", name, *TINY, *options)
    assert outcome.code == 0, outcome
    return outcome.out


def predictions(run_of: str, file: str, store: Any) -> pd.DataFrame:
    """Return a file of predictions of the latest run."""
    experiment = store.get_experiment_by_name(run_of)
    run = store.search_runs([experiment.experiment_id], "tags.`tabular_dl.kind` != 'fold'")[0]
    path = Path(run.info.artifact_uri) / "predictions" / file
    return pd.read_csv(path)


# Several numbers


def test_several_numbers_from_csv_files_to_a_submission(cli: Any, store: Any, workspace: Path) -> None:
    names = ["weight", "cost", "Länge"]
    test, answers = write(workspace / "parts", "numbers", dict.fromkeys(names, 0.0))
    answers.to_csv(workspace / "parts" / "answers.csv", index=False)
    said = drafted(cli, "parts")
    spec = load_spec("parts")
    assert (spec.data.target, spec.problem, spec.metric) == (names, "regression", "rmse")
    assert "weight, cost, Länge" in said
    out = fitted(cli, "parts")
    assert "rmse of each target" in out
    oof, truth = predictions("parts", "oof.csv", store), pd.read_csv("parts/train.csv")
    assert list(oof) == ["Id", *names]
    (run,) = store.search_runs([store.get_experiment_by_name("parts").experiment_id], "tags.`tabular_dl.kind` = 'fit'")
    assert cli("folds", "parts", "--set", "ensemble.folds=2", "-o", "folds.csv").code == 0
    folds = pd.read_csv("folds.csv")["fold"]
    by_fold = [
        [root_mean_squared_error(truth[name][folds == fold], oof[name][folds == fold]) for name in names]
        for fold in (0, 1)
    ]
    assert run.data.metrics["cv_score"] == pytest.approx(np.mean(by_fold))
    report = (Path(run.info.artifact_uri) / "report.html").read_text()
    assert all(f"{np.mean([scores[k] for scores in by_fold]):.4f}" in report for k in range(3))
    submission, out = submitted(cli, "parts")
    tested = predictions("parts", "test.csv", store).set_index("Id")
    assert list(submission) == ["Id", *names]
    assert submission["Id"].tolist() == test["Id"].tolist()[::-1]
    np.testing.assert_array_equal(submission[names], tested.loc[submission["Id"], names])
    true = answers.set_index("Id").loc[submission["Id"]]
    score = np.mean([root_mean_squared_error(true[name], submission[name]) for name in names])
    assert f"Its rmse against answers.csv: {score:.4f}" in out
    blended_and_imported(cli, store, names, oof, tested)


def blended_and_imported(cli: Any, store: Any, names: list[str], oof: pd.DataFrame, tested: pd.DataFrame) -> None:
    """Fit a linear model beside the networks, blend both, import the predictions of the networks, and predict."""
    fitted(cli, "parts", "--model", "ridge")
    linear, truth = predictions("parts", "oof.csv", store), pd.read_csv("parts/train.csv")
    assert root_mean_squared_error(truth["cost"], linear["cost"]) < 0.5  # the target is linear
    assert cli("ensemble", "parts", "--method", "per_class").code == 0
    blended = predictions("parts", "oof.csv", store)
    assert list(blended) == ["Id", *names]
    assert root_mean_squared_error(truth["cost"], blended["cost"]) < 0.5
    refused = cli("ensemble", "parts", "--method", "stack").refused()
    assert "--method stack predicts one target, but there are 3 at once: use per_class" in refused
    oof.to_csv("mine.csv", index=False)
    tested.to_csv("mine_test.csv")
    files = ("--oof", "mine.csv", "--test", "mine_test.csv")
    assert cli("import", "parts", "--set", "ensemble.folds=2", *files, "--name", "mine").code == 0
    outcome = cli("predict", "mine", "parts/test.csv", "-o", "predicted.csv")
    assert "30 predictions of weight, cost, Länge are in predicted.csv." in outcome.out
    pd.testing.assert_frame_equal(pd.read_csv("predicted.csv").set_index("Id"), tested)
    oof.drop(columns="weight").to_csv("mine.csv", index=False)
    refused = cli("import", "parts", "--oof", "mine.csv", "--name", "other").refused()
    assert "mine.csv: expected the columns weight, cost, Länge, found cost, Länge: weight missing." in refused


def test_a_search_scores_configurations_by_the_mean_over_targets(workspace: Path) -> None:
    write(workspace / "parts", "numbers", {"cost": 0.0})
    content = {
        **{"name": "parts", "data": {"source": "parts", "target": ["cost", "weight"], "id": "Id"}},
        "columns": [{"columns": ["size", "width"], "scale": "standard"}],
        **{"rest": "drop", "model": "ridge", "ensemble": {"folds": 2}, "search": {"alpha": {"log_uniform": [0.1, 10]}}},
    }
    task = SearchTask(PipelineSpec.model_validate(content), SearchOptions(trials=2, rounds=1, holdout=False))
    (outcome,) = task.train([{"model.parameters.alpha": 1.0}], [0], True, lambda *_: None)
    for fold, (train, test) in enumerate(task.splits):
        X = StandardScaler().fit(task.X[["size", "width"]].iloc[train]).transform(task.X[["size", "width"]])
        predicted = Ridge(1.0).fit(X[train], task.y[train]).predict(X[test])
        scores = [root_mean_squared_error(task.y[test, k], predicted[:, k]) for k in range(2)]
        assert outcome.scores[fold] == pytest.approx(np.mean(scores))


# Several labels


@pytest.mark.usefixtures("no_report")
def test_several_labels_are_submitted_as_probabilities_or_labels(cli: Any, store: Any, workspace: Path) -> None:
    names = ["toxic", "rude", "long"]
    test, answers = write(workspace / "comments", "labels", dict.fromkeys(names, 0.5))
    answers.to_csv(workspace / "comments" / "answers.csv", index=False)
    drafted(cli, "comments")
    spec = load_spec("comments")
    assert (spec.data.target, spec.problem, spec.metric) == (names, "multilabel", "log_loss")
    out = fitted(cli, "comments")
    assert "log_loss of each target" in out
    oof = predictions("comments", "oof.csv", store)
    assert list(oof) == ["Id", "toxic", "p_toxic", "rude", "p_rude", "long", "p_long"]
    assert (oof["toxic"] == (oof["p_toxic"] > 0.5)).all()
    tested = predictions("comments", "test.csv", store).set_index("Id")
    submission, out = submitted(cli, "comments")
    expected = tested.loc[test["Id"].to_list()[::-1], [f"p_{name}" for name in names]]
    np.testing.assert_allclose(submission[names], expected, rtol=1e-12)
    true = answers.set_index("Id").loc[submission["Id"]]
    score = np.mean([log_loss(true[name], submission[name]) for name in names])
    assert f"Its log_loss against answers.csv: {score:.4f}" in out
    labels, _ = submitted(cli, "comments", "--labels")
    assert (labels[names].to_numpy() == (expected.to_numpy() > 0.5)).all()


# Several classes


def test_several_classes_are_submitted_in_the_words_of_the_sample(cli: Any, store: Any, workspace: Path) -> None:
    test, _ = write(workspace / "moods", "classes", {"root": "LOW", "happy": 0})
    said = drafted(cli, "moods")
    spec = load_spec("moods")
    assert (spec.data.target, spec.problem) == (["root", "happy"], "multioutput")
    assert "root: the submission has high as HIGH, low as LOW, middle as MIDDLE." in said
    assert "happy: the submission has No as 0, Yes as 1." in said
    out = fitted(cli, "moods", "--set", "baselines=full")
    assert all(name in out for name in ("majority class", "logistic regression", "boosted trees"))
    tested = predictions("moods", "test.csv", store).set_index("Id").loc[test["Id"].tolist()[::-1]]
    probabilities = [f"p_root_{name}" for name in ("high", "low", "middle")], ["p_happy_No", "p_happy_Yes"]
    for columns in probabilities:
        np.testing.assert_allclose(tested[columns].sum(axis=1), 1)
    submission, _ = submitted(cli, "moods")
    roots = np.array(["HIGH", "LOW", "MIDDLE"])[tested[probabilities[0]].to_numpy().argmax(axis=1)]
    assert submission["root"].tolist() == roots.tolist()
    assert submission["happy"].tolist() == (tested["p_happy_Yes"] > 0.5).astype(int).tolist()


# Labels of one target


@pytest.mark.usefixtures("no_report")
def test_several_labels_of_one_target_stand_in_a_cell_as_in_the_sample(cli: Any, store: Any, workspace: Path) -> None:
    test, _ = write(workspace / "tops", "kind", {"kind": "a b c"})
    said = drafted(cli, "tops")
    assert "kind: the 3 most probable labels are in each cell, separated by blanks." in said
    fitted(cli, "tops")
    tested = predictions("tops", "test.csv", store).set_index("Id").loc[test["Id"].tolist()[::-1]]
    p = tested[[f"p_{name}" for name in "abcd"]].to_numpy()
    ranked = [sorted("abcd", key=lambda name, row=row: -row["abcd".index(name)]) for row in p]
    submission, _ = submitted(cli, "tops")
    assert submission["kind"].tolist() == [" ".join(names[:3]) for names in ranked]
    submission, out = submitted(cli, "tops", "--top-k", 2)
    assert submission["kind"].tolist() == [" ".join(names[:2]) for names in ranked]
    assert "the 2 most probable labels" in out
    assert "--top-k writes labels: leave --proba out." in cli("submit", "tops", "--top-k", 2, "--proba").refused()
    assert "5 labels in a cell are more than the 4 classes" in cli("submit", "tops", "--top-k", 5).refused()
    path = Path("pipelines/tops.yaml")
    path.write_text(path.read_text() + "submission: {values: {a: one, b: two, c: three, d: four}, top_k: 1}\n")
    words = dict(zip("abcd", ("one", "two", "three", "four"), strict=True))
    submission, _ = submitted(cli, "tops")  # as the file says now
    assert submission["kind"].tolist() == [words[names[0]] for names in ranked]


def test_unclear_labels_are_refused_before_a_fit_with_the_key_that_settles_it(cli: Any, workspace: Path) -> None:
    write(workspace / "tops", "kind", {"kind": ([1, 2, 3, 4] * TESTED)[:TESTED]})
    outcome = cli("init", "tops", "--train", "tops/train.csv")
    assert "the values 1, 2, 3, 4 are none of the classes of the target, a, b, c, d" in outcome.out
    checked = cli("check", "tops")
    assert checked.code == 2
    refused = cli("fit", "tops", *TINY).refused()
    fix = "submission: {values: {a: 1, b: 2, c: 3, d: 4}}"
    facts = ("sample_submission.csv, column kind: the values 1, 2, 3, 4 are none of the classes", fix)
    assert all(fact in text for fact in facts for text in (refused, " ".join(checked.out.split())))
    assert not (workspace / "outputs").exists()
    path = Path("pipelines/tops.yaml")
    path.write_text(f"{path.read_text()}{fix}\n")
    checked = cli("check", "tops")
    assert checked.code == 0
    assert "kind: the submission has a as 1, b as 2, c as 3, d as 4." in checked.out
    message = cli("check", "tops", "--set", "submission.valeus={}").refused()
    assert "submission.valeus: there is no such key. Did you mean 'values'?" in message
    assert "expected" in cli("check", "tops", "--set", "submission.top_k=0").refused()


# What is refused


REFUSED = [
    ("data.target=[cost, weight, cost]", ["--set", "data.target", "'cost' is listed twice"]),
    ("data.target=[]", ["data.target", "expected the name of a column, or a list of names, found []"]),
    ("data.target=[cost, {a: 1}]", ["data.target", "a list of names"]),
    ("data.id=weight", ["data.id", "'weight' is the target"]),
    ("ensemble.group=weight", ["ensemble.group", "'weight' is the target"]),
    (
        "data.target=[cost, colour, weight]; problem=auto",
        ["The targets are of several types", "colour", "make a pipeline"],
    ),
    ("data.target=[cost, wieght]", ["train.csv: there is no column 'wieght'", "Did you mean 'weight'?"]),
    ("data.target=[cost, size]", ["the target 'size' cannot be a feature too"]),
    ("metric=accuracy", ["metric: accuracy cannot score a regression problem", "rmse"]),
    (
        "problem=binary; metric=null",
        ["problem: binary is for one target, but data.target names 3: cost, weight, Länge"],
    ),
    ("problem=multilabel; metric=null", ["column cost", "expected 0 or 1 for problem: multilabel"]),
    (
        "columns.1={columns: [colour], encode: target}",
        ["rule 2 of columns: encode: target is for one target", "embedding"],
    ),
    ("training.class_weight=balanced", ["class_weight is for one target, but data.target names 3. Leave it out."]),
    ("threshold=0.3", ["threshold: 0.3 decides between two classes"]),
]


def test_targets_that_cannot_be_predicted_together_are_refused(cli: Any, workspace: Path) -> None:
    write(workspace / "parts", "numbers", {"cost": 0.0, "weight": 0.0, "Länge": 0.0})
    assert cli("init", "parts", "--train", "parts/train.csv").code == 0
    before = sorted(workspace.rglob("*"))
    for changes, facts in REFUSED:
        options = [part for change in changes.split("; ") for part in ("--set", change)]
        message = cli("fit", "parts", *options).refused()
        assert all(fact in message for fact in facts), message
        assert sorted(workspace.rglob("*")) == before


def test_rows_may_lack_some_of_several_numbers_from_init_to_the_submission(
    cli: Any, workspace: Path, no_report: None
) -> None:
    test, answers = write(workspace / "parts", "numbers", {"cost": 0.0, "weight": 0.0, "Länge": 0.0})
    table = pd.read_csv("parts/train.csv")
    table.loc[4, ["cost", "weight", "Länge"]] = None
    table.loc[10:69, "weight"] = None
    table.to_csv("parts/train.csv", index=False)
    printed = cli("init", "parts", "--train", "parts/train.csv").out
    assert "1 of 120 rows has no value of any target, the first is row 5; they are left out of training" in printed
    assert "60 of 119 rows have no value of weight (a target), the first is row 11; the other targets" in printed
    assert cli("check", "parts", "--set", "model=ridge").code == 0
    fitted = cli("fit", "parts", "--model", "ridge", "--folds", 2, "--set", "baselines=simple")
    assert fitted.code == 0, fitted
    assert "119 rows" in fitted.out
    submission, _ = submitted(cli, "parts")
    merged = answers.merge(submission, on="Id", suffixes=("", " predicted"))
    assert len(merged) == len(test)
    for name in ("cost", "weight", "Länge"):  # linear in the features, without noise
        assert np.corrcoef(merged[name], merged[f"{name} predicted"])[0, 1] > 0.98, name


def test_rows_that_lack_some_of_several_labels_are_refused_by_row_and_column(cli: Any, workspace: Path) -> None:
    write(workspace / "words", "labels", {"toxic": 0.5, "rude": 0.5, "long": 0.5})
    assert cli("init", "words", "--train", "words/train.csv").code == 0
    table = pd.read_csv("words/train.csv")
    table.loc[4, "rude"] = None
    table.to_csv("words/train.csv", index=False)
    message = cli("fit", "words").refused()
    assert "train.csv, column rude (the target), row 5 has no value (1 such rows): each row needs all" in message
    assert "make a pipeline for this target alone" in message

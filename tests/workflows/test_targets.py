"""Several targets in one pipeline, and labels in the sample's words, from CSV files to the submission's content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

from tabular_dl.spec.reader import load_spec

pytestmark = pytest.mark.slow

TINY = [
    *("--epochs", 3, "--folds", 2, "--members", 1),
    *("--set", "network={hidden: [4]}", "--set", "training={epochs: 3, early_stopping: null, batch_size: 64}"),
    *("--set", "training.learning_rate=0.05", "--set", "baselines=none"),
]
ROWS, TESTED = 120, 30


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


def test_several_numbers_are_predicted_scored_by_column_and_submitted(cli: Any, store: Any, workspace: Path) -> None:
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
        np.mean([root_mean_squared_error(truth[name][folds == fold], oof[name][folds == fold]) for name in names])
        for fold in (0, 1)
    ]
    assert run.data.metrics["cv_score"] == pytest.approx(np.mean(by_fold))
    submission, out = submitted(cli, "parts")
    tested = predictions("parts", "test.csv", store).set_index("Id")
    assert list(submission) == ["Id", *names]
    assert submission["Id"].tolist() == test["Id"].tolist()[::-1]
    np.testing.assert_array_equal(submission[names], tested.loc[submission["Id"], names])
    true = answers.set_index("Id").loc[submission["Id"]]
    score = np.mean([root_mean_squared_error(true[name], submission[name]) for name in names])
    assert f"Its rmse against answers.csv: {score:.4f}" in out


def test_runs_of_several_numbers_are_blended_imported_searched_and_served(
    cli: Any, store: Any, workspace: Path
) -> None:
    names = ["cost", "weight", "Länge"]
    write(workspace / "parts", "numbers", dict.fromkeys(names, 0.0))
    drafted(cli, "parts")
    fitted(cli, "parts")
    oof, tested = (predictions("parts", file, store) for file in ("oof.csv", "test.csv"))
    fitted(cli, "parts", "--model", "ridge")
    linear = predictions("parts", "oof.csv", store)
    truth = pd.read_csv("parts/train.csv")
    assert root_mean_squared_error(truth["cost"], linear["cost"]) < 0.5  # the target is linear
    for method in ("per_class", "greedy"):
        outcome = cli("ensemble", "parts", "--method", method)
        assert outcome.code == 0, outcome
    blended = predictions("parts", "oof.csv", store)
    assert list(blended) == ["Id", *names]
    refused = cli("ensemble", "parts", "--method", "stack").refused()
    assert "--method stack predicts one target, but there are 3 at once: use per_class" in refused
    oof.to_csv("mine.csv", index=False)
    tested.to_csv("mine_test.csv", index=False)
    outcome = cli(
        *("import", "parts", "--set", "ensemble.folds=2"),
        *("--oof", "mine.csv", "--test", "mine_test.csv", "--name", "mine"),
    )
    assert outcome.code == 0, outcome
    submission, _ = submitted(cli, "parts", "--run", "mine")
    np.testing.assert_array_equal(submission[names], tested.set_index("Id").loc[submission["Id"], names])
    outcome = cli("predict", "mine", "parts/test.csv", "-o", "predicted.csv")
    assert "30 predictions of cost, weight, Länge are in predicted.csv." in outcome.out
    pd.testing.assert_frame_equal(pd.read_csv("predicted.csv"), tested)
    outcome = cli("search", "parts", *TINY[6:], "--trials", 2, "--rounds", 1, "--set", "ensemble.folds=2")
    assert outcome.code == 0, outcome
    oof.drop(columns="weight").to_csv("mine.csv", index=False)
    refused = cli("import", "parts", "--oof", "mine.csv", "--name", "other").refused()
    assert "mine.csv: expected the columns cost, weight, Länge, found cost, Länge: weight missing." in refused


# Several labels


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


def test_labels_of_each_target_by_trees_and_by_networks_beside_simple_models(
    cli: Any, store: Any, workspace: Path
) -> None:
    names = ["toxic", "rude", "long"]
    write(workspace / "comments", "labels", dict.fromkeys(names, "No"))
    said = drafted(cli, "comments", "--metric", "accuracy")
    note = "toxic, rude, long: the submission has 0 as No, 1 as Yes."
    assert said.count(note) == 1  # of check; init writes it to the file
    assert note in Path("pipelines/comments.yaml").read_text()
    out = fitted(cli, "comments", "--set", "baselines=full", "--set", "seed=3")
    assert all(name in out for name in ("majority class", "logistic regression", "boosted trees"))
    fitted(cli, "comments", "--model", "hist_gradient_boosting", "--set", "model.parameters={max_iter: 3}")
    oof, truth = predictions("comments", "oof.csv", store), pd.read_csv("comments/train.csv")
    (run, _) = store.search_runs(
        [store.get_experiment_by_name("comments").experiment_id], "tags.`tabular_dl.kind` = 'fit'"
    )
    assert 0 < run.data.metrics["cv_score"] <= min(accuracy_score(truth[name], oof[name]) for name in names) + 0.2
    submission, out = submitted(cli, "comments", "--run", run.info.run_name)
    assert note in out
    assert {*submission[names].to_numpy().ravel()} == {"Yes", "No"}


# Several classes


def test_several_classes_are_submitted_in_the_words_of_the_sample(cli: Any, store: Any, workspace: Path) -> None:
    test, answers = write(workspace / "moods", "classes", {"root": "LOW", "happy": 0})
    said = drafted(cli, "moods")
    spec = load_spec("moods")
    assert (spec.data.target, spec.problem) == (["root", "happy"], "multioutput")
    assert "root: the submission has high as HIGH, low as LOW, middle as MIDDLE." in said
    assert "happy: the submission has No as 0, Yes as 1." in said
    fitted(cli, "moods")
    fitted(cli, "moods", "--model", "logistic")
    assert cli("ensemble", "moods", "--method", "per_class").code == 0
    tested = predictions("moods", "test.csv", store).set_index("Id").loc[test["Id"].tolist()[::-1]]
    probabilities = [f"p_root_{name}" for name in ("high", "low", "middle")], ["p_happy_No", "p_happy_Yes"]
    for columns in probabilities:
        np.testing.assert_allclose(tested[columns].sum(axis=1), 1)
    submission, _ = submitted(cli, "moods")
    roots = np.array(["HIGH", "LOW", "MIDDLE"])[tested[probabilities[0]].to_numpy().argmax(axis=1)]
    assert submission["root"].tolist() == roots.tolist()
    assert submission["happy"].tolist() == (tested["p_happy_Yes"] > 0.5).astype(int).tolist()
    assert accuracy_score(answers["happy"], cli_labels(tested, "happy", answers)) > 0.8


def cli_labels(tested: pd.DataFrame, name: str, answers: pd.DataFrame) -> list[str]:
    """Return the predicted labels in the order of the answers."""
    return tested.loc[answers["Id"], name].tolist()


# Labels of one target


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


def test_unclear_labels_are_refused_before_a_fit_and_settled_by_a_key(cli: Any, store: Any, workspace: Path) -> None:
    test, _ = write(workspace / "tops", "kind", {"kind": ([1, 2, 3, 4] * TESTED)[:TESTED]})
    assert cli("init", "tops", "--train", "tops/train.csv").code == 0
    checked = cli("check", "tops")
    assert checked.code == 2
    refused = cli("fit", "tops", *TINY).refused()
    fix = "submission: {values: {a: 1, b: 2, c: 3, d: 4}}"
    facts = ("sample_submission.csv, column kind: the values 1, 2, 3, 4 are none of the classes", fix)
    assert all(fact in text for fact in facts for text in (refused, " ".join(checked.out.split())))
    assert not (workspace / "outputs").exists()
    path = Path("pipelines/tops.yaml")
    path.write_text(path.read_text() + "submission: {values: {a: 4, b: 3, c: 2, d: 1}}\n")
    assert cli("check", "tops").code == 0
    fitted(cli, "tops")
    path.write_text(path.read_text().replace("{a: 4, b: 3, c: 2, d: 1}", "{a: one, b: two, c: three, d: four}"))
    tested = predictions("tops", "test.csv", store).set_index("Id").loc[test["Id"].tolist()[::-1], "kind"]
    words = dict(zip("abcd", ("one", "two", "three", "four"), strict=True))
    submission, _ = submitted(cli, "tops")  # as the file says now
    assert submission["kind"].tolist() == [words[label] for label in tested]


# What is refused


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ("data.target=[cost, weight, cost]", ["--set", "data.target", "'cost' is listed twice"]),
        ("data.target=[]", ["data.target", "expected the name of a column, or a list of names, found []"]),
        ("data.target=[cost, {a: 1}]", ["data.target", "a list of names"]),
        ("data.id=weight", ["data.id", "'weight' is the target"]),
        ("ensemble.group=weight", ["ensemble.group", "'weight' is the target"]),
        (
            "data.target=[cost, colour, weight] problem=auto",
            ["The targets are of several types", "colour", "make a pipeline"],
        ),
        ("data.target=[cost, wieght]", ["train.csv: there is no column 'wieght'", "Did you mean 'weight'?"]),
        ("data.target=[cost, size]", ["the target 'size' cannot be a feature too"]),
        ("metric=accuracy", ["metric: accuracy cannot score a regression problem", "rmse"]),
        (
            "problem=binary metric=null",
            ["problem: binary is for one target, but data.target names 3: cost, weight, Länge"],
        ),
        ("problem=multilabel metric=null", ["column cost", "expected 0 or 1 for problem: multilabel"]),
        ("threshold=0.3", ["threshold: 0.3 decides between two classes"]),
    ],
)
def test_targets_that_cannot_be_predicted_together_are_refused(
    cli: Any, workspace: Path, change: str, facts: list[str]
) -> None:
    write(workspace / "parts", "numbers", {"cost": 0.0, "weight": 0.0, "Länge": 0.0})
    assert cli("init", "parts", "--train", "parts/train.csv").code == 0
    before = sorted(workspace.rglob("*"))
    changes = [
        part
        for line in change.replace(" problem=", "\nproblem=").replace(" metric", "\nmetric").splitlines()
        for part in ("--set", line)
    ]
    message = cli("fit", "parts", *changes).refused()
    assert all(fact in message for fact in facts), message
    assert sorted(workspace.rglob("*")) == before


def test_a_missing_value_of_one_of_several_targets_is_refused_by_row_and_column(cli: Any, workspace: Path) -> None:
    write(workspace / "parts", "numbers", {"cost": 0.0, "weight": 0.0, "Länge": 0.0})
    table = pd.read_csv("parts/train.csv")
    table.loc[4, "weight"] = None
    table.to_csv("parts/train.csv", index=False)
    message = cli("init", "parts", "--train", "parts/train.csv").refused()
    facts = ("parts/train.csv, column weight (the target)", "the first is row 5; a row needs all targets")
    assert all(fact in message for fact in (*facts, "take the column out of data.target")), message

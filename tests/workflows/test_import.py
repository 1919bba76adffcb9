"""Predictions of a notebook become a run that is compared, blended, submitted and served; bad files become none."""

from __future__ import annotations

import asyncio
import io
import json
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

from tabular_dl.errors import DataError, SpecError, SubmissionError, UserError
from tabular_dl.model_selection import ImportedClassifier, ImportedRegressor
from tabular_dl.reporting import fit_report
from tabular_dl.tracking import all_runs, find_run, local_folder, open_model
from tabular_dl.workflows.compare import compare
from tabular_dl.workflows.ensemble import _best_fits, ensemble
from tabular_dl.workflows.fit import fit
from tabular_dl.workflows.folds import folds
from tabular_dl.workflows.import_run import ImportFiles, import_run
from tabular_dl.workflows.predict import predict
from tabular_dl.workflows.promote import promote
from tabular_dl.workflows.report import report
from tabular_dl.workflows.reproduce import reproduce
from tabular_dl.workflows.serve import SERVED, worker_app
from tabular_dl.workflows.submit import submit
from tests.serving.http_client import ask

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "data" / "titanic"
QUIET = Console(quiet=True)
FOLDS = ["ensemble.folds=2"]
# The shape of the other tests' fit, so that its program is compiled once.
NETWORK = [*FOLDS, "network.hidden=[4]", "training.epochs=2", "training.learning_rate=0.1", "ensemble.members=2"]
# A user's notebook: scikit-learn, and nothing of this package.
NOTEBOOK = f"""
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train, test = pd.read_csv(r"{DATA}/train.csv"), pd.read_csv(r"{DATA}/test.csv")
train = train.merge(pd.read_csv("folds.csv"), on="PassengerId")
X, X_test = (pd.get_dummies(rows[["Sex", "Pclass", "Fare", "Parch"]]).fillna(0) for rows in (train, test))
y, fold = train["Survived"], train["fold"]
oof, p = np.zeros(len(X)), np.zeros(len(X_test))
for k in fold.unique():
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[fold != k], y[fold != k])
    oof[fold == k] = model.predict_proba(X[fold == k])[:, 1]
    p += model.predict_proba(X_test)[:, 1] / fold.nunique()
shuffled = train[["PassengerId"]].assign(p=oof).sample(frac=1, random_state=0)
shuffled.to_csv("oof.csv", index=False)
test[["PassengerId"]].assign(p=p).to_csv("test.csv", index=False)
"""


def said(work: Any, *arguments: Any, **named: Any) -> str:
    out = io.StringIO()
    work(*arguments, console=Console(file=out, width=200), **named)
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Path]:
    """Work in a folder with a fit of networks, and a run imported from the notebook's files."""
    place = tmp_path_factory.mktemp("imports")
    shutil.copy(empty_store, place / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        folds("titanic", place / "folds.csv", FOLDS, QUIET)
        (place / "notebook.py").write_text(NOTEBOOK)
        runpy.run_path("notebook.py")
        fit("titanic", [*NETWORK, "baselines=none"], console=QUIET)
        files = ImportFiles(Path("oof.csv"), Path("test.csv"))
        import_run("titanic", "my-lr", files, note="notebook 3", overrides=FOLDS, console=QUIET)
        yield place


def by_hand(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Return truth, probability and fold of the training rows, and the accuracy of each fold."""
    table = pd.read_csv(DATA / "train.csv")[["PassengerId", "Survived"]]
    for file in ("oof.csv", "folds.csv"):
        table = table.merge(pd.read_csv(folder / file), on="PassengerId")
    return table, np.array([accuracy_score(t["Survived"], t["p"] > 0.5) for _, t in table.groupby("fold")])


# A run like others


def test_its_scores_are_those_computed_by_hand(folder: Path) -> None:
    table, scores = by_hand(folder)
    run = find_run("my-lr")
    assert run.metrics["cv_score"] == pytest.approx(scores.mean())
    assert json.loads(run.tags["tabular_dl.fold_scores"]) == pytest.approx(scores)
    model, spec = open_model("my-lr")
    assert type(model) is ImportedClassifier
    np.testing.assert_allclose(model.oof_predictions_[:, 1], table["p"])
    assert spec.ensemble.folds == 2
    assert spec.model.is_network


def test_the_leaderboard_shows_it_with_its_origin(folder: Path) -> None:
    entry = next(row.entry for row in compare("titanic", console=QUIET) if row.entry.name == "my-lr")
    assert (entry.kind, entry.model) == ("import", "imported")
    assert "my-lr was imported: oof oof.csv, test test.csv, note notebook 3" in said(compare, "titanic")
    out = io.StringIO()
    compare("titanic", form="json", out=out)
    row = next(row for row in json.loads(out.getvalue()) if row["run"] == "my-lr")
    assert row["seconds"] is None  # nobody knows how long the notebook took
    assert "import" in {run.kind for run in all_runs("titanic")}


def test_it_is_blended_with_networks(folder: Path) -> None:
    out = io.StringIO()
    run = ensemble("titanic", method="greedy", top=2, console=Console(file=out, width=200))
    assert run is not None
    assert "imported" in out.getvalue()
    assert f"tabular-dl submit titanic --run {run.name}" in out.getvalue()
    model, _ = open_model(run)
    network, imported = sorted(model.models, key=lambda part: isinstance(part, ImportedClassifier))
    weights = dict(zip(map(type, model.models), model.blend_.weights_, strict=True))
    rows = pd.read_csv(DATA / "test.csv", dtype={"PassengerId": str})
    p = pd.read_csv(folder / "test.csv")["p"].to_numpy()
    expected = weights[type(network)] * network.predict_proba(rows)[:, 1] + weights[type(imported)] * p
    np.testing.assert_allclose(model.predict_proba(rows)[:, 1], expected)
    submit("titanic", run.id, folder / "blend.csv", QUIET)
    assert pd.read_csv(folder / "blend.csv")["Survived"].tolist() == (expected > 0.5).astype(int).tolist()
    page = report(run.id, folder / "blend.html", console=QUIET).read_text()
    assert "Imported predictions do not change if a column is shuffled" in page


def other_runs(kind: str) -> list[str]:
    return [run.run for run in all_runs("titanic") if run.kind == kind]


def test_it_is_submitted_as_the_notebook_predicted(folder: Path) -> None:
    submit("titanic", "my-lr", folder / "submission.csv", QUIET)
    expected = (pd.read_csv(folder / "test.csv")["p"] > 0.5).astype(int)
    assert pd.read_csv(folder / "submission.csv")["Survived"].tolist() == expected.tolist()
    assert promote("my-lr", "notebook", QUIET) == "titanic@notebook"
    submit("titanic", "titanic@notebook", folder / "alias.csv", QUIET)
    assert (folder / "alias.csv").read_bytes() == (folder / "submission.csv").read_bytes()


def test_it_predicts_the_rows_that_it_knows_by_their_ids_alone(folder: Path) -> None:
    pd.DataFrame({"PassengerId": [893, 1]}).to_csv(folder / "ids.csv", index=False)
    predict("my-lr", folder / "ids.csv", folder / "out.csv", QUIET)
    p = [pd.read_csv(folder / file).set_index("PassengerId")["p"] for file in ("test.csv", "oof.csv")]
    assert pd.read_csv(folder / "out.csv")["p_1"].tolist() == pytest.approx([p[0][893], p[1][1]])
    pd.DataFrame({"PassengerId": [893, 5000]}).to_csv(folder / "ids.csv", index=False)
    with pytest.raises(DataError, match=r"PassengerId, row 2: this run was imported .*'5000' is not among them"):
        predict("my-lr", folder / "ids.csv", folder / "none.csv", QUIET)
    assert not (folder / "none.csv").exists()
    pd.DataFrame({"Sex": ["male"], "Age": [3]}).to_csv(folder / "no_ids.csv", index=False)
    with pytest.raises(DataError, match="no column 'PassengerId'"):
        predict("my-lr", folder / "no_ids.csv", folder / "none.csv", QUIET)


def test_it_is_served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        SERVED, json.dumps({"folder": str(local_folder("my-lr").resolve()), "run": "my-lr", "trust": False})
    )
    app = worker_app()
    assert os.environ[SERVED]

    def answer(identifier: object) -> tuple[int, Any]:
        body = json.dumps({"dataframe_records": [{"PassengerId": identifier}]}).encode()
        return asyncio.run(ask(app, "/invocations", [body]))

    expected = int(pd.read_csv(folder / "test.csv").set_index("PassengerId")["p"][895] > 0.5)
    assert answer(895) == (200, {"predictions": [expected]})
    status, content = answer(5000)
    assert status == 400
    assert "this run was imported" in json.dumps(content)


def test_its_report_has_scores_errors_and_hardest_rows_but_no_curves_or_importances(folder: Path) -> None:
    page = report("my-lr", folder / "report.html", console=QUIET).read_text()
    for heading in ("Imported predictions", "Scores", "Errors of the predictions", "Rows with the largest errors"):
        assert f">{heading}<" in page
    assert "notebook 3" in page
    assert "Learning curves" not in page
    assert "Importance of the columns" not in page


def test_it_is_not_fitted_again(folder: Path) -> None:
    with pytest.raises(SpecError, match="Run my-lr was imported and cannot be fitted again"):
        reproduce("my-lr", QUIET)


def test_a_name_is_for_one_run(folder: Path) -> None:
    files = ImportFiles(folder / "oof.csv")
    with pytest.raises(SpecError, match=r"--name: there is a run my-lr already: .* such as my-lr-2"):
        import_run("titanic", "my-lr", files, overrides=FOLDS, console=QUIET)


# Folds and files of other kinds


def test_the_same_folds_may_have_other_numbers(folder: Path) -> None:
    renumbered = pd.read_csv(folder / "folds.csv").assign(fold=lambda t: 7 - t["fold"]).sample(frac=1, random_state=0)
    renumbered.to_csv(folder / "renumbered.csv", index=False)
    files = ImportFiles(folder / "oof.csv", folder / "test.csv", folder / "renumbered.csv")
    text = said(import_run, "titanic", "renumbered", files, overrides=FOLDS)
    assert "not the pipeline's" not in text
    assert "Taken as" not in text
    runs = [find_run(name) for name in ("renumbered", "my-lr")]
    assert len({run.tags["tabular_dl.folds"] for run in runs}) == 1
    assert len({run.tags["tabular_dl.fold_scores"] for run in runs}) == 1


def test_other_folds_are_kept_and_not_blended_with_the_pipelines(folder: Path) -> None:
    table, _ = by_hand(folder)
    table = table.assign(fold=np.arange(len(table)) % 3)
    table[["PassengerId", "fold"]].to_csv(folder / "others.csv", index=False)
    files = ImportFiles(folder / "oof.csv", folder / "test.csv", folder / "others.csv")
    text = said(import_run, "titanic", "others", files, overrides=FOLDS)
    assert "are not the pipeline's (2 folds, seed 0)" in text
    assert "`ensemble` refuses to blend this run with runs of other folds" in text
    scores = [accuracy_score(t["Survived"], t["p"] > 0.5) for _, t in table.groupby("fold")]
    assert json.loads(find_run("others").tags["tabular_dl.fold_scores"]) == pytest.approx(scores)
    with pytest.raises(SpecError, match="other folds"):
        ensemble("titanic", ["my-lr", "others"], console=QUIET)
    assert "Left out because of other folds" in said(_best_fits, "titanic", "accuracy", 3)


def test_without_test_predictions_there_is_no_submission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_report, "MOST_COLUMNS", 0)  # no importances, which take most of a blend's time
    files = ImportFiles(folder / "oof.csv")
    assert "cannot be submitted" in said(import_run, "titanic", "no-test", files, overrides=FOLDS)
    with pytest.raises(SubmissionError, match=r"Run no-test was imported without .* import it again with --test FILE"):
        submit("titanic", "no-test", folder / "none.csv", QUIET)
    text = said(_best_fits, "titanic", "accuracy", 3)
    assert "imported without test predictions (name them by --runs to blend them): no-test" in text
    out = io.StringIO()
    run = ensemble("titanic", ["no-test", *other_runs("fit")], method="mean", console=Console(file=out, width=200))
    assert run is not None
    assert "the blend cannot be submitted" in out.getvalue()
    assert "tabular-dl submit" not in out.getvalue()
    names = [Path(f.path).name for f in mlflow.artifacts.list_artifacts(run_id=run.id, artifact_path="predictions")]
    assert names == ["oof.csv"]
    assert isinstance(open_model(run)[0].models[0], ImportedClassifier)
    with pytest.raises(SubmissionError, match="has a part that was imported without"):
        submit("titanic", run.id, folder / "none.csv", QUIET)
    assert not (folder / "none.csv").exists()


def test_predictions_as_this_package_writes_them_come_back(folder: Path) -> None:
    (name,) = other_runs("fit")
    fitted = find_run(name)
    place = Path(mlflow.artifacts.download_artifacts(run_id=fitted.id, artifact_path="predictions"))
    import_run("titanic", "back", ImportFiles(place / "oof.csv", place / "test.csv"), overrides=FOLDS, console=QUIET)
    assert find_run("back").metrics["cv_score"] == fitted.metrics["cv_score"]
    ours, theirs = open_model("back")[0], open_model(fitted)[0]
    np.testing.assert_allclose(ours.oof_predictions_, theirs.oof_predictions_, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


def test_numbers_are_imported(folder: Path) -> None:
    train, test = (pd.read_csv(DATA.parent / "boston" / f"{name}.csv") for name in ("train", "test"))
    spec = {"overrides": ["ensemble.folds=3"], "console": QUIET}
    fold = folds("boston", folder / "boston.csv", spec["overrides"], QUIET)["fold"].to_numpy()
    target, identifier = "MEDV", train.columns[0]
    y = train[target].to_numpy()
    means = np.array([y[fold != k].mean() for k in range(3)])[fold]
    train[[identifier]].assign(prediction=means).to_csv(folder / "numbers.csv", index=False)
    test[[identifier]].assign(**{target: 3}).to_csv(folder / "numbers_test.csv", index=False)
    run = import_run("boston", "means", ImportFiles(folder / "numbers.csv", folder / "numbers_test.csv"), **spec)
    assert run is not None
    rmse = np.mean([root_mean_squared_error(y[fold == k], means[fold == k]) for k in range(3)])
    assert run.metrics["cv_score"] == pytest.approx(rmse)
    assert type(open_model(run)[0]) is ImportedRegressor


def test_probabilities_of_several_classes_are_imported(folder: Path) -> None:
    train = pd.read_csv(DATA.parent / "wine" / "train.csv")
    spec = ["ensemble.folds=2", "metric=log_loss"]
    fold = folds("wine", folder / "wine.csv", spec, QUIET)["fold"].to_numpy()
    labels = np.unique(train["cultivar"])
    p = np.random.default_rng(0).dirichlet(np.ones(len(labels)), len(train)).round(3)  # sums of 0.999 to 1.001
    assert (p.sum(axis=1) != 1).any()
    table = pd.DataFrame(p[:, ::-1], columns=[f"p_{label}" for label in labels[::-1]]).assign(Id=train["Id"])
    table.to_csv(folder / "wine_oof.csv", index=False)
    run = import_run("wine", "dirichlet", ImportFiles(folder / "wine_oof.csv"), overrides=spec, console=QUIET)
    assert run is not None
    p /= p.sum(axis=1, keepdims=True)
    losses = [log_loss(train["cultivar"][fold == k], p[fold == k], labels=labels) for k in range(2)]
    assert run.metrics["cv_score"] == pytest.approx(np.mean(losses))


# Bad files

PIPELINE = """
name: mine
problem: binary
data: {source: tables, target: kind, id: Id}
columns: [{columns: [x]}]
ensemble: {folds: 3}
"""
TRAIN = pd.DataFrame({"Id": [f"{n:03}" for n in range(12)], "x": range(12), "kind": ["no", "yes", "no"] * 4})
TEST = pd.DataFrame({"Id": ["T1", "T2"], "x": [1, 2]})
OOF = pd.DataFrame({"Id": TRAIN["Id"], "p": np.linspace(0, 1, 12).round(3)})
BOTH = pd.DataFrame({"Id": TRAIN["Id"], "p_no": 1 - OOF["p"], "p_yes": OOF["p"]})
TESTED = pd.DataFrame({"Id": TEST["Id"], "p": [0.25, 0.75]})
SPLIT = pd.DataFrame({"Id": TRAIN["Id"], "fold": [0, 0, 0, 1, 1, 1] * 2})


@pytest.fixture
def mine(workspace: Path) -> Path:
    """Work in a folder with a pipeline of 12 rows, and files for it that are good."""
    tables = {"tables/train": TRAIN, "tables/test": TEST, "oof": OOF, "test": TESTED, "split": SPLIT}
    (workspace / "tables").mkdir()
    for name, table in tables.items():
        table.to_csv(f"{name}.csv", index=False)
    (workspace / "mine.yaml").write_text(PIPELINE)
    return workspace


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def changed(table: pd.DataFrame, column: str, row: int, value: object) -> pd.DataFrame:
    table = table.astype({column: object})
    table.loc[row, column] = value
    return table


FAULTS: dict[str, tuple[str, pd.DataFrame, str]] = {
    "no id column": ("oof", OOF.rename(columns={"Id": "ID"}), r"oof.csv: there is no column 'Id' \(the id\). Did you"),
    "id missing": ("oof", changed(OOF, "Id", 4, None), r"oof.csv, column Id, row 5: the id is missing. Write the id"),
    "id twice": ("oof", changed(OOF, "Id", 4, "003"), r"oof.csv, column Id, row 5: the id '003' appears a second time"),
    "foreign id": ("oof", changed(OOF, "Id", 4, "x9"), r"column Id, row 5: the id 'x9' is not in train.csv. Remove"),
    "zeros lost": ("oof", OOF.assign(Id=range(12)), r"id '0' is not in train.csv \(12 such.*has '000', .*dtype=\{'Id'"),
    "test ids": ("oof", TESTED, r"id 'T1' is not in train.csv \(2 such rows\). It is an id of test.csv: give the file"),
    "too few": ("oof", OOF.head(10), r"has 10 rows, train.csv has 12: there is none for the id '010', row 11 of train"),
    "too many": ("oof", pd.concat([OOF, OOF.tail(1)]), r"row 13: the id '011' appears a second time"),
    "no predictions": ("oof", OOF[["Id"]], r"expected the columns p_no, p_yes.*or one column p .* of yes. Found none"),
    "other name": ("oof", OOF.rename(columns={"p": "q"}), r"p_no, p_yes, one for each class of kind;.*Found q: rename"),
    "two names": (
        "oof",
        OOF.assign(prediction=0.5),
        r"named kind or prediction, found prediction, p beside the id: le",
    ),
    "other classes": (
        "oof",
        BOTH.rename(columns={"p_yes": "p_maybe"}),
        r"found p_no, p_maybe: p_yes missing and p_may",
    ),
    "one class": ("oof", BOTH[["Id", "p_yes"]], r"expected the columns p_no, p_yes.*found p_yes: p_no missing"),
    "no value": (
        "oof",
        changed(OOF, "p", 2, None),
        r"column p, row 3 \(id 002\): expected a probability.*found no val",
    ),
    "infinite": ("oof", changed(OOF, "p", 2, np.inf), r"column p, row 3: expected a finite number.*found inf"),
    "text": ("oof", changed(OOF, "p", 2, "yes"), r"column p, row 3: expected a finite number, found 'yes'"),
    "labels": ("oof", TRAIN[["Id", "kind"]], r"column kind, row 1: expected a finite number, found 'no' \(and 11 more"),
    "above 1": ("oof", changed(OOF, "p", 2, 1.2), r"row 3 \(id 002\): expected a probability from 0 to 1, found 1.2"),
    "below 0": ("oof", changed(OOF, "p", 2, -0.1), r"row 3 \(id 002\): expected a probability from 0 to 1, found -0.1"),
    "sum": (
        "oof",
        changed(BOTH, "p_no", 0, 0.99),
        r"columns p_no, p_yes, row 1 \(id 000\): .* sum to 0.99, expected 1",
    ),
    "test: too few": ("test", TESTED.head(1), r"test.csv has 1 rows, test.csv has 2: there is none for the id 'T2'"),
    "test: training ids": ("test", OOF, r"the id '000' is not in test.csv \(12 such rows\). It is an id of train.csv"),
    "test: value": ("test", changed(TESTED, "p", 0, 7), r"column p, row 1 \(id T1\): expected a probability"),
    "test: classes": ("test", TESTED.rename(columns={"p": "p_yes"}), r"test.csv: expected the columns p_no, p_yes"),
    "folds: no column": ("split", SPLIT.rename(columns={"fold": "k"}), r"split.csv: there is no column 'fold'"),
    "folds: no value": (
        "split",
        changed(SPLIT, "fold", 1, None),
        r"fold, row 2 \(id 001\): expected a whole number, fo",
    ),
    "folds: fraction": ("split", changed(SPLIT, "fold", 1, 0.5), r"fold, row 2 \(id 001\): .* whole number, found 0.5"),
    "folds: text": ("split", changed(SPLIT, "fold", 1, "one"), r"column fold, row 2: .*found 'one'. Write the number"),
    "folds: one": ("split", SPLIT.assign(fold=1), r"column fold: expected two folds or more, found 1 in every row"),
    "folds: a class": ("split", SPLIT.assign(fold=TRAIN["kind"] == "yes"), r"fold 0 has no row of the class 'yes'"),
    "folds: too few": ("split", SPLIT.head(3), r"split.csv has 3 rows, train.csv has 12"),
}


@pytest.mark.parametrize(("file", "table", "message"), FAULTS.values(), ids=FAULTS)
def test_a_bad_file_makes_no_run(mine: Path, file: str, table: pd.DataFrame, message: str) -> None:
    table.to_csv(f"{file}.csv", index=False)
    before = contents(mine)
    with pytest.raises(UserError, match=message):
        import_run("mine.yaml", "n", ImportFiles(Path("oof.csv"), Path("test.csv"), Path("split.csv")), console=QUIET)
    assert contents(mine) == before


def test_the_command_refuses_with_code_2(mine: Path, cli: Callable[..., Any]) -> None:
    arguments = ("import", "mine.yaml", "--oof", "oof.csv", "--test", "test.csv", "--name")
    before = contents(mine)
    for name in ("a,b", "a b", "it's", "-", "n@champion", "n" * 101):
        assert "--name: expected at most 100 letters" in cli(*arguments, f"{name}").refused()
    assert "There is no file none.csv" in cli("import", "mine.yaml", "--oof", "none.csv", "--name", "n").refused()
    assert "--note: expected at most 2,000" in cli(*arguments, "n", "--note", "n" * 2001).refused()
    assert "there is no column 'kin' (the target)" in cli(*arguments, "n", "--set", "data.target=kin").refused()
    assert contents(mine) == before


def test_a_pipeline_without_an_id_is_refused(mine: Path) -> None:
    (mine / "mine.yaml").write_text(PIPELINE.replace(", id: Id", ""))
    with pytest.raises(SpecError, match=r"pipeline mine: predictions are joined.*by --set data\.id=COLUMN"):
        import_run("mine.yaml", "n", ImportFiles(Path("oof.csv")), console=QUIET)


def test_training_rows_of_one_id_are_refused(mine: Path) -> None:
    changed(TRAIN, "Id", 7, "000").to_csv("tables/train.csv", index=False)
    with pytest.raises(DataError, match=r"train\.csv, column Id \(the id\), row 8: '000' is repeated"):
        import_run("mine.yaml", "n", ImportFiles(Path("oof.csv")), console=QUIET)


def test_test_predictions_without_a_test_table_are_refused(mine: Path) -> None:
    Path("tables/test.csv").unlink()
    with pytest.raises(DataError, match=r"--test: pipeline mine has no test table.*leave --test out, or add"):
        import_run("mine.yaml", "n", ImportFiles(Path("oof.csv"), Path("test.csv")), console=QUIET)


def test_doubtful_files_are_imported_with_a_note(mine: Path, store: Any, cli: Callable[..., Any]) -> None:
    OOF.assign(p=(TRAIN["kind"] == "yes").astype(int)).to_csv("oof.csv", index=False)
    TEST.assign(Id=["T1", "003"]).to_csv("tables/test.csv", index=False)
    TESTED.assign(Id=["T1", "003"]).to_csv("test.csv", index=False)
    outcome = cli("import", "mine.yaml", "--oof", "oof.csv", "--test", "test.csv", "--name", "labels")
    assert outcome.code == 0, outcome.err
    assert "oof.csv: p has only the values 0 and 1, which are read as probabilities of yes" in outcome.out
    assert "test.csv: 1 of its ids is in train.csv too" in outcome.out
    assert "labels: accuracy 1.0000" in outcome.out

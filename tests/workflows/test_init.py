"""`tabular-dl init`, `fit --train`, `spec` and `schema`: from a folder of CSV files, with no hand edits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tabular_dl.drafting.from_files import name_of
from tabular_dl.resources import bundled
from tabular_dl.spec.build import competition_of
from tabular_dl.spec.reader import load_spec
from tests.competitions import COMPETITIONS, mixed_columns

pytestmark = pytest.mark.slow

TINY = [
    *("--epochs", 1, "--folds", 2, "--members", 1, "--no-track"),
    *("--set", "network.hidden=[4]", "--set", "training.early_stopping=null", "--set", "training.batch_size=256"),
]


@pytest.mark.parametrize("name", COMPETITIONS)
def test_init_and_fit_end_well_on_tables_like_real_ones(cli: Any, workspace: Path, name: str) -> None:
    made = COMPETITIONS[name]()
    made.write(workspace / "tables")
    metric = ["--metric", "rmsle"] if made.problem == "regression" else []
    outcome = cli("init", name, "--train", "tables/train.csv", *metric)
    assert outcome.code == 0, outcome
    assert f"Next: tabular-dl fit {name}" in outcome.out
    spec = load_spec(name)
    assert (spec.data.source, spec.data.target, spec.data.id) == ("tables", made.target, made.id)
    assert spec.problem == made.problem
    outcome = cli("fit", name, *TINY)
    assert outcome.code == 0, outcome
    (results,) = (workspace / "outputs").iterdir()
    predicted = pd.read_csv(results / "predictions" / "test.csv")
    assert len(predicted) == len(made.test if made.test is not None else [])
    assert predicted.notna().all(axis=None)


def test_fit_of_a_table_fits_what_init_writes_down(cli: Any, workspace: Path) -> None:
    made = mixed_columns(120)
    few = [*list(made.kinds)[:4], "pool", "Sale Price"]
    made.train[few].to_csv(workspace / "houses.csv", index=False)
    arguments = ["--train", "houses.csv", "--target", "Sale Price", "--metric", "rmsle"]
    outcome = cli("fit", *arguments, *TINY)
    assert outcome.code == 0, outcome
    assert "houses: rmsle of 2 folds, lower is better" in outcome.out
    (results,) = (workspace / "outputs").iterdir()
    fitted = load_spec(results / "spec.yaml")
    assert not (workspace / "pipelines").exists()
    assert cli("init", "houses", *arguments).code == 0
    changes = ["ensemble.folds=2", "ensemble.members=1", "training.epochs=1", *TINY[-5::2]]
    assert load_spec("houses", changes) == fitted


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("data/houses/train.csv", "houses"),
        ("Train.csv.gz", "here"),
        ("House Prices (1).parquet", "House-Prices-1"),
        ("_.csv", "table"),
        ("wine.csv", "wine-draft"),
    ],
)
def test_a_drafted_pipeline_is_named_by_its_table_and_never_as_another_one(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, file: str, name: str
) -> None:
    (workspace / "here").mkdir()
    monkeypatch.chdir(workspace / "here")
    assert name_of(Path(file)) == name


def test_init_says_what_it_decided_and_the_file_says_why(cli: Any, workspace: Path) -> None:
    mixed_columns().write(workspace / "houses")
    out = cli("init", "houses", "--train", "houses/train.csv").out
    for what, decided in (
        ("target", "Sale Price"),
        ("id", "Id"),
        ("a number", "living area, measure_0, measure_1, measure_2, measure_3, measure_4 and 32 more"),
        ("left out", "row, account, uuid, always_0, always_1, always_2 and 3 more"),
        ("folds x members", "5 x 8"),
    ):
        assert re.search(rf"│ {what} +│ {decided} +│", out), out
    text = (workspace / "pipelines" / "houses.yaml").read_text()
    assert text.startswith("# Drafted by `tabular-dl init houses` from 200 training rows, by rule")
    assert "# Target: Sale Price, a column of the sample submission. Id: Id, the sample submission has it." in text
    assert "# never_0, never_1, never_2: no value in any training row." in text


def test_files_may_lie_anywhere_under_any_name(cli: Any, workspace: Path) -> None:
    tables = Path(str(workspace) + "-elsewhere")
    made = COMPETITIONS["heavy_missing"]()
    made.write(tables)
    (tables / "train.csv").rename(tables / "a.csv")
    (workspace / "b").mkdir()
    (tables / "test.csv").rename(workspace / "b" / "b.csv")
    assert cli("init", "mine", "--train", tables / "a.csv", "--test", "b/b.csv", "--quiet").out == ""
    data = load_spec("mine").data
    assert (data.source, data.train, data.test) == (str(tables), "a.csv", str(workspace / "b" / "b.csv"))
    competition = competition_of(load_spec("mine"))
    assert (len(competition.train), len(competition.test)) == (len(made.train), len(made.test))


def test_what_is_unusual_about_a_file_is_said(cli: Any, workspace: Path) -> None:
    COMPETITIONS["heavy_missing"]().train.to_csv("only.csv", index=False, sep=";")
    assert "semicolons" in cli("init", "mine", "--train", "only.csv", "--target", "risk").out


def test_without_a_test_table_the_target_has_to_be_named(cli: Any, workspace: Path) -> None:
    COMPETITIONS["heavy_missing"]().train.to_csv("only.csv", index=False)
    message = cli("init", "mine", "--train", "only.csv").refused()
    assert "any column may be the target: lab_0, lab_1" in message
    assert "--target" in message
    assert cli("init", "mine", "--train", "only.csv", "--target", "risk").code == 0


def test_a_pipeline_is_not_written_over_without_force(cli: Any, workspace: Path) -> None:
    arguments = ["init", "mine", "--train", bundled("data") / "wine" / "train.csv"]
    assert cli(*arguments).code == 0
    path = workspace / "pipelines" / "mine.yaml"
    path.write_text("name: mine # my own work")
    message = cli(*arguments).refused()
    assert message.startswith("pipelines/mine.yaml exists")
    assert "--force" in message
    assert path.read_text() == "name: mine # my own work"
    assert cli(*arguments, "--force").code == 0
    assert load_spec("mine").data.target == "cultivar"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init", "x", "--train", "none.csv"], "There is no file none.csv"),
        (["init", "../x", "--train", "wine.csv", "--target", "hue"], "name: expected letters, digits"),
        (
            ["init", "x", "--train", "wine.csv", "--target", "hoe"],
            "--target hoe: the training table has no such column",
        ),
        (["init", "x", "--train", "wine.csv", "--target", "hue", "--metric", "acc"], "There is no metric 'acc'"),
        (["fit"], "expected a pipeline (see `tabular-dl list`) or a table by --train, found neither"),
        (["fit", "wine", "--train", "wine.csv"], "or a table by --train, found both"),
        (["fit", "wine", "--target", "hue"], "--target goes with --train"),
        (["fit", "--train", "wine.csv", "--data", "."], "--data goes with a pipeline. Leave it out"),
        (["fit", "--train", "wine.csv", "--target", "hoe"], "--target hoe: the training table has no such column"),
        (["spec", "wein"], "There is no pipeline 'wein'. Did you mean 'wine'?"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    cli: Any, workspace: Path, arguments: list[str], message: str
) -> None:
    (workspace / "wine.csv").write_bytes((bundled("data") / "wine" / "train.csv").read_bytes())
    assert message in cli(*arguments).refused()
    assert [path.name for path in workspace.iterdir()] == ["wine.csv"]


def test_a_file_in_the_place_of_the_folder_is_refused(cli: Any, workspace: Path) -> None:
    (workspace / "pipelines").write_text("")
    arguments = ["init", "x", "--train", bundled("data") / "wine" / "train.csv"]
    assert "The folder pipelines cannot be created" in cli(*arguments).refused()


def test_the_printed_spec_is_a_pipeline_that_says_all(cli: Any, workspace: Path) -> None:
    outcome = cli("spec", "titanic", "--set", "network.dropout=0.4")
    (workspace / "full.yaml").write_text(outcome.out)
    spec = load_spec(workspace / "full.yaml")
    assert (spec.network["dropout"], spec.network["batch_norm"], spec.training["monitor"]) == (0.4, False, "loss")
    assert spec.features == load_spec("titanic").features


def test_the_printed_schema_is_json(cli: Any, workspace: Path) -> None:
    schema = json.loads(cli("schema").out)
    assert schema["properties"]["network"]["properties"]["dropout"]["default"] == "auto"
    assert "realmlp" in schema["properties"]["network"]["properties"]["preset"]["enum"]


@pytest.mark.usefixtures("store")
def test_rows_that_only_their_order_tells_apart_are_submitted_in_it(cli: Any, workspace: Path) -> None:
    train, test = (pd.read_csv(bundled("data") / "wine" / f"{name}.csv") for name in ("train", "test"))
    (workspace / "wines").mkdir()
    train.drop(columns="Id").to_csv(workspace / "wines" / "train.csv", index=False)
    test.drop(columns="Id").to_csv(workspace / "wines" / "test.csv", index=False)
    sample = pd.DataFrame({"WineId": range(1, len(test) + 1), "Label": 0})
    sample.to_csv(workspace / "wines" / "sample_submission.csv", index=False)
    assert cli("init", "wines", "--train", "wines/train.csv").code == 0
    assert "nothing found" in cli("check", "wines").out
    fitted = cli("fit", "wines", "--members", "1", "--folds", "2", "--epochs", "20").out
    assert "tabular-dl submit wines" in fitted
    said = cli("submit", "wines").out
    assert "WineId of sample_submission.csv counts the test rows." in said
    assert "Unlike sample_submission.csv" not in said
    sample.to_csv(workspace / "wines" / "sample_submission.csv", index=False, sep=";")
    said = cli("submit", "wines").out
    assert "Unlike sample_submission.csv, it has commas between fields and decimal points." in said
    submission = pd.read_csv("submission.csv")
    assert submission["WineId"].tolist() == sample["WineId"].tolist()
    answers = pd.read_csv(bundled("data") / "wine" / "answers.csv").set_index("Id").loc[test["Id"], "cultivar"]
    assert (submission["Label"].to_numpy() == answers.to_numpy()).mean() > 0.8
    sample.assign(WineId=sample["WineId"] + 5).to_csv(workspace / "wines" / "sample_submission.csv", index=False)
    found = " ".join(cli("check", "wines").out.split())
    assert re.search(r"names no id, and WineId of sample_submission\.csv .*rows of test\.csv", found), found
    assert "a submission needs data.id" in cli("submit", "wines").refused()


def test_a_name_that_no_file_can_have_is_refused(cli: Any, workspace: Path) -> None:
    train = bundled("data") / "wine" / "train.csv"
    message = cli("init", "x" * 300, "--train", train).refused()
    assert "of at most 255 bytes, found one of 305" in message
    assert "x" * 300 not in message
    assert not list(workspace.iterdir())

"""`tabular-dl predict`: a model and raw rows in, a table of predictions out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.resources import bundled

pytestmark = pytest.mark.slow

TEST = pd.read_csv(bundled("data") / "titanic" / "test.csv")


@pytest.fixture
def here(tracked: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, beside the store of the tracked fit, with six raw rows in rows.csv."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tracked.folder}/mlflow.db")
    TEST.head(6).to_csv(workspace / "rows.csv", index=False)
    return workspace


def model_folder(tracked: Any) -> Path:
    model_id = tracked.run.outputs.model_outputs[0].model_id
    return Path(tracked.client.get_logged_model(model_id).artifact_location)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("by", ["name", "id", "folder"])
def test_a_run_by_name_or_id_or_a_models_folder_predicts_what_the_fit_would(
    cli: Any, tracked: Any, here: Path, by: str
) -> None:
    which = {"name": tracked.run.info.run_name, "id": tracked.run.info.run_id, "folder": model_folder(tracked)}
    outcome = cli("predict", which[by], "rows.csv")
    assert outcome.code == 0
    assert "6 predictions of Survived are in predictions.csv." in outcome.out
    p = tracked.result.crossfit.predict_proba(TEST.head(6))
    expected = pd.DataFrame({"PassengerId": TEST["PassengerId"].head(6), "Survived": p.argmax(axis=1)})
    expected = expected.assign(p_0=p[:, 0], p_1=p[:, 1])
    pd.testing.assert_frame_equal(pd.read_csv(here / "predictions.csv"), expected)


def test_rows_may_miss_a_fare_and_have_a_port_and_a_title_never_seen(cli: Any, tracked: Any, here: Path) -> None:
    rows = TEST.head(3).copy()
    rows.loc[0, "Fare"] = np.nan
    rows.loc[1, "Embarked"] = "Zanzibar"
    rows.loc[2, "Name"] = "Nemo, Archduke. Karl"
    rows.to_csv("rows.csv", index=False)
    assert cli("predict", tracked.run.info.run_name, "rows.csv", "-o", "out.csv").code == 0
    np.testing.assert_allclose(pd.read_csv("out.csv")["p_1"], tracked.result.crossfit.predict_proba(rows)[:, 1])


def test_rows_need_no_id_and_may_have_other_columns_in_another_order(cli: Any, tracked: Any, here: Path) -> None:
    rows = TEST.head(6).drop(columns="PassengerId").assign(Remark="none")
    rows[rows.columns[::-1]].to_csv("rows.csv", index=False)
    assert cli("predict", tracked.run.info.run_name, "rows.csv").code == 0
    found = pd.read_csv("predictions.csv")
    assert list(found) == ["row", "Survived", "p_0", "p_1"]
    assert list(found["row"]) == [1, 2, 3, 4, 5, 6]


def test_quiet_prints_nothing(cli: Any, tracked: Any, here: Path) -> None:
    outcome = cli("predict", tracked.run.info.run_name, "rows.csv", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_path_with_brackets_is_shown_as_it_is(cli: Any, tracked: Any, here: Path) -> None:
    (here / "[bold]").mkdir()
    outcome = cli("predict", tracked.run.info.run_name, "rows.csv", "-o", "[bold]/x.csv")
    assert "are in [bold]/x.csv." in outcome.out
    assert (here / "[bold]" / "x.csv").exists()


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="Age"), r"rows\.csv lacks columns that the rules name. 'Age'"),
        (lambda rows: rows.rename(columns={"Age": "age"}), r"'Age': Did you mean 'age'\?"),
        (lambda rows: rows.drop(columns="Name"), r"rows\.csv: feature 'Title' reads column 'Name', which the table"),
        (lambda rows: rows.assign(Age=["22", "old", 1, 1, 1, 1]), r"rows\.csv, column 'Age', row 2: .*'old'"),
        (lambda rows: rows.assign(SibSp=np.inf), r"rows\.csv.*column 'SibSp', row 1: .*inf"),
        (lambda rows: rows.head(0), r"rows\.csv has a header and no rows"),
    ],
    ids=["a column is missing", "misspelt", "a feature's column is missing", "text", "infinite", "no rows"],
)
def test_rows_that_cannot_be_predicted_are_refused_and_nothing_is_written(
    cli: Any, tracked: Any, here: Path, change: Any, message: str
) -> None:
    change(TEST.head(6)).to_csv("rows.csv", index=False)
    before = files(here)
    outcome = cli("predict", tracked.run.info.run_name, "rows.csv")
    assert re.search(message, outcome.refused()), outcome.err
    assert files(here) == before


def test_a_table_that_is_not_there_is_named(cli: Any, tracked: Any, here: Path) -> None:
    assert "There is no file nowhere.csv." in cli("predict", tracked.run.info.run_name, "nowhere.csv").refused()


def test_a_run_that_does_not_exist_is_refused_with_the_nearest(cli: Any, tracked: Any, here: Path) -> None:
    name = tracked.run.info.run_name
    message = cli("predict", name + "7", "rows.csv").refused()
    assert message.startswith(f"There is no run '{name}7' in sqlite:///")
    assert f"Did you mean '{name}'?" in message
    assert files(here) == {"rows.csv"}


def test_a_folder_that_does_not_exist_to_write_to_is_refused(cli: Any, tracked: Any, here: Path) -> None:
    message = cli("predict", tracked.run.info.run_name, "rows.csv", "-o", "nowhere/out.csv").refused()
    assert message == "nowhere/out.csv cannot be written: No such file or directory. Name another file with -o."
    assert files(here) == {"rows.csv"}


def test_a_folder_that_is_not_a_model_is_refused(cli: Any, here: Path) -> None:
    (here / "empty").mkdir()
    message = cli("predict", "empty", "rows.csv").refused()
    assert message.startswith("empty is not a model of this package")


@pytest.mark.parametrize(
    ("contents", "message"), [(None, "There is no model at"), (b"not an archive", "is not a model, or is damaged")]
)
def test_a_model_that_is_missing_or_damaged_is_refused(
    cli: Any, tracked: Any, here: Path, contents: bytes | None, message: str
) -> None:
    shutil.copytree(model_folder(tracked), here / "model")
    (here / "model" / "model.skops").unlink()
    if contents is not None:
        (here / "model" / "model.skops").write_bytes(contents)
    assert message in cli("predict", "model", "rows.csv").refused()
    assert not (here / "predictions.csv").exists()

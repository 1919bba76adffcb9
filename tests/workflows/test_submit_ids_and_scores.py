"""Ids are written to a submission unchanged, and a submission is written even if its score cannot be computed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tabular_dl.resources import bundled

pytestmark = pytest.mark.slow


@pytest.fixture
def answers(own: Any) -> Path:
    """Return the answers in a folder `data/titanic` of one's own, which wins over the bundled one."""
    shutil.copytree(bundled("data") / "titanic", own.folder / "data" / "titanic")
    return own.folder / "data" / "titanic" / "answers.csv"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table.iloc[1:], "answers.csv has no row for the id 892."),
        (lambda table: table.rename(columns={"Survived": "Died"}), "answers.csv: there is no column 'Survived'"),
        (lambda table: table.drop(columns="PassengerId"), "answers.csv: there is no column 'PassengerId' (the id)"),
        (lambda table: pd.concat([table, table.head(1)]), "column PassengerId (the id): '892' in row 419"),
        (lambda table: table.assign(Survived="yes"), "answers.csv has labels such as 'yes', the predictions such as"),
    ],
    ids=["a row is missing", "no target", "no id", "an id twice", "labels of another type"],
)
def test_a_score_that_cannot_be_computed_is_said_in_one_line_and_the_file_is_there(
    cli: Any, own: Any, answers: Path, change: Any, reason: str
) -> None:
    change(pd.read_csv(answers).sort_values("PassengerId")).to_csv(answers, index=False)
    outcome = cli("submit", "titanic")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(pd.read_csv(own.folder / "submission.csv")) == 418
    (line,) = (line for line in outcome.out.splitlines() if "answers.csv" in line)
    assert line.startswith("Its accuracy against answers.csv cannot be computed: ")
    assert reason in line
    assert (own.artifacts / "submission" / "submission.csv").exists()
    assert "submission_score" not in own.run.data.metrics


def _with_zeros(path: Path, read: Path) -> None:
    table = pd.read_csv(read)
    table.assign(PassengerId=[f"00{number}" for number in table["PassengerId"]]).to_csv(path, index=False)


def test_ids_with_leading_zeros_reach_the_submission_and_its_score(cli: Any, own: Any, answers: Path) -> None:
    plain = cli("submit", "titanic", "-o", "plain.csv").out
    for name in ("train", "test", "sample_submission", "answers"):
        _with_zeros(answers.with_name(f"{name}.csv"), bundled("data") / "titanic" / f"{name}.csv")
    outcome = cli("submit", "titanic")
    assert outcome.out.splitlines()[-1] == plain.splitlines()[-1], "the score is the same"
    lines = (own.folder / "plain.csv").read_text().splitlines()
    assert (own.folder / "submission.csv").read_text().splitlines() == [lines[0], *(f"00{line}" for line in lines[1:])]


def test_predictions_keep_the_ids_of_their_rows(cli: Any, own: Any) -> None:
    ids = ["007", "9007199254740993", " 7"]
    rows = pd.read_csv(bundled("data") / "titanic" / "test.csv").head(3).assign(PassengerId=ids)
    rows.to_csv(own.folder / "rows.csv", index=False)
    assert cli("predict", own.run.info.run_name, "rows.csv").code == 0
    lines = (own.folder / "predictions.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ids


def test_a_store_that_takes_no_files_costs_no_submission(cli: Any, own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("tabular_dl.tracking.log_file", refuse)
    outcome = cli("submit", "titanic")
    assert outcome.code == 0
    assert "It was not added to the run: the disk is full" in outcome.out
    assert "Its accuracy against answers.csv" in outcome.out
    assert len(pd.read_csv(own.folder / "submission.csv")) == 418

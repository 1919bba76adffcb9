"""Tables with time, ids of test rows only, and parts of the target: from CSV files to good predictions, unedited."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.drafting.from_files import Tables, draft_from_files
from tabular_dl.spec.reader import read_spec
from tabular_dl.workflows.training import train
from tests.competitions import bike_rentals, store_sales

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("store")
def test_the_next_month_of_shops_whose_rows_only_the_test_table_numbers(cli: Any) -> None:
    made = store_sales(300)
    made.write(Path("tables"))
    assert cli("init", "shops", "--train", "tables/train.csv", "--preset", "fast").code == 0
    checked = cli("check", "shops")
    assert checked.code == 0
    assert "warning" not in checked.out, checked.out
    fitted = cli("fit", "shops", "--epochs", 15, "--folds", 2, "--members", 1, "--set", "baselines=none")
    assert (fitted.code, "warning" in fitted.out) == (0, False), fitted
    outcome = cli("submit", "shops")
    assert outcome.code == 0, outcome
    submission = pd.read_csv("submission.csv")
    assert made.answers is not None
    assert submission["id"].tolist() == made.answers["id"].tolist()
    true = made.answers["sales"]
    # Without the date, as it was drafted before, the error is 30 % of the mean.
    assert np.sqrt(((submission["sales"] - true) ** 2).mean()) < 0.2 * true.mean()
    # Training rows without ids are numbered, and predictions of others cannot be joined with them.
    (results,) = Path("mlruns").rglob("predictions/oof.csv")
    assert pd.read_csv(results).columns[0] == "row"
    assert "train.csv needs the id id" in cli("folds", "shops", "-o", "folds.csv").out
    refusal = cli("import", "shops", "--oof", "folds.csv", "--name", "own").refused()
    assert "train.csv: there is no column 'id' (the id, by which predictions are joined)" in refusal


def test_the_last_days_of_each_month_of_bikes_whose_hours_are_ids(tmp_path: Path) -> None:
    made = bike_rentals(120)
    draft, competition = draft_from_files("bikes", Tables(made.write(tmp_path), metric="rmsle"), "fast")
    small = ["training.epochs=25", "ensemble.folds=2", "ensemble.members=1", "baselines=none"]
    spec = read_spec(draft.content, small, tmp_path / "bikes.yaml")
    fitted = train(spec, Console(file=io.StringIO()), competition=competition, checked=True)
    predicted = fitted.crossfit.predict(competition.test)
    assert made.answers is not None
    # Without the hour, as it was drafted before, the error is about 1.
    assert np.sqrt(((np.log1p(predicted) - np.log1p(made.answers["count"])) ** 2).mean()) < 0.5

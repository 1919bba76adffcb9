"""Pseudo-labels and a last training on all rows, from a pipeline file: printed, stored and reproduced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.spec.build import competition_of
from tabular_dl.spec.other_rows import other_rows
from tabular_dl.spec.reader import load_spec

pytestmark = pytest.mark.slow

BOTH = ["--set", "ensemble.pseudo_labels={share: 0.25}", "--set", "ensemble.refit=all"]
ROWS, TEST = 60, 40
FILE = """name: own
data: {source: table, target: y, id: Id}
columns:
  - {columns: [a, b], scale: standard}
model: MODEL
ensemble: {folds: 2, members: 1}
baselines: none
"""


def write(folder: Path, *, model: str = "logistic", unlabeled: int = 0, test: bool = True) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"Id": np.arange(ROWS + TEST), "a": rng.normal(size=100), "b": rng.normal(size=100)})
    table["y"] = np.where(table["a"] + rng.normal(0, 0.5, 100) > 0, "yes", "no")
    (folder / "table").mkdir(exist_ok=True)
    train = table[:ROWS].copy()
    train.loc[: unlabeled - 1, "y"] = None
    train.to_csv(folder / "table" / "train.csv", index=False)
    if test:
        table[ROWS:].drop(columns="y").to_csv(folder / "table" / "test.csv", index=False)
    (folder / "own.yaml").write_text(FILE.replace("MODEL", model))


def test_a_fit_says_what_else_was_trained_and_reproduce_repeats_it(cli: Any, store: Any, workspace: Path) -> None:
    write(workspace)
    outcome = cli("fit", "own.yaml", *BOTH)
    assert outcome.code == 0, outcome
    assert "each fold was trained once more on 25% of 40 rows without a target, with the predictions" in outcome.out
    assert "Trained once more on all 60 rows: these models predict new rows, beside those of the folds." in outcome.out
    assert "3 models, 60 rows" in outcome.out
    run = next(word for line in outcome.out.splitlines() if line.startswith("Run ") for word in line.split()[1:2])
    assert "Identical: all 120 out-of-fold predictions" in cli("reproduce", run).out
    assert cli("submit", "own.yaml").code == 0
    test = workspace / "table" / "test.csv"
    test.write_text(test.read_text().replace("60,", "60,1"))
    assert "test.csv has changed since run" in cli("reproduce", run).refused()


def test_rows_without_a_target_are_test_rows_and_training_rows_that_lack_it(workspace: Path) -> None:
    write(workspace, unlabeled=7)
    spec = load_spec("own.yaml", ["ensemble.pseudo_labels={}"])
    competition = competition_of(spec)
    rows = other_rows(spec, competition)
    assert rows is not None
    assert rows.columns.tolist() == ["a", "b"]
    table = pd.concat([pd.read_csv("table/train.csv")[:7], pd.read_csv("table/test.csv")])
    np.testing.assert_allclose(rows.to_numpy(), table[["a", "b"]].to_numpy())
    assert other_rows(load_spec("own.yaml"), competition) is None


@pytest.mark.parametrize(
    ("model", "test", "key", "message"),
    [
        ("logistic", False, "ensemble.pseudo_labels={}", "needs rows without a target: there is no table/test.csv"),
        ("knn", True, "ensemble.pseudo_labels={}", "ensemble.pseudo_labels: KNeighborsClassifier takes no weights"),
        (
            "ridge",
            True,
            "ensemble.pseudo_labels={share: 0}",
            "share: expected more than 0, found 0",
        ),
        ("ridge", True, "ensemble.pseudo_labels={rounds: 11}", "ensemble.pseudo_labels.rounds: expected"),
        ("ridge", True, "ensemble.pseudo_labels={round: 1}", "there is no such key. Did you mean 'rounds'?"),
        ("ridge", True, "ensemble.pseudo_labels=0.5", "ensemble.pseudo_labels: expected"),
        ("ridge", True, "ensemble.refit=folds", "ensemble.refit: expected 'all', found 'folds'"),
    ],
)
def test_what_cannot_be_followed_is_refused_before_the_fit(
    model: str, test: bool, key: str, message: str, cli: Any, workspace: Path
) -> None:
    write(workspace, model=model, test=test)
    assert message in cli("fit", "own.yaml", "--set", key).refused()
    assert {path.name for path in workspace.iterdir()} == {"own.yaml", "table"}


def test_check_offers_the_line_without(cli: Any, workspace: Path) -> None:
    write(workspace, test=False)
    outcome = cli("check", "own.yaml", "--set", "ensemble.pseudo_labels={share: 0.25}")
    assert outcome.code == 2
    assert "fix: ensemble: {folds: 2, members: 1}" in outcome.out


def test_several_targets_with_classes_have_no_soft_labels(cli: Any, workspace: Path) -> None:
    write(workspace)
    for name in ("train", "test"):
        table = pd.read_csv(f"table/{name}.csv")
        extra = {"z": np.where(table["b"] > 0, "up", "down")} if name == "train" else {}
        table.assign(**extra).to_csv(f"table/{name}.csv", index=False)
    outcome = cli("fit", "own.yaml", "--set", "data.target=[y, z]", "--set", "ensemble.pseudo_labels={}")
    assert "is for one target with classes, or for numbers; data.target names 2" in outcome.refused()

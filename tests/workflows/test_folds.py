"""The folds that are written for a notebook are those of a fit, to the row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.errors import DataError, SpecError, UserError
from tabular_dl.spec import load_spec
from tabular_dl.workflows.folds import folds
from tabular_dl.workflows.training import train

QUIET = Console(quiet=True)
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "Id": [f"r{number:02}" for number in range(36)],
        "x": RNG.normal(size=36).round(3),
        "family": RNG.integers(0, 9, 36),
        "kind": RNG.choice(["a", "b"], 36),
        "price": RNG.normal(size=36).round(3),
    }
)
PIPELINE = "name: mine\ndata: {source: tables, target: kind, id: Id}\ncolumns: [{columns: [x]}]\nrest: drop\n"
MODELS = {"kind": "logistic", "price": "ridge"}  # that train in no time


@pytest.fixture
def mine(workspace: Path) -> Path:
    """Work in a folder with a pipeline of 36 rows."""
    (workspace / "tables").mkdir()
    TABLE.to_csv(workspace / "tables" / "train.csv", index=False)
    (workspace / "mine.yaml").write_text(PIPELINE)
    return workspace


def written(file: Path, column: str) -> list[set[Any]]:
    table = pd.read_csv(file, dtype={column: str})
    assert [*table.columns] == [column, "fold"]
    assert sorted(set(table["fold"])) == [*range(table["fold"].max() + 1)]
    return [set(table[column][table["fold"] == fold]) for fold in sorted(set(table["fold"]))]


def test_they_are_the_folds_of_a_tracked_fit(tracked: Any, workspace: Path) -> None:
    folds("titanic", workspace / "folds.csv", ["ensemble.folds=2"], QUIET)
    ids = tracked.result.competition.train["PassengerId"]
    expected = [set(ids.iloc[rows]) for rows in tracked.result.crossfit.test_rows_]
    assert written(workspace / "folds.csv", "PassengerId") == expected


@pytest.mark.parametrize("target", ["kind", "price"])
@pytest.mark.parametrize("group", [None, "family"])
@pytest.mark.parametrize("seed", [0, 7])
def test_they_are_those_of_a_fit_with_groups_and_without(mine: Path, target: str, group: str | None, seed: int) -> None:
    changes = [f"data.target={target}", "ensemble.folds=3", f"seed={seed}"]
    changes += [] if group is None else [f"ensemble.group={group}"]
    table = folds("mine.yaml", mine / "folds.csv", changes, QUIET)
    assert table["Id"].tolist() == TABLE["Id"].tolist()
    fitted = train(load_spec("mine.yaml", [*changes, f"model={MODELS[target]}", "baselines=none"]), QUIET).crossfit
    assert written(mine / "folds.csv", "Id") == [set(TABLE["Id"].iloc[rows]) for rows in fitted.test_rows_]
    if group is not None:
        assert table.assign(group=TABLE[group]).groupby("group")["fold"].nunique().max() == 1


def test_rows_without_an_id_are_counted_from_1(mine: Path, cli: Callable[..., Any]) -> None:
    (mine / "mine.yaml").write_text(PIPELINE.replace(", id: Id", ""))
    outcome = cli("folds", "mine.yaml", "--set", "ensemble.folds=4", "-o", "numbers.csv")
    assert outcome.code == 0, outcome.err
    assert pd.read_csv("numbers.csv")["row"].tolist() == [*range(1, 37)]
    assert "4 folds of 36 rows (seed 0) are in numbers.csv" in outcome.out
    assert "needs data.id" in outcome.out


def test_the_command_says_what_to_do_next(mine: Path, cli: Callable[..., Any]) -> None:
    outcome = cli("folds", "mine.yaml", "--data", "tables", "--set", "ensemble.group=family", "--set", "seed=3")
    assert outcome.code == 0, outcome.err
    assert "5 folds by family of 36 rows (seed 3) are in folds.csv" in outcome.out
    assert "tabular-dl import mine.yaml --set ensemble.group=family --set seed=3 --set " in outcome.out
    assert cli("folds", "mine.yaml", "-q").out == ""


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("ensemble.group=famly", DataError, "no column 'famly', which ensemble.group names"),
        ("ensemble.group=kind", SpecError, "is the target"),
        ("ensemble.folds=30", DataError, "fewer than the 30 folds"),
        ("ensemble.folds=40", DataError, "36 rows, fewer than the 40 folds"),
        ("data.id=Idd", DataError, "no column 'Idd'"),
    ],
)
def test_folds_that_cannot_be_made_are_refused_and_nothing_is_written(
    mine: Path, change: str, error: type[UserError], message: str
) -> None:
    with pytest.raises(error, match=message):
        folds("mine.yaml", mine / "folds.csv", [change], QUIET)
    assert not (mine / "folds.csv").exists()


def test_a_place_that_cannot_be_written_is_refused(mine: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        folds("mine.yaml", mine, (), QUIET)

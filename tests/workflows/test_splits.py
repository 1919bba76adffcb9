"""A table whose test rows are later than its training rows, from the folds to the checked submission."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.errors import DataError, UserError
from tabular_dl.model_selection import predicted_rows
from tabular_dl.spec import load_spec
from tabular_dl.tracking import find_run, open_model
from tabular_dl.workflows.ensemble import ensemble
from tabular_dl.workflows.fit import fit
from tabular_dl.workflows.fold_files import read_fold_file
from tabular_dl.workflows.folds import folds
from tabular_dl.workflows.import_run import ImportFiles, import_run
from tabular_dl.workflows.imported_files import KnownRows, read_prediction_file
from tabular_dl.workflows.reproduce import reproduce
from tabular_dl.workflows.search_task import SearchOptions, SearchTask
from tabular_dl.workflows.submit import submit
from tabular_dl.workflows.training import train

QUIET = Console(quiet=True)
RNG = np.random.default_rng(0)
DAYS = pd.date_range("2024-01-01", periods=36)
STORES = 4
TABLE = pd.DataFrame(
    {
        "id": np.arange(len(DAYS) * STORES),
        "date": np.repeat(DAYS.strftime("%d.%m.%Y"), STORES),
        "store": np.tile(np.arange(STORES), len(DAYS)),
        "promo": RNG.integers(0, 2, len(DAYS) * STORES),
    }
).sample(frac=1, random_state=0, ignore_index=True)
TABLE["sales"] = 10.0 + TABLE["store"] + 3 * TABLE["promo"] + RNG.normal(0, 0.5, len(TABLE)).round(3)
DAY = pd.to_datetime(TABLE["date"], format="%d.%m.%Y").to_numpy()
LAST = pd.Timestamp("2024-01-31")
PIPELINE = """\
name: stores
problem: regression
data: {source: tables, target: sales, id: id}
metric: rmse
columns: [{columns: [store], encode: onehot}, {columns: [promo]}]
rest: error
model: ridge
baselines: none
ensemble: {folds: 3, members: 1, split: time, time: date, gap: 1}
"""


def written(folder: Path) -> None:
    (folder / "tables").mkdir(exist_ok=True)
    TABLE[DAY <= LAST].to_csv(folder / "tables" / "train.csv", index=False)
    TABLE[DAY > LAST].drop(columns="sales").to_csv(folder / "tables" / "test.csv", index=False)
    (folder / "stores.yaml").write_text(PIPELINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[tuple[Path, str]]:
    """Work in a folder with a fit by time, and a run that was imported by its folds; return what the fit printed."""
    place = tmp_path_factory.mktemp("stores")
    shutil.copy(empty_store, place / "mlflow.db")
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/mlflow.db")
        written(place)
        fit("stores.yaml", console=Console(file=printed, width=200))
        folds("stores.yaml", place / "folds.csv", console=QUIET)
        table = pd.read_csv("tables/train.csv").merge(pd.read_csv("folds.csv"), on="id")
        mean = table["sales"].mean()  # a notebook's model
        known = table[table["fold"].notna()]
        known[["id"]].assign(prediction=mean).to_csv("oof.csv", index=False)
        pd.read_csv("tables/test.csv")[["id"]].assign(prediction=mean).to_csv("test.csv", index=False)
        files = ImportFiles(place / "oof.csv", place / "test.csv", place / "folds.csv")
        import_run("stores.yaml", "notebook", files, console=Console(file=printed, width=200))
        yield place, printed.getvalue()


TRAIN = TABLE[DAY <= LAST].reset_index(drop=True)
TRAIN_DAY = DAY[DAY <= LAST]


def fitted(folder: tuple[Path, str]) -> Any:
    return find_run(re.findall(r"Run (\S+) \(", folder[1])[0])


def test_the_fit_says_which_rows_no_fold_predicts(folder: tuple[Path, str]) -> None:
    model, _ = open_model(fitted(folder))
    unpredicted = len(TRAIN) - len(predicted_rows(model))
    assert 0 < unpredicted < len(TRAIN) / 3
    assert f"{unpredicted} of {len(TRAIN)} rows are predicted by no fold, the earliest by date" in folder[1]
    assert "rmse of 3 folds by time (date), lower is better" in " ".join(folder[1].split())
    for train_rows, test_rows in zip(model.train_rows_, model.test_rows_, strict=True):
        # A gap of one day: the day before the fold is not trained on.
        assert TRAIN_DAY[train_rows].max() == TRAIN_DAY[test_rows].min() - np.timedelta64(2, "D")


def test_the_folds_are_written_without_the_rows_that_none_predicts(folder: tuple[Path, str]) -> None:
    model, _ = open_model(fitted(folder))
    table = pd.read_csv("folds.csv")
    for fold, rows in enumerate(model.test_rows_):
        assert set(table["id"][table["fold"] == fold]) == set(TRAIN["id"][rows])
    assert set(table["id"][table["fold"].isna()]) == set(TRAIN["id"].drop(predicted_rows(model)))
    (oof,) = (pd.read_csv(file) for file in folder[0].rglob(f"{fitted(folder).id}/artifacts/predictions/oof.csv"))
    np.testing.assert_array_equal(oof["id"], TRAIN["id"].iloc[predicted_rows(model)])
    np.testing.assert_allclose(oof["sales"], model.oof_predictions_[predicted_rows(model)])


def test_predictions_of_a_notebook_are_imported_blended_and_submitted(folder: tuple[Path, str]) -> None:
    place, printed = folder
    model, _ = open_model(find_run("notebook"))
    predicted = predicted_rows(model)
    assert f"{len(predicted)} of {len(TRAIN)} rows in 3 folds" in printed
    assert find_run("notebook").tags["tabular_dl.folds"] == fitted(folder).tags["tabular_dl.folds"]
    out = io.StringIO()
    blend = ensemble("stores.yaml", method="weighted", console=Console(file=out, width=200))
    assert blend is not None
    blended, _ = open_model(blend)
    assert np.isnan(blended.oof_predictions_).sum() == len(TRAIN) - len(predicted)
    submit("stores.yaml", blend.id, place / "submission.csv", QUIET)
    assert pd.read_csv("submission.csv")["id"].tolist() == pd.read_csv("tables/test.csv")["id"].tolist()


def test_the_fit_is_reproduced_bit_for_bit(folder: tuple[Path, str]) -> None:
    assert reproduce(fitted(folder).id, QUIET).identical


def test_a_search_keeps_the_order_of_time(folder: tuple[Path, str]) -> None:
    spec = load_spec("stores.yaml", ["search.alpha={log_uniform: [0.1, 10.0]}"])
    task = SearchTask(spec, SearchOptions(trials=2, rounds=1))
    assert TRAIN_DAY[task.rows].max() == TRAIN_DAY[task.held_out].min() - np.timedelta64(2, "D")
    assert len(task.splits) == 3
    for train_rows, test_rows in task.splits:
        inside = TRAIN_DAY[task.rows]
        assert inside[train_rows].max() == inside[test_rows].min() - np.timedelta64(2, "D")
    (outcome, _) = task.train(
        [{"model.parameters.alpha": alpha} for alpha in (0.1, 1.0)], [0, 1], True, lambda *_: None
    )
    assert np.isfinite(outcome.scores).all()
    assert outcome.ratio == pytest.approx(np.mean([len(test) / len(train) for train, test in task.splits]))
    scores = task.score_on_holdout({"winner": spec, "pipeline": spec})
    assert scores["difference"] == 0
    assert np.isfinite(scores["winner_error"])


@pytest.fixture
def stores(workspace: Path) -> Path:
    """Work in a folder with the tables and the pipeline."""
    written(workspace)
    return workspace


def test_check_finds_nothing_in_a_split_that_mirrors_the_test(stores: Path, cli: Callable[..., Any]) -> None:
    assert cli("check", "stores.yaml").code == 0
    refused = cli("check", "stores.yaml", "--set", "ensemble.time=dat").out
    assert "there is no column 'dat', which ensemble.time names. Did you mean 'date'?" in refused
    assert "ensemble: {folds: 3, members: 1, split: time, time: date, gap: 1}" in refused
    before = sorted(stores.rglob("*"))
    assert "no column 'dat'" in cli("fit", "stores.yaml", "--set", "ensemble.time=dat").refused()
    assert sorted(stores.rglob("*")) == before


def test_the_users_own_folds_are_those_of_a_fit_and_no_feature(stores: Path) -> None:
    TRAIN.assign(mine=np.arange(len(TRAIN)) % 4).to_csv("tables/train.csv", index=False)
    changes = ["rest=drop", "ensemble={split: column, fold: mine, members: 1}", "columns.1.columns=['pro*', 'mi*']"]
    with pytest.raises(UserError, match="'mi\\*'"):
        train(load_spec("stores.yaml", changes), QUIET)
    changes[2] = "columns.1.columns=['*o']"
    result = train(load_spec("stores.yaml", changes), QUIET)
    assert [rows.tolist() for rows in result.crossfit.test_rows_] == [list(range(k, len(TRAIN), 4)) for k in range(4)]
    assert "mine" not in result.crossfit.feature_names_in_
    assert result.folds == 4


def test_repeats_have_folds_of_other_seeds_and_a_column_each(stores: Path, cli: Callable[..., Any]) -> None:
    (stores / "stores.yaml").write_text(PIPELINE.replace("split: time, time: date, gap: 1", "repeats: 2"))
    spec = load_spec("stores.yaml", ["rest=drop"])
    crossfit = train(spec, QUIET).crossfit
    outcome = cli("folds", "stores.yaml", "--set", "rest=drop", "-o", "folds.csv")
    assert "6 folds (2 repeats of 3) of 124 rows (seed 0) are in folds.csv" in outcome.out
    table = pd.read_csv("folds.csv")
    assert [*table] == ["id", "fold_1", "fold_2"]
    for number, rows in enumerate(crossfit.test_rows_):
        fold = table[f"fold_{number // 3 + 1}"] == number % 3
        assert set(table["id"][fold]) == set(TRAIN["id"][rows])


def test_a_search_holds_out_the_last_of_the_users_folds(stores: Path) -> None:
    TRAIN.assign(mine=np.arange(len(TRAIN)) % 4).to_csv("tables/train.csv", index=False)
    changes = ["rest=drop", "ensemble={split: column, fold: mine}", "search.alpha={log_uniform: [0.1, 10.0]}"]
    task = SearchTask(load_spec("stores.yaml", changes), SearchOptions(trials=2, rounds=1))
    assert task.held_out.tolist() == list(range(3, len(TRAIN), 4))
    assert [len(np.unique(task.rows[test] % 4)) for _, test in task.splits] == [1, 1, 1]


def test_a_file_of_predictions_may_have_rows_that_no_fold_predicts(tmp_path: Path) -> None:
    rows = KnownRows("train.csv", "id", pd.Series(["a", "b", "c"], index=[1, 2, 3], dtype=object), {})
    for table in ({"id": ["c", "a"], "sales": [3.0, 1.0]}, {"id": ["c", "b", "a"], "sales": [3.0, np.nan, 1.0]}):
        pd.DataFrame(table).to_csv(tmp_path / "oof.csv", index=False)
        found = read_prediction_file(tmp_path / "oof.csv", rows, "sales", None, np.array([0, 2]))
        np.testing.assert_array_equal(found.predictions, [1.0, np.nan, 3.0])
    with pytest.raises(DataError, match=r"expected a number for sales, found no value"):
        read_prediction_file(tmp_path / "oof.csv", rows, "sales", None)


@pytest.mark.parametrize("by_time", [True, False])
def test_only_folds_by_time_may_leave_rows_out(tmp_path: Path, by_time: bool) -> None:
    rows = KnownRows("train.csv", "id", pd.Series(["a", "b", "c"], index=[1, 2, 3], dtype=object), {})
    pd.DataFrame({"id": ["b", "a", "c"], "fold": [np.nan, 0, 1]}).to_csv(tmp_path / "folds.csv", index=False)
    if by_time:
        splits = read_fold_file(tmp_path / "folds.csv", rows, None, by_time=True)
        assert [(train.tolist(), test.tolist()) for train, test in splits] == [([1], [0]), ([0, 1], [2])]
        return
    with pytest.raises(DataError, match=r"column fold, row 1 \(id b\): expected a whole number, found no value"):
        read_fold_file(tmp_path / "folds.csv", rows, None)

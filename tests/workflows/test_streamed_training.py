"""A fit of several files has the scores of the same rows in one file, and leaves nothing half-written."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.clusters import open_cluster
from tabular_dl.errors import DataError, UserError
from tabular_dl.reporting import FitResult
from tabular_dl.spec import load_spec, read_spec, whole_tables
from tabular_dl.tables.row_source import RowSource
from tabular_dl.workflows.check import check_spec
from tabular_dl.workflows.fit import fit_spec

pytestmark = pytest.mark.slow

ROWS = 150


def content(**data: str) -> dict[str, Any]:
    return {
        "name": "large",
        "problem": "binary",
        "baselines": "none",
        "data": {"source": "data", "target": "y", "id": "id", **data},
        "features": {"twice": {"eval": "a * 2"}, "first": {"from": "city", "extract": "^(.)"}},
        "columns": [
            {"columns": ["a", "b", "twice"], "scale": "minmax"},
            {"columns": ["city", "first", "code"], "encode": "onehot"},
        ],
        "network": {"hidden": [4]},
        "training": {"epochs": 3, "batch_size": 16, "early_stopping": 2},
        "ensemble": {"folds": 3, "members": 2},
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"id": range(ROWS), "a": random.normal(size=ROWS).round(3), "b": random.integers(0, 9, ROWS)})
    rows["city"], rows["code"] = random.choice(["Bern", "Rome", "Basel"], ROWS), random.choice(["01", "1"], ROWS)
    rows["y"] = np.where(rows["a"] + random.normal(0, 0.5, ROWS) > 0, "yes", "no")
    rows.loc[::7, "a"] = np.nan
    rows.loc[5, "y"] = None
    data = tmp_path / "data"
    (data / "parts").mkdir(parents=True)
    rows.to_csv(data / "train.csv", index=False)
    rows[:60].to_csv(data / "parts" / "1.csv", index=False)
    rows[60:].to_csv(data / "parts" / "2.csv", index=False)
    rows.drop(columns="y")[:20].to_csv(data / "test.csv", index=False)
    return tmp_path


def fit(overrides: tuple[str, ...] = (), **data: str) -> tuple[FitResult, str]:
    output = io.StringIO()
    console = Console(file=output, width=200)
    spec = read_spec(content(**data), overrides, Path("large.yaml"))
    return fit_spec(spec, None, track=False, console=console), output.getvalue()


def test_scores_predictions_and_the_stored_model_are_those_in_memory(folder: Path) -> None:
    in_memory, _ = fit()
    in_blocks, printed = fit(train="parts")
    np.testing.assert_array_equal(in_blocks.scores, in_memory.scores)
    assert in_blocks.rows == in_memory.rows == ROWS - 1
    assert in_blocks.all_rows is not None
    oof = in_memory.crossfit.oof_predictions_
    np.testing.assert_array_equal(in_blocks.all_rows.oof_predictions, oof)
    written = pd.read_parquet(next((folder / "outputs").glob("large-*/predictions/oof_all.parquet")))
    np.testing.assert_array_equal(written.iloc[:, -oof.shape[1] :].to_numpy(), oof)
    tests = [pd.read_csv(path) for path in (folder / "outputs").glob("large-*/predictions/test.csv")]
    pd.testing.assert_frame_equal(tests[0], tests[1])
    assert "Training rows are read in blocks (2 files" in printed
    assert "149 rows are in the map" in printed


def test_the_next_fit_reads_the_map(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = fit(train="parts/*.csv")

    def refuse(self: RowSource) -> None:
        raise AssertionError("rows were read")

    monkeypatch.setattr(RowSource, "batches", refuse)
    second, _ = fit(("training.epochs=2",), train="parts/*.csv")
    assert len(list((folder / "outputs" / "maps").iterdir())) == 1
    assert first.rows == second.rows


def test_a_sample_stands_for_all_rows_in_the_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("tabular_dl.spec.streamed_table"), "SAMPLE_ROWS", 60)
    whole, _ = fit()
    result, _ = fit(train="parts")
    assert result.all_rows is not None
    assert len(result.competition.train) == len(result.crossfit.oof_predictions_) == 60
    drawn = result.competition.train.index.to_numpy() - 1
    np.testing.assert_array_equal(result.crossfit.oof_predictions_, whole.crossfit.oof_predictions_[drawn])
    tested = np.concatenate(result.crossfit.test_rows_)
    assert sorted(tested) == list(range(60))
    np.testing.assert_array_equal(result.scores, whole.scores)
    assert (folder / "outputs").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=hist_gradient_boosting", "model: hist_gradient_boosting reads all rows at once"),
        ("features.n={from: city, count: true}", "features: n is learned from all rows at once"),
        ("network.preset=realmlp", "network.normalize: it learns from all rows at once"),
        ("columns.1.encode=target", "columns, rule 2: the step TargetEncoder cannot be fitted"),
        ("columns.1.encode=embedding", "columns: encode: embedding reads all rows at once"),
        ("ensemble.refit=all", "ensemble.refit: it needs all rows at once"),
    ],
)
def test_what_needs_all_rows_is_refused_before_they_are_read(folder: Path, override: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit((override,), train="parts")
    assert not list(folder.glob("outputs/maps/*"))


def test_blocks_do_not_train_on_a_cluster(folder: Path) -> None:
    with open_cluster("loky:2"), pytest.raises(UserError, match="--cluster: the training rows of pipeline large"):
        fit(train="parts")
    assert not list(folder.glob("outputs/maps/*"))


def test_bad_rows_and_ctrl_c_leave_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "data" / "parts" / "2.csv"
    text = path.read_text().splitlines()
    cells = text[30].split(",")
    text[30] = ",".join([*cells[:2], "many", *cells[3:]])
    path.write_text("\n".join(text) + "\n")
    with pytest.raises(DataError, match=r"2\.csv, column b, row 30: expected numbers.* found 'many'"):
        fit(train="parts")
    assert not list(folder.glob("outputs/*/*"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tabular_dl.tables.row_map._written", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(train="parts")
    assert not list(folder.glob("outputs/*/*"))


def test_check_says_that_it_reads_the_first_rows(folder: Path) -> None:
    output = io.StringIO()
    check_spec(read_spec(content(train="parts"), (), Path("large.yaml")), Console(file=output, width=200))
    assert "types and checks are of the first" in output.getvalue()
    assert folder.exists()


def test_other_commands_ask_for_rows_in_memory(folder: Path) -> None:
    with pytest.raises(UserError, match="This command needs them in memory"):
        whole_tables(read_spec(content(train="parts"), (), Path("large.yaml")))
    assert len(whole_tables(read_spec(content(), (), Path("large.yaml"))).train) == ROWS - 1
    assert not list(folder.glob("outputs/maps/*"))


def test_a_draft_of_a_table_in_blocks_fits_as_it_is(folder: Path, cli: Any) -> None:
    random = np.random.default_rng(1)
    streets = [f"{letter}{number} street" for letter in "abcdefghij" for number in range(4)]
    for part in (1, 2):
        file = folder / "data" / "parts" / f"{part}.csv"
        rows = pd.read_csv(file)
        rows["street"] = random.choice(streets, len(rows))
        rows["power"] = [f"{number} kmpl" for number in random.integers(9, 30, len(rows))]
        rows["day"] = pd.date_range("2024-01-01", periods=len(rows)).strftime("%Y-%m-%d")
        rows.to_csv(file, index=False)
    assert cli("init", "large", "--train", "data/parts", "--target", "y", "--id", "id").code == 0
    drafted = load_spec("large")
    assert not set(drafted.network) & {"preset", "numeric_embedding"}
    assert not any(rule.encode in ("embedding", "target") for rule in drafted.columns)
    assert "error" not in cli("check", "large").out.lower()
    done = cli("fit", "large", "--epochs", "1", "--members", "1", "--no-track")
    assert done.code == 0, done


def test_check_finds_what_a_fit_in_blocks_refuses(folder: Path, cli: Any) -> None:
    assert cli("init", "large", "--train", "data/parts", "--target", "y", "--id", "id").code == 0
    changes = ("--set", "model=lightgbm")
    found, refused = cli("check", "large", *changes), cli("fit", "large", *changes, "--no-track")
    assert "model: lightgbm reads all rows at once" in " ".join(found.out.split())
    assert (found.code, refused.code) == (2, 2)

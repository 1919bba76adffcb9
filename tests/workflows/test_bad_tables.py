"""Unprepared tables: the right result, or a clear error and nothing written."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl import tracking
from tabular_dl.resources import bundled
from tabular_dl.workflows.fit import fit

pytestmark = pytest.mark.slow

ROWS, TEST_ROWS = 40, 6
FIRST_ID = 2**53 + 1  # floats hold every second integer from here on

PIPELINE = """
name: own
problem: binary
data: {{source: tables, target: {target}, id: Id{files}}}
features:
  Year: {{from: sold, extract: '([0-9]{{4}})'}}
columns:
  - {{columns: [size, price, rooms, nothing], scale: standard, missing_flag: true}}
  - {{columns: [kind, smoker, new, mixed, Year, zip], encode: onehot}}
rest: drop
network: {{hidden: [3]}}
training: {{epochs: 2}}
ensemble: {{folds: 2, members: 1}}
"""

SMALL = """
name: own
data: {{source: tables, target: y}}
columns:
  - {{columns: [{columns}], scale: standard}}
network: {{hidden: [3]}}
training: {{epochs: 1, batch_size: 512, early_stopping: null}}
ensemble: {{folds: 2, members: 1}}
"""


def messy(rows: int, first_id: int) -> pd.DataFrame:
    """Make a table with all that a column may hold."""
    rng = np.random.default_rng(first_id)
    days = pd.Series(pd.date_range("2019-11-01", periods=rows, freq="9D"))
    table = pd.DataFrame(
        {
            "Id": [str(first_id + row) for row in range(rows)],
            "size": rng.normal(size=rows).round(3) * 2000,
            "price": rng.integers(1000, 10**7, rows) + 0.5,
            "rooms": rng.integers(1, 9, rows),
            "nothing": np.nan,
            "kind": pd.Series(rng.choice(["café", "two\nlines", "a; b, | c", 'say "no"'], rows), dtype="str"),
            "smoker": pd.Series(rng.choice(["yes", "no"], rows), dtype="str"),
            "new": rng.choice(np.array([True, False, None]), rows),
            "mixed": pd.Series(rng.choice(["1", "2", "x"], rows), dtype="str"),
            "sold": days.dt.strftime("%Y-%m-%d").where(days.index % 2 == 0, days.dt.strftime("%d/%m/%Y")),
            "zip": pd.Series(rng.choice(["007", "7", "12"], rows), dtype="str"),
            "Sale Type": pd.Series(rng.choice(["New house", "Old house, used"], rows), dtype="str"),
        }
    )
    return table.mask(table.index.to_numpy()[:, np.newaxis] % 7 == np.arange(len(table.columns)) - 20)


TRAIN = messy(ROWS, FIRST_ID)
TEST = messy(TEST_ROWS, FIRST_ID + ROWS).drop(columns="Sale Type")
TRAIN.loc[[3, 8], ["size", "rooms"]] = np.nan


def with_thousands(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(price=[f"{price:,}" for price in table["price"]])


def zipped(content: bytes, name: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return written.getvalue()


def put_tables(workspace: Path) -> Path:
    """Make a folder of clean tables, and a pipeline about them."""
    (workspace / "tables").mkdir()
    TRAIN.to_csv(workspace / "tables" / "train.csv", index=False)
    TEST.to_csv(workspace / "tables" / "test.csv", index=False)
    (workspace / "own.yaml").write_text(PIPELINE.format(target="Sale Type", files=""))
    return workspace / "tables"


@pytest.fixture
def tables(workspace: Path) -> Path:
    """Work beside a folder of clean tables."""
    return put_tables(workspace)


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def predictions(workspace: Path) -> dict[str, bytes]:
    """Return the predictions of the one untracked fit."""
    (folder,) = (workspace / "outputs").iterdir()
    return {path.name: path.read_bytes() for path in (folder / "predictions").iterdir()}


# The right result


@dataclass(frozen=True)
class Fitted:
    """What a fit of the clean tables printed and predicted."""

    printed: str
    predictions: dict[str, bytes]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    folder, printed = tmp_path_factory.mktemp("clean"), io.StringIO()
    put_tables(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        fit("own.yaml", track=False, console=Console(file=printed, width=200))
    return Fitted(printed.getvalue(), predictions(folder))


def test_a_table_of_every_kind_of_column_is_fitted(clean: Fitted) -> None:
    assert "Note: " not in clean.printed
    for name, rows in (("oof.csv", TRAIN), ("test.csv", TEST)):
        table = pd.read_csv(io.BytesIO(clean.predictions[name]), dtype={"Id": "str"})
        assert table["Id"].tolist() == rows["Id"].tolist()
        assert list(table)[1:] == ["Sale Type", "p_New house", "p_Old house, used"]
        assert set(table["Sale Type"]) <= {"New house", "Old house, used"}
        assert np.isfinite(table.iloc[:, 2:].to_numpy()).all()


def write_semicolons(tables: Path) -> list[str]:
    TRAIN.to_csv(tables / "train.csv", index=False, sep=";", decimal=",", encoding="cp1252", na_rep="?")
    (tables / "test.csv").unlink()
    content = with_thousands(TEST).to_csv(index=False, sep="\t", na_rep="-").encode("utf-16")
    (tables / "test.zip").write_bytes(zipped(content, "test.txt"))
    return [
        "Note: train.csv: it is not UTF-8, and read as Windows-1252; if letters look wrong, save it as UTF-8.",
        "Note: train.csv: semicolons between fields.",
        "Note: train.csv: a comma is read as the decimal sign in size, price, rooms.",
        "Note: test.zip: it is not UTF-8, and read as UTF-16.",
        "Note: test.zip: tabs between fields.",
        "Note: test.zip: commas are read as thousands separators in price.",
    ]


def write_parquet_and_gzip(tables: Path) -> list[str]:
    TRAIN.to_parquet(tables / "train.parquet")
    content = b"\xef\xbb\xbf" + with_thousands(TEST).to_csv(index=False, lineterminator="\r\n", na_rep="?").encode()
    content = content.replace(b"two\r\nlines", b"two\nlines")
    (tables / "test.csv.gz").write_bytes(gzip.compress(content))
    (tables / "train.csv").unlink()
    (tables / "test.csv").unlink()
    return ["Note: test.csv.gz: commas are read as thousands separators in price."]


@pytest.mark.parametrize("write", [write_semicolons, write_parquet_and_gzip])
def test_other_forms_of_the_same_tables_predict_the_same(
    cli: Any, workspace: Path, tables: Path, clean: Fitted, write: Callable[[Path], list[str]]
) -> None:
    notes = write(tables)
    outcome = cli("fit", "own.yaml", "--no-track")
    assert outcome.code == 0, outcome
    for note in notes:
        assert outcome.out.count(note) == 1, outcome.out
    assert predictions(workspace) == clean.predictions


def test_three_hundred_classes_one_feature_and_one_row_to_predict(cli: Any, workspace: Path) -> None:
    (workspace / "tables").mkdir()
    classes = [f"class {number}" for number in range(300)]
    table = pd.DataFrame({"x": np.arange(600) % 300, "y": classes * 2})
    table.to_csv(workspace / "tables" / "train.csv", index=False)
    table[["x"]].head(1).to_csv(workspace / "tables" / "test.csv", index=False)
    (workspace / "own.yaml").write_text(SMALL.format(columns="x"))
    assert cli("fit", "own.yaml", "--no-track").code == 0
    found = pd.read_csv(io.BytesIO(predictions(workspace)["test.csv"]))
    assert found.shape == (1, 302)
    assert list(found)[2:] == [f"p_{name}" for name in sorted(classes)]
    assert found.iloc[0, 2:].sum() == pytest.approx(1.0)
    assert found["y"][0] == found.columns[2:][found.iloc[0, 2:].to_numpy(float).argmax()].removeprefix("p_")


def test_two_thousand_columns_and_no_test_table(cli: Any, workspace: Path) -> None:
    (workspace / "tables").mkdir()
    names = [f"c{place}" for place in range(2000)]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2000)).round(2), columns=names)
    table.assign(y=[0, 1] * 10).to_csv(workspace / "tables" / "train.csv", index=False)
    (workspace / "own.yaml").write_text(SMALL.format(columns=", ".join(names)))
    outcome = cli("fit", "own.yaml", "--no-track")
    assert outcome.code == 0, outcome
    assert "Note: There is no tables/test.csv: no test rows are predicted." in outcome.out
    assert set(predictions(workspace)) == {"oof.csv"}
    assert outcome.out.rstrip().endswith(" FILE")


def test_predict_reads_any_form_of_a_table_and_says_what_it_found(cli: Any, own: Any) -> None:
    rows = pd.read_csv(bundled("data") / "titanic" / "test.csv").head(5)
    rows.to_csv("plain.csv", index=False)
    rows.to_csv("other.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    for name in ("plain", "other"):
        outcome = cli("predict", own.run.info.run_name, f"{name}.csv", "-o", f"{name}.out")
        assert outcome.code == 0, outcome
    assert "Note: other.csv: semicolons between fields." in outcome.out
    assert Path("plain.out").read_bytes() == Path("other.out").read_bytes()


# No test table


def test_submit_without_a_test_table_says_so(cli: Any, own: Any) -> None:
    Path("data").mkdir()
    shutil.copytree(bundled("data") / "titanic", "data/titanic")
    Path("data/titanic/test.csv").unlink()
    message = cli("submit", "titanic").refused()
    assert message.startswith("There is no test table")
    assert "add data/titanic/test.csv, or name the file by data.test" in message
    assert not Path("submission.csv").exists()


# A clear error, and nothing written


def cut(content: bytes) -> bytes:
    return content[: int(len(content) * 0.7)]


def replaced(**columns: Any) -> bytes:
    return TRAIN.assign(**columns).to_csv(index=False).encode()


CSV = TRAIN.to_csv(index=False).encode()
INFINITE = [1.5, np.inf, *[2.0] * (ROWS - 2)]
WORDS = ["1.5", "big", *["2.0"] * (ROWS - 2)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.csv", b"", "train.csv is empty: expected a header and rows."),
        ("train.csv", CSV[: CSV.index(b"\n") + 1], "train.csv has a header and no rows."),
        ("train.csv", CSV.replace(b"price", b"size", 1), "train.csv: the header has the column 'size' twice."),
        ("train.csv", b"Sale Type\na\nb\na\nb\n", "train.csv has no column beside the target: there is nothing "),
        ("train.csv", TRAIN.head(1).to_csv(index=False).encode(), "column Sale Type (the target): every row has "),
        ("train.csv", CSV[: CSV.rindex(b'"') - 3], "the quote opened in row"),
        ("train.csv.gz", cut(gzip.compress(CSV, mtime=0)), "train.csv.gz is a broken or incomplete gzip file"),
        ("train.zip", cut(zipped(CSV, "train.csv")), "train.zip is a broken or incomplete zip file"),
        ("train.parquet", cut(CSV), "train.parquet is a broken or incomplete Parquet file"),
        ("train.csv", None, "train.csv is a folder: expected a file with a table."),
        ("train.csv", replaced(size=INFINITE), "train.csv, column 'size', row 2: expected a finite number, found inf"),
        ("train.csv", replaced(size=WORDS), "train.csv, column 'size', row 2: expected a finite number, found 'big'"),
        ("train.csv", CSV.replace(b"New house", b""), "train.csv, column Sale Type (the target): "),
        ("train.csv", b"<!DOCTYPE html>\n<title>Sign in</title>", "train.csv is a web page, not a table"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_before_anything_is_written(
    cli: Any, workspace: Path, tables: Path, name: str, content: bytes | None, message: str
) -> None:
    (tables / "train.csv").unlink()
    if content is None:
        (tables / name).mkdir()
    else:
        (tables / name).write_bytes(content)
    before = everything(workspace)
    assert message in cli("fit", "own.yaml").refused()
    assert everything(workspace) == before


def test_a_table_that_may_not_be_read_is_refused(
    cli: Any, workspace: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "train.csv":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    # Not by its mode: whoever runs the tests may be allowed everything.
    before = everything(workspace)
    monkeypatch.setattr(Path, "open", refuse)
    assert cli("fit", "own.yaml").refused().startswith("tables/train.csv cannot be read: permission denied.")
    monkeypatch.undo()
    assert everything(workspace) == before


def test_a_named_file_that_is_not_there_is_refused(cli: Any, workspace: Path, tables: Path) -> None:
    (workspace / "own.yaml").write_text(PIPELINE.format(target="Sale Type", files=", test: tset.csv"))
    assert cli("fit", "own.yaml").refused() == "There is no file tables/tset.csv. Did you mean 'test.csv'?"


def test_a_file_in_the_place_of_the_results_is_told_before_training(
    cli: Any, workspace: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "outputs").write_text("mine")
    monkeypatch.setattr("tabular_dl.workflows.fit.train", lambda *_: pytest.fail("trained all the same"))
    message = cli("fit", "own.yaml", "--no-track").refused()
    assert message.startswith(f"{workspace}/outputs is a file")
    assert message.endswith("move the file away.")
    assert (workspace / "outputs").read_text() == "mine"


def test_a_store_and_a_folder_that_both_fail_never_lose_a_fit(
    cli: Any, workspace: Path, tables: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("no store")

    (workspace / "outputs").write_text("mine")
    monkeypatch.setattr(tracking, "log_results", broken)
    monkeypatch.setattr("tempfile.tempdir", str(workspace))
    outcome = cli("fit", "own.yaml")
    assert outcome.code == 3, outcome
    (kept,) = workspace.glob("tabular-dl-*/own-*")
    assert f"the results are in {kept}" in outcome.err
    assert (kept / "model" / "model.skops").is_file()

"""The bundled tables are what their READMEs say, and `data/prepare.py` makes exactly them."""

from __future__ import annotations

import csv
import fnmatch
import gzip
import hashlib
import importlib.util
import re
import zipfile
from importlib import resources
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_wine
from typer.testing import CliRunner

DATA = Path(__file__).parents[1] / "data"
FILES = ["train.csv", "test.csv", "sample_submission.csv", "answers.csv"]
#        name       id             target      train  test
SHAPES = {
    "titanic": ("PassengerId", "Survived", 891, 418),
    "wine": ("Id", "cultivar", 142, 36),
    "boston": ("Id", "MEDV", 404, 102),
    "digits": ("Id", "digit", 1500, 297),
}
KAGGLE_COLUMNS = ["PassengerId", "Survived", "Pclass", "Name", "Sex", "Age", "SibSp", "Parch"]
KAGGLE_COLUMNS += ["Ticket", "Fare", "Cabin", "Embarked"]
every_competition = pytest.mark.parametrize("name", SHAPES)


def read(name: str, file: str) -> pd.DataFrame:
    """Read a table with every cell as its text."""
    return pd.read_csv(DATA / name / file, dtype=str, keep_default_na=False)


def all_rows(name: str) -> pd.DataFrame:
    """Return training and test rows, labelled, in the order of their ids."""
    id_column = SHAPES[name][0]
    test = read(name, "test.csv").merge(read(name, "answers.csv"), on=id_column, validate="one_to_one")
    rows = pd.concat([read(name, "train.csv"), test])
    return rows.sort_values(id_column, key=lambda ids: ids.astype(int), ignore_index=True)


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", DATA / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def boston_source() -> bytes:
    """Return the CSV that Boston was made from, put together again from our files: `Id` is its row number."""
    rows = all_rows("boston")
    columns = rows.columns.drop("Id")
    lines = ["506,13,,,,,,,,,,,,", ",".join(f'"{column}"' for column in columns)]
    lines += [",".join(row) for row in rows[columns].itertuples(index=False)]
    return "".join(f"{line}\n" for line in lines).encode()


@every_competition
def test_readme_states_the_hash_of_each_file(name: str) -> None:
    readme = (DATA / name / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"\| `(\w+\.csv)` \| `([0-9a-f]{64})` \|", readme))
    assert stated == {file: hashlib.sha256((DATA / name / file).read_bytes()).hexdigest() for file in FILES}


@every_competition
def test_readme_describes_each_column(name: str) -> None:
    described = re.findall(r"^\| `([\w*]+)` \|", (DATA / name / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    columns = list(read(name, "train.csv").columns)
    assert {line for line in described if not fnmatch.filter(columns, line)} == set()
    assert [column for column in columns if sum(fnmatch.fnmatchcase(column, line) for line in described) != 1] == []


@every_competition
def test_files_have_the_announced_shape(name: str) -> None:
    id_column, target, n_train, n_test = SHAPES[name]
    train, test = read(name, "train.csv"), read(name, "test.csv")
    assert (len(train), len(test)) == (n_train, n_test)
    assert train.columns[0] == id_column
    assert list(test.columns) == [column for column in train.columns if column != target]
    assert len(test.columns) == len(train.columns) - 1
    for file in ("sample_submission.csv", "answers.csv"):
        assert list(read(name, file).columns) == [id_column, target]


@every_competition
def test_ids_are_unique_and_divide_rows_into_training_and_test(name: str) -> None:
    id_column, _, n_train, n_test = SHAPES[name]
    train, test = read(name, "train.csv")[id_column], read(name, "test.csv")[id_column]
    assert sorted(pd.concat([train, test]).astype(int)) == list(range(1, n_train + n_test + 1))
    assert list(read(name, "answers.csv")[id_column]) == list(test)
    assert list(read(name, "sample_submission.csv")[id_column]) == list(test)


@pytest.mark.parametrize("name", ["titanic", "wine", "digits"])
def test_each_class_has_its_share_of_the_test_rows_within_one(name: str) -> None:
    _, target, n_train, n_test = SHAPES[name]
    totals = all_rows(name)[target].value_counts()
    found = read(name, "answers.csv")[target].value_counts()
    assert ((found - totals * n_test / (n_train + n_test)).abs() < 1).all()


def test_titanic_is_stratified_by_sex_and_class_too() -> None:
    train, test = read("titanic", "train.csv"), read("titanic", "test.csv")
    for column in ("Sex", "Pclass"):
        share_train, share_test = (table[column].value_counts(normalize=True) for table in (train, test))
        # Six strata for each value, each rounded by less than one row.
        assert ((share_train - share_test).abs() < 6 / 418).all()


def test_boston_spreads_its_prices_evenly() -> None:
    train = read("boston", "train.csv")["MEDV"].astype(float)
    test = read("boston", "answers.csv")["MEDV"].astype(float)
    quantiles = [0.1, 0.25, 0.5, 0.75, 0.9]
    assert np.abs(train.quantile(quantiles).to_numpy() - test.quantile(quantiles).to_numpy()).max() < 0.5


@pytest.mark.parametrize("name", ["titanic", "wine", "boston", "digits"])
def test_rows_are_in_random_order(name: str) -> None:
    # Ordered by target, as Wine's source is, the correlation of position and target would be near 1.
    target = read(name, "train.csv")[SHAPES[name][1]].astype(float)
    assert abs(np.corrcoef(np.arange(len(target)), target)[0, 1]) < 3 / np.sqrt(len(target))


def test_titanic_holds_the_cells_of_its_source() -> None:
    # Read another way: line by line with the csv module, and compared as a set of passengers.
    folder = resources.files("sklearn").joinpath("datasets", "tests", "data", "openml", "id_40945")
    arff = gzip.decompress(folder.joinpath("data-v1-dl-16826755.arff.gz").read_bytes()).decode()
    lines = arff[arff.index("@data\n") + len("@data\n") :].splitlines()
    expected = [["" if cell == "?" else cell for cell in row[:11]] for row in csv.reader(lines)]
    in_source_order = all_rows("titanic")[["Pclass", "Survived", *KAGGLE_COLUMNS[3:]]]
    assert sorted(in_source_order.to_numpy().tolist()) == sorted(expected)


def test_titanic_has_kaggles_columns_in_kaggles_order() -> None:
    assert list(read("titanic", "train.csv").columns) == KAGGLE_COLUMNS


def test_titanic_train_and_test_ids_are_numbered_one_after_the_other() -> None:
    assert list(read("titanic", "train.csv")["PassengerId"]) == [str(i) for i in range(1, 892)]
    assert list(read("titanic", "test.csv")["PassengerId"]) == [str(i) for i in range(892, 1310)]


def test_wine_holds_scikit_learns_rows() -> None:
    rows = all_rows("wine").drop(columns="Id").astype(float).to_numpy().tolist()
    assert sorted(rows) == sorted(load_wine(as_frame=True).frame.to_numpy().tolist())


def test_digits_holds_scikit_learns_images() -> None:
    rows = all_rows("digits").drop(columns="Id").astype(int).to_numpy()
    bunch = load_digits()
    assert sorted(rows.tolist()) == sorted(np.column_stack([bunch.data, bunch.target]).astype(int).tolist())


def test_boston_holds_the_row_that_its_source_starts_with() -> None:
    first = "1,0.00632,18,2.31,0,0.538,6.575,65.2,4.09,1,296,15.3,396.9,4.98,24"
    assert ",".join(all_rows("boston").iloc[0]) == first


def test_samples_are_simple_baselines() -> None:
    test = read("titanic", "test.csv")
    survive = np.where(test["Sex"] == "female", "1", "0")
    assert read("titanic", "sample_submission.csv")["Survived"].tolist() == survive.tolist()

    (majority,) = read("wine", "train.csv")["cultivar"].mode()
    assert set(read("wine", "sample_submission.csv")["cultivar"]) == {majority}

    mean = read("boston", "train.csv")["MEDV"].astype(float).mean()
    assert set(read("boston", "sample_submission.csv")["MEDV"]) == {str(round(mean, 1))}


@pytest.mark.parametrize("packed", [False, True], ids=["from the CSV", "from a wheel"])
def test_prepare_rebuilds_every_file_byte_for_byte(
    prepare: ModuleType,
    boston_source: bytes,
    tmp_path: Path,
    packed: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tmp_path / "source"
    if packed:
        with zipfile.ZipFile(source, "w") as wheel:
            wheel.writestr("sklearn/datasets/data/boston_house_prices.csv", boston_source)
    else:
        source.write_bytes(boston_source)

    prepare.main(output=tmp_path, boston=source)

    printed = dict(reversed(line.split()) for line in capsys.readouterr().out.splitlines())
    for name in SHAPES:
        for file in FILES:
            rebuilt = (tmp_path / name / file).read_bytes()
            assert rebuilt == (DATA / name / file).read_bytes()
            assert printed.pop(f"{name}/{file}") == hashlib.sha256(rebuilt).hexdigest()
    assert not printed


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, r"boston: expected a wheel or a CSV file, found none"),
        (b"tampered", r"boston: expected a table with SHA-256 d9821263\w+, found [0-9a-f]{64}"),
        (
            {"sklearn/datasets/data/boston_house_prices.csv": b"tampered"},
            r"boston_house_prices.csv: expected a table",
        ),
        ({"sklearn/__init__.py": b""}, r"boston: expected sklearn/datasets/data/\w+.csv in it, not found"),
    ],
    ids=["no file", "tampered CSV", "tampered wheel", "wheel without it"],
)
def test_prepare_refuses_another_boston_and_writes_nothing(
    prepare: ModuleType, tmp_path: Path, content: bytes | dict[str, bytes] | None, complaint: str
) -> None:
    source = tmp_path / "boston"
    if isinstance(content, bytes):
        source.write_bytes(content)
    elif content:
        with zipfile.ZipFile(source, "w") as wheel:
            for member, data in content.items():
                wheel.writestr(member, data)

    app = prepare.typer.Typer()
    app.command()(prepare.main)
    result = CliRunner().invoke(app, ["--output", str(tmp_path / "out"), "--boston", str(source)])

    assert result.exit_code == 2
    assert re.search(complaint, result.stderr)
    assert "Give --boston the wheel of scikit-learn 1.1.3" in result.stderr
    assert not (tmp_path / "out").exists()


def test_split_takes_the_exact_share_of_each_class(prepare: ModuleType) -> None:
    labels = pd.Series(["a"] * 50 + ["b"] * 30 + ["c"] * 20)
    train, test = prepare.split_rows(labels, n_test=10)
    assert labels[test].value_counts().to_dict() == {"a": 5, "b": 3, "c": 2}
    assert sorted([*train, *test]) == list(range(100))

"""Rebuild the bundled competitions, byte for byte, from tables that scikit-learn distributes.

    python data/prepare.py [--output DIR] [--boston FILE]

Titanic, Wine and Digits come out of the installed scikit-learn. Boston left scikit-learn with version 1.2, so it is
read from the wheel of 1.1.3 (or from the CSV inside it): the one given by `--boston`, or a fresh download.
Cells stay the text of their source: no number passes through a float, except those of Wine and Digits, which
scikit-learn hands out as floats only. Each folder's README describes its columns.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from importlib import resources
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from sklearn.datasets import load_digits, load_wine

from tabular_dl.errors import DataError, UserError

SEED = 0

TITANIC_SHA256 = "c56e3785c96cd8aceac85f11bff21c2bf72841426f50903a6f27be8f334a7d03"
TITANIC_FOLDER = ("datasets", "tests", "data", "openml", "id_40945")
TITANIC_FILE = "data-v1-dl-16826755.arff.gz"
TITANIC_COLUMNS = {  # OpenML's names, in OpenML's order, and what Kaggle calls them
    "pclass": "Pclass",
    "survived": "Survived",
    "name": "Name",
    "sex": "Sex",
    "age": "Age",
    "sibsp": "SibSp",
    "parch": "Parch",
    "ticket": "Ticket",
    "fare": "Fare",
    "cabin": "Cabin",
    "embarked": "Embarked",
    "boat": None,  # a lifeboat's number, a body's number: who has one is known to live, or to be dead
    "body": None,
    "home.dest": None,  # not in Kaggle's table, and known more often of survivors
}
KAGGLE_ORDER = [
    "Survived",
    "Pclass",
    "Name",
    "Sex",
    "Age",
    "SibSp",
    "Parch",
    "Ticket",
    "Fare",
    "Cabin",
    "Embarked",
]

BOSTON_SHA256 = "d98212636026544fc9b9c0f372e5f819872e6fa6fa757ab025efdda22180f2d6"
BOSTON_MEMBER = "sklearn/datasets/data/boston_house_prices.csv"
BOSTON_DOWNLOAD = [
    *("scikit-learn==1.1.3", "--no-deps", "--only-binary", ":all:"),
    *("--python-version", "3.11", "--platform", "manylinux2014_x86_64"),
]


def check_sha256(data: bytes, expected: str, source: str, advice: str) -> bytes:
    """Return `data` unchanged if it is the table that this script was written for.

    Raises
    ------
    DataError
        If the SHA-256 of `data` is not the expected one.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise DataError(f"{source}: expected a table with SHA-256 {expected}, found {found}. {advice}")
    return data


def split_rows(labels: pd.Series, n_test: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows at random into training and test rows, in shuffled order, stratified by label.

    The shuffled rows are sorted by label and test rows taken from them at even steps, so each class gives its
    exact share, rounded up or down. `RandomState` because NumPy promises never to change what it draws;
    scikit-learn's `train_test_split` promises no such thing, and these files have to stay the same.

    Parameters
    ----------
    labels : Series of shape (n,)
        The class of each row, or a number to spread evenly.
    n_test : int
        How many rows to put into the test part.

    Returns
    -------
    train, test : ndarray of shape (n - n_test,), ndarray of shape (n_test,)
        Row positions.
    """
    shuffled = np.random.RandomState(SEED).permutation(len(labels))
    by_label = shuffled[np.argsort(labels.to_numpy()[shuffled], kind="stable")]
    test_rows_so_far = np.arange(len(labels) + 1) * n_test // len(labels)
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[by_label[np.diff(test_rows_so_far) == 1]] = True
    return shuffled[~is_test[shuffled]], shuffled[is_test[shuffled]]


def competition_files(train: pd.DataFrame, test: pd.DataFrame, target: str, guess: str | pd.Series) -> dict[str, str]:
    """Return the text of a competition's four files by file name; the first column is the id.

    Parameters
    ----------
    train, test : DataFrame
        Labelled rows.
    target : str
        The column that the test file leaves out.
    guess : str or Series
        The target column of the sample submission.
    """
    answers = test[[test.columns[0], target]]
    tables = {
        "train.csv": train,
        "test.csv": test.drop(columns=target),
        "sample_submission.csv": answers.assign(**{target: guess}),
        "answers.csv": answers,
    }
    return {name: table.to_csv(index=False, lineterminator="\n") for name, table in tables.items()}


def divide(table: pd.DataFrame, rows: tuple[np.ndarray, np.ndarray], new_id: str) -> list[pd.DataFrame]:
    """Return the training and the test table with a new first column that counts their rows from 1."""
    numbered = table.iloc[np.concatenate(rows)]
    numbered.insert(0, new_id, np.arange(1, len(numbered) + 1).astype(str))
    return [numbered[: len(rows[0])], numbered[len(rows[0]) :]]


def titanic_files(arff: str) -> dict[str, str]:
    """Return Titanic's files, given OpenML data set 40945 as ARFF text.

    The lines after `@data` are comma-separated with double quotes and `?` for a missing value, which pandas
    reads as CSV; SciPy's ARFF reader has no strings, and scikit-learn's is private.
    """
    rows = arff.split("@data\n", maxsplit=1)[1]
    table = pd.read_csv(
        io.StringIO(rows), names=list(TITANIC_COLUMNS), dtype=str, keep_default_na=False, na_values=["?"]
    )
    table = table.rename(columns={old: new for old, new in TITANIC_COLUMNS.items() if new})[KAGGLE_ORDER]
    # By sex and class too, which decide most: the two tables are then about equally hard to predict.
    strata = table["Survived"] + table["Sex"] + table["Pclass"]
    train, test = divide(table, split_rows(strata, n_test=418), "PassengerId")
    return competition_files(train, test, "Survived", test["Sex"].map({"female": "1", "male": "0"}))


def wine_files(table: pd.DataFrame) -> dict[str, str]:
    """Return Wine's files, given scikit-learn's table with its column `target`."""
    text = table.map("{:.10g}".format).rename(
        columns={"target": "cultivar", "od280/od315_of_diluted_wines": "od280_od315_of_diluted_wines"}
    )
    train, test = divide(text, split_rows(text["cultivar"], n_test=36), "Id")
    return competition_files(train, test, "cultivar", train["cultivar"].mode()[0])


def digits_files(table: pd.DataFrame) -> dict[str, str]:
    """Return Digits' files, given scikit-learn's table with its column `target`."""
    text = table.astype(int).astype(str).rename(columns={"target": "digit"})
    train, test = divide(text, split_rows(text["digit"], n_test=297), "Id")
    return competition_files(train, test, "digit", "0")


def boston_files(csv: str) -> dict[str, str]:
    """Return Boston's files, given scikit-learn's CSV; `Id` is the row's number in it, from 1."""
    table = pd.read_csv(io.StringIO(csv), skiprows=1, dtype=str)
    table.insert(0, "Id", np.arange(1, len(table) + 1).astype(str))
    # Every price is a stratum of its own: sorted by price, the test rows are taken at even steps.
    train_rows, test_rows = split_rows(table["MEDV"].astype(float), n_test=102)
    train, test = table.iloc[train_rows], table.iloc[test_rows]
    return competition_files(train, test, "MEDV", f"{train['MEDV'].astype(float).mean():.1f}")


def read_titanic() -> str:
    """Return the ARFF text of the Titanic that scikit-learn keeps for its own tests.

    Raises
    ------
    DataError
        If the installed scikit-learn lacks the file, or has another one.
    """
    source = resources.files("sklearn").joinpath(*TITANIC_FOLDER, TITANIC_FILE)
    advice = "Install scikit-learn 1.9 from its wheel, which carries this file."
    if not source.is_file():
        raise DataError(f"{TITANIC_FILE}: expected among the tests of the installed scikit-learn, not found. {advice}")
    # The hash is of the content, because compressing the same content again may give other bytes.
    return check_sha256(gzip.decompress(source.read_bytes()), TITANIC_SHA256, TITANIC_FILE, advice).decode()


def read_boston(path: Path) -> str:
    """Return scikit-learn's Boston CSV, from a wheel that holds it or from the CSV file itself.

    Raises
    ------
    DataError
        If there is no such file, if the wheel does not hold the table, or if it is not scikit-learn's.
    """
    advice = "Give --boston the wheel of scikit-learn 1.1.3, or leave the option out to download it."
    if not path.is_file():
        raise DataError(f"{path}: expected a wheel or a CSV file, found none. {advice}")
    if not zipfile.is_zipfile(path):
        return check_sha256(path.read_bytes(), BOSTON_SHA256, str(path), advice).decode()
    with zipfile.ZipFile(path) as wheel:
        if BOSTON_MEMBER not in wheel.namelist():
            raise DataError(f"{path}: expected {BOSTON_MEMBER} in it, not found. {advice}")
        return check_sha256(wheel.read(BOSTON_MEMBER), BOSTON_SHA256, f"{path}: {BOSTON_MEMBER}", advice).decode()


def download_boston() -> str:
    """Return scikit-learn's Boston CSV, out of a wheel that pip downloads into a temporary folder.

    Raises
    ------
    DataError
        If pip fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", *BOSTON_DOWNLOAD, "--dest", folder]
        pip = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (no user input)
        if pip.returncode != 0:
            raise DataError(
                "Boston: pip could not download the wheel of scikit-learn 1.1.3. "
                f"Fetch it elsewhere and give it by --boston. pip said:\n{pip.stderr.strip()}"
            )
        return read_boston(next(Path(folder).glob("*.whl")))


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write texts into a folder and print the SHA-256 of each, as `sha256sum` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        data = text.encode()  # written as bytes, so that Windows keeps the newlines
        (folder / name).write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {folder.name}/{name}")


def main(
    output: Annotated[Path, typer.Option(help="The folder to write titanic/, wine/ and boston/ into.")] = Path(
        __file__
    ).parent,
    boston: Annotated[
        Path | None, typer.Option(help="The wheel of scikit-learn 1.1.3, or its boston_house_prices.csv.")
    ] = None,
) -> None:
    """Rebuild the CSV files of the bundled competitions and print their SHA-256."""
    try:
        competitions = {
            "titanic": titanic_files(read_titanic()),
            "wine": wine_files(load_wine(as_frame=True).frame),
            "digits": digits_files(load_digits(as_frame=True).frame),
            "boston": boston_files(read_boston(boston) if boston else download_boston()),
        }
    except UserError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    for name, files in competitions.items():
        write_files(files, output / name)


if __name__ == "__main__":
    typer.run(main)

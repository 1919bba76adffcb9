"""Competitions: a folder of Kaggle-style files, read into one frozen `Competition`.

=====================  ==========================================================================================
train.csv              the rows to learn from, with the target
test.csv               the rows to predict
sample_submission.csv  optional: the header and ids that a submission must have
answers.csv            bundled data sets only: the test rows' targets, read by nothing but the scorer of a submission
=====================  ==========================================================================================
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.loaders import is_loaded, load, load_answers
from tabular_dl.resources import bundled

__all__ = ["Competition", "find_folder", "load_competition", "read_answers", "read_table"]


@dataclass(frozen=True)
class Competition:
    """The tables of a competition.

    Attributes
    ----------
    folder : Path
        Where the files are.
    target : str
        The column to predict.
    id : str or None
        The column that identifies a row in a submission.
    train : DataFrame of shape (rows, columns)
        With the target, which has no missing value. In each table rows count from 1, and ids are text.
    test : DataFrame of shape (test rows, columns)
        Without the target.
    sample : DataFrame or None
        The sample submission.
    digest, test_digest : str
        SHA-256 of train.csv and test.csv, in hexadecimal.
    """

    folder: Path
    target: str
    id: str | None
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame | None
    digest: str
    test_digest: str


def load_competition(source: str, target: str, id_column: str | None = None) -> Competition:
    """Read and check the files of a competition.

    Parameters
    ----------
    source : str
        A folder, the name of a bundled data set, or one of Keras's, like "keras:mnist" (`tabular_dl.loaders`).
    target : str
        The column to predict.
    id_column : str, optional
        The column that identifies rows.

    Returns
    -------
    Competition

    Raises
    ------
    DataError
        Naming the file, the column and the row, what was expected and what to do.

    Examples
    --------
    >>> competition = load_competition("titanic", "Survived", "PassengerId")
    >>> competition.train.shape, competition.test.shape
    ((891, 12), (418, 11))
    """
    if is_loaded(source):
        return Competition(Path(source), target, id_column, sample=None, **vars(load(source, target, id_column)))
    folder = find_folder(source)
    train, test = (read_table(folder / name, id_column) for name in ("train.csv", "test.csv"))
    _check_target(train, target, folder / "train.csv")
    if id_column is not None:
        for table, name in ((train, "train.csv"), (test, "test.csv")):
            _check_ids(table, id_column, folder / name)
    sample = folder / "sample_submission.csv"
    return Competition(
        folder=folder,
        target=target,
        id=id_column,
        train=train,
        test=test.drop(columns=target, errors="ignore"),
        sample=read_table(sample, id_column) if sample.exists() else None,
        digest=hashlib.sha256((folder / "train.csv").read_bytes()).hexdigest(),
        test_digest=hashlib.sha256((folder / "test.csv").read_bytes()).hexdigest(),
    )


def find_folder(source: str) -> Path:
    """Return the folder of a data set: the path itself, ``./data/NAME``, or the bundled one.

    Raises
    ------
    DataError
        If there is none of these.

    Examples
    --------
    >>> find_folder("wine").name
    'wine'
    """
    for candidate in (Path(source), Path("data") / source, bundled("data") / source):
        if candidate.is_dir():
            return candidate
    if Path(source).exists():
        raise DataError(f"{source} is a file: name the folder that holds train.csv and test.csv.")
    known = [folder.name for folder in bundled("data").iterdir() if (folder / "train.csv").exists()]
    raise DataError(
        f"There is no folder {source}, and no bundled data set of that name. {did_you_mean(source, known)} "
        "A folder of your own holds train.csv and test.csv."
    )


def read_table(path: Path, id_column: str | None = None) -> pd.DataFrame:
    """Read a CSV file that has a header and at least one row.

    Parameters
    ----------
    path : Path
        The file.
    id_column : str, optional
        A column to read as the text that it is, so that 007 stays 007; a table need not have it.

    Returns
    -------
    DataFrame
        Its index counts the rows as people do: row 1 is the first after the header.

    Raises
    ------
    DataError
        If the file is missing, empty or not a table, or two columns have one name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # No column is an index, even where rows have more fields than the header. Read whole: in parts, a column
            # of numbers with one text far below would be of two types.
            types = None if id_column is None else {id_column: "str"}
            table = pd.read_csv(path, index_col=False, low_memory=False, dtype=types)
            twice = _names_twice(path, list(table.columns))
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. The folder of a competition holds train.csv and test.csv.") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty: expected a header and rows.") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{path}: its rows have more fields than its header has names. Correct the header.") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path} cannot be read as a CSV file: {str(error).strip()}.") from None
    if table.empty:
        raise DataError(f"{path} has a header and no rows.")
    if twice:
        raise DataError(f"{path}: the header has the column {twice[0]!r} twice. Rename or remove one of the two.")
    return table.set_axis(pd.RangeIndex(1, len(table) + 1))


def _names_twice(path: Path, read: list[str]) -> list[str]:
    """Return the names that a header repeats, of which pandas has read the second x as x.1."""
    if not any(name.rpartition(".")[0] in read for name in read):
        return []  # without a second look at the file, which may be a pipe
    header = pd.read_csv(path, index_col=False, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0]
    return [name for name in header[header.duplicated()] if name]


def read_answers(folder: Path, target: str, id_column: str) -> pd.DataFrame | None:
    """Read the test rows' true targets, where the folder has them. Only the scorer of a submission may call this."""
    if is_loaded(str(folder)):
        return load_answers(str(folder), target, id_column)
    path = folder / "answers.csv"
    if not path.exists():
        return None
    answers = read_table(path, id_column)
    require_column(answers, target, path, "the target")
    _check_ids(answers, id_column, path)
    return answers


def require_column(table: pd.DataFrame, name: str, path: Path, role: str) -> None:
    """Refuse a table that lacks a column.

    Raises
    ------
    DataError
        Naming the file, the column, its role, and the nearest column that there is.
    """
    if name not in table.columns:
        raise DataError(f"{path}: there is no column {name!r} ({role}). {did_you_mean(name, map(str, table.columns))}")


def _check_target(train: pd.DataFrame, target: str, path: Path) -> None:
    require_column(train, target, path, "the target")
    missing = train.index[train[target].isna()]
    if len(missing):
        raise DataError(
            f"{path}, column {target} (the target): {len(missing)} of {len(train)} rows have no value, the first is "
            f"row {missing[0]}. Remove those rows: they teach nothing."
        )
    if train[target].nunique() < 2:
        raise DataError(
            f"{path}, column {target} (the target): every row has the value {train[target].tolist()[0]!r}. At least "
            "two different values are needed to learn from."
        )


def _check_ids(table: pd.DataFrame, id_column: str, path: Path) -> None:
    require_column(table, id_column, path, "the id")
    missing = table.index[table[id_column].isna()]
    if len(missing):
        raise DataError(
            f"{path}, column {id_column} (the id): row {missing[0]} has no value ({len(missing)} such rows). "
            "Fill it in, or name another column as id."
        )
    twice = table[id_column][table[id_column].duplicated()]
    if len(twice):
        raise DataError(
            f"{path}, column {id_column} (the id): {twice.iloc[0]!r} in row {twice.index[0]} was there "
            f"before ({len(twice)} such rows). An id belongs to one row: remove the others, or name another column."
        )

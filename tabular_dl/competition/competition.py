"""Reading of competitions: folders of Kaggle-style files.

=====================  ==========================================================================================
train.csv              training rows, with the target
test.csv               optional: rows to predict
sample_submission.csv  optional: header and ids that a submission must have
answers.csv            bundled data sets only: targets of the test rows, read only to score a submission
=====================  ==========================================================================================

The first three may also be .tsv, .parquet, .csv.gz, .zip... (`tabular_dl.tables.SUFFIXES`), and have other names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from tabular_dl.competition.column_types import spelled_alike, type_notes
from tabular_dl.competition.keras_datasets import Loaded, is_loaded, load, load_answers
from tabular_dl.competition.targets import checked_targets, require_column
from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.resources import bundled
from tabular_dl.tables import SUFFIXES, TableFile, name_problem, read_content, read_table_file

__all__ = ["Competition", "find_file", "find_folder", "load_competition", "read_answers", "read_table"]


@dataclass(frozen=True)
class Competition:
    """Tables of a competition. The index of each table counts rows from 1, and ids are text.

    Attributes
    ----------
    folder : Path
        Folder of the files.
    target : str or list of str
        Column to predict, or several.
    id : str or None
        Column that identifies a row in a submission.
    train : DataFrame of shape (rows, columns)
        Training rows with the target, which has no missing value.
    test : DataFrame of shape (test rows, columns) or None
        Test rows without the target; None if there is no test table.
    sample : DataFrame or None
        Sample submission.
    digest, test_digest : str
        SHA-256 of the files of train and test, in hexadecimal; empty if there is no test table.
    train_file, test_file, sample_file : Path
        Paths of the files, for messages.
    notes : tuple of str
        Unusual properties of the files, and columns whose type differs between train and test.
    """

    folder: Path
    target: str | list[str]
    id: str | None
    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    digest: str
    test_digest: str
    train_file: Path = Path("train.csv")
    test_file: Path = Path("test.csv")
    sample_file: Path = Path("sample_submission.csv")
    notes: tuple[str, ...] = ()


def load_competition(
    source: str,
    target: str | list[str],
    id_column: str | None = None,
    *,
    train: str | None = None,
    test: str | None = None,
    sample: str | None = None,
    contents: Mapping[Path, bytes] | None = None,
) -> Competition:
    """Read and check the files of a competition.

    Parameters
    ----------
    source : str
        Folder, name of a bundled data set, or one of Keras's data sets such as "keras:mnist"
        (`tabular_dl.competition.keras_datasets`).
    target : str or list of str
        Column to predict, or several.
    id_column : str, optional
        Column that identifies rows.
    train, test, sample : str, optional
        Names of the files in the folder. By default train, test and sample_submission with one of the known suffixes,
        of which test and sample may be absent.
    contents : mapping of Path to bytes, optional
        Contents of files that were read before, by resolved path.

    Returns
    -------
    Competition
        The tables.

    Raises
    ------
    DataError
        If a file is missing or not a table, the target or the id is missing, an id of the test table is repeated, or
        the target has a single value. The message names the file, the column and the row.

    Examples
    --------
    >>> competition = load_competition("titanic", "Survived", "PassengerId")
    >>> competition.train.shape, competition.test.shape
    ((891, 12), (418, 11))
    """
    if is_loaded(source):
        return Competition(
            Path(source), target, id_column, sample=None, **vars(_keras_tables(source, target, id_column))
        )
    folder, usual = find_folder(source), ("train", "test", "sample_submission")
    train_file, test_file, sample_file = map(partial(find_file, folder), (train, test, sample), usual)
    targets = [target] if isinstance(target, str) else target
    read = _reader(targets, contents or {})
    ids = () if id_column is None else (id_column,)
    train_table = read(train_file, ids)
    train_table = replace(train_table, frame=checked_targets(train_table.frame, targets, train_file))
    test_table = read(test_file, ids) if test or test_file.exists() else None
    if id_column is not None:
        for table, path in ((train_table, train_file), (test_table, test_file)):
            if table is not None:
                _check_ids(table.frame, id_column, path, unique=table is test_table)
    sample_table = read(sample_file, ids) if sample or sample_file.exists() else None
    notes = [note for table in (train_table, test_table, sample_table) if table is not None for note in table.notes]
    if test_table is None:
        notes.append(f"There is no {test_file}: no test rows are predicted")
    else:
        notes += type_notes(train_table.frame, test_table.frame, train_file, test_file)
        frame = spelled_alike(train_table.frame, test_table.frame, partial(read, test_file))
        test_table = replace(test_table, frame=frame)
    return Competition(
        folder=folder,
        target=target,
        id=id_column,
        train=train_table.frame,
        test=None if test_table is None else test_table.frame.drop(columns=targets, errors="ignore"),
        sample=None if sample_table is None else sample_table.frame,
        digest=train_table.digest,
        test_digest="" if test_table is None else test_table.digest,
        train_file=train_file,
        test_file=test_file,
        sample_file=sample_file,
        notes=tuple(notes),
    )


def _keras_tables(source: str, target: str | list[str], id_column: str | None) -> Loaded:
    """Return the tables of one of Keras's data sets."""
    if not isinstance(target, str):
        raise DataError(f"{source} has one target, but data.target names {len(target)}: name one.")
    return load(source, target, id_column)


def _reader(targets: Collection[str], contents: Mapping[Path, bytes]) -> Callable[[Path, Collection[str]], TableFile]:
    """Return a function that parses a file with some columns as text.

    A table may have to be parsed twice, but a pipe can be read only once.
    """
    cache = dict(contents)

    def read(path: Path, text: Collection[str]) -> TableFile:
        file = path.resolve()
        if file not in cache:
            cache[file] = read_content(path)
        return read_table_file(path, text, targets, cache[file])

    return read


def find_file(folder: Path, name: str | None, usual: str) -> Path:
    """Return the path of a table in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the competition.
    name : str or None
        Name of the file; None for the usual name.
    usual : {"train", "test", "sample_submission"}
        Usual name of the file, without suffix.

    Returns
    -------
    Path
        Path of the named file, else of the first existing file of the usual name with a known suffix. If there is
        none, the path with the suffix .csv.

    Raises
    ------
    DataError
        If the training table has the usual name and does not exist.
    """
    if name is not None:
        return folder / name
    paths = [folder / f"{usual}{suffix}" for suffix in SUFFIXES]
    file = next((path for path in paths if path.exists()), paths[0])
    if usual == "train" and not file.exists():
        others = [path.name for path in folder.iterdir() if path.name.endswith(SUFFIXES)]
        raise DataError(
            f"There is no file {file}. {did_you_mean(file.name, others) if others else 'The folder has no table.'} "
            "The folder of a competition holds train.csv; for another name, set data.train."
        )
    return file


def _read(path: Path, id_column: str | None, targets: Collection[str] = ()) -> TableFile:
    return read_table_file(path, () if id_column is None else (id_column,), targets)


def find_folder(source: str) -> Path:
    """Return the folder of a data set: the path itself, ``./data/NAME``, or the bundled folder of that name.

    Parameters
    ----------
    source : str
        Path of a folder, or name of a data set.

    Returns
    -------
    Path
        The first of these folders that exists.

    Raises
    ------
    DataError
        If none of them exists, or the path is a file.

    Examples
    --------
    >>> find_folder("wine").name
    'wine'
    """
    problem = name_problem(source)
    if problem:
        raise DataError(f"{source}: {problem}.")
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
    """Read a table as `tabular_dl.tables.table_files.read_table_file` does, without notes.

    Parameters
    ----------
    path : Path
        File of the table.
    id_column : str, optional
        Column to read as text, so that 007 stays 007. Ignored if the table lacks it.

    Returns
    -------
    DataFrame
        The table. Its index counts from 1: row 1 is the first after the header.

    Raises
    ------
    DataError
        If the file is missing, empty or not a table, or two columns have the same name.
    """
    return _read(path, id_column).frame


def read_answers(folder: Path, target: str | list[str], id_column: str) -> pd.DataFrame | None:
    """Read the true targets of the test rows, if the folder has them. Only the scorer of a submission may call this.

    Parameters
    ----------
    folder : Path
        Folder of the competition, or one of Keras's data sets such as "keras:mnist".
    target : str or list of str
        Column of the true targets, or several.
    id_column : str
        Column that identifies rows.

    Returns
    -------
    DataFrame or None
        Ids and targets; None if the folder has no answers.

    Raises
    ------
    DataError
        If the file is not a table, lacks one of the columns, or an id is missing or repeated.
    """
    targets = [target] if isinstance(target, str) else target
    if is_loaded(str(folder)):
        return load_answers(str(folder), targets[0], id_column)
    path = folder / "answers.csv"
    if not path.exists():
        return None
    answers = _read(path, id_column, targets).frame
    for name in targets:
        require_column(answers, name, path, "the target")
    _check_ids(answers, id_column, path)
    return answers


def _check_ids(table: pd.DataFrame, id_column: str, path: Path, *, unique: bool = True) -> None:
    require_column(table, id_column, path, "the id")
    missing = table.index[table[id_column].isna()]
    if len(missing):
        raise DataError(
            f"{path}, column {id_column} (the id): row {missing[0]} has no value ({len(missing)} such rows). "
            "Fill it in, or name another column as id."
        )
    repeated = table[id_column][table[id_column].duplicated()]
    # Several training rows may have the id of one patient or customer, which is a warning of `check`, not an error.
    if len(repeated) and unique:
        raise DataError(
            f"{path}, column {id_column} (the id): {repeated.iloc[0]!r} in row {repeated.index[0]} is repeated "
            f"({len(repeated)} such rows). Ids must be unique: remove the other rows, or name another column."
        )

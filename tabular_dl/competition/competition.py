"""Competitions: a folder of Kaggle-style files, read into one frozen `Competition`.

=====================  ==========================================================================================
train.csv              the rows to learn from, with the target
test.csv               optional: the rows to predict
sample_submission.csv  optional: the header and ids that a submission must have
answers.csv            bundled data sets only: the test rows' targets, read by nothing but the scorer of a submission
=====================  ==========================================================================================

The first three are also found as .tsv, .parquet, .csv.gz, .zip and so on (`tabular_dl.tables.table_files.SUFFIXES`),
and may have other names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from tabular_dl.competition.keras_datasets import is_loaded, load, load_answers
from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.resources import bundled
from tabular_dl.tables import SUFFIXES, TableFile, category_text, read_content, read_number, read_table_file

__all__ = ["Competition", "find_file", "find_folder", "load_competition", "read_answers", "read_table"]


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
    test : DataFrame of shape (test rows, columns) or None
        Without the target; None where there is no test table.
    sample : DataFrame or None
        The sample submission.
    digest, test_digest : str
        SHA-256 of the files of train and test, in hexadecimal; empty where there is no test table.
    train_file, test_file, sample_file : Path
        The files, for messages.
    notes : tuple of str
        What was unusual about the files, and which columns are of another kind in test than in train.
    """

    folder: Path
    target: str
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
    target: str,
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
        A folder, the name of a bundled data set, or one of Keras's, like "keras:mnist"
        (`tabular_dl.competition.keras_datasets`).
    target : str
        The column to predict.
    id_column : str, optional
        The column that identifies rows.
    train, test, sample : str, optional
        The names of the files in the folder. By default train, test and sample_submission, as .csv or in another form;
        then test and sample may be absent.
    contents : mapping of Path to bytes, optional
        Of files that were read before, by their resolved paths.

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
    train_file, test_file, sample_file = (
        find_file(folder, name, usual)
        for name, usual in ((train, "train"), (test, "test"), (sample, "sample_submission"))
    )

    known = dict(contents or {})

    def read(path: Path, text: Collection[str]) -> TableFile:
        # A table may have to be parsed again; its file is read once.
        file = path.resolve()
        if file not in known:
            known[file] = read_content(path)
        return read_table_file(path, text, target, known[file])

    ids = () if id_column is None else (id_column,)
    learned = read(train_file, ids)
    _check_target(learned.frame, target, train_file)
    tested = read(test_file, ids) if test or test_file.exists() else None
    if id_column is not None:
        for file, path in ((learned, train_file), (tested, test_file)):
            if file is not None:
                _check_ids(file.frame, id_column, path, once=file is tested)
    asked = read(sample_file, ids) if sample or sample_file.exists() else None
    notes = [note for file in (learned, tested, asked) if file is not None for note in file.notes]
    if tested is None:
        notes.append(f"There is no {test_file}: no test rows are predicted")
    else:
        notes += _other_kinds(learned.frame, tested.frame, train_file, test_file)
        tested = replace(tested, frame=_spelled_alike(learned.frame, tested.frame, partial(read, test_file)))
    return Competition(
        folder=folder,
        target=target,
        id=id_column,
        train=learned.frame,
        test=None if tested is None else tested.frame.drop(columns=target, errors="ignore"),
        sample=None if asked is None else asked.frame,
        digest=learned.digest,
        test_digest="" if tested is None else tested.digest,
        train_file=train_file,
        test_file=test_file,
        sample_file=sample_file,
        notes=tuple(notes),
    )


def find_file(folder: Path, name: str | None, usual: str) -> Path:
    """Return the file of a name in a folder, or the first of the usual names that is there; train must be."""
    if name is not None:
        return folder / name
    paths = [folder / f"{usual}{suffix}" for suffix in SUFFIXES]
    found = next((path for path in paths if path.exists()), paths[0])
    if usual == "train" and not found.exists():
        others = [path.name for path in folder.iterdir() if path.name.endswith(SUFFIXES)]
        raise DataError(
            f"There is no file {found}. {did_you_mean(found.name, others) if others else 'The folder has no table.'} "
            "The folder of a competition holds train.csv; a table of another name is named by data.train."
        )
    return found


def _read(path: Path, id_column: str | None, target: str | None = None) -> TableFile:
    return read_table_file(path, () if id_column is None else (id_column,), target)


def _other_kinds(train: pd.DataFrame, test: pd.DataFrame, train_file: Path, test_file: Path) -> list[str]:
    """Say which columns are of another kind in test than in train."""
    notes = []
    for name in [name for name in train if name in test and train[name].dtype != test[name].dtype]:
        columns = {train_file.name: train[name], test_file.name: test[name]}
        kinds = {file: _kind(column) for file, column in columns.items() if column.notna().any()}
        if len(set(kinds.values())) < 2:
            continue
        said = [f"{kind} in {file}{_example(columns[file])}" for file, kind in kinds.items()]
        notes.append(f"The column {name} is {', and '.join(said)}. Make both alike, or encode it as a category")
    return notes


def _spelled_alike(train: pd.DataFrame, test: pd.DataFrame, read: Callable[[list[str]], TableFile]) -> pd.DataFrame:
    """Write the values of columns of another kind in test as train has them: one category has one name in both.

    One text in a column is enough for 1.0 to stay "1.0" there, and to be the number 1 in the other table. ``read``
    parses the test table with some columns as text.
    """
    shared = [str(name) for name in train if name in test and train[name].notna().any() and test[name].notna().any()]
    texts = [name for name in shared if train[name].dtype == "str" and test[name].dtype != "str"]
    changed = {}
    if texts:
        again = read(texts).frame
        changed = {name: again[name].where(test[name].notna()) for name in texts}
    for name in shared:
        if test[name].dtype == "str" and train[name].dtype != "str":
            spelled = _truth_text if train[name].dtype.kind in "bO" else _number_text
            changed[name] = test[name].map(spelled, na_action="ignore").astype("str")
    return test.assign(**changed)


def _truth_text(text: str) -> str:
    return text.capitalize() if text.lower() in ("true", "false") else text


def _number_text(text: str) -> str:
    number = read_number(text)
    return text if number is None else category_text(number)


def _kind(column: pd.Series) -> str:
    if column.dtype == "str":
        return "text"
    return "true and false" if column.dtype.kind in "bO" else "numbers"


def _example(column: pd.Series) -> str:
    """Show the first text that is no number."""
    odd = column[pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()]
    return f" (row {odd.index[0]} has {odd.tolist()[0]!r})" if column.dtype == "str" and len(odd) else ""


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
    """Read a table as `tabular_dl.tables.table_files.read_table_file` does, without its notes.

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
    return _read(path, id_column).frame


def read_answers(folder: Path, target: str, id_column: str) -> pd.DataFrame | None:
    """Read the test rows' true targets, where the folder has them. Only the scorer of a submission may call this."""
    if is_loaded(str(folder)):
        return load_answers(str(folder), target, id_column)
    path = folder / "answers.csv"
    if not path.exists():
        return None
    answers = _read(path, id_column, target).frame
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


def _check_ids(table: pd.DataFrame, id_column: str, path: Path, *, once: bool = True) -> None:
    require_column(table, id_column, path, "the id")
    missing = table.index[table[id_column].isna()]
    if len(missing):
        raise DataError(
            f"{path}, column {id_column} (the id): row {missing[0]} has no value ({len(missing)} such rows). "
            "Fill it in, or name another column as id."
        )
    twice = table[id_column][table[id_column].duplicated()]
    # Of training rows, several may be about one patient or customer: a check says so, nothing refuses it.
    if len(twice) and once:
        raise DataError(
            f"{path}, column {id_column} (the id): {twice.iloc[0]!r} in row {twice.index[0]} was there "
            f"before ({len(twice)} such rows). An id belongs to one row: remove the others, or name another column."
        )

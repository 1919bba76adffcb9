"""Reading of competitions: folders of Kaggle-style files.

=====================  ==========================================================================================
train.csv              training rows, with the target
test.csv               optional: rows to predict
sample_submission.csv  optional: header and ids that a submission must have
answers.csv            bundled data sets only: targets of the test rows, read only to score a submission
=====================  ==========================================================================================

The first three may also be .tsv, .parquet, .csv.gz, .zip... (`tabular_dl.tables.SUFFIXES`), and have other names
(`tabular_dl.competition.files`). The targets may be in a file of their own, joined by id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from tabular_dl.competition.column_types import spelled_alike, type_notes
from tabular_dl.competition.files import find_file, find_folder
from tabular_dl.competition.keras_datasets import Loaded, is_loaded, load, load_answers
from tabular_dl.competition.prediction_tables import only_of_test
from tabular_dl.competition.streamed_rows import first_rows, sampling_note, streamed_rows
from tabular_dl.competition.target_rows import join_labels, part_by_target, require_column
from tabular_dl.competition.targets import part_by_targets
from tabular_dl.errors import DataError
from tabular_dl.tables import RowSource, TableFile, read_table_file

__all__ = ["Competition", "load_competition", "read_answers", "read_table"]


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
        Training rows with the target. Rows without a target are left out, so that the index may have gaps.
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
    unlabeled : DataFrame of shape (other rows, columns) or None
        Rows of the training table that have no target; None if there are none.
    target_number : str, True or None
        Unit of a target that was written as text.
    source : RowSource or None
        All training rows, of which ``train`` has the first, if they are read in blocks.
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
    unlabeled: pd.DataFrame | None = None
    target_number: str | bool | None = None
    source: RowSource | None = None


def load_competition(
    source: str,
    target: str | list[str],
    id_column: str | None = None,
    *,
    train: str | None = None,
    test: str | None = None,
    sample: str | None = None,
    labels: str | None = None,
    target_number: str | bool | None = None,
    files: Mapping[Path, TableFile] | None = None,
    stream: bool | None = None,
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
        Column that identifies rows; the training table may lack it if the test table has it.
    train, test, sample : str, optional
        Names of the files in the folder. By default train, test and sample_submission with one of the known suffixes,
        of which test and sample may be absent.
    labels : str, optional
        Name of a file in the folder with id and target of the training rows, if the training table lacks the target.
    target_number : str or True, optional
        Unit of a target that is written as text, such as "$" for $4,436; True for numbers without one.
    files : mapping of Path to TableFile, optional
        Files that were read before, by resolved path.
    stream : bool, optional
        Whether to read the training table in blocks; by default if it is several files, or too large for memory.

    Returns
    -------
    Competition
        The tables.

    Raises
    ------
    DataError
        If a file is missing or not a table, the target or the id is missing, an id of the test table or of the labels
        is repeated, or the target has a single value. The message names the file, the column and the row.

    Examples
    --------
    >>> competition = load_competition("titanic", "Survived", "PassengerId")
    >>> competition.train.shape, competition.test.shape
    ((891, 12), (418, 11))
    """
    if is_loaded(source):
        loaded = vars(_keras_tables(source, target, id_column))
        return Competition(Path(source), target, id_column, sample=None, **loaded)
    folder = find_folder(source)
    train_file = find_file(folder, train, "train")
    test_file = find_file(folder, test, "test", (train_file,))
    sample_file = find_file(folder, sample, "sample_submission", (train_file, test_file))
    targets, ids = [target] if isinstance(target, str) else target, () if id_column is None else (id_column,)
    source_rows = streamed_rows(folder, train, train_file, ids, targets, stream=stream)
    if source_rows is not None:
        train_file = source_rows.files[0]
        files = {**(files or {}), **first_rows(source_rows, labels=labels, target_number=target_number)}
    read = _reader(targets, files or {})
    paths = (train_file, None if labels is None else folder / labels)
    train_table, unlabeled = _read_train(read, paths, targets, id_column, target_number)
    test_table = _read_test(read, ids, train_table, (train_file, test_file)) if test or test_file.exists() else None
    if id_column is not None:
        _check_tables(train_table, test_table, id_column, targets, (train_file, test_file))
    sample_table = read(sample_file, ids) if sample or sample_file.exists() else None
    about = _about_files(sample if sample_table is not None else "", sample_file, test_file, test_table, source_rows)
    return Competition(
        folder=folder,
        target=target,
        id=id_column,
        train=train_table.frame,
        test=None if test_table is None else test_table.frame.drop(columns=targets, errors="ignore"),
        sample=None if sample_table is None else sample_table.frame,
        digest=(source_rows or train_table).digest,
        test_digest="" if test_table is None else test_table.digest,
        train_file=train_file,
        test_file=test_file,
        sample_file=sample_file,
        notes=(*_notes(train_table, test_table, sample_table), *about),
        unlabeled=unlabeled,
        target_number=target_number,
        source=source_rows,
    )


def _notes(*tables: TableFile | None) -> list[str]:
    return [note for table in tables if table is not None for note in table.notes]


def _about_files(
    sample: str | None, sample_file: Path, test_file: Path, test_table: TableFile | None, source_rows: RowSource | None
) -> Iterator[str]:
    """Yield notes on the files that were found; a sample submission has no name if it was looked for."""
    if sample is None and sample_file.name.split(".")[0] != "sample_submission":
        yield f"{sample_file.name} is taken for the sample submission; data.sample names another file"
    if test_table is None:
        yield f"There is no {test_file}: no test rows are predicted"
    if source_rows is not None:
        yield sampling_note(source_rows)


def _read_train(
    read: Callable[[Path, Collection[str]], TableFile],
    files: tuple[Path, Path | None],
    targets: Sequence[str],
    id_column: str | None,
    target_number: str | bool | None,
) -> tuple[TableFile, pd.DataFrame | None]:
    """Return the training rows that have a target, and the others; the files are those of the rows and the labels."""
    ids = () if id_column is None else (id_column,)
    train_file, labels_file = files
    table = read(train_file, ids)
    if labels_file is not None:
        table = join_labels(table, read(labels_file, ids), id_column, targets, (train_file, labels_file))
    if not {*table.frame} - {*targets}:
        raise DataError(f"{train_file} has no column beside the target: there is nothing to learn from.")
    if len(targets) > 1:
        rows = part_by_targets(table.frame, targets, train_file)
    else:
        rows = part_by_target(table.frame, targets[0], train_file, target_number)
    labeled = replace(table, frame=rows.labeled, notes=(*rows.notes, *table.notes))
    return labeled, rows.unlabeled if len(rows.unlabeled) else None


def _read_test(
    read: Callable[[Path, Collection[str]], TableFile],
    ids: Collection[str],
    train: TableFile,
    files: tuple[Path, Path],
) -> TableFile:
    """Return the test rows, with categories spelled as in the training rows; the files are those of train and test."""
    table = read(files[1], ids)
    notes = type_notes(train.frame, table.frame, *files)
    frame = spelled_alike(train.frame, table.frame, lambda texts: read(files[1], (*texts, *ids)))
    return replace(table, frame=frame, notes=(*table.notes, *notes))


def _keras_tables(source: str, target: str | list[str], id_column: str | None) -> Loaded:
    """Return the tables of one of Keras's data sets."""
    if not isinstance(target, str):
        raise DataError(f"{source} has one target, but data.target names {len(target)}: name one.")
    return load(source, target, id_column)


def _reader(targets: Collection[str], files: Mapping[Path, TableFile]) -> Callable[[Path, Collection[str]], TableFile]:
    """Return a function that reads a file with some columns as text; each file is read once, since it may be a pipe."""
    cache = dict(files)

    def read(path: Path, text: Collection[str]) -> TableFile:
        file = path.resolve()
        if file in cache:
            return cache[file].read_again(path, text, targets)
        cache[file] = read_table_file(path, text, targets)
        return cache[file]

    return read


def _read(path: Path, id_column: str | None, targets: Collection[str] = ()) -> TableFile:
    return read_table_file(path, () if id_column is None else (id_column,), targets)


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


def read_answers(
    folder: Path, target: str | list[str], id_column: str, target_number: str | bool | None = None
) -> pd.DataFrame | None:
    """Read the true targets of the test rows, if the folder has them. Only the scorer of a submission may call this.

    Parameters
    ----------
    folder : Path
        Folder of the competition, or one of Keras's data sets such as "keras:mnist".
    target : str or list of str
        Column of the true targets, or several.
    id_column : str
        Column that identifies rows.
    target_number : str or True, optional
        Unit of targets that are written as text.

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
    if target_number is None or not isinstance(target, str):
        return answers
    return part_by_target(answers, target, path, target_number).labeled


def _check_tables(
    train: TableFile, test: TableFile | None, id_column: str, targets: Sequence[str], files: tuple[Path, Path]
) -> None:
    """Raise an error for invalid ids; training rows may have none where test rows have some."""
    alone = test is not None and only_of_test(train.frame, test.frame, id_column, targets)
    for table, path in zip((train, test), files, strict=True):
        if table is not None and not (alone and table is train):
            _check_ids(table.frame, id_column, path, unique=table is test)


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

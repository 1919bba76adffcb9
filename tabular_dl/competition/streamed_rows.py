"""Training tables that are read in blocks: several files, or one that is too large for memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tabular_dl.errors import DataError
from tabular_dl.limits import machine_memory
from tabular_dl.tables import RowSource, TableFile, is_pattern, source_files

__all__ = ["first_rows", "sampling_note", "streamed_rows"]

SHARE = 8  # a table in memory takes several times the bytes of its file


def streamed_rows(
    folder: Path,
    train: str | None,
    train_file: Path,
    ids: Sequence[str],
    targets: Sequence[str],
    *,
    stream: bool | None = None,
) -> RowSource | None:
    """Return the rows of a training table that is to be read in blocks; None for one that is read into memory.

    Parameters
    ----------
    folder : Path
        Folder of the competition.
    train : str or None
        Name of a file, of a folder of files, or a pattern, as the user gives it.
    train_file : Path
        File of the training table, if it is one.
    ids, targets : sequence of str
        Columns that are read as text, and as labels.
    stream : bool, optional
        Whether to read a single file in blocks; by default if it has more than an eighth of the machine's memory.

    Returns
    -------
    RowSource or None
        Rows.

    Raises
    ------
    DataError
        If there is no file, or several are not to be read in blocks.

    Examples
    --------
    >>> streamed_rows(Path("data/titanic"), None, Path("data/titanic/train.csv"), [], ["Survived"]) is None
    True
    """
    several = train is not None and ((folder / train).is_dir() or is_pattern(train))
    if several and stream is False:
        raise DataError(f"{folder / str(train)}: several files are read in blocks. Leave data.stream out.")
    if several:
        return RowSource(source_files(folder, str(train)), tuple(ids), tuple(targets))
    if stream is None:
        stream = train_file.is_file() and train_file.stat().st_size > machine_memory() // SHARE
    return RowSource((train_file,), tuple(ids), tuple(targets)) if stream else None


def first_rows(rows: RowSource, **unsupported: str | bool | None) -> dict[Path, TableFile]:
    """Return the first rows in place of the file; raise an error for keys that need all rows in memory."""
    for key, value in unsupported.items():
        if value is not None:
            raise DataError(
                f"data.{key} is not supported for training rows that are read in blocks ({rows.files[0]}): put the "
                "targets, as numbers, into the table."
            )
    return {rows.files[0].resolve(): rows.sample}


def sampling_note(rows: RowSource) -> str:
    """Return a note that checks read the first rows only."""
    files = f"{len(rows.files):,} files" if len(rows.files) > 1 else rows.files[0].name
    return (
        f"Training rows are read in blocks ({files}, about {rows.about_rows:,} rows): types and checks are of "
        f"the first {len(rows.sample.frame):,} rows"
    )

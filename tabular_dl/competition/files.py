"""Files of a competition's folder: which table is which, by their names.

=====================  ============================================================================================
table                  names, with any suffix of `tabular_dl.tables.SUFFIXES`, in any case
=====================  ============================================================================================
training rows          ``train``
test rows              ``test``
sample submission      ``sample_submission``, ``sampleSubmission``, ``sample_sub...``, ``submission_format``,
                       ``gender_submission``, and names with the words submission and sample or example
labels                 ``train_labels``, ``train_targets`` and similar names
=====================  ============================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.resources import bundled
from tabular_dl.tables import SUFFIXES, name_problem

__all__ = ["find_file", "find_folder", "find_labels"]

# Names of sample submissions, the most certain first; in lower case, with "_" for each sign between words.
_SAMPLES = (
    r"sample_?submissions?",
    r"sample_?sub.*|.*_sample_?sub.*",
    r"submission_?format|submission_?(sample|example|template)s?|example_?submissions?|gender_?submission",
    r".*submission.*example.*|.*example.*submission.*|.*sample.*submission.*|.*submission.*sample.*",
    r".*_examples?",
)
_LABELS = (r"train(ing)?(_.*)?_?(labels?|targets?)", r"labels?|targets?")


def find_file(folder: Path, name: str | None, usual: str, others: Collection[Path] = ()) -> Path:
    """Return the path of a table in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the competition.
    name : str or None
        Name of the file; None for the usual name.
    usual : {"train", "test", "sample_submission"}
        Usual name of the file, without suffix.
    others : collection of Path
        Files that have another role.

    Returns
    -------
    Path
        Path of the named file, else of the first existing file of the usual name with a known suffix, else of one
        whose name differs in case, or is usual for sample submissions elsewhere. If there is none, the path with the
        suffix .csv.

    Raises
    ------
    DataError
        If the training table has the usual name and does not exist.
    """
    if name is not None:
        return folder / name
    paths = [folder / f"{usual}{suffix}" for suffix in SUFFIXES]
    patterns = _SAMPLES if usual == "sample_submission" else (re.escape(usual),)
    existing = next((path for path in paths if path.exists()), None)
    file = existing or _first_match(folder, patterns, others) or paths[0]
    if usual == "train" and not file.exists():
        tables = _tables(folder)
        raise DataError(
            f"There is no file {file}. {did_you_mean(file.name, tables) if tables else 'The folder has no table.'} "
            "The folder of a competition holds train.csv; for another name, set data.train."
        )
    return file


def find_labels(folder: Path, others: Collection[Path] = ()) -> Path | None:
    """Return the path of a table that seems to have the targets of the training rows; None if there is none.

    Parameters
    ----------
    folder : Path
        Folder of the competition.
    others : collection of Path
        Files that have another role.

    Returns
    -------
    Path or None
        First file whose name is usual for labels, such as train_labels.csv.
    """
    return _first_match(folder, _LABELS, others)


def _first_match(folder: Path, patterns: tuple[str, ...], others: Collection[Path]) -> Path | None:
    """Return the table whose name matches the first of the patterns that any name matches."""
    names = [name for name in _tables(folder) if folder / name not in others]
    stems = {name: re.sub(r"[\s._-]+", "_", name[: -len(_suffix(name))].lower()).strip("_") for name in names}
    for pattern in patterns:
        matches = [name for name, stem in stems.items() if re.fullmatch(pattern, stem)]
        if matches:
            return folder / matches[0]
    return None


def _tables(folder: Path) -> list[str]:
    """Return the names of the tables in a folder, in alphabetical order; none if it cannot be looked into."""
    try:
        return sorted(path.name for path in folder.iterdir() if _suffix(path.name))
    except (OSError, ValueError):  # the reader of the named file raises an error with the reason
        return []


def _suffix(name: str) -> str:
    return next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.lower().endswith(suffix)), "")


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

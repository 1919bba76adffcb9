"""From the files that a user names to a drafted pipeline: what `init` writes down and `fit --train` fits at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tabular_dl.competition import Competition, find_file, load_competition
from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.profiling import find_roles
from tabular_dl.spec import list_pipelines
from tabular_dl.tables import read_content, read_table_file

__all__ = ["Tables", "draft_from_files", "name_of"]


@dataclass(frozen=True)
class Tables:
    """What a user says about a competition without a pipeline file.

    Attributes
    ----------
    train : Path
        The table to learn from.
    test, sample : Path or None
        The table to predict and the sample submission; by default those of the usual names beside ``train``.
    target, id, metric : str or None
        The column to predict, the column that names rows, and what to score by; by default told from the tables.
    """

    train: Path
    test: Path | None = None
    sample: Path | None = None
    target: str | None = None
    id: str | None = None
    metric: str | None = None


def draft_from_files(name: str, tables: Tables) -> tuple[Draft, Competition]:
    """Read the tables and draft a pipeline of them.

    Returns
    -------
    draft : Draft
    competition : Competition
        The tables, with notes on what was unusual about the files.

    Raises
    ------
    UserError
        If a file cannot be read, or the tables do not say what is to be predicted.
    """
    folder = tables.train.parent
    usual_test, usual_sample = (find_file(folder, None, usual) for usual in ("test", "sample_submission"))
    contents: dict[Path, bytes] = {}

    def read(file: Path) -> pd.DataFrame:
        contents[file.resolve()] = read_content(file)
        return read_table_file(file, content=contents[file.resolve()]).frame

    train = read(tables.train)
    others = (_present(tables.test, usual_test), _present(tables.sample, usual_sample))
    test, sample = (None if file is None else read(file) for file in others)
    roles = find_roles(train, test, sample, target=tables.target, id_column=tables.id)
    source = _shown(folder)
    # A file of the usual name needs no mention.
    usual = {"train": _usual_train(tables.train), "test": usual_test, "sample": usual_sample}
    named = {"train": tables.train, "test": tables.test, "sample": tables.sample}
    names = {key: _within(folder, file) for key, file in named.items() if file is not None and file != usual[key]}
    # Ids are read as text, and words of the target as labels: what was read once is parsed again.
    competition = load_competition(source, roles.target, roles.id, **names, contents=contents)
    draft = draft_pipeline(
        name,
        {"source": source, **names},
        roles,
        competition.train,
        competition.test,
        competition.sample,
        tables.metric,
    )
    return draft, competition


def name_of(train: Path) -> str:
    """Return a name for a pipeline that has none: the file's, or its folder's if the file is but "train".

    Where there is a pipeline of that name, "-draft" is added: its runs are of its own file.

    Examples
    --------
    >>> name_of(Path("houses/train.csv")), name_of(Path("House Prices.csv.gz"))
    ('houses', 'House-Prices')
    """
    stem = train.name.split(".")[0]
    words = train.resolve().parent.name if stem.lower() == "train" else stem
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("-_.") or "table"
    return f"{name}-draft" if name in list_pipelines() else name


def _present(named: Path | None, usual: Path) -> Path | None:
    """Return the file that the user named, or that of the usual name if there is one."""
    return named or (usual if usual.exists() else None)


def _usual_train(train: Path) -> Path | None:
    """Return the training table of a folder that names none, where there is one."""
    return find_file(train.parent, None, "train") if train.name.startswith("train.") else None


def _shown(folder: Path) -> str:
    """Write a folder as a pipeline file has it: relative to the working folder where it lies inside."""
    here = Path.cwd().resolve()
    absolute = folder.resolve()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def _within(folder: Path, file: Path) -> str:
    """Write a file as seen from the folder, or in full if it lies elsewhere."""
    absolute = file.resolve()
    return str(absolute.relative_to(folder.resolve())) if absolute.is_relative_to(folder.resolve()) else str(absolute)

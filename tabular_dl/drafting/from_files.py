"""Drafting of a pipeline from files, for `init`, which writes it to a file, and for `fit --train`, which fits it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tabular_dl.competition import Competition, find_file, load_competition
from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.drafting.network_defaults import Effort
from tabular_dl.profiling import find_roles
from tabular_dl.spec import list_pipelines
from tabular_dl.tables import read_content, read_table_file

__all__ = ["Tables", "draft_from_files", "name_of"]


@dataclass(frozen=True)
class Tables:
    """Files and columns of a competition that has no pipeline file.

    Attributes
    ----------
    train : Path
        File of the training table.
    test, sample : Path or None
        Files of the test table and the sample submission; by default those of the usual names beside ``train``.
    target, id, metric : str or None
        Column to predict, column that identifies rows, and metric; by default chosen from the tables.
    """

    train: Path
    test: Path | None = None
    sample: Path | None = None
    target: str | None = None
    id: str | None = None
    metric: str | None = None


def draft_from_files(name: str, tables: Tables, effort: Effort = "good") -> tuple[Draft, Competition]:
    """Read the tables of a competition and draft a pipeline for them.

    Parameters
    ----------
    name : str
        Name of the pipeline.
    tables : Tables
        Files, and options of the user.
    effort : {"fast", "good", "best"}
        Time that training may take.

    Returns
    -------
    draft : Draft
        The pipeline.
    competition : Competition
        The tables, with notes on unusual properties of the files.

    Raises
    ------
    UserError
        If a file cannot be read, or the target is unclear.
    """
    folder = tables.train.parent
    usual_test, usual_sample = (find_file(folder, None, usual) for usual in ("test", "sample_submission"))
    contents: dict[Path, bytes] = {}

    def read(file: Path) -> pd.DataFrame:
        contents[file.resolve()] = read_content(file)
        return read_table_file(file, content=contents[file.resolve()]).frame

    train = read(tables.train)
    files = (_existing(tables.test, usual_test), _existing(tables.sample, usual_sample))
    test, sample = (None if file is None else read(file) for file in files)
    roles = find_roles(train, test, sample, target=tables.target, id_column=tables.id)
    source = _source(folder)
    # Files of the usual names are not written to the pipeline.
    usual = {"train": _usual_train(tables.train), "test": usual_test, "sample": usual_sample}
    given = {"train": tables.train, "test": tables.test, "sample": tables.sample}
    names = {key: _within(folder, file) for key, file in given.items() if file is not None and file != usual[key]}
    # The contents are parsed again, since ids are read as text and words of the target as labels.
    competition = load_competition(source, roles.target, roles.id, **names, contents=contents)
    draft = draft_pipeline(
        name,
        {"source": source, **names},
        roles,
        competition.train,
        competition.test,
        competition.sample,
        tables.metric,
        effort,
    )
    return draft, competition


def name_of(train: Path) -> str:
    """Return a name for a pipeline: the name of its training file, or of its folder if the file is called "train".

    If there is a pipeline of that name, "-draft" is appended, so that the runs of the two are not mixed.

    Parameters
    ----------
    train : Path
        File of the training table.

    Returns
    -------
    str
        Name of letters, digits, "_", "." and "-".

    Examples
    --------
    >>> name_of(Path("houses/train.csv")), name_of(Path("House Prices.csv.gz"))
    ('houses', 'House-Prices')
    """
    stem = train.name.split(".")[0]
    words = train.resolve().parent.name if stem.lower() == "train" else stem
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("-_.") or "table"
    return f"{name}-draft" if name in list_pipelines() else name


def _existing(given: Path | None, usual: Path) -> Path | None:
    """Return the file given by the user, or the file of the usual name if it exists."""
    return given or (usual if usual.exists() else None)


def _usual_train(train: Path) -> Path | None:
    """Return the training table that the folder has by default, if the file has its usual name."""
    return find_file(train.parent, None, "train") if train.name.startswith("train.") else None


def _source(folder: Path) -> str:
    """Return the path of a folder for a pipeline file: relative to the working folder if it is inside it."""
    here = Path.cwd().resolve()
    absolute = folder.resolve()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def _within(folder: Path, file: Path) -> str:
    """Return the path of a file, relative to the folder if it is inside it."""
    absolute = file.resolve()
    return str(absolute.relative_to(folder.resolve())) if absolute.is_relative_to(folder.resolve()) else str(absolute)

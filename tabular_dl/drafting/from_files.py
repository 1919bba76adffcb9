"""Drafting of a pipeline from files, for `init`, which writes it to a file, and for `fit --train`, which fits it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tabular_dl.competition import Competition, find_file, find_labels, load_competition, streamed_rows
from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.drafting.network_defaults import Effort
from tabular_dl.errors import DataError, listed
from tabular_dl.problems import get_metric
from tabular_dl.profiling import find_roles
from tabular_dl.spec import list_pipelines
from tabular_dl.tables import TableFile, category_text, find_number_form, read_table_file, read_unit_numbers

__all__ = ["Tables", "draft_from_files", "name_of"]

MOST_LABELS = 10  # different numbers with a unit, up to which a target is one of labels


@dataclass(frozen=True)
class Tables:
    """Files and columns of a competition that has no pipeline file.

    Attributes
    ----------
    train : Path
        File of the training table, or a folder or a pattern of several, of which the first rows are read.
    test, sample : Path or None
        Files of the test table and the sample submission; by default those of the usual names beside ``train``.
    target, id, metric : str or None
        Column to predict, column that identifies rows, and metric; by default chosen from the tables.
    labels : Path or None
        File with the ids and targets of the training rows; by default a file such as train_labels.csv, if the training
        table has no target.
    """

    train: Path
    test: Path | None = None
    sample: Path | None = None
    target: str | None = None
    id: str | None = None
    metric: str | None = None
    labels: Path | None = None


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
    usual_test = find_file(folder, None, "test", (tables.train,))
    taken = (tables.train, tables.test or usual_test)
    usual_sample = find_file(folder, None, "sample_submission", taken)
    tables_read: dict[Path, TableFile] = {}

    def read(file: Path) -> pd.DataFrame:
        rows = streamed_rows(folder, file.name, file, (), ()) if file == tables.train else None
        tables_read[file.resolve()] = read_table_file(file) if rows is None else rows.sample
        return tables_read[file.resolve()].frame

    train = read(tables.train)
    files = (_existing(tables.test, usual_test), _existing(tables.sample, usual_sample))
    test, sample = (None if file is None else read(file) for file in files)
    labels = tables.labels or _labels(folder, (*taken, tables.sample or usual_sample), train, read)
    key = None
    if labels is not None:
        train, key = _with_labels(train, read(labels), tables.id, labels)
    roles = find_roles(train, test, sample, target=tables.target, id_column=tables.id or key)
    if key is not None and tables.id is None:
        roles = replace(roles, id_reason=f"the labels of {labels.name if labels else ''} are joined by it")
    source = _source(folder)
    # Files of the usual names are not written to the pipeline.
    usual = {"train": _usual_train(tables.train), "test": _exact(usual_test), "sample": _exact(usual_sample)}
    given = {"train": tables.train, "test": files[0], "sample": files[1], "labels": labels}
    names: dict[str, Any] = {
        key: _within(folder, file) for key, file in given.items() if file is not None and file != usual.get(key)
    }
    unit = _unit(train[roles.target], roles.target, tables.metric) if isinstance(roles.target, str) else None
    # Ids are read again as text, and words of the target as labels.
    competition = load_competition(source, roles.target, roles.id, **names, target_number=unit, files=tables_read)
    tables_read.clear()  # the contents of the files take memory
    draft = draft_pipeline(
        name,
        {"source": source, **names, **({} if unit is None else {"target_number": unit})},
        roles,
        competition.train,
        competition.test,
        competition.sample,
        tables.metric,
        effort,
        None if competition.source is None else competition.source.about_rows,
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


def _exact(file: Path) -> Path | None:
    """Return the file if its name is test or sample_submission to the letter, so that it need not be written down."""
    return file if file.name.split(".")[0] in ("test", "sample_submission") else None


def _labels(
    folder: Path, others: Collection[Path], train: pd.DataFrame, read: Callable[[Path], pd.DataFrame]
) -> Path | None:
    """Return the table in a folder that has a column of the training table and one that it lacks, named as labels."""
    file = find_labels(folder, others)
    if file is None:
        return None
    present = {name in train for name in read(file)}
    return file if present == {True, False} else None


def _with_labels(
    train: pd.DataFrame, labels: pd.DataFrame, id_column: str | None, file: Path
) -> tuple[pd.DataFrame, str]:
    """Return the training table with the columns of the labels that it lacks, and the column that both have."""
    shared = [str(name) for name in labels if name in train]
    key = id_column or next((name for name in shared if labels[name].is_unique), next(iter(shared), None))
    if key is None or key not in labels or key not in train:
        raise DataError(
            f"{file} has the columns {listed(list(map(str, labels)), 12)}, and none of them is in the training table: "
            "labels are joined by the id that both have."
        )
    by_id = labels.drop_duplicates(key).set_index(key)
    return train.assign(**{str(name): train[key].map(by_id[name]) for name in by_id if name not in train}), key


def _unit(column: pd.Series, target: str, metric: str | None) -> str | bool | None:
    """Return the unit of a target of numbers that are written as text; None if it is not, or has few for labels."""
    if column.dtype.kind != "O":
        return None
    texts = column.dropna().map(category_text)
    form = find_number_form(texts)
    if form is None or form.ranges:  # a range that is to be predicted is a class
        return None
    few = read_unit_numbers(texts, form.unit, form.decimal).nunique() <= MOST_LABELS
    if few and (metric is None or "regression" not in get_metric(metric).problems):
        return None
    if form.decimal != "." or isinstance(form.unit, tuple):
        fault = "a decimal comma" if form.decimal != "." else "several units that cannot be converted"
        raise DataError(
            f"The target {target!r} has {form.in_words} with {fault}, like {texts.iloc[0]!r}: write plain numbers."
        )
    return form.unit


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

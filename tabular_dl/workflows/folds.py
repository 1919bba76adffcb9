"""Folds of a pipeline as a table, for models that are trained elsewhere: `tabular-dl folds`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import check_place, write_text
from tabular_dl.competition import Competition
from tabular_dl.problems import Problem
from tabular_dl.reporting import by_split
from tabular_dl.spec import (
    PipelineSpec,
    check_network,
    check_target,
    folds_of,
    load_spec,
    problem_of,
    row_keys,
    whole_tables,
)
from tabular_dl.workflows.console import print_lines

__all__ = ["checked_folds", "folds"]


def folds(pipeline: str, output: Path, overrides: Sequence[str] = (), console: Console | None = None) -> pd.DataFrame:
    """Write the folds that a fit of a pipeline uses: one row for each training row, in the order of the table.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    output : Path
        File to write, with the id, or the number of the row from 1 without one, and the fold from 0: empty for rows
        that no fold predicts, and one column per repeat.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=10"``.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    DataFrame of shape (rows, 1 + repeats)
        The table.

    Raises
    ------
    UserError
        If the pipeline is not valid, or the rows cannot be split; nothing is written then.
    """
    console = console or Console()
    spec = load_spec(pipeline, overrides, check_network)
    check_place(output)
    competition = whole_tables(spec)
    train, id_column = competition.train, spec.data.id
    splits = checked_folds(spec, competition, problem_of(spec, train[spec.data.target]))
    repeats = spec.ensemble.repeats or 1
    ids = train[id_column] if id_column in train else pd.Series(train.index, name="row")
    table = _fold_table(ids, splits, repeats)
    write_text(output, table.to_csv(index=False))
    print_lines(
        console,
        f"{len(splits)} folds{escape(by_split(spec))} of {len(table):,} rows (seed {spec.seed}) are in "
        f"[bold]{escape(str(output))}[/].",
        *_advice(spec, int(table.iloc[:, -1].isna().sum())),
    )
    if id_column is None:
        print_lines(console, "To import the predictions, the pipeline needs data.id, the column that identifies rows.")
    elif id_column not in train:
        print_lines(
            console, f"To import the predictions, {competition.train_file.name} needs the id {escape(id_column)}."
        )
    else:
        options = [part for override in overrides for part in ("--set", override)]
        command = join(["tabular-dl", "import", pipeline, *options])
        print_lines(console, f"Next: [bold]{escape(command)} --oof oof.csv --test test.csv --name NAME[/]")
    return table


def _advice(spec: PipelineSpec, unpredicted: int) -> list[str]:
    """Return sentences about the rows to train on for each fold."""
    if spec.ensemble.split != "time":
        repeats = spec.ensemble.repeats or 1
        mean = f" Import the mean of the {repeats} predictions of each row." if repeats > 1 else ""
        return [f"Predict the rows of each fold by a model that was trained on the other folds only.{mean}"]
    gap = f", without the {spec.ensemble.gap} latest values of {spec.ensemble.time}," if spec.ensemble.gap else ""
    return [
        f"{unpredicted:,} rows have no fold: they are the earliest, and need no prediction.",
        f"Predict the rows of each fold by a model that was trained on the rows before them{escape(gap)} only.",
    ]


def checked_folds(
    spec: PipelineSpec, competition: Competition, problem: Problem
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the folds that a fit of a specification uses, one repeat after another.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    competition : Competition
        Tables.
    problem : Problem
        Type of problem.

    Returns
    -------
    list of (train, test)
        Numbers of the training rows and test rows of each fold, from 0.

    Raises
    ------
    UserError
        If target, groups or times do not suit the folds.

    Examples
    --------
    >>> from tabular_dl.spec import competition_of, load_spec
    >>> wine = load_spec("wine", ["ensemble.folds=3"])
    >>> tables = competition_of(wine)
    >>> [len(rows) for _, rows in checked_folds(wine, tables, problem_of(wine, tables.train["cultivar"]))]
    [48, 47, 47]
    """
    train, target, file = competition.train, competition.train[spec.data.target], competition.train_file.name
    check_target(spec, problem, target, file)
    keys = row_keys(spec, train, file)
    return folds_of(spec, problem, target.to_numpy(), keys)


def _fold_table(ids: pd.Series[Any], splits: Sequence[tuple[np.ndarray, np.ndarray]], repeats: int) -> pd.DataFrame:
    """Return the table of ids and the fold of each row, missing where there is none; one column per repeat."""
    table, folds = pd.DataFrame({ids.name: ids.to_numpy()}), len(splits) // repeats
    for repeat in range(repeats):
        numbers = np.full(len(table), -1)
        for fold, (_, rows) in enumerate(splits[repeat * folds : (repeat + 1) * folds]):
            numbers[rows] = fold
        name = "fold" if repeats == 1 else f"fold_{repeat + 1}"
        table[name] = numbers if (numbers >= 0).all() else pd.Series(numbers, dtype="Int64").mask(numbers < 0)
    return table

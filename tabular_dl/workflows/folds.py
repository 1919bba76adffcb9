"""Folds of a pipeline as a table, for models that are trained elsewhere: `tabular-dl folds`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import join

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape

from tabular_dl.atomic_files import check_place, write_text
from tabular_dl.competition import Competition
from tabular_dl.model_selection import read_folds
from tabular_dl.problems import Problem
from tabular_dl.reporting import by_group
from tabular_dl.spec import (
    PipelineSpec,
    check_network,
    check_target,
    competition_of,
    groups_of,
    load_spec,
    problem_of,
)
from tabular_dl.tables import read_target
from tabular_dl.workflows.console import print_lines

__all__ = ["folds", "folds_of"]


def folds(pipeline: str, output: Path, overrides: Sequence[str] = (), console: Console | None = None) -> pd.DataFrame:
    """Write the folds that a fit of a pipeline uses: one row for each training row, in the order of the table.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    output : Path
        File to write, with the id, or the number of the row from 1 without one, and the fold from 0.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=10"``.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    DataFrame of shape (rows, 2)
        The table.

    Raises
    ------
    UserError
        If the pipeline is not valid, or the rows cannot be split; nothing is written then.
    """
    console = console or Console()
    spec = load_spec(pipeline, overrides, check_network)
    check_place(output)
    competition = competition_of(spec)
    train, id_column = competition.train, spec.data.id
    test_rows = folds_of(spec, competition, problem_of(spec, train[spec.data.target]))
    fold_numbers = np.empty(len(train), int)
    for fold, rows in enumerate(test_rows):
        fold_numbers[rows] = fold
    ids = train[id_column] if id_column in train else pd.Series(train.index, name="row")
    table = pd.DataFrame({ids.name: ids.to_numpy(), "fold": fold_numbers})
    write_text(output, table.to_csv(index=False))
    print_lines(
        console,
        f"{len(test_rows)} folds{escape(by_group(spec))} of {len(table):,} rows (seed {spec.seed}) are in "
        f"[bold]{escape(str(output))}[/].",
        "Predict the rows of each fold by a model that was trained on the other folds only.",
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


def folds_of(spec: PipelineSpec, competition: Competition, problem: Problem) -> list[np.ndarray]:
    """Return the test rows of the folds that a fit of a specification uses.

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
    list of ndarray of shape (test rows,)
        Numbers of the training rows, from 0.

    Raises
    ------
    UserError
        If target or groups do not suit the folds.

    Examples
    --------
    >>> from tabular_dl.spec import load_spec
    >>> wine = load_spec("wine", ["ensemble.folds=3"])
    >>> tables = competition_of(wine)
    >>> [len(rows) for rows in folds_of(wine, tables, problem_of(wine, tables.train["cultivar"]))]
    [48, 47, 47]
    """
    train, target, file = competition.train, competition.train[spec.data.target], competition.train_file.name
    check_target(spec, problem, target, file)
    groups = groups_of(spec, train, file)
    y = read_target(target.to_numpy(), "folds", classification=problem.classification)
    # The arguments of `CrossFitClassifier.fit`, as `workflows.training` makes it from a specification.
    splits = read_folds(spec.ensemble.folds, train, y, groups, classification=problem.classification, seed=spec.seed)
    return [rows for _, rows in splits]

"""Training on a table that is larger than memory: its map, its progress, and what reports read in place of all rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tabular_dl.clusters import current_cluster
from tabular_dl.competition import Competition, prediction_table
from tabular_dl.errors import DataError, UserError
from tabular_dl.limits import size_of
from tabular_dl.problems import Problem
from tabular_dl.reporting import AllRows, FitResult
from tabular_dl.spec import PipelineSpec, StreamedTable, problem_of, streamed_table
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.outputs import OUTPUTS

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["mapped_table", "sampled", "write_all_rows"]

MAPS = "maps"  # folder in that of the results


def mapped_table(spec: PipelineSpec, competition: Competition, problem: Problem, console: Console) -> StreamedTable:
    """Return the training rows of a pipeline, whose map is written or found, and print where it is.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline, which the checks have accepted.
    competition : Competition
        Tables, of which the training rows are read in blocks.
    problem : Problem
        Type of problem of the first rows.
    console : Console
        Console to print to.

    Returns
    -------
    StreamedTable
        Rows.

    Raises
    ------
    UserError
        If a row cannot be read, there is no room, or a cluster is open.
    """
    if current_cluster() is not None:
        raise UserError(
            f"--cluster: the training rows of pipeline {spec.name} are read in blocks, on which networks train in one "
            "process. Leave --cluster out."
        )
    source = competition.source
    with _progress(console, 0 if source is None else source.about_rows) as on_rows:
        table = streamed_table(spec, competition, OUTPUTS / MAPS, on_rows)
    of_all = problem_of(spec, table.y)
    if of_all.name != problem.name:
        raise DataError(
            f"pipeline {spec.name}: the first rows are of a {problem.name} problem, all {len(table.y):,} of a "
            f"{of_all.name} one. Write problem: {of_all.name}."
        )
    folder = table.rows.table.folder
    size = size_of(sum(file.stat().st_size for file in folder.iterdir()))
    print_lines(
        console, f"{len(table.y):,} rows are in the map {escape(str(folder))} ({size}), which later fits use as well."
    )
    return table


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar with the rows that are written, their number per second, and the time that is left."""
    count = TextColumn("{task.completed:,.0f} of about {task.total:,.0f}  {task.description}")
    started = time.perf_counter()
    with Progress(
        TextColumn("reading rows"), BarColumn(), count, TimeRemainingColumn(elapsed_when_finished=True), console=console
    ) as progress:
        task = progress.add_task("", total=total, visible=False)

        def show(rows: int) -> None:
            speed = rows / (time.perf_counter() - started)
            words = f"{speed:,.0f} rows/s, left"
            progress.update(task, description=words, completed=rows, total=max(total, rows), visible=True)

        yield show


def sampled(result: FitResult, table: StreamedTable) -> FitResult:
    """Return a result of all rows with those of a sample, which reports, figures and the stored model have.

    Scores stay those of all rows.

    Parameters
    ----------
    result : FitResult
        Result whose cross-fit has all rows.
    table : StreamedTable
        Rows.

    Returns
    -------
    FitResult
        Result with `all_rows`.
    """
    rows, frame = table.sample
    whole, crossfit = result.crossfit, copy(result.crossfit)
    crossfit.oof_predictions_ = whole.oof_predictions_[rows]
    for name in ("repeat_predictions_", "sample_weight_", "oof_thresholds_", "oof_cut_points_"):
        values = getattr(whole, name, None)
        if values is not None:
            setattr(crossfit, name, values[:, rows] if name.startswith("repeat") else values[rows])
    crossfit.train_rows_ = [_places(train, rows) for train in whole.train_rows_]
    crossfit.test_rows_ = [_places(test, rows) for test in whole.test_rows_]
    competition = replace(result.competition, train=frame, source=None)
    everything = AllRows(table.y, whole.oof_predictions_)
    return replace(result, crossfit=crossfit, competition=competition, all_rows=everything)


def _places(rows: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Return the places in a sorted sample of the rows that it has."""
    return np.flatnonzero(np.isin(sample, rows, assume_unique=True))


def write_all_rows(result: FitResult, folder: Path) -> None:
    """Write the out-of-fold predictions of all rows to ``oof_all.parquet``, in the order of the rows from 1.

    Parameters
    ----------
    result : FitResult
        Result with `all_rows`.
    folder : Path
        Existing folder.
    """
    if result.all_rows is None:
        return
    oof = result.all_rows.oof_predictions
    known = np.flatnonzero(~np.isnan(oof.reshape(len(oof), -1)).any(axis=1))
    classes: Any = getattr(result.crossfit, "classes_", None)
    threshold = getattr(result.crossfit, "threshold_", None)
    ids = pd.Series(known + 1, name="row")
    table = prediction_table(ids, result.spec.data.target, oof[known], classes, threshold)
    table.to_parquet(folder / "oof_all.parquet", index=False)

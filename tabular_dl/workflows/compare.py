"""Leaderboard of a pipeline's runs: `tabular-dl compare`."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl.errors import SubmissionError
from tabular_dl.spec import load_spec
from tabular_dl.tracking import (
    Entry,
    Row,
    StoredRun,
    agreement,
    all_runs,
    comparable_runs,
    in_order,
    is_greater_better,
    rank,
    tracking_uri,
)
from tabular_dl.workflows.console import print_lines

__all__ = ["compare"]

# Number of runs that a table has at most unless a number is given.
MOST_ROWS = 50

# Verb before a run's parameters, by the kind of run; the parameters of a fit are compared.
RELATIONS = {"ensemble": "blends", "import": "was imported"}


def compare(
    pipeline: str,
    *,
    top: int | None = None,
    form: str = "table",
    every: bool = False,
    out: TextIO | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Print the leaderboard of a pipeline's finished runs.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    top : int, optional
        Number of runs to print, the best first; by default 50 in a table, and all as CSV or JSON.
    form : {"table", "csv", "json"}, default="table"
        Format of the output.
    every : bool, default=False
        Whether to print runs of all kinds instead, newest first: also searches, runs of other data or another metric,
        and runs that failed or were killed.
    out : file, optional
        File for CSV and JSON; standard output by default.
    console : Console, optional
        Console for a table; standard output by default.

    Returns
    -------
    list of Row
        The rows that are printed; empty if all runs are.

    Raises
    ------
    SubmissionError
        If there is no finished run.
    """
    spec = load_spec(pipeline)
    name = spec.name
    if every:
        _print_all(name, top, form, out or sys.stdout, console or Console())
        return []
    runs, left_out = comparable_runs(name, spec.metric_name)
    metric, greater_is_better = runs[0].tags["tabular_dl.metric"], is_greater_better(runs[0].tags)
    # Cut before anything is computed for a run.
    ordered = in_order(runs, greater_is_better=greater_is_better)
    shown = ordered[: top or _default_rows(form)]
    reference = next((run for run in ordered if run.kind == "fit"), shown[0])  # settings are compared with its
    entries = [Entry.of(run) for run in (shown if reference in shown else [*shown, reference])]
    rows = rank(entries, greater_is_better=greater_is_better)[: len(shown)]
    if form == "table":
        console = console or Console()
        _print(rows, name, metric, greater_is_better, left_out, console)
        _print_more(len(runs) - len(rows), f"tabular-dl compare {pipeline} --top {len(runs)}", console)
        _print_agreement(runs, console)
    else:
        _write([_plain(row) for row in rows], form, out or sys.stdout)
    return rows


def _default_rows(form: str) -> int | None:
    return MOST_ROWS if form == "table" else None


def _print_all(name: str, top: int | None, form: str, out: TextIO, console: Console) -> None:
    runs = all_runs(name)
    rows = [asdict(run) for run in runs[: top or _default_rows(form)]]
    if not rows:
        raise SubmissionError(f"There is no run of {name} in {tracking_uri()}. Fit one first: tabular-dl fit {name}")
    if form != "table":
        _write(rows, form, out)
        return
    grid = Grid(title=f"{name}: all runs, newest first")
    headings = ("run", "kind", "status", "metric", "cv_score", "began")
    for heading in headings:
        grid.add_column(heading.replace("_", " "), no_wrap=heading in ("run", "status", "began"))
    for row in rows:
        score = "" if row["cv_score"] is None else f"{row['cv_score']:.4f}"
        cells = {**row, "cv_score": score}
        style = None if row["status"] == "finished" else "dim"
        grid.add_row(*(escape(str(cells[heading])) for heading in headings), style=style)
    console.print(grid)
    _print_more(len(runs) - len(rows), f"tabular-dl compare {name} --all --top {len(runs)}", console)


def _print_more(count: int, command: str, console: Console) -> None:
    """Print how many runs a table leaves out, and how to see them."""
    if count:
        runs = "1 more run" if count == 1 else f"{count} more runs"
        print_lines(console, f"Not shown: {runs}. To see all: {escape(command)}; --csv and --json have all by default.")


def _plain(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "rank": row.rank,
        "run": entry.name,
        "id": entry.id,
        "kind": entry.kind,
        "model": entry.model,
        "cv_score": entry.score,
        "cv_standard_error": entry.error,
        "difference": row.difference,
        "difference_error": row.error,
        "not_told_from_best": row.tied,
        "seconds": None if entry.seconds != entry.seconds else entry.seconds,
        "submission_score": entry.submission_score,
        "public_score": entry.public_score,
        "changes": dict(row.changes),
    }


def _write(rows: list[dict[str, Any]], form: str, out: TextIO) -> None:
    if form == "json":
        json.dump(rows, out, indent=1)
        out.write("\n")
        return
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    for row in rows:
        changes = row.get("changes")
        text = {"changes": "; ".join(f"{key}={value}" for key, value in changes.items())} if changes is not None else {}
        writer.writerow({**row, **text})


def _print(rows: list[Row], name: str, metric: str, greater: bool, left_out: int, console: Console) -> None:
    better = "higher" if greater else "lower"
    caption = "=: no clear difference from the best run (less than two standard errors of the difference)"
    if left_out:
        runs = "1 run" if left_out == 1 else f"{left_out} runs"
        caption += f"; left out because of other data or another metric: {runs}"
    grid = Grid(title=f"{name}: {metric} in cross-validation, {better} is better", caption=caption)
    # Separate columns: local answers and Kaggle's public score are for different rows.
    fields = {"submitted": "submission_score", "Kaggle": "public_score"}
    known = {
        heading: field
        for heading, field in fields.items()
        if any(getattr(row.entry, field) is not None for row in rows)
    }
    for heading in ("", "run", "model", f"{metric} (error)", "difference", *known, "time"):
        grid.add_column(heading, no_wrap=heading == "run")
    for row in rows:
        entry = row.entry
        difference = "" if row.rank == 1 else f"{row.difference:+.4f} ({row.error:.4f}){' =' if row.tied else ''}"
        cells = [str(row.rank), entry.name, entry.model, f"{entry.score:.4f} ({entry.error:.4f})", difference]
        scores = [getattr(entry, field) for field in known.values()]
        cells += ["" if score is None else f"{score:.4f}" for score in scores]
        cells += ["" if entry.seconds != entry.seconds else f"{entry.seconds:.1f} s"]
        grid.add_row(*map(escape, cells), style="bold" if row.rank == 1 else None)
    console.print(grid)
    for row in rows:
        if row.changes:
            relation = RELATIONS.get(row.entry.kind, "differs from the best fit's pipeline")
            changes = ", ".join(f"{_short(key)} {value}" for key, value in row.changes.items())
            print_lines(console, f"{row.rank} {escape(row.entry.name)} {relation}: {escape(changes)}")


def _print_agreement(runs: list[StoredRun], console: Console) -> None:
    result = agreement((run.score, run.metrics.get("public_score")) for run in runs)
    if result:
        correlation, count = result
        print_lines(
            console,
            f"Rank correlation (Spearman) of CV scores and Kaggle's public scores: {correlation:.2f}, {count} runs.",
        )


def _short(key: str) -> str:
    section, _, leaf = key.partition(".")
    return leaf if section in ("network", "training", "ensemble", "import") else key

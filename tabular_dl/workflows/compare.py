"""`tabular-dl compare`: the leaderboard of a pipeline's runs."""

from __future__ import annotations

import csv
import json
import sys
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tabular_dl.problems import get_metric
from tabular_dl.spec import load_spec
from tabular_dl.tracking import Entry, Row, agreement, comparable_runs, rank

__all__ = ["compare"]


def compare(
    pipeline: str, *, top: int | None = None, form: str = "table", out: TextIO | None = None, console: Any = None
) -> list[Row]:
    """Print the leaderboard of a pipeline's finished runs.

    Parameters
    ----------
    pipeline : str
        The name of a pipeline, or the path of a YAML file.
    top : int or None
        Only so many of the best.
    form : {"table", "csv", "json"}
        How to print.
    out : file
        Where CSV and JSON go; standard output by default.
    console : Console, optional
        Where a table goes.

    Returns
    -------
    list of Row

    Raises
    ------
    SubmissionError
        If there is no finished run.
    """
    spec = load_spec(pipeline)
    name = spec.name
    runs, left_out = comparable_runs(name, spec.metric)
    metric = get_metric(runs[0].data.tags["tabular_dl.metric"])
    entries = [Entry.of(run) for run in runs]
    rows = rank(entries, greater_is_better=metric.greater_is_better)[:top]
    if form == "table":
        console = console or Console()
        _print(rows, name, metric.name, metric.greater_is_better, left_out, console)
        _print_agreement(entries, console)
    else:
        _write([_plain(row) for row in rows], form, out or sys.stdout)
    return rows


def _plain(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "rank": row.rank,
        "run": entry.name,
        "id": entry.id,
        "kind": entry.kind,
        "cv_score": entry.score,
        "cv_standard_error": entry.error,
        "difference": row.difference,
        "difference_error": row.error,
        "not_told_from_best": row.tied,
        "seconds": entry.seconds,
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
        writer.writerow({**row, "changes": "; ".join(f"{key}={value}" for key, value in row["changes"].items())})


def _print(rows: list[Row], name: str, metric: str, greater: bool, left_out: int, console: Console) -> None:
    better = "higher" if greater else "lower"
    caption = "=: cannot be told from the best (below two standard errors of the difference)"
    if left_out:
        runs = "1 run" if left_out == 1 else f"{left_out} runs"
        caption += f"; on other data or by another metric, and so left out: {runs}"
    grid = Grid(title=f"{name}: {metric} in cross-validation, {better} is better", caption=caption)
    # What local answers say and what Kaggle says are different things, on different rows.
    others = {"submitted": "submission_score", "Kaggle": "public_score"}
    known = {
        heading: name for heading, name in others.items() if any(getattr(row.entry, name) is not None for row in rows)
    }
    for heading in ("", "run", "kind", f"{metric} (error)", "to the best", *known, "time"):
        grid.add_column(heading, no_wrap=heading == "run")
    for row in rows:
        entry = row.entry
        against = "" if row.rank == 1 else f"{row.difference:+.4f} ({row.error:.4f}){' =' if row.tied else ''}"
        cells = [str(row.rank), entry.name, entry.kind, f"{entry.score:.4f} ({entry.error:.4f})", against]
        scores = [getattr(entry, name) for name in known.values()]
        cells += ["" if score is None else f"{score:.4f}" for score in scores]
        cells += ["" if entry.seconds != entry.seconds else f"{entry.seconds:.1f} s"]
        grid.add_row(*map(escape, cells), style="bold" if row.rank == 1 else None)
    console.print(grid)
    for row in rows:
        if row.changes:
            what = "blends" if row.entry.kind == "ensemble" else "against the best fit's pipeline"
            changes = ", ".join(f"{_short(key)} {value}" for key, value in row.changes.items())
            console.print(
                f"{row.rank} {escape(row.entry.name)} {what}: {escape(changes)}", highlight=False, soft_wrap=True
            )


def _print_agreement(entries: list[Entry], console: Console) -> None:
    found = agreement(entries)
    if found:
        correlation, count = found
        said = (
            f"CV and Kaggle's public score order {count} runs with a rank correlation of {correlation:.2f} (Spearman)."
        )
        console.print(said, highlight=False, soft_wrap=True)


def _short(key: str) -> str:
    section, _, leaf = key.partition(".")
    return leaf if section in ("network", "training", "ensemble") else key

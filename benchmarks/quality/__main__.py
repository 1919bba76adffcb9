"""The command of the development suite: see the docstring of the package."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from benchmarks.quality.others import OTHERS
from benchmarks.quality.report import print_report
from benchmarks.quality.runs import PRODUCTS, ROOT, Variant, commit, find_variant, run
from benchmarks.quality.store import KEY, add_row, read_rows
from benchmarks.quality.tables import TABLES, Table
from tabular_dl.errors import UserError

Task = tuple[Table, Variant, int]
CSV = ROOT / "benchmarks" / "quality.csv"


def main(
    only: Annotated[str, typer.Option(metavar="TABLES", help="Tables, with commas; all by default.")] = "",
    variants: Annotated[
        str, typer.Option(metavar="VARIANTS", help="Variants, with commas; by default the product and all others.")
    ] = "",
    csv: Annotated[Path, typer.Option(metavar="FILE", help="File of the rows.")] = CSV,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Passed to fit; may be repeated.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the variant in the file; needed with --set.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Compute rows that are in the file once more.")] = False,
    code: Annotated[Path, typer.Option(metavar="DIR", help="Working tree whose tabular_dl is run.")] = ROOT,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Number of runs side by side.")] = 1,
    splits: Annotated[int, typer.Option(min=1, metavar="N", help="Most splits of a table.")] = 3,
    report: Annotated[bool, typer.Option("--report", help="Print the report, and fit nothing.")] = False,
    of: Annotated[str, typer.Option(metavar="VARIANT", help="Variant whose wins are counted.")] = "product",
) -> None:
    """Compare the product with other models on the tables of the development suite."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    tables = _named(only, TABLES)
    if report:
        rows = read_rows(csv)
        rows = rows[rows["table"].isin([table.name for table in tables])]
        chosen = _words(variants) or _with_most_tables(rows, console)
        if not chosen:
            raise UserError(f"--report: {csv} has no rows of these tables yet. Compute some without --report.")
        print_report(rows, chosen, of if of in chosen else chosen[0], console)
        return
    kinds = _words(variants) or (["product"] if overrides or label else ["product", *OTHERS])
    if (overrides and not label) or (label and len(kinds) > 1):
        raise UserError("--label: --set needs a name for the rows, and a name stands for one variant: --variants NAME.")
    candidates = [find_variant(kind, overrides or (), label) for kind in kinds]
    for reason in (each for each in candidates if isinstance(each, str)):
        console.print(reason)
    tasks = [
        (table, variant, number)
        for table in tables
        for number in range(min(splits, table.splits))
        for variant in candidates
        if isinstance(variant, Variant)
    ]
    if not again:
        tasks = _without_rows(tasks, csv, commit(code), console)
    with ThreadPoolExecutor(jobs) as pool:
        failures = sum(pool.map(lambda task: _run(task, code, csv, console), tasks))
    if failures:
        raise UserError(f"{failures} of {len(tasks)} runs failed.")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _named(names: str, tables: dict[str, Table]) -> list[Table]:
    unknown = [name for name in _words(names) if name not in tables]
    if unknown:
        raise UserError(f"--only: there is no table {unknown[0]}. Write some of {', '.join(tables)}.")
    return [tables[name] for name in _words(names) or tables]


def _with_most_tables(rows: pd.DataFrame, console: Console) -> list[str]:
    """Return the variants that have as many tables as any, and print which have fewer."""
    tables = rows.groupby("variant")["table"].nunique()
    fewer = tables[tables < tables.max()]
    if len(fewer):
        console.print(f"With fewer tables, and left out unless --variants names them: {', '.join(fewer.index)}.")
    return list(tables.index.difference(fewer.index))


def _without_rows(tasks: list[Task], csv: Path, now: str, console: Console) -> list[Task]:
    """Return the tasks whose rows are not in the file, and print of which commits those of the product are."""
    rows = read_rows(csv).set_index(KEY)["commit"].to_dict()
    done = [task for task in tasks if _key(task) in rows]
    commits = {rows[_key(task)] for task in done if task[1].kind in PRODUCTS}
    if commits - {now}:
        console.print(f"Rows of the product at {', '.join(sorted(commits))} are kept; --again computes them at {now}.")
    return [task for task in tasks if _key(task) not in rows]


def _key(task: Task) -> tuple[str, str, int]:
    table, variant, number = task
    return table.name, variant.name, number


def _run(task: Task, code: Path, csv: Path, console: Console) -> bool:
    """Run a variant on a split, write its row, print its figures, and return whether it failed."""
    table, variant, number = task
    where = f"{table.name} {number} {variant.name}"
    try:
        row = run(table, variant, number, code)
    except UserError as error:
        console.print(f"{where}: {escape(str(error))}", style="red")
        return True
    add_row(csv, row)
    figure = "rmse" if table.problem == "regression" else "error"
    names = [figure, *(() if figure == "rmse" else ("log_loss", "auc")), "cpu_seconds"]
    console.print(f"{where}: " + "  ".join(f"{name} {row[name]:.5g}" for name in names), highlight=False)
    return False


if __name__ == "__main__":
    try:
        typer.run(main)
    except UserError as error:
        typer.secho(f"Error: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)

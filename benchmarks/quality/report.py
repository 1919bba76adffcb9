"""Report of the suite: mean ranks, wins of one variant against each other, and CPU seconds.

Variants are compared on the tables that all of them have. A figure of a table, CPU seconds too, is the mean over its
splits; the CPU seconds are summed over tables.

Two variants tie on a table if their mean losses (share of wrong classes, squared error, log loss) differ by at most
one standard error of that difference, or their figures (error, RMSE, log loss) by less than 0.1 %. The standard error
is that of the paired differences of 20 groups of test rows: s / sqrt(20) in a split, whose root mean square r over k
splits gives r sqrt((1 + (k - 1) / 4) / k), since two splits share a quarter of their test rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

__all__ = ["comparable", "means", "print_report", "ranks", "ratios", "verdict"]

SHARED = 0.25  # share of its test rows that a split has in common with another
LEAST_DIFFERENCE = 0.001
LOSSES = {"figure": "losses_by_group", "log_loss": "log_losses_by_group"}


def comparable(rows: pd.DataFrame, variants: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some variants, of the tables and splits that all of them have.

    Parameters
    ----------
    rows : DataFrame
        Rows of the CSV file.
    variants : sequence of str
        Variants to compare.

    Returns
    -------
    DataFrame
        Rows, with error or RMSE in a column ``figure``, and log loss or RMSE in a column ``smooth``.
    """
    rows = rows[rows["variant"].isin(variants)]
    everywhere = rows.groupby(["table", "split"])["variant"].transform("nunique") == len(set(variants))
    figures = {"figure": rows["error"].fillna(rows["rmse"]), "smooth": rows["log_loss"].fillna(rows["rmse"])}
    return rows[everywhere].assign(**figures)


def means(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean of a column over splits: a row a table, a column a variant."""
    table = rows.pivot_table(index="table", columns="variant", values=column, aggfunc="mean")
    return table.dropna(axis="index", how="any")


def ranks(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return the mean rank of each variant over tables, 1 for the lowest value; equal values share their mean rank."""
    return means(rows, column).rank(axis="columns").mean()


def ratios(rows: pd.DataFrame, of: str) -> pd.Series:
    """Return the log loss or RMSE of each variant as a multiple of one's, geometric mean over tables.

    Unlike errors, these are never 0, and change with every prediction, so that they show small improvements.
    """
    table = means(rows, "smooth")
    return table.div(table[of], axis="index").apply(np.log).mean().apply(np.exp)


def verdict(rows: pd.DataFrame, table: str, one: str, other: str, column: str = "figure") -> int:
    """Return 1 if a variant is better than another on a table, -1 if it is worse, 0 if they tie.

    Parameters
    ----------
    rows : DataFrame
        Result of `comparable`.
    table : str
        Name of the table.
    one, other : str
        Variants.
    column : {"figure", "log_loss"}, default="figure"
        Figure to compare.
    """
    parts = [
        rows[(rows["table"] == table) & (rows["variant"] == variant)].sort_values("split") for variant in (one, other)
    ]
    values = [part[column].mean() for part in parts]
    losses = [np.array([np.fromstring(text, sep=" ") for text in part[LOSSES[column]]]) for part in parts]
    differences = losses[0] - losses[1]
    splits, groups = differences.shape
    within = np.sqrt(np.mean(differences.var(axis=1, ddof=1) / groups))
    error = within * np.sqrt((1 + (splits - 1) * SHARED) / splits)
    mean = differences.mean()
    if abs(mean) <= error or abs(values[0] - values[1]) < LEAST_DIFFERENCE * min(values):
        return 0
    return -1 if mean > 0 else 1


def _wins(rows: pd.DataFrame, one: str, other: str, column: str) -> str:
    tables = rows.dropna(subset=[column])["table"].unique()
    verdicts = [verdict(rows, table, one, other, column) for table in tables]
    return "-".join(str(verdicts.count(each)) for each in (1, 0, -1))


def print_report(rows: pd.DataFrame, variants: Sequence[str], of: str, console: Console) -> None:
    """Print figures by table, ranks, wins-ties-losses of one variant, and CPU seconds.

    Parameters
    ----------
    rows : DataFrame
        Rows of the CSV file.
    variants : sequence of str
        Variants to compare; none of them is left out.
    of : str
        Variant whose wins are counted.
    console : Console
        Console to print to.
    """
    chosen = comparable(rows, variants)
    if chosen.empty:
        console.print(f"No table has rows of all of {', '.join(variants)}.")
        return
    for column, title in (("figure", "Error or RMSE"), ("log_loss", "Log loss")):
        console.print(_by_table(chosen, variants, column, title))
    tables = chosen["table"].nunique()
    classes = chosen.dropna(subset=["log_loss"])["table"].nunique()
    grid = Grid(title=f"{tables} tables, {classes} of them of classes")
    headings = (
        "rank, error or RMSE",
        "rank, log loss",
        f"{of}: win-tie-loss",
        "the same, log loss",
        f"log loss or RMSE / {of}'s",
        "CPU s",
    )
    grid.add_column("variant")
    for heading in headings:
        grid.add_column(heading, justify="right")
    by_figure, by_log_loss = ranks(chosen, "figure"), ranks(chosen, "log_loss")
    multiples, seconds = ratios(chosen, of), means(chosen, "cpu_seconds").sum()
    for name in by_figure.sort_values().index:
        wins = ["", ""] if name == of else [_wins(chosen, of, name, column) for column in LOSSES]
        log_loss_rank = f"{by_log_loss[name]:.2f}" if name in by_log_loss else ""
        last = f"{multiples[name]:.3f}", f"{seconds[name]:.0f}"
        grid.add_row(name, f"{by_figure[name]:.2f}", log_loss_rank, *wins, *last)
    console.print(grid)
    left_out = sorted(set(rows["table"]) - set(chosen["table"]))
    if left_out:
        console.print(f"Left out, since a variant lacks rows: {', '.join(left_out)}.")


def _by_table(rows: pd.DataFrame, variants: Sequence[str], column: str, title: str) -> Grid:
    """Return the figures of all variants by table, the best of each in bold."""
    table = means(rows, column).reindex(columns=list(variants))
    grid = Grid(title=f"{title}, mean over splits")
    grid.add_column("table")
    for name in table:
        grid.add_column(str(name), justify="right")
    for name, values in table.iterrows():
        best = values.min()
        cells = [f"[bold]{value:.4g}[/]" if value == best else f"{value:.4g}" for value in values]
        grid.add_row(str(name), *cells)
    return grid

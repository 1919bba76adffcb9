"""Report of a search: winner, ranges by round, and the command that fits the winner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tabular_dl.reporting.fit_report import reproduction
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import SearchResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["search_page"]


def search_page(result: SearchResult, figures: Mapping[str, Figure], environment: Mapping[str, str]) -> Page:
    """Return the report of a search.

    Parameters
    ----------
    result : SearchResult
        Result of the search.
    figures : mapping of str to Figure
        ``scores`` and ``parallel_coordinates``, from `tabular_dl.reporting.search_figures`.
    environment : mapping of str to str
        Versions and properties of the machine.

    Returns
    -------
    Page
        Page to render.
    """
    name, sign = result.metric.name, 1 if result.metric.greater_is_better else -1
    finals = sorted(result.state.finals, key=lambda record: -sign * record.mean)
    winner, holdout = result.winner, result.holdout
    trials = len(result.state.records)
    summary = (
        f"{trials} trials; the winner's {name} {winner.mean:.4f}, standard error {winner.error:.4f}, "
        f"{result.folds} folds, {result.rows:,} rows."
    )
    text = [
        "The first table has the hyperparameters of the winner, the second the leading configurations, trained again "
        "with new seeds."
    ]
    if holdout:
        text.append(
            f"On {result.holdout_rows:,} hold-out rows: the winner {holdout['winner']:.4f} (standard error "
            f"{holdout['winner_error']:.4f}), the original pipeline {holdout['pipeline']:.4f}; the difference is "
            f"{holdout['difference']:+.4f} ({holdout['difference_error']:.4f})."
        )
    chosen = Table([], [[leaf, str(value)] for leaf, value in winner.params.items()])
    header = [name, "standard error", "weights", *winner.params]
    rows = [[r.mean, r.error, r.parameters, *map(_plain_cell, r.params.values())] for r in finals]
    captions = {
        "scores": f"{name} of {trials} trials against each hyperparameter; bars show the ranges.",
        "parallel_coordinates": f"Each trial as a line through its hyperparameters to its {name}.",
    }
    pictures = [Picture(figure, captions[title]) for title, figure in figures.items()]
    instructions = (
        "To fit the winner, save the specification as spec.yaml and run: tabular-dl fit spec.yaml. To repeat the "
        f"search: tabular-dl search {result.spec.name} --seed {result.seed}, with the options that are parameters of "
        "its run."
    )
    sections = [
        Section("Winner", text, [chosen, Table(header, rows)]),
        Section("Changes of the ranges", result.state.said, [], pictures),
        *reproduction(result.spec, result.digest, instructions, environment),
    ]
    return Page(f"{result.spec.name}: a search", summary, sections)


def _plain_cell(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)

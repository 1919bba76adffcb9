"""The report of a search: the winner, the ranges round by round, and how to fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabular_dl.reporting.fit_report import reproduction
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import SearchResult

__all__ = ["search_page"]


def search_page(result: SearchResult, figures: Mapping[str, Any], environment: Mapping[str, str]) -> Page:
    """Compose the report of a search.

    Parameters
    ----------
    result : SearchResult
        What the search found.
    figures : mapping of str to Figure
        ``scores`` and ``parallel_coordinates``, from `tabular_dl.reporting.search_figures`.
    environment : mapping of str to str
        Versions and machine.
    """
    name, sign = result.metric.name, 1 if result.metric.greater_is_better else -1
    finals = sorted(result.state.finals, key=lambda record: -sign * record.mean)
    winner, holdout = result.winner, result.holdout
    trials = len(result.state.records)
    summary = (
        f"{trials} trials; the winner's {name} {winner.mean:.4f}, standard error {winner.error:.4f}, "
        f"{result.folds} folds, {result.rows:,} rows."
    )
    text = ["The leading configurations, trained again with fresh seeds; the first table has the one that was chosen."]
    if holdout:
        text.append(
            f"On {result.holdout_rows:,} rows that took no part in choosing: the winner {holdout['winner']:.4f} "
            f"(standard error {holdout['winner_error']:.4f}), the pipeline as it was {holdout['pipeline']:.4f}; the "
            f"difference is {holdout['difference']:+.4f} ({holdout['difference_error']:.4f})."
        )
    chosen = Table([], [[leaf, str(value)] for leaf, value in winner.params.items()])
    header = [name, "standard error", "weights", *winner.params]
    rows = [[r.mean, r.error, r.parameters, *map(_plain_cell, r.params.values())] for r in finals]
    alternatives = {
        "scores": f"{name} of {trials} trials against each hyperparameter; bars show the ranges.",
        "parallel_coordinates": f"Each trial as a line through its hyperparameters to its {name}.",
    }
    pictures = [Picture(figure, alternatives[title]) for title, figure in figures.items()]
    again = (
        "Save the specification as spec.yaml and run: tabular-dl fit spec.yaml. The search itself: tabular-dl search "
        f"{result.spec.name} --seed {result.seed}, with the options that are parameters of its run."
    )
    sections = [
        Section("The winner", text, [chosen, Table(header, rows)]),
        Section("How the ranges went", result.state.said, [], pictures),
        *reproduction(result.spec, result.digest, again, environment),
    ]
    return Page(f"{result.spec.name}: a search", summary, sections)


def _plain_cell(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)

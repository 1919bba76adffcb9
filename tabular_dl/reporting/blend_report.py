"""The report of a blend: what it is made of, then what any model's report says of its predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabular_dl import plots
from tabular_dl.model_selection import mean_and_error, standard_error
from tabular_dl.reporting.fit_report import error_sections, page_of, reproduction
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import Judged

__all__ = ["blend_page", "scored_by"]


def scored_by(method: str) -> str:
    """Return how the score of a blend by this method comes about."""
    if method == "mean":
        return "the plain mean, which learns nothing"
    return f"each fold by {'ranks' if method == 'rank' else 'weights'} that the other folds taught"


def blend_page(
    judged: Judged, members: Mapping[str, np.ndarray], scores: np.ndarray, environment: Mapping[str, str]
) -> Page:
    """Compose the report of a blend.

    Parameters
    ----------
    judged : Judged
        The blend.
    members : mapping of str to ndarray of shape (folds,)
        The names of the runs that it is made of, in the order of its weights, with each fold's score.
    scores : ndarray of shape (folds,)
        The blend's own.
    environment : mapping of str to str
        Versions and machine.
    """
    blend, metric = judged.model.blend_, judged.metric
    table = Table(
        ["run", "weight", f"{metric.name} (standard error)"],
        [
            [name, float(weight), "{:.4f} ({:.4f})".format(*mean_and_error(own))]
            for (name, own), weight in zip(members.items(), blend.weights_, strict=True)
        ],
    )
    together = {"blend": scores, **members}
    means = ", ".join(f"{name} {own.mean():.4f}" for name, own in together.items())
    errors = {name: standard_error(own) for name, own in together.items()}
    picture = Picture(plots.fold_scores(together, errors, metric.name), f"Mean {metric.name}: {means}.")
    again = (
        f"tabular-dl ensemble {judged.spec.name} --runs {','.join(members)} --method {blend.method} blends the same "
        "runs, where they are stored; tabular-dl reproduce fits one of them again. The specification is that of the "
        "first."
    )
    sections = [
        Section(
            f"What is blended, by {blend.method}",
            [f"The blend's score: {scored_by(blend.method)}."],
            [table],
            [picture],
        ),
        *error_sections(judged),
        *reproduction(judged.spec, judged.competition.digest, again, environment),
    ]
    return page_of(judged, scores, f"a blend of {len(members)} runs", sections)

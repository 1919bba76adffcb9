"""Report of a blend: its runs and weights, then the sections about predictions of any report."""

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
    """Return a description of the predictions that a blend is scored on.

    Parameters
    ----------
    method : str
        Method of `tabular_dl.model_selection.blending.Blend`.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> scored_by("greedy")
    'each fold is predicted with weights learned from the other folds'
    """
    if method == "mean":
        return "the mean of the runs, without learned weights"
    return f"each fold is predicted with {'ranks' if method == 'rank' else 'weights'} learned from the other folds"


def blend_page(
    judged: Judged, members: Mapping[str, np.ndarray], scores: np.ndarray, environment: Mapping[str, str]
) -> Page:
    """Return the report of a blend.

    Parameters
    ----------
    judged : Judged
        The blend.
    members : mapping of str to ndarray of shape (folds,)
        Scores of each fold by the name of the blended run, in the order of the weights.
    scores : ndarray of shape (folds,)
        Scores of the blend.
    environment : mapping of str to str
        Versions and properties of the machine.

    Returns
    -------
    Page
        Page to render.
    """
    blend, metric = judged.model.blend_, judged.metric
    table = Table(
        ["run", "weight", f"{metric.name} (standard error)"],
        [
            [name, float(weight), "{:.4f} ({:.4f})".format(*mean_and_error(values))]
            for (name, values), weight in zip(members.items(), blend.weights_, strict=True)
        ],
    )
    all_scores = {"blend": scores, **members}
    means = ", ".join(f"{name} {values.mean():.4f}" for name, values in all_scores.items())
    errors = {name: standard_error(values) for name, values in all_scores.items()}
    picture = Picture(plots.fold_scores(all_scores, errors, metric.name), f"Mean {metric.name}: {means}.")
    instructions = (
        f"To blend the same runs, where they are stored: tabular-dl ensemble {judged.spec.name} --runs "
        f"{','.join(members)} --method {blend.method}. To fit one of them again: tabular-dl reproduce. The "
        "specification is that of the first run."
    )
    sections = [
        Section(
            f"Blended runs, method {blend.method}",
            [f"Score of the blend: {scored_by(blend.method)}."],
            [table],
            [picture],
        ),
        *error_sections(judged),
        *reproduction(judged.spec, judged.competition.digest, instructions, environment),
    ]
    return page_of(judged, scores, f"a blend of {len(members)} runs", sections)

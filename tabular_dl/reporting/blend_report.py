"""Report of a blend: its runs and weights, then the sections about predictions of any report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tabular_dl import plots
from tabular_dl.model_selection import Blend, mean_and_error, standard_error
from tabular_dl.reporting.fit_report import error_sections, page_of, reproduction
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.member_section import member_section
from tabular_dl.reporting.results import Judged

__all__ = ["blend_page", "described", "member_weights", "options_of", "scored_by"]


def options_of(blend: Blend) -> dict[str, str]:
    """Return the options of `tabular-dl ensemble` for a blend, by name, with the meta model if it is fitted.

    Examples
    --------
    >>> options_of(Blend("stack", levels=2)), options_of(Blend("rank"))
    ({'method': 'stack', 'levels': '2'}, {'method': 'rank'})
    """
    options = {"method": blend.method}
    last = None if blend.stack_ is None else blend.stack_.last_
    meta = blend.meta if last is None else last.name
    if meta is not None:
        options["meta"] = meta
    if blend.levels != 1:
        options["levels"] = str(blend.levels)
    if blend.passthrough:
        options["passthrough"] = "true"
    return options


def described(blend: Blend) -> str:
    """Return the method of a blend with its meta model and levels.

    Parameters
    ----------
    blend : Blend
        Blend.

    Returns
    -------
    str
        Words.

    Examples
    --------
    >>> described(Blend("greedy")), described(Blend("stack", meta="network", passthrough=True))
    ('greedy', 'stack: meta network, passthrough')
    """
    method, *others = options_of(blend).items()
    words = [name if value == "true" else f"{name} {value}" for name, value in others]
    return f"{method[1]}: {', '.join(words)}" if words else method[1]


def member_weights(blend: Blend, models: int) -> list[float | None]:
    """Return the weight of each blended run; None for blends without weights.

    Parameters
    ----------
    blend : Blend
        Fitted blend.
    models : int
        Number of runs.

    Returns
    -------
    list of float or None
        Weights.
    """
    return [None] * models if blend.weights_ is None else [float(weight) for weight in blend.weights_]


def scored_by(blend: Blend, *, by_time: bool = False) -> str:
    """Return a description of the predictions that a blend is scored on.

    Parameters
    ----------
    blend : Blend
        Blend.
    by_time : bool, default=False
        Whether folds follow each other in time.

    Returns
    -------
    str
        Part of a sentence.

    Examples
    --------
    >>> scored_by(Blend("greedy"))
    'each fold is predicted with weights learned from the other folds'
    """
    others = "earlier folds, the first by the mean of the runs" if by_time else "the other folds"
    if blend.method == "mean":
        return "the mean of the runs, without learned weights"
    if blend.method == "stack":
        return f"each fold is predicted by meta models trained on {others}"
    return f"each fold is predicted with {'ranks' if blend.method == 'rank' else 'weights'} learned from {others}"


def blend_page(
    judged: Judged,
    members: Mapping[str, np.ndarray],
    models: Sequence[str],
    scores: np.ndarray,
    environment: Mapping[str, str],
) -> Page:
    """Return the report of a blend.

    Parameters
    ----------
    judged : Judged
        The blend.
    members : mapping of str to ndarray of shape (folds,)
        Scores of each fold by the name of the blended run, in the order of the weights.
    models : sequence of str
        Model of each of these runs, such as "network" or "lightgbm".
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
    weights = member_weights(blend, len(members))

    def cell(values: np.ndarray) -> str:
        return "{:.4f} ({:.4f})".format(*mean_and_error(values, judged.ratio))

    rows = [
        [name, model, "" if weight is None else f"{weight:.3f}", cell(values)]
        for (name, values), model, weight in zip(members.items(), models, weights, strict=True)
    ]
    rows += [[f"level 1: {name}", "", f"{weight:.3f}", ""] for name, weight in blend.level_weights_.items()]
    table = Table(["run", "model", "weight", f"{metric.name} (standard error)"], rows)
    labels = [f"{name}, {model}" for name, model in zip(members, models, strict=True)]
    all_scores = {"blend": scores, **dict(zip(labels, members.values(), strict=True))}
    means = ", ".join(f"{name} {values.mean():.4f}" for name, values in all_scores.items())
    errors = {name: standard_error(values, judged.ratio) for name, values in all_scores.items()}
    picture = Picture(plots.fold_scores(all_scores, errors, metric.name), f"Mean {metric.name}: {means}.")
    options = " ".join(
        f"--{name}" if value == "true" else f"--{name} {value}" for name, value in options_of(blend).items()
    )
    instructions = (
        f"To blend the same runs, where they are stored: tabular-dl ensemble {judged.spec.name} --runs "
        f"{','.join(members)} {options}. To fit one of them again: tabular-dl reproduce. The "
        "specification is that of the first run."
    )
    sections = [
        Section(
            f"Blended runs, method {described(blend)}",
            [f"Score of the blend: {scored_by(blend, by_time=judged.spec.ensemble.split == 'time')}."],
            [table],
            [picture],
        ),
        member_section(judged.model, labels, judged.y, metric),
        *error_sections(judged),
        *reproduction(judged.spec, judged.competition.digest, instructions, environment),
    ]
    return page_of(judged, scores, f"a blend of {len(members)} runs", sections)

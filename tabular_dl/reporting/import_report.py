"""Report of imported predictions: their files, their scores, and the sections about errors of any report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabular_dl import plots
from tabular_dl.model_selection import fold_names, mean_and_error, standard_error
from tabular_dl.reporting.fit_report import error_sections, page_of, reproduction
from tabular_dl.reporting.html_page import Page, Picture, Section, Table
from tabular_dl.reporting.results import Judged

__all__ = ["import_page"]

AGAIN = (
    "The predictions were made elsewhere and can be repeated only there. They are in predictions/oof.csv and "
    "predictions/test.csv of the run. The specification is that of the pipeline: the scores are for its table, target "
    "and metric."
)


def import_page(
    judged: Judged, name: str, origin: Mapping[str, str], scores: np.ndarray, environment: Mapping[str, str]
) -> Page:
    """Return the report of imported predictions.

    Parameters
    ----------
    judged : Judged
        The predictions.
    name : str
        Name of the run.
    origin : mapping of str to str
        Facts about the predictions, such as their files.
    scores : ndarray of shape (folds,)
        Score of each fold.
    environment : mapping of str to str
        Versions and properties of the machine that has imported them.

    Returns
    -------
    Page
        Page to render.
    """
    competition, metric = judged.competition, judged.metric.name
    facts = {
        "Run": name,
        "Table": f"{competition.folder.name}: {len(competition.train):,} rows",
        "Target": f"{judged.spec.data.target_names}, {judged.problem.name}",
        **origin,
    }
    mean, error = mean_and_error(scores, judged.ratio)
    sections = [
        Section("Imported predictions", tables=[Table([], [list(fact) for fact in facts.items()])]),
        Section(
            "Scores",
            [
                "Each fold is scored on its rows. It cannot be checked that no model was trained on the rows that it "
                "predicts here."
            ],
            [
                Table(
                    [f"{metric} (standard error)", *(f"fold {fold}" for fold in fold_names(judged.model))],
                    [[f"{mean:.4f} ({error:.4f})", *(f"{score:.4f}" for score in scores)]],
                )
            ],
            [
                Picture(
                    plots.fold_scores({name: scores}, {name: standard_error(scores, judged.ratio)}, metric),
                    f"{metric} of each fold. Mean: {mean:.4f}.",
                )
            ],
        ),
        *error_sections(judged),
        *reproduction(judged.spec, competition.digest, AGAIN, environment),
    ]
    return page_of(judged, scores, "imported predictions", sections)

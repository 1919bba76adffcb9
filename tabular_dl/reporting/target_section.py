"""Section of a report about each of several targets."""

from __future__ import annotations

import numpy as np

from tabular_dl import plots
from tabular_dl.model_selection import mean_and_error, target_fold_scores
from tabular_dl.problems import each_target
from tabular_dl.reporting.html_page import Picture, Section, Table
from tabular_dl.reporting.results import Judged

__all__ = ["target_section"]

MOST_DRAWN = 6  # targets with a picture


def target_section(judged: Judged) -> Section:
    """Return the section with the score of each target, and pictures of the first few.

    Parameters
    ----------
    judged : Judged
        Model of several targets.

    Returns
    -------
    Section
        The section.
    """
    y, predictions, classes, names = judged.y, judged.model.oof_predictions_, judged.classes, judged.spec.data.targets
    scores = target_fold_scores(judged.model, y, judged.metric)
    rows = [
        [name, "{:.4f} ({:.4f})".format(*mean_and_error(values)), *(f"{value:.4f}" for value in values)]
        for name, values in zip(names, scores.T, strict=True)
    ]
    folds = [f"fold {number}" for number in range(1, len(scores) + 1)]
    pictures = []
    parts = each_target(predictions, classes)[:MOST_DRAWN]
    for name, truth, (values, labels) in zip(names, y.T, parts, strict=False):
        if labels is None:
            present = ~np.isnan(truth.astype(float))
            truth, values = truth[present], values[present]
            rmse = float(np.sqrt(np.mean((truth.astype(float) - values) ** 2)))
            figure = plots.predicted_against_true(truth.astype(float), values, name)
            pictures.append(Picture(figure, f"Predicted against true {name}: RMSE {rmse:.4g}.", True))
        else:
            predicted = labels[values.argmax(axis=1)]
            right = float(np.mean(predicted == truth))
            figure = plots.confusion_matrix(truth, predicted, list(labels))
            pictures.append(Picture(figure, f"{name}: {right:.1%} of the rows are predicted correctly.", True))
    texts = ["Out-of-fold predictions: each row is predicted by models that were not trained on it."]
    if len(names) > MOST_DRAWN:
        texts.append(f"Pictures are of the first {MOST_DRAWN} of {len(names)} targets.")
    table = Table(["target", f"{judged.metric.name} (standard error)", *folds], rows)
    return Section("Each target", texts, [table], pictures)

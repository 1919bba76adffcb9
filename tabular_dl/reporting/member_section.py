"""Section of a blend's report about its members: correlation of their predictions, and their effect on the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tabular_dl.model_selection import Blend, error_ratio, fold_scores, mean_and_error, nested_scores, predicted_rows
from tabular_dl.problems import Metric
from tabular_dl.reporting.html_page import Section, Table

__all__ = ["member_section"]

# Methods with quickly learned weights; the section fits the blend again without each member.
QUICK = ("mean", "weighted", "per_class", "rank", "greedy")
# Rows that correlations and blends without a member are computed on, at most.
MOST_ROWS = 20_000


def member_section(blended: Any, names: Sequence[str], y: np.ndarray, metric: Metric) -> Section:
    """Return a section with the correlations of the members' predictions, and the scores of blends without one each.

    Parameters
    ----------
    blended : BlendedClassifier or BlendedRegressor
        Fitted blend.
    names : sequence of str
        Names of its members.
    y : ndarray of shape (rows,)
        Target.
    metric : Metric
        Metric of the scores.

    Returns
    -------
    Section
        The section.
    """
    parts = [model.oof_predictions_[predicted_rows(blended)] for model in blended.models]
    predictions = np.stack([_of_last_class(part) for part in parts]) if y.ndim == 1 else np.stack(parts)
    numbers = [str(number) for number in range(1, len(names) + 1)]
    with np.errstate(invalid="ignore", divide="ignore"):  # of predictions that are all equal
        correlations = np.corrcoef(predictions.reshape(len(names), -1))
    lines = [
        [f"{number} {name}", *(f"{value:.3f}" if np.isfinite(value) else "-" for value in line)]
        for number, name, line in zip(numbers, names, correlations, strict=True)
    ]
    texts = ["Correlation of out-of-fold predictions: the less two runs correlate, the more a blend gains by both."]
    tables = [Table(["run", *numbers], lines)]
    if blended.blend.method in QUICK and len(names) > 2 and len(y) <= MOST_ROWS:
        texts.append(
            f"Below: {metric.name} of the blend without each run, nested as the blend's own, and the paired difference "
            "to the blend of all."
        )
        tables.append(
            Table(["without", metric.name, "difference (standard error)"], _without(blended, names, y, metric))
        )
    return Section("What each run adds", texts, tables)


def _of_last_class(predictions: np.ndarray) -> np.ndarray:
    """Return predictions whose rows are not redundant: of two classes, the probability of the second."""
    return predictions[:, 1] if predictions.ndim == 2 and predictions.shape[1] == 2 else predictions.ravel()


def _without(blended: Any, names: Sequence[str], y: np.ndarray, metric: Metric) -> list[list[str]]:
    """Return the score of the blend without each member, and its difference to that of all."""
    classes, models = getattr(blended, "classes_", None), list(blended.models)
    # Without the threshold, which was chosen for the whole blend.
    blend = Blend(**blended.blend.get_params())

    def scores(kept: list[Any]) -> np.ndarray:
        return nested_scores(blend, kept, y, metric, classes, blended)

    has_cuts = any(getattr(blended, name, None) is not None for name in ("oof_thresholds_", "oof_cut_points_"))
    blend_scores = scores(models) if has_cuts else fold_scores(blended, y, metric)
    rows = []
    for place, name in enumerate(names):
        without = scores(models[:place] + models[place + 1 :])
        difference, error = mean_and_error(without - blend_scores, error_ratio(blended))
        rows.append([name, f"{without.mean():.4f}", f"{difference:+.4f} ({error:.4f})"])
    return rows

"""Decisions on out-of-fold predictions: thresholds, cut points, and the correction of a mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular_dl.problems import Metric, apply_cut_points, decide

__all__ = ["choose_decisions", "decided"]


def choose_decisions(model: Any, threshold: float | str | None, y: np.ndarray, metric: Metric) -> None:
    """Choose all that a model decides by, on its out-of-fold predictions.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    threshold : float, "auto" or None
        Threshold of a classifier.
    y : ndarray of shape (rows,)
        Target of the rows that it was fitted on.
    metric : Metric
        Metric of the scores.

    Raises
    ------
    SpecError
        If the threshold is invalid.
    """
    if hasattr(model, "choose_threshold"):
        model.choose_threshold(threshold, y, metric)
    if hasattr(model, "choose_smearing"):  # not of blends, whose parts are corrected
        model.choose_smearing(y, metric)
    if hasattr(model, "choose_cut_points"):
        model.choose_cut_points(y, metric)


def decided(model: Any, metric: Metric, predictions: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return predictions as a metric of labels scores them: decided by what was chosen without the rows' folds.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Model.
    metric : Metric
        Metric; one that does not look at labels gets the predictions as they are.
    predictions : ndarray of shape (rows, classes) or (rows,)
        Probabilities or values.
    rows : ndarray of int
        Numbers of the training rows that they are of.

    Returns
    -------
    ndarray of shape (rows, classes) or (rows,)
        Indicators of classes, labels of numbers, or the predictions themselves.
    """
    if metric.looks_at != "labels":
        return predictions
    thresholds, cut_points = getattr(model, "oof_thresholds_", None), getattr(model, "oof_cut_points_", None)
    if thresholds is not None:
        return decide(predictions, thresholds[rows])
    return predictions if cut_points is None else apply_cut_points(predictions, cut_points[rows], model.labels_)

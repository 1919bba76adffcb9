"""Fast predictions of a few rows by a fitted model: all folds and members in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.estimators import JointPrediction, ModelEstimator
from tabular_dl.preprocessing import JointTransform

__all__ = ["joint_model"]

MOST_ROWS = 4096  # the matrices of all folds are in memory at once


def joint_model(model: Any) -> Any:
    """Return a copy of a fitted model that predicts all folds at once, for models that answer many small requests.

    Predictions are the same, up to rounding in float64, and so are errors. A model whose pipelines are others than
    those of pipeline files predicts as before.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.

    Returns
    -------
    cross-fit, blend or imported predictions
        Copy, which shares everything else with the model.
    """
    fast = copy(model)
    if hasattr(model, "models"):
        fast.models = [joint_model(part) for part in model.models]
        return fast
    if not hasattr(model, "pipelines_"):  # imported predictions, which are looked up
        return model
    try:
        fast.fold_predictions = _JointFolds(model)
    except TypeError:  # other steps, or folds that differ in more than what they have learned
        return model
    return fast


class _JointFolds:
    """Predictions of all folds of a cross-fit."""

    def __init__(self, model: Any) -> None:
        steps = [[step for _, step in pipeline.steps] for pipeline in model.predicting_pipelines]
        if any(len(fold) != 3 for fold in steps):
            raise TypeError("the pipelines do not consist of features, preprocessing and network")
        features, preprocessing, networks = zip(*steps, strict=True)
        if isinstance(networks[0], ModelEstimator):
            raise TypeError("models of other libraries predict fold by fold")
        self.each_fold: Callable[[pd.DataFrame], Sequence[np.ndarray]] = model._each_fold
        self.transform = JointTransform(features, preprocessing)
        self.predict = JointPrediction(networks)

    def __call__(self, X: pd.DataFrame) -> Sequence[np.ndarray]:
        """Return the predictions of each fold."""
        if len(X) > MOST_ROWS:
            return self.each_fold(X)
        try:
            return self.predict(self.transform(X))
        except Exception:  # noqa: BLE001 (raised again by the pipelines, whose errors tell column, row and value)
            return self.each_fold(X)

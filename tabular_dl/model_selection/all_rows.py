"""A last training on all rows, for the mean number of epochs or boosting rounds of the folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import ModelEstimator, boosting_rounds

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["for_all_rows", "mean_length", "stopping_after"]

# Hyperparameters of networks that need held-out rows, and their values without such rows.
WITHOUT_HELD_OUT: dict[str, Any] = {
    "early_stopping": None,
    "monitor": "loss",
    "reduce_lr": None,
    "restore_best": False,
    "validation_fraction": 0.0,
}


def mean_length(models: Sequence[Any]) -> int | None:
    """Return the mean number of epochs, or boosting rounds, of fitted models; None for models without."""
    lengths = [getattr(model, "rounds_" if isinstance(model, ModelEstimator) else "best_epoch_") for model in models]
    counts = [values for values in lengths if values is not None]
    return max(1, round(float(np.mean(np.concatenate(counts))))) if counts else None


def for_all_rows(pipeline: Pipeline, length: int | None) -> Pipeline:
    """Return a pipeline whose network or model holds out no rows.

    Boosted trees grow a number of rounds. Networks keep the schedules of all their epochs, and are stopped by
    `stopping_after`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network or model.
    length : int or None
        Number of boosting rounds.

    Returns
    -------
    Pipeline
        Unfitted pipeline.
    """
    pipeline = clone(pipeline)
    last = pipeline[-1]
    if not isinstance(last, ModelEstimator):
        last.set_params(**WITHOUT_HELD_OUT)
        return pipeline
    last.set_params(early_stopping=None)
    parameters = last.parameters or {}
    rounds = boosting_rounds(last.name, parameters, classification=is_classifier(last))
    if rounds is not None and length is not None:
        last.set_params(parameters={**parameters, rounds[0]: length})
    return pipeline


def stopping_after(epochs: int | None, on_epoch: EpochCallback | None) -> EpochCallback:
    """Return a callback that stops all networks after a number of epochs, and calls another one.

    Examples
    --------
    >>> stop = stopping_after(2, None)
    >>> stop(1, {}, np.array([True])), stop(2, {}, np.array([True])).tolist()
    (None, [True])
    """

    def call(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> Any:
        stopped = None if on_epoch is None else on_epoch(epoch, figures, active)
        return stopped if epochs is None or epoch < epochs else np.ones(len(active), bool)

    return call

"""Trainings of a cross-fit after that of its folds: on rows with predicted labels, and on all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tabular_dl.estimators import ModelEstimator
from tabular_dl.model_selection.all_rows import for_all_rows, mean_length, stopping_after
from tabular_dl.model_selection.fold_models import FoldModels, Target
from tabular_dl.model_selection.pseudo_labels import with_pseudo_labels

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from tabular_dl.nn import EpochCallback

__all__ = ["FurtherTraining"]


@dataclass(frozen=True, eq=False)
class FurtherTraining:
    """Rows, functions and callbacks of further trainings of a cross-fit.

    Attributes
    ----------
    predict : callable
        Function of a model and its matrix that returns probabilities or values.
    unlabeled : DataFrame of shape (other rows, columns) or None
        Raw rows without a target, for pseudo-labels.
    pseudo_labels : mapping or None
        Share of these rows, and number of rounds.
    on_epoch : callable or None
        Callback during each training.
    on_training : callable or None
        Callback before each training with words for it; returns whether it begins.
    """

    predict: Callable[[Any, Any], np.ndarray]
    unlabeled: pd.DataFrame | None
    pseudo_labels: Mapping[str, float] | None
    on_epoch: EpochCallback | None
    on_training: Callable[[str], bool] | None

    def on_pseudo_labels(self, folds: FoldModels, target: Target) -> tuple[FoldModels, int]:
        """Return the folds trained on rows with predicted labels as well, and the number of rounds.

        In each round the model of a fold predicts the labels that its successor is trained on. A round that Ctrl-C ends
        is not kept, since the models of the round before are whole.
        """
        if self.pseudo_labels is None or self.unlabeled is None:
            return folds, 0
        tables = [folds.encode(fold, self.unlabeled) for fold in range(len(folds.rows))]
        rounds = int(self.pseudo_labels["rounds"])
        for number in range(rounds):
            if folds.interrupted or not self._begins(f"pseudo-labels, round {number + 1} of {rounds}"):
                return folds, number
            pairs = zip(folds.models, tables, strict=True)
            predictions = [self.predict(model, model.named(table)) for model, table in pairs]
            trained = with_pseudo_labels(folds, target, tables, predictions, self.pseudo_labels["share"], self.on_epoch)
            if trained.interrupted:
                return folds, number
            folds = trained
        return folds, rounds

    def on_all_rows(self, crossfit: Any, X: Any, target: Target, seed: int) -> Pipeline | None:
        """Return the pipeline of a cross-fit trained on all rows, as long as its folds on average.

        Rows with predicted labels are trained on as well, if those of the folds were.

        Parameters
        ----------
        crossfit : cross-fit
            Cross-fit whose folds are fitted.
        X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
            Raw rows.
        target : Target
            Target of the rows.
        seed : int
            Seed of the model.

        Returns
        -------
        Pipeline or None
            Fitted pipeline; None if it was not trained to its end.
        """
        if not self._begins("all rows"):
            return None
        length = mean_length([pipeline[-1] for pipeline in crossfit.fitted_pipelines])
        pipeline, every = for_all_rows(crossfit.pipeline, length), [np.arange(len(target.y))]
        alone = FoldModels.encoded(pipeline, X, np.asarray(target.y), every, [seed])
        of_trees = isinstance(pipeline[-1], ModelEstimator)
        on_epoch = self.on_epoch if of_trees else stopping_after(length, self.on_epoch)
        if crossfit.pseudo_rounds_ and self.pseudo_labels is not None and self.unlabeled is not None:
            rows = self.unlabeled
            mean = np.mean([self.predict(one, rows) for one in crossfit.predicting_pipelines], axis=0)
            share, tables = self.pseudo_labels["share"], [alone.encode(0, rows)]
            alone = with_pseudo_labels(alone, target, tables, [mean], share, on_epoch)
        else:
            alone.train(target, on_epoch)
        return None if alone.interrupted else alone.pipelines[0]

    def _begins(self, words: str) -> bool:
        return self.on_training is None or bool(self.on_training(words))

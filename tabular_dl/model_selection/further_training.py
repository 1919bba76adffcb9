"""Trainings of a cross-fit after that of its folds: on rows with predicted labels, and on all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
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
    first : FoldModels
        Trained folds, whose steps before the models stay as they are.
    target : Target
        Target of the rows.
    unlabeled : DataFrame of shape (other rows, columns) or None
        Raw rows without a target; None without pseudo-labels.
    pseudo_labels : mapping or None
        Share of these rows, and number of rounds.
    on_epoch : callable or None
        Callback during each training.
    on_training : callable or None
        Callback before each training with words for it; returns whether it begins.
    """

    predict: Callable[[Any, np.ndarray], np.ndarray]
    first: FoldModels
    target: Target
    unlabeled: pd.DataFrame | None
    pseudo_labels: Mapping[str, float] | None
    on_epoch: EpochCallback | None
    on_training: Callable[[str], bool] | None

    @property
    def rounds(self) -> int:
        """Number of trainings on pseudo-labels, if none is interrupted."""
        return 0 if self.pseudo_labels is None else int(self.pseudo_labels["rounds"])

    def on_pseudo_labels(self) -> tuple[FoldModels, int]:
        """Return the folds trained on rows with predicted labels as well, and the number of rounds.

        In each round the model of a fold predicts the labels that its successor is trained on. A round that Ctrl-C ends
        is not kept, since the models of the round before are whole.
        """
        folds = self.first
        if self.pseudo_labels is None:
            return folds, 0
        share = self.pseudo_labels["share"]
        for number in range(self.rounds):
            if folds.interrupted or not self._begins(f"pseudo-labels, round {number + 1} of {self.rounds}"):
                return folds, number
            predictions = self._predictions(folds)
            trained = with_pseudo_labels(folds, self.target, self._tables, predictions, share, self.on_epoch)
            if trained.interrupted:
                return folds, number
            folds = trained
        return folds, self.rounds

    def on_all_rows(self, folds: FoldModels, predicting: slice, X: Any, seed: int) -> Pipeline | None:
        """Return a pipeline that is trained on all rows, as long as the folds on average.

        With pseudo-labels, it is trained on rows with predicted labels as well.

        Parameters
        ----------
        folds : FoldModels
            Trained folds.
        predicting : slice
            Those of them that predict new rows, and the labels here by their mean.
        X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
            Raw rows.
        seed : int
            Seed of the model.

        Returns
        -------
        Pipeline or None
            Fitted pipeline; None if it was not trained to its end.
        """
        if not self._begins("all rows"):
            return None
        y, length = np.asarray(self.target.y), mean_length(folds.models)
        alone = FoldModels.encoded(for_all_rows(folds.pipeline, length), X, y, [np.arange(len(y))], [seed])
        of_trees = isinstance(folds.pipeline[-1], ModelEstimator)
        on_epoch = self.on_epoch if of_trees else stopping_after(length, self.on_epoch)
        if self.pseudo_labels is None:
            alone.train(self.target, on_epoch)
        else:
            mean, share = np.mean(self._predictions(folds)[predicting], axis=0), self.pseudo_labels["share"]
            alone = with_pseudo_labels(alone, self.target, [alone.encode(0, self.unlabeled)], [mean], share, on_epoch)
        return None if alone.interrupted else alone.pipelines[0]

    @cached_property
    def _tables(self) -> list[np.ndarray]:
        """Rows without a target, as the model of each fold reads them."""
        return [self.first.encode(fold, self.unlabeled) for fold in range(len(self.first.rows))]

    def _predictions(self, folds: FoldModels) -> list[np.ndarray]:
        """Return the probabilities or values of the rows without a target by each fold."""
        return [self.predict(model, table) for model, table in zip(folds.models, self._tables, strict=True)]

    def _begins(self, words: str) -> bool:
        return self.on_training is None or bool(self.on_training(words))

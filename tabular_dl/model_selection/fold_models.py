"""Models of the folds of a cross-fit, each with the steps and the matrix that its training rows have made.

Networks of all folds are trained together, as one population; models of other libraries side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import HeldOutBy, ModelEstimator, fit_models, fit_together
from tabular_dl.model_selection.fold_matrices import dense_matrix, fold_matrices, reads_missing

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["FoldModels", "Target"]


@dataclass(frozen=True, eq=False)
class Target:
    """Labels or numbers that models are trained to predict.

    Attributes
    ----------
    y : ndarray of shape (rows,) or (rows, targets), or list of such arrays
        Target of all rows, or that of each model.
    classes : ndarray, list of ndarray, or None
        Labels; None for numbers.
    sample_weight : ndarray of shape (rows,), list of such arrays, or None
        Weight of each row, or that for each model.
    row_groups : ndarray of shape (rows,), RowTimes, LabeledRows or None
        What rows are held out by.
    """

    y: np.ndarray | list[np.ndarray]
    classes: np.ndarray | list[np.ndarray] | None = None
    sample_weight: np.ndarray | list[np.ndarray] | None = None
    row_groups: HeldOutBy | None = None


@dataclass(frozen=True, eq=False)
class FoldModels:
    """Models of several folds, on the same rows.

    Attributes
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network or model.
    seeds : list of int
        Seed of each model: models of the folds differ in more than their rows.
    rows : list of ndarray
        Numbers of the training rows of each fold.
    encoders : list of Pipeline or None
        Steps before the model, fitted on the training rows; None if there are none.
    matrices : list of ndarray of shape (rows, features)
        All rows, as each model reads them. Equal matrices are one object.
    names : list of ndarray or None
        Names of the columns of each matrix.
    models : list of KerasEstimator or ModelEstimator
        Networks or models, fitted after `train`.
    """

    pipeline: Pipeline
    seeds: list[int]
    rows: list[np.ndarray]
    encoders: list[Pipeline | None]
    matrices: list[np.ndarray]
    names: list[np.ndarray | None]
    models: list[Any]

    @classmethod
    def encoded(
        cls, pipeline: Pipeline, X: Any, y: np.ndarray, rows: Sequence[np.ndarray], seeds: Sequence[int]
    ) -> FoldModels:
        """Return the folds with the steps fitted on their training rows, and unfitted models.

        Parameters
        ----------
        pipeline : Pipeline
            Unfitted steps from raw rows to the network or model.
        X : DataFrame, ndarray or sparse matrix of shape (rows, columns)
            Raw rows.
        y : ndarray of shape (rows,) or (rows, targets)
            Target.
        rows : sequence of ndarray of int
            Numbers of the training rows of each fold.
        seeds : sequence of int
            Seed of each model.

        Returns
        -------
        FoldModels
            Folds.
        """
        steps = pipeline[:-1] if len(pipeline.steps) > 1 else None
        folds = cls(pipeline, list(seeds), list(rows), *fold_matrices(steps, X, y, rows, pipeline[-1]), [])
        return replace(folds, models=folds.unfitted())

    def unfitted(self) -> list[Any]:
        """Return unfitted models of all folds."""
        pairs = zip(self.names, self.seeds, strict=True)
        last = self.pipeline[-1]
        return [clone(last).name_features(names).set_params(random_state=seed) for names, seed in pairs]

    def encode(self, fold: int, X: Any) -> np.ndarray:
        """Return raw rows as the model of a fold reads them, (rows, features)."""
        encoder, last = self.encoders[fold], self.pipeline[-1]
        types, missing = self.matrices[fold].dtype, reads_missing(last)
        return dense_matrix(X if encoder is None else encoder.transform(X), types, missing=missing)

    def train(self, target: Target, on_epoch: EpochCallback | None = None) -> None:
        """Train the models of all folds.

        Parameters
        ----------
        target : Target
            What they are trained to predict.
        on_epoch : callable, optional
            Callback of `tabular_dl.nn.training.fit_population`, or of `tabular_dl.estimators.fit_models`.

        Raises
        ------
        UserError
            If the rows or a hyperparameter are invalid.
        """
        together = fit_models if isinstance(self.models[0], ModelEstimator) else fit_together
        together(
            self.models,
            self.matrices,
            target.y,
            self.rows,
            target.classes,
            sample_weight=target.sample_weight,
            on_epoch=on_epoch,
            row_groups=target.row_groups,
        )

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training of the networks."""
        return any(getattr(model, "interrupted_", False) for model in self.models)

    @property
    def pipelines(self) -> list[Pipeline]:
        """Fitted pipeline of each fold."""
        name = self.pipeline.steps[-1][0]
        pairs = zip(self.encoders, self.models, strict=True)
        return [Pipeline([*([] if encoder is None else encoder.steps), (name, model)]) for encoder, model in pairs]

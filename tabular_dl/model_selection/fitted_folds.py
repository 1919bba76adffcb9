"""Fitted pipelines of a cross-fit, their learning curves and lengths of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular_dl.model_selection.predicted_rows import is_by_time

__all__ = ["FittedFolds"]


class FittedFolds:
    """Mixin of cross-fits.

    Attributes
    ----------
    pipelines_ : list of Pipeline
        Fitted pipeline of each fold.
    final_pipeline_ : Pipeline or None
        Pipeline fitted on all rows, if there is one.
    refitted_ : bool
        Whether it comes from a training after that of the folds.
    """

    pipelines_: list[Pipeline]
    # Class attributes, because models stored by older versions lack them.
    final_pipeline_: Pipeline | None = None
    refitted_: bool = False

    @property
    def fitted_pipelines(self) -> list[Pipeline]:
        """Pipelines of all folds, and the one that was trained on all rows, if there is one."""
        return self.pipelines_ if self.final_pipeline_ is None else [*self.pipelines_, self.final_pipeline_]

    @property
    def predicting_pipelines(self) -> list[Pipeline]:
        """Pipelines that predict new rows: by time the one that was trained on all rows, else all."""
        return [self.final_pipeline_] if self.final_pipeline_ and is_by_time(self) else self.fitted_pipelines

    @property
    def curves_(self) -> dict[str, np.ndarray]:
        """Learning curves of all folds: ``{name: (epochs, folds x members)}``; empty for models without epochs."""
        parts = [getattr(pipeline[-1], "curves_", {}) for pipeline in self.pipelines_]
        return {name: np.concatenate([curves[name] for curves in parts], axis=1) for name in parts[0]}

    @property
    def history_(self) -> pd.DataFrame:
        """Learning curves of all folds as a tidy table: that of the estimators, with a column ``fold`` from 0."""
        parts = [pipeline[-1].history_.assign(fold=fold) for fold, pipeline in enumerate(self.pipelines_)]
        return pd.concat(parts, ignore_index=True)

    @property
    def best_epoch_(self) -> np.ndarray:
        """Epoch of each network's final weights, from 1: (folds x members,)."""
        return np.concatenate([pipeline[-1].best_epoch_ for pipeline in self.pipelines_])

    @property
    def interrupted_(self) -> bool:
        """Whether training was interrupted by Ctrl-C, and networks trained so far are kept."""
        return any(getattr(pipeline[-1], "interrupted_", False) for pipeline in self.fitted_pipelines)

    @property
    def rounds_(self) -> np.ndarray | None:
        """Number of boosting rounds of each model: (folds x members,); None for models without rounds."""
        parts = [getattr(pipeline[-1], "rounds_", None) for pipeline in self.pipelines_]
        counts = [part for part in parts if part is not None]
        return np.concatenate(counts) if len(counts) == len(parts) else None

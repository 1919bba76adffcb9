"""Results of fits, blends and searches that reports and the console show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tabular_dl.competition import Competition
from tabular_dl.model_selection import (
    BlendedClassifier,
    BlendedRegressor,
    CrossFitClassifier,
    CrossFitRegressor,
    ImportedClassifier,
    ImportedRegressor,
    Record,
    SearchState,
    error_ratio,
    predicted_rows,
)
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import PipelineSpec

__all__ = ["AllRows", "FitResult", "Judged", "Model", "SearchResult", "by_split"]

# Models with out-of-fold predictions.
Model = (
    CrossFitClassifier
    | CrossFitRegressor
    | BlendedClassifier
    | BlendedRegressor
    | ImportedClassifier
    | ImportedRegressor
)


@dataclass(frozen=True, eq=False)
class AllRows:
    """Out-of-fold predictions of a table that is read in blocks; rows that no fold predicts have NaN."""

    y: np.ndarray
    oof_predictions: np.ndarray


@dataclass(frozen=True)
class FitResult:
    """Result of a fit.

    Attributes
    ----------
    spec : PipelineSpec
        Specification of the pipeline.
    problem : Problem
        Type of problem.
    metric : Metric
        Metric of the scores.
    crossfit : CrossFitClassifier or CrossFitRegressor
        Fitted predictor.
    scores : ndarray of shape (folds,)
        Score of each fold on the rows that it was not trained on.
    baselines : dict of str to ndarray of shape (folds,)
        Scores of simple models on the same folds.
    competition : Competition
        Tables.
    started : float
        Time at which training began, in seconds since 1970.
    seconds : float
        Duration of training.
    baseline_seconds : float
        Duration of the training of the simple models.
    ended_by : str
        Cause of an early end of training, such as "Ctrl-C".
    unlogged : Path or None
        Folder with the results if tracking failed.
    all_rows : AllRows or None
        Out-of-fold predictions of all rows, if ``competition`` and ``crossfit`` have those of a sample.
    """

    spec: PipelineSpec
    problem: Problem
    metric: Metric
    crossfit: CrossFitClassifier | CrossFitRegressor
    scores: np.ndarray
    baselines: dict[str, np.ndarray]
    competition: Competition
    started: float
    seconds: float
    baseline_seconds: float = 0.0
    ended_by: str = "Ctrl-C"
    unlogged: Path | None = None
    all_rows: AllRows | None = None

    @property
    def rows(self) -> int:
        """Number of training rows."""
        return len(self.competition.train if self.all_rows is None else self.all_rows.y)

    @property
    def of_networks(self) -> bool:
        """Whether the pipeline trained networks, and not a model of another library."""
        return self.spec.model.is_network

    @property
    def subject(self) -> str:
        """Subject of sentences about the trained models: "the networks", or the name of the model."""
        return "the networks" if self.of_networks else self.spec.model.name

    @property
    def models(self) -> str:
        """Number of models that were trained, such as "20 networks" or "5 models"."""
        count = len(self.crossfit.fitted_pipelines) * self.spec.ensemble.members
        return f"{count} networks" if self.of_networks else f"{count} models"

    @property
    def folds(self) -> int:
        """Number of folds, of all repeats."""
        return len(self.crossfit.test_rows_)

    @property
    def ratio(self) -> float | None:
        """Ratio of test rows to training rows, for standard errors of the scores."""
        return error_ratio(self.crossfit)

    @property
    def models_a_fold(self) -> str:
        """Models of each fold, such as "4 networks" or "lightgbm"."""
        members = self.spec.ensemble.members
        if self.of_networks:
            return f"{members} network{'s' if members > 1 else ''}"
        return self.spec.model.name if members == 1 else f"{members} x {self.spec.model.name}"

    @property
    def best_epochs(self) -> np.ndarray:
        """Epoch, from 1, of each network's weights, as an array of shape (folds x members,)."""
        return self.crossfit.best_epoch_

    @property
    def interrupted(self) -> str:
        """Point at which training was ended, such as "after epoch 3 of 20"; empty if it was completed."""
        crossfit, ensemble = self.crossfit, self.spec.ensemble
        if not crossfit.interrupted_:
            rounds = 0 if ensemble.pseudo_labels is None else ensemble.pseudo_labels.rounds
            if crossfit.pseudo_rounds_ < rounds:
                return f"after {crossfit.pseudo_rounds_} of {rounds} round(s) of pseudo-labels"
            return "before the end of the training on all rows" if ensemble.refit and not crossfit.refitted_ else ""
        done = len(next(iter(self.crossfit.curves_.values())))
        return f"after epoch {done} of {self.crossfit.pipelines_[0][-1].resolved().epochs}"


@dataclass(frozen=True)
class Judged:
    """Fitted model with the data to examine its out-of-fold predictions.

    Parameters
    ----------
    model : cross-fit, blend or imported predictions
        Fitted model.
    spec : PipelineSpec
        Specification of the model; for a blend, that of its first run.
    competition : Competition
        Tables.
    problem : Problem
        Type of problem.
    metric : Metric
        Metric of the scores.
    columns : sequence of str
        Raw columns that the model reads.
    """

    model: Model
    spec: PipelineSpec
    competition: Competition
    problem: Problem
    metric: Metric
    columns: Sequence[str]

    @property
    def y(self) -> np.ndarray:
        """Target of the training rows."""
        return self.competition.train[self.spec.data.target].to_numpy()

    @property
    def rows(self) -> np.ndarray:
        """Numbers of the training rows that a fold predicts."""
        return predicted_rows(self.model)

    @property
    def truth(self) -> np.ndarray:
        """Target of the rows that a fold predicts."""
        return self.y[self.rows]

    @property
    def predictions(self) -> np.ndarray:
        """Out-of-fold predictions of the rows that a fold predicts."""
        return self.model.oof_predictions_[self.rows]

    @property
    def ratio(self) -> float | None:
        """Ratio of test rows to training rows, for standard errors of the scores."""
        return error_ratio(self.model)

    @property
    def classes(self) -> Any:
        """Labels, or those of each of several targets; None for numbers."""
        return getattr(self.model, "classes_", None)

    @property
    def thresholds(self) -> np.ndarray | None:
        """Threshold of each row that a fold predicts; None if the class with the greatest probability is predicted."""
        thresholds = getattr(self.model, "oof_thresholds_", None)
        return None if thresholds is None else thresholds[self.rows]


def by_split(spec: PipelineSpec) -> str:
    """Return a description of the columns by which rows are divided into folds.

    Parameters
    ----------
    spec : PipelineSpec
        Specification of the pipeline.

    Returns
    -------
    str
        Words such as " by family", " by time (date)" or " (3 repeats of 5)", with a leading space; empty for one
        division of single rows.
    """
    ensemble = spec.ensemble
    if ensemble.time is not None:
        return f" by time ({ensemble.time})"
    columns = [column for column in (ensemble.fold, ensemble.group) if column is not None]
    repeats = f" ({ensemble.repeats} repeats of {ensemble.folds})" if (ensemble.repeats or 1) > 1 else ""
    return (f" by {' and '.join(columns)}" if columns else "") + repeats


@dataclass(frozen=True)
class SearchResult:
    """Result of a search.

    Attributes
    ----------
    winner : Record
        Chosen configuration.
    spec : PipelineSpec
        Pipeline with the chosen configuration.
    state : SearchState
        All trials and ranges.
    holdout : dict of str to float
        Scores of winner and original pipeline on the hold-out rows, with standard errors; empty without such rows.
    output : Path
        Pipeline file of the winner.
    run_id : str
        Id of the search's run.
    metric : Metric
        Metric of the scores.
    folds : int
        Number of folds.
    rows : int
        Number of rows that configurations were trained and scored on.
    holdout_rows : int
        Number of hold-out rows.
    digest : str
        SHA-256 of the training table.
    seed : int
        Seed of configurations and folds.
    """

    winner: Record
    spec: PipelineSpec
    state: SearchState
    holdout: dict[str, float]
    output: Path
    run_id: str
    metric: Metric
    folds: int
    rows: int
    holdout_rows: int
    digest: str
    seed: int

"""Results of workflows, as reports and the console show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tabular_dl.competition import Competition
from tabular_dl.model_selection import Record, SearchState
from tabular_dl.problems import Metric, Problem
from tabular_dl.spec import PipelineSpec

__all__ = ["FitResult", "Judged", "SearchResult", "by_group"]


@dataclass(frozen=True)
class FitResult:
    """What a fit leaves in memory.

    Attributes
    ----------
    spec : PipelineSpec
        What was fitted.
    problem, metric : Problem and Metric
        The type of problem, and what it was scored by.
    crossfit : CrossFitClassifier or CrossFitRegressor
        The fitted predictor.
    scores : ndarray of shape (folds,)
        Each fold's score on the rows that it did not train on.
    baselines : dict of str to ndarray of shape (folds,)
        The same of simple models.
    competition : Competition
        The tables.
    started, seconds : float
        When training began, in seconds since 1970, and how long it took.
    """

    spec: PipelineSpec
    problem: Problem
    metric: Metric
    crossfit: Any
    scores: np.ndarray
    baselines: dict[str, np.ndarray]
    competition: Competition
    started: float
    seconds: float

    @property
    def best_epochs(self) -> np.ndarray:
        """The epoch, from 1, that each network's weights are from: (folds x members,)."""
        return self.crossfit.best_epoch_

    @property
    def interrupted(self) -> str:
        """After which epoch Ctrl-C ended training; empty if nothing did."""
        network = self.crossfit.pipelines_[0][-1]
        done = len(next(iter(self.crossfit.curves_.values())))
        return f"after epoch {done} of {network.epochs}" if self.crossfit.interrupted_ else ""


@dataclass(frozen=True)
class Judged:
    """A model whose out-of-fold predictions are looked at.

    Parameters
    ----------
    model : cross-fit or blend
        Fitted.
    spec : PipelineSpec
        Its specification; of a blend, that of its first run.
    competition : Competition
        The tables.
    problem, metric : Problem and Metric
        The type of problem, and what it is scored by.
    columns : sequence of str
        The raw columns that it reads.
    """

    model: Any
    spec: PipelineSpec
    competition: Competition
    problem: Problem
    metric: Metric
    columns: Sequence[str]

    @property
    def y(self) -> np.ndarray:
        """The target of the training rows."""
        return self.competition.train[self.spec.data.target].to_numpy()

    @property
    def classes(self) -> np.ndarray | None:
        """The labels; None where the target is a number."""
        return getattr(self.model, "classes_", None)

    @property
    def thresholds(self) -> np.ndarray | None:
        """What the label of each training row is decided by; None is the greatest probability."""
        return getattr(self.model, "oof_thresholds_", None)


def by_group(spec: PipelineSpec) -> str:
    """Say by what the rows of a fold are kept together, if by anything."""
    return "" if spec.ensemble.group is None else f" by {spec.ensemble.group}"


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    winner : Record
        The configuration that was chosen.
    spec : PipelineSpec
        The pipeline with it.
    state : SearchState
        All that was tried.
    holdout : dict of str to float
        The winner's score on the hold-out rows, its standard error, and those of the pipeline as it was.
    output : Path
        Where the winner is.
    run_id : str
        The search's run.
    metric : Metric
        By which configurations were scored.
    folds, rows, holdout_rows : int
        Folds of the rows that took part, how many those are, and how many took no part.
    digest : str
        SHA-256 of the training table.
    seed : int
        Fixed what was drawn.
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

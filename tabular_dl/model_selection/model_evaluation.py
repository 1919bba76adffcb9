"""Cross-validation of many configurations of a model of another library, side by side on the machine's cores.

Each configuration and fold is a task. With halving, boosted trees grow in stages: a quarter of the rounds, half, all;
after a stage the worse half of the configurations ends. Trees that early stopping has ended are not grown again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from tabular_dl.errors import DataError
from tabular_dl.estimators import ModelEstimator, RowGroups, boosting_rounds, derived_seed, fit_models
from tabular_dl.model_selection.evaluation import Outcome
from tabular_dl.model_selection.fold_matrices import fold_matrices
from tabular_dl.model_selection.range_narrowing import halve
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.model_selection.standard_error import size_ratio
from tabular_dl.problems import Metric

__all__ = ["evaluate_models"]

STAGES = (0.25, 0.5, 1.0)  # of the rounds


def evaluate_models(
    pipelines: Sequence[Pipeline],
    X: Any,
    y: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    metric: Metric,
    seeds: Sequence[int],
    *,
    classes: np.ndarray | list[np.ndarray] | None = None,
    halving: bool = False,
    on_epoch: Callable[[int, int], None] | None = None,
    row_groups: RowGroups | None = None,
    sample_weight: np.ndarray | None = None,
) -> list[Outcome]:
    """Cross-validate several configurations on the same folds.

    Parameters
    ----------
    pipelines : sequence of Pipeline
        Unfitted configurations, which end in a `ModelClassifier` or `ModelRegressor`.
    X, y, splits, metric, seeds, classes, row_groups, sample_weight
        As for `tabular_dl.model_selection.evaluation.evaluate`.
    halving : bool, default=False
        Whether to end the worse half of the configurations after a quarter of the boosting rounds, and after half.
    on_epoch : callable or None, default=None
        Called after each stage with its number and the number of configurations that are still growing.

    Returns
    -------
    list of Outcome
        Result of each configuration; its epochs and parameters are the mean number of boosting rounds, 0 without any.
    """
    folds = _Folds(pipelines, X, y, [train for train, _ in splits])
    rounds = _rounds(pipelines[0][-1])
    scores = np.full((len(pipelines), len(splits)), np.nan)
    lengths, growing = np.zeros(len(pipelines)), np.ones(len(pipelines), bool)
    stages = STAGES if halving and rounds is not None and len(pipelines) > 1 else (1.0,)
    sign, scorer = 1.0 if metric.greater_is_better else -1.0, row_scorer(y, metric, classes, sample_weight)
    tests = [(test, scorer(test)) for _, test in splits]
    for stage, share in enumerate(stages, start=1):
        capped = np.zeros(len(pipelines), bool)
        for number in np.flatnonzero(growing).tolist():
            models = _unfitted(pipelines[number][-1], seeds[number], len(splits))
            cap, matrices = _limit(models, share), folds.matrices(number)
            try:
                fit_models(models, matrices, y, folds.rows, classes, row_groups=row_groups, sample_weight=sample_weight)
            except DataError:
                continue  # a configuration that its library refuses has no score
            scores[number] = [
                score(_predict(model, matrix[test]))
                for model, matrix, (test, score) in zip(models, matrices, tests, strict=True)
            ]
            if models[0].rounds_ is not None:
                grown = np.array([model.rounds_.mean() for model in models])
                # Models that stopped early predict by the best rounds, and trained as many more as their patience.
                lengths[number], capped[number] = grown.mean(), bool((grown + (models[0].patience or 1) > cap).any())
        if share == 1.0:
            break
        means = -sign * scores.mean(axis=1)
        kept = ~halve(means, growing)
        growing &= kept & capped
        if on_epoch is not None:
            on_epoch(stage, int(growing.sum()))
        if not growing.any():
            break
    return [Outcome(row, n, round(n), size_ratio(splits)) for row, n in zip(scores, lengths.tolist(), strict=True)]


class _Folds:
    """Matrices of the folds of each configuration; those of the latest encoder are kept, as they may be large."""

    def __init__(self, pipelines: Sequence[Pipeline], X: Any, y: np.ndarray, rows: Sequence[np.ndarray]) -> None:
        self.pipelines, self.X, self.y, self.rows = pipelines, X, y, rows
        self._kept: dict[str, list[np.ndarray]] = {}

    def matrices(self, number: int) -> list[np.ndarray]:
        """Return the matrix of each fold of a configuration."""
        pipeline = self.pipelines[number]
        key = joblib.hash(pipeline[:-1])
        if key not in self._kept:
            self._kept = {key: fold_matrices(pipeline[:-1], self.X, self.y, self.rows, pipeline[-1])[1]}
        return self._kept[key]


def _unfitted(model: ModelEstimator, seed: int, folds: int) -> list[Any]:
    """Return an unfitted copy of a model for each fold."""
    return [clone(model).set_params(random_state=derived_seed(seed, fold)) for fold in range(folds)]


def _rounds(model: ModelEstimator) -> tuple[str, int] | None:
    """Return the parameter with the number of boosting rounds, and the number."""
    return boosting_rounds(model.name, model.parameters or {}, classification=is_classifier(model))


def _limit(models: Sequence[ModelEstimator], share: float) -> float:
    """Give models a share of their boosting rounds, and return their number; infinite without rounds."""
    rounds = _rounds(models[0])
    if rounds is None:
        return np.inf
    name, most = rounds
    cap = max(1, round(share * most))
    for model in models:
        model.set_params(parameters={**(model.parameters or {}), name: cap})
    return cap


def _predict(model: Any, X: np.ndarray) -> np.ndarray:
    return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)

"""Score many configurations of a pipeline by cross-validation, as few populations: folds x configurations at once.

Configurations that share shapes and data train in one population, whatever their rates and penalties; each fold's
features and preprocessing are fitted once for all configurations that share them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _get_feature_names

from tabular_dl.estimators import PER_MEMBER, TrainedTasks, decoded, derived_seed, tasks_of, train_tasks
from tabular_dl.model_selection.fold_matrices import dense_matrix, fold_matrix, sharing
from tabular_dl.model_selection.range_narrowing import halve
from tabular_dl.problems import Metric, Numbers

__all__ = ["Outcome", "evaluate"]

# When the worse half of a population stops, as shares of its epochs.
HALVINGS = (0.25, 0.5)


@dataclass(frozen=True)
class Outcome:
    """What came of one configuration.

    Attributes
    ----------
    scores : ndarray of shape (folds,)
        In the metric's own direction; NaN if training diverged.
    epochs : float
        How many epochs its networks trained, on average.
    parameters : int
        How many weights one of its networks has.
    """

    scores: np.ndarray
    epochs: float
    parameters: int


def evaluate(
    estimators: Sequence[Any],
    X: Any,
    y: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    metric: Metric,
    seeds: Sequence[int],
    *,
    classes: np.ndarray | None = None,
    halving: bool = False,
    on_epoch: Callable[[int, int], None] | None = None,
    row_groups: np.ndarray | None = None,
) -> list[Outcome]:
    """Cross-validate several configurations on the same folds.

    Parameters
    ----------
    estimators : sequence of Pipeline or estimator
        Unfitted; they end in a `KerasClassifier` or in a `KerasRegressor`.
    X, y : DataFrame or array, and ndarray of shape (rows,)
        Rows and target.
    splits : sequence of (train, test)
        The folds.
    metric : Metric
        What to score by.
    seeds : sequence of int
        A seed for each configuration.
    classes : ndarray, optional
        The labels.
    halving : bool
        Whether the worse half of a population stops after a quarter of its epochs, and again after a half, judged by
        the loss on rows held out inside the training rows.
    on_epoch : callable, optional
        Called after each epoch with its number and how many configurations still train.
    row_groups : ndarray of shape (rows,), optional
        What a row belongs to, as for `tabular_dl.estimators.fit_together`.

    Returns
    -------
    list of Outcome
    """
    outcomes: list[Any] = [None] * len(estimators)
    encoded: dict[str, Any] = {}
    rows = [train for train, _ in splits]
    for numbers in _by_shape(estimators):
        encoder, shape = _parts(estimators[numbers[0]])
        key = joblib.hash((encoder, shape.fold_types))
        if key not in encoded:
            encoded = {key: _matrices(encoder, X, y, rows, shape.fold_types)}  # one at a time: tables may be large
        matrices, names = encoded[key]
        networks: list[Any] = []
        for number in numbers:
            _, network = _parts(estimators[number])
            for fold in range(len(splits)):
                own = clone(network).set_params(random_state=derived_seed(seeds[number], fold))
                networks.append(own.name_features(names[fold]))
        judge = _Judge(networks, len(splits), halving, on_epoch)
        with warnings.catch_warnings():
            # A trial that diverges has no score, which is told in the table of trials.
            warnings.filterwarnings("ignore", "Training diverged")
            tasks = tasks_of(networks, matrices * len(numbers), y, rows * len(numbers), classes)
            trained = train_tasks(tasks, y, judge, row_groups, networks[0].make_callbacks)
        if trained.population.interrupted:
            # Half-trained configurations say nothing of whole ones.
            raise KeyboardInterrupt
        scores = _scores(trained, networks, matrices, y, splits, metric, classes)
        epochs = np.isfinite(trained.population.history["loss"]).sum(axis=0).reshape(len(numbers), -1).mean(axis=1)
        for place, number in enumerate(numbers):
            outcomes[number] = Outcome(scores[place], float(epochs[place]), trained.network.parameters)
    return outcomes


class _Judge:
    """Stops the worse half of the configurations now and then.

    A network counts by the epoch that its weights would be taken from: its best one if it stops early, else its last.
    So one that has stopped early with a good loss still speaks for its configuration.
    """

    def __init__(self, networks: Sequence[Any], folds: int, halving: bool, on_epoch: Any) -> None:
        first = networks[0]
        self.shape = (len(networks) // folds, folds * first.members)
        self.at = {max(1, round(share * first.epochs)) for share in HALVINGS} if halving else set()
        self.on_epoch = on_epoch
        self.keeps_best = np.repeat([network.early_stopping is not None for network in networks], first.members)
        self.losses = np.full(len(self.keeps_best), np.nan)

    def __call__(self, epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> np.ndarray | None:
        now = figures["val_loss" if "val_loss" in figures else "loss"]
        better = np.where(self.keeps_best, np.fmin(self.losses, now), now)
        self.losses = np.where(np.isfinite(now), better, self.losses)
        alive = active.reshape(self.shape).any(axis=1)
        if self.on_epoch is not None:
            self.on_epoch(epoch, int(alive.sum()))
        if epoch not in self.at or alive.sum() < 2:
            return None
        losses = self.losses.reshape(self.shape)
        known = np.isfinite(losses).any(axis=1)
        means = np.full(len(losses), np.nan)
        means[known] = np.nanmean(losses[known], axis=1)
        return np.repeat(halve(means, np.asarray(alive)), self.shape[1])


def _parts(estimator: Any) -> tuple[Any, Any]:
    """Return what encodes raw rows, or None, and the network."""
    if isinstance(estimator, Pipeline):
        return (estimator[:-1] if len(estimator.steps) > 1 else None), estimator[-1]
    return None, estimator


def _by_shape(estimators: Sequence[Any]) -> list[list[int]]:
    """Put the numbers of configurations together that can train in one population; equal encoders follow each other."""
    together: dict[tuple[str, str], list[int]] = {}
    for number, estimator in enumerate(estimators):
        encoder, network = _parts(estimator)
        shared = {name: value for name, value in network.get_params().items() if name not in PER_MEMBER}
        # The automatic batch size goes by how many rows are left to train on.
        share = network.held_out_share
        held_out = share if network.batch_size == "auto" else share > 0
        together.setdefault((joblib.hash(encoder), joblib.hash((shared, held_out))), []).append(number)
    return [together[key] for key in sorted(together, key=lambda key: (key[0], together[key][0]))]


def _matrices(
    encoder: Any, X: Any, y: np.ndarray, rows: Sequence[np.ndarray], types: tuple[Any, ...]
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Return each fold's matrix, and the names of its columns."""
    if encoder is None:
        return [dense_matrix(X, types)] * len(rows), [_get_feature_names(X)] * len(rows)
    matrices: list[np.ndarray] = []
    names: list[np.ndarray | None] = []
    for train in rows:
        _, matrix, own = fold_matrix(encoder, X, y, train, types)
        matrices = sharing([*matrices, matrix])
        names.append(own)
    return matrices, names


def _scores(
    trained: TrainedTasks,
    networks: Sequence[Any],
    matrices: Sequence[np.ndarray],
    y: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    metric: Metric,
    classes: np.ndarray | None,
) -> np.ndarray:
    """Score every configuration on the test rows of every fold, (configurations, folds): one prediction a fold."""
    folds, members = len(splits), trained.members
    configurations = len(networks) // folds
    numbers = np.arange(configurations * folds * members).reshape(configurations, folds, members)
    scores = np.full((configurations, folds), np.nan)
    for fold, (_, test) in enumerate(splits):
        share = trained.result(fold, numbers[:, fold].ravel())
        rows, coding = share.prepared.inputs.encode(matrices[fold][test]), share.prepared.coding
        means = decoded(networks[fold::folds], share.network, share.population.weights, coding, rows)
        untrained = (share.population.best_epoch.reshape(configurations, members) == 0).any(axis=1)
        for number in np.flatnonzero(~untrained):
            values = means[number]
            if isinstance(coding, Numbers) and y.ndim == 1:
                values = values[:, 0]
            if np.isfinite(values).all():
                scores[number, fold] = metric(y[test], values, classes)
    return scores

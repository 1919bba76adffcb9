"""Cross-validation of many configurations of a pipeline, in as few populations as possible.

Configurations with the same shapes and data are trained in one population, whatever their rates and penalties. Each
fold's features and preprocessing are fitted once for all configurations that share them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import PER_MEMBER, RowGroups, TrainedTasks, decoded, derived_seed, tasks_of, train_tasks
from tabular_dl.model_selection.fold_matrices import fold_matrices
from tabular_dl.model_selection.range_narrowing import halve
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.model_selection.standard_error import size_ratio
from tabular_dl.problems import Metric, Numbers

__all__ = ["Outcome", "evaluate"]

# Shares of the epochs after which the worse half of a population is stopped.
HALVINGS = (0.25, 0.5)


@dataclass(frozen=True)
class Outcome:
    """Result of one configuration.

    Attributes
    ----------
    scores : ndarray of shape (folds,)
        Scores as the metric returns them; NaN if training diverged.
    epochs : float
        Mean number of epochs of its networks.
    parameters : int
        Number of weights of one network.
    ratio : float or None
        Ratio of test rows to training rows, as for `tabular_dl.model_selection.standard_error.standard_error`.
    """

    scores: np.ndarray
    epochs: float
    parameters: int
    ratio: float | None = None


def evaluate(
    estimators: Sequence[Any],
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
    estimators : sequence of Pipeline or estimator
        Unfitted configurations, which end in a `KerasClassifier` or `KerasRegressor`.
    X, y : DataFrame or array, and ndarray of shape (rows,)
        Raw rows and target.
    splits : sequence of (train, test)
        Folds.
    metric : Metric
        Metric of the scores.
    seeds : sequence of int
        Seed of each configuration.
    classes : ndarray of shape (classes,) or None, default=None
        Sorted labels.
    halving : bool, default=False
        Whether to stop the worse half of a population after a quarter of its epochs, and again after half of them, by
        the loss on rows held out from the training rows.
    on_epoch : callable or None, default=None
        Called after each epoch with its number and the number of configurations that are still training.
    row_groups : ndarray of shape (rows,), RowTimes or None, default=None
        Group or time of each row, as for `tabular_dl.estimators.fit_together`.
    sample_weight : ndarray of shape (rows,) or None, default=None
        Weight of each row in training and in scores.

    Returns
    -------
    list of Outcome
        Result of each configuration.

    Raises
    ------
    KeyboardInterrupt
        If training was interrupted by Ctrl-C.
    """
    outcomes: list[Any] = [None] * len(estimators)
    encoded: dict[str, Any] = {}
    rows = [train for train, _ in splits]
    for numbers in _by_shape(estimators):
        encoder, shape = _parts(estimators[numbers[0]])
        key = joblib.hash((encoder, shape.fold_types))
        if key not in encoded:
            encoded = {key: fold_matrices(encoder, X, y, rows, shape)[1:]}  # only the latest: they may be large
        matrices, names = encoded[key]
        networks: list[Any] = []
        for number in numbers:
            _, network = _parts(estimators[number])
            for fold in range(len(splits)):
                seeded = clone(network).set_params(random_state=derived_seed(seeds[number], fold))
                networks.append(seeded.name_features(names[fold]))
        judge = _Judge(networks, len(splits), halving, on_epoch)
        with warnings.catch_warnings():
            # Trials that diverge are reported by their missing score.
            warnings.filterwarnings("ignore", "Training diverged")
            tasks = tasks_of(networks, matrices * len(numbers), y, rows * len(numbers), classes, sample_weight)
            trained = train_tasks(tasks, judge, row_groups, networks[0].make_callbacks, judge.at)
        if trained.population.interrupted:
            # Scores of partly trained configurations cannot be compared with others.
            raise KeyboardInterrupt
        scores = _scores(trained, networks, matrices, y, splits, metric, classes, sample_weight)
        epochs = np.isfinite(trained.population.history["loss"]).sum(axis=0).reshape(len(numbers), -1).mean(axis=1)
        for index, number in enumerate(numbers):
            parameters = trained.network.parameters
            outcomes[number] = Outcome(scores[index], float(epochs[index]), parameters, size_ratio(splits))
    return outcomes


class _Judge:
    """Callback that stops the worse half of the configurations after given epochs.

    Configurations are compared by the loss of each network's final weights so far: those of the best epoch with early
    stopping, else of the last epoch. Networks that have stopped early are therefore included.
    """

    def __init__(
        self, networks: Sequence[Any], folds: int, halving: bool, on_epoch: Callable[[int, int], None] | None
    ) -> None:
        settings = [network.resolved() for network in networks]
        first = settings[0]
        self.shape = (len(networks) // folds, folds * first.members)
        self.at = {max(1, round(share * first.epochs)) for share in HALVINGS} if halving else set()
        self.on_epoch = on_epoch
        keep_best = [setting.early_stopping is not None or setting.restore_best for setting in settings]
        self.keeps_best = np.repeat(keep_best, first.members)
        self.losses = np.full(len(self.keeps_best), np.nan)

    def __call__(self, epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> np.ndarray | None:
        current = figures["val_loss" if "val_loss" in figures else "loss"]
        best = np.where(self.keeps_best, np.fmin(self.losses, current), current)
        self.losses = np.where(np.isfinite(current), best, self.losses)
        training = active.reshape(self.shape).any(axis=1)
        if self.on_epoch is not None:
            self.on_epoch(epoch, int(training.sum()))
        if epoch not in self.at or training.sum() < 2:
            return None
        losses = self.losses.reshape(self.shape)
        finite = np.isfinite(losses).any(axis=1)
        means = np.full(len(losses), np.nan)
        means[finite] = np.nanmean(losses[finite], axis=1)
        return np.repeat(halve(means, np.asarray(training)), self.shape[1])


def _parts(estimator: BaseEstimator) -> tuple[Pipeline | None, Any]:
    """Return the steps before the network, or None, and the network."""
    if isinstance(estimator, Pipeline):
        return (estimator[:-1] if len(estimator.steps) > 1 else None), estimator[-1]
    return None, estimator


def _by_shape(estimators: Sequence[Any]) -> list[list[int]]:
    """Return the numbers of configurations by population; populations with equal encoders are consecutive."""
    populations: dict[tuple[str, str], list[int]] = {}
    for number, estimator in enumerate(estimators):
        encoder, network = _parts(estimator)
        shared = {name: value for name, value in network.get_params().items() if name not in PER_MEMBER}
        # The automatic batch size depends on the number of training rows.
        share = network.resolved().held_out_share
        held_out = share if network.batch_size == "auto" else share > 0
        populations.setdefault((joblib.hash(encoder), joblib.hash((shared, held_out))), []).append(number)
    return [populations[key] for key in sorted(populations, key=lambda key: (key[0], populations[key][0]))]


def _scores(
    trained: TrainedTasks,
    networks: Sequence[Any],
    matrices: Sequence[np.ndarray],
    y: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    metric: Metric,
    classes: np.ndarray | list[np.ndarray] | None,
    sample_weight: np.ndarray | None,
) -> np.ndarray:
    """Return the scores of all configurations on the test rows of each fold, (configurations, folds)."""
    folds, members = len(splits), trained.members
    configurations = len(networks) // folds
    numbers = np.arange(configurations * folds * members).reshape(configurations, folds, members)
    scores, scorer = np.full((configurations, folds), np.nan), row_scorer(y, metric, classes, sample_weight)
    for fold, (_, test) in enumerate(splits):
        share = trained.result(fold, numbers[:, fold].ravel())
        rows, coding = share.prepared.inputs.encode(matrices[fold][test]), share.prepared.coding
        means = decoded(networks[fold::folds], share.network, share.population.weights, coding, rows)
        score = scorer(test)
        untrained = (share.population.best_epoch.reshape(configurations, members) == 0).any(axis=1)
        for number in np.flatnonzero(~untrained):
            values = means[number]
            if isinstance(coding, Numbers) and y.ndim == 1:
                values = values[:, 0]
            if np.isfinite(values).all():
                scores[number, fold] = score(values)
    return scores

"""Pseudo-labels: rows without a label, which are trained on with the predictions for them as labels.

The labels of a fold are predicted by a model that was trained on the fold's training rows alone, so that neither labels
nor the choice of rows depend on the rows that the fold is scored on. Labels of classes are soft: a row is in the table
once for each class, with the probability of the class as its weight. (D.-H. Lee, 2013, "Pseudo-label: the simple and
efficient semi-supervised learning method for deep neural networks", where labels are hard.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tabular_dl.errors import SpecError
from tabular_dl.estimators import LabeledRows
from tabular_dl.model_selection.fold_models import FoldModels, Target

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback

__all__ = ["SoftLabels", "check_soft_labels", "soft_labels", "with_pseudo_labels"]

LEAST = 0.01  # probability of a class below which a row is not trained on as one of it


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """Labels of some of the rows without one.

    Attributes
    ----------
    places : ndarray of int of shape (labels,)
        Number of the row of each label; of classes, a row may have several labels.
    y : ndarray of shape (labels,) or (labels, targets)
        Labels, or numbers.
    weights : ndarray of shape (labels,)
        Weights, which add up to 1 for each row.
    """

    places: np.ndarray
    y: np.ndarray
    weights: np.ndarray


def soft_labels(
    predictions: np.ndarray, classes: np.ndarray | None, share: float, generator: np.random.Generator
) -> SoftLabels:
    """Return the labels of a share of the rows.

    For classes, these are the rows with the highest probabilities, the same share of each predicted class; for
    numbers, rows drawn at random.

    Parameters
    ----------
    predictions : ndarray of shape (rows, classes), (rows,) or (rows, targets)
        Probabilities, or values.
    classes : ndarray of shape (classes,) or None
        Labels; None for numbers.
    share : float
        Share of the rows that are used.
    generator : Generator
        Source of random numbers.

    Returns
    -------
    SoftLabels
        Labels.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.6, 0.4], [0.005, 0.995]])
    >>> labels = soft_labels(p, np.array(["no", "yes"]), 0.5, np.random.default_rng(0))
    >>> labels.places.tolist(), labels.y.tolist(), labels.weights.tolist()
    ([0, 0, 2], ['no', 'yes', 'yes'], [0.9, 0.1, 1.0])
    """
    if classes is None:
        count = max(1, round(share * len(predictions)))
        places = np.sort(generator.choice(len(predictions), count, replace=False))
        return SoftLabels(places, predictions[places], np.ones(count))
    rows = _surest(predictions, share)
    weights = np.where(predictions[rows] < LEAST, 0.0, predictions[rows])
    weights /= weights.sum(axis=1, keepdims=True)
    numbers, columns = np.nonzero(weights)
    return SoftLabels(rows[numbers], classes[columns], weights[numbers, columns])


def _surest(probabilities: np.ndarray, share: float) -> np.ndarray:
    """Return the numbers of the rows with the highest probabilities, a share of the rows of each predicted class."""
    predicted, highest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    chosen = []
    for number in np.unique(predicted):
        rows = np.flatnonzero(predicted == number)
        surest = np.argsort(-highest[rows], kind="stable")
        chosen.append(rows[surest[: max(1, round(share * len(rows)))]])
    return np.sort(np.concatenate(chosen))


def check_soft_labels(target: Target) -> None:
    """Raise a `SpecError` if there are several targets with classes, whose labels cannot be soft."""
    if isinstance(target.classes, list) or (target.classes is not None and np.ndim(target.y) == 2):
        raise SpecError("pseudo_labels: labels of several targets cannot be soft: leave pseudo_labels out.")


def with_pseudo_labels(
    folds: FoldModels,
    target: Target,
    unlabeled: Sequence[np.ndarray],
    predictions: Sequence[np.ndarray],
    share: float,
    on_epoch: EpochCallback | None = None,
) -> FoldModels:
    """Return the models of folds, trained again on their training rows and on rows with predicted labels.

    Rows are held out for early stopping among the training rows alone, and steps before the models stay as they are.

    Parameters
    ----------
    folds : FoldModels
        Folds with models that have been trained.
    target : Target
        Target of the rows.
    unlabeled : sequence of ndarray of shape (other rows, features)
        Rows without a label, as the model of each fold reads them.
    predictions : sequence of ndarray of shape (other rows, classes), (other rows,) or (other rows, targets)
        Probabilities or values of these rows by the model of each fold.
    share : float
        Share of the rows that are used.
    on_epoch : callable, optional
        Callback, as for `FoldModels.train`.

    Returns
    -------
    FoldModels
        The same folds with other models.
    """
    count, classes = len(target.y), None if target.classes is None else np.asarray(target.classes)
    drawn = [np.random.default_rng(seed) for seed in folds.seeds]
    labels = [soft_labels(p, classes, share, rng) for p, rng in zip(predictions, drawn, strict=True)]
    most = max(len(labels_of_fold.places) for labels_of_fold in labels)
    retrained = replace(
        folds,
        rows=[
            np.concatenate([rows, count + np.arange(len(labels_of_fold.places))])
            for rows, labels_of_fold in zip(folds.rows, labels, strict=True)
        ],
        # All matrices are equally long: the last rows of some are not trained on.
        matrices=[
            np.concatenate([matrix, table[_filled(labels_of_fold.places, most)]])
            for matrix, table, labels_of_fold in zip(folds.matrices, unlabeled, labels, strict=True)
        ],
        models=folds.unfitted(),
    )
    weighted = target.classes is not None or target.sample_weight is not None
    given = np.ones(count) if target.sample_weight is None else np.asarray(target.sample_weight)
    learned = Target(
        [np.concatenate([target.y, _filled(labels_of_fold.y, most)]) for labels_of_fold in labels],
        target.classes,
        [
            np.concatenate([given, _filled(labels_of_fold.weights, most) * given[rows].mean()])
            for labels_of_fold, rows in zip(labels, folds.rows, strict=True)
        ]
        if weighted
        else None,
        LabeledRows(np.arange(count + most) < count, target.row_groups),
    )
    retrained.train(learned, on_epoch)
    return replace(folds, models=retrained.models)


def _filled(values: np.ndarray, length: int) -> np.ndarray:
    """Return values, of which the last is repeated up to a length."""
    return values[np.minimum(np.arange(length), len(values) - 1)]

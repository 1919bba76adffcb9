"""Cross-fitting: all folds and members of a pipeline, trained as one population.

Each fold fits its features and preprocessing on its training rows and transforms all rows. The networks of all folds
are then trained together, and models of other libraries side by side. Results are:

- out-of-fold predictions: each row predicted by the networks of the fold that was not trained on it;
- a predictor: the mean over the folds' pipelines, for raw rows.

More trainings may follow: on rows without a label (`pseudo_labels`), and a last one on all rows (`refit`).

Training rows, including those held out for early stopping, are transformed by `fit_transform`, so that target encoding
uses the targets of other training rows only. Nothing that is fitted, from an imputer's median to the epoch of early
stopping, therefore depends on the rows that are scored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from tabular_dl.errors import DataError
from tabular_dl.estimators import RowTimes, derived_seed
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.model_selection.fitted_folds import FittedFolds
from tabular_dl.model_selection.fold_matrices import in_blocks, training_rows
from tabular_dl.model_selection.fold_models import FoldModels, Target
from tabular_dl.model_selection.folds import read_folds
from tabular_dl.model_selection.further_training import FurtherTraining
from tabular_dl.model_selection.pseudo_labels import check_soft_labels
from tabular_dl.model_selection.rounded_numbers import RoundedNumbers
from tabular_dl.model_selection.row_splits import check_known_targets, checked_repeats
from tabular_dl.model_selection.row_weights import read_weights
from tabular_dl.model_selection.smearing import Smeared, smeared
from tabular_dl.problems import Indicators, classes_of, get_problem, problem_of
from tabular_dl.tables import read_rows, read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike
    from sklearn.utils import Tags

    from tabular_dl.nn import EpochCallback
    from tabular_dl.preprocessing import MappedRows

__all__ = ["CrossFitClassifier", "CrossFitRegressor"]


class _CrossFit(FittedFolds, BaseEstimator, ABC):
    """Base class of cross-fits: splits rows, fits each fold's steps, and trains all folds together."""

    # Class attributes, because models stored by older versions lack them.
    pseudo_labels: Mapping[str, float] | None = None
    refit: bool = False
    pseudo_rounds_: int = 0
    repeat_predictions_: np.ndarray | None = None
    sample_weight_: np.ndarray | None = None  # weights of the rows
    # Function that returns the predictions of all folds, instead of one fold after another: see `joint_model`.
    fold_predictions: Callable[[pd.DataFrame], Sequence[np.ndarray]] | None = None

    def __init__(
        self,
        pipeline: Pipeline,
        cv: Any = 5,
        random_state: int | None = None,
        pseudo_labels: Mapping[str, float] | None = None,
        refit: bool = False,
    ) -> None:
        self.pipeline = pipeline
        self.cv = cv
        self.random_state = random_state
        self.pseudo_labels = pseudo_labels
        self.refit = refit

    def fit(
        self,
        X: pd.DataFrame | MappedRows,
        y: ArrayLike,
        groups: ArrayLike | RowTimes | None = None,
        on_epoch: EpochCallback | None = None,
        sample_weight: ArrayLike | None = None,
        unlabeled: pd.DataFrame | None = None,
        on_training: Callable[[str], bool] | None = None,
        on_encoded: Callable[[Sequence[np.ndarray]], object] | None = None,
    ) -> Self:
        """Train all folds and members as one population, and again if there are pseudo-labels or a last training.

        Parameters
        ----------
        X : DataFrame of shape (rows, columns), or MappedRows
            Raw rows, or those of a table that is larger than memory.
        y : array-like of shape (rows,) or (rows, targets)
            Target.
        groups : array-like of shape (rows,) or RowTimes, optional
            Group of each row. Rows of one group are in one fold, and are held out for early stopping together. Or the
            times of the rows: folds then follow each other in time, and the latest training rows are held out.
        on_epoch : callable, optional
            Callback of `tabular_dl.nn.training.fit_population`, or of `tabular_dl.estimators.fit_models`; members are
            in the order of the folds.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row in training and in scores.
        unlabeled : DataFrame of shape (other rows, columns), optional
            Raw rows without a target, for pseudo-labels.
        on_training : callable, optional
            Called before each further training with words for it; returns whether to go on.
        on_encoded : callable, optional
            Called with the feature matrix of each fold, (rows, features), which a fitted model does not keep.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If rows are not tested equally often, there are fewer groups than folds, all rows of a fold have the weight
            0, or rows cannot be used.
        """
        forget_threshold(self)
        classification = isinstance(self, ClassifierMixin)
        X = training_rows(self, X)
        y = read_target(y, type(self).__name__, classification=classification)
        row_groups = groups if groups is None or isinstance(groups, RowTimes) else column_or_1d(groups)
        check_consistent_length(X, y, row_groups)
        splits = read_folds(self.cv, X, y, row_groups, classification=classification, seed=self.random_state)
        check_known_targets(splits, y)
        by_time = isinstance(row_groups, RowTimes)
        repeats = checked_repeats(splits, len(y), by_time=by_time)
        self.sample_weight_ = read_weights(sample_weight, X, splits)
        target = Target(y, self._classes(y), self.sample_weight_, row_groups)
        others = self._unlabeled(unlabeled, target)
        # By time each fold knows the past only, and a model of all rows predicts those that follow.
        rows = [*(train for train, _ in splits), *([np.arange(len(y))] if by_time else [])]
        seeds = [derived_seed(self.random_state, fold) for fold in range(len(rows))]
        folds = FoldModels.encoded(self.pipeline, X, y, rows, seeds)
        if on_encoded is not None:
            on_encoded(folds.matrices[: len(splits)])
        folds.train(target, on_epoch)
        further = FurtherTraining(self._of_matrix, folds, target, others, self.pseudo_labels, on_epoch, on_training)
        folds, self.pseudo_rounds_ = further.on_pseudo_labels()
        pipelines = folds.pipelines
        self.pipelines_, self.final_pipeline_ = pipelines[: len(splits)], pipelines[-1] if by_time else None
        self.train_rows_, self.test_rows_ = rows[: len(splits)], [test for _, test in splits]
        self._predict_tested(folds, repeats, len(y))
        self.refitted_ = False
        if self.refit and not self.interrupted_ and self.pseudo_rounds_ == further.rounds:
            seed = derived_seed(self.random_state, len(rows))
            predicting = slice(len(splits), None) if by_time else slice(None)
            last = further.on_all_rows(folds, predicting, X, seed)
            self.final_pipeline_, self.refitted_ = last or self.final_pipeline_, last is not None
        return self

    def _unlabeled(self, rows: pd.DataFrame | None, target: Target) -> pd.DataFrame | None:
        """Return the rows that pseudo-labels are for, before anything is trained; None if there are to be none."""
        if self.pseudo_labels is None:
            return None
        check_soft_labels(target)
        if rows is None or not len(rows):
            raise DataError("pseudo_labels needs rows without a target, such as test rows; found none.")
        return read_rows(self, rows, reset=False)

    def _predict_tested(self, folds: FoldModels, repeats: int, count: int) -> None:
        """Predict the test rows of each fold; with repeats, out-of-fold predictions are their mean."""
        tested = zip(folds.models, folds.matrices, self.test_rows_, strict=False)  # a model of all rows tests none
        parts = [in_blocks(partial(self._of_matrix, model), matrix, test) for model, matrix, test in tested]
        predictions = np.full((repeats, count, *parts[0].shape[1:]), np.nan, parts[0].dtype)
        for fold, (part, test) in enumerate(zip(parts, self.test_rows_, strict=True)):
            predictions[fold * repeats // len(parts), test] = part
        self.oof_predictions_ = predictions[0] if repeats == 1 else predictions.mean(axis=0)
        self.repeat_predictions_ = None if repeats == 1 else predictions

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return one fold's probabilities, (rows, classes), or values, (rows,), for raw rows.

        Parameters
        ----------
        fold : int
            Number of the fold, from 0.
        X : DataFrame of shape (rows, columns)
            Raw rows, such as the fold's test rows with a permuted column.
        """
        check_is_fitted(self, "pipelines_")
        return self._raw(self.pipelines_[fold], read_rows(self, X, reset=False))

    def predict_encoded(self, fold: int, matrix: np.ndarray) -> np.ndarray:
        """Return what `predict_fold` does, for rows that the fold's steps have encoded, (rows, features)."""
        return self._of_matrix(self.pipelines_[fold][-1], matrix)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: input may be sparse if the pipeline accepts it."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.pipeline).input_tags.sparse
        return tags

    def _of_matrix(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return the probabilities or values of the last step of a pipeline for encoded rows."""
        return self._raw(model, model.named(matrix))

    def _mean(self, X: pd.DataFrame) -> np.ndarray:
        check_is_fitted(self, "pipelines_")
        X = read_rows(self, X, reset=False)
        return np.asarray(np.mean((self.fold_predictions or self._each_fold)(X), axis=0))

    def _each_fold(self, X: pd.DataFrame) -> Sequence[np.ndarray]:
        return [self._raw(pipeline, X) for pipeline in self.predicting_pipelines]

    @abstractmethod
    def _classes(self, y: np.ndarray) -> np.ndarray | list[np.ndarray] | None:
        """Return the sorted labels, those of each of several targets, or None for numbers."""

    @abstractmethod
    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        """Return a predictor's probabilities or values."""


class CrossFitClassifier(Thresholded, ClassifierMixin, _CrossFit):
    """Cross-fit a pipeline that ends in a `KerasClassifier` or a `ModelClassifier`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network or model.
    cv : int, splitter or list of (train, test), default=5
        Number of shuffled folds, or a splitter that tests every row once, or once in each repeat; None is 5. Folds of
        single labels are stratified.
    random_state : int or None, default=None
        Seed of the folds and the networks.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        Sorted labels; for several labels at once, their numbers; for several targets, a list with those of each.
    pipelines_ : list of Pipeline
        Fitted pipeline of each fold.
    final_pipeline_ : Pipeline or None
        Pipeline fitted on all rows, which predicts new rows where folds are by time; else None.
    train_rows_, test_rows_ : list of ndarray
        Training and test rows of each fold.
    oof_predictions_ : ndarray of shape (rows, classes)
        Out-of-fold probabilities, of classes or of labels: with repeated folds their mean. NaN for the earliest rows of
        folds by time, which no fold predicts.
    repeat_predictions_ : ndarray of shape (repeats, rows, classes) or None
        Out-of-fold probabilities of each repeat; None if folds are not repeated.
    threshold_, oof_thresholds_
        Thresholds of the labels, after `choose_threshold`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tabular_dl.estimators.keras_estimators import KerasClassifier
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("network", KerasClassifier(epochs=4, members=2))])
    >>> crossfit = CrossFitClassifier(pipeline, cv=3, random_state=0).fit(X, y)
    >>> crossfit.oof_predictions_.shape, crossfit.predict_proba(X.head(2)).shape
    ((178, 3), (2, 3))
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    @property
    def classes_(self) -> Any:
        """Sorted labels."""
        check_is_fitted(self, "pipelines_")
        return self.pipelines_[0].classes_

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return mean probabilities of the folds for raw rows, (rows, classes)."""
        return self._mean(X)

    @property
    def indicators_(self) -> bool:
        """Whether the problem is multilabel."""
        check_is_fitted(self, "pipelines_")
        return get_problem(self.pipelines_[0][-1].problem_).coding is Indicators

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: multilabel targets are supported if the last step supports them."""
        tags = super().__sklearn_tags__()
        last = get_tags(self.pipeline[-1]).classifier_tags
        tags.classifier_tags.multi_label = last is not None and last.multi_label
        return tags

    def _classes(self, y: np.ndarray) -> np.ndarray | list[np.ndarray] | None:
        if y.ndim == 1:
            return np.unique(y)
        return classes_of(y, problem_of(y, classification=True, name=self.pipeline[-1].problem))

    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        return predictor.predict_proba(X)


class CrossFitRegressor(Smeared, RoundedNumbers, RegressorMixin, _CrossFit):
    """Cross-fit a pipeline that ends in a `KerasRegressor` or a `ModelRegressor`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network or model.
    cv : int, splitter or list of (train, test), default=5
        Number of shuffled folds, or a splitter that tests every row once, or once in each repeat; None is 5.
    random_state : int or None, default=None
        Seed of the folds and the networks.

    Attributes
    ----------
    pipelines_, final_pipeline_, train_rows_, test_rows_
        The same as in `CrossFitClassifier`.
    oof_predictions_, repeat_predictions_ : ndarray of shape (rows,) and (repeats, rows)
        Out-of-fold values, as in `CrossFitClassifier`.
    labels_, cut_points_, oof_cut_points_
        Cut points of labels, after `choose_cut_points`.
    smearing_, fold_smearing_, smearing_scores_
        Correction of the mean of a model of logarithms, after `choose_smearing`.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict_values(self, X: pd.DataFrame) -> np.ndarray:
        """Return mean values of the folds for raw rows, (rows,)."""
        return smeared(self._mean(X), self.smearing_)

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return one fold's values, (rows,), for raw rows."""
        return self._smeared(fold, super().predict_fold(fold, X))

    def predict_encoded(self, fold: int, matrix: np.ndarray) -> np.ndarray:
        """Return what `predict_fold` does, for rows that the fold's steps have encoded, (rows, features)."""
        return self._smeared(fold, super().predict_encoded(fold, matrix))

    def _smeared(self, fold: int, values: np.ndarray) -> np.ndarray:
        return values if self.fold_smearing_ is None else smeared(values, float(self.fold_smearing_[fold]))

    def _classes(self, y: np.ndarray) -> None:
        del y

    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        return predictor.predict(X)

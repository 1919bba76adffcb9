"""Cross-fitting: every fold and member of a pipeline trained as one population.

Rows are split first. Each fold fits its own features and preprocessing on its own training rows, encodes all rows with
them, and brings its matrix to the population. What comes out:

- out-of-fold predictions: each row predicted by the networks of the one fold that did not train on it;
- a predictor: the mean over the folds' pipelines, which takes raw rows.

Training rows are encoded as `fit_transform` encodes them: where that looks at targets (target encoding), by the targets
of other training rows. That goes for the rows among them that early stopping is judged by, too.

So nothing that is fitted, from an imputer's median to the epoch of early stopping, has seen the rows it is scored on.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import get_tags
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, column_or_1d

from tabular_dl.errors import DataError
from tabular_dl.estimators import derived_seed, fit_together
from tabular_dl.model_selection.classification_threshold import Thresholded, forget_threshold
from tabular_dl.model_selection.fold_matrices import dense_matrix, fold_matrix, sharing
from tabular_dl.model_selection.folds import read_folds
from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.problems import Indicators, decide, get_problem
from tabular_dl.tables import read_rows, read_target

if TYPE_CHECKING:
    from tabular_dl.nn import EpochCallback
    from tabular_dl.problems import Metric

__all__ = ["CrossFitClassifier", "CrossFitRegressor", "baseline_scores", "fold_scores"]


class _CrossFit(BaseEstimator, ABC):
    """What both cross-fits share: splitting, fitting each fold's steps, training all folds together."""

    def __init__(self, pipeline: Pipeline, cv: Any = 5, random_state: int | None = None) -> None:
        self.pipeline = pipeline
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Any, groups: Any = None, on_epoch: EpochCallback | None = None) -> Self:
        """Train all folds and members as one population.

        Parameters
        ----------
        X : DataFrame of shape (rows, columns)
            Raw rows.
        y : array-like of shape (rows,) or (rows, targets)
            The target.
        groups : array-like of shape (rows,), optional
            What a row belongs to. Rows of one group are in one fold, and are held out for early stopping together.
        on_epoch : callable, optional
            As for `tabular_dl.nn.training.fit_population`; members are in the order fold by fold.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the folds do not test every row exactly once, there are fewer groups than folds, or rows cannot be used.
        """
        forget_threshold(self)
        classification = isinstance(self, ClassifierMixin)
        X = read_rows(self, X, reset=True)
        y = read_target(y, type(self).__name__, classification=classification)
        check_consistent_length(X, y)
        if groups is not None:
            groups = column_or_1d(groups)
            check_consistent_length(X, groups)
        splits = read_folds(self.cv, X, y, groups, classification=classification, seed=self.random_state)
        tested = np.sort(np.concatenate([test for _, test in splits]))
        if not np.array_equal(tested, np.arange(len(y))) or any(np.intersect1d(*split).size for split in splits):
            raise DataError(
                "cv: the folds have to test every row exactly once, and never a row that they train on, as KFold and "
                "StratifiedKFold do."
            )
        steps: list[Any] = []
        matrices: list[np.ndarray] = []
        networks: list[Any] = []
        for fold, (train, _) in enumerate(splits):
            if len(self.pipeline.steps) > 1:
                encoder, matrix, names = fold_matrix(self.pipeline[:-1], X, y, train, self.pipeline[-1].fold_types)
                steps.append(encoder.steps)
            else:
                steps.append([])
                matrix, names = dense_matrix(X, self.pipeline[-1].fold_types), getattr(self, "feature_names_in_", None)
            matrices = sharing([*matrices, matrix])
            # Seeds of their own make the folds' networks differ by more than their rows.
            network = clone(self.pipeline[-1]).name_features(names)
            networks.append(network.set_params(random_state=derived_seed(self.random_state, fold)))
        rows = [train for train, _ in splits]
        fit_together(networks, matrices, y, rows, self._classes(y), on_epoch=on_epoch, row_groups=groups)
        name = self.pipeline.steps[-1][0]
        self.pipelines_ = [Pipeline([*e, (name, n)]) for e, n in zip(steps, networks, strict=True)]
        self.train_rows_ = rows
        self.test_rows_ = [test for _, test in splits]
        parts = [self._raw(n, n.named(m[test])) for n, m, test in zip(networks, matrices, self.test_rows_, strict=True)]
        self.oof_predictions_ = np.concatenate(parts)[np.argsort(np.concatenate(self.test_rows_), kind="stable")]
        return self

    @property
    def curves_(self) -> dict[str, np.ndarray]:
        """The folds' learning curves side by side: ``{name: (epochs, folds x members)}``."""
        each = [pipeline[-1].curves_ for pipeline in self.pipelines_]
        return {name: np.concatenate([curves[name] for curves in each], axis=1) for name in each[0]}

    @property
    def history_(self) -> pd.DataFrame:
        """The folds' learning curves as a tidy table: as an estimator's, with a column ``fold`` from 0."""
        parts = [pipeline[-1].history_.assign(fold=fold) for fold, pipeline in enumerate(self.pipelines_)]
        return pd.concat(parts, ignore_index=True)

    @property
    def best_epoch_(self) -> np.ndarray:
        """The epoch, from 1, that each network's weights are from: (folds x members,)."""
        return np.concatenate([pipeline[-1].best_epoch_ for pipeline in self.pipelines_])

    @property
    def interrupted_(self) -> bool:
        """Whether Ctrl-C ended training before all networks were done."""
        return any(pipeline[-1].interrupted_ for pipeline in self.pipelines_)

    def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
        """Return one fold's probabilities or values for raw rows, such as its own test rows with a column shuffled.

        Parameters
        ----------
        fold : int
            From 0.
        X : DataFrame of shape (rows, columns)
            Raw rows.
        """
        check_is_fitted(self, "pipelines_")
        return self._raw(self.pipelines_[fold], read_rows(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that tables may be sparse where the pipeline takes them."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.pipeline).input_tags.sparse
        return tags

    def _mean(self, X: pd.DataFrame) -> np.ndarray:
        check_is_fitted(self, "pipelines_")
        X = read_rows(self, X, reset=False)
        predictions = [self._raw(pipeline, X) for pipeline in self.pipelines_]
        return np.asarray(np.mean(predictions, axis=0))

    @abstractmethod
    def _classes(self, y: np.ndarray) -> np.ndarray | None:
        """Return the labels, or None where the target is a number."""

    @abstractmethod
    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        """Return a predictor's probabilities, or its numbers."""


class CrossFitClassifier(Thresholded, ClassifierMixin, _CrossFit):
    """Cross-fit a pipeline that ends in a `KerasClassifier`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network.
    cv : int, splitter or list of (train, test), default=5
        The number of shuffled folds, or a splitter that tests every row once; None is 5. Folds of single labels are
        stratified.
    random_state : int or None, default=None
        Fixes the folds and the networks' seeds.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        The labels, sorted; of several labels at once, their numbers.
    pipelines_ : list of Pipeline
        One fitted pipeline a fold.
    train_rows_, test_rows_ : list of ndarray
        The rows that each fold trained on, and those that it did not.
    oof_predictions_ : ndarray of shape (rows, classes)
        Out-of-fold probabilities, of classes or of labels.
    threshold_, oof_thresholds_
        What labels are decided by, after `choose_threshold`.

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
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        check_is_fitted(self, "pipelines_")
        return self.pipelines_[0].classes_

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean of the folds' probabilities for raw rows, shape (rows, classes)."""
        return self._mean(X)

    @property
    def indicators_(self) -> bool:
        """Whether several labels are predicted at once, each yes or no."""
        check_is_fitted(self, "pipelines_")
        return get_problem(self.pipelines_[0][-1].problem_).coding is Indicators

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that several labels at once may be learned."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _classes(self, y: np.ndarray) -> np.ndarray | None:
        return np.unique(y) if y.ndim == 1 else None

    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        return predictor.predict_proba(X)


class CrossFitRegressor(RegressorMixin, _CrossFit):
    """Cross-fit a pipeline that ends in a `KerasRegressor`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted steps from raw rows to the network.
    cv : int, splitter or list of (train, test), default=5
        The number of shuffled folds, or a splitter that tests every row once; None is 5.
    random_state : int or None, default=None
        Fixes the folds and the networks' seeds.

    Attributes
    ----------
    pipelines_, train_rows_, test_rows_
        As in `CrossFitClassifier`.
    oof_predictions_ : ndarray of shape (rows,)
        Out-of-fold values.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean of the folds' values for raw rows."""
        return self._mean(X)

    def _classes(self, y: np.ndarray) -> None:
        del y

    def _raw(self, predictor: Any, X: Any) -> np.ndarray:
        return predictor.predict(X)


def fold_scores(crossfit: Any, y: np.ndarray, metric: Metric) -> np.ndarray:
    """Score each fold on the rows that it did not train on, by the threshold of the other folds, shape (folds,)."""
    classes, predictions = getattr(crossfit, "classes_", None), crossfit.oof_predictions_
    thresholds = getattr(crossfit, "oof_thresholds_", None)
    if metric.looks_at == "labels" and thresholds is not None:
        predictions = decide(predictions, thresholds)
    return np.array([metric(y[rows], predictions[rows], classes) for rows in crossfit.test_rows_])


def baseline_scores(
    crossfit: Any, X: pd.DataFrame, y: np.ndarray, baselines: Mapping[str, Any], metric: Metric
) -> dict[str, np.ndarray]:
    """Score simple models on the same folds, with each fold's own features and preprocessing.

    Features are the fold's. Preprocessing is fitted anew, as `tabular_dl.model_selection.fold_matrices.fold_matrix`
    does: what encodes training rows by their targets needs them for that. Categories that the network embeds are
    one-hot, and a target that it transforms is transformed.

    Parameters
    ----------
    crossfit : CrossFitClassifier or CrossFitRegressor
        Fitted on the same rows.
    X, y : DataFrame and ndarray
        The raw rows and target that it was fitted on.
    baselines : dict of str to estimator
        Unfitted scikit-learn estimators.
    metric : Metric
        What to score by.

    Returns
    -------
    dict of str to ndarray of shape (folds,)
    """
    classes = getattr(crossfit, "classes_", None)
    scores: dict[str, list[float]] = {name: [] for name in baselines}
    folds = zip(crossfit.pipelines_, crossfit.train_rows_, crossfit.test_rows_, strict=True)
    for pipeline, train, test in folds:
        steps, table = pipeline[:-1], X
        if len(steps.steps) and isinstance(steps[0], DerivedFeatures):
            # They look at no target, so the fold's own are those of its training rows as well.
            steps, table = steps[1:], steps[0].transform(X)
        matrix = (
            fold_matrix(steps, table, y, train, np.float64)[1]
            if len(steps.steps)
            else check_array(table, accept_sparse="csr")
        )
        for name, baseline in baselines.items():
            with warnings.catch_warnings():
                # Many classes of few rows each are what the user has.
                warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
                model = _like_network(clone(baseline), pipeline[-1]).fit(matrix[train], y[train])
            if classes is None:
                predicted = model.predict(matrix[test])
            elif y.ndim == 2:
                predicted = _of_labels(model, matrix[test])
            else:
                # A class that no training row of the fold has is given no probability.
                predicted = np.zeros((len(test), len(classes)))
                predicted[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(matrix[test])
            scores[name].append(metric(y[test], predicted, classes))
    return {name: np.array(values) for name, values in scores.items()}


def _of_labels(model: Any, X: Any) -> np.ndarray:
    """Return a simple model's probability of each label, (rows, labels)."""
    found = model.predict_proba(X)
    if not isinstance(found, list):
        return found
    # A table of two columns a label, or of one where all training rows were alike.
    return np.column_stack([p[:, known == 1].sum(axis=1) for p, known in zip(found, model.classes_, strict=True)])


def _like_network(baseline: Any, network: Any) -> Any:
    """Give a simple model what a fitted network does with its inputs and its target."""
    model, embedded = baseline, network.inputs_["categorical"]
    if embedded:
        # The numbers of categories are in no order.
        one_hot = ColumnTransformer(
            [("codes", OneHotEncoder(handle_unknown="ignore"), embedded)], remainder="passthrough"
        )
        model = make_pipeline(one_hot, model)
    if network.target_transform is not None:
        coding = network.target_coding_
        model = TransformedTargetRegressor(model, func=coding.encode, inverse_func=coding.decode, check_inverse=False)
    return model

"""Scores of simple models on the folds of a cross-fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_array
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from tabular_dl.estimators import ModelEstimator, cores
from tabular_dl.model_selection.fold_matrices import fold_matrix
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.model_selection.scoring import row_scorer
from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.problems import TRANSFORMS, Metric, each_target, known_values

__all__ = ["baseline_scores"]

# Numbers of the matrices that are fitted side by side, each of which is copied.
MOST_COPIED = 50_000_000


def baseline_scores(
    crossfit: Any,
    X: pd.DataFrame,
    y: np.ndarray,
    baselines: Mapping[str, Any],
    metric: Metric,
    matrices: Sequence[np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Return the scores of simple models on the same folds, with each fold's features and preprocessing.

    Columns of codes are one-hot encoded for models that do not read categories, and numbers standardized where the
    pipeline's own model is no network. The target is transformed as for the pipeline's own model. Models are
    fitted side by side in threads, each on its rows in float64.

    Parameters
    ----------
    crossfit : CrossFitClassifier or CrossFitRegressor
        Fitted cross-fit.
    X, y : DataFrame and ndarray
        Raw rows and target that it was fitted on.
    baselines : dict of str to estimator
        Unfitted estimators: scikit-learn's, or `ModelClassifier` and `ModelRegressor`.
    metric : Metric
        Metric of the scores.
    matrices : sequence of ndarray of shape (rows, features), optional
        All rows as each fold reads them, which `fit` gives to ``on_encoded``. By default preprocessing is fitted again,
        by `tabular_dl.model_selection.fold_matrices.fold_matrix`, because target encoding of training rows needs their
        targets. Models that read the target alone, such as the mean, need no matrix.

    Returns
    -------
    dict of str to ndarray of shape (folds,)
        Scores of each model.
    """
    folds = range(len(crossfit.test_rows_))
    reading = [name for name, baseline in baselines.items() if not _is_constant(baseline)]
    tasks = [(fold, name) for fold in folds for name in baselines]
    if matrices is None and reading:
        matrices = [_encoded(crossfit, X, y, fold) for fold in folds]
    none = np.empty((len(y), 0))
    data = {(fold, name): matrices[fold] if matrices and name in reading else none for fold, name in tasks}
    cells = max((matrix.size for matrix in data.values()), default=0)
    workers = max(1, min(cores(), len(folds) * len(reading), MOST_COPIED // max(1, cells)))
    # The threads of a matrix product would wait for the cores that other models use.
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        # Small classes are a property of the user's data, not a mistake.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        predict = delayed(_predictions)
        predicted = Parallel(n_jobs=workers, prefer="threads")(
            predict(crossfit, data[task], y, baselines[task[1]], task[0]) for task in tasks
        )
    scorer = row_scorer(y, metric, getattr(crossfit, "classes_", None), weights_of_model(crossfit))
    scores: dict[str, list[float]] = {name: [] for name in baselines}
    for (fold, name), predictions in zip(tasks, predicted, strict=True):
        scores[name].append(scorer(crossfit.test_rows_[fold])(predictions))
    return {name: np.array(values) for name, values in scores.items()}


def _is_constant(baseline: Any) -> bool:
    """Return whether a simple model reads the target alone."""
    return isinstance(baseline, DummyClassifier | DummyRegressor)


def _encoded(crossfit: Any, X: pd.DataFrame, y: np.ndarray, fold: int) -> np.ndarray:
    """Return all rows as the steps of a fold, fitted again, encode them: (rows, features)."""
    steps, table = crossfit.pipelines_[fold][:-1], X
    if len(steps.steps) and isinstance(steps[0], DerivedFeatures):
        # Derived features depend on the targets of strictly earlier training rows at most, so the fitted ones can
        # transform training rows.
        steps, table = steps[1:], steps[0].transform(X)
    if not len(steps.steps):
        return check_array(table, accept_sparse="csr", ensure_all_finite="allow-nan")
    return fold_matrix(steps, table, y, crossfit.train_rows_[fold], np.float64, missing=True)[1]


def _predictions(crossfit: Any, matrix: np.ndarray, y: np.ndarray, baseline: BaseEstimator, fold: int) -> np.ndarray:
    """Return what a simple model, fitted on the training rows of a fold, predicts for its test rows."""
    classes = getattr(crossfit, "classes_", None)
    # Of several targets with unknown values, each has a model of its own.
    targets = y.T if y.ndim == 2 and known_values(y) is not None else [y]
    models = [_fitted(crossfit, matrix, target, baseline, fold) for target in targets]
    rows = matrix[crossfit.test_rows_[fold]].astype(np.float64, copy=False)
    if classes is None:
        predicted = [np.asarray(model.predict(rows)) for model in models]
        return predicted[0] if len(predicted) == 1 else np.column_stack(predicted)
    (model,) = models
    if y.ndim == 2:
        return _label_probabilities(model, rows, classes)
    # The probability of classes without training rows in the fold is 0.
    probabilities = np.zeros((len(rows), len(classes)))
    probabilities[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(rows)
    return probabilities


def _fitted(crossfit: Any, matrix: np.ndarray, y: np.ndarray, baseline: BaseEstimator, fold: int) -> Any:
    """Return a simple model that is fitted on those training rows of a fold that have the target."""
    rows, has_target = crossfit.train_rows_[fold], known_values(y) if y.ndim == 1 else None
    rows = rows if has_target is None else rows[has_target[rows]]
    weights = weights_at(weights_of_model(crossfit), rows)
    plain = clone(baseline) if weights is None else _weighable(clone(baseline))
    model = _like_last(plain, crossfit.pipelines_[fold][-1], y[rows], weights)
    given = {} if weights is None else {_weight_argument(model): weights}
    return model.fit(matrix[rows].astype(np.float64, copy=False), y[rows], **given)


def _label_probabilities(model: ClassifierMixin, X: np.ndarray, classes: np.ndarray | list[np.ndarray]) -> np.ndarray:
    """Return a simple model's probability of each label, (rows, labels), or of each class of several targets."""
    probabilities = model.predict_proba(X)
    if isinstance(probabilities, np.ndarray) and isinstance(classes, list):
        probabilities = [part for part, _ in each_target(probabilities, model.classes_)]
    if isinstance(probabilities, np.ndarray):
        return probabilities
    # One array per target, with a column for each of its classes that the training rows had.
    all_labels = classes if isinstance(classes, list) else [np.array([1])] * len(probabilities)
    return np.column_stack(
        [
            values[:, learned_labels == label].sum(axis=1)
            for values, learned_labels, labels in zip(probabilities, model.classes_, all_labels, strict=True)
            for label in labels
        ]
    )


def _weighable(baseline: BaseEstimator) -> BaseEstimator:
    """Return a simple model that takes weights of rows: without them a chain of labels, else each label for itself."""
    return MultiOutputClassifier(baseline.estimator) if isinstance(baseline, ClassifierChain) else baseline


def _weight_argument(model: BaseEstimator) -> str:
    """Return the name of the argument of `fit` with the weights of rows, which pipelines pass to a step."""
    if isinstance(model, TransformedTargetRegressor):
        return _weight_argument(model.regressor)
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{_weight_argument(last)}"
    return "sample_weight"


def _like_last(baseline: BaseEstimator, last: Any, y: np.ndarray, weights: np.ndarray | None) -> BaseEstimator:
    """Return a simple model with the input encoding and target transformation of a pipeline's fitted last step."""
    guest = isinstance(last, ModelEstimator)
    coded = last.categorical_features or [] if guest else last.inputs_["categorical"]
    if isinstance(baseline, ModelEstimator):
        return baseline.set_params(categorical_features=[*coded], target_transform=last.target_transform)
    model = baseline
    if _is_constant(baseline):
        return _transformed(model, last, y, weights)
    # Rules for other models may leave numbers as they are, on which a linear model would not converge.
    scaler = StandardScaler() if guest else "passthrough"
    if coded:
        # Codes of categories have no order.
        one_hot = ColumnTransformer(
            [("codes", OneHotEncoder(handle_unknown="ignore", sparse_output=False), coded)], remainder=scaler
        )
        model = make_pipeline(one_hot, model)
    elif guest:
        model = make_pipeline(scaler, model)
    if guest and last.reads_missing:
        model = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)
    return _transformed(model, last, y, weights)


def _transformed(model: BaseEstimator, last: Any, y: np.ndarray, weights: np.ndarray | None) -> BaseEstimator:
    """Return a simple model of the target as a pipeline's last step transforms it."""
    if last.target_transform is None:
        return model
    coding = TRANSFORMS[last.target_transform].learn(y, weights=weights)
    return TransformedTargetRegressor(model, func=coding.encode, inverse_func=coding.decode, check_inverse=False)

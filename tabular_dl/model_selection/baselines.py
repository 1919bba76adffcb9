"""Scores of simple models on the folds of a cross-fit."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_array

from tabular_dl.estimators import ModelEstimator
from tabular_dl.model_selection.fold_matrices import fold_matrix
from tabular_dl.model_selection.row_weights import weights_at, weights_of_model
from tabular_dl.preprocessing import DerivedFeatures
from tabular_dl.problems import TRANSFORMS, Metric, each_target, known_values, metric_at

__all__ = ["baseline_scores"]


def baseline_scores(
    crossfit: Any, X: pd.DataFrame, y: np.ndarray, baselines: Mapping[str, Any], metric: Metric
) -> dict[str, np.ndarray]:
    """Return the scores of simple models on the same folds, with each fold's features and preprocessing.

    Preprocessing is fitted again by `tabular_dl.model_selection.fold_matrices.fold_matrix`, because target encoding of
    training rows needs their targets. Columns of codes are one-hot encoded for models that do not read categories, and
    numbers standardized where the pipeline's own model is none of networks. The target is transformed as for the
    pipeline's own model.

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

    Returns
    -------
    dict of str to ndarray of shape (folds,)
        Scores of each model.
    """
    classes, weights = getattr(crossfit, "classes_", None), weights_of_model(crossfit)
    scores: dict[str, list[float]] = {name: [] for name in baselines}
    folds = zip(crossfit.pipelines_, crossfit.train_rows_, crossfit.test_rows_, strict=True)
    for pipeline, train, test in folds:
        steps, table = pipeline[:-1], X
        if len(steps.steps) and isinstance(steps[0], DerivedFeatures):
            # Derived features depend on the targets of strictly earlier training rows at most, so the fitted ones can
            # transform training rows.
            steps, table = steps[1:], steps[0].transform(X)
        matrix = (
            fold_matrix(steps, table, y, train, np.float64, missing=True)[1]
            if len(steps.steps)
            else check_array(table, accept_sparse="csr", ensure_all_finite="allow-nan")
        )
        for name, baseline in baselines.items():
            with warnings.catch_warnings():
                # Small classes are a property of the user's data, not a mistake.
                warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
                if y.ndim == 2 and known_values(y) is not None:
                    models = [_fitted(baseline, pipeline[-1], matrix, column, train, weights) for column in y.T]
                else:
                    model = _fitted(baseline, pipeline[-1], matrix, y, train, weights)
                    models = [model]
            if classes is None:
                predicted = np.column_stack([model.predict(matrix[test]) for model in models])
                predicted = predicted if y.ndim == 2 else predicted[:, 0]
            elif y.ndim == 2:
                predicted = _label_probabilities(model, matrix[test], classes)
            else:
                # The probability of classes without training rows in the fold is 0.
                predicted = np.zeros((len(test), len(classes)))
                predicted[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(matrix[test])
            score = metric_at(metric, test)(y[test], predicted, classes, weights_at(weights, test))
            scores[name].append(score)
    return {name: np.array(values) for name, values in scores.items()}


def _fitted(
    baseline: Any, last: Any, X: Any, y: np.ndarray, train: np.ndarray, weights: np.ndarray | None
) -> BaseEstimator:
    """Return a simple model that is fitted on those training rows that have the target."""
    known = known_values(y) if y.ndim == 1 else None
    rows = train if known is None else train[known[train]]
    own = weights_at(weights, rows)
    plain = clone(baseline) if own is None else _weighable(clone(baseline))
    model = _like_last(plain, last, y[rows], own)
    return model.fit(X[rows], y[rows], **({} if own is None else {_weight_argument(model): own}))


def _label_probabilities(model: ClassifierMixin, X: np.ndarray, classes: np.ndarray | list[np.ndarray]) -> np.ndarray:
    """Return a simple model's probability of each label, (rows, labels), or of each class of several targets."""
    probabilities = model.predict_proba(X)
    if isinstance(probabilities, np.ndarray) and isinstance(classes, list):
        probabilities = [part for part, _ in each_target(probabilities, model.classes_)]
    if isinstance(probabilities, np.ndarray):
        return probabilities
    # One array per target, with a column for each of its classes that the training rows had.
    wanted = classes if isinstance(classes, list) else [np.array([1])] * len(probabilities)
    return np.column_stack(
        [
            values[:, known == label].sum(axis=1)
            for values, known, labels in zip(probabilities, model.classes_, wanted, strict=True)
            for label in labels
        ]
    )


def _weighable(baseline: BaseEstimator) -> BaseEstimator:
    """Return a simple model that takes weights of rows: without them a chain of labels, else each label for itself."""
    return MultiOutputClassifier(baseline.estimator) if isinstance(baseline, ClassifierChain) else baseline


def _weight_argument(model: BaseEstimator) -> str:
    """Return the name of the argument of `fit` with the weights of rows, which pipelines hand on to a step."""
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
    # Rules for other models may leave numbers as they are, on which a linear model would not converge.
    rest = StandardScaler() if guest else "passthrough"
    if coded:
        # Codes of categories have no order.
        one_hot = ColumnTransformer(
            [("codes", OneHotEncoder(handle_unknown="ignore", sparse_output=False), coded)], remainder=rest
        )
        model = make_pipeline(one_hot, model)
    elif guest:
        model = make_pipeline(rest, model)
    if guest and last.reads_missing:
        model = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), model)
    if last.target_transform is not None:
        coding = TRANSFORMS[last.target_transform].learn(y, weights=weights)
        model = TransformedTargetRegressor(model, func=coding.encode, inverse_func=coding.decode, check_inverse=False)
    return model

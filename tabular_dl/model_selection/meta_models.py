"""Meta models: estimators that are trained on the out-of-fold predictions of other models (Wolpert, 1992, stacking).

======================  ============================================================================================
logistic                for classes: logistic regression of logits
ridge                   for numbers: ridge regression, whose penalty is chosen by leave-one-out cross-validation
hist_gradient_boosting  few small boosted trees; for two classes and for numbers, rising in each model's prediction
network                 a small network with a linear path around its hidden layer
======================  ============================================================================================

Several meta models of one name, each for rows of its own, are trained together: nested scores need one for each fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.estimators import (
    KerasClassifier,
    KerasRegressor,
    ModelClassifier,
    ModelEstimator,
    ModelRegressor,
    derived_seed,
    fit_models,
    fit_together,
)
from tabular_dl.model_selection.fold_matrices import dense_matrix, fold_matrix, sharing

__all__ = ["META_MODELS", "MetaModel", "RawColumns", "check_meta", "default_meta", "fit_meta_models"]

META_MODELS = ("ridge", "logistic", "network", "hist_gradient_boosting")
SMALLEST = 1e-6  # distance from 0 and 1 to which probabilities are clipped before a logarithm
PENALTIES = np.logspace(-3, 3, 13).tolist()
TREES: dict[str, Any] = {
    "max_iter": 200,
    "max_leaf_nodes": 3,
    "min_samples_leaf": 10,
    "learning_rate": 0.1,
    "l2_regularization": 1.0,
}
NETWORK: dict[str, Any] = {
    "hidden": [16],
    "linear_skip": True,
    "epochs": 60,
    "early_stopping": 10,
    "learning_rate": 0.01,
}


@dataclass(frozen=True)
class RawColumns:
    """Raw rows that meta models read beside the predictions.

    Attributes
    ----------
    X : DataFrame of shape (rows, columns)
        Rows of the predictions.
    steps : Pipeline
        Unfitted steps that encode them. They are fitted on the rows of each meta model.
    categorical_features : tuple of int
        Encoded columns whose whole numbers stand for categories.
    missing : bool
        Whether encoded values may be missing.
    """

    X: Any
    steps: Pipeline
    categorical_features: tuple[int, ...] = ()
    missing: bool = False

    def of(self, rows: np.ndarray) -> RawColumns:
        """Return the columns of some rows."""
        return replace(self, X=_safe_indexing(self.X, rows))


def default_meta(*, classification: bool) -> str:
    """Return the meta model of a stack that names none.

    Examples
    --------
    >>> default_meta(classification=True), default_meta(classification=False)
    ('logistic', 'ridge')
    """
    return "logistic" if classification else "ridge"


def check_meta(name: str, *, classification: bool | None = None, missing: bool = False) -> None:
    """Raise an error for a meta model that cannot be trained.

    Parameters
    ----------
    name : str
        Name of the meta model.
    classification : bool or None, default=None
        Whether the target consists of labels, if that is known.
    missing : bool, default=False
        Whether raw columns have missing values.

    Raises
    ------
    SpecError
        If there is no such meta model, it is not for this target, or it does not read missing values.

    Examples
    --------
    >>> check_meta("ridge", classification=True)
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: --meta ridge predicts numbers, not probabilities of classes: write --meta logistic.
    """
    if name not in META_MODELS:
        raise SpecError(f"--meta: there is no {name!r}. {did_you_mean(name, META_MODELS)}")
    if classification and name == "ridge":
        raise SpecError("--meta ridge predicts numbers, not probabilities of classes: write --meta logistic.")
    if classification is False and name == "logistic":
        raise SpecError("--meta logistic predicts classes, but the target is a number: write --meta ridge.")
    if missing and name != "hist_gradient_boosting":
        raise SpecError(
            f"--passthrough: the columns of these runs have missing values, which {name} does not read: write "
            "--meta hist_gradient_boosting --levels 1, or blend a run of networks with them."
        )


class MetaModel(BaseEstimator):
    """Estimator that predicts the target from the predictions of other models.

    Parameters
    ----------
    name : str, default="logistic"
        One of `META_MODELS`.
    settings : mapping or None, default=None
        Settings that the models share: ``class_weight``, ``target_transform``, ``bounds``.
    random_state : int, default=0
        Seed.

    Attributes
    ----------
    model_ : estimator
        Fitted estimator.
    scaler_ : StandardScaler or None
        Scaler of the predictions; None if they are read as they are.
    steps_ : Pipeline or None
        Fitted steps that encode raw columns; None if predictions alone are read.
    """

    __module__ = "tabular_dl.model_selection"  # stored models name this path: it stays

    def __init__(
        self, name: str = "logistic", settings: Mapping[str, Any] | None = None, random_state: int = 0
    ) -> None:
        self.name = name
        self.settings = settings
        self.random_state = random_state

    def prepare(
        self, predictions: np.ndarray, y: np.ndarray, rows: np.ndarray, raw: RawColumns | None, *, classification: bool
    ) -> np.ndarray:
        """Fit all but the estimator on the rows, and return the estimator's matrix of all rows.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes)
            Predictions of all rows.
        y : ndarray of shape (rows,)
            Target; only that of the training rows is used.
        rows : ndarray of int
            Numbers of the training rows.
        raw : RawColumns or None
            Raw columns that are read as well.
        classification : bool
            Whether the target consists of labels.

        Returns
        -------
        ndarray of shape (rows, features)
            Encoded raw columns, then predictions.
        """
        values = self._values(predictions, classification=classification)
        scaled = self.name == "network" or not classification
        self.scaler_ = StandardScaler().fit(values[rows]) if scaled else None
        self.steps_ = None
        parts = [values if self.scaler_ is None else self.scaler_.transform(values)]
        coded: tuple[int, ...] = ()
        if raw is not None:
            self.steps_, matrix, _ = fold_matrix(raw.steps, raw.X, y, rows, np.float64, missing=raw.missing)
            parts, coded = [matrix, *parts], raw.categorical_features
        self.model_ = self._estimator(
            sum(part.shape[1] for part in parts), len(predictions), coded, predictions.shape[2]
        )
        return np.hstack(parts).astype(np.float32 if self.name == "network" else np.float64)

    def combine(self, predictions: np.ndarray, X: Any = None) -> np.ndarray:
        """Return the prediction of each row.

        Parameters
        ----------
        predictions : ndarray of shape (models, rows, classes)
            Predictions of the models, in the order of training.
        X : DataFrame of shape (rows, columns), optional
            Raw rows, for meta models that read them.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, 1)
            Probabilities or numbers.
        """
        values = self._values(predictions, classification=hasattr(self.model_, "predict_proba"))
        values = values if self.scaler_ is None else self.scaler_.transform(values)
        if self.steps_ is not None:
            missing = getattr(self.model_, "reads_missing", False)
            values = np.hstack([dense_matrix(self.steps_.transform(X), np.float64, missing=missing), values])
        return self.predicted(values.astype(np.float32 if self.name == "network" else np.float64))

    def predicted(self, matrix: np.ndarray) -> np.ndarray:
        """Return the prediction of each row of a matrix of `prepare`."""
        if hasattr(self.model_, "predict_proba"):
            return np.asarray(self.model_.predict_proba(matrix), np.float64)
        return np.asarray(self.model_.predict(matrix), np.float64)[:, np.newaxis]

    @property
    def coefficients(self) -> np.ndarray | None:
        """Coefficients of the matrix's columns, (outputs, features); None for models that are not linear."""
        linear = self.model_.models_[0] if self.name in ("logistic", "ridge") else None
        linear = linear[-1] if isinstance(linear, Pipeline) else linear
        return None if linear is None else np.atleast_2d(linear.coef_)

    def _values(self, predictions: np.ndarray, *, classification: bool) -> np.ndarray:
        """Return logits or numbers, (rows, models x columns)."""
        values = np.asarray(predictions, np.float64)
        if classification:
            clipped = np.clip(values, SMALLEST, 1 - SMALLEST)
            # For two classes, the second column determines the first.
            values = np.log(clipped / (1 - clipped))[:, :, 1:] if values.shape[2] == 2 else np.log(clipped)
        elif (self.settings or {}).get("target_transform") == "log1p":
            values = np.log1p(np.maximum(values, 0.0))
        return np.concatenate(list(values), axis=1)

    def _estimator(self, features: int, models: int, coded: Sequence[int], classes: int) -> Any:
        """Return the unfitted estimator."""
        shared = {**(self.settings or {}), "categorical_features": list(coded) or None}
        shared["random_state"] = self.random_state
        if self.name == "network":
            return (KerasRegressor if classes == 1 else KerasClassifier)(**NETWORK, **shared)
        estimator_class = ModelRegressor if classes == 1 else ModelClassifier
        if self.name == "ridge":
            return estimator_class("sklearn.linear_model:RidgeCV", parameters={"alphas": PENALTIES}, **shared)
        if self.name == "logistic":
            # scikit-learn warns of n_jobs, which has no effect on this model any more.
            return estimator_class("logistic", parameters={"max_iter": 5000, "n_jobs": None}, **shared)
        rising: dict[str, Any] = {} if classes > 2 else {"monotonic_cst": [0] * (features - models) + [1] * models}
        return estimator_class("hist_gradient_boosting", parameters={**TREES, **rising}, **shared)


def fit_meta_models(
    name: str,
    predictions: Sequence[np.ndarray],
    y: np.ndarray,
    training_rows: Sequence[np.ndarray],
    classes: np.ndarray | None,
    raw: RawColumns | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
) -> tuple[list[MetaModel], list[np.ndarray]]:
    """Train meta models, each on its own rows, and predict all rows by each.

    Parameters
    ----------
    name : str
        One of `META_MODELS`.
    predictions : sequence of M ndarrays of shape (models, rows, classes) or (models, rows, 1)
        Predictions that each meta model reads.
    y : ndarray of shape (rows,)
        Target of all rows.
    training_rows : sequence of M integer arrays
        Numbers of the training rows of each meta model.
    classes : ndarray of shape (classes,) or None
        Label of each column; None for numbers.
    raw : RawColumns, optional
        Raw columns that they read as well.
    settings : mapping, optional
        As for `MetaModel`.
    seed : int, default=0
        Seed, from which that of each meta model is derived.
    sample_weight : ndarray of shape (rows,), optional
        Weight of each row.

    Returns
    -------
    tuple of list of M MetaModel and list of M ndarrays of shape (rows, classes) or (rows, 1)
        Fitted meta models, and the predictions of each for all rows.

    Raises
    ------
    SpecError
        If the meta model is not for this target.
    DataError
        If rows cannot be trained on, as those of one class.
    """
    check_meta(name, classification=classes is not None, missing=raw is not None and raw.missing)
    metas = [MetaModel(name, settings, derived_seed(seed, number)) for number in range(len(training_rows))]
    matrices: list[np.ndarray] = []
    for meta, inputs, rows in zip(metas, predictions, training_rows, strict=True):
        matrix = meta.prepare(inputs, y, rows, raw, classification=classes is not None)
        matrices = sharing([*matrices, matrix])
    estimators = [meta.model_ for meta in metas]
    train = fit_models if isinstance(estimators[0], ModelEstimator) else fit_together
    train(estimators, matrices, y, training_rows, classes, sample_weight=sample_weight)
    return metas, [meta.predicted(matrix) for meta, matrix in zip(metas, matrices, strict=True)]

"""Libraries of models: how each fits a model, and stores it without pickle.

A library's models are kept in its own text or JSON format, and made anew from it to predict, so that a model predicts
the same before and after it is stored. To add a library, add a class and a row to `LIBRARIES`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import ThreadpoolController

from tabular_dl.errors import SpecError

__all__ = ["LIBRARIES", "Library", "Rows", "cores"]

# Categories of a column that HistGradientBoosting takes as such.
MOST_CATEGORIES = 255
# Rows from which on threads predict sooner than one. Boosted trees add up each row in one of them, so that predictions
# do not depend on their number.
MANY_ROWS = 20_000


@dataclass(frozen=True)
class Rows:
    """Rows to train on, or to stop the training by.

    Attributes
    ----------
    X : ndarray of shape (rows, features)
        Features, float64; missing values and unknown categories are NaN.
    y : ndarray of shape (rows,)
        Numbers, or class numbers from 0.
    weights : ndarray of shape (rows,) or None
        Weights.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None


class Library:
    """Models of scikit-learn, and base class of the other libraries.

    Columns of categories, which these models do not read, are one-hot encoded.
    """

    names = ("random_state", "n_jobs")

    def settings(self, known: Sequence[str], categorical: Sequence[int], seed: int, threads: int) -> dict[str, Any]:
        """Return the parameters that follow from the pipeline, of those that the model knows."""
        del categorical
        values = dict(zip(self.names, (seed, threads), strict=True))
        if threads == 1:
            values.pop("n_jobs", None)  # None means 1
        return {name: value for name, value in values.items() if name in known}

    def fit(
        self, model: Any, train: Rows, held_out: Rows | None, categorical: Sequence[int], patience: int | None
    ) -> Any:
        """Fit a model, and return what predicts."""
        del held_out, patience
        if train.weights is not None and not has_fit_parameter(model, "sample_weight"):
            raise SpecError(
                f"class_weight, sample_weight: {type(model).__name__} takes no weights of rows: leave them out."
            )
        if categorical:
            one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            codes = ColumnTransformer([("codes", one_hot, list(categorical))], remainder="passthrough")
            weights = {} if train.weights is None else {f"{type(model).__name__.lower()}__sample_weight": train.weights}
            return make_pipeline(codes, model).fit(train.X, train.y, **weights)
        return model.fit(train.X, train.y, **({} if train.weights is None else {"sample_weight": train.weights}))

    def rounds(self, fitted: Any) -> int | None:
        """Return the number of boosting rounds that predict; None if there are none."""
        del fitted
        return None

    def stored(self, fitted: Any) -> Any:
        """Return a fitted model in the form in which it is stored.

        It predicts in one thread: several add up in any order, and their number depends on the machine.
        """
        last = fitted[-1] if isinstance(fitted, Pipeline) else fitted
        if "n_jobs" in last.get_params(deep=False):
            last.set_params(n_jobs=None)
        return fitted

    def opened(self, stored: Any, *, classification: bool) -> Any:
        """Return a model that predicts from its stored form."""
        del classification
        return stored

    def predict(self, model: Any, X: np.ndarray, categorical: Sequence[int], *, classification: bool) -> np.ndarray:
        """Return probabilities, (rows, classes), or values, (rows,)."""
        del categorical
        if not classification:
            return np.asarray(model.predict(X), float)
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(X), float)
        # Without probabilities, the predicted class has that of 1.
        return (np.asarray(model.predict(X))[:, np.newaxis] == model.classes_).astype(float)


class HistGradientBoosting(Library):
    """scikit-learn's gradient boosting, which reads columns of up to 255 categories as such."""

    def settings(self, known: Sequence[str], categorical: Sequence[int], seed: int, threads: int) -> dict[str, Any]:
        """Return the parameters that follow from the pipeline."""
        return {**super().settings(known, categorical, seed, threads), "early_stopping": False}

    def fit(
        self, model: Any, train: Rows, held_out: Rows | None, categorical: Sequence[int], patience: int | None
    ) -> Any:
        """Fit a model, and return it."""
        few = [column for column in categorical if np.nanmax(train.X[:, column], initial=0) < MOST_CATEGORIES]
        settings: dict[str, Any] = {"categorical_features": few or None}
        validation: dict[str, Any] = {}
        if held_out is not None:
            settings |= {"early_stopping": True, "n_iter_no_change": patience, "scoring": "loss"}
            validation = {"X_val": held_out.X, "y_val": held_out.y, "sample_weight_val": held_out.weights}
        with _one_thread():
            return model.set_params(**settings).fit(train.X, train.y, train.weights, **validation)

    def rounds(self, fitted: Any) -> int:
        """Return the number of boosting rounds."""
        return int(fitted.n_iter_)

    def predict(self, model: Any, X: np.ndarray, categorical: Sequence[int], *, classification: bool) -> np.ndarray:
        """Return probabilities or values."""
        with _one_thread() if len(X) < MANY_ROWS else nullcontext():
            return super().predict(model, X, categorical, classification=classification)


class LightGBM(Library):
    """LightGBM, stored in its text format."""

    def settings(self, known: Sequence[str], categorical: Sequence[int], seed: int, threads: int) -> dict[str, Any]:
        """Return the parameters that follow from the pipeline."""
        settings = super().settings(known, categorical, seed, threads)
        return {**settings, "n_jobs": threads, "verbose": -1, "deterministic": True}

    def fit(
        self, model: Any, train: Rows, held_out: Rows | None, categorical: Sequence[int], patience: int | None
    ) -> Any:
        """Fit a model, and return its booster with the best rounds."""
        from lightgbm import early_stopping

        validation: dict[str, Any] = {}
        if held_out is not None:
            weights = None if held_out.weights is None else [held_out.weights]
            stop = early_stopping(patience, verbose=False)
            validation = {"eval_X": held_out.X, "eval_y": held_out.y, "callbacks": [stop]}
            validation |= {"eval_sample_weight": weights}
        columns = list(categorical) or "auto"
        model.fit(train.X, train.y, train.weights, categorical_feature=columns, **validation)
        return model.booster_

    def rounds(self, fitted: Any) -> int:
        """Return the number of boosting rounds that predict."""
        return int(fitted.best_iteration if fitted.best_iteration > 0 else fitted.current_iteration())

    def stored(self, fitted: Any) -> str:
        """Return the text of the rounds up to the best."""
        return str(fitted.model_to_string(num_iteration=self.rounds(fitted)))

    def opened(self, stored: Any, *, classification: bool) -> Any:
        """Return the booster."""
        from lightgbm import Booster

        del classification
        return Booster(model_str=stored)

    def predict(self, model: Any, X: np.ndarray, categorical: Sequence[int], *, classification: bool) -> np.ndarray:
        """Return probabilities or values."""
        del categorical
        predictions = np.asarray(model.predict(X, num_threads=_row_threads(X)))
        return _both_classes(predictions) if classification else predictions


class XGBoost(Library):
    """XGBoost, stored in its JSON format."""

    def settings(self, known: Sequence[str], categorical: Sequence[int], seed: int, threads: int) -> dict[str, Any]:
        """Return the parameters that follow from the pipeline."""
        settings = {**super().settings(known, categorical, seed, threads), "n_jobs": threads, "verbosity": 0}
        return {**settings, "enable_categorical": True} if categorical else settings

    def fit(
        self, model: Any, train: Rows, held_out: Rows | None, categorical: Sequence[int], patience: int | None
    ) -> Any:
        """Fit a model, and return its booster with the best rounds."""
        validation: dict[str, Any] = {"verbose": False}
        if held_out is not None:
            model.set_params(early_stopping_rounds=patience)
            weights = None if held_out.weights is None else [held_out.weights]
            validation |= {"eval_set": [(held_out.X, held_out.y)], "sample_weight_eval_set": weights}
        if categorical:
            model.set_params(feature_types=_types(train.X.shape[1], categorical))
        model.fit(train.X, train.y, sample_weight=train.weights, **validation)
        booster = model.get_booster()
        return booster if held_out is None else booster[: model.best_iteration + 1]

    def rounds(self, fitted: Any) -> int:
        """Return the number of boosting rounds that predict."""
        return int(fitted.num_boosted_rounds())

    def stored(self, fitted: Any) -> str:
        """Return the JSON text."""
        return bytes(fitted.save_raw("json")).decode()

    def opened(self, stored: Any, *, classification: bool) -> Any:
        """Return the booster."""
        from xgboost import Booster

        del classification
        booster = Booster()
        booster.load_model(bytearray(stored.encode()))
        return booster

    def predict(self, model: Any, X: np.ndarray, categorical: Sequence[int], *, classification: bool) -> np.ndarray:
        """Return probabilities or values."""
        from xgboost import DMatrix

        types = {"feature_types": _types(X.shape[1], categorical), "enable_categorical": True} if categorical else {}
        threads = _row_threads(X)
        model.set_param({"nthread": threads})
        predictions = np.asarray(model.predict(DMatrix(X, nthread=threads, **types)), float)
        return _both_classes(predictions) if classification else predictions


class CatBoost(Library):
    """CatBoost, stored in its JSON format."""

    names = ("random_state", "thread_count")

    def settings(self, known: Sequence[str], categorical: Sequence[int], seed: int, threads: int) -> dict[str, Any]:
        """Return the parameters that follow from the pipeline."""
        del known, categorical
        return {"random_state": seed, "thread_count": threads, "verbose": 0, "allow_writing_files": False}

    def fit(
        self, model: Any, train: Rows, held_out: Rows | None, categorical: Sequence[int], patience: int | None
    ) -> Any:
        """Fit a model, and return its JSON text."""
        from catboost import Pool

        pool, *others = (
            Pool(_whole_codes(rows.X, categorical), rows.y, weight=rows.weights, cat_features=list(categorical))
            for rows in (train, held_out)
            if rows is not None
        )
        stopping = {"eval_set": others[0], "early_stopping_rounds": patience} if others else {}
        model.fit(pool, **stopping)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            model.save_model(str(file), format="json", pool=pool)
            return model.tree_count_, file.read_text(encoding="utf-8")

    def rounds(self, fitted: Any) -> int:
        """Return the number of boosting rounds that predict."""
        return int(fitted[0])

    def stored(self, fitted: Any) -> str:
        """Return the JSON text."""
        return str(fitted[1])

    def opened(self, stored: Any, *, classification: bool) -> Any:
        """Return the model."""
        from catboost import CatBoostClassifier, CatBoostRegressor

        model = (CatBoostClassifier if classification else CatBoostRegressor)()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            file.write_text(stored, encoding="utf-8")
            model.load_model(str(file), format="json")
        return model

    def predict(self, model: Any, X: np.ndarray, categorical: Sequence[int], *, classification: bool) -> np.ndarray:
        """Return probabilities or values."""
        table = _whole_codes(X, categorical)
        predict = model.predict_proba if classification else model.predict
        return np.asarray(predict(table, thread_count=_row_threads(X)), float)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _row_threads(X: np.ndarray) -> int:
    return 1 if len(X) < MANY_ROWS else cores()


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # it looks for libraries, which takes longer than a small prediction


def _one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread: it would start one a core, in each thread of a pool and for each tree."""
    return _threads().limit(limits=1, user_api="openmp")


def _both_classes(predictions: np.ndarray) -> np.ndarray:
    """Return one column a class, where a library returns the probability of the second of two."""
    return np.column_stack([1.0 - predictions, predictions]) if predictions.ndim == 1 else predictions


def _types(features: int, categorical: Sequence[int]) -> list[str]:
    """Return XGBoost's types of columns: c for categories, q for numbers."""
    return ["c" if column in categorical else "q" for column in range(features)]


def _whole_codes(X: np.ndarray, categorical: Sequence[int]) -> np.ndarray | pd.DataFrame:
    """Return a table whose columns of categories are whole numbers, as CatBoost requires; missing ones are -1."""
    if not categorical:
        return X
    table = pd.DataFrame(X)
    for column in categorical:
        table[column] = np.nan_to_num(X[:, column], nan=-1.0).astype(np.int64)
    return table


LIBRARIES: dict[str, Library] = {
    "scikit-learn": Library(),
    "hist_gradient_boosting": HistGradientBoosting(),
    "lightgbm": LightGBM(),
    "xgboost": XGBoost(),
    "catboost": CatBoost(),
}

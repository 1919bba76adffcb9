"""The models to compare with, at their defaults, each on the columns in the form that suits it.

A process fits one of them to the train.csv of a folder, and writes the predictions of its test.csv:

    python -m benchmarks.quality.others lightgbm FOLDER TARGET PROBLEM
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality.tables import ID

__all__ = ["OTHERS", "Other", "missing_packages", "predict"]

MOST_BINS = 255  # categories of a column that HistGradientBoosting takes as such
MISSING = "missing"


@dataclass(frozen=True)
class Other:
    """Model to compare with.

    Parameters
    ----------
    make : callable
        Function of (whether the target is a class, names of the columns of categories) that returns an estimator.
    form : callable
        Function of training and test columns that returns both as the estimator reads them.
    packages : tuple of str, optional
        Packages that are needed beside those of tabular_dl.
    threads : bool, default=False
        Whether it may use all cores, since it is compared by time, not by CPU seconds.
    """

    make: Callable[[bool, list[str]], Any]
    form: Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]
    packages: tuple[str, ...] = ()
    threads: bool = False

    @property
    def python(self) -> str:
        """Python that has the packages: this one, or that of an own environment, which AUTOGLUON_PYTHON names."""
        path = os.environ.get("AUTOGLUON_PYTHON")
        return path if path and "autogluon.tabular" in self.packages else sys.executable


def missing_packages(other: Other) -> list[str]:
    """Return the packages of a model that are not installed."""
    if other.python != sys.executable:
        return []
    return [name for name in other.packages if find_spec(name.partition(".")[0]) is None]


def _categories(columns: pd.DataFrame) -> list[str]:
    return [str(name) for name, dtype in columns.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]


def _as_categories(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return texts as pandas categories, those of the training rows; others are missing."""
    train, test = train.copy(), test.copy()
    for name in _categories(train):
        known = pd.CategoricalDtype(sorted(train[name].dropna().astype(str).unique()))
        for part in (train, test):
            texts = part[name].astype("str")
            part[name] = texts.where(texts.isin(known.categories)).astype(known)
    return train, test


def _as_codes(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return texts as numbers of their categories; unknown and missing ones are missing."""
    parts = _as_categories(train, test)
    for part in parts:
        for name in part.select_dtypes("category"):
            part[name] = part[name].cat.codes.astype(float).where(lambda codes: codes >= 0)
    return parts


def _few_as_categories(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return columns of at most 255 categories as such, others as numbers of their categories."""
    coded, categories = _as_codes(train, test), _as_categories(train, test)
    for name in _categories(train):
        if train[name].nunique() <= MOST_BINS:
            for number in (0, 1):
                coded[number][name] = categories[number][name]
    return coded


def _as_texts(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return missing texts as a category of their own."""
    texts = _categories(train)
    return train.fillna(dict.fromkeys(texts, MISSING)), test.fillna(dict.fromkeys(texts, MISSING))


def _categories_and_medians(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return texts as categories, and the median of the training rows for missing numbers."""
    medians = train.median(numeric_only=True)
    return _as_categories(train.fillna(medians), test.fillna(medians))


def _scaled(estimator: Any, categories: list[str], *, scale_target: bool = False) -> Any:
    """Return an estimator behind medians for missing numbers, standard scaling and one column a category."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, categories), remainder=numbers)
    if scale_target:
        estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
    return make_pipeline(columns, estimator)


def _hist_gradient_boosting(classes: bool, _: list[str]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(categorical_features="from_dtype", random_state=0)


def _random_forest(classes: bool, _: list[str]) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return (RandomForestClassifier if classes else RandomForestRegressor)(random_state=0)


def _lightgbm(classes: bool, _: list[str]) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMClassifier if classes else LGBMRegressor)(n_jobs=1, verbose=-1, random_state=0)


def _xgboost(classes: bool, _: list[str]) -> Any:
    from xgboost import XGBClassifier, XGBRegressor

    return (XGBClassifier if classes else XGBRegressor)(enable_categorical=True, n_jobs=1, random_state=0)


def _catboost(classes: bool, categories: list[str]) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if classes else CatBoostRegressor
    return kind(cat_features=categories, thread_count=1, verbose=0, allow_writing_files=False, random_seed=0)


def _mlp(classes: bool, categories: list[str]) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    estimator = (MLPClassifier if classes else MLPRegressor)(random_state=0)
    return _scaled(estimator, categories, scale_target=not classes)


def _linear(classes: bool, categories: list[str]) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    # More than the default of 100 steps, which do not suffice for hundreds of columns.
    return _scaled(LogisticRegression(max_iter=1000) if classes else Ridge(), categories)


def _realmlp(classes: bool, _: list[str]) -> Any:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return (RealMLP_TD_Classifier if classes else RealMLP_TD_Regressor)(device="cpu", n_threads=1, random_state=0)


def _tabm(classes: bool, _: list[str]) -> Any:
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    return (TabM_D_Classifier if classes else TabM_D_Regressor)(device="cpu", n_threads=1, random_state=0)


class _AutoGluon:
    """AutoGluon with a preset and a time limit, as a scikit-learn estimator."""

    def __init__(self, preset: str, seconds: int, *, classes: bool) -> None:
        self.preset, self.seconds, self.classes = preset, seconds, classes

    def fit(self, X: pd.DataFrame, y: Any) -> _AutoGluon:
        from autogluon.tabular import TabularPredictor

        predictor = TabularPredictor("y", eval_metric="log_loss" if self.classes else "rmse", verbosity=0)
        self.predictor = predictor.fit(X.assign(y=np.asarray(y)), presets=self.preset, time_limit=self.seconds)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.predictor.predict(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.predictor.predict_proba(X).sort_index(axis=1))


def _autogluon(preset: str, seconds: int) -> Other:
    def make(classes: bool, _: list[str]) -> Any:
        return _AutoGluon(preset, seconds, classes=classes)

    return Other(make, _as_categories, ("autogluon.tabular",), threads=True)


OTHERS = {
    "hist_gradient_boosting": Other(_hist_gradient_boosting, _few_as_categories),
    "random_forest": Other(_random_forest, _as_codes),
    "lightgbm": Other(_lightgbm, _as_categories, ("lightgbm",)),
    "xgboost": Other(_xgboost, _as_categories, ("xgboost",)),
    "catboost": Other(_catboost, _as_texts, ("catboost",)),
    "mlp": Other(_mlp, _as_texts),
    "linear": Other(_linear, _as_texts),
    "realmlp": Other(_realmlp, _categories_and_medians, ("torch", "pytabkit")),
    "tabm": Other(_tabm, _categories_and_medians, ("torch", "pytabkit")),
    # The time that `auto-2m` and `auto-10m` of the product have.
    "autogluon-medium-2m": _autogluon("medium_quality", 120),
    "autogluon-good-2m": _autogluon("good_quality", 120),
    "autogluon-medium-10m": _autogluon("medium_quality", 600),
    "autogluon-good-10m": _autogluon("good_quality", 600),
}


def predict(other: Other, train: pd.DataFrame, test: pd.DataFrame, target: str, problem: str) -> pd.DataFrame:
    """Fit a model to training rows, and return its predictions of test rows.

    Parameters
    ----------
    other : Other
        The model.
    train, test : DataFrame
        Rows with an id, the training rows with the target.
    target : str
        Column to predict.
    problem : {"binary", "multiclass", "regression"}
        Type of problem.

    Returns
    -------
    DataFrame of shape (test rows, 1 + classes)
        Prediction in a column of the target's name, and the probability of each class c in a column ``p_c``.
    """
    columns = train.drop(columns=[ID, target])
    X, X_test = other.form(columns, test[columns.columns])
    estimator = other.make(problem != "regression", _categories(columns))
    if problem == "regression":
        return pd.DataFrame({target: estimator.fit(X, train[target]).predict(X_test)})
    classes, codes = np.unique(train[target], return_inverse=True)
    probabilities = estimator.fit(X, codes).predict_proba(X_test)
    predictions = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes])
    predictions.insert(0, target, classes[probabilities.argmax(axis=1)])
    return predictions


def main(name: str, folder: str, target: str, problem: str) -> None:
    """Read the tables of a folder, and write the predictions into it."""
    warnings.simplefilter("ignore")  # of networks that have not converged in their default number of epochs
    train, test = (pd.read_csv(Path(folder) / file) for file in ("train.csv", "test.csv"))
    predict(OTHERS[name], train, test, target, problem).to_csv(Path(folder) / "predictions.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

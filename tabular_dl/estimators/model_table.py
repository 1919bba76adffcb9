"""Models other than networks that can be trained on the folds of a pipeline, by name.

This module loads no library, so that pipeline files are validated quickly. To add a model, add a row to `MODELS`.

===========================  ==================================================================================
hist_gradient_boosting       scikit-learn's gradient boosting on binned columns, after LightGBM
random_forest, extra_trees   scikit-learn's forests (Breiman, 2001; Geurts, Ernst and Wehenkel, 2006)
logistic                     logistic regression; for numbers, a linear regression (ridge)
ridge                        ridge regression; for classes, a ridge classifier without probabilities
knn                          nearest neighbours
lightgbm, xgboost, catboost  gradient boosting of the libraries of these names (extra ``trees``)
===========================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MODELS", "NETWORK", "NamedModel", "model_named"]

NETWORK = "network"  # the value of ``model`` that means the networks of this package


@dataclass(frozen=True)
class NamedModel:
    """Model of a library.

    Attributes
    ----------
    classifier, regressor : str
        Classes for labels and for numbers, as ``package.module:Class``.
    own_values : mapping of str to object
        Parameters in place of the library's defaults.
    library : str
        How models of the library are fitted and stored, a key of `tabular_dl.estimators.model_libraries.LIBRARIES`.
    rounds : str or None
        Parameter with the number of boosting rounds, of which early stopping takes the best.
    patience : int or None
        Default number of rounds without improvement on held-out rows after which boosting stops.
    native : bool
        Whether the model reads categories as codes, and missing numbers, by itself.
    space : mapping of str to mapping
        Search space of `tabular-dl search --model`.
    regressor_space : mapping of str to mapping or None
        Search space for numbers, if it is another.
    """

    classifier: str
    regressor: str
    own_values: Mapping[str, Any] = field(default_factory=dict)
    library: str = "scikit-learn"
    rounds: str | None = None
    patience: int | None = None
    native: bool = False
    space: Mapping[str, Any] = field(default_factory=dict)
    regressor_space: Mapping[str, Any] | None = None

    def space_for(self, classification: bool | None) -> Mapping[str, Any]:
        """Return the search space for labels or for numbers; if neither is known, the one that suits both, or none."""
        if self.regressor_space is None or classification:
            return self.space
        return {} if classification is None else self.regressor_space


_LEAVES = {"int_uniform": [4, 128]}
_RATE = {"log_uniform": [0.01, 0.3]}
_FOREST: dict[str, Any] = {"n_estimators": 500, "min_samples_leaf": 2}
_FOREST_SPACE = {"min_samples_leaf": {"int_uniform": [1, 32]}, "max_features": {"uniform": [0.1, 1.0]}}

MODELS: dict[str, NamedModel] = {
    "hist_gradient_boosting": NamedModel(
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "sklearn.ensemble:HistGradientBoostingRegressor",
        {"learning_rate": 0.05, "max_iter": 1000},
        library="hist_gradient_boosting",
        rounds="max_iter",
        patience=20,
        native=True,
        space={
            "learning_rate": _RATE,
            "max_leaf_nodes": _LEAVES,
            "min_samples_leaf": {"int_uniform": [2, 100]},
            "l2_regularization": {"log_uniform": [1e-4, 10.0]},
        },
    ),
    "random_forest": NamedModel(
        "sklearn.ensemble:RandomForestClassifier",
        "sklearn.ensemble:RandomForestRegressor",
        _FOREST,
        space=_FOREST_SPACE,
    ),
    "extra_trees": NamedModel(
        "sklearn.ensemble:ExtraTreesClassifier", "sklearn.ensemble:ExtraTreesRegressor", _FOREST, space=_FOREST_SPACE
    ),
    "logistic": NamedModel(
        "sklearn.linear_model:LogisticRegression",
        "sklearn.linear_model:Ridge",
        {"max_iter": 2000},
        space={"C": {"log_uniform": [1e-3, 1e3]}},
        regressor_space={"alpha": {"log_uniform": [1e-3, 1e3]}},
    ),
    "ridge": NamedModel(
        "sklearn.linear_model:RidgeClassifier",
        "sklearn.linear_model:Ridge",
        space={"alpha": {"log_uniform": [1e-3, 1e3]}},
    ),
    "knn": NamedModel(
        "sklearn.neighbors:KNeighborsClassifier",
        "sklearn.neighbors:KNeighborsRegressor",
        {"n_neighbors": 15, "weights": "distance"},
        space={"n_neighbors": {"int_uniform": [1, 100]}},
    ),
    "lightgbm": NamedModel(
        "lightgbm:LGBMClassifier",
        "lightgbm:LGBMRegressor",
        {"learning_rate": 0.05, "n_estimators": 2000},
        library="lightgbm",
        rounds="n_estimators",
        patience=50,
        native=True,
        space={
            "learning_rate": _RATE,
            "num_leaves": _LEAVES,
            "min_child_samples": {"int_uniform": [2, 100]},
            "reg_lambda": {"log_uniform": [1e-4, 10.0]},
            "colsample_bytree": {"uniform": [0.4, 1.0]},
        },
    ),
    "xgboost": NamedModel(
        "xgboost:XGBClassifier",
        "xgboost:XGBRegressor",
        {"learning_rate": 0.05, "n_estimators": 2000, "max_depth": 6},
        library="xgboost",
        rounds="n_estimators",
        patience=50,
        native=True,
        space={
            "learning_rate": _RATE,
            "max_depth": {"int_uniform": [2, 10]},
            "min_child_weight": {"log_uniform": [0.1, 30.0]},
            "reg_lambda": {"log_uniform": [1e-2, 30.0]},
            "subsample": {"uniform": [0.5, 1.0]},
            "colsample_bytree": {"uniform": [0.4, 1.0]},
        },
    ),
    "catboost": NamedModel(
        "catboost:CatBoostClassifier",
        "catboost:CatBoostRegressor",
        {"iterations": 1000},
        library="catboost",
        rounds="iterations",
        patience=50,
        native=True,
        space={
            "learning_rate": _RATE,
            "depth": {"int_uniform": [3, 8]},
            "l2_leaf_reg": {"log_uniform": [0.5, 30.0]},
        },
    ),
}


def model_named(name: str) -> NamedModel:
    """Return the model of a name, or one for a class of the user's, ``package.module:Class``.

    Parameters
    ----------
    name : str
        Key of `MODELS`, or a class.

    Returns
    -------
    NamedModel
        The model.

    Examples
    --------
    >>> model_named("knn").native, model_named("sklearn.svm:SVC").classifier
    (False, 'sklearn.svm:SVC')
    """
    return MODELS[name] if name in MODELS else NamedModel(name, name)

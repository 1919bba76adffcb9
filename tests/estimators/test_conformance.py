"""scikit-learn's own checks of estimators, on everything of ours that fits.

There is no list of expected failures but of what fails for scikit-learn's own estimators too.
"""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags, NumericColumns
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.encoders import FrequencyEncoder
from tabular_dl.preprocessing.piecewise import PiecewiseEncoder
from tabular_dl.preprocessing.scalers import ConstantScaler, NormalQuantiles, QuantileClipper
from tabular_dl.preprocessing.text_encoder import TextEncoder
from tests.conformance import checks_of

# Small networks, full batches, no validation split: what the checks ask of a learner that is not random.
QUICK: dict[str, Any] = {
    "hidden": [8],
    "epochs": 30,
    "batch_size": 1000,
    "learning_rate": 0.1,
    "dropout": 0.0,
    "members": 1,
    "early_stopping": None,
    "random_state": 0,
}
# What is cross-fitted may be less: the checks are of the cross-fit.
LEAST = {**QUICK, "hidden": [], "epochs": 10, "learning_rate": 0.3}


# The parts of the presets, as small as that: RealMLP's, and TabM's with residual layers' linear path.
REALMLP = {**QUICK, "preset": "realmlp", "frequencies": 2, "restore_best": False, "learning_rate": 0.05, "epochs": 60}
TABM = {**QUICK, "preset": "tabm", "shared_networks": 2, "bins": 4, "numeric_embedding_size": 2, "linear_skip": True}


@pytest.mark.slow
@checks_of(KerasClassifier(**QUICK), KerasRegressor(**QUICK))
def test_the_networks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@checks_of(
    KerasRegressor(**REALMLP),
    KerasClassifier(**TABM),
)
def test_the_presets_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@checks_of(ModelClassifier("logistic", random_state=0), ModelRegressor("ridge", random_state=0))
def test_the_models_pass(estimator: Any, check: Any) -> None:
    check(estimator)


# Few leaves suffice, and the checks are of 20 to 300 rows.
FEW_TREES: dict[str, Any] = {
    "parameters": {"max_iter": 15, "learning_rate": 0.3, "min_samples_leaf": 2, "max_leaf_nodes": 6},
    "early_stopping": None,
    "random_state": 0,
}
BINS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "the bins are quantiles of rows, whatever their weights"
    for kind in ("dense", "sparse")
}


@checks_of(
    ModelClassifier("hist_gradient_boosting", **FEW_TREES),
    ModelRegressor("hist_gradient_boosting", **FEW_TREES),
    expected_failures=BINS,
)
def test_the_boosted_trees_pass(estimator: Any, check: Any) -> None:
    with threadpool_limits(1, "openmp"):
        check(estimator)


# RareCategories and HashedCategories return text, which the checks, who give it numbers, subtract.
@checks_of(
    DerivedFeatures({}),
    NumericColumns(),
    CategoryColumns(),
    MissingFlags(),
    ConstantScaler(),
    FrequencyEncoder(),
    TextEncoder(2, random_state=0),
    QuantileClipper(),
    NormalQuantiles(),
    PiecewiseEncoder(),
    PiecewiseEncoder(strategy="tree", random_state=0),
)
def test_the_transformers_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@checks_of(
    CrossFitClassifier(Pipeline([("network", KerasClassifier(**LEAST))]), cv=2, random_state=0),
    CrossFitRegressor(Pipeline([("network", KerasRegressor(**LEAST))]), cv=2, random_state=0),
    CrossFitClassifier(Pipeline([("model", ModelClassifier("ridge"))]), cv=2, random_state=0),
    CrossFitRegressor(Pipeline([("model", ModelRegressor("ridge"))]), cv=2, random_state=0),
)
def test_the_cross_fits_pass(estimator: Any, check: Any) -> None:
    check(estimator)

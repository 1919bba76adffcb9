"""The estimators at home in scikit-learn: search, stacking, calibration, inspection, routing, stores."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor

pytestmark = pytest.mark.slow

ROWS = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)).astype("float32")
SCORE = X @ np.array([1.0, -2.0, 0.5])
YES = np.where(SCORE > 0, "yes", "no")
LEVEL = np.digitize(SCORE, [-1.0, 1.0])
TINY: dict[str, Any] = {
    "hidden": [8],
    "epochs": 15,
    "members": 1,
    "dropout": 0.0,
    "learning_rate": 0.05,
    "batch_size": 1000,
    "early_stopping": None,
    "random_state": 0,
}
CLASSIFIER, REGRESSOR = KerasClassifier(**TINY), KerasRegressor(**TINY)


@pytest.mark.parametrize(
    ("scoring", "estimator", "y"),
    [
        ("accuracy", CLASSIFIER, YES),
        ("roc_auc", CLASSIFIER, YES),
        ("neg_log_loss", CLASSIFIER, YES),
        ("roc_auc_ovr", CLASSIFIER, LEVEL),
        ("r2", REGRESSOR, SCORE),
        ("neg_root_mean_squared_error", REGRESSOR, SCORE),
    ],
)
def test_cross_val_score_equals_a_loop_by_hand(scoring: str, estimator: Any, y: np.ndarray) -> None:
    folds = list(StratifiedKFold(2, shuffle=True, random_state=0).split(X, LEVEL))
    scorer = get_scorer(scoring)
    by_hand = [scorer(clone(estimator).fit(X[a], y[a]), X[b], y[b]) for a, b in folds]
    scores = cross_val_score(estimator, X, y, cv=folds, scoring=scoring, error_score="raise")
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, by_hand)


def test_grid_search_in_two_processes() -> None:
    search = GridSearchCV(CLASSIFIER, {"l2": [0.0, 0.1]}, cv=2, n_jobs=2, error_score="raise").fit(X, YES)
    alone = cross_val_score(search.best_estimator_, X, YES, cv=2).mean()
    assert search.best_score_ == pytest.approx(alone)


def test_randomized_search_over_a_log_uniform_rate() -> None:
    ranges = {"network__learning_rate": loguniform(1e-3, 1e-1), "network__hidden": [(4,), (8,)]}
    pipeline = Pipeline([("scale", StandardScaler()), ("network", CLASSIFIER)])
    search = RandomizedSearchCV(pipeline, ranges, n_iter=3, cv=2, random_state=0, error_score="raise").fit(X, YES)
    assert 1e-3 <= search.best_params_["network__learning_rate"] <= 1e-1


def test_stacking_calibration_and_tuned_thresholds() -> None:
    stack = StackingClassifier([("network", CLASSIFIER), ("linear", LogisticRegression())], cv=2).fit(X, YES)
    calibrated = CalibratedClassifierCV(CLASSIFIER, cv=2).fit(X, YES)
    tuned = TunedThresholdClassifierCV(CLASSIFIER, scoring="balanced_accuracy", cv=2).fit(X, YES)
    for model in (stack, calibrated, tuned):
        assert model.score(X, YES) > 0.85


def test_a_transformed_target() -> None:
    y = np.exp(SCORE)
    model = TransformedTargetRegressor(REGRESSOR, func=np.log, inverse_func=np.exp).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.exp(clone(REGRESSOR).fit(X, SCORE).predict(X)), rtol=1e-5)


def test_importance_and_dependence_see_what_matters() -> None:
    model = clone(REGRESSOR).set_params(epochs=100).fit(X, SCORE)
    importance = permutation_importance(model, X, SCORE, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 1
    curve = partial_dependence(model, X, [1])["average"][0]
    assert curve[0] > curve[-1]


def test_names_survive_the_pipeline_and_frames_come_out() -> None:
    table = pd.DataFrame({"size": X[:, 0], "other": X[:, 1]})
    pipeline = make_pipeline(StandardScaler(), KerasRegressor(**TINY)).set_output(transform="pandas")
    pipeline.fit(table, SCORE)
    assert pipeline[-1].feature_names_in_.tolist() == ["size", "other"]
    assert list(pipeline[:-1].transform(table).columns) == ["size", "other"]
    assert pipeline[:-1].get_feature_names_out().tolist() == ["size", "other"]


def test_sample_weight_is_routed_through_a_pipeline() -> None:
    weights = RNG.integers(0, 3, ROWS).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        network = clone(CLASSIFIER).set_fit_request(sample_weight=True)
        pipeline = Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=False)), ("network", network)])
        pipeline.fit(X, YES, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    direct = clone(CLASSIFIER).fit(scaled, YES, sample_weight=weights)
    np.testing.assert_allclose(pipeline.predict_proba(X), direct.predict_proba(scaled), atol=1e-5)


def test_sparse_output_of_an_encoder_goes_in_as_it_is() -> None:
    kinds = RNG.integers(0, 5, (ROWS, 1))
    model = make_pipeline(OneHotEncoder(), clone(CLASSIFIER).set_params(epochs=60)).fit(kinds, kinds[:, 0] > 2)
    assert model.score(kinds, kinds[:, 0] > 2) == 1.0


@pytest.mark.parametrize("y", [YES, LEVEL, SCORE > 0, SCORE > 0.5])
def test_labels_of_any_kind_come_back(y: np.ndarray) -> None:
    model = clone(CLASSIFIER).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == y.dtype


def test_float64_and_float32_rows_are_the_same_rows() -> None:
    one, other = (clone(CLASSIFIER).fit(X.astype(dtype), YES) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X.astype("float64")))


def test_copies_and_stores_keep_predictions_bit_for_bit() -> None:
    full = {**TINY, "categorical_features": [2], "batch_norm": True, "callbacks": [{"CSVLogger": {"filename": "x"}}]}
    rows = np.column_stack([X[:, :2], RNG.integers(0, 3, ROWS)]).astype("float32")
    model = KerasClassifier(**{**full, "callbacks": None}).fit(rows, LEVEL)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    own = "tabular_dl.estimators.KerasClassifier"
    stored = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=stored) == [own]
    copies = [
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),  # noqa: S301
        joblib.load(buffer),
        skops.io.loads(stored, trusted=[own]),
    ]
    for other in copies:
        np.testing.assert_array_equal(other.predict_proba(rows), model.predict_proba(rows))
        assert other.history_.equals(model.history_)
    assert set(KerasClassifier(**full).get_params()) == set(model.get_params())


def test_two_fits_are_equal_and_a_fit_changes_no_parameter() -> None:
    before = clone(CLASSIFIER).get_params()
    one, two = (clone(CLASSIFIER).fit(X, YES) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert one.get_params() == before
    assert len(repr(KerasClassifier(hidden=[4]))) < 40


def test_nothing_warns_of_probabilities() -> None:
    model = clone(CLASSIFIER).fit(X, LEVEL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        get_scorer("neg_log_loss")(model, X, LEVEL)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, atol=1e-12)

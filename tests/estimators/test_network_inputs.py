"""What a network is given for a row: categories told apart and numbers normalised before they become float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from tabular_dl.errors import DataError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.estimators.network_inputs import Inputs, embedding_size
from tabular_dl.model_selection.crossfit import CrossFitRegressor

pytestmark = pytest.mark.slow

RANDOM = np.random.default_rng(0)
TINY: dict[str, Any] = {"hidden": [4], "epochs": 2, "early_stopping": None, "members": 2, "random_state": 0}


@settings(max_examples=30)
@given(codes=st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=20))
def test_codes_are_those_of_an_ordinal_encoder_from_one(codes: list[int]) -> None:
    X = np.array(codes, float)[:, np.newaxis]
    expected = OrdinalEncoder().fit_transform(X) + 1
    np.testing.assert_array_equal(Inputs.learn(X, categorical=[0]).encode(X), expected)


def test_large_codes_are_told_apart() -> None:
    X = np.array([[20_000_000], [20_000_001]] * 20)
    model = KerasClassifier(**{**TINY, "epochs": 60, "learning_rate": 0.05}, categorical_features=[0])
    model.fit(X, X[:, 0] % 2)
    assert model.inputs_["categories"][0].tolist() == [20_000_000, 20_000_001]
    assert model.predict(X[:2]).tolist() == [0, 1]


def test_codes_that_float32_has_mixed_up_are_refused() -> None:
    X = np.array([[20_000_000], [20_000_001]] * 20, "float32")
    with pytest.raises(DataError, match=r"column 0 has categories from 16777216 on.* OrdinalEncoder"):
        KerasClassifier(**TINY, categorical_features=[0]).fit(X, np.arange(40) % 2)


def test_a_fold_centres_its_numbers_before_they_are_rounded() -> None:
    seconds = 1.6e9 + 20 * RANDOM.normal(size=(60, 1))
    table = pd.DataFrame(seconds, columns=["time"])
    pipeline = Pipeline([("network", KerasRegressor(**{**TINY, "epochs": 60, "learning_rate": 0.05}, normalize=True))])
    model = CrossFitRegressor(pipeline, cv=3, random_state=0).fit(table, seconds[:, 0] - 1.6e9)
    assert r2_score(seconds[:, 0] - 1.6e9, model.oof_predictions_) > 0.9


@pytest.mark.parametrize("known", [[-1, 0, 1], [-1, 3, 4], [0, 1, 2], [-3, -2, -1]])
def test_a_plain_keras_model_gives_each_category_its_own_vector(known: list[int]) -> None:
    X = np.array(known * 10, float)[:, np.newaxis]
    model = KerasClassifier(**TINY, categorical_features=[0]).fit(X, np.arange(30) % 3 == 0)
    rows = np.array([*known, 77, -9], float)[:, np.newaxis]
    np.testing.assert_allclose(np.asarray(model.model_(rows))[:, 0], model.predict_proba(rows)[:, 1], atol=1e-5)


def test_numbers_are_centred_before_they_are_rounded() -> None:
    seconds = 1.6e9 + 20 * RANDOM.normal(size=(50, 1))
    expected = StandardScaler().fit_transform(seconds)
    inputs = Inputs.learn(seconds, normalize=True)
    np.testing.assert_allclose(inputs.encode(seconds), expected, rtol=1e-5, atol=1e-5)
    one = KerasRegressor(**TINY, normalize=True).fit(seconds, expected[:, 0])
    other = KerasRegressor(**TINY).fit(expected, expected[:, 0])
    np.testing.assert_allclose(one.predict(seconds), other.predict(expected), atol=1e-4)


def test_a_constant_column_is_left_as_it_is_whatever_the_weights() -> None:
    X = np.column_stack([np.full(40, 0.1), RANDOM.normal(size=40)])
    weights = RANDOM.uniform(size=40)
    inputs = Inputs.learn(X, normalize=True, weights=weights)
    scaler = StandardScaler().fit(X, sample_weight=weights)
    assert inputs.mean is not None
    assert inputs.scale is not None
    np.testing.assert_allclose(inputs.mean, scaler.mean_)
    np.testing.assert_allclose(inputs.scale, scaler.scale_)
    assert inputs.scale[0] == 1.0
    tiny = Inputs.learn(1e-20 * (1 + RANDOM.normal(size=(40, 1))), normalize=True)
    assert tiny.scale is not None
    assert tiny.scale[0] == pytest.approx(1e-20, rel=0.5)


def test_categories_alone_can_be_normalised_to_nothing() -> None:
    X = np.array([[1, 2], [2, 2], [1, 3], [2, 3]])
    inputs = Inputs.learn(X, categorical=[0, 1], normalize=True)
    assert inputs.encode(X).tolist() == [[1, 1], [2, 1], [1, 2], [2, 2]]
    KerasClassifier(**TINY, categorical_features=[0, 1], normalize=True).fit(np.tile(X, (5, 1)), np.arange(20) % 2)


def test_vectors_grow_with_the_number_of_categories_up_to_fifty() -> None:
    lengths = [embedding_size(number) for number in (1, 2, 10, 1000, 10**6)]
    assert lengths == [min(50, round(1.6 * number**0.56)) for number in (1, 2, 10, 1000, 10**6)]

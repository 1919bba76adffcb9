"""Presets: each trains as itself in any population, exports the same predictions, and is a table of hyperparameters."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from tabular_dl import KerasClassifier, KerasRegressor
from tabular_dl.errors import SpecError
from tabular_dl.estimators import PRESETS, JointPrediction, fit_together, preset_values

ROWS = 60
RNG = np.random.default_rng(5)
# Two continuous columns, one of which is mostly zero; two of two values; one of few values; one constant; codes.
NUMBERS = np.column_stack(
    [
        RNG.normal(size=ROWS),
        np.where(RNG.random(ROWS) < 0.7, 0.0, RNG.exponential(size=ROWS)),
        RNG.integers(0, 2, ROWS),
        RNG.integers(0, 2, ROWS) * 3.0,
        RNG.integers(0, 4, ROWS),
        np.full(ROWS, 2.0),
    ]
)
CODES = RNG.integers(0, 5, (ROWS, 1)).astype(float)
X = np.column_stack([CODES, NUMBERS])
VALUES = NUMBERS[:, 0] + (NUMBERS[:, 1] > 0.5) + 0.1 * RNG.normal(size=ROWS)
LABELS = (np.median(VALUES) < VALUES).astype(int)
# Small, so that a preset trains within seconds; the rest is the preset's own.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": [8, 4]},
    "realmlp": {"hidden": [8, 6], "frequencies": 3, "embedding_size": 2},
    "tabm": {"hidden": [8, 6], "shared_networks": 3, "bins": 4, "numeric_embedding_size": 2},
    "tabm_mini": {"hidden": [8, 6], "shared_networks": 3, "bins": 4, "numeric_embedding_size": 2},
    "resnet": {"hidden": [6, 6]},
}
FEW = {"epochs": 2, "batch_size": 16, "members": 2, "random_state": 3, "categorical_features": [0]}


def small(preset: str, kind: type[Any] = KerasClassifier, **others: Any) -> Any:
    return kind(preset=preset, **{**SMALL[preset], **FEW, **others})


# The second estimator has fewer numbers of each kind and fewer categories, and other rows.
NARROW = np.column_stack([np.minimum(CODES, 3), NUMBERS[:, [0, 2]]])
FEWER = np.arange(10, ROWS)


@cache
def pair(preset: str) -> tuple[Any, Any]:
    """Return two classifiers that were fitted alone: of all columns, and of fewer columns and rows."""
    # The vectors of categories are as long as the most categories ask for, unless their length is given.
    first, second = (small(preset, embedding_size=2, random_state=seed) for seed in (3, 4))
    return first.fit(X, LABELS), second.fit(NARROW[FEWER], LABELS[FEWER])


def test_every_preset_sets_the_same_hyperparameters() -> None:
    names = set(PRESETS["mlp"])
    assert all(set(table) == names for table in PRESETS.values())
    # All of them are "auto" unless the user says otherwise, and all others are not in the tables.
    defaults = KerasClassifier().get_params()
    rules = {"batch_size", "validation_fraction", "problem", "device"}
    assert {name for name, value in defaults.items() if value == "auto"} - rules == names


def test_a_value_that_is_given_wins_over_the_preset() -> None:
    resolved = KerasClassifier(preset="realmlp", hidden=[64, 32], rate_factors={"bias": 0.5}).resolved()
    assert (resolved.hidden, resolved.activation, resolved.dropout) == ([64, 32], "selu", 0.15)
    assert resolved.rate_factors == {**PRESETS["realmlp"]["rate_factors"], "bias": 0.5}
    assert KerasRegressor(preset="realmlp").resolved().learning_rate == 0.2
    assert KerasClassifier(preset="realmlp").resolved().learning_rate == 0.04


def test_a_copy_of_an_estimator_keeps_what_is_auto() -> None:
    estimator = KerasClassifier(preset="tabm")
    assert clone(estimator).get_params() == estimator.get_params()
    estimator.resolved()
    assert estimator.hidden == "auto"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras, when it saves
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", [KerasClassifier, KerasRegressor])
def test_exported_members_are_keras_models_that_predict_the_same(preset: str, kind: type[Any], tmp_path: Path) -> None:
    estimator = pair(preset)[0] if kind is KerasClassifier else small(preset, kind).fit(X, VALUES)
    expected = estimator.predict_proba(X)[:, 1] if kind is KerasClassifier else estimator.predict(X)
    estimator.model_.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")  # safe mode: no Lambda, no code
    np.testing.assert_allclose(np.asarray(loaded(X))[:, 0], expected, rtol=1e-4, atol=1e-5)
    assert not any("Lambda" in type(layer).__name__ for layer in loaded.layers)
    of_members = [np.asarray(model(X))[:, 0] for model in estimator.members_]
    np.testing.assert_allclose(np.mean(of_members, axis=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_an_estimator_is_the_same_alone_and_beside_another_with_other_columns(preset: str) -> None:
    together = [clone(estimator) for estimator in pair(preset)]
    fit_together(together, [X, NARROW], LABELS, [np.arange(ROWS), FEWER])
    for one, alone, matrix in zip(together, pair(preset), (X, NARROW), strict=True):
        np.testing.assert_allclose(one.predict_proba(matrix), alone.predict_proba(matrix), atol=1e-4)


EMBEDDINGS = st.fixed_dictionaries(
    {
        "numeric_embedding": st.sampled_from(["none", "piecewise_linear", "periodic", "plr", "pbld"]),
        "scaling_layer": st.booleans(),
        "linear_skip": st.booleans(),
        "input_dropout": st.sampled_from([0.0, 0.3]),
        "noise": st.sampled_from([0.0, 0.2]),
        "initializer": st.sampled_from(["auto", "unit_variance"]),
        "bias_initializer": st.sampled_from(["zeros", "he+5"]),
        "shared_networks": st.sampled_from([1, 2]),
        "own_batches": st.booleans(),
        "sharing": st.sampled_from(["mini", "full"]),
        "parametrization": st.sampled_from(["standard", "ntk"]),
        "layer_norm": st.booleans(),
        "drop_last": st.booleans(),
        "normalize": st.sampled_from([False, True, "robust"]),
    }
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=EMBEDDINGS)
def test_any_settings_train_the_same_alone_and_in_a_population(values: dict[str, Any]) -> None:
    others = {"hidden": [4, 4], "bins": 3, "frequencies": 2, "numeric_embedding_size": 2, "epochs": 1, **values}
    narrow = NUMBERS[:, [0, 2]]
    estimators = [small("mlp", categorical_features=None, **{**others, "random_state": seed}) for seed in (0, 1)]
    alone = clone(estimators[1]).fit(narrow, LABELS)
    fit_together(estimators, [NUMBERS, narrow], LABELS, [np.arange(ROWS)] * 2)
    np.testing.assert_allclose(estimators[1].predict_proba(narrow), alone.predict_proba(narrow), atol=1e-4)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_model_server_predicts_what_each_estimator_does(preset: str) -> None:
    together = JointPrediction(list(pair(preset)))([X, NARROW])
    for estimator, matrix, predicted in zip(pair(preset), (X, NARROW), together, strict=True):
        np.testing.assert_allclose(predicted, estimator.predict_proba(matrix), atol=1e-9)


def test_regressions_of_realmlp_stay_within_the_training_target() -> None:
    model = small("realmlp", KerasRegressor, validation_fraction=0.0, restore_best=False).fit(X, VALUES)
    far = model.predict(np.column_stack([CODES, 100.0 * NUMBERS]))
    assert VALUES.min() - 1e-5 <= far.min() <= far.max() <= VALUES.max() + 1e-5
    assert far.max() - far.min() > 0


def test_restore_best_returns_to_the_last_of_the_best_epochs() -> None:
    model = small("mlp", epochs=12, early_stopping=None, restore_best=True, monitor="accuracy", learning_rate=0.03)
    model.fit(X, LABELS)
    curve = model.curves_["val_accuracy"]
    expected = [np.flatnonzero(values == values.max())[-1] + 1 for values in curve.T]
    assert model.best_epoch_.tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "realmpl"}, "preset: there is no 'realmpl'. Did you mean 'realmlp'?"),
        ({"bins": 1}, "bins should be greater than or equal to 2; it is 1."),
        ({"preset": "tabm", "shared_networks": 1}, "shared_networks should be 2 or more with preset tabm"),
        ({"preset": "tabm_mini", "shared_networks": 0}, "shared_networks should be greater than or equal to 1"),
        ({"residual": True, "hidden": [8, 4]}, "hidden should be layers of one width with residual"),
        ({"numeric_embedding": "plm"}, "numeric_embedding: there is no 'plm'. Did you mean 'plr'"),
        ({"numeric_embedding": "pbld", "numeric_embedding_size": 1}, "numeric_embedding_size should be 2 or more"),
        (
            {"rate_factors": {"biases": 0.1}},
            "rate_factors: there is no group of weights 'biases'. Did you mean 'bias'?",
        ),
        (
            {"restore_best": True, "early_stopping": None, "validation_fraction": 0.0},
            "restore_best needs held-out rows",
        ),
        ({"optimizer": "sgd", "beta_2": 0.9}, "beta_2 is for adam"),
        ({"batch_norm": True, "layer_norm": True}, "batch_norm and layer_norm exclude each other"),
        ({"shared_networks": 2, "mc_dropout": 3}, "mc_dropout is for networks without"),
        ({"shared_networks": 2, "mixup": 0.2}, "mixup needs own_batches: false"),
        ({"schedule": "coslog5"}, "schedule: there is no 'coslog5'. Did you mean 'coslog4'?"),
        ({"categorical_features": [1, 1]}, "categorical_features names a column twice"),
    ],
)
def test_what_does_not_suit_is_said(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as error:
        KerasClassifier(**arguments).check_parameters()
    assert str(error.value).startswith(message)


def test_an_embedding_of_numbers_needs_numbers() -> None:
    with pytest.raises(SpecError, match="numeric_embedding plr needs numbers; all columns hold categories"):
        small("mlp", numeric_embedding="plr", categorical_features=[0]).fit(CODES, LABELS)
    # A preset is a default, and does without.
    small("realmlp", categorical_features=[0], epochs=1).fit(CODES, LABELS)


def test_values_that_depend_on_the_target() -> None:
    assert preset_values("realmlp", classification=True)["clamp"] is False
    assert preset_values("realmlp", classification=False)["clamp"] is True

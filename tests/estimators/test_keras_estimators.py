"""`KerasClassifier` and `KerasRegressor` keep scikit-learn's contract and average what their members predict."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor

pytestmark = pytest.mark.slow

ROWS = 48
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
SCORE = X @ np.array([1.0, -2.0, 0.5])
YES = np.where(SCORE > 0, "yes", "no")
LEVEL = np.array(["low", "mid", "top"])[np.digitize(SCORE, [-1.0, 1.0])]
TINY: dict[str, Any] = {"hidden": [4], "epochs": 5, "members": 2, "random_state": 0, "learning_rate": 0.02}


def same_weights(a: Any, b: Any) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(a.weights_.values(), b.weights_.values(), strict=True))


@pytest.fixture(scope="module")
def binary() -> KerasClassifier:
    return KerasClassifier(**TINY).fit(X, YES)


@pytest.fixture(scope="module")
def multiclass() -> KerasClassifier:
    return KerasClassifier(**TINY).fit(X, LEVEL)


@pytest.fixture(scope="module")
def regressor() -> KerasRegressor:
    return KerasRegressor(**TINY).fit(X, SCORE)


def test_two_classes_make_one_sigmoid_unit_the_probability_is_the_mean_of_the_members(binary: KerasClassifier) -> None:
    p = np.mean([np.asarray(member(X))[:, 0] for member in binary.members_], axis=0)
    assert len(binary.members_) == 2
    assert binary.problem_ == "binary"
    assert binary.members_[0].layers[-1].activation.__name__ == "sigmoid"
    np.testing.assert_allclose(binary.predict_proba(X), np.stack([1 - p, p], axis=1), atol=1e-6)


def test_more_classes_make_a_softmax_the_probability_is_the_mean_of_the_members(multiclass: KerasClassifier) -> None:
    p = np.mean([np.asarray(member(X)) for member in multiclass.members_], axis=0)
    assert multiclass.problem_ == "multiclass"
    assert multiclass.members_[0].layers[-1].activation.__name__ == "softmax"
    np.testing.assert_allclose(multiclass.predict_proba(X), p, atol=1e-6)


def test_a_regression_is_the_mean_of_the_members_in_units_of_the_target(regressor: KerasRegressor) -> None:
    value = np.mean([np.asarray(member(X))[:, 0] for member in regressor.members_], axis=0)
    assert regressor.problem_ == "regression"
    assert (regressor.target_mean_, regressor.target_scale_) == pytest.approx((SCORE.mean(), SCORE.std()))
    np.testing.assert_allclose(regressor.predict(X), value, atol=1e-5)
    np.testing.assert_allclose(np.asarray(regressor.model_(X))[:, 0], value, atol=1e-5)


def test_probabilities_sum_to_one_in_double_precision(binary: KerasClassifier, multiclass: KerasClassifier) -> None:
    for model in (binary, multiclass):
        p = model.predict_proba(X)
        assert p.dtype == np.float64
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_labels_are_the_targets_own_sorted_and_predicted_by_the_greatest_probability(
    binary: KerasClassifier, multiclass: KerasClassifier
) -> None:
    for model, y in ((binary, YES), (multiclass, LEVEL)):
        np.testing.assert_array_equal(model.classes_, np.unique(y))
        np.testing.assert_array_equal(model.predict(X), np.unique(y)[model.predict_proba(X).argmax(axis=1)])
        assert model.predict(X).dtype == y.dtype


@pytest.mark.parametrize("labels", [[0, 1], [7, -3], [True, False], [2.0, 1.0], ["b", "a"]])
def test_any_two_labels_are_learned_alike(labels: list[Any], binary: KerasClassifier) -> None:
    low, high = sorted(labels)
    model = KerasClassifier(**TINY).fit(X, np.where(YES == "yes", high, low))
    np.testing.assert_array_equal(model.predict_proba(X), binary.predict_proba(X))
    assert set(model.predict(X).tolist()) <= set(labels)


@pytest.mark.parametrize("state", [3, np.int64(3)])
def test_a_random_state_repeats_a_fit_bit_for_bit(state: Any) -> None:
    first = KerasClassifier(**{**TINY, "random_state": 3}).fit(X, YES)
    assert same_weights(first, KerasClassifier(**{**TINY, "random_state": state}).fit(X, YES))


def test_a_generator_as_random_state_repeats_from_the_same_start_and_moves_on() -> None:
    first = KerasClassifier(**{**TINY, "random_state": np.random.RandomState(1)}).fit(X, YES)
    model = KerasClassifier(**{**TINY, "random_state": np.random.RandomState(1)}).fit(X, YES)
    assert same_weights(first, model)
    assert not same_weights(first, model.fit(X, YES))


def test_without_a_random_state_two_fits_differ() -> None:
    first, second = (KerasClassifier(**{**TINY, "random_state": None}).fit(X, YES) for _ in range(2))
    assert not same_weights(first, second)


def test_two_members_differ_and_begin_the_ensemble_of_three(binary: KerasClassifier) -> None:
    more = KerasClassifier(**{**TINY, "members": 3}).fit(X, YES)
    for two, three in zip(binary.weights_.values(), more.weights_.values(), strict=True):
        np.testing.assert_allclose(two, three[:2], atol=1e-4)
        assert not np.allclose(two[0], two[1])
    np.testing.assert_array_equal(binary.best_epoch_, more.best_epoch_[:2])


def test_curves_has_a_row_an_epoch_and_a_column_a_member(binary: KerasClassifier, regressor: KerasRegressor) -> None:
    assert set(binary.curves_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert set(regressor.curves_) == {"loss", "mae", "val_loss", "val_mae"}
    for model in (binary, regressor):
        assert {values.shape for values in model.curves_.values()} == {(5, 2)}
        best = model.curves_["val_loss"].argmin(axis=0) + 1
        np.testing.assert_array_equal(model.best_epoch_, best)


def test_the_mean_absolute_error_is_in_units_of_the_target_the_loss_is_not() -> None:
    plain = KerasRegressor(**TINY).fit(X, SCORE)
    larger = KerasRegressor(**TINY).fit(X, 1000 * SCORE)
    np.testing.assert_allclose(larger.curves_["mae"], 1000 * plain.curves_["mae"], rtol=1e-3)
    np.testing.assert_allclose(larger.curves_["loss"], plain.curves_["loss"], rtol=1e-3)


def test_without_held_out_rows_there_is_no_validation_history() -> None:
    model = KerasClassifier(**TINY, early_stopping=None, validation_fraction=0).fit(X, YES)
    assert set(model.curves_) == {"loss", "accuracy"}
    assert model.best_epoch_.tolist() == [5, 5]


@pytest.mark.parametrize("estimator", [KerasClassifier, KerasRegressor])
def test_parameters_are_stored_as_given_cloned_and_left_alone_by_fit(estimator: Any) -> None:
    given = {
        "hidden": (3,),
        "activation": "tanh",
        "dropout": np.array([0.2]),
        "l2": 0.01,
        "optimizer": "rmsprop",
        "learning_rate": 0.003,
        "epochs": 2,
        "batch_size": 16,
        "validation_fraction": 0.2,
        "early_stopping": 4,
        "members": 1,
        "random_state": 5,
    }
    model = estimator(**given)
    assert all(getattr(model, name) is value for name, value in given.items())
    copied = clone(model)
    model.fit(X, SCORE if estimator is KerasRegressor else YES)
    for params in (model.get_params(), copied.get_params()):
        assert set(given) < set(params)
        assert all(np.array_equal(params[name], value) for name, value in given.items())
    assert model.set_params(epochs=9).epochs == 9


def test_a_target_in_millions_is_learned_as_well_as_a_small_one() -> None:
    y = 1e6 + 1e6 * SCORE
    model = KerasRegressor(**{**TINY, "epochs": 60, "dropout": 0.0}).fit(X, y)
    assert model.score(X, y) > 0.8


def test_a_target_in_other_units_gives_the_same_prediction_in_those_units(regressor: KerasRegressor) -> None:
    moved = KerasRegressor(**TINY).fit(X, 1000 * SCORE - 5)
    np.testing.assert_allclose(moved.predict(X), 1000 * regressor.predict(X) - 5, rtol=1e-3, atol=1)


def test_a_constant_target_is_predicted_near_that_constant() -> None:
    model = KerasRegressor(**TINY).fit(X, np.full(ROWS, 7.0))
    assert model.target_scale_ == 1.0
    np.testing.assert_allclose(model.predict(X), 7.0, atol=3)


def test_a_linear_model_has_no_hidden_layer() -> None:
    model = KerasClassifier(**{**TINY, "hidden": []}).fit(X, YES)
    assert [weight.shape for weight in model.weights_.values()] == [(2, 3, 1), (2, 1, 1)]
    w, b = (weight[0] for weight in model.weights_.values())
    np.testing.assert_allclose(np.asarray(model.members_[0](X)), 1 / (1 + np.exp(-(X @ w + b))), atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": 64}, "hidden should be a list; it is 64."),
        ({"hidden": [8, 0]}, "hidden should be greater than or equal to 1; it is [8, 0]."),
        ({"hidden": [2.5]}, "hidden should be a valid integer; it is [2.5]."),
        ({"activation": "rleu"}, "activation: there is no 'rleu'. Did you mean 'relu'?"),
        ({"activation": None}, "activation: there is no None. Known: "),
        ({"dropout": 1.0}, "dropout should be less than 1 or should be a list; it is 1.0."),
        (
            {"dropout": [0.1, 0.2, 0.3]},
            "dropout should be one number, or one for each of the 2 hidden layers; it is [0",
        ),
        (
            {"dropout": [0.1, -0.2]},
            "dropout should be a valid number or should be greater than or equal to 0; it is [0",
        ),
        ({"l2": -1.0}, "l2 should be greater than or equal to 0; it is -1.0."),
        ({"l2": "0.1"}, "l2 should be a valid number; it is '0.1'."),
        ({"optimizer": "Adam"}, "optimizer: there is no 'Adam'. Did you mean 'adam'?"),
        ({"optimizer": "muon"}, "optimizer: there is no 'muon'. "),
        ({"learning_rate": 0.0}, "learning_rate should be greater than 0; it is 0.0."),
        ({"learning_rate": float("inf")}, "learning_rate should be a finite number; it is inf."),
        ({"epochs": 0}, "epochs should be greater than or equal to 1; it is 0."),
        ({"epochs": 2.5}, "epochs should be a valid integer; it is 2.5."),
        ({"epochs": True}, "epochs should be a valid integer; it is True."),
        ({"batch_size": -1}, "batch_size should be greater than or equal to 1; it is -1."),
        ({"validation_fraction": 1.0}, "validation_fraction should be less than 1; it is 1.0."),
        ({"validation_fraction": 0}, "early_stopping needs held-out rows: set validation_fraction above 0"),
        ({"early_stopping": 0}, "early_stopping should be greater than or equal to 1; it is 0."),
        ({"members": None}, "members should be a valid integer; it is None."),
        ({"random_state": -1}, "random_state should be greater than or equal to 0 or should be an instance of RandomS"),
        ({"batch_norm": "no"}, "batch_norm should be a valid boolean; it is 'no'."),
        ({"normalize": 1}, "normalize should be a valid boolean or should be 'robust'; it is 1."),
        ({"verbose": "1"}, "verbose should be a valid integer or should be a valid boolean; it is '1'."),
        ({"random_state": "a"}, "random_state should be a valid integer or should be an instance of RandomState; it"),
    ],
)
def test_a_bad_hyperparameter_is_named_with_what_it_must_be_and_what_it_is(wrong: dict[str, Any], message: str) -> None:
    for estimator, y in ((KerasClassifier, YES), (KerasRegressor, SCORE)):
        with pytest.raises(SpecError) as error:
            estimator(**wrong).fit(X, y)
        assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "numbers",
    [
        {"hidden": [np.int64(8), np.int32(4)], "dropout": np.array([0.1, 0.2], "float32")},
        {"hidden": np.array([8, 4]), "dropout": np.float32(0.1), "l2": np.float32(0.5), "learning_rate": np.float64(1)},
        {"epochs": np.int64(3), "members": np.uint8(2), "early_stopping": np.int64(2), "l2": 0, "dropout": (0, 0)},
    ],
)
def test_numpys_numbers_are_as_welcome_as_pythons(numbers: dict[str, Any]) -> None:
    KerasClassifier(**numbers).check_parameters()


def test_data_that_cannot_be_learned_from_is_refused() -> None:
    with pytest.raises(DataError, match="The target has one class only, 'yes': a classifier needs two or more"):
        KerasClassifier(**TINY).fit(X, np.full(ROWS, "yes"))
    missing = X.copy()
    missing[3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        KerasClassifier(**TINY).fit(missing, YES)
    with pytest.raises(ValueError, match="contains infinity"):
        KerasRegressor(**TINY).fit(X, np.where(SCORE > 0, np.inf, 0))
    with pytest.raises(ValueError, match="continuous"):
        KerasClassifier(**TINY).fit(X, SCORE)
    with pytest.raises(DataError, match=r"validation_fraction 0.9 of 4 training rows leaves none to train on"):
        KerasRegressor(**TINY, validation_fraction=0.9).fit(X[:4], SCORE[:4])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "members_"])
def test_before_fit_there_is_nothing_to_predict_with(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(KerasClassifier(), method)(X)


def test_other_columns_at_prediction_are_refused(binary: KerasClassifier) -> None:
    with pytest.raises(ValueError, match="2 features, but KerasClassifier is expecting 3 features"):
        binary.predict(X[:, :2])


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regressor"])
def test_a_copy_and_a_skops_file_predict_the_same_bit_for_bit(kind: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(kind)
    own = f"tabular_dl.estimators.{type(model).__name__}"
    file = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=file) == [own]
    for again in (copy.deepcopy(model), skops.io.loads(file, trusted=[own])):
        assert again.get_params() == model.get_params()
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        np.testing.assert_array_equal(again._decoded(X), model._decoded(X))
        np.testing.assert_array_equal(again.best_epoch_, model.best_epoch_)
        for name, values in model.curves_.items():
            np.testing.assert_array_equal(again.curves_[name], values)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy"])
def test_a_pipeline_is_cross_validated_by_probabilities_and_by_labels(scoring: str) -> None:
    pipeline = make_pipeline(StandardScaler(), KerasClassifier(**{**TINY, "epochs": 30}))
    splitter = StratifiedKFold(2, shuffle=True, random_state=0)
    scores = cross_val_score(pipeline, X, YES, cv=splitter, scoring=scoring, error_score="raise")
    assert (scores > {"roc_auc": 0.8, "neg_log_loss": -0.6, "accuracy": 0.7}[scoring]).all()


def test_a_pipeline_that_predicts_a_number_is_cross_validated() -> None:
    pipeline = make_pipeline(
        StandardScaler(), KerasRegressor(**{**TINY, "hidden": [16], "epochs": 60, "learning_rate": 0.05})
    )
    assert (cross_val_score(pipeline, X, SCORE, cv=2, scoring="r2", error_score="raise") > 0.5).all()


# One step an epoch, and no more of them than the checks of learning need.


def test_a_fit_that_fails_leaves_an_earlier_one_as_it_was() -> None:
    model = KerasRegressor(**TINY).fit(X[:, :2], SCORE)
    before = model.predict(X[:, :2])
    with pytest.raises(ValueError, match="contains infinity"):
        model.fit(X, np.where(np.arange(ROWS) == 0, np.inf, SCORE))
    assert model.n_features_in_ == 2
    np.testing.assert_array_equal(model.predict(X[:, :2]), before)
    never = KerasRegressor(**{**TINY, "l2": -1.0})
    with pytest.raises(SpecError):
        never.fit(X, SCORE)
    assert not hasattr(never, "n_features_in_")


def test_a_target_whose_square_is_too_large_is_refused() -> None:
    with pytest.warns(RuntimeWarning), pytest.raises(DataError, match=r"The target goes up to .*e\+200"):
        KerasRegressor(**TINY).fit(X, 1e200 * SCORE)


def test_monte_carlo_dropout_leaves_a_generator_alone() -> None:
    state = np.random.RandomState(0)
    model = KerasClassifier(**{**TINY, "random_state": state}, mc_dropout=3, dropout=0.5).fit(X, YES)
    drawn = state.get_state()[2]
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    assert state.get_state()[2] == drawn

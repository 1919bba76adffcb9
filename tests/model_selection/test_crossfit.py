"""Cross-fitting: no fold learns anything from the rows that it is scored on, and each is what it would be alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit, StratifiedKFold
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from tabular_dl.competition.competition import load_competition
from tabular_dl.errors import DataError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.model_selection import fold_matrices
from tabular_dl.model_selection.baselines import baseline_scores
from tabular_dl.model_selection.blended_models import BlendedClassifier
from tabular_dl.model_selection.blending import Blend
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.model_selection.scoring import fold_scores
from tabular_dl.nn import training
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.problems.metrics import get_metric
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline
from tabular_dl.spec.reader import PipelineSpec, load_spec, with_values
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.tracking.persistence import TRUSTED_TYPES, load_model

pytestmark = pytest.mark.slow

SMALL = ["network.hidden=[4]", "training.epochs=4", "training.learning_rate=0.02", "ensemble.members=2"]
TITANIC = load_spec("titanic", [*SMALL, "training.early_stopping=2"])
BOSTON = load_spec("boston", SMALL)
ROWS = 120
# Shuffled, so that rows do not come back in order by chance.
SPLITS = list(KFold(3, shuffle=True, random_state=1).split(np.arange(ROWS)))


def rows_of(spec: Any) -> tuple[pd.DataFrame, np.ndarray]:
    train = load_competition(spec.data.source, spec.data.target, spec.data.id).train.head(ROWS)
    return train[columns_used(spec, train)], train[spec.data.target].to_numpy()


PASSENGERS, SURVIVED = rows_of(TITANIC)
DISTRICTS, PRICE = rows_of(BOSTON)


def classifier(**settings: Any) -> CrossFitClassifier:
    settings = {"cv": SPLITS, "random_state": 0, **settings}
    return CrossFitClassifier(build_pipeline(TITANIC, get_problem("binary")), **settings)


def regressor(**settings: Any) -> CrossFitRegressor:
    settings = {"cv": SPLITS, "random_state": 0, **settings}
    return CrossFitRegressor(build_pipeline(BOSTON, get_problem("regression")), **settings)


def predictions(model: Any, X: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


def fitted_state(pipeline: Pipeline) -> str:
    """Return a fingerprint of everything that a pipeline's features and preprocessing have learned."""
    return joblib.hash(list(learned_values(pipeline[:-1])))


def learned_values(part: Any) -> Iterator[str]:
    """Yield fingerprints of all values in a part, whatever objects are shared between its places."""
    if isinstance(part, BaseEstimator):
        part = vars(part)
    if isinstance(part, dict):
        for name, value in part.items():
            yield repr(name)
            yield from learned_values(value)
    elif isinstance(part, (list, tuple)):
        yield f"{len(part)} values"
        for value in part:
            yield from learned_values(value)
    else:
        yield joblib.hash(part)


def same_weights(a: Pipeline, b: Pipeline) -> bool:
    return all(np.array_equal(v, w) for v, w in zip(a[-1].weights_.values(), b[-1].weights_.values(), strict=True))


@pytest.fixture(scope="module")
def binary() -> CrossFitClassifier:
    return classifier().fit(PASSENGERS, SURVIVED)


@pytest.fixture(scope="module")
def continuous() -> CrossFitRegressor:
    return regressor().fit(DISTRICTS, PRICE)


@pytest.fixture(scope="module", params=["classification", "regression"])
def case(request: pytest.FixtureRequest, binary: Any, continuous: Any) -> tuple[Any, pd.DataFrame, np.ndarray]:
    if request.param == "classification":
        return binary, PASSENGERS, SURVIVED
    return continuous, DISTRICTS, PRICE


# Nothing leaks


@pytest.mark.parametrize("fold", [0, 2])
def test_a_rows_own_target_changes_nothing_in_its_out_of_fold_prediction(case: Any, fold: int) -> None:
    model, X, y = case
    test = SPLITS[fold][1]
    changed = y.copy()
    changed[test[5]] = 1 - y[test[5]] if is_classifier(model) else y[test[5]] + 1000
    other = clone(model).fit(X, changed)
    np.testing.assert_array_equal(other.oof_predictions_[test], model.oof_predictions_[test])
    # Every other fold trained on that row.
    rest = np.setdiff1d(np.arange(ROWS), test)
    assert (other.oof_predictions_[rest] != model.oof_predictions_[rest]).all()


def test_no_feature_of_a_row_influences_what_its_fold_has_learned(case: Any) -> None:
    model, X, y = case
    test = SPLITS[1][1]
    changed = X.copy()
    # Every value changes; the categories that other folds see stay the same, and so do their matrices' widths.
    changed.iloc[test] = X.iloc[np.roll(test, 7)].to_numpy()
    for column in ("Fare", "Age") if is_classifier(model) else ("CRIM", "RM", "TAX"):
        changed[column] = changed[column].astype(float)
        changed.iloc[test, changed.columns.get_loc(column)] *= 1000
    other = clone(model).fit(changed, y)
    assert fitted_state(other.pipelines_[1]) == fitted_state(model.pipelines_[1])
    assert same_weights(other.pipelines_[1], model.pipelines_[1])
    for name, values in model.pipelines_[1][-1].curves_.items():
        np.testing.assert_array_equal(other.pipelines_[1][-1].curves_[name], values)
    for fold in (0, 2):
        assert fitted_state(other.pipelines_[fold]) != fitted_state(model.pipelines_[fold])
        assert not same_weights(other.pipelines_[fold], model.pipelines_[fold])


def test_a_fold_learns_its_statistics_and_categories_from_its_training_rows_alone(binary: CrossFitClassifier) -> None:
    for (train, _), pipeline in zip(SPLITS, binary.pipelines_, strict=True):
        rows = PASSENGERS.iloc[train]
        columns = dict(zip((name for name, *_ in pipeline[1].transformers_), pipeline[1].transformers_, strict=True))
        statistics, categories = [], []
        for _, transformer, _ in columns.values():
            for step in getattr(transformer, "named_steps", {}).values():
                statistics += [v for v in np.ravel(getattr(step, "statistics_", [])) if isinstance(v, float)]
                categories += [set(values) for values in getattr(step, "categories_", [])]
        assert any(value == rows["Age"].median() for value in statistics)
        assert any(np.isclose(value, np.log1p(rows["Fare"]).median()) for value in statistics)
        assert {str(v) for v in rows["Sex"]} in categories
        ports = {v for v in rows["Embarked"] if isinstance(v, str)}
        assert any({v for v in known if isinstance(v, str)} == ports for known in categories)


def test_a_category_of_test_rows_only_is_unknown_to_their_fold() -> None:
    X, y = PASSENGERS.copy(), SURVIVED
    test = SPLITS[0][1]
    X.iloc[test[:3], X.columns.get_loc("Embarked")] = "Zanzibar"
    model = classifier().fit(X, y)
    widths = [pipeline[-1].n_features_in_ for pipeline in model.pipelines_]
    before = [pipeline[-1].n_features_in_ for pipeline in classifier().fit(PASSENGERS, y).pipelines_]
    assert widths == [before[0], before[1] + 1, before[2] + 1]


# A fold is what it would be alone


def test_a_folds_pipeline_equals_the_same_pipeline_fitted_alone_on_its_training_rows(case: Any) -> None:
    model, X, y = case
    for (train, _), together in zip(SPLITS, model.pipelines_, strict=True):
        alone = clone(model.pipeline).set_params(network__random_state=together[-1].random_state)
        alone.fit(X.iloc[train], y[train])
        assert together[-1].n_features_in_ == alone[-1].n_features_in_
        np.testing.assert_allclose(predictions(together, X), predictions(alone, X), atol=1e-4)
        np.testing.assert_array_equal(together[-1].best_epoch_, alone[-1].best_epoch_)


def test_folds_of_different_widths_train_together_as_they_would_alone() -> None:
    # "rare" is in one row: the fold that tests it has a column less than the others.
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"size": generator.normal(size=60), "kind": generator.choice(["a", "b", "c"], 60)})
    X.loc[7, "kind"] = "rare"
    y = np.where(X["size"] + (X["kind"] == "a") > 0.3, "up", "down")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("scale", StandardScaler(), ["size"]), ("encode", encoder, ["kind"])])
    network = KerasClassifier(hidden=[4], epochs=5, members=2, learning_rate=0.05)
    splits = list(KFold(4).split(X))
    model = CrossFitClassifier(Pipeline([("columns", columns), ("network", network)]), splits, 3).fit(X, y)
    assert [pipeline[-1].n_features_in_ for pipeline in model.pipelines_] == [4, 5, 5, 5]
    for (train, test), together in zip(splits, model.pipelines_, strict=True):
        alone = clone(model.pipeline).set_params(network__random_state=together[-1].random_state)
        expected = alone.fit(X.iloc[train], y[train]).predict_proba(X)
        np.testing.assert_allclose(together.predict_proba(X), expected, atol=1e-4)
        np.testing.assert_allclose(model.oof_predictions_[test], expected[test], atol=1e-4)


def test_folds_and_members_have_seeds_of_their_own(case: Any) -> None:
    model, _, _ = case
    assert len({pipeline[-1].random_state for pipeline in model.pipelines_}) == 3
    first, second = (pipeline[-1].weights_["head.bias"] for pipeline in model.pipelines_[:2])
    assert not np.allclose(first, second)


# Predictions


def test_the_predictor_is_the_mean_of_the_folds_pipelines(case: Any) -> None:
    model, X, _ = case
    mean = sum(predictions(pipeline, X) for pipeline in model.pipelines_) / 3
    np.testing.assert_allclose(predictions(model, X), mean, rtol=1e-12)


def test_a_classifier_predicts_the_label_of_the_greatest_mean_probability(binary: CrossFitClassifier) -> None:
    np.testing.assert_array_equal(binary.classes_, [0, 1])
    np.testing.assert_array_equal(binary.predict(PASSENGERS), binary.predict_proba(PASSENGERS)[:, 1] > 0.5)
    assert binary.score(PASSENGERS, SURVIVED) == accuracy_score(SURVIVED, binary.predict(PASSENGERS))


def test_out_of_fold_predictions_are_in_row_order(case: Any) -> None:
    model, X, _ = case
    assert len(model.oof_predictions_) == ROWS
    for row in range(0, ROWS, 11):
        fold = next(fold for fold, (_, test) in enumerate(SPLITS) if row in test)
        expected = predictions(model.pipelines_[fold], X.iloc[[row]])[0]
        np.testing.assert_allclose(model.oof_predictions_[row], expected, atol=1e-6)


def test_an_out_of_fold_prediction_has_a_probability_a_class_or_is_one_number(binary: Any, continuous: Any) -> None:
    assert binary.oof_predictions_.shape == (ROWS, 2)
    np.testing.assert_allclose(binary.oof_predictions_.sum(axis=1), 1)
    assert continuous.oof_predictions_.shape == (ROWS,)


def test_kaggles_rows_with_a_missing_fare_an_unseen_port_and_an_unseen_title_are_predicted(
    binary: CrossFitClassifier,
) -> None:
    rows = PASSENGERS.head(4).copy()
    rows.loc[rows.index[0], "Fare"] = np.nan
    rows.loc[rows.index[1], "Embarked"] = "Zanzibar"
    rows.loc[rows.index[2], "Name"] = "Nemo, Archduke. Karl"
    probabilities = binary.predict_proba(rows)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[3], binary.predict_proba(PASSENGERS.iloc[[3]])[0], atol=1e-6)


def test_columns_may_come_in_another_order_and_with_others_beside_them(case: Any) -> None:
    model, X, _ = case
    shuffled = X[X.columns[::-1]].assign(Remark="none")
    np.testing.assert_array_equal(predictions(model, shuffled), predictions(model, X))


def test_curves_stands_side_by_side_fold_by_fold(case: Any) -> None:
    model, _, _ = case
    assert {values.shape[1] for values in model.curves_.values()} == {6}
    for fold, pipeline in enumerate(model.pipelines_):
        own = slice(2 * fold, 2 * fold + 2)
        np.testing.assert_array_equal(model.best_epoch_[own], pipeline[-1].best_epoch_)
        np.testing.assert_array_equal(model.curves_["loss"][:, own], pipeline[-1].curves_["loss"])


def test_each_epoch_is_reported_with_the_members_of_all_folds() -> None:
    reports: list[tuple[int, int, int]] = []

    def note(epoch: int, figures: dict[str, np.ndarray], active: np.ndarray) -> None:
        reports.append((epoch, len(figures["loss"]), len(active)))

    regressor().fit(DISTRICTS, PRICE, on_epoch=note)
    assert reports == [(epoch, 6, 6) for epoch in (1, 2, 3, 4)]


# Scores


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_fold_scores_of_a_classifier_equal_a_plain_loop(binary: CrossFitClassifier, name: str) -> None:
    expected = []
    for (_, test), pipeline in zip(SPLITS, binary.pipelines_, strict=True):
        rows, y = PASSENGERS.iloc[test], SURVIVED[test]
        expected.append(
            accuracy_score(y, pipeline.predict(rows))
            if name == "accuracy"
            else log_loss(y, pipeline.predict_proba(rows))
        )
    np.testing.assert_allclose(fold_scores(binary, SURVIVED, get_metric(name)), expected, rtol=1e-5)


def test_fold_scores_of_a_regressor_equal_a_plain_loop(continuous: CrossFitRegressor) -> None:
    expected = [
        root_mean_squared_error(PRICE[test], pipeline.predict(DISTRICTS.iloc[test]))
        for (_, test), pipeline in zip(SPLITS, continuous.pipelines_, strict=True)
    ]
    np.testing.assert_allclose(fold_scores(continuous, PRICE, get_metric("rmse")), expected, rtol=1e-5)


def test_baselines_are_fitted_and_scored_on_the_same_folds(case: Any) -> None:
    model, X, y = case
    if is_classifier(model):
        baselines: dict[str, Any] = {"simple": DummyClassifier(), "linear": LogisticRegression(max_iter=5000)}
        metric, score = get_metric("accuracy"), accuracy_score
    else:
        baselines = {"simple": DummyRegressor(), "linear": LinearRegression()}
        metric, score = get_metric("rmse"), root_mean_squared_error
    found = baseline_scores(model, X, y, baselines, metric)
    assert list(found) == ["simple", "linear"]
    for name, baseline in baselines.items():
        expected = []
        for train, test in SPLITS:
            pipeline = Pipeline([*clone(model.pipeline[:-1]).steps, ("baseline", clone(baseline))])
            expected.append(score(y[test], pipeline.fit(X.iloc[train], y[train]).predict(X.iloc[test])))
        np.testing.assert_allclose(found[name], expected, rtol=1e-9)
    assert not hasattr(baselines["linear"], "coef_")


def test_baselines_of_a_fold_without_training_rows_of_a_class_give_it_no_probability() -> None:
    X, y = pd.DataFrame({"x": np.arange(30.0) % 7}), np.repeat(["a", "b", "c"], 10)
    pipeline = Pipeline([("network", KerasClassifier(hidden=[2], epochs=1, members=1))])
    model = CrossFitClassifier(pipeline, list(KFold(3).split(X)), 0).fit(X, y)
    found = baseline_scores(model, X, y, {"simple": DummyClassifier()}, get_metric("accuracy"))
    assert found["simple"].tolist() == [0.0, 0.0, 0.0]
    found = baseline_scores(model, X, y, {"simple": DummyClassifier()}, get_metric("log_loss"))
    assert (found["simple"] > 10).all()


# Encoders that look at the target, and embeddings

ENCODED = PipelineSpec.model_validate(
    {
        **TITANIC.model_dump(exclude={"search"}),
        "columns": [
            {"columns": ["Age", "LogFare"], "clip": 0.02, "scale": "power"},
            {"columns": ["Family"], "scale": "quantile"},
            {"columns": ["Ticket", "Title"], "encode": "target", "scale": "standard"},
            {"columns": ["Embarked"], "encode": "frequency"},
            {"columns": ["Deck", "Pclass"], "encode": "embedding", "rare": 3},
        ],
    }
)
TRAVELLERS = load_competition("titanic", "Survived", "PassengerId").train.head(ROWS)


@pytest.fixture(scope="module")
def encoded() -> CrossFitClassifier:
    return CrossFitClassifier(build_pipeline(ENCODED, get_problem("binary")), SPLITS, 0).fit(TRAVELLERS, SURVIVED)


def test_a_fold_with_every_encoder_equals_its_pipeline_fitted_alone(encoded: CrossFitClassifier) -> None:
    for (train, _), together in zip(SPLITS, encoded.pipelines_, strict=True):
        alone = clone(encoded.pipeline).set_params(network__random_state=together[-1].random_state)
        alone.fit(TRAVELLERS.iloc[train], SURVIVED[train])
        np.testing.assert_allclose(predictions(together, TRAVELLERS), predictions(alone, TRAVELLERS), atol=1e-4)
        assert together[-1].inputs_["categorical"] == [0, 1]
        assert [len(weight) for weight in together[-1].weights_.values()] == [
            len(weight) for weight in alone[-1].weights_.values()
        ]


def test_the_targets_of_a_fold_are_not_in_the_encodings_that_it_is_scored_with(encoded: CrossFitClassifier) -> None:
    test = SPLITS[0][1]
    changed = SURVIVED.copy()
    changed[test] = 1 - changed[test]
    other = clone(encoded).fit(TRAVELLERS, changed)
    np.testing.assert_array_equal(other.oof_predictions_[test], encoded.oof_predictions_[test])
    np.testing.assert_array_equal(clone(encoded).fit(TRAVELLERS, SURVIVED).oof_predictions_, encoded.oof_predictions_)


def test_baselines_train_on_cross_fitted_values_and_on_one_hot_rows_for_embeddings(encoded: CrossFitClassifier) -> None:
    linear = LogisticRegression(max_iter=5000)
    found = baseline_scores(encoded, TRAVELLERS, SURVIVED, {"linear": linear}, get_metric("log_loss"))
    expected, leaking = [], []
    one_hot = ColumnTransformer([("codes", OneHotEncoder(handle_unknown="ignore"), [0, 1])], remainder="passthrough")
    for train, test in SPLITS:
        rows, y, later = TRAVELLERS.iloc[train], SURVIVED[train], TRAVELLERS.iloc[test]
        model = Pipeline([*clone(encoded.pipeline[:-1]).steps, ("one_hot", one_hot), ("linear", linear)])
        expected.append(log_loss(SURVIVED[test], model.fit(rows, y).predict_proba(later)))
        encoder = model[:-1]
        knows = clone(linear).fit(encoder.transform(rows), y)
        leaking.append(log_loss(SURVIVED[test], knows.predict_proba(encoder.transform(later))))
    np.testing.assert_allclose(found["linear"], expected, rtol=1e-6)
    assert not np.isclose(found["linear"], leaking).any()


def test_baselines_learn_the_logarithm_that_networks_learn() -> None:
    spec = with_values(BOSTON, {"network.target_transform": "log1p", "training.epochs": 1})
    model = CrossFitRegressor(build_pipeline(spec, get_problem("regression")), SPLITS, 0).fit(DISTRICTS, PRICE)
    found = baseline_scores(model, DISTRICTS, PRICE, {"linear": LinearRegression()}, get_metric("rmsle"))
    expected = []
    for train, test in SPLITS:
        linear = Pipeline([*clone(model.pipeline[:-1]).steps, ("linear", LinearRegression())])
        logarithms = linear.fit(DISTRICTS.iloc[train], np.log1p(PRICE[train])).predict(DISTRICTS.iloc[test])
        expected.append(np.sqrt(np.mean((logarithms - np.log1p(PRICE[test])) ** 2)))
    np.testing.assert_allclose(found["linear"], expected, rtol=1e-5)


def test_a_model_with_every_encoder_is_restored_bit_for_bit(encoded: CrossFitClassifier, tmp_path: Path) -> None:
    skops.io.dump(encoded, tmp_path / "model.skops")
    later = TRAVELLERS.assign(Pclass=9, Embarked=[None, "Z"] * (ROWS // 2), Fare=1e6, Ticket="never")
    restored = load_model(tmp_path / "model.skops")
    for rows in (TRAVELLERS, later):
        np.testing.assert_array_equal(predictions(restored, rows), predictions(encoded, rows))
    assert np.isfinite(predictions(restored, later)).all()


# Folds


def test_a_number_asks_for_shuffled_folds_with_the_classes_in_their_shares() -> None:
    model = classifier(cv=3, random_state=5).fit(PASSENGERS, SURVIVED)
    expected = StratifiedKFold(3, shuffle=True, random_state=5).split(PASSENGERS, SURVIVED)
    for found, (_, test) in zip(model.test_rows_, expected, strict=True):
        np.testing.assert_array_equal(found, test)


def test_a_number_asks_for_plain_shuffled_folds_of_a_number() -> None:
    model = regressor(cv=np.int64(3), random_state=5).fit(DISTRICTS, PRICE)
    for found, (_, test) in zip(model.test_rows_, KFold(3, shuffle=True, random_state=5).split(PRICE), strict=True):
        np.testing.assert_array_equal(found, test)


def test_folds_may_be_a_splitter_or_a_list_of_splits(continuous: CrossFitRegressor) -> None:
    numbers = np.empty(ROWS, int)
    for fold, (_, test) in enumerate(SPLITS):
        numbers[test] = fold
    model = regressor(cv=PredefinedSplit(numbers)).fit(DISTRICTS, PRICE)
    np.testing.assert_array_equal(model.oof_predictions_, continuous.oof_predictions_)


def test_rows_that_belong_together_are_scored_by_networks_that_know_none_of_them() -> None:
    # Nothing but the patient says what a row's label is, and each patient has six rows that look alike.
    generator = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 6)
    looks, sick = generator.normal(size=(40, 12)), generator.integers(0, 2, 40)
    X = pd.DataFrame(looks[patients] + generator.normal(0, 0.01, (240, 12)), columns=[f"c{k}" for k in range(12)])
    settings = {"hidden": [32], "epochs": 30, "learning_rate": 0.02, "early_stopping": 5, "members": 1}
    model = CrossFitClassifier(Pipeline([("network", KerasClassifier(**settings))]), cv=4, random_state=0)
    known = clone(model).fit(X, sick[patients])
    unknown = clone(model).fit(X, sick[patients], patients)
    for train, test in zip(unknown.train_rows_, unknown.test_rows_, strict=True):
        assert not set(patients[train]) & set(patients[test])
    scores = [fold_scores(each, sick[patients], get_metric("accuracy")).mean() for each in (known, unknown)]
    assert scores[0] > 0.95
    assert scores[1] < 0.75
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(model).fit(X, sick[patients], patients[1:])
    with pytest.raises(DataError, match="2 groups are fewer than the 4 folds"):
        clone(model).fit(X, sick[patients], patients % 2)


# Several labels at once


LABELS = np.stack([SURVIVED, 1 - SURVIVED, (PASSENGERS["Fare"] > 20).astype(int)], axis=1)


@pytest.fixture(scope="module")
def several() -> CrossFitClassifier:
    network = KerasClassifier(hidden=[4], epochs=10, members=2, learning_rate=0.05)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
    return CrossFitClassifier(pipeline, cv=3, random_state=5).fit(PASSENGERS[["Fare", "Pclass"]], LABELS)


def test_several_labels_are_predicted_each_as_yes_or_no(several: CrossFitClassifier) -> None:
    X = PASSENGERS[["Fare", "Pclass"]]
    mean = np.mean([pipeline.predict_proba(X) for pipeline in several.pipelines_], axis=0)
    np.testing.assert_allclose(several.predict_proba(X), mean)
    np.testing.assert_array_equal(several.predict(X), (mean > 0.5).astype(int))
    assert several.predict(X)[:, 2].any()
    assert several.score(X, LABELS) == accuracy_score(LABELS, mean > 0.5)
    blend = BlendedClassifier([several, several], Blend("mean")).fit_blend(LABELS, get_metric("accuracy"))
    np.testing.assert_array_equal(blend.predict(X), several.predict(X))


def test_several_labels_are_scored_on_each_fold_and_so_are_simple_models(several: CrossFitClassifier) -> None:
    X = PASSENGERS[["Fare", "Pclass"]]
    simple = {"majority": DummyClassifier(strategy="prior"), "linear": ClassifierChain(LogisticRegression())}
    found = baseline_scores(several, X, LABELS, simple, get_metric("roc_auc"))
    share = baseline_scores(several, X, LABELS, {"majority": simple["majority"]}, get_metric("accuracy"))["majority"]
    scores = fold_scores(several, LABELS, get_metric("accuracy"))
    for fold, (train, test) in enumerate(zip(several.train_rows_, several.test_rows_, strict=True)):
        assert scores[fold] == accuracy_score(LABELS[test], several.oof_predictions_[test] > 0.5)
        assert share[fold] == np.mean((LABELS[test] == (LABELS[train].mean(axis=0) > 0.5)).all(axis=1))
        assert found["majority"][fold] == 0.5
        scaler = StandardScaler().fit(X.iloc[train])
        linear = ClassifierChain(LogisticRegression()).fit(scaler.transform(X.iloc[train]), LABELS[train])
        expected = roc_auc_score(LABELS[test], linear.predict_proba(scaler.transform(X.iloc[test])))
        assert found["linear"][fold] == pytest.approx(expected)


ALL = np.arange(ROWS)


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3, random_state=0),
        PredefinedSplit(np.where(ALL < 10, -1, ALL % 2)),
        [(ALL[40:], ALL[:40]), (ALL[:40], ALL[40:80])],
        [(ALL[40:], ALL[:40]), (ALL[:40], ALL[40:]), (ALL[:60], ALL[60:])],
        [(ALL[:80], ALL[:60]), (ALL[:60], ALL[60:])],
    ],
    ids=["drawn", "some never", "too few", "some twice", "trained on too"],
)
def test_folds_that_do_not_test_each_row_once_unseen_are_refused(cv: Any) -> None:
    with pytest.raises(DataError, match="the folds have to test every row exactly once, and never a row that they"):
        regressor(cv=cv).fit(DISTRICTS, PRICE)


# The contract of an estimator


def test_a_random_state_repeats_a_fit_bit_for_bit_and_another_does_not(case: Any) -> None:
    model, X, y = case
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.oof_predictions_, model.oof_predictions_)
    np.testing.assert_array_equal(predictions(again, X), predictions(model, X))
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert (other.oof_predictions_ != model.oof_predictions_).any()


def test_the_whole_object_survives_a_round_trip_through_a_skops_file(case: Any, tmp_path: Path) -> None:
    model, X, _ = case
    skops.io.dump(model, tmp_path / "model.skops")
    assert set(skops.io.get_untrusted_types(file=tmp_path / "model.skops")) <= set(TRUSTED_TYPES)
    loaded = load_model(tmp_path / "model.skops")
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(predictions(loaded, X), predictions(model, X))
    np.testing.assert_array_equal(loaded.oof_predictions_, model.oof_predictions_)
    np.testing.assert_array_equal(loaded.best_epoch_, model.best_epoch_)


def test_fitting_leaves_the_pipeline_that_was_given_untouched(case: Any) -> None:
    model, _, _ = case
    with pytest.raises(NotFittedError):
        model.pipeline[-1].predict(np.zeros((1, 3)))
    assert model.pipeline[-1].random_state == 0
    assert model.get_params()["pipeline__network__hidden"] == [4]


def test_scikit_learn_tells_the_two_apart(binary: Any, continuous: Any) -> None:
    assert is_classifier(binary)
    assert not is_regressor(binary)
    assert is_regressor(continuous)
    assert not is_classifier(continuous)
    assert list(binary.feature_names_in_) == list(PASSENGERS.columns)


@pytest.mark.parametrize("model", [classifier(), regressor()])
def test_an_unfitted_object_says_so(model: Any) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.predict(PASSENGERS)


def test_a_target_that_is_missing_or_as_long_as_another_table_is_refused() -> None:
    with pytest.raises(ValueError, match="Input y contains NaN"):
        regressor().fit(DISTRICTS, np.where(ALL == 3, np.nan, PRICE))
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[120, 60\]"):
        regressor(cv=3).fit(DISTRICTS, PRICE[:60])


def test_features_that_are_not_numbers_after_preprocessing_are_refused_before_training() -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("network", KerasRegressor(epochs=1))])
    X = DISTRICTS[["RM"]].copy()
    X.iloc[2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        CrossFitRegressor(pipeline).fit(X, PRICE)


def test_a_new_fit_forgets_the_threshold_of_the_predictions_of_before() -> None:
    crossfit = classifier().fit(PASSENGERS, SURVIVED).choose_threshold(0.01, SURVIVED, get_metric("accuracy"))
    assert crossfit.predict(PASSENGERS).all()
    crossfit.fit(PASSENGERS, SURVIVED)
    assert (crossfit.threshold_, crossfit.oof_thresholds_) == (None, None)
    np.testing.assert_array_equal(crossfit.predict(PASSENGERS), crossfit.predict_proba(PASSENGERS).argmax(axis=1))


# What the steps return


def test_categories_may_be_named_in_a_table_with_and_without_steps() -> None:
    X = pd.DataFrame({"size": PASSENGERS["Fare"].to_numpy(), "class": PASSENGERS["Pclass"].to_numpy(float)})
    settings = {"hidden": [4], "epochs": 3, "members": 1, "learning_rate": 0.05}
    scale = ColumnTransformer(
        [("size", StandardScaler(), ["size"])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    for steps in ([("scale", scale)], []):
        found = [
            CrossFitClassifier(
                Pipeline([*steps, ("network", KerasClassifier(**settings, categorical_features=[column]))]),
                cv=SPLITS,
                random_state=0,
            ).fit(X, SURVIVED)
            for column in ("class", 1)
        ]
        np.testing.assert_array_equal(found[0].oof_predictions_, found[1].oof_predictions_)
        # Warnings are errors here: names are known in predictions, too.
        np.testing.assert_array_equal(found[0].predict_proba(X), found[1].predict_proba(X))
        network = found[0].pipelines_[0][-1]
        assert network.feature_names_in_.tolist() == ["size", "class"]
        assert network.inputs_["categorical"] == [1]


def test_a_sparse_table_is_cross_fitted_as_the_dense_one_is() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (ROWS, 6)).astype(float)
    network = KerasClassifier(hidden=[4], epochs=3, members=1, learning_rate=0.05)
    for steps in ([("scale", MaxAbsScaler())], []):
        model = CrossFitClassifier(Pipeline([*steps, ("network", network)]), cv=SPLITS, random_state=0)
        sparse = clone(model).fit(csr_matrix(bits), SURVIVED)
        np.testing.assert_allclose(sparse.oof_predictions_, model.fit(bits, SURVIVED).oof_predictions_, atol=1e-6)
        np.testing.assert_allclose(sparse.predict_proba(csr_matrix(bits)), model.predict_proba(bits), atol=1e-6)


# Folds whose preprocessing learns nothing


def test_folds_that_learn_nothing_train_on_one_matrix_of_bytes_as_on_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (ROWS, 6)).astype(np.uint8)
    X, y = pd.DataFrame(bits, columns=[f"word{k}" for k in range(6)]), bits[:, 0] ^ bits[:, 1]
    network = KerasClassifier(hidden=[4], epochs=3, members=2, early_stopping=None, learning_rate=0.02)
    steps = [("words", build_preprocessing([{"columns": ["word*"], "impute": "none"}])), ("network", network)]
    tables: list[list[np.ndarray]] = []
    table = training.Table
    monkeypatch.setattr(training, "Table", lambda X, y: (tables.append(X), table(X, y))[1])
    shared = CrossFitClassifier(Pipeline(steps), cv=SPLITS, random_state=0).fit(X, y)
    monkeypatch.setattr(fold_matrices, "sharing", list)
    apart = CrossFitClassifier(Pipeline(steps), cv=SPLITS, random_state=0).fit(X, y)
    assert [[(each.shape, each.dtype) for each in group] for group in tables] == [
        [((ROWS, 6), np.uint8)],
        [((ROWS, 6), np.uint8)] * 3,
    ]
    np.testing.assert_allclose(shared.oof_predictions_, apart.oof_predictions_, atol=1e-6)
    for one, other in zip(shared.pipelines_, apart.pipelines_, strict=True):
        np.testing.assert_allclose(one[-1].weights_["dense_0.kernel"], other[-1].weights_["dense_0.kernel"], atol=1e-6)


def test_folds_of_a_regression_share_no_target() -> None:
    # Each fold standardises the target by its own rows: one matrix would need several targets.
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 2)), columns=["a", "b"])
    y = X["a"].to_numpy() * 10 + 5
    network = KerasRegressor(hidden=[], epochs=30, members=1, early_stopping=None, learning_rate=0.1)
    steps = [("numbers", build_preprocessing([{"columns": ["?"], "impute": "none"}])), ("network", network)]
    model = CrossFitRegressor(Pipeline(steps), cv=SPLITS, random_state=0).fit(X, y)
    means = [pipeline[-1].target_mean_[0] for pipeline in model.pipelines_]
    np.testing.assert_allclose(means, [y[rows].mean() for rows, _ in SPLITS])
    assert root_mean_squared_error(y, model.oof_predictions_) < 0.2 * y.std()

"""Models of other libraries predict what the bare library predicts that is fitted on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import model_fit
from tabular_dl.estimators.held_out import RowTimes, hold_out
from tabular_dl.estimators.model_base import SHARE
from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.estimators.model_fit import fit_models
from tabular_dl.estimators.model_table import MODELS
from tabular_dl.estimators.population import derived_seed
from tabular_dl.tracking.persistence import TRUSTED_TYPES

RNG = np.random.default_rng(0)
ROWS, NEW = 150, 40
# The first column holds numbers of categories, with unknown (-1) and missing (-2) ones among the new rows.
X = np.column_stack([RNG.integers(0, 6, ROWS + NEW), RNG.normal(size=(ROWS + NEW, 3))]).astype(float)
NUMBERS = X[:, 1] - 2 * X[:, 2] + np.where(X[:, 0] % 2, 1.5, -1.5) + RNG.normal(0, 0.3, ROWS + NEW)
LABELS = np.array(["low", "middle", "top"])[np.digitize(NUMBERS, [-1.0, 2.0])]
X, FRESH, NUMBERS, LABELS = X[:ROWS], X[ROWS:].copy(), NUMBERS[:ROWS], LABELS[:ROWS]
FRESH[:3, 0], FRESH[3:6, 0] = -1, -2
GAPS = X.copy()
GAPS[::7, 2] = np.nan

# As few trees as show what a test is about.
QUICK: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 25, "learning_rate": 0.3, "max_leaf_nodes": 6},
    "random_forest": {"n_estimators": 6},
    "extra_trees": {"n_estimators": 6},
    "logistic": {},
    "ridge": {"alpha": 0.5},
    "knn": {"n_neighbors": 7},
    "lightgbm": {"n_estimators": 25, "learning_rate": 0.3, "num_leaves": 6},
    "xgboost": {"n_estimators": 25, "learning_rate": 0.3, "max_depth": 3},
    "catboost": {"iterations": 25, "learning_rate": 0.3, "depth": 3},
}
BOOSTED = ("hist_gradient_boosting", "lightgbm", "xgboost", "catboost")
PATIENCE = 3
KINDS = [pytest.param(True, id="labels"), pytest.param(False, id="numbers")]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let bare models wait for no thread: those of a few rows take longer to start than to compute."""
    with threadpool_limits(1, "openmp"):
        yield


def model(name: str, classification: bool, **settings: Any) -> ModelClassifier | ModelRegressor:
    kind = ModelClassifier if classification else ModelRegressor
    stopping = {"early_stopping": PATIENCE} if name in BOOSTED else {}
    return kind(name, **{"parameters": QUICK[name], "random_state": 5, **stopping, **settings})


def target(classification: bool) -> np.ndarray:
    return LABELS if classification else NUMBERS


def predicted(fitted: Any, rows: np.ndarray) -> np.ndarray:
    return fitted.predict_proba(rows) if hasattr(fitted, "classes_") else fitted.predict(rows)


def stored_and_loaded(fitted: Any) -> Any:
    content = skops.io.dumps(fitted)
    assert {*skops.io.get_untrusted_types(data=content)} <= {*TRUSTED_TYPES}
    return skops.io.loads(content, trusted=TRUSTED_TYPES)


# What the bare libraries predict


def split(y: np.ndarray, member: int = 0, seed: int = 5) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the rows that a member trains on and holds out, and its seed."""
    own = derived_seed(seed, member)
    labels = y if y.dtype.kind == "U" else None
    return *hold_out(np.arange(len(y)), labels, SHARE, own), own


def bare_boosting(name: str, X: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Fit a boosting library by hand on the member's own rows, with its column of categories named."""
    labels = y.dtype.kind == "U"
    train, held_out, seed = split(y)
    coded = np.searchsorted(np.unique(y), y) if labels else y
    X, new = X.copy(), new.copy()
    for rows in (X, new):
        rows[rows[:, 0] < 0, 0] = np.nan
    own = QUICK[name]
    if name == "hist_gradient_boosting":
        kind: Any = HistGradientBoostingClassifier if labels else HistGradientBoostingRegressor
        stop = {"early_stopping": True, "n_iter_no_change": PATIENCE, "scoring": "loss"}
        bare = kind(**own, **stop, categorical_features=[0], random_state=seed)
        bare.fit(X[train], coded[train], X_val=X[held_out], y_val=coded[held_out])
    elif name == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMClassifier if labels else lightgbm.LGBMRegressor
        bare = kind(**own, random_state=seed, n_jobs=1, verbose=-1, deterministic=True)
        stopping = lightgbm.early_stopping(PATIENCE, verbose=False)
        bare.fit(
            *(X[train], coded[train]),
            **{"eval_X": X[held_out], "eval_y": coded[held_out]},
            categorical_feature=[0],
            callbacks=[stopping],
        )
        bare = bare.booster_
        values = bare.predict(new, num_iteration=bare.best_iteration)
        return np.asarray(values)
    elif name == "xgboost":
        import xgboost

        kind = xgboost.XGBClassifier if labels else xgboost.XGBRegressor
        types = ["c", "q", "q", "q"]
        stop = {"early_stopping_rounds": PATIENCE, "enable_categorical": True, "feature_types": types}
        bare = kind(**own, **stop, random_state=seed, n_jobs=1)
        bare.fit(X[train], coded[train], eval_set=[(X[held_out], coded[held_out])], verbose=False)
    else:
        import catboost

        def table(rows: np.ndarray) -> pd.DataFrame:
            return pd.DataFrame(rows).assign(**{"0": np.nan_to_num(rows[:, 0], nan=-1).astype(int)})[["0", 1, 2, 3]]

        kind = catboost.CatBoostClassifier if labels else catboost.CatBoostRegressor
        bare = kind(**own, random_state=seed, thread_count=1, verbose=0, allow_writing_files=False)
        bare.fit(
            *(table(X[train]), coded[train]),
            cat_features=[0],
            eval_set=(table(X[held_out]), coded[held_out]),
            early_stopping_rounds=PATIENCE,
        )
        new = table(new)
    return np.asarray(bare.predict_proba(new) if labels else bare.predict(new))


@pytest.mark.parametrize("classification", KINDS)
@pytest.mark.parametrize("name", BOOSTED)
def test_boosted_trees_stop_and_predict_as_the_library_does_by_hand(name: str, classification: bool) -> None:
    y = target(classification)
    fitted = model(name, classification, categorical_features=[0]).fit(GAPS, y)
    np.testing.assert_allclose(predicted(fitted, FRESH), bare_boosting(name, GAPS, y, FRESH), atol=1e-6)
    assert 1 <= fitted.rounds_[0] <= 25


BARE: dict[str, Any] = {
    "random_forest": (RandomForestClassifier, RandomForestRegressor, {"min_samples_leaf": 2}),
    "extra_trees": (ExtraTreesClassifier, ExtraTreesRegressor, {"min_samples_leaf": 2}),
    "logistic": (LogisticRegression, Ridge, {"max_iter": 2000}),
    "ridge": (RidgeClassifier, Ridge, {}),
    "knn": (KNeighborsClassifier, KNeighborsRegressor, {"weights": "distance"}),
}


@pytest.mark.parametrize("classification", KINDS)
@pytest.mark.parametrize("name", BARE)
def test_models_of_scikit_learn_predict_what_they_do_by_hand(name: str, classification: bool) -> None:
    """They train on all rows, and read one column a category."""
    y, (*kinds, own) = target(classification), BARE[name]
    bare = kinds[0 if classification else 1](**own, **QUICK[name])
    if "random_state" in bare.get_params():
        bare.set_params(random_state=derived_seed(5, 0))
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(X[:, :1])
    wide, new = (np.hstack([one_hot.transform(rows[:, :1]), rows[:, 1:]]) for rows in (X, FRESH))
    bare.fit(wide, y)
    fitted = model(name, classification, categorical_features=[0]).fit(X, y)
    expected = predicted(bare, new) if hasattr(bare, "predict_proba") or not classification else None
    if expected is None:  # the predicted class has all of the probability
        expected = (bare.predict(new)[:, np.newaxis] == bare.classes_).astype(float)
    np.testing.assert_array_equal(predicted(fitted, FRESH), expected)
    assert fitted.rounds_ is None


def test_a_class_of_scikit_learn_may_be_named() -> None:
    fitted = ModelRegressor("sklearn.tree:DecisionTreeRegressor", parameters={"max_depth": 3}, random_state=1)
    from sklearn.tree import DecisionTreeRegressor

    bare = DecisionTreeRegressor(max_depth=3, random_state=derived_seed(1, 0)).fit(X, NUMBERS)
    np.testing.assert_array_equal(fitted.fit(X, NUMBERS).predict(FRESH), bare.predict(FRESH))


@pytest.mark.parametrize("name", BOOSTED)
def test_without_early_stopping_all_rows_and_all_rounds_are_trained(name: str) -> None:
    fitted = model(name, False, early_stopping=None).fit(X, NUMBERS)
    assert fitted.rounds_.tolist() == [25]
    assert np.corrcoef(fitted.predict(X), NUMBERS)[0, 1] > 0.9


# Stored models, members and seeds


@pytest.mark.parametrize("classification", KINDS)
@pytest.mark.parametrize("name", MODELS)
def test_stored_members_predict_the_same_and_are_averaged_and_repeat(name: str, classification: bool) -> None:
    y = target(classification)
    both = model(name, classification, categorical_features=[0], members=2).fit(X, y)
    before = predicted(both, FRESH)
    np.testing.assert_array_equal(predicted(stored_and_loaded(both), FRESH), before)
    again = clone(both).fit(X, y)
    np.testing.assert_array_equal(predicted(again, FRESH), before)
    # Each member by itself has the seed of its number.
    outputs = both._outputs(FRESH)
    np.testing.assert_allclose(before, np.mean(outputs, axis=0), atol=1e-15)
    if name in BOOSTED or "forest" in name or "trees" in name:
        assert not np.array_equal(*outputs)
        other = clone(both).set_params(random_state=6).fit(X, y)
        assert not np.array_equal(predicted(other, FRESH), before)


def test_a_member_trains_and_stops_on_its_own_rows() -> None:
    second = model("hist_gradient_boosting", False, members=2).fit(X, NUMBERS)._outputs(FRESH)[1]
    train, held_out, seed = split(NUMBERS, member=1)
    stop = {"early_stopping": True, "n_iter_no_change": PATIENCE, "scoring": "loss"}
    bare = HistGradientBoostingRegressor(**QUICK["hist_gradient_boosting"], **stop, random_state=seed)
    bare.fit(X[train], NUMBERS[train], X_val=X[held_out], y_val=NUMBERS[held_out])
    np.testing.assert_array_equal(second, bare.predict(FRESH))


@pytest.mark.parametrize(
    "name", ["random_forest", "hist_gradient_boosting", "lightgbm", "xgboost", "catboost", "logistic"]
)
def test_the_number_of_cores_changes_neither_predictions_nor_parameters(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for cores in (1, 3):
        monkeypatch.setattr(model_fit, "cores", lambda cores=cores: cores)
        fitted = model(name, True)
        fit_models([fitted], [X], LABELS, [np.arange(ROWS)], np.unique(LABELS))
        found.append((predicted(fitted, FRESH), fitted.get_params()))
        if not isinstance(fitted.models_[0], str):
            assert fitted.models_[0].get_params().get("n_jobs") is None
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_estimators_that_are_fitted_together_are_as_each_alone() -> None:
    folds = [np.arange(0, ROWS, 2), np.arange(1, ROWS, 2)]
    together = [model("lightgbm", True, random_state=seed, members=2) for seed in (1, 2)]
    trained: list[tuple[int, list[bool]]] = []
    fit_models(
        together, [X, X], LABELS, folds, np.unique(LABELS), lambda n, _, active: trained.append((n, active.tolist()))
    )
    for seed, rows, fitted in zip((1, 2), folds, together, strict=True):
        alone = model("lightgbm", True, random_state=seed, members=2).fit(X[rows], LABELS[rows])
        np.testing.assert_array_equal(predicted(fitted, FRESH), predicted(alone, FRESH))
    assert [n for n, _ in trained] == [1, 2, 3, 4]
    assert trained[1][1] == [False, False, True, True]


# Classes


@pytest.mark.parametrize("name", MODELS)
def test_a_fold_may_lack_a_class_or_have_one_alone(name: str) -> None:
    """A class without training rows has the probability 0."""
    for present in (["low", "top"], ["middle"]):
        fitted = model(name, True, members=2)
        rows = np.flatnonzero(np.isin(LABELS, present))
        fit_models([fitted], [X], LABELS, [rows], np.unique(LABELS))
        probabilities = fitted.predict_proba(FRESH)
        absent = ~np.isin(fitted.classes_, present)
        assert fitted.classes_.tolist() == ["low", "middle", "top"]
        np.testing.assert_array_equal(probabilities[:, absent], 0)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        if len(present) == 1:
            np.testing.assert_array_equal(predicted(stored_and_loaded(fitted), FRESH), probabilities)
            assert fitted.rounds_ is None or fitted.rounds_.tolist() == [0, 0]


@pytest.mark.parametrize("name", BOOSTED)
def test_held_out_rows_of_a_class_that_the_training_rows_lack_do_not_count(name: str) -> None:
    # Groups of rows are held out as a whole, and one holds all rows of a class.
    y = np.where(LABELS == "middle", np.where(np.arange(ROWS) % 2, "low", "top"), LABELS)
    for seed in range(20):
        groups = np.arange(ROWS) // 15
        train, held_out = hold_out(np.arange(ROWS), y, SHARE, derived_seed(seed, 0), groups)
        if 0 in groups[held_out]:
            break
    y[groups == 0] = np.where(np.arange(15) % 3, "rare", y[:15])
    fitted = model(name, True, random_state=seed)
    fit_models([fitted], [X], y, [np.arange(ROWS)], np.unique(y), row_groups=groups)
    assert "rare" in y[held_out]
    assert "rare" not in y[train]
    np.testing.assert_array_equal(predicted(fitted, FRESH)[:, fitted.classes_ == "rare"], 0)
    kept = held_out[y[held_out] != "rare"]
    if name == "hist_gradient_boosting":
        coded = (y == "top").astype(int)
        stop = {"early_stopping": True, "n_iter_no_change": PATIENCE, "scoring": "loss"}
        bare = HistGradientBoostingClassifier(**QUICK[name], **stop, random_state=derived_seed(seed, 0))
        bare.fit(X[train], coded[train], X_val=X[kept], y_val=coded[kept])
        np.testing.assert_array_equal(predicted(fitted, FRESH)[:, [0, 2]], bare.predict_proba(FRESH))


def test_groups_of_rows_are_held_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[tuple[set[float], set[float]]] = []

    def watch(self: Any, model: Any, train: Any, held_out: Any, *rest: Any) -> Any:
        fits.append(({*train.X[:, 1]}, {*held_out.X[:, 1]}))
        return fit(self, model, train, held_out, *rest)

    library = type(model("lightgbm", False)._library)
    fit = library.fit
    monkeypatch.setattr(library, "fit", watch)
    groups = RNG.integers(0, 12, ROWS)
    fit_models([model("lightgbm", False, members=3)], [X], NUMBERS, [np.arange(100)], row_groups=groups)
    group_of = dict(zip(X[:, 1], groups, strict=True))
    for train, held_out in fits:
        assert len(train) + len(held_out) == 100
        assert {group_of[value] for value in train}.isdisjoint(group_of[value] for value in held_out)
    assert len({frozenset(held_out) for _, held_out in fits}) > 1


def test_by_time_the_latest_rows_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[tuple[set[float], set[float]]] = []

    def watch(self: Any, model: Any, train: Any, held_out: Any, *rest: Any) -> Any:
        fits.append(({*train.X[:, 1]}, {*held_out.X[:, 1]}))
        return fit(self, model, train, held_out, *rest)

    library = type(model("lightgbm", False)._library)
    fit = library.fit
    monkeypatch.setattr(library, "fit", watch)
    times = np.random.default_rng(3).permutation(ROWS)
    rows = np.flatnonzero(times < 80)
    fit_models([model("lightgbm", False)], [X], NUMBERS, [rows], row_groups=RowTimes.of(times, 3))
    ((train, held_out),) = fits
    latest = 80 - round((SHARE) * 80)
    assert held_out == {*X[(times >= latest) & (times < 80), 1]}
    assert train == {*X[times < latest - 3, 1]}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "knn"])
def test_a_weight_of_a_class_is_a_weight_of_its_rows(name: str) -> None:
    weights = {"low": 1.0, "middle": 3.0, "top": 0.5}
    by_class = model(name, True, class_weight=weights).fit(X, LABELS)
    by_row = model(name, True).fit(X, LABELS, sample_weight=np.array([weights[label] for label in LABELS]))
    np.testing.assert_array_equal(predicted(by_class, FRESH), predicted(by_row, FRESH))
    plain = model(name, True).fit(X, LABELS)
    assert not np.array_equal(predicted(by_class, FRESH), predicted(plain, FRESH))


def test_weights_of_classes_are_those_of_scikit_learn() -> None:
    weights = {"low": 1.0, "middle": 3.0, "top": 0.5}
    bare = LogisticRegression(max_iter=2000, class_weight=weights).fit(X, LABELS)
    by_class = model("logistic", True, class_weight=weights).fit(X, LABELS)
    np.testing.assert_allclose(predicted(by_class, FRESH), bare.predict_proba(FRESH), atol=1e-9)


def test_balanced_weights_are_the_inverse_frequencies() -> None:
    balanced = model("logistic", True, class_weight="balanced", categorical_features=[0]).fit(X, LABELS)
    counts = pd.Series(LABELS).value_counts()
    by_hand = {label: ROWS / 3 / count for label, count in counts.items()}
    weighted = model("logistic", True, class_weight=by_hand, categorical_features=[0]).fit(X, LABELS)
    np.testing.assert_allclose(predicted(balanced, FRESH), predicted(weighted, FRESH), atol=1e-9)


def test_what_takes_no_weights_says_so() -> None:
    with pytest.raises(SpecError, match="class_weight, sample_weight: KNeighborsClassifier takes no weights"):
        model("knn", True, class_weight="balanced").fit(X, LABELS)
    with pytest.raises(SpecError, match="class_weight is for classes, the target is a number"):
        model("ridge", False, class_weight="balanced").fit(X, NUMBERS)
    with pytest.raises(SpecError, match="there is no class 'hgih'"):
        model("logistic", True, class_weight={"hgih": 2.0}).fit(X, LABELS)


# Numbers


@pytest.mark.parametrize("name", ["ridge", "xgboost"])
def test_a_target_may_be_transformed_and_predictions_bounded(name: str) -> None:
    y = np.expm1(np.abs(NUMBERS))
    transformed = model(name, False, target_transform="log1p", members=2).fit(X, y)
    of_logarithms = model(name, False, members=2).fit(X, np.log1p(y))
    # The mean of the members is taken in units of the target.
    expected = np.mean([np.expm1(part) for part in of_logarithms._outputs(FRESH)], axis=0)
    np.testing.assert_allclose(transformed.predict(FRESH), expected, rtol=1e-12)
    bounded = clone(transformed).set_params(bounds=(1.0, 5.0)).fit(X, y)
    np.testing.assert_allclose(bounded.predict(FRESH), np.clip(expected, 1.0, 5.0), rtol=1e-12)
    with pytest.raises(DataError, match="log1p"):
        model(name, False, target_transform="log1p").fit(X, NUMBERS - 100)


# Categories and missing values


@pytest.mark.parametrize("name", MODELS)
def test_unknown_and_missing_categories_are_neither_a_number_nor_each_other(name: str) -> None:
    """Models without an own notion of categories get a column for each, with zeros for what they do not know."""
    fitted = model(name, False, categorical_features=[0]).fit(X, NUMBERS)
    rows = np.tile(FRESH[10], (3, 1))
    rows[:, 0] = [-1, -2, 77]
    unknown, missing, _ = fitted.predict(rows)
    assert unknown == missing
    assert np.isfinite(fitted.predict(rows)).all()


@pytest.mark.parametrize("name", MODELS)
def test_missing_numbers_are_read_by_those_that_say_so(name: str) -> None:
    estimator = model(name, False)
    if not MODELS[name].native:
        with pytest.raises(ValueError, match="contains NaN"):
            estimator.fit(GAPS, NUMBERS)
        return
    fitted = estimator.fit(GAPS, NUMBERS)
    rows = FRESH.copy()
    rows[:, 2] = np.nan
    assert np.isfinite(fitted.predict(rows)).all()
    for bad in (np.inf, -np.inf):
        rows[0, 1] = bad
        with pytest.raises(ValueError, match="infinity"):
            fitted.predict(rows)


def test_more_than_255_categories_are_numbers_to_hist_gradient_boosting() -> None:
    many = X.copy()
    many[:, 0] = np.arange(ROWS) * 2
    fitted = model("hist_gradient_boosting", False, categorical_features=[0, 3], early_stopping=None)
    many[:, 3] = RNG.integers(0, 3, ROWS)
    fitted.fit(many, NUMBERS)
    (stored,) = fitted.models_
    assert stored.is_categorical_.tolist() == [False, False, False, True]
    bare = HistGradientBoostingRegressor(**QUICK["hist_gradient_boosting"], categorical_features=[3])
    bare.set_params(random_state=derived_seed(5, 0), early_stopping=False).fit(many, NUMBERS)
    np.testing.assert_array_equal(fitted.predict(many), bare.predict(many))


def test_the_largest_code_among_new_rows_may_be_beyond_255() -> None:
    fitted = model("hist_gradient_boosting", False, categorical_features=[0]).fit(X, NUMBERS)
    rows = FRESH[:1].copy()
    rows[0, 0] = 1000
    assert np.isfinite(fitted.predict(rows)).all()


# Several targets


@pytest.mark.parametrize("name", ["ridge", "hist_gradient_boosting"])
def test_several_numbers_have_a_model_each(name: str) -> None:
    y = np.column_stack([NUMBERS, 3 - NUMBERS**2])
    several = model(name, False, members=2).fit(X, y)
    each = [model(name, False, members=2).fit(X, column) for column in y.T]
    np.testing.assert_array_equal(several.predict(FRESH), np.column_stack([one.predict(FRESH) for one in each]))
    assert len(several.models_) == 4
    fit_models([together := model(name, False, members=2)], [X], y, [np.arange(ROWS)])
    np.testing.assert_array_equal(together.predict(FRESH), several.predict(FRESH))


@pytest.mark.parametrize("problem", ["multilabel", "multioutput"])
def test_several_labels_have_a_model_each(problem: str) -> None:
    bits = np.column_stack([NUMBERS > 0, X[:, 3] > 0.5]).astype(int)
    y = bits if problem == "multilabel" else np.column_stack([LABELS, np.where(bits[:, 1], "yes", "no")])
    several = model("hist_gradient_boosting", True, problem=problem).fit(X, y)
    each = [model("hist_gradient_boosting", True).fit(X, column) for column in y.T]
    expected = [one.predict_proba(FRESH)[:, int(problem == "multilabel") :] for one in each]
    np.testing.assert_array_equal(several.predict_proba(FRESH), np.hstack(expected))
    np.testing.assert_array_equal(several.predict(FRESH), np.column_stack([one.predict(FRESH) for one in each]))


# What is refused


def test_several_targets_have_no_class_weights() -> None:
    estimator, y = model("logistic", True, class_weight="balanced"), (NUMBERS > 0).astype(int)
    with pytest.raises(SpecError, match="class_weight is for one target, found several: leave it out"):
        fit_models([estimator], [X], np.column_stack([y, 1 - y]), [np.arange(ROWS)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, "members should be greater than or equal to 1; it is 0"),
        ({"early_stopping": 0}, "early_stopping should be greater than or equal to 1"),
        ({"validation_fraction": 1.0}, "validation_fraction should be less than 1"),
        ({"target_transform": "log"}, "target_transform should be 'log1p'; it is 'log'"),
        ({"bounds": [3.0, 1.0]}, "bounds should be two numbers, the lower first"),
        ({"problem": "binary"}, "binary"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        model("ridge", False, **settings).fit(X, NUMBERS)


def test_one_class_is_none_to_choose_from() -> None:
    with pytest.raises(DataError, match="The target has one class only, 'low'"):
        model("knn", True).fit(X, np.full(ROWS, "low"))


def test_too_few_rows_to_hold_some_out_are_counted() -> None:
    with pytest.raises(DataError, match=r"validation_fraction 0\.9 of 2 training rows leaves none to train on"):
        model("lightgbm", False, validation_fraction=0.9).fit(X[:2], NUMBERS[:2])


def test_the_words_of_a_library_that_refuses_rows_are_passed_on() -> None:
    with pytest.raises(DataError, match=r"model: catboost could not be trained: .*equal\."):
        model("catboost", False).fit(X, np.ones(ROWS))

"""`PopulationSearchCV` is a search as scikit-learn's are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import SpecError, UserError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.model_selection import evaluation
from tabular_dl.model_selection.search_cv import PopulationSearchCV
from tabular_dl.model_selection.search_rounds import SearchPlan
from tests.conformance import checks_of

pytestmark = pytest.mark.slow

ROWS = 80
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3)).astype("float32")
Y = np.where(X[:, 0] > X[:, 1], "yes", "no")
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
# The checks are of the search; the networks that it compares are the least that learn what the checks ask.
LEAST = {**QUICK, "hidden": [], "epochs": 10, "learning_rate": 0.3}
SPACE = {"l2": {"log_uniform": [1e-8, 1e-6]}}


@checks_of(
    PopulationSearchCV(KerasClassifier(**LEAST), SPACE, n_iter=2, rounds=1, cv=2, repeats=0, random_state=0),
    PopulationSearchCV(KerasRegressor(**LEAST), SPACE, n_iter=2, rounds=1, cv=2, repeats=0, random_state=0),
)
def test_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def found() -> PopulationSearchCV:
    pipeline = Pipeline([("scale", StandardScaler()), ("network", KerasClassifier(**{**QUICK, "learning_rate": None}))])
    space = {
        "network__learning_rate": {"log_uniform": [1e-5, 1.0]},
        "network__hidden": {"choice": [[4], [8]]},
    }
    search = PopulationSearchCV(pipeline, space, n_iter=13, rounds=2, epochs=10, cv=3, pick="best", random_state=0)
    return search.fit(X, Y)


def test_the_results_have_scikit_learns_columns(found: PopulationSearchCV) -> None:
    results = found.cv_results_
    n = len(results["params"])
    assert n == 13 + 8
    assert (np.bincount(results["round"])[1:] == [7, 6, 8]).all()
    splits = np.stack([results[f"split{fold}_test_score"] for fold in range(3)])
    np.testing.assert_allclose(results["mean_test_score"], splits.mean(axis=0))
    np.testing.assert_allclose(results["std_test_score"], splits.std(axis=0))
    assert results["rank_test_score"].min() == 1
    assert results["params"][found.best_index_] == found.best_params_
    assert results["mean_test_score"][found.best_index_] == found.best_score_
    assert list(results["param_network__learning_rate"]) == [p["network__learning_rate"] for p in results["params"]]


def test_the_choice_is_fitted_on_all_rows_and_predicts(found: PopulationSearchCV) -> None:
    assert found.best_score_ > 0.8
    assert found.predict_proba(X).shape == (ROWS, 2)
    assert found.classes_.tolist() == ["no", "yes"]
    assert found.score(X, Y) == np.mean(found.predict(X) == Y)
    assert found.best_estimator_.get_params()["network__hidden"] == found.best_params_["network__hidden"]


def test_low_rates_are_narrowed_away(found: PopulationSearchCV) -> None:
    assert found.ranges_[1]["network__learning_rate"].low > 1e-4
    assert any("network__learning_rate" in sentence for sentence in found.narrowing_)


def test_a_search_repeats_by_its_seed(found: PopulationSearchCV) -> None:
    again = clone(found).set_params(refit=False).fit(X, Y)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], found.cv_results_["mean_test_score"])
    with pytest.raises(Exception, match="refit=False"):
        again.predict(X)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": {"l3": {"uniform": [0, 1]}}}, "search.l3: the estimator has no such parameter. Known: activation"),
        ({"space": {}}, "search: the space is empty"),
        ({"n_iter": 1}, "trials: expected 2 or more, found 1"),
        ({"pick": "worst"}, "pick: expected simplest or best, found 'worst'"),
        ({"scoring": "rmse"}, "rmse cannot score a binary problem"),
    ],
)
def test_what_cannot_be_searched_is_refused(changes: dict[str, Any], message: str) -> None:
    search = PopulationSearchCV(KerasClassifier(**QUICK), SPACE, n_iter=2, rounds=1, cv=2)
    with pytest.raises(SpecError) as error:
        search.set_params(**changes).fit(X, Y)
    assert message in str(error.value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_round_in_which_all_diverge_says_what_to_do() -> None:
    model = KerasRegressor(**{**QUICK, "optimizer": "sgd", "hidden": []})
    space = {"learning_rate": {"log_uniform": [1e37, 1e38]}}
    search = PopulationSearchCV(model, space, n_iter=2, rounds=1, cv=2, random_state=0)
    with pytest.raises(UserError, match=r"diverged"):
        search.fit(X, X[:, 0])


def test_a_single_split_is_enough_to_choose_by() -> None:
    split = ShuffleSplit(1, test_size=0.25, random_state=0)
    model = KerasClassifier(**{**QUICK, "epochs": 3})
    search = PopulationSearchCV(model, SPACE, n_iter=2, rounds=1, cv=split, random_state=0).fit(X, Y)
    finals = search.cv_results_["round"] == 2
    # One score has no standard error: none but equals are near the best.
    assert search.best_score_ == search.cv_results_["split0_test_score"][finals].max()


@pytest.mark.parametrize("cv", [np.int64(3), None])
def test_a_number_of_folds_may_be_of_any_type(cv: Any) -> None:
    # Sorted labels: folds that are not shuffled would lack a class each.
    order = np.argsort(Y)
    search = PopulationSearchCV(
        KerasClassifier(**{**QUICK, "epochs": 2}), SPACE, n_iter=2, rounds=1, repeats=0, refit=False, random_state=0
    )
    found = clone(search).set_params(cv=cv).fit(X[order], Y[order])
    expected = clone(search).set_params(cv=5 if cv is None else 3).fit(X[order], Y[order])
    assert found.n_splits_ == expected.n_splits_
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])


def test_rounds_part_the_trials() -> None:
    plan = SearchPlan(trials=100, rounds=3)
    assert [plan.size(number) for number in range(3)] == [34, 33, 33]
    with pytest.raises(SpecError, match=r"rounds: expected 1 to 2, .* 4 trials, found"):
        SearchPlan(trials=4, rounds=3)


def test_a_search_may_choose_between_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    populations: list[set[str]] = []
    train = evaluation.train_tasks

    def watched(tasks: Any, *others: Any) -> Any:
        populations.append({task.settings.preset for task in tasks})
        return train(tasks, *others)

    monkeypatch.setattr(evaluation, "train_tasks", watched)
    network = KerasClassifier(hidden=[6, 6], frequencies=2, bins=3, epochs=2, members=1)
    space = {"preset": {"choice": ["mlp", "realmlp", "resnet"]}}
    search = PopulationSearchCV(network, space, n_iter=8, rounds=1, cv=2, repeats=0, random_state=0).fit(X, Y)
    assert search.best_params_["preset"] in space["preset"]["choice"]
    tried = set(search.cv_results_["param_preset"].tolist())
    assert len(tried) > 1
    # A population has one architecture.
    assert all(len(presets) == 1 for presets in populations)
    assert set.union(*populations) == tried

"""scikit-learn's interface to a search by populations: `PopulationSearchCV`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_consistent_length, check_is_fitted

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.estimators import derived_seed
from tabular_dl.model_selection.evaluation import Outcome, evaluate
from tabular_dl.model_selection.folds import read_folds
from tabular_dl.model_selection.search_rounds import REPEATS, SearchPlan, SearchState, choose, search
from tabular_dl.model_selection.search_space import Distribution, read_distribution
from tabular_dl.problems import get_metric, problem_of
from tabular_dl.tables import read_rows, read_target

__all__ = ["PopulationSearchCV"]


def _has(name: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        getattr(self.estimator if not hasattr(self, "best_estimator_") else self.best_estimator_, name)
        return True

    return check


class PopulationSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Random search over ranges that narrow, folds x configurations trained at once.

    The interface of scikit-learn's `RandomizedSearchCV`, for a `KerasClassifier`, a `KerasRegressor`, or a `Pipeline`
    that ends in one.

    Parameters
    ----------
    estimator : estimator
        What to search with.
    space : dict of str to dict
        For each parameter, by scikit-learn's name, its distribution: ``{"log_uniform": [low, high]}``,
        ``{"uniform": [low, high]}``, ``{"int_uniform": [low, high]}`` or ``{"choice": [...]}``.
    n_iter : int, default=30
        How many configurations to try, over all rounds.
    rounds : int, default=3
        After each, ranges narrow to where its best quarter lies.
    epochs : int or None, default=None
        Epochs of a trial; None leaves the estimator's own.
    scoring : str or None, default=None
        A metric of `tabular_dl.problems.metrics`; None is the problem's own.
    cv : int, splitter or iterable, default=5
        The number of shuffled folds, for labels stratified ones; or what splits by itself. None is 5.
    pick : {"simplest", "best"}, default="simplest"
        What to choose among the leading configurations, trained again with fresh seeds.
    repeats : int, default=3
        With how many fresh seeds the leading configurations are trained again; with 0 the choice is among the trials
        as they were, whose best score then flatters the more.
    refit : bool, default=True
        Whether to fit the choice on all rows.
    random_state : int or None, default=None
        Fixes folds, what is drawn, and how networks begin.

    Attributes
    ----------
    best_params_, best_score_, best_index_, best_estimator_
        As in scikit-learn; the score is that of the leading configurations' last training.
    cv_results_ : dict
        As in scikit-learn, with the column "round".
    ranges_ : list of dict
        The ranges of each round, and those that the next would have had.
    narrowing_ : list of str
        Each change of a range, in words.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tabular_dl.estimators.keras_estimators import KerasClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> network = KerasClassifier(hidden=[16], epochs=10, members=1)
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
    >>> space = {"network__learning_rate": {"log_uniform": [1e-4, 1e-1]}}
    >>> found = PopulationSearchCV(pipeline, space, n_iter=8, rounds=2, cv=3, random_state=0).fit(X, y)
    >>> found.best_score_ > 0.9, sorted(found.best_params_)
    (True, ['network__learning_rate'])
    """

    def __init__(
        self,
        estimator: Any,
        space: Mapping[str, Any],
        *,
        n_iter: int = 30,
        rounds: int = 3,
        epochs: int | None = None,
        scoring: str | None = None,
        cv: Any = 5,
        pick: str = "simplest",
        repeats: int = REPEATS,
        refit: bool = True,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.n_iter = n_iter
        self.rounds = rounds
        self.epochs = epochs
        self.scoring = scoring
        self.cv = cv
        self.pick = pick
        self.repeats = repeats
        self.refit = refit
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and fit the choice on all rows; ``params`` go to that fit.

        Raises
        ------
        UserError
            If the space cannot be, or every trial diverged.
        """
        classification = is_classifier(self.estimator)
        X = read_rows(self, X, reset=True)
        y = read_target(y, type(self).__name__, classification=classification)
        check_consistent_length(X, y)
        network = self.estimator[-1] if isinstance(self.estimator, Pipeline) else self.estimator
        problem = problem_of(y, classification=classification, name=network.problem, bounds=network.bounds)
        metric = get_metric(self.scoring or problem.metric)
        metric.check(problem)
        classes = np.unique(y) if classification and y.ndim == 1 else None
        root = derived_seed(self.random_state)
        plan = SearchPlan(
            self.n_iter, min(self.rounds, max(1, self.n_iter // 2)), root, self.pick, repeats=self.repeats
        )
        splits = read_folds(self.cv, X, y, classification=classification, seed=root)

        def train(values: Sequence[Mapping[str, Any]], seeds: Sequence[int], final: bool) -> list[Outcome]:
            epochs = {} if final else self._epochs(self.epochs)
            estimators = [clone(self.estimator).set_params(**epochs, **each) for each in values]
            return evaluate(estimators, X, y, splits, metric, seeds, classes=classes, halving=not final)

        sign = 1.0 if metric.greater_is_better else -1.0
        state = search(plan, SearchState([self._read_space()]), train, sign, self._allowed)
        self.ranges_, self.narrowing_ = state.ranges, state.said
        self.cv_results_ = _results(state, sign)
        chosen = choose(state.finals or state.records, sign, self.pick)
        self.best_index_ = [*state.records, *state.finals].index(chosen)
        self.best_params_, self.best_score_ = chosen.params, sign * chosen.mean
        self.n_splits_ = len(splits)
        if self.refit:
            best = clone(self.estimator).set_params(**chosen.params)
            self.best_estimator_ = best.fit(X, y, **_check_method_params(X, params))
        return self

    def _epochs(self, epochs: int | None) -> dict[str, Any]:
        if epochs is None:
            return {}
        prefix = f"{self.estimator.steps[-1][0]}__" if isinstance(self.estimator, Pipeline) else ""
        return {f"{prefix}epochs": epochs}

    def _read_space(self) -> dict[str, Distribution]:
        known = self.estimator.get_params()
        for name in self.space:
            if name not in known:
                raise SpecError(f"search.{name}: the estimator has no such parameter. {did_you_mean(name, known)}")
        if not self.space:
            raise SpecError("search: the space is empty.")
        return {name: read_distribution(name, value) for name, value in self.space.items()}

    def _allowed(self, name: str, value: Any) -> bool:
        candidate = clone(self.estimator).set_params(**{name: value})
        try:
            (candidate[-1] if isinstance(candidate, Pipeline) else candidate).check_parameters()
        except SpecError:
            return False
        return True

    def _fitted(self) -> Any:
        check_is_fitted(self, "cv_results_")
        check_is_fitted(self, "best_estimator_", msg="refit=False: there is no best_estimator_ to ask.")
        return self.best_estimator_

    @available_if(_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict with the estimator that was fitted on all rows."""
        return self._fitted().predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities with the estimator that was fitted on all rows."""
        return self._fitted().predict_proba(X)

    def score(self, X: Any, y: Any) -> float:
        """Return scikit-learn's own score of that estimator: accuracy, or r2."""
        return self._fitted().score(X, y)

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        return self._fitted().classes_

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what the estimator inside can do."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type, tags.classifier_tags = inner.estimator_type, inner.classifier_tags
        tags.regressor_tags, tags.target_tags = inner.regressor_tags, inner.target_tags
        tags.input_tags = inner.input_tags
        return tags


def _results(state: SearchState, sign: float) -> dict[str, Any]:
    """Return all trials under scikit-learn's column names; scores are such that greater is better."""
    records = [*state.records, *state.finals]
    scores = sign * np.array([record.scores for record in records])
    mean = scores.mean(axis=1)
    results: dict[str, Any] = {
        "params": [record.params for record in records],
        "round": np.array([record.round for record in records]),
        "epochs": np.array([record.epochs for record in records]),
        **{f"split{fold}_test_score": scores[:, fold] for fold in range(scores.shape[1])},
        "mean_test_score": mean,
        "std_test_score": scores.std(axis=1),
        "rank_test_score": pd.Series(-mean).rank(method="min", na_option="bottom").to_numpy().astype(int),
    }
    for name in state.ranges[0]:
        column = np.ma.array(np.empty(len(records), dtype=object))
        for place, record in enumerate(records):
            column[place] = record.params[name]
        results[f"param_{name}"] = column
    return results

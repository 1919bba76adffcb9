"""Hyperparameter search by populations, with the interface of scikit-learn's `RandomizedSearchCV`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

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
from tabular_dl.problems import classes_of, get_metric, problem_of
from tabular_dl.tables import read_rows, read_target

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy.sparse import csr_matrix
    from sklearn.utils import Tags

    Rows: TypeAlias = pd.DataFrame | ArrayLike | csr_matrix

__all__ = ["PopulationSearchCV"]


def _has(name: str) -> Callable[[PopulationSearchCV], bool]:
    def check(self: PopulationSearchCV) -> bool:
        getattr(self.estimator if not hasattr(self, "best_estimator_") else self.best_estimator_, name)
        return True

    return check


class PopulationSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Random search from narrowing ranges, in which folds and configurations are trained together.

    The interface is that of scikit-learn's `RandomizedSearchCV`, for a `KerasClassifier`, a `KerasRegressor`, or a
    `Pipeline` that ends in one.

    Parameters
    ----------
    estimator : estimator
        Estimator whose parameters are searched.
    space : dict of str to dict
        Distribution of each parameter: ``{"log_uniform": [low, high]}``, ``{"uniform": [low, high]}``,
        ``{"int_uniform": [low, high]}`` or ``{"choice": [...]}``.
    n_iter : int, default=30
        Number of configurations to try, over all rounds.
    rounds : int, default=3
        Number of rounds. After each, ranges are narrowed to the round's best quarter.
    epochs : int or None, default=None
        Epochs of a trial; None uses those of the estimator.
    scoring : str or None, default=None
        Name of a metric of `tabular_dl.problems.metrics`; None uses the default of the problem.
    cv : int, splitter or iterable, default=5
        Number of shuffled folds, which are stratified for labels, or a splitter, or the folds; None is 5.
    pick : {"simplest", "best"}, default="simplest"
        Choice among the leading configurations, which are trained again with new seeds.
    repeats : int, default=3
        Number of new seeds for the leading configurations. With 0, the choice is made among the trials, whose best
        score is then more optimistic.
    refit : bool, default=True
        Whether to fit the chosen configuration on all rows.
    random_state : int or None, default=None
        Seed of folds, configurations and networks.

    Attributes
    ----------
    best_params_, best_score_, best_index_, best_estimator_
        The same as in scikit-learn; the score is that of the leading configurations when they are trained again.
    cv_results_ : dict
        The same as in scikit-learn, with the column "round".
    ranges_ : list of dict
        Ranges of each round, and of the one that would have followed.
    narrowing_ : list of str
        Description of each change of a range.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from tabular_dl.estimators.keras_estimators import KerasClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> network = KerasClassifier(hidden=[16], epochs=10, members=1)
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
    >>> space = {"network__learning_rate": {"log_uniform": [1e-4, 1e-1]}}
    >>> search = PopulationSearchCV(pipeline, space, n_iter=8, rounds=2, cv=3, random_state=0).fit(X, y)
    >>> search.best_score_ > 0.9, sorted(search.best_params_)
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

    def fit(self, X: Rows, y: ArrayLike | None = None, **params: Any) -> Self:
        """Search, and fit the chosen configuration on all rows.

        Parameters
        ----------
        X : DataFrame, array-like or CSR matrix of shape (rows, columns)
            Raw rows.
        y : array-like of shape (rows,) or (rows, targets)
            Target.
        **params
            Arguments of the final fit.

        Returns
        -------
        self

        Raises
        ------
        UserError
            If the space is invalid, or all trials diverged.
        """
        classification = is_classifier(self.estimator)
        X = read_rows(self, X, reset=True)
        y = read_target(y, type(self).__name__, classification=classification)
        check_consistent_length(X, y)
        network = self.estimator[-1] if isinstance(self.estimator, Pipeline) else self.estimator
        problem = problem_of(y, classification=classification, name=network.problem, bounds=network.bounds)
        metric = get_metric(self.scoring or problem.metric)
        metric.check(problem)
        if metric.by_query:
            raise SpecError(
                f"scoring: {metric.name} is the mean over queries, which are not known here: choose another."
            )
        classes = classes_of(y, problem)
        root = derived_seed(self.random_state)
        plan = SearchPlan(
            self.n_iter, min(self.rounds, max(1, self.n_iter // 2)), root, self.pick, repeats=self.repeats
        )
        splits = read_folds(self.cv, X, y, classification=classification, seed=root)

        def train(values: Sequence[Mapping[str, Any]], seeds: Sequence[int], final: bool) -> list[Outcome]:
            epochs = {} if final else self._epochs(self.epochs)
            estimators = [clone(self.estimator).set_params(**epochs, **parameters) for parameters in values]
            return evaluate(estimators, X, y, splits, metric, seeds, classes=classes, halving=not final)

        sign = 1.0 if metric.greater_is_better else -1.0
        state = search(plan, SearchState([self._read_space()]), train, sign, self._allowed)
        self.ranges_, self.narrowing_ = state.ranges, state.said
        self.cv_results_ = _results(state, sign)
        best = choose(state.finals or state.records, sign, self.pick)
        self.best_index_ = [*state.records, *state.finals].index(best)
        self.best_params_, self.best_score_ = best.params, sign * best.mean
        self.n_splits_ = len(splits)
        if self.refit:
            estimator = clone(self.estimator).set_params(**best.params)
            self.best_estimator_ = estimator.fit(X, y, **_check_method_params(X, params))
        return self

    def _epochs(self, epochs: int | None) -> dict[str, Any]:
        if epochs is None:
            return {}
        prefix = f"{self.estimator.steps[-1][0]}__" if isinstance(self.estimator, Pipeline) else ""
        return {f"{prefix}epochs": epochs}

    def _read_space(self) -> dict[str, Distribution]:
        parameters = self.estimator.get_params()
        for name in self.space:
            if name not in parameters:
                raise SpecError(f"search.{name}: the estimator has no such parameter. {did_you_mean(name, parameters)}")
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
        check_is_fitted(self, "best_estimator_", msg="refit=False: there is no best_estimator_.")
        return self.best_estimator_

    @available_if(_has("predict"))
    def predict(self, X: Rows) -> np.ndarray:
        """Return the predictions of the estimator that was fitted on all rows."""
        return self._fitted().predict(X)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Rows) -> np.ndarray:
        """Return the probabilities of the estimator that was fitted on all rows, (rows, classes)."""
        return self._fitted().predict_proba(X)

    def score(self, X: Rows, y: ArrayLike) -> float:
        """Return scikit-learn's default score of the estimator that was fitted on all rows: accuracy, or R2."""
        return self._fitted().score(X, y)

    @property
    def classes_(self) -> np.ndarray:
        """Sorted labels."""
        return self._fitted().classes_

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags, which are those of the estimator."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type, tags.classifier_tags = inner.estimator_type, inner.classifier_tags
        tags.regressor_tags, tags.target_tags = inner.regressor_tags, inner.target_tags
        tags.input_tags = inner.input_tags
        return tags


def _results(state: SearchState, sign: float) -> dict[str, Any]:
    """Return all trials under scikit-learn's column names; greater scores are better."""
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
        for index, record in enumerate(records):
            column[index] = record.params[name]
        results[f"param_{name}"] = column
    return results

"""What `KerasClassifier` and `KerasRegressor` share: training, the members' outputs, and what can be seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tabular_dl.errors import SpecError
from tabular_dl.estimators.diagnosis import Diagnosis, diagnose, tidy_history
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.joint_training import Group, derived_seed, fit_groups
from tabular_dl.estimators.network_inputs import MATRIX_TYPES, Inputs, columns_named
from tabular_dl.estimators.population import monitor_is_followed
from tabular_dl.problems import (
    METRICS,
    TRANSFORMS,
    Bounded,
    Coding,
    Indicators,
    Labels,
    Numbers,
    Problem,
    get_problem,
    problem_of,
)

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from tabular_dl.nn import Network, Population

__all__ = ["KerasEstimator", "decoded"]

# What scikit-learn sets when it looks at a matrix, before anything is learned.
SHAPE_ATTRIBUTES = ("n_features_in_", "feature_names_in_")


class KerasEstimator(Hyperparameters):
    """What the two estimators share: training, the members' outputs, and what can be seen of them."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the members side by side.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (rows, features)
            Finite numbers. A float32 memory map and a sparse matrix are read block by block.
        y : array-like of shape (rows,) or (rows, targets)
            The target.
        sample_weight : array-like of shape (rows,), optional
            How much each row counts in losses: a weight of 2 is the row twice, 0 is the row left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a hyperparameter cannot be used.
        """
        before = {name: self.__dict__[name] for name in SHAPE_ATTRIBUTES if name in self.__dict__}
        try:
            self._fit(X, y, sample_weight)
        except BaseException:
            # A fit that fails leaves an earlier one as it was.
            for name in SHAPE_ATTRIBUTES:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=self.matrix_types,
            y_numeric=self._numeric_target(),
            multi_output=True,
        )
        y = self._checked_target(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        fit_groups([self], [X], y, [np.arange(len(y))], sample_weight=sample_weight)

    @property
    def matrix_types(self) -> tuple[Any, ...]:
        """The types that a feature matrix may stay in; any other becomes the first of them."""
        # Large numbers are told apart and centred before they become float32, which has seven digits.
        exact = bool(self.categorical_features) or self.normalize
        return (np.float64, *MATRIX_TYPES) if exact else MATRIX_TYPES

    @property
    def history_(self) -> pd.DataFrame:
        """The learning curves as a tidy table: a row for each epoch that a member trained in, and each figure.

        Columns ``epoch`` (from 1), ``member`` (from 0), ``metric``, ``train``, ``validation`` (NaN without rows).
        """
        check_is_fitted(self, "weights_")
        return tidy_history(self.curves_)

    @property
    def members_(self) -> list[keras.Model]:
        """Each member as a Keras model of standard layers: input (rows, features), output (rows, units).

        A classifier's returns probabilities, a regressor's values in units of the target.
        """
        from tabular_dl.estimators.keras_export import whole_model

        network, inputs, coding = self._parts()
        return [whole_model(network, self.weights_, [k], inputs, coding) for k in range(len(self.weights_[0]))]

    @property
    def model_(self) -> keras.Model:
        """The whole ensemble as a Keras model of standard layers: the mean of the members' outputs."""
        from tabular_dl.estimators.keras_export import whole_model

        network, inputs, coding = self._parts()
        return whole_model(network, self.weights_, range(len(self.weights_[0])), inputs, coding)

    def diagnose(self) -> Diagnosis:
        """Tell from the learning curves whether the networks are underfitting, overfitting or fine, and why."""
        check_is_fitted(self, "weights_")
        return diagnose(self.curves_, self.best_epoch_)

    def plot_history(self) -> Figure:
        """Draw loss and metrics of training and validation rows over the epochs, with the mean best epoch."""
        from tabular_dl.plots import learning_curves

        check_is_fitted(self, "weights_")
        followed = next((name for name in self.curves_ if name != "loss" and f"val_{name}" in self.curves_), None)
        return learning_curves(self.curves_, self.best_epoch_, ["loss", *([followed] if followed else [])])

    def name_features(self, names: np.ndarray | None) -> Self:
        """Tell an estimator that is fitted on matrices without names (`fit_groups`) what their columns are called."""
        if names is not None:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        return self

    def named(self, X: np.ndarray) -> Any:
        """Return a matrix of features as what the estimator was fitted on: with names, if that had any."""
        names = getattr(self, "feature_names_in_", None)
        return X if names is None else pd.DataFrame(X, columns=names)

    def target_coding(self, y: np.ndarray) -> Coding:
        """Return how a target of shape (rows,) or (rows, targets) would be coded for training."""
        return self._target(np.asarray(y), None, None)[1]

    @property
    def fold_types(self) -> tuple[Any, ...]:
        """The types that a fold's matrix may stay in; as wide as needed, since each fold may have one of its own."""
        return self.matrix_types if self.normalize else MATRIX_TYPES

    def __getstate__(self) -> dict[str, Any]:
        """Leave live callbacks behind: they hold models and open files."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "callbacks_"}

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what the estimator can do."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.single_output = True
        return tags

    def _numeric_target(self) -> bool:
        return False

    def _categorical(self, features: int) -> list[int]:
        """Return the numbers of the columns that hold categories."""
        names = getattr(self, "feature_names_in_", None)
        return columns_named(self.categorical_features or (), features, names)

    def _callbacks_of_fit(self, X: Any) -> list[Any]:
        """Make copies of the callbacks for a fit; they are kept as ``callbacks_``."""
        from tabular_dl.nn import make_callbacks

        self.callbacks_ = make_callbacks(self.callbacks)
        if self.tensorboard is None:
            return self.callbacks_
        from tabular_dl.nn import MemberTensorBoard

        return [*self.callbacks_, MemberTensorBoard(self.tensorboard, X)]

    def _target(self, y: np.ndarray, weights: Any, classes: np.ndarray | None) -> tuple[Problem, Coding]:
        """Tell the problem and learn the target coding from training rows."""
        classification = not self._numeric_target()
        known = y if classes is None or y.ndim == 2 else classes
        problem = problem_of(known, classification=classification, name=self.problem, bounds=self.bounds)
        problem = problem.choose(self.output, self.loss, self.metrics)
        one_hot = problem.target == "one-hot"
        kind = problem.coding
        if self.bounds is not None and not issubclass(kind, Bounded):
            raise SpecError(
                f"bounds: {list(self.bounds)} are for a bounded_regression, the problem is {problem.name}. Leave "
                "bounds out, or problem."
            )
        if self.target_transform is not None:
            if kind is not Numbers:
                raise SpecError(
                    f"target_transform: {self.target_transform} is for a regression without bounds, the problem is "
                    f"{problem.name}. Leave target_transform out."
                )
            kind = TRANSFORMS[self.target_transform]
        coding = kind.learn(y, weights=weights, classes=classes, one_hot=one_hot, bounds=self.bounds)
        return problem, coding

    def _learned(self, group: Group, population: Population, network: Network) -> None:
        """Take over what training found, all at once: a fit that fails leaves an earlier one as it was."""
        for name, value in group.coding.attributes().items():
            setattr(self, name, value)
        self.problem_ = group.problem.name
        self.one_hot_ = group.problem.target == "one-hot"
        self.one_column_ = group.one_column
        self.n_features_in_ = group.inputs.features
        self.inputs_ = asdict(group.inputs)
        self.network_ = asdict(network)
        self.weights_ = population.weights
        followed = {one.function: (one.name, one.power) for one in group.problem.followed}
        self.curves_ = {}
        for name, values in population.history.items():
            prefix, plain = ("val_", name[4:]) if name.startswith("val_") else ("", name)
            power = METRICS[plain].power if plain in METRICS and group.coding.standardised else 0
            shown, power = followed.get(plain, (plain, power))
            if plain == self.monitor and not monitor_is_followed(plain, group):
                shown = f"monitor_{plain}"
            self.curves_[prefix + shown] = values * group.coding.unit**power if power else values
        self.best_epoch_ = population.best_epoch
        self.interrupted_ = population.interrupted

    def _parts(self) -> tuple[Network, Inputs, Coding]:
        """Return architecture, inputs and target coding of the fitted estimator."""
        from tabular_dl.nn import Network

        check_is_fitted(self, "weights_")
        settings = dict(self.network_)
        # What has been stored and loaded again has lists for tuples.
        settings["hidden"] = tuple(settings["hidden"])
        settings["image_shape"] = tuple(settings.get("image_shape", (0, 0)))
        settings["embeddings"] = tuple(map(tuple, settings["embeddings"]))
        return Network(**settings), Inputs(**self.inputs_), self.target_coding_

    @property
    def target_coding_(self) -> Coding:
        """The target coding that the training rows taught."""
        kind = get_problem(self.problem_).coding
        if issubclass(kind, Numbers):
            # Estimators stored before there were transforms have none.
            kind = TRANSFORMS.get(getattr(self, "target_transform_", None) or "", kind)
            return kind(self.target_mean_, self.target_scale_)
        return Labels(self.classes_, self.one_hot_) if kind is Labels else Indicators(len(self.classes_))

    def _decoded(self, X: Any) -> np.ndarray:
        """Return the mean over members of what their outputs mean, (rows, classes, labels or targets), float64."""
        network, inputs, coding = self._parts()
        X = validate_data(self, X, accept_sparse="csr", dtype=self.matrix_types, reset=False)
        return decoded([self], network, self.weights_, coding, inputs.encode(X))[0]


def decoded(
    estimators: Sequence[Any], network: Network, weights: Sequence[np.ndarray], coding: Coding, X: Any
) -> np.ndarray:
    """Return the mean over each estimator's members of what their outputs mean.

    Parameters
    ----------
    estimators : sequence of E `KerasClassifier` or E `KerasRegressor`
        Of one `mc_dropout`: where there is any, their networks are thinned, each by its own rates and seed.
    network : Network
        The architecture.
    weights : sequence of ndarray of shape (E x members, in, out)
        One estimator's members after the other's.
    coding : Coding
        What the outputs are decoded by.
    X : ndarray or CSR matrix of shape (rows, inputs)
        What the networks are given.

    Returns
    -------
    ndarray of shape (E, rows, classes, labels or targets), float64
    """
    from tabular_dl.nn import predict, thinned

    first, count = estimators[0], len(estimators)
    if first.mc_dropout and count > 1:
        # One at a time: a thinned estimator is many networks.
        own = zip(*(np.split(weight, count) for weight in weights), strict=True)
        parts = [decoded([each], network, w, coding, X) for each, w in zip(estimators, own, strict=True)]
        return np.concatenate(parts)
    if first.mc_dropout:
        # A generator is left alone: the same rows get the same prediction twice.
        seed = derived_seed(first.random_state if isinstance(first.random_state, Integral) else 0, 1)
        weights = thinned(network, weights, first.dropout, first.input_dropout, first.mc_dropout, seed)
    outputs = coding.decode(predict(network, weights, X))
    return outputs.reshape(count, len(outputs) // count, *outputs.shape[1:]).mean(axis=1)

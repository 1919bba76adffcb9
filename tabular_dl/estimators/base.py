"""The common base of `KerasClassifier` and `KerasRegressor`: training, predictions, curves and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.diagnosis import Diagnosis, diagnose, tidy_history
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.joint_training import train_tasks
from tabular_dl.estimators.network_inputs import MATRIX_TYPES, Inputs, Matrix, columns_named
from tabular_dl.estimators.population import merged_rows, monitor_is_followed, row_weights
from tabular_dl.estimators.prediction import decoded
from tabular_dl.estimators.task import Prepared, Task, TrainedTask
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

__all__ = ["KerasEstimator"]

# Attributes that scikit-learn sets when it checks a matrix, before anything is learned.
SHAPE_ATTRIBUTES = ("n_features_in_", "feature_names_in_")


class KerasEstimator(Hyperparameters):
    """The common base of the two estimators: training, predictions, curves and models."""

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
        self.check_parameters()
        task = Task(self, X, self.prepare(X, y, np.arange(len(y)), sample_weight=sample_weight))
        trained = train_tasks([task], y, callbacks=self.make_callbacks)
        trained.refuse_untrained()
        self.take_over(trained.result(0))

    def prepare(
        self,
        X: Matrix,
        y: np.ndarray,
        rows: np.ndarray,
        classes: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        alike: Sequence[Hyperparameters] = (),
    ) -> Prepared:
        """Learn problem, target coding and inputs from training rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (rows, features)
            All rows.
        y : ndarray of shape (rows,) or (rows, targets)
            The target of all rows.
        rows : ndarray of int
            Numbers of the training rows.
        classes : ndarray, optional
            The labels, where the training rows may lack some; by default those of the rows.
        sample_weight : ndarray of shape (rows,), optional
            The weight of each row in the loss.
        alike : sequence of Hyperparameters, optional
            Other estimators that share the result.

        Raises
        ------
        DataError
            If there is one class only, or no row has a weight.
        SpecError
            If a hyperparameter does not fit the problem.
        """
        weights = None
        if sample_weight is not None:
            rows = rows[sample_weight[rows] > 0]
            weights = sample_weight[rows]
            if not len(rows):
                raise DataError("sample_weight is 0 for every row of a fold: give some of its rows a weight above 0.")
        if all(each.repeats_are_weights(len(rows)) for each in (self, *alike)):
            rows, weights = merged_rows(X, y, rows, weights)
        problem, coding = self._target(y[rows], weights, classes)
        for each in (self, *alike):
            problem.check_smoothing(each.label_smoothing)
        names = getattr(self, "feature_names_in_", None)
        categorical = columns_named(self.categorical_features or (), X.shape[1], names)
        needs_rows = bool(categorical) or self.normalize
        inputs = Inputs.learn(X[rows] if needs_rows else X, categorical, self.normalize, weights)
        weights = row_weights(self, coding, y[rows], weights)
        return Prepared(problem, coding, inputs, rows, weights, y.ndim == 1)

    def take_over(self, trained: TrainedTask) -> None:
        """Become the estimator that has fitted these networks, all at once: a fit that fails changes nothing."""
        prepared, population = trained.prepared, trained.population
        for name, value in prepared.coding.attributes().items():
            setattr(self, name, value)
        self.problem_ = prepared.problem.name
        self.one_hot_ = prepared.problem.target == "one-hot"
        self.one_column_ = prepared.one_column
        self.n_features_in_ = prepared.inputs.features
        self.inputs_ = asdict(prepared.inputs)
        self.network_ = asdict(trained.network)
        self.weights_ = population.weights
        self.curves_ = _curves(prepared, population, self.monitor)
        self.best_epoch_ = population.best_epoch
        self.interrupted_ = population.interrupted

    def make_callbacks(self, inputs: Matrix) -> list[keras.callbacks.Callback]:
        """Make copies of the callbacks for a fit on these inputs of networks; they are kept as ``callbacks_``."""
        from tabular_dl.nn import make_callbacks

        self.callbacks_ = make_callbacks(self.callbacks)
        if self.tensorboard is None:
            return self.callbacks_
        from tabular_dl.nn import MemberTensorBoard

        return [*self.callbacks_, MemberTensorBoard(self.tensorboard, inputs)]

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
        return [whole_model(network, self.weights_, [k], inputs, coding) for k in range(len(self.best_epoch_))]

    @property
    def model_(self) -> keras.Model:
        """The whole ensemble as a Keras model of standard layers: the mean of the members' outputs."""
        from tabular_dl.estimators.keras_export import whole_model

        network, inputs, coding = self._parts()
        return whole_model(network, self.weights_, range(len(self.best_epoch_)), inputs, coding)

    def diagnose(self) -> Diagnosis:
        """Return whether the networks are underfitting, overfitting or fine, by the learning curves, and why."""
        check_is_fitted(self, "weights_")
        return diagnose(self.curves_, self.best_epoch_)

    def plot_history(self) -> Figure:
        """Draw loss and metrics of training and validation rows over the epochs, with the mean best epoch."""
        from tabular_dl.plots import learning_curves

        check_is_fitted(self, "weights_")
        followed = next((name for name in self.curves_ if name != "loss" and f"val_{name}" in self.curves_), None)
        return learning_curves(self.curves_, self.best_epoch_, ["loss", *([followed] if followed else [])])

    def name_features(self, names: np.ndarray | None) -> Self:
        """Set the names of the columns, for an estimator that is fitted on matrices without names."""
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
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.single_output = True
        return tags

    def _numeric_target(self) -> bool:
        return False

    def _target(self, y: np.ndarray, weights: Any, classes: np.ndarray | None) -> tuple[Problem, Coding]:
        """Return problem and target coding, learned from training rows."""
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what has been stored; models from before weights had names hold them as a list."""
        super().__setstate__(state)
        if isinstance(getattr(self, "weights_", None), list):
            from tabular_dl.nn import in_old_order

            weights: Any = self.weights_
            network, _, _ = self._parts()
            named = dict(zip(in_old_order(network), weights, strict=True))
            self.weights_ = {name: named[name] for name in network.weights}

    @property
    def target_coding_(self) -> Coding:
        """The target coding, as learned from the training rows."""
        kind = get_problem(self.problem_).coding
        if issubclass(kind, Numbers):
            # Estimators stored before there were transforms have none.
            kind = TRANSFORMS.get(getattr(self, "target_transform_", None) or "", kind)
            return kind(self.target_mean_, self.target_scale_)
        return Labels(self.classes_, self.one_hot_) if kind is Labels else Indicators(len(self.classes_))

    def _decoded(self, X: Any) -> np.ndarray:
        """Return the mean over members of their decoded outputs, (rows, classes, labels or targets), float64."""
        network, inputs, coding = self._parts()
        X = validate_data(self, X, accept_sparse="csr", dtype=self.matrix_types, reset=False)
        return decoded([self], network, self.weights_, coding, inputs.encode(X))[0]


def _curves(prepared: Prepared, population: Population, monitor: str) -> dict[str, np.ndarray]:
    """Return the learning curves of a population by the names that users know, in units of the target."""
    coding = prepared.coding
    followed = {one.function: (one.name, one.power) for one in prepared.problem.followed}
    curves = {}
    for name, values in population.history.items():
        prefix, plain = ("val_", name[4:]) if name.startswith("val_") else ("", name)
        power = METRICS[plain].power if plain in METRICS and coding.standardised else 0
        shown, power = followed.get(plain, (plain, power))
        if plain == monitor and not monitor_is_followed(plain, prepared):
            shown = f"monitor_{plain}"
        curves[prefix + shown] = values * coding.unit**power if power else values
    return curves

"""Base class of `KerasClassifier` and `KerasRegressor`: training, predictions, learning curves and Keras models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.diagnosis import Diagnosis, diagnose, tidy_history
from tabular_dl.estimators.feature_names import FeatureNames
from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.joint_training import train_tasks
from tabular_dl.estimators.monitored import curves_of
from tabular_dl.estimators.network_inputs import MATRIX_TYPES, Features, Inputs, Matrix, columns_named, inputs_for
from tabular_dl.estimators.prediction import decoded
from tabular_dl.estimators.row_weights import merged_rows, row_weights
from tabular_dl.estimators.task import Prepared, Task, TrainedTask
from tabular_dl.estimators.user_code import check_user_loss, loss_of, planned_blocks
from tabular_dl.problems import (
    TRANSFORMS,
    Bounded,
    Coding,
    Indicators,
    LabelColumns,
    Labels,
    Numbers,
    Problem,
    get_problem,
    problem_of,
)

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure
    from sklearn.utils import Tags

    from tabular_dl.nn import Network
    from tabular_dl.problems import Classes

__all__ = ["KerasEstimator"]

# Attributes that scikit-learn sets when it checks a matrix, before anything is learned.
SHAPE_ATTRIBUTES = ("n_features_in_", "feature_names_in_")


class KerasEstimator(FeatureNames, Hyperparameters):
    """Base class of both estimators: training, predictions, learning curves and Keras models."""

    def fit(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the members side by side.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (rows, features)
            Features, finite numbers. A float32 memory map and a sparse matrix are read block by block.
        y : array-like of shape (rows,) or (rows, targets)
            Target.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row in losses: a weight of 2 is the same as the row twice, 0 the same as no row.

        Returns
        -------
        self
            Fitted estimator.

        Raises
        ------
        ValueError
            If the data or a hyperparameter is invalid.
        """
        before = {name: self.__dict__[name] for name in SHAPE_ATTRIBUTES if name in self.__dict__}
        try:
            self._fit(X, y, sample_weight)
        except BaseException:  # raised again
            # An earlier fit stays valid after one that fails.
            for name in SHAPE_ATTRIBUTES:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        matrix, target = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=self.matrix_types,
            y_numeric=self._numeric_target(),
            multi_output=True,
        )
        target = self._checked_target(target)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, matrix, dtype=np.float64, ensure_non_negative=True)
        self.check_parameters()
        task = Task(
            self.resolved(), matrix, self.prepare(matrix, target, np.arange(len(target)), sample_weight=weights)
        )
        trained = train_tasks([task], callbacks=self.make_callbacks)
        trained.refuse_untrained()
        self.take_over(trained.result(0))

    def prepare(
        self,
        X: Matrix,
        y: np.ndarray,
        rows: np.ndarray,
        classes: Classes | None = None,
        sample_weight: np.ndarray | None = None,
        alike: Sequence[Hyperparameters] = (),
    ) -> Prepared:
        """Learn problem, target coding and inputs from training rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (rows, features)
            Features of all rows.
        y : ndarray of shape (rows,) or (rows, targets)
            Target of all rows.
        rows : ndarray of int
            Numbers of the training rows.
        classes : ndarray, optional
            Labels, if the training rows may lack some; by default those of the training rows.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each row in the loss.
        alike : sequence of Hyperparameters, optional
            Other estimators that will share the result.

        Returns
        -------
        Prepared
            Problem, target coding, inputs, and the training rows with their weights.

        Raises
        ------
        DataError
            If there is one class only, or all weights are 0.
        SpecError
            If a hyperparameter does not suit the problem.
        """
        weights = None
        if sample_weight is not None:
            rows = rows[sample_weight[rows] > 0]
            weights = sample_weight[rows]
            if not len(rows):
                raise DataError("sample_weight is 0 for every row of a fold: give some of its rows a weight above 0.")
        settings = [estimator.resolved() for estimator in (self, *alike)]
        if all(setting.repeats_are_weights(len(rows)) for setting in settings):
            rows, weights = merged_rows(X, y, rows, weights)
        problem, coding = self._target(y[rows], weights, classes)
        for setting in settings:
            problem.check_smoothing(setting.label_smoothing)
        names = getattr(self, "feature_names_in_", None)
        categorical = columns_named(self.categorical_features or (), X.shape[1], names)
        if len(categorical) == X.shape[1] and self.numeric_embedding not in ("auto", "none"):
            raise SpecError(f"numeric_embedding {self.numeric_embedding} needs numbers; all columns hold categories.")
        inputs = inputs_for(settings[0], X, y, rows, categorical, weights, classification=problem.classification)
        weights = row_weights(self.class_weight, coding, y[rows], weights)
        return Prepared(problem, coding, inputs, y, rows, weights)

    def take_over(self, trained: TrainedTask) -> None:
        """Set the fitted attributes from trained networks; called last, so that a fit that fails changes none."""
        prepared, population = trained.prepared, trained.population
        for name, value in prepared.coding.attributes().items():
            setattr(self, name, value)
        self.problem_ = prepared.problem.name
        self.one_hot_ = prepared.problem.target == "one-hot"
        self.one_column_ = prepared.y.ndim == 1
        self.n_features_in_ = prepared.inputs.features
        self.inputs_ = asdict(prepared.inputs)
        self.network_ = asdict(trained.network)
        self.weights_ = population.weights
        self.curves_ = curves_of(prepared, population, self.monitor)
        self.best_epoch_ = population.best_epoch
        self.interrupted_ = population.interrupted

    def make_callbacks(self, inputs: Matrix) -> list[keras.callbacks.Callback]:
        """Return copies of the callbacks for a fit on inputs of networks, and keep them as ``callbacks_``.

        With ``tensorboard``, the callback that writes its logs is returned as well.
        """
        from tabular_dl.nn import make_callbacks

        self.callbacks_ = make_callbacks(self.callbacks)
        if self.tensorboard is None:
            return self.callbacks_
        from tabular_dl.nn import MemberTensorBoard

        return [*self.callbacks_, MemberTensorBoard(self.tensorboard, inputs)]

    @property
    def matrix_types(self) -> tuple[type[np.generic], ...]:
        """Types of feature matrices that are not converted; others are converted to the first."""
        # float32 has seven digits only: large numbers are coded or normalised before.
        exact = bool(self.categorical_features) or bool(self.resolved().normalize)
        return (np.float64, *MATRIX_TYPES) if exact else MATRIX_TYPES

    @property
    def history_(self) -> pd.DataFrame:
        """Learning curves as a tidy table, with a row per epoch, member that trained in it, and metric.

        Columns are ``epoch`` (from 1), ``member`` (from 0), ``metric``, ``train`` and ``validation``, which is NaN
        without validation rows.
        """
        check_is_fitted(self, "weights_")
        return tidy_history(self.curves_)

    @property
    def members_(self) -> list[keras.Model]:
        """Members as Keras models of standard layers, with input (rows, features) and output (rows, units).

        Outputs are probabilities for a classifier, and values in units of the target for a regressor.
        """
        from tabular_dl.estimators.keras_export import export_model

        network, inputs, coding = self.fitted_parts()
        return [export_model(network, self.weights_, [k], inputs, coding) for k in range(len(self.best_epoch_))]

    @property
    def model_(self) -> keras.Model:
        """Ensemble as a Keras model of standard layers, whose output is the mean of the members' outputs."""
        from tabular_dl.estimators.keras_export import export_model

        network, inputs, coding = self.fitted_parts()
        return export_model(network, self.weights_, range(len(self.best_epoch_)), inputs, coding)

    def diagnose(self) -> Diagnosis:
        """Return whether the networks underfit, overfit or are fine according to the learning curves, with a reason."""
        check_is_fitted(self, "weights_")
        return diagnose(self.curves_, self.best_epoch_)

    def plot_history(self) -> Figure:
        """Plot loss and first metric of training and validation rows over the epochs, with the mean best epoch."""
        from tabular_dl.plots import learning_curves

        check_is_fitted(self, "weights_")
        followed = next((name for name in self.curves_ if name != "loss" and f"val_{name}" in self.curves_), None)
        return learning_curves(self.curves_, self.best_epoch_, ["loss", *([followed] if followed else [])])

    def target_coding(self, y: np.ndarray) -> Coding:
        """Return the coding that a target of shape (rows,) or (rows, targets) would have in training."""
        return self._target(np.asarray(y), None, None)[1]

    def check_user_code(self, y: np.ndarray) -> None:
        """Raise an error for code of the user that networks cannot learn a target by, of shape (rows,) or (rows, ...).

        Raises
        ------
        SpecError
            If they cannot; the message begins with the name of the hyperparameter.
        """
        if callable(self.loss):
            check_user_loss(self.loss, *self._target(np.asarray(y), None, None), y)
        planned_blocks(self.resolved())

    @property
    def fold_types(self) -> tuple[type[np.generic], ...]:
        """Types of the feature matrices of folds that are not converted; float64 only for normalisation."""
        return self.matrix_types if self.resolved().normalize else MATRIX_TYPES

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without callbacks, which hold models and open files."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "callbacks_"}

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: sparse input is supported unless columns are coded."""
        tags = super().__sklearn_tags__()
        settings = self.resolved()
        coded = self.categorical_features or settings.normalize or settings.numeric_embedding != "none"
        tags.input_tags.sparse = not coded
        tags.target_tags.single_output = True
        return tags

    def _target(self, y: np.ndarray, weights: np.ndarray | None, classes: Classes | None) -> tuple[Problem, Coding]:
        """Return problem and target coding, learned from training rows."""
        classification = not self._numeric_target()
        labels_or_values = y if classes is None or isinstance(classes, list) or y.ndim == 2 else classes
        problem = problem_of(labels_or_values, classification=classification, name=self.problem, bounds=self.bounds)
        problem = problem.choose(self.output, loss_of(self.loss), self.metrics)
        one_hot = problem.target == "one-hot"
        coding_class = problem.coding
        if self.bounds is not None and not issubclass(coding_class, Bounded):
            raise SpecError(
                f"bounds: {list(self.bounds)} are for a bounded_regression, the problem is {problem.name}. Remove "
                "bounds, or problem."
            )
        if self.target_transform is not None:
            if coding_class is not Numbers:
                raise SpecError(
                    f"target_transform: {self.target_transform} is for a regression without bounds, the problem is "
                    f"{problem.name}. Remove target_transform."
                )
            coding_class = TRANSFORMS[self.target_transform]
        coding = coding_class.learn(y, weights=weights, classes=classes, one_hot=one_hot, bounds=self.bounds)
        return problem, coding

    def fitted_parts(self) -> tuple[Network, Inputs, Coding]:
        """Return architecture, inputs and target coding of the fitted estimator."""
        from tabular_dl.nn import Network

        check_is_fitted(self, "weights_")
        # Tuples are lists in stored models.
        settings = {name: _as_tuple(value) for name, value in self.network_.items()}
        return Network(**settings), Inputs(**self.inputs_), self.target_coding_

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a stored estimator; in models stored before weights had names, they are a list."""
        super().__setstate__(state)
        for name, parameter in signature(type(self)).parameters.items():
            self.__dict__.setdefault(name, parameter.default)  # models stored before there was the hyperparameter
        if isinstance(getattr(self, "weights_", None), list):
            from tabular_dl.nn import in_old_order

            weights: Any = self.weights_
            network, _, _ = self.fitted_parts()
            named = dict(zip(in_old_order(network), weights, strict=True))
            self.weights_ = {name: named[name] for name in network.weights}

    @property
    def target_coding_(self) -> Coding:
        """Target coding, learned from the training rows."""
        coding_class = get_problem(self.problem_).coding
        if issubclass(coding_class, Numbers):
            # Estimators stored before there were transforms lack the attribute.
            coding_class = TRANSFORMS.get(getattr(self, "target_transform_", None) or "", coding_class)
            return coding_class(self.target_mean_, self.target_scale_)
        if coding_class is LabelColumns:
            return LabelColumns(self.classes_)
        return Labels(self.classes_, self.one_hot_) if coding_class is Labels else Indicators(len(self.classes_))

    def _decoded(self, X: Features) -> np.ndarray:
        """Return the mean over members of their decoded outputs, (rows, classes, labels or targets), float64."""
        network, inputs, coding = self.fitted_parts()
        matrix = validate_data(self, X, accept_sparse="csr", dtype=self.matrix_types, reset=False)
        return decoded([self], network, self.weights_, coding, inputs.encode(matrix))[0]


def _as_tuple(value: Any) -> Any:
    """Return tuples in place of lists, also inside of them."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value

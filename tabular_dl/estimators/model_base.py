"""Base class of `ModelClassifier` and `ModelRegressor`: models of other libraries, trained as the networks are.

They read a matrix of numbers in which columns of categories are whole numbers, hold out rows for early stopping as the
networks do, and average several models of different seeds (``members``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from tabular_dl.errors import DataError, SpecError, UserError
from tabular_dl.estimators.feature_names import FeatureNames
from tabular_dl.estimators.held_out import HeldOutBy, hold_out
from tabular_dl.estimators.model_libraries import LIBRARIES, Library, Rows
from tabular_dl.estimators.model_parameters import first_line, known_parameters, make_model, model_class
from tabular_dl.estimators.model_table import NamedModel, model_named
from tabular_dl.estimators.model_targets import ModelTargets
from tabular_dl.estimators.parameter_checks import check_bounds, check_types
from tabular_dl.estimators.parameter_types import Auto, Count, Number, Share
from tabular_dl.estimators.population import derived_seed
from tabular_dl.estimators.row_weights import row_weights
from tabular_dl.estimators.trained_model import TrainedModel, bytes_for_texts, texts_from_bytes
from tabular_dl.problems import Labels, problem_of

if TYPE_CHECKING:
    from sklearn.utils import Tags

__all__ = ["ModelEstimator"]

SHARE = 0.1  # of the training rows that are held out for early stopping


class ModelEstimator(FeatureNames, ModelTargets, BaseEstimator):
    """Base class of both estimators. Of several targets, each has a model of its own.

    Parameters
    ----------
    name : str, default="hist_gradient_boosting"
        Model of `tabular_dl.estimators.model_table.MODELS`, or a class as ``package.module:Class``.
    parameters : dict or None, default=None
        Parameters of the model.
    early_stopping : int, "auto" or None, default="auto"
        Number of boosting rounds without a smaller loss on held-out rows after which boosting stops; "auto" is that of
        the model's table, None trains all rounds.
    validation_fraction : float or "auto", default="auto"
        Share of the training rows that each member holds out for early stopping; "auto" is 0.1.
    members : int, default=1
        Number of models of different seeds and held-out rows, whose predictions are averaged.
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, as in `KerasClassifier`.
    target_transform : {"log1p"} or None, default=None
        Transform of the target, as in `KerasRegressor`.
    bounds : (low, high) or None, default=None
        Bounds of the predictions of numbers.
    categorical_features : sequence of int or None, default=None
        Columns whose whole numbers stand for categories; numbers below 0 are missing.
    problem : str, default="auto"
        Type of problem.
    random_state : int, RandomState or None, default=None
        Seed.
    n_jobs : int, default=1
        Number of threads of each model, where its library takes one.
    """

    def __init__(
        self,
        name: str = "hist_gradient_boosting",
        *,
        parameters: Mapping[str, Any] | None = None,
        early_stopping: Count | Auto | None = "auto",
        validation_fraction: Share | Auto = "auto",
        members: Count = 1,
        class_weight: Mapping[Any, Any] | Literal["balanced"] | None = None,
        target_transform: Literal["log1p"] | None = None,
        bounds: Sequence[Number] | None = None,
        categorical_features: Sequence[int] | None = None,
        problem: str = "auto",
        random_state: Any = None,
        n_jobs: int = 1,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.members = members
        self.class_weight = class_weight
        self.target_transform = target_transform
        self.bounds = bounds
        self.categorical_features = categorical_features
        self.problem = problem
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the members one after another.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (rows, features)
            Features; missing values are NaN, for models that read them.
        y : array-like of shape (rows,) or (rows, targets)
            Target.
        sample_weight : array-like of shape (rows,), optional
            Weight of each row.

        Returns
        -------
        self

        Raises
        ------
        SpecError
            If the model or a parameter is invalid.
        DataError
            If there is one class only, or there are too few rows to hold some out.
        """
        matrix, target = validate_data(self, X, y, y_numeric=not self._classification, multi_output=True, **self._input)
        target = column_or_1d(target, warn=True) if target.ndim == 2 and target.shape[1] == 1 else target
        matrix = matrix.toarray() if issparse(matrix) else matrix
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, matrix, dtype=np.float64, ensure_non_negative=True)
        self.start(matrix, target)
        rows = np.arange(len(target))
        self.finish([self.train_member(k, matrix, target, rows, weights) for k in range(self.count)])
        return self

    def start(self, X: np.ndarray, y: np.ndarray, classes: np.ndarray | list[np.ndarray] | None = None) -> None:
        """Set the attributes that are known before training.

        Parameters
        ----------
        X : ndarray of shape (rows, features)
            Features of all rows.
        y : ndarray of shape (rows,) or (rows, targets)
            Target of the training rows.
        classes : ndarray or list of ndarray, optional
            Labels, if the training rows may lack some.
        """
        check_types(self, ModelEstimator.__init__)
        check_bounds(self.bounds)
        self.n_features_in_ = X.shape[1]
        values = y if classes is None or isinstance(classes, list) or y.ndim == 2 else classes
        problem = problem_of(values, classification=self._classification, name=self.problem, bounds=self.bounds)
        if self._classification:
            check_classification_targets(y)
            self.classes_ = problem.coding.learn(y, classes=classes).attributes()["classes_"]
        self.problem_, self.targets_ = problem.name, 1 if y.ndim == 1 else y.shape[1]
        self._check_target(y)

    def finish(self, trained: Sequence[TrainedModel]) -> None:
        """Set the attributes that training gives."""
        self.models_ = [member.stored for member in trained]
        rounds = [member.rounds for member in trained if member.rounds is not None]
        self.rounds_ = np.array(rounds) if rounds else None
        if self._classification:
            self.known_classes_ = [member.classes for member in trained]
        self._open()

    def train_member(
        self,
        member: int,
        X: np.ndarray,
        y: np.ndarray,
        rows: np.ndarray,
        sample_weight: np.ndarray | None = None,
        row_groups: HeldOutBy | None = None,
        threads: int | None = None,
    ) -> TrainedModel:
        """Return a trained model.

        Parameters
        ----------
        member : int
            Number of the model, from 0: of `targets_` targets, each member has a model for each.
        X : ndarray of shape (rows, features)
            Features of all rows.
        y : ndarray of shape (rows,) or (rows, targets)
            Target of all rows.
        rows : ndarray of int
            Numbers of the training rows.
        sample_weight : ndarray of shape (rows,), optional
            Weights of all rows.
        row_groups : ndarray of shape (rows,) or RowTimes, optional
            Group of each row: rows of one group are held out together. Or their times: the latest rows are held out.
        threads : int, optional
            Number of threads, ``n_jobs`` by default.

        Returns
        -------
        TrainedModel
            The model in the form in which it is stored.

        Raises
        ------
        DataError
            If there are too few rows, or the library refuses them.
        """
        member, number = divmod(member, self.targets_)
        seed = derived_seed(self.random_state, member)
        rows, values = self._with_target(y, rows, number)
        weights = self._weights(values, None if sample_weight is None else sample_weight[rows])
        train, held_out = self._split(values, seed, None if row_groups is None else row_groups[rows])
        target, classes = self._coded(values, number), None
        if self._classification:
            # Libraries count the classes of their rows, which may lack some.
            classes = np.unique(target[train])
            held_out = held_out[np.isin(target[held_out], classes)]
            target = np.searchsorted(classes, target)
            if len(classes) == 1:  # which most libraries refuse
                return TrainedModel(None, None if self._named.rounds is None else 0, classes)
        matrix = self._with_missing(X[rows])

        def part(places: np.ndarray) -> Rows:
            return Rows(matrix[places], target[places], None if weights is None else weights[places])

        model, library, categorical = (
            self._model(seed, threads or self.n_jobs),
            self._library,
            [*(self.categorical_features or ())],
        )
        validation = part(held_out) if len(held_out) else None
        try:
            fitted = library.fit(model, part(train), validation, categorical, self.patience)
            return TrainedModel(library.stored(fitted), library.rounds(fitted), classes)
        except (MemoryError, UserError):
            raise
        except Exception as error:  # each library raises its own
            raise DataError(f"model: {self.name} could not be trained: {first_line(error)}") from error

    def _weights(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """Return the weights of training rows, multiplied by those of their classes."""
        if self._classification:
            if self.class_weight is not None and self.targets_ > 1:
                raise SpecError("class_weight is for one target, found several: leave it out.")
            return row_weights(self.class_weight, Labels(self._classes_of(0)), y, weights, scaled=False)
        if self.class_weight is not None:
            raise SpecError("class_weight is for classes, the target is a number: leave it out.")
        return weights

    def _split(self, y: np.ndarray, seed: int, row_groups: HeldOutBy | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the rows to train on, and of those that early stopping holds out."""
        places = np.arange(len(y))
        if self.patience is None:
            return places, places[:0]
        # As for networks, 0 is for those that need no held-out rows.
        share = SHARE if self.validation_fraction == "auto" else float(self.validation_fraction) or SHARE
        return hold_out(places, y if self._classification else None, share, seed, row_groups)

    @property
    def fold_types(self) -> tuple[type[np.generic], ...]:
        """Types of the feature matrices of folds that are not converted."""
        return (np.float64,)

    @property
    def reads_missing(self) -> bool:
        """Whether the model reads missing values."""
        return self._named.native

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the opened models, which are made from their stored form."""
        state = {name: value for name, value in super().__getstate__().items() if name != "_opened"}
        return {**state, "models_": bytes_for_texts(self.models_)} if "models_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the state. Opened models in it are not those of this package, which keeps none."""
        state = {name: value for name, value in state.items() if name != "_opened"}
        models = state.get("models_")
        super().__setstate__({**state, "models_": texts_from_bytes(models)} if isinstance(models, list) else state)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: sparse input is made dense, and some models read missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.reads_missing
        tags.input_tags.sparse = True
        return tags

    @property
    def _named(self) -> NamedModel:
        return model_named(self.name)

    @property
    def _library(self) -> Library:
        return LIBRARIES[self._named.library]

    @property
    def _input(self) -> dict[str, Any]:
        """Arguments of scikit-learn's check of features; whether values may be missing depends on the model."""
        finite = "allow-nan" if self.reads_missing else True
        return {"dtype": np.float64, "accept_sparse": "csr", "ensure_all_finite": finite}

    @property
    def _classification(self) -> bool:
        return isinstance(self, ClassifierMixin)

    @property
    def patience(self) -> int | None:
        """Number of boosting rounds without improvement that end the training; None if all are trained."""
        if self._named.rounds is None:
            return None
        return self._named.patience if self.early_stopping == "auto" else self.early_stopping

    def _model(self, seed: int, threads: int) -> Any:
        """Return the unfitted model."""
        model_type = model_class(self.name, classification=self._classification)
        settings = self._library.settings(known_parameters(model_type), self.categorical_features or (), seed, threads)
        return make_model(self.name, model_type, self.parameters or {}, settings)

    def _open(self) -> None:
        """Make the models from their stored form."""
        task = {"classification": self._classification}
        self._opened = [None if stored is None else self._library.opened(stored, **task) for stored in self.models_]

    def _with_missing(self, X: np.ndarray) -> np.ndarray:
        """Return features in which the codes of missing and unknown categories are NaN, for models that read it."""
        categorical = [*(self.categorical_features or ())]
        if not categorical or not self.reads_missing:
            return X
        X = X.copy()
        X[:, categorical] = np.where(X[:, categorical] < 0, np.nan, X[:, categorical])
        return X

    def _check_target(self, y: np.ndarray) -> None:
        """Raise an error for a target that cannot be coded."""

    def _coded(self, y: np.ndarray, number: int) -> np.ndarray:
        """Return one of the targets as the model reads it."""
        raise NotImplementedError

    def _outputs(self, X: Any) -> list[np.ndarray]:
        """Return the predictions of each model."""
        check_is_fitted(self, "models_")
        matrix = validate_data(self, X, reset=False, **self._input)
        matrix, library = self._with_missing(matrix.toarray() if issparse(matrix) else matrix), self._library
        task = {"classification": self._classification}
        if "_opened" not in self.__dict__:  # it has been loaded
            self._open()
        categorical = [*(self.categorical_features or ())]
        return [
            np.ones((len(matrix), 1)) if model is None else library.predict(model, matrix, categorical, **task)
            for model in self._opened
        ]

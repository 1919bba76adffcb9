"""`KerasClassifier` and `KerasRegressor`: ensembles of Keras networks as scikit-learn estimators.

Both choose the output layer, the loss and the metrics from the type of problem (`tabular_dl.problems`), and train all
their members as one population (`tabular_dl.groups`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Self, get_type_hints

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.groups import fit_groups
from tabular_dl.problems import Problem, get_problem, problem_of_classes, problem_of_numbers
from tabular_dl.targets import Labels, Numbers

if TYPE_CHECKING:
    import keras

    from tabular_dl.nn.network import Network
    from tabular_dl.nn.training import Population

__all__ = ["KerasClassifier", "KerasRegressor"]

# The annotations of the constructor are what `check_parameters` checks.
Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
_RANDOM_STATE_IS_A_CLASS = ConfigDict(arbitrary_types_allowed=True)


class _KerasEstimator(BaseEstimator):
    """What the two estimators share: hyperparameters, training and the members' outputs."""

    def __init__(
        self,
        *,
        hidden: Sequence[Count] = (64, 32),
        activation: str = "relu",
        dropout: Share | Sequence[Share] = 0.1,
        l2: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] = 0.0,
        optimizer: str = "adam",
        learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)] | None = None,
        epochs: Count = 100,
        batch_size: Count = 32,
        validation_fraction: Share = 0.1,
        early_stopping: Count | None = 10,
        members: Count = 4,
        random_state: Seed | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.members = members
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train the members side by side.

        Parameters
        ----------
        X : array-like of shape (rows, features)
            Finite numbers.
        y : array-like of shape (rows,)
            The target.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a hyperparameter cannot be used.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=self._numeric_target())
        fit_groups([self], [X], y, [np.arange(len(y))])
        return self

    @property
    def members_(self) -> list[keras.Model]:
        """Each member as a Keras model of standard layers: input (rows, features), output (rows, units).

        A regressor's members predict the standardised target: multiply by ``target_scale_`` and add ``target_mean_``.
        """
        from tabular_dl.nn.inference import plain_model
        from tabular_dl.nn.network import Network

        check_is_fitted(self, "weights_")
        network = Network(**self.network_)
        return [plain_model(network, self.weights_, k) for k in range(len(self.weights_[0]))]

    def _numeric_target(self) -> bool:
        return False

    def _learned(self, problem: Problem, coding: Labels | Numbers, network: Network, population: Population) -> None:
        """Take over what training found, all at once: a fit that fails leaves an earlier one as it was."""
        for name, value in coding.attributes().items():
            setattr(self, name, value)
        self.problem_ = problem.name
        self.n_features_in_ = network.inputs
        self.network_ = asdict(network)
        self.weights_ = population.weights
        self.history_ = {
            name.replace("metric", problem.row_metric_name): values * coding.unit if "metric" in name else values
            for name, values in population.history.items()
        }
        self.best_epoch_ = population.best_epoch

    def _outputs(self, X: Any) -> np.ndarray:
        """Return each member's outputs, shape (members, rows, units)."""
        from tabular_dl.nn.inference import predict
        from tabular_dl.nn.network import Network

        check_is_fitted(self, "weights_")
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return predict(Network(**self.network_), self.weights_, X)

    def check_parameters(self) -> None:
        """Refuse hyperparameters that cannot be trained with, before any data is needed.

        Raises
        ------
        SpecError
            A `ValueError` that names the hyperparameter, what it must be and what it is.
        """
        for name, kind in get_type_hints(_KerasEstimator.__init__, include_extras=True).items():
            if name == "return":
                continue
            value = getattr(self, name)
            try:
                TypeAdapter(kind, config=_RANDOM_STATE_IS_A_CLASS).validate_python(_without_numpy(value))
            except ValidationError as error:
                reasons = " or ".join(dict.fromkeys(e["msg"].removeprefix("Input ") for e in error.errors()))
                raise SpecError(f"{name} {reasons}; it is {value!r}.") from None
        if np.ndim(self.dropout) and np.size(self.dropout) != len(self.hidden):
            raise SpecError(
                f"dropout should be one number, or one for each of the {len(self.hidden)} hidden layers; "
                f"it is {self.dropout!r}."
            )
        if self.early_stopping is not None and self.validation_fraction == 0:
            raise SpecError(
                "early_stopping needs held-out rows: set validation_fraction above 0, or early_stopping to null."
            )
        from tabular_dl.nn.network import ACTIVATIONS
        from tabular_dl.nn.optimizers import OPTIMIZERS

        for name, known in (("activation", ACTIVATIONS), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in known:
                raise SpecError(
                    f"{name}: there is no {getattr(self, name)!r}. {did_you_mean(getattr(self, name), known)}"
                )


class KerasClassifier(ClassifierMixin, _KerasEstimator):
    r"""An ensemble of Keras networks that classifies.

    The mean over K members of each member's probabilities::

        p(x) = 1/K sum_k f_k(x)        f_k = output activation of network k

    Two classes make one sigmoid unit trained by binary cross-entropy; more classes make a softmax over one unit a
    class, trained by sparse categorical cross-entropy.

    Parameters
    ----------
    hidden : sequence of int, default=(64, 32)
        Widths of the hidden layers; empty for a linear model.
    activation : str, default="relu"
        Keras's name of the hidden activation.
    dropout : float or sequence of float, default=0.1
        The probability that a hidden activation is dropped in training; one for all hidden layers, or one for each.
    l2 : float, default=0.0
        Adds ``l2 * sum(kernel ** 2)`` of every layer to the loss.
    optimizer : str, default="adam"
        Keras's name of the optimizer.
    learning_rate : float or None, default=None
        None is the optimizer's default: 0.001, for SGD and Adagrad 0.01.
    epochs : int, default=100
        The most passes over the training rows.
    batch_size : int, default=32
        Rows a step; an epoch has ``ceil(rows / batch_size)`` steps.
    validation_fraction : float, default=0.1
        The share of the training rows that each member holds out, its own draw, stratified by class.
    early_stopping : int or None, default=10
        Epochs without a better loss on its held-out rows after which a member stops and goes back to its best epoch.
    members : int, default=4
        How many networks are trained and averaged.
    random_state : int, RandomState or None, default=None
        An integer makes a fit repeatable bit for bit on one machine. Member k's seed depends on it and on k alone.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        The labels, sorted.
    members_ : list of keras.Model
        The members as plain Keras models.
    weights_ : list of ndarray of shape (members, in, out)
        Kernel and bias of each layer.
    history_ : dict of str to ndarray of shape (epochs, members)
        Loss and accuracy of each epoch, and the same on the held-out rows under ``val_``; NaN after a member stopped.
    best_epoch_ : ndarray of shape (members,)
        The epoch, from 1, that each member's weights are from.
    problem_ : str
        "binary" or "multiclass".

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), KerasClassifier(hidden=[16], epochs=20, members=2, random_state=0))
    >>> model.fit(X, y).predict_proba(X[:2]).shape
    (2, 3)
    """

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean of the members' probabilities, shape (rows, classes)."""
        outputs = self._outputs(X)
        return get_problem(self.problem_).probabilities(outputs).mean(axis=0)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the greatest mean probability for each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _target(self, y: np.ndarray, rows: np.ndarray, classes: np.ndarray | None) -> tuple[Problem, Labels | Numbers]:
        """Tell the problem and learn the target coding from training rows."""
        check_classification_targets(y)
        coding = Labels.learn(y[rows], classes)
        return problem_of_classes(len(coding.classes)), coding


class KerasRegressor(RegressorMixin, _KerasEstimator):
    r"""An ensemble of Keras networks that predicts a number.

    The mean over K members, each trained by mean squared error on the standardised target::

        y(x) = mean(y) + std(y) * 1/K sum_k f_k(x)

    with mean and (population) standard deviation of the training rows' target.

    Parameters
    ----------
    hidden, activation, dropout, l2, optimizer, learning_rate, epochs, batch_size
        As in `KerasClassifier`.
    validation_fraction, early_stopping, members, random_state
        As in `KerasClassifier`; held-out rows are drawn plainly.

    Attributes
    ----------
    target_mean_, target_scale_ : float
        What the target was standardised by.
    members_, weights_, history_, best_epoch_, problem_
        As in `KerasClassifier`; ``history_`` holds the loss (of the standardised target) and the mean absolute error
        ("mae", in units of the target).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = KerasRegressor(hidden=[16], dropout=0.0, epochs=60, random_state=0).fit(X, 100 + 10 * X[:, 0])
    >>> model.score(X, 100 + 10 * X[:, 0]) > 0.95
    True
    """

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the members' values for each row, in units of the target."""
        outputs = self._outputs(X)[:, :, 0].mean(axis=0, dtype=np.float64)
        return outputs * self.target_scale_ + self.target_mean_

    def _numeric_target(self) -> bool:
        return True

    def _target(self, y: np.ndarray, rows: np.ndarray, classes: np.ndarray | None) -> tuple[Problem, Labels | Numbers]:
        """Tell the problem and learn the target coding from training rows."""
        return problem_of_numbers(), Numbers.learn(y[rows], classes)


def _without_numpy(value: Any) -> Any:
    """Turn NumPy's scalars and arrays, which are as welcome as Python's own, into Python's own."""
    if isinstance(value, list | tuple):
        return [_without_numpy(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value

"""`KerasClassifier` and `KerasRegressor`: ensembles of Keras networks as scikit-learn estimators.

Both choose the output layer, the loss and the metrics from the type of problem (`tabular_dl.problems`), and train all
their members as one population (`tabular_dl.groups`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tabular_dl.diagnosis import Diagnosis, diagnose, tidy_history
from tabular_dl.errors import SpecError
from tabular_dl.groups import Group, derived_seed, fit_groups
from tabular_dl.hyperparameters import Hyperparameters
from tabular_dl.infer import problem_of
from tabular_dl.inputs import MATRIX_TYPES, Inputs, columns_named
from tabular_dl.metrics import METRICS
from tabular_dl.problems import Problem, get_problem
from tabular_dl.quantities import TRANSFORMS, Numbers
from tabular_dl.targets import Coding, Indicators, Labels

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from tabular_dl.nn.network import Network
    from tabular_dl.nn.training import Population

__all__ = ["KerasClassifier", "KerasRegressor"]


class _KerasEstimator(Hyperparameters):
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
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=MATRIX_TYPES,
            y_numeric=self._numeric_target(),
            multi_output=True,
        )
        y = self._checked_target(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        fit_groups([self], [X], y, [np.arange(len(y))], sample_weight=sample_weight)
        return self

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
        from tabular_dl.nn.whole import whole_model

        network, inputs, coding = self._parts()
        return [whole_model(network, self.weights_, [k], inputs, coding) for k in range(len(self.weights_[0]))]

    @property
    def model_(self) -> keras.Model:
        """The whole ensemble as a Keras model of standard layers: the mean of the members' outputs."""
        from tabular_dl.nn.whole import whole_model

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

    def target_coding(self, y: np.ndarray) -> Coding:
        """Return how a target of shape (rows,) or (rows, targets) would be coded for training."""
        return self._target(np.asarray(y), None, None)[1]

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
        from tabular_dl.nn.callbacks import make_callbacks

        self.callbacks_ = make_callbacks(self.callbacks)
        if self.tensorboard is None:
            return self.callbacks_
        from tabular_dl.nn.tensorboard import MemberTensorBoard

        return [*self.callbacks_, MemberTensorBoard(self.tensorboard, X)]

    def _target(self, y: np.ndarray, weights: Any, classes: np.ndarray | None) -> tuple[Problem, Coding]:
        """Tell the problem and learn the target coding from training rows."""
        classification = not self._numeric_target()
        known = y if classes is None or y.ndim == 2 else classes
        problem = problem_of(known, classification=classification, name=self.problem, bounds=self.bounds)
        problem = problem.choose(self.output, self.loss, self.metrics)
        one_hot = problem.target == "one-hot"
        kind = problem.coding
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
            self.curves_[prefix + shown] = values * group.coding.unit**power if power else values
        self.best_epoch_ = population.best_epoch

    def _parts(self) -> tuple[Network, Inputs, Coding]:
        """Return architecture, inputs and target coding of the fitted estimator."""
        from tabular_dl.nn.network import Network

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
        from tabular_dl.nn.inference import predict, thinned

        network, inputs, coding = self._parts()
        X = validate_data(self, X, accept_sparse="csr", dtype=MATRIX_TYPES, reset=False)
        weights = self.weights_
        if self.mc_dropout:
            seed = derived_seed(0 if self.random_state is None else self.random_state, 1)
            weights = thinned(network, weights, self.dropout, self.input_dropout, self.mc_dropout, seed)
        return coding.decode(predict(network, weights, inputs.encode(X)).astype(np.float64)).mean(axis=0)


class KerasClassifier(ClassifierMixin, _KerasEstimator):
    r"""An ensemble of Keras networks that classifies.

    The mean over K members of each member's probabilities::

        p(x) = 1/K sum_k f_k(x)        f_k = output activation of network k

    Two classes make one sigmoid unit trained by binary cross-entropy, ``-(y log p + (1 - y) log(1 - p))``; more classes
    a softmax over one unit a class, trained by sparse categorical cross-entropy, ``-log p_y``; a target of several 0/1
    columns one sigmoid a column. `tabular_dl.problems` has the table.

    Parameters
    ----------
    problem : str, default="auto"
        "binary", "multiclass" or "multilabel"; "auto" goes by the target.
    hidden : sequence of int, default=(64, 32)
        Widths of the hidden layers; empty for a linear model.
    activation : str, default="relu"
        Keras's name of the hidden activation. sigmoid and tanh saturate: deep networks of them learn slowly.
    initializer : str, default="auto"
        Keras's name of the hidden kernels' initialiser; "auto" is LeCun for selu, Glorot for saturating activations,
        He for others.
    batch_norm : bool, default=False
        Whether batch normalisation, ``gamma (x - mean) / sqrt(var + 0.001) + beta``, stands before each activation.
    dropout : float or sequence of float, default=0.1
        The probability that a hidden activation is dropped in training, the others being divided by ``1 - dropout``;
        one for all hidden layers, or one for each.
    input_dropout : float, default=0.0
        The same for the inputs.
    l1, l2 : float, default=0.0
        Add ``l1 * sum(|kernel|) + l2 * sum(kernel ** 2)`` of every layer to the loss.
    weight_decay : float or None, default=None
        Decoupled decay, ``w -= rate * weight_decay * w`` each step (arXiv:1711.05101); None is the optimizer's own.
    optimizer : str, default="adam"
        Keras's name of the optimizer: adam, adamw, rmsprop, sgd, adagrad, nadam, lion and others.
    learning_rate : float or None, default=None
        None is the optimizer's default: 0.001, for SGD and Adagrad 0.01.
    schedule : str, default="constant"
        What the rate is multiplied by over the training: "constant", "cosine", "exponential", "step" or "one_cycle".
    reduce_lr : int, dict or None, default=None
        After so many epochs without improvement the rate is multiplied by 0.2; ``{"patience": 5, "factor": 0.5}`` says
        both.
    clip_norm : float or None, default=None
        Gradients longer than this are scaled down to it, each member's by its own length.
    epochs : int, default=100
        The most passes over the training rows.
    batch_size : int or "auto", default="auto"
        Rows a step; an epoch has ``ceil(rows / batch_size)`` steps. "auto" is the power of two nearest to a 128th of
        the training rows, between 32 and 1024.
    validation_fraction : float or "auto", default="auto"
        The share of the training rows that each member holds out, its own draw, stratified by class. "auto" is 0.1
        where early stopping, `reduce_lr` or `monitor` looks at them, else 0.
    early_stopping : int or None, default=10
        Epochs without a better `monitor` on its held-out rows after which a member stops and goes back to its best
        epoch.
    monitor : str, default="loss"
        What early stopping and `reduce_lr` look at: the loss, or a metric such as accuracy, roc_auc or rmse.
    label_smoothing : float, default=0.0
        Targets y become ``y (1 - s) + s / classes``. For classifiers.
    noise : float, default=0.0
        Standard deviation of gaussian noise added to numeric inputs in training.
    mixup : float, default=0.0
        The alpha of mixup: training rows ``a x_i + (1 - a) x_j`` with loss ``a L(y_i) + (1 - a) L(y_j)``, a drawn from
        Beta(alpha, alpha) (arXiv:1710.09412); 0 for none.
    shift : int, default=0
        By how many pixels training images move at most: each by ``dy`` and ``dx``, drawn anew each step from the whole
        numbers of -shift to shift, ``x'[r, c] = x[r - dy, c - dx]``, with zeros where there is no such pixel. Needs
        `image_shape`, and blank pixels that are 0.
    image_shape : (height, width) or None, default=None
        Of the images whose pixels, row by row, are the numeric columns.
    members : int, default=4
        How many networks are trained and averaged.
    mc_dropout : int, default=0
        How many networks to draw from each member by dropout at prediction, and to average (arXiv:1506.02142).
    class_weight : dict, "balanced" or None, default=None
        Weights of classes in the loss; "balanced" is ``rows / (classes * rows of the class)``. For classifiers.
    bounds : (low, high) or None, default=None
        Of a regressor's target.
    target_transform : {"log1p"} or None, default=None
        Of a regressor's target; see there.
    categorical_features : sequence of int or str, default=None
        Columns, by number or name, that hold whole numbers standing for categories; each gets a learned embedding. A
        category that was not seen in training gets a vector of its own, learned by hiding 2 % of the others.
    embedding_size : int or "auto", default="auto"
        The length of embeddings; "auto" is ``min(50, round(1.6 * categories ** 0.56))``.
    normalize : bool, default=False
        Whether numeric columns are standardised by their training rows, as Keras's Normalization layer does.
    output : str or None, default=None
        Keras's name of the output activation, where it is not to be the problem's own.
    loss : str or None, default=None
        Keras's name of another loss: categorical_crossentropy (on one-hot targets the same value as the sparse one),
        binary_focal_crossentropy, huber and others that fit the problem.
    metrics : sequence of str or None, default=None
        What is followed each epoch beside the loss, by Keras's names.
    callbacks : sequence or None, default=None
        Keras callbacks, or their names, or ``{name: {argument: value}}``; called after each epoch with the mean of the
        members as model. Copies are used, and kept as ``callbacks_``.
    tensorboard : str or None, default=None
        A folder for TensorBoard: curves, weights and activations of every member.
    random_state : int, RandomState or None, default=None
        An integer makes a fit repeatable bit for bit on one machine. Member k's seed depends on it and on k alone.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        The labels, sorted; for multilabel the numbers of the labels.
    model_ : keras.Model
        The whole ensemble, input (rows, features), output averaged.
    members_ : list of keras.Model
        The members as plain Keras models; saved as ``.keras``, they load without this package.
    weights_ : list of ndarray of shape (members, in, out)
        Kernel and bias of each layer.
    history_ : DataFrame
        Learning curves: epoch, member, metric, train, validation.
    curves_ : dict of str to ndarray of shape (epochs, members)
        The same as arrays, validation figures under ``val_``; NaN after a member stopped.
    best_epoch_ : ndarray of shape (members,)
        The epoch, from 1, that each member's weights are from.
    problem_ : str
        "binary", "multiclass" or "multilabel".

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
        """Return the mean of the members' probabilities, (rows, classes); for multilabel (rows, labels)."""
        return self._decoded(X)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the greatest mean probability for each row; for multilabel a 0 or 1 for each label."""
        probabilities = self.predict_proba(X)
        if get_problem(self.problem_).coding is Indicators:
            return (probabilities > 0.5).astype(int)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that several labels at once may be learned."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _checked_target(self, y: np.ndarray) -> np.ndarray:
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            from sklearn.utils.validation import column_or_1d

            return column_or_1d(y, warn=True)
        return y


class KerasRegressor(RegressorMixin, _KerasEstimator):
    r"""An ensemble of Keras networks that predicts a number, or several.

    The mean over K members, each trained on the standardised target::

        y(x) = mean(y) + std(y) * 1/K sum_k f_k(x)

    with weighted mean and (population) standard deviation of the training rows' target. With ``bounds=(low, high)`` a
    sigmoid ends in between: ``y(x) = low + (high - low) * 1/K sum_k sigmoid_k(x)``. With ``target_transform="log1p"``
    networks learn the standardised ``log(1 + y)``, and predictions come back: with mean and deviation of that,
    ``y(x) = 1/K sum_k exp(mean + std * f_k(x)) - 1``. That is for skewed targets from 0 on, such as prices: the squared
    error of the logarithm is the square of the metric rmsle.

    Parameters
    ----------
    problem : str, default="auto"
        "regression" or "bounded_regression"; "auto" goes by `bounds`.
    bounds : (low, high) or None, default=None
        Between which the target lies.
    target_transform : {"log1p"} or None, default=None
        What the target becomes before it is standardised. Not for a bounded target, nor for one below 0.
    **others
        As in `KerasClassifier`. Held-out rows are drawn plainly; `label_smoothing` and `class_weight` are not for
        numbers.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (targets,)
        What the target was standardised by: mean and deviation (of its logarithms, if those are learned), or the
        lower bound and the distance of the bounds.
    target_transform_ : str or None
        What it was transformed by.
    model_, members_, weights_, history_, curves_, best_epoch_, problem_
        As in `KerasClassifier`; the loss is that of the standardised target, the mean absolute error ("mae") in units
        of the target where it is one number. With a transform, that error is one of logarithms; a metric that is the
        `monitor` is of the target itself.

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
        values = self._decoded(X)
        return values[:, 0] if self.one_column_ else values

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that several numbers at once may be learned."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _numeric_target(self) -> bool:
        return True

    def _checked_target(self, y: np.ndarray) -> np.ndarray:
        return y

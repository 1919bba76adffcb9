"""`KerasClassifier` and `KerasRegressor`: ensembles of Keras networks as scikit-learn estimators.

Both choose the output layer, the loss and the metrics from the type of problem (`tabular_dl.problems.problem_types`),
and train all their members as one population (`tabular_dl.estimators.joint_training`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from tabular_dl.estimators.base import KerasEstimator
from tabular_dl.problems import Indicators, get_problem

__all__ = ["KerasClassifier", "KerasRegressor"]


class KerasClassifier(ClassifierMixin, KerasEstimator):
    r"""An ensemble of Keras networks that classifies.

    The mean over K members of each member's probabilities::

        p(x) = 1/K sum_k f_k(x)        f_k = output activation of network k

    Two classes make one sigmoid unit trained by binary cross-entropy, ``-(y log p + (1 - y) log(1 - p))``; more classes
    a softmax over one unit a class, trained by sparse categorical cross-entropy, ``-log p_y``; a target of several 0/1
    columns one sigmoid a column. `tabular_dl.problems.problem_types` has the table.

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
        What early stopping and `reduce_lr` look at: the loss, or a metric such as accuracy, roc_auc or rmse, with rows
        weighted as in the loss. Its curve is ``val_`` and its name; ``val_monitor_`` and its name where what is
        followed under that name is another figure, as the accuracy of single labels is for multilabel.
    label_smoothing : float, default=0.0
        Targets y become ``y (1 - s) + s / classes``. For classifiers with a cross-entropy.
    noise : float, default=0.0
        Standard deviation of gaussian noise added to numeric inputs in training.
    mixup : float, default=0.0
        The alpha of mixup: training rows ``a x_i + (1 - a) x_j`` with loss ``a w_i L(y_i) + (1 - a) w_j L(y_j)``, w
        their weights, a drawn from Beta(alpha, alpha) for each step, j from all training rows (arXiv:1710.09412); 0 for
        none.
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

    __module__ = "tabular_dl.estimators"  # stored models name this path: it stays

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
        """Return scikit-learn's tags: several labels at once may be learned."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _checked_target(self, y: np.ndarray) -> np.ndarray:
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            from sklearn.utils.validation import column_or_1d

            return column_or_1d(y, warn=True)
        return y


class KerasRegressor(RegressorMixin, KerasEstimator):
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
        `monitor` is of the target itself, and so "mae" as a monitor is "monitor_mae".

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = KerasRegressor(hidden=[16], dropout=0.0, epochs=60, random_state=0).fit(X, 100 + 10 * X[:, 0])
    >>> model.score(X, 100 + 10 * X[:, 0]) > 0.95
    True
    """

    __module__ = "tabular_dl.estimators"  # stored models name this path: it stays

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the members' values for each row, in units of the target."""
        values = self._decoded(X)
        return values[:, 0] if self.one_column_ else values

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: several numbers at once may be learned."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _numeric_target(self) -> bool:
        return True

    def _checked_target(self, y: np.ndarray) -> np.ndarray:
        return y

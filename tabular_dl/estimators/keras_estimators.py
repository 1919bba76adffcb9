"""`KerasClassifier` and `KerasRegressor`: ensembles of Keras networks as scikit-learn estimators.

The type of problem (`tabular_dl.problems.problem_types`) determines output layer, loss and metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from tabular_dl.estimators.base import KerasEstimator
from tabular_dl.estimators.network_inputs import Features
from tabular_dl.problems import Indicators, get_problem, predicted_labels

if TYPE_CHECKING:
    from sklearn.utils import Tags

__all__ = ["KerasClassifier", "KerasRegressor"]


class KerasClassifier(ClassifierMixin, KerasEstimator):
    r"""Classifier: ensemble of Keras networks.

    The predicted probabilities are the mean over K members::

        p(x) = 1/K sum_k f_k(x)        f_k = output activation of network k

    Two classes give one sigmoid unit with binary cross-entropy, ``-(y log p + (1 - y) log(1 - p))``; more classes a
    softmax over one unit per class with sparse categorical cross-entropy, ``-log p_y``; several 0/1 columns one sigmoid
    unit each; several columns of classes one per class, whose probabilities are divided by their sum. See
    `tabular_dl.problems.problem_types` for the table.

    Parameters
    ----------
    problem : str, default="auto"
        Type: "binary", "multiclass", "multilabel", "multioutput"; "auto" detects it, "multilabel" for several columns.
    preset : {"mlp", "realmlp", "tabm", "tabm_mini", "resnet"}
        Type of network: a table of hyperparameters (`tabular_dl.estimators.presets`). Those that are "auto" have the
        value of the table; in brackets, that of "mlp".
    hidden : sequence of int, default="auto"
        Widths of the hidden layers; empty for a linear model (64, 32).
    activation : str, default="auto"
        Keras's name of the hidden activation (relu), or a function of activations (rows, features). sigmoid and tanh
        saturate: deep networks of them learn slowly.
    parametric_activation : bool, default="auto"
        Whether each unit has a learned strength a of its activation, ``x + a (f(x) - x)`` (False).
    initializer : str, default="auto"
        Name of the initialiser of hidden kernels: Keras's, or "unit_variance", which gives each output a standard
        deviation of 1 on training rows. "auto" is LeCun for selu, Glorot for saturating activations, He for others.
    bias_initializer : {"zeros", "he+5"}, default="auto"
        Initial biases (zeros); "he+5" puts the bend of each unit between five training rows.
    parametrization : {"standard", "ntk"}, default="auto"
        Scale of the updates of kernels (standard); "ntk" divides them by the square root of the number of inputs.
    batch_norm, layer_norm : bool, default="auto"
        Whether to normalise before each activation, ``gamma (x - mean) / sqrt(var + 0.001) + beta``: over the rows of a
        batch, or over the units of a row (False).
    residual : bool, default="auto"
        Whether hidden layers, all of one width then, add to what they read: ``x + dense(f(dense(norm(x))))`` (False).
    linear_skip : bool, default="auto"
        Whether to add a linear map of the inputs to the output (False): for tables that are nearly linear.
    blocks : sequence or None, default=None
        Functions of activations (rows, features), or classes with ``weights(features)`` and ``forward(x, weights)``,
        after the hidden layers. A pipeline file names them, as it does an activation or a loss, as FILE.py:NAME.
    scaling_layer : bool, default="auto"
        Whether each input has a learned factor (False).
    shared_networks : int, default="auto"
        Number of networks within each member that share weights and are averaged (1).
    sharing : {"mini", "full"}, default="auto"
        Factors that each of these networks has for itself, beside its head: of the inputs (mini), or also of inputs
        and outputs of each layer.
    own_batches : bool, default="auto"
        Whether each of these networks trains on batches of its own (True).
    numeric_embedding : {"none", "piecewise_linear", "periodic", "plr", "pbld"}, default="auto"
        Vector of each number of more than two values (none); `tabular_dl.nn.blocks.numeric_embedding` has the formulas.
    bins : int, default="auto"
        Largest number of bins of "piecewise_linear", 2 or more (48).
    bin_strategy : {"quantile", "tree"}, default="auto"
        Edges of the bins: quantiles, or splits of a decision tree that predicts the target (quantile).
    frequencies : int, default="auto"
        Number of frequencies of the periodic embeddings (16).
    frequency_scale : float, default="auto"
        Standard deviation of their initial values, in turns per unit of the number (0.1).
    numeric_embedding_size : int, default="auto"
        Length of the vector of a number (16); that of "periodic" is twice as long as the number of frequencies.
    dropout : float or sequence of float, default="auto"
        Probability of dropping a hidden activation in training, of all hidden layers or of each (0.1); the activations
        that are kept are divided by ``1 - dropout``.
    dropout_schedule, weight_decay_schedule, label_smoothing_schedule : str, default="auto"
        Change of these during training, by one of the schedules of `schedule` (constant).
    input_dropout : float, default=0.0
        Probability of dropping an input in training.
    l1, l2 : float, default=0.0
        Factors of the penalty ``l1 * sum(|kernel|) + l2 * sum(kernel ** 2)`` of all layers, added to the loss.
    weight_decay : float or None, default="auto"
        Decoupled weight decay, ``w -= rate * weight_decay * w`` each step (arXiv:1711.05101); None is the optimizer's
        default (None).
    optimizer : str, default="auto"
        Keras's name of the optimizer: adam, adamw, rmsprop, sgd, adagrad, nadam, lion and others (adam).
    beta_2 : float or None, default="auto"
        Decay of the second moments of optimizers of the Adam family; None is the optimizer's default (None).
    learning_rate : float or None, default="auto"
        Learning rate; None is the optimizer's default: 0.01 for SGD and Adagrad, 0.001 for others (None).
    schedule : str, default="auto"
        Change of the learning rate during training: "constant", "cosine", "exponential", "step", "one_cycle", "coslog4"
        or "flat_cos" (constant).
    rate_factors, decay_factors : dict, default="auto"
        Factors of the learning rate and of weight decay of groups of weights, such as ``{"bias": 0.1}``: first, hidden,
        head, bias, normalization, scaling, activation, numeric_embedding, embedding, linear, adapter (all 1).
    reduce_lr : int, dict or None, default=None
        Number of epochs without improvement after which the learning rate is multiplied by 0.2;
        ``{"patience": 5, "factor": 0.5}`` sets the factor as well.
    clip_norm : float or None, default="auto"
        Maximum norm of each member's gradient; longer gradients are scaled down (None).
    epochs : int, default="auto"
        Maximum number of passes over the training rows (100).
    batch_size : int or "auto", default="auto"
        Rows per step; an epoch has ``ceil(rows / batch_size)`` steps. "auto" is the power of two nearest to a 128th of
        the training rows, between 32 and 1024, or the rule of the preset.
    drop_last : bool, default="auto"
        Whether an epoch leaves out the last batch if it is not full (False).
    device : {"auto", "cpu", "gpu"}, default="auto"
        Device to train on; "auto" is a GPU if TensorFlow sees one. Predictions are computed on the processor.
    validation_fraction : float or "auto", default="auto"
        Share of the training rows that each member holds out, by a draw of its own, stratified by class. "auto" is 0.1
        if early stopping, `restore_best`, `reduce_lr` or `monitor` needs them, else 0.
    early_stopping : int or None, default="auto"
        Number of epochs without a better `monitor` on held-out rows until a member returns to its best epoch (10).
    restore_best : bool, default="auto"
        Whether a member without early stopping returns to its best epoch, the last of equal ones (False).
    monitor : str, default="loss"
        Figure for early stopping and `reduce_lr`: the loss, or a metric such as accuracy, roc_auc or rmse, with rows
        weighted as in the loss. The name of its curve begins with ``val_``, or with ``val_monitor_`` if another figure
        of the name is recorded, as the accuracy of single labels is for multilabel.
    label_smoothing : float, default="auto"
        Smoothing s of targets y, ``y (1 - s) + s / classes`` (0). For classifiers with a cross-entropy.
    as_softmax : bool, default="auto"
        Whether a head of one sigmoid unit trains as the two units of a softmax would: twice the learning rate, half the
        weight decay, sqrt(2) times the initial kernel (False).
    clamp : bool, default="auto"
        Whether predictions are limited to the range of the training target. For regressors (False).
    noise : float, default=0.0
        Standard deviation of gaussian noise added to numeric inputs in training.
    mixup : float, default=0.0
        Alpha of mixup (arXiv:1710.09412), 0 for none: training rows are ``a x_i + (1 - a) x_j`` with the loss
        ``a w_i L(y_i) + (1 - a) w_j L(y_j)``, where w are weights, a is drawn from Beta(alpha, alpha) for each step,
        and j is any training row.
    shift : int, default=0
        Maximum number of pixels by which training images move: each by ``dy`` and ``dx``, drawn for each step from the
        whole numbers from -shift to shift, ``x'[r, c] = x[r - dy, c - dx]``, with 0 for pixels outside. Needs
        `image_shape`, and 0 for blank pixels.
    image_shape : (height, width) or None, default=None
        Size of the images whose pixels, row by row, are the numeric columns.
    members : int, default=4
        Number of networks to train and average.
    mc_dropout : int, default=0
        Number of networks to draw from each member by dropout at prediction, and to average (arXiv:1506.02142).
    class_weight : dict, "balanced" or None, default=None
        Weights of classes in the loss; "balanced" is ``rows / (classes * rows of the class)``. For classifiers.
    bounds : (low, high) or None, default=None
        Bounds of the target. For regressors.
    target_transform : {"log1p"} or None, default=None
        Transform of the target, see `KerasRegressor`. For regressors.
    categorical_features : sequence of int or str, default=None
        Columns, by number or name, of whole numbers that stand for categories; each column has a learned embedding.
        Unknown categories have a vector of their own, learned by treating 2 % of the others as unknown.
    embedding_size : int or "auto", default="auto"
        Length of the vectors of categories; "auto" is ``min(50, round(1.6 * categories ** 0.56))``.
    embedding_initializer : {"uniform", "normal"}, default="auto"
        Initial vectors of categories: uniform between -0.05 and 0.05, or standard normal (uniform).
    normalize : bool or "robust", default="auto"
        Whether to standardise numeric columns by the training rows, as Keras's Normalization layer does; "robust" is by
        median and quartiles, with a smooth clipping of outliers (False).
    output : str or None, default=None
        Keras's name of the output activation; None is that of the problem.
    loss : str, callable or None, default=None
        Keras's name of the loss, such as categorical_crossentropy (on one-hot targets, with the same value as the
        sparse one), binary_focal_crossentropy or huber; None is that of the problem. Or a function of targets and
        predictions that returns a value for each row (`tabular_dl.estimators.user_code`).
    focal_gamma, focal_alpha : float or None, default=None
        Gamma of a focal loss, ``(1 - p) ** gamma * -log(p)`` (None is 2), and in binary_focal_crossentropy the weight
        of the second class, where that of the first is ``1 - focal_alpha`` (None for no weights).
    metrics : sequence of str or None, default=None
        Keras's names of the functions to record each epoch beside the loss; None for those of the problem.
    callbacks : sequence or None, default=None
        Keras callbacks, their names, or ``{name: {argument: value}}``; called after each epoch with the mean of the
        members as model. Copies are used, and kept as ``callbacks_``.
    tensorboard : str or None, default=None
        Folder of TensorBoard logs: learning curves, weights and activations of each member.
    random_state : int, RandomState or None, default=None
        Seed; with an integer, fits on one machine are equal bit for bit. Member k's seed depends on it and k only.
    verbose : int, default=0
        Whether to print a line per epoch (1).

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        Sorted labels; for multilabel their numbers, for multioutput a list of those of each target.
    model_ : keras.Model
        Ensemble with input (rows, features) and averaged output (rows, units).
    members_ : list of keras.Model
        Members as plain Keras models; saved as ``.keras``, they load without this package.
    weights_ : dict of str to ndarray of shape (members, in, out)
        Weights by name, such as "dense_0.kernel", "dense_0.bias" and "head.kernel".
    history_ : DataFrame
        Learning curves with columns epoch, member, metric, train and validation.
    curves_ : dict of str to ndarray of shape (epochs, members)
        Learning curves as arrays, those of validation rows under ``val_``; NaN after a member stopped.
    best_epoch_ : ndarray of shape (members,)
        Epoch, from 1, of each member's weights.
    problem_ : str
        Type of problem: "binary", "multiclass", "multilabel" or "multioutput".

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

    __module__ = "tabular_dl.estimators"  # stored models contain this path: do not change it

    def predict_proba(self, X: Features) -> np.ndarray:
        """Return the mean of the members' probabilities.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (rows, features)
            Features.

        Returns
        -------
        ndarray of shape (rows, classes) or (rows, labels)
            Probability of each class, or of each label for multilabel.
        """
        return self._decoded(X)

    def predict(self, X: Features) -> np.ndarray:
        """Return the label with the greatest mean probability.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (rows, features)
            Features.

        Returns
        -------
        ndarray of shape (rows,) or (rows, labels)
            Label of each row, or of each target; for multilabel, 1 or 0 by whether a probability is above 0.5.
        """
        probabilities = self.predict_proba(X)
        if get_problem(self.problem_).coding is Indicators:
            return (probabilities > 0.5).astype(int)
        if isinstance(self.classes_, list):
            return predicted_labels(probabilities, self.classes_)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: targets of several labels are supported."""
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
    r"""Regressor: ensemble of Keras networks for one or several numbers.

    The prediction is the mean over K members, which are trained on the standardised target::

        y(x) = mean(y) + std(y) * 1/K sum_k f_k(x)

    with the weighted mean and (population) standard deviation of the training rows' target.

    With ``bounds=(low, high)`` the output is a sigmoid, ``y(x) = low + (high - low) * 1/K sum_k sigmoid_k(x)``.

    With ``target_transform="log1p"`` the target is the standardised ``log(1 + y)``, and the prediction, with the mean
    and standard deviation of that, ``y(x) = 1/K sum_k exp(mean + std * f_k(x)) - 1``. This is for skewed targets from 0
    on, such as prices: the mean squared error of the logarithm is the square of the metric rmsle.

    Parameters
    ----------
    problem : str, default="auto"
        Type of problem: "regression" or "bounded_regression"; "auto" is the latter if there are `bounds`.
    bounds : (low, high) or None, default=None
        Bounds of the target.
    target_transform : {"log1p"} or None, default=None
        Transform of the target before it is standardised. Not for bounded targets or negative values.
    **others
        As in `KerasClassifier`. Held-out rows are not stratified; `label_smoothing` and `class_weight` are for
        classifiers only.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (targets,)
        Values that standardise the target: its mean and standard deviation (those of its logarithms with a transform),
        or the lower bound and the distance of the bounds.
    target_transform_ : str or None
        Transform of the target.
    model_, members_, weights_, history_, curves_, best_epoch_, problem_
        As in `KerasClassifier`. The loss is that of the standardised target; the mean absolute error ("mae") is in
        units of the target if that is one number. With a transform, "mae" is the error of logarithms; a metric that is
        the `monitor` is always of the target itself, so "mae" as monitor is recorded as "monitor_mae".

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = KerasRegressor(hidden=[16], dropout=0.0, epochs=60, random_state=0).fit(X, 100 + 10 * X[:, 0])
    >>> model.score(X, 100 + 10 * X[:, 0]) > 0.95
    True
    """

    __module__ = "tabular_dl.estimators"  # stored models contain this path: do not change it

    def predict(self, X: Features) -> np.ndarray:
        """Return the mean of the members' values in units of the target, (rows,) or (rows, targets).

        Parameters
        ----------
        X : array-like or CSR matrix of shape (rows, features)
            Features.
        """
        values = self._decoded(X)
        return values[:, 0] if self.one_column_ else values

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: targets of several numbers are supported."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _numeric_target(self) -> bool:
        return True

    def _checked_target(self, y: np.ndarray) -> np.ndarray:
        return y

"""Hyperparameters of networks: the constructor of classifier and regressor.

A hyperparameter has the same name in Python and in pipeline files. The annotations of `Hyperparameters` define its
type: `tabular_dl.estimators.parameter_checks` and pipeline files use them. Those whose value is "auto" take that of the
preset (`tabular_dl.estimators.presets`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, Literal, ParamSpec, Self, cast

import numpy as np
from sklearn.base import BaseEstimator

from tabular_dl.errors import did_you_mean
from tabular_dl.estimators.parameter_checks import REDUCE_LR, check_preset, check_together, check_values
from tabular_dl.estimators.parameter_types import (
    Auto,
    Bins,
    Code,
    Count,
    CountOrZero,
    Flag,
    NotNegative,
    Number,
    Positive,
    Probability,
    Seed,
    Share,
)
from tabular_dl.estimators.presets import Preset, batch_size_for, preset_values
from tabular_dl.nn import (
    BiasInitializer,
    Device,
    Initializer,
    NumericEmbedding,
    Optimizer,
    Parametrization,
    Schedule,
    Sharing,
)

__all__ = ["Hyperparameters"]

P = ParamSpec("P")


def _by_name(constructor: Callable[Concatenate[Any, P], None]) -> Callable[Concatenate[Any, P], None]:
    """Return a constructor that raises an error for unknown arguments, with the nearest name and the subclass."""
    names = list(signature(constructor).parameters)[1:]

    @wraps(constructor)
    def checked(self: BaseEstimator, *positional: object, **settings: Any) -> None:
        estimator = type(self).__name__
        if positional:
            raise TypeError(
                f"{estimator}: hyperparameters are given by name, like hidden=[64, 32]; found {positional[0]!r}."
            )
        for name in settings:
            if name not in names:
                raise TypeError(f"{estimator}: there is no hyperparameter {name!r}. {did_you_mean(name, names)}")
        constructor(self, **settings)  # type: ignore[call-arg]

    return cast(Callable[Concatenate[Any, P], None], checked)


class Hyperparameters(BaseEstimator):
    """Arguments of `KerasClassifier` and `KerasRegressor`; their docstrings describe each."""

    @_by_name
    def __init__(
        self,
        *,
        problem: str = "auto",
        preset: Preset = "mlp",
        hidden: Sequence[Count] | Auto = "auto",
        activation: str | Code = "auto",
        parametric_activation: Flag | Auto = "auto",
        initializer: Literal["auto", Initializer] = "auto",
        bias_initializer: BiasInitializer | Auto = "auto",
        parametrization: Parametrization | Auto = "auto",
        batch_norm: Flag | Auto = "auto",
        layer_norm: Flag | Auto = "auto",
        residual: Flag | Auto = "auto",
        linear_skip: Flag | Auto = "auto",
        blocks: Sequence[Code] | None = None,
        scaling_layer: Flag | Auto = "auto",
        shared_networks: Count | Auto = "auto",
        sharing: Sharing | Auto = "auto",
        own_batches: Flag | Auto = "auto",
        numeric_embedding: NumericEmbedding | Auto = "auto",
        bins: Bins | Auto = "auto",
        bin_strategy: Literal["quantile", "tree"] | Auto = "auto",
        frequencies: Count | Auto = "auto",
        frequency_scale: Positive | Auto = "auto",
        numeric_embedding_size: Count | Auto = "auto",
        dropout: Share | Sequence[Share] | Auto = "auto",
        dropout_schedule: Schedule | Auto = "auto",
        input_dropout: Share = 0.0,
        l1: NotNegative = 0.0,
        l2: NotNegative = 0.0,
        weight_decay: NotNegative | Auto | None = "auto",
        weight_decay_schedule: Schedule | Auto = "auto",
        optimizer: Optimizer | Auto = "auto",
        beta_2: Share | Auto | None = "auto",
        learning_rate: Positive | Auto | None = "auto",
        schedule: Schedule | Auto = "auto",
        rate_factors: Mapping[str, NotNegative] | Auto = "auto",
        decay_factors: Mapping[str, NotNegative] | Auto = "auto",
        reduce_lr: Count | Mapping[str, Any] | None = None,
        clip_norm: Positive | Auto | None = "auto",
        epochs: Count | Auto = "auto",
        batch_size: Count | Auto = "auto",
        drop_last: Flag | Auto = "auto",
        device: Device = "auto",
        validation_fraction: Share | Auto = "auto",
        early_stopping: Count | Auto | None = "auto",
        restore_best: Flag | Auto = "auto",
        monitor: str = "loss",
        label_smoothing: Share | Auto = "auto",
        label_smoothing_schedule: Schedule | Auto = "auto",
        as_softmax: Flag | Auto = "auto",
        clamp: Flag | Auto = "auto",
        noise: NotNegative = 0.0,
        mixup: NotNegative = 0.0,
        shift: CountOrZero = 0,
        image_shape: Sequence[Count] | None = None,
        members: Count = 4,
        mc_dropout: CountOrZero = 0,
        class_weight: Mapping[Any, Any] | Literal["balanced"] | None = None,
        bounds: Sequence[Number] | None = None,
        target_transform: Literal["log1p"] | None = None,
        categorical_features: Sequence[int | str] | None = None,
        embedding_size: Count | Auto = "auto",
        embedding_initializer: Literal["uniform", "normal"] | Auto = "auto",
        normalize: Flag | Literal["robust"] | Auto = "auto",
        output: str | None = None,
        loss: str | Code | None = None,
        focal_gamma: NotNegative | None = None,
        focal_alpha: Probability | None = None,
        metrics: Sequence[str] | None = None,
        callbacks: Sequence[Any] | None = None,
        tensorboard: str | None = None,
        random_state: Seed | np.random.RandomState | None = None,
        verbose: CountOrZero | Flag = 0,
    ) -> None:
        self.problem = problem
        self.preset = preset
        self.hidden = hidden
        self.activation = activation
        self.parametric_activation = parametric_activation
        self.initializer = initializer
        self.bias_initializer = bias_initializer
        self.parametrization = parametrization
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.residual = residual
        self.linear_skip = linear_skip
        self.blocks = blocks
        self.scaling_layer = scaling_layer
        self.shared_networks = shared_networks
        self.sharing = sharing
        self.own_batches = own_batches
        self.numeric_embedding = numeric_embedding
        self.bins = bins
        self.bin_strategy = bin_strategy
        self.frequencies = frequencies
        self.frequency_scale = frequency_scale
        self.numeric_embedding_size = numeric_embedding_size
        self.dropout = dropout
        self.dropout_schedule = dropout_schedule
        self.input_dropout = input_dropout
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule
        self.optimizer = optimizer
        self.beta_2 = beta_2
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.rate_factors = rate_factors
        self.decay_factors = decay_factors
        self.reduce_lr = reduce_lr
        self.clip_norm = clip_norm
        self.epochs = epochs
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.device = device
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.restore_best = restore_best
        self.monitor = monitor
        self.label_smoothing = label_smoothing
        self.label_smoothing_schedule = label_smoothing_schedule
        self.as_softmax = as_softmax
        self.clamp = clamp
        self.noise = noise
        self.mixup = mixup
        self.shift = shift
        self.image_shape = image_shape
        self.members = members
        self.mc_dropout = mc_dropout
        self.class_weight = class_weight
        self.bounds = bounds
        self.target_transform = target_transform
        self.categorical_features = categorical_features
        self.embedding_size = embedding_size
        self.embedding_initializer = embedding_initializer
        self.normalize = normalize
        self.output = output
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.metrics = metrics
        self.callbacks = callbacks
        self.tensorboard = tensorboard
        self.random_state = random_state
        self.verbose = verbose

    def resolved(self) -> Self:
        """Return a copy in which hyperparameters that are "auto" have the value of the preset.

        What remains "auto" follows from data, machine or other hyperparameters: `device`, `batch_size`, `initializer`,
        `validation_fraction` and `embedding_size`. Factors of weight groups that are given are added to the preset's.

        Raises
        ------
        SpecError
            If there is no such preset.
        """
        check_preset(self.preset)
        values = preset_values(self.preset, classification=not self._numeric_target())
        # `copy` would go through the state of stored models, which is more than the hyperparameters.
        settings = object.__new__(type(self))
        settings.__dict__.update(self.__dict__)
        for name, value in values.items():
            given = getattr(self, name)
            if isinstance(given, str) and given == "auto":
                setattr(settings, name, value)
            elif isinstance(given, Mapping):
                setattr(settings, name, {**value, **given})
        return settings

    def _numeric_target(self) -> bool:
        """Return whether the target consists of numbers."""
        return False

    def check_parameters(self) -> None:
        """Raise an error if a hyperparameter is invalid; no data is needed.

        Raises
        ------
        SpecError
            If a hyperparameter is invalid, or two do not suit each other; the message states the expected and the
            actual value. It is a `ValueError`.
        """
        check_values(self, Hyperparameters.__init__)
        check_together(self.resolved())

    @property
    def held_out_share(self) -> float:
        """Share of the training rows that each member holds out; with "auto" 0.1 if they are needed, else 0."""
        if self.validation_fraction != "auto":
            return float(self.validation_fraction)
        settings = self.resolved()
        followed = settings.early_stopping is not None or settings.reduce_lr is not None
        needed = followed or settings.monitor != "loss" or bool(settings.restore_best)
        return 0.1 if needed else 0.0

    @property
    def plateau(self) -> tuple[float, float]:
        """Patience and factor of ``reduce_lr``; infinity for never."""
        if self.reduce_lr is None:
            return np.inf, REDUCE_LR["factor"]
        changes = self.reduce_lr if isinstance(self.reduce_lr, Mapping) else {"patience": self.reduce_lr}
        settings = {**REDUCE_LR, **changes}
        return float(settings["patience"]), float(settings["factor"])

    def rows_a_step(self, rows: int) -> int:
        """Return the batch size for a number of training rows; "auto" is a rule of the preset."""
        return batch_size_for(self.preset, rows) if self.batch_size == "auto" else int(self.batch_size)

    def repeats_are_weights(self, rows: int) -> bool:
        """Return whether training on a row twice is the same as training on it once with twice the weight.

        This is so if each step is on all rows, and there is neither randomness nor batch statistics. Rows that are
        equal are then merged, and what is learned from rows before training is learned from the merged ones.
        """
        if self.batch_norm or self.categorical_features:
            return False
        random = (self.dropout, self.input_dropout, self.noise, self.mixup, self.shift, self.held_out_share)
        return self.rows_a_step(rows) >= rows and not any(np.any(rate) for rate in random)

    def kernel_initializer(self) -> str:
        """Return Keras's name of the initialiser of hidden kernels.

        "auto" depends on the activation: LeCun for selu (arXiv:1706.02515), Glorot for saturating ones, He for others.
        """
        if self.initializer != "auto":
            return self.initializer
        if self.activation == "selu":
            return "lecun_normal"
        saturating = ("sigmoid", "tanh", "softsign", "hard_sigmoid", "hard_tanh", "linear")
        return "glorot_uniform" if self.activation in saturating else "he_normal"

"""Hyperparameters of networks: the constructor of classifier and regressor, and the checks of its arguments.

A hyperparameter has the same name in Python and in pipeline files. The annotations of `Hyperparameters` define its
type: `check_parameters` and pipeline files use them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, wraps
from inspect import signature
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, cast, get_args, get_type_hints

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from sklearn.base import BaseEstimator

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.nn import INITIALIZERS, Initializer, Optimizer, Schedule, load_quietly
from tabular_dl.problems import METRICS, PROBLEMS

__all__ = ["Hyperparameters"]

# Ends of what the networks compute with: 32-bit integers and floats. NumPy's generators take seeds of 32 bits.
MOST, LARGEST, LAST_SEED = 2**31 - 1, 1e38, 2**32 - 1
Count = Annotated[int, Field(ge=1, le=MOST, strict=True)]
CountOrZero = Annotated[int, Field(ge=0, le=MOST, strict=True)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False, strict=True)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False, strict=True)]
Seed = Annotated[int, Field(ge=0, le=LAST_SEED, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
_ARBITRARY_TYPES = ConfigDict(arbitrary_types_allowed=True)

# Keys of reduce_lr and their defaults.
REDUCE_LR = {"patience": 10, "factor": 0.2}

P = ParamSpec("P")


def _by_name(constructor: Callable[Concatenate[Any, P], None]) -> Callable[Concatenate[Any, P], None]:
    """Return a constructor that raises an error for unknown arguments, with the nearest name and the subclass."""
    known = list(signature(constructor).parameters)[1:]

    @wraps(constructor)
    def checked(self: BaseEstimator, *positional: object, **settings: Any) -> None:
        estimator = type(self).__name__
        if positional:
            raise TypeError(
                f"{estimator}: hyperparameters are given by name, like hidden=[64, 32]; found {positional[0]!r}."
            )
        for name in settings:
            if name not in known:
                raise TypeError(f"{estimator}: there is no hyperparameter {name!r}. {did_you_mean(name, known)}")
        constructor(self, **settings)  # type: ignore[call-arg]

    return cast(Callable[Concatenate[Any, P], None], checked)


class Hyperparameters(BaseEstimator):
    """Arguments of `KerasClassifier` and `KerasRegressor`; their docstrings describe each."""

    @_by_name
    def __init__(
        self,
        *,
        problem: str = "auto",
        hidden: Sequence[Count] = (64, 32),
        activation: str = "relu",
        initializer: Literal["auto", Initializer] = "auto",
        batch_norm: Flag = False,
        dropout: Share | Sequence[Share] = 0.1,
        input_dropout: Share = 0.0,
        l1: NotNegative = 0.0,
        l2: NotNegative = 0.0,
        weight_decay: NotNegative | None = None,
        optimizer: Optimizer = "adam",
        learning_rate: Positive | None = None,
        schedule: Schedule = "constant",
        reduce_lr: Count | Mapping[str, Any] | None = None,
        clip_norm: Positive | None = None,
        epochs: Count = 100,
        batch_size: Count | Literal["auto"] = "auto",
        validation_fraction: Share | Literal["auto"] = "auto",
        early_stopping: Count | None = 10,
        monitor: str = "loss",
        label_smoothing: Share = 0.0,
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
        embedding_size: Count | Literal["auto"] = "auto",
        normalize: Flag = False,
        output: str | None = None,
        loss: str | None = None,
        metrics: Sequence[str] | None = None,
        callbacks: Sequence[Any] | None = None,
        tensorboard: str | None = None,
        random_state: Seed | np.random.RandomState | None = None,
        verbose: CountOrZero | Flag = 0,
    ) -> None:
        self.problem = problem
        self.hidden = hidden
        self.activation = activation
        self.initializer = initializer
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.reduce_lr = reduce_lr
        self.clip_norm = clip_norm
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.label_smoothing = label_smoothing
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
        self.normalize = normalize
        self.output = output
        self.loss = loss
        self.metrics = metrics
        self.callbacks = callbacks
        self.tensorboard = tensorboard
        self.random_state = random_state
        self.verbose = verbose

    def check_parameters(self) -> None:
        """Raise an error if a hyperparameter is invalid; no data is needed.

        Raises
        ------
        SpecError
            If a hyperparameter is invalid, or two do not suit each other; the message states the expected and the
            actual value. It is a `ValueError`.
        """
        self._check_names()
        for name, adapter in _adapters().items():
            _check_type(name, adapter, getattr(self, name))
        self._check_together()

    def _check_names(self) -> None:
        """Raise an error if a name is unknown. Keras is only loaded if its names are needed: not for defaults."""
        names: dict[str, Collection[str]] = {
            "problem": ["auto", *PROBLEMS],
            "initializer": ["auto", *INITIALIZERS],
            "optimizer": get_args(Optimizer),
            "schedule": get_args(Schedule),
            "monitor": ["loss", *METRICS],
        }
        if self.activation != "relu":
            load_quietly()  # the command line has not, since no file has been found valid yet
            from tabular_dl.nn import ACTIVATIONS

            names["activation"] = ACTIVATIONS
        for name, known in names.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                raise SpecError(f"{name}: there is no {value!r}. {did_you_mean(str(value), known)}")
        if self.callbacks is not None:
            load_quietly()
            from tabular_dl.nn import make_callbacks

            make_callbacks(self.callbacks)

    def _check_together(self) -> None:
        """Raise an error if hyperparameters do not suit each other."""
        if np.ndim(self.dropout) and np.size(self.dropout) != len(self.hidden):
            raise SpecError(
                f"dropout should be one number, or one for each of the {len(self.hidden)} hidden layers; "
                f"it is {self.dropout!r}."
            )
        for name in ("early_stopping", "reduce_lr"):
            if getattr(self, name) is not None and self.validation_fraction == 0:
                raise SpecError(
                    f"{name} needs held-out rows: set validation_fraction above 0, or to auto, or {name} to null."
                )
        if self.monitor != "loss" and self.held_out_share == 0:
            raise SpecError(f"monitor {self.monitor} needs held-out rows: set validation_fraction above 0.")
        if self.bounds is not None and not (len(self.bounds) == 2 and self.bounds[0] < self.bounds[1]):
            raise SpecError(f"bounds should be two numbers, the lower first; they are {list(self.bounds)!r}.")
        if self.image_shape is not None and len(self.image_shape) != 2:
            raise SpecError(f"image_shape should be height and width; it is {list(self.image_shape)!r}.")
        if self.shift and self.image_shape is None:
            raise SpecError("shift needs image_shape, the height and width of the images, like [28, 28].")
        if self.shift and self.shift >= min(self.image_shape or ()):
            raise SpecError(f"shift {self.shift} moves images of {list(self.image_shape or ())} off: make it smaller.")
        plateau = self.reduce_lr if isinstance(self.reduce_lr, Mapping) else {}
        for name in plateau:
            if name not in REDUCE_LR:
                raise SpecError(f"reduce_lr: there is no {name!r}. {did_you_mean(name, REDUCE_LR)}")
        _check_type("reduce_lr.patience", TypeAdapter(Count), plateau.get("patience", 1))
        _check_type("reduce_lr.factor", TypeAdapter(Share), plateau.get("factor", 0.5))

    @property
    def held_out_share(self) -> float:
        """Share of the training rows that each member holds out; with "auto" 0.1 if they are needed, else 0."""
        if self.validation_fraction != "auto":
            return float(self.validation_fraction)
        needed = self.early_stopping is not None or self.reduce_lr is not None or self.monitor != "loss"
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
        """Return the batch size for a number of training rows.

        "auto" is the power of two nearest to a 128th of the rows, between 32 and 1024: many small steps for a small
        table, and batches that use all of the processor for a large one.
        """
        if self.batch_size != "auto":
            return int(self.batch_size)
        return int(np.clip(2 ** round(np.log2(max(1, rows) / 128)), 32, 1024))

    def repeats_are_weights(self, rows: int) -> bool:
        """Return whether training on a row twice is the same as training on it once with twice the weight.

        This is so if each step is on all rows, and there is neither randomness nor batch statistics.
        """
        random = (self.dropout, self.input_dropout, self.noise, self.mixup, self.shift, self.held_out_share)
        full_batch = self.rows_a_step(rows) >= rows
        return full_batch and not (self.batch_norm or self.categorical_features or any(np.any(rate) for rate in random))

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


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    """Return the type check of each hyperparameter; cached, as a search checks thousands of configurations."""
    types = get_type_hints(Hyperparameters.__init__, include_extras=True)
    return {name: TypeAdapter(hint, config=_ARBITRARY_TYPES) for name, hint in types.items() if name != "return"}


def _check_type(name: str, adapter: TypeAdapter[Any], value: object) -> None:
    try:
        adapter.validate_python(_without_numpy(value))
    except ValidationError as error:
        # Pydantic's messages for these name Python's types.
        no_list = ("'str' instances are not allowed as a Sequence value", "should be an instance of Sequence")
        messages = [e["msg"].removeprefix("Input ") for e in error.errors()]
        reasons = " or ".join(dict.fromkeys("should be a list" if text in no_list else text for text in messages))
        raise SpecError(f"{name} {reasons}; it is {value!r}.") from None


def _without_numpy(value: object) -> object:
    """Return Python's numbers and lists for NumPy's scalars and arrays, which are valid values as well."""
    if isinstance(value, list | tuple):
        return [_without_numpy(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value

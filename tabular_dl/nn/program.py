"""The compiled program of a population: its variables, one block of training steps, and the figures on held-out rows.

A program is made for a set of shapes and reused: a second fit of the same shapes traces and compiles nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, DTypeLike

from tabular_dl.nn.batches import Batches
from tabular_dl.nn.blocks.base import TrainingStep
from tabular_dl.nn.choices import Schedule
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network, Weights, forward
from tabular_dl.nn.optimizers import clipped, make_optimizer
from tabular_dl.nn.schedules import SCHEDULES

__all__ = ["Program", "ProgramKey", "checked_out"]

PROGRAMS_KEPT = 8
# A metric or an activation; and a loss, which returns itself and its smoothed twin.
TensorFunction = Callable[..., tf.Tensor]
LossFunction = Callable[[tf.Tensor, tf.Tensor, tf.Tensor | None], tuple[tf.Tensor, tf.Tensor]]


@dataclass(frozen=True)
class ProgramKey:
    """The shapes and settings that a program is compiled for.

    Parameters
    ----------
    network : Network
        The architecture.
    members : int
        P.
    loss, metrics, optimizer, optimizer_settings, schedule
        As in `Training`.
    shapes : tuple
        Shapes of the table's blocks and of the batches.
    uses : frozenset of str
        Names of the members' settings that are in use; the others are not computed.
    xla : bool
        Whether XLA compiles the steps.
    """

    network: Network
    members: int
    loss: str
    metrics: tuple[str, ...]
    optimizer: str
    optimizer_settings: tuple[tuple[str, Any], ...]
    schedule: Schedule
    shapes: tuple[Any, ...]
    uses: frozenset[str]
    xla: bool

    @classmethod
    def of(
        cls, network: Network, members: Members, training: Training, shapes: tuple[Any, ...], xla: bool
    ) -> ProgramKey:
        """Return the key for a training."""
        neutral = {"l1": 0.0, "l2": 0.0, "label_smoothing": 0.0, "mixup": 0.0, "clip_norm": np.inf}
        uses = frozenset(name for name, value in neutral.items() if np.any(getattr(members, name) != value))
        if members.weight_decay is not None:
            uses |= {"weight_decay"}
        if not members.held_out:
            uses |= {"starts"}
        shared = (
            training.loss,
            training.metrics,
            training.optimizer,
            training.optimizer_settings,
            training.schedule,
        )
        return cls(network, len(members), *shared, shapes, uses, xla)


class Program:
    """The variables of a population and the traced functions that work on them."""

    def __init__(self, key: ProgramKey) -> None:
        self.key = key
        self.traces = 0
        self.network = key.network
        self.learned = {
            name: keras.Variable(
                np.zeros((key.members, each.inputs, each.outputs)), dtype="float32", trainable=each.trained, name=name
            )
            for name, each in self.network.weights.items()
        }
        self.trainable = [self.learned[name] for name, weight in self.network.weights.items() if weight.trained]
        self.optimizer = make_optimizer(
            key.optimizer, self.trainable, dict(key.optimizer_settings), decaying="weight_decay" in key.uses
        )
        shape = (key.members, 1, 1)
        self.active = tf.Variable(tf.ones(shape, tf.bool), trainable=False)
        names = ("l1", "l2", "label_smoothing", "clip_norm", "total_steps", "plateau")
        self.settings = {name: tf.Variable(tf.zeros(shape), trainable=False) for name in names}
        self.seeds = tf.Variable(tf.zeros(shape, tf.uint32), trainable=False)
        anyone = Members(seeds=[0] * key.members, training_rows=[np.array([], int)] * key.members)
        self.of_blocks = {
            f"{block.name}.{name}": tf.Variable(tf.zeros(shape), trainable=False)
            for block in self.network.blocks
            for name in block.settings(anyone)
        }
        self.best = [tf.Variable(variable.value, trainable=False) for variable in self.learned.values()]
        # Without held-out rows: the weights at the start of the epoch, which are those that its loss tells of.
        self.starts = [tf.Variable(best, trainable=False) for best in self.best if "starts" in key.uses]
        # All that belongs to single members, in one order: what a smaller population takes over.
        own = (self.optimizer.rates, self.optimizer.decays, self.optimizer.factors, self.optimizer.steps)
        # Of Keras's variables, only its own step count and rate have no member axis.
        momenta = [variable for variable in self.optimizer.variables if len(variable.shape) == 3]
        self.restarted = [*momenta, *own]
        self.fresh = [variable.numpy() for variable in self.restarted]
        self.member_variables = [
            *self.learned.values(),
            *self.restarted,
            self.seeds,
            *self.of_blocks.values(),
            self.active,
            *self.settings.values(),
            *self.best,
            *self.starts,
        ]
        self._functions: dict[str, Any] = {}
        self.loss, self.metrics, self.activation = _functions(key)

    def reset(self, weights: Weights, members: Members, steps_an_epoch: np.ndarray, epochs: int) -> None:
        """Start anew: initial weights, no momenta, the members' own settings."""
        for variables in filter(None, (self.learned.values(), self.best, self.starts)):
            for variable, name in zip(variables, self.learned, strict=True):
                variable.assign(weights[name])
        for variable, value in zip(self.restarted, self.fresh, strict=True):
            variable.assign(value)
        for variable, values in (
            (self.optimizer.rates, members.learning_rate),
            (self.optimizer.decays, members.weight_decay),
        ):
            if values is not None:
                own = _column(values)
                variable.assign(np.where(np.isnan(own), variable.numpy(), own))
        for name in ("l1", "l2", "label_smoothing", "clip_norm"):
            self.settings[name].assign(_column(getattr(members, name)))
        self.settings["total_steps"].assign(_column(steps_an_epoch * epochs))
        self.set_active(np.ones(len(members), bool), np.ones(len(members)))
        streams = [np.random.SeedSequence([seed, 2]).generate_state(1)[0] for seed in members.seeds]
        self.seeds.assign(_column(streams, np.uint32))
        for block in self.network.blocks:
            for name, values in block.settings(members).items():
                self.of_blocks[f"{block.name}.{name}"].assign(_column(values))

    def set_active(self, active: np.ndarray, rate_factors: np.ndarray) -> None:
        """Set which members train on, and the factors of their rates from plateaus; both of shape (P,)."""
        self.active.assign(_column(active, bool))
        self.settings["plateau"].assign(_column(rate_factors))

    def take_over(self, other: Program, numbers: np.ndarray) -> None:
        """Go on with some members of another program of the same network."""
        for mine, theirs in zip(self.member_variables, other.member_variables, strict=True):
            mine.assign(theirs.numpy()[numbers])

    def save(self) -> list[np.ndarray]:
        """Return copies of all that belongs to the members, for `restore`."""
        return [np.array(variable.numpy()) for variable in self.member_variables]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Go on from what `save` returned."""
        for variable, value in zip(self.member_variables, state, strict=True):
            variable.assign(value)

    def weights(self, *, best: bool) -> Weights:
        """Return copies of what the members have learned: the best kept, or the last."""
        variables = self.best if best else self.learned.values()
        return {name: np.array(variable.numpy()) for name, variable in zip(self.learned, variables, strict=True)}

    def train(self, X: tf.Tensor, y: tf.Tensor, batches: Batches) -> np.ndarray:
        """Run the steps of a block; return sums over rows of loss, metrics and weight, shape (2 + metrics, P)."""
        return self._call("train", self._train, X, y, *vars(batches).values()).numpy()

    def evaluate(self, X: tf.Tensor, y: tf.Tensor, batches: Batches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums as `train` does, outputs (P, rows, units) and targets (P, rows, targets), of one step."""
        return tuple(
            part.numpy() for part in self._call("evaluate", self._evaluate, X, y, batches.rows[0], batches.weights[0])
        )

    def keep_best(self, improved: np.ndarray, at_start: np.ndarray) -> None:
        """Keep weights and statistics of the members that improved, (P,): the present, or those at the epoch's start.

        For members without held-out rows it has to be called after each epoch, whether or not one has improved.
        """
        self._call("keep", self._keep, improved, at_start)

    def _call(self, name: str, function: Callable[..., Any], *arguments: ArrayLike) -> Any:
        # The concrete function is kept, as a `tf.function` warns of retracing when five programs have been made.
        if name not in self._functions:
            # Only the steps pay for XLA: the other two are a few operations an epoch.
            traced = tf.function(function, jit_compile=self.key.xla and name == "train", autograph=False)
            self._functions[name] = traced.get_concrete_function(*map(tf.convert_to_tensor, arguments))
        return self._functions[name](*map(tf.convert_to_tensor, arguments))

    def _train(
        self,
        X: tf.Tensor,
        y: tf.Tensor,
        rows: tf.Tensor,
        weights: tf.Tensor,
        partners: tf.Tensor,
        others: tf.Tensor,
        shares: tf.Tensor,
    ) -> tf.Tensor:
        """Run all steps of a block. Traced once, never run by Python."""
        self.traces += 1

        def step(number: tf.Tensor, totals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            mixed = (partners[number], others[number], shares[number]) if "mixup" in self.key.uses else None
            return number + 1, totals + self._step(X, y, rows[number], weights[number], mixed)

        start = (0, tf.zeros((2 + len(self.metrics), self.key.members)))
        return tf.while_loop(lambda number, _: number < rows.shape[0], step, start)[1]

    def _step(
        self,
        X: tf.Tensor,
        y: tf.Tensor,
        rows: tf.Tensor,
        weights: tf.Tensor,
        mixed: tuple[tf.Tensor, tf.Tensor, tf.Tensor] | None,
    ) -> tf.Tensor:
        """Move each live member by one batch; return its summed loss, metrics and weight, (2 + metrics, P)."""
        weight = tf.reduce_sum(weights, axis=1)
        live = tf.logical_and(self.active, weight[:, None, None] > 0)
        self.optimizer.live.assign(live)
        steps = self.optimizer.steps
        progress = steps / self.settings["total_steps"]
        self.optimizer.factors.assign(self.settings["plateau"] * SCHEDULES[self.key.schedule](progress))
        counted = tf.cast(weights > 0, tf.float32)[:, :, None]
        inputs, targets = tf.gather(X, rows), tf.gather(y, rows)
        if mixed is not None:
            partners, partner_weights, share = mixed
            inputs = self._mixed(inputs, tf.gather(X, partners), share[:, :, None])
        settings = {name: variable.value() for name, variable in self.of_blocks.items()}
        pass_ = TrainingStep(tf.cast(steps, tf.uint32), self.seeds.value(), settings, counted, live)
        with tf.GradientTape() as tape:
            outputs = forward(self.network, self._values(), inputs, pass_)
            sums, smoothed = self._sums(targets, outputs, weights)
            if mixed is not None:
                # Each of the two rows counts with its own weight.
                others = self._sums(tf.gather(y, partners), outputs, partner_weights)[1]
                smoothed = share[:, 0] * smoothed + (1.0 - share[:, 0]) * others
                weight = share[:, 0] * weight + (1.0 - share[:, 0]) * tf.reduce_sum(partner_weights, axis=1)
            objective = tf.reduce_sum(smoothed / tf.where(weight > 0, weight, 1.0) + self._penalty())
        gradients = tape.gradient(objective, [variable.value for variable in self.trainable])
        if "clip_norm" in self.key.uses:
            gradients = clipped(gradients, self.settings["clip_norm"])
        self.optimizer.apply(gradients, self.trainable)
        for name, value in pass_.updates.items():
            self.learned[name].value.assign(value)
        return sums

    def _values(self) -> dict[str, tf.Tensor]:
        return {name: variable.value for name, variable in self.learned.items()}

    def _mixed(self, inputs: tf.Tensor, others: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        """Mix numbers; of two categories the one with the greater share stays."""
        numeric = self.network.numeric
        numbers = share * inputs[:, :, :numeric] + (1.0 - share) * others[:, :, :numeric]
        codes = tf.where(share >= 0.5, inputs[:, :, numeric:], others[:, :, numeric:])
        return tf.concat([numbers, codes], axis=2)

    def _penalty(self) -> tf.Tensor:
        """Return each member's penalty on its kernels, (P,)."""
        penalty = tf.zeros((self.key.members,))
        penalised = [self.learned[name] for name, weight in self.network.weights.items() if weight.penalised]
        for name, size in (("l1", tf.abs), ("l2", tf.square)):
            if name in self.key.uses:
                total = tf.add_n([tf.reduce_sum(size(kernel.value), axis=(1, 2)) for kernel in penalised])
                penalty += self.settings[name][:, 0, 0] * total
        return penalty

    def _sums(self, y: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return weighted sums over rows of loss, metrics and weight, and of the smoothed loss (P,)."""
        smoothing = self.settings["label_smoothing"] if "label_smoothing" in self.key.uses else None
        loss, smoothed = self.loss(y, outputs, smoothing)
        final = self.activation(outputs)
        metrics = [_a_row(metric(y, final)) for metric in self.metrics]
        sums = [tf.reduce_sum(value * weights, axis=1) for value in (loss, *metrics, tf.ones_like(loss))]
        return tf.stack(sums), tf.reduce_sum(smoothed * weights, axis=1)

    def _evaluate(
        self, X: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        outputs, targets = forward(self.network, self._values(), tf.gather(X, rows)), tf.gather(y, rows)
        return self._sums(targets, outputs, weights)[0], self.activation(outputs), targets

    def _keep(self, improved: tf.Tensor, at_start: tf.Tensor) -> None:
        mask, earlier = (tf.reshape(flags, (self.key.members, 1, 1)) for flags in (improved, at_start))
        starts = self.starts or self.best
        for best, start, variable in zip(self.best, starts, self.learned.values(), strict=True):
            present = tf.where(earlier, start, variable.value) if self.starts else variable.value
            best.assign(tf.where(mask, present, best))
            if self.starts:
                start.assign(variable.value)


def _a_row(values: tf.Tensor) -> tf.Tensor:
    """Average a metric (P, rows, units) over units; most of Keras's functions have done so already."""
    return tf.reduce_mean(values, axis=2) if len(values.shape) == 3 else values


def _column(values: ArrayLike, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Give one value a member the shape (P, 1, 1)."""
    return np.asarray(values, dtype).reshape(-1, 1, 1)


def _functions(key: ProgramKey) -> tuple[LossFunction, tuple[TensorFunction, ...], TensorFunction]:
    """Return loss, metrics and output activation; a loss returns itself and, with smoothing, its smoothed twin."""
    activation = keras.activations.get(key.network.output_activation)
    keras_loss = getattr(keras.losses, key.loss)
    # Most of Keras's metrics that are functions are losses too, and some live there alone.
    metrics = tuple(getattr(keras.metrics, name, None) or getattr(keras.losses, name) for name in key.metrics)
    # Cross-entropies are exact before the activation that belongs to them.
    from_logits = key.loss.endswith("crossentropy") and key.network.output_activation in ("sigmoid", "softmax")

    def plain(function: Callable[..., tf.Tensor], y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return function(y, outputs, from_logits=True) if from_logits else function(y, activation(outputs))

    def loss(y: tf.Tensor, outputs: tf.Tensor, smoothing: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        value = plain(keras_loss, y, outputs)
        if smoothing is None or not key.loss.endswith("crossentropy"):
            return value, value
        if key.loss.startswith("sparse"):
            one_hot = tf.one_hot(tf.cast(y[..., 0], tf.int32), key.network.outputs)
            targets = one_hot * (1.0 - smoothing) + smoothing / key.network.outputs
            return value, plain(keras.losses.categorical_crossentropy, targets, outputs)
        classes = key.network.outputs if key.loss.startswith("categorical") else 2
        return value, plain(keras_loss, y * (1.0 - smoothing) + smoothing / classes, outputs)

    return loss, metrics, activation


# Programs that nobody uses now, the oldest first.
_programs: list[Program] = []
_shelf = threading.Lock()


@contextmanager
def checked_out(key: ProgramKey) -> Iterator[Program]:
    """Lend a program; it is off the shelf while in use, so that two threads never share one."""
    with _shelf:
        free = next((program for program in _programs if program.key == key), None)
        if free is not None:
            _programs.remove(free)
    program = free or Program(key)
    yield program
    with _shelf:
        _programs.append(program)
        del _programs[:-PROGRAMS_KEPT]

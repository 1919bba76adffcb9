"""Compiled program of a population: variables, training steps of a block, and figures on held-out rows.

A program is compiled for a set of shapes and reused: a second fit of the same shapes does not trace or compile again.
Without XLA, the numbers of rows and steps are no part of the shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, DTypeLike

from tabular_dl.nn.batches import Batches
from tabular_dl.nn.blocks.base import TrainingStep
from tabular_dl.nn.loss_functions import loss_and_metrics
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Weights
from tabular_dl.nn.optimizers import clipped, make_optimizer
from tabular_dl.nn.passes import forward, predictions
from tabular_dl.nn.program_key import ProgramKey
from tabular_dl.nn.rate_factors import rate_factors
from tabular_dl.nn.schedules import SCHEDULES
from tabular_dl.nn.tracing import Traced

__all__ = ["Program"]

# Axes of rows and of steps, counted from the last axis, of the arguments of a program's functions.
VARYING_AXES = {
    **dict.fromkeys(("X", "y"), (-2,)),
    **dict.fromkeys(("rows", "weights", "partners", "partner_weights"), (-1, -3)),
    "shares": (-3,),
    **dict.fromkeys(("improved", "at_start"), ()),
}


class Program:
    """Variables of a population, and traced functions of them."""

    def __init__(self, key: ProgramKey) -> None:
        self.key = key
        self.traces = 0
        self.network = key.network
        self.learned = {
            name: keras.Variable(
                np.zeros((key.members, weight.inputs, weight.outputs)),
                dtype="float32",
                trainable=weight.trained,
                name=name,
            )
            for name, weight in self.network.weights.items()
        }
        self.trainable = [self.learned[name] for name, weight in self.network.weights.items() if weight.trained]
        uses = {"decaying": "weight_decay" in key.uses, "factors": "rate_factors" in key.uses}
        self.optimizer = make_optimizer(key.optimizer, self.trainable, dict(key.optimizer_settings), **uses)
        shape = (key.members, 1, 1)
        self.active = tf.Variable(tf.ones(shape, tf.bool), trainable=False)
        names = ("l1", "l2", "label_smoothing", "clip_norm", "total_steps", "plateau")
        self.settings = {name: tf.Variable(tf.zeros(shape), trainable=False) for name in names}
        self.seeds = tf.Variable(tf.zeros(shape, tf.uint32), trainable=False)
        placeholder = Members(seeds=[0] * key.members, training_rows=[np.array([], int)] * key.members)
        self.of_blocks = {
            f"{block.name}.{name}": tf.Variable(tf.zeros(shape), trainable=False)
            for block in self.network.blocks
            for name in block.settings(placeholder)
        }
        self.best = [tf.Variable(variable.value, trainable=False) for variable in self.learned.values()]
        # Weights at the start of the epoch, of which its loss is; only without held-out rows.
        self.starts = [tf.Variable(best, trainable=False) for best in self.best if "starts" in key.uses]
        # Of Keras's variables, only its step count and rate have no member axis.
        momenta = [variable for variable in self.optimizer.variables if len(variable.shape) == 3]
        optimizer = self.optimizer
        self.restarted = [*momenta, optimizer.rates, optimizer.decays, optimizer.factors, optimizer.steps]
        self.initial = [variable.numpy() for variable in self.restarted]
        # All variables with a member axis, for `take_over`, `save` and `restore`.
        self.member_variables = [
            *self.learned.values(),
            *self.restarted,
            *(variable for pair in self.optimizer.of_weights for variable in pair),
            self.seeds,
            *self.of_blocks.values(),
            self.active,
            *self.settings.values(),
            *self.best,
            *self.starts,
        ]
        self._functions: dict[str, Callable[..., Any]] = {}
        self.loss, self.loss_of_predictions, self.metrics, self.activation = loss_and_metrics(key)

    @property
    def bytes(self) -> int:
        """Memory of the variables with a member axis, in bytes."""
        return sum(int(np.prod(each.shape)) * tf.as_dtype(each.dtype).size for each in self.member_variables)

    def reset(self, weights: Weights, members: Members, steps_an_epoch: np.ndarray, training: Training) -> None:
        """Prepare a training: assign initial weights and the members' settings, and clear momenta.

        Parameters
        ----------
        weights : dict of str to ndarray of shape (P, in, out)
            Initial weights.
        members : Members
            Settings of each member.
        steps_an_epoch : ndarray of shape (P,)
            Number of updates of each member in an epoch.
        training : Training
            Settings that all members share.
        """
        for variables in filter(None, (self.learned.values(), self.best, self.starts)):
            for variable, name in zip(variables, self.learned, strict=True):
                variable.assign(weights[name])
        for variable, value in zip(self.restarted, self.initial, strict=True):
            variable.assign(value)
        for variable, values in (
            (self.optimizer.rates, members.learning_rate),
            (self.optimizer.decays, members.weight_decay),
        ):
            if values is not None:
                column = _column(values)
                variable.assign(np.where(np.isnan(column), variable.numpy(), column))
        for name in ("l1", "l2", "label_smoothing", "clip_norm"):
            self.settings[name].assign(_column(getattr(members, name)))
        self.settings["total_steps"].assign(_column(steps_an_epoch * training.epochs))
        self.set_active(np.ones(len(members), bool), np.ones(len(members)))
        streams = [np.random.SeedSequence([seed, 2]).generate_state(1)[0] for seed in members.seeds]
        self.seeds.assign(_column(streams, np.uint32))
        for block in self.network.blocks:
            for name, values in block.settings(members).items():
                self.of_blocks[f"{block.name}.{name}"].assign(_column(values))
        if self.optimizer.of_weights:
            factors = rate_factors(self.network, members, training).values()
            for variable, values in zip(chain(*self.optimizer.of_weights), chain(*factors), strict=True):
                variable.assign(_column(values))

    def set_active(self, active: np.ndarray, rate_factors: np.ndarray) -> None:
        """Set whether each member still trains, and the factor of its rate after plateaus; both of shape (P,)."""
        self.active.assign(_column(active, bool))
        self.settings["plateau"].assign(_column(rate_factors))

    def take_over(self, other: Program, numbers: np.ndarray) -> None:
        """Copy the state of some members from another program of the same network."""
        for variable, source in zip(self.member_variables, other.member_variables, strict=True):
            variable.assign(source.numpy()[numbers])

    def save(self) -> list[np.ndarray]:
        """Return copies of all variables with a member axis, for `restore`."""
        return [np.array(variable.numpy()) for variable in self.member_variables]

    def restore(self, state: Sequence[np.ndarray]) -> None:
        """Assign the values that `save` returned."""
        for variable, value in zip(self.member_variables, state, strict=True):
            variable.assign(value)

    def weights(self, *, best: bool) -> Weights:
        """Return copies of the members' weights: those kept as the best, or the current ones."""
        variables = self.best if best else self.learned.values()
        return {name: np.array(variable.numpy()) for name, variable in zip(self.learned, variables, strict=True)}

    def train(self, X: tf.Tensor, y: tf.Tensor, batches: Batches) -> np.ndarray:
        """Run the training steps of a block.

        Parameters
        ----------
        X : Tensor of shape (groups * rows, features)
            Features of the block.
        y : Tensor of shape (groups * rows, targets)
            Coded targets.
        batches : Batches
            Rows of each step and member.

        Returns
        -------
        ndarray of shape (2 + metrics, P)
            Sums over rows of loss, metrics and weight.
        """
        return self._call("train", self._train, {"X": X, "y": y, **vars(batches)}).numpy()

    def evaluate(self, X: tf.Tensor, y: tf.Tensor, batches: Batches) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return sums as `train` does, outputs (P, rows, units) and targets (P, rows, targets) of the first step."""
        first = {"rows": batches.rows[0], "weights": batches.weights[0]}
        return tuple(part.numpy() for part in self._call("evaluate", self._evaluate, {"X": X, "y": y, **first}))

    def keep_best(self, improved: np.ndarray, at_start: np.ndarray) -> None:
        """Keep weights and batch statistics of members that improved, (P,): the current ones, or those at the start.

        ``at_start``, (P,), is whether a member keeps those at the start of the epoch. Without held-out rows, call this
        after each epoch, even if no member has improved.
        """
        self._call("keep", self._keep, {"improved": improved, "at_start": at_start})

    def _call(self, name: str, function: Callable[..., Any], arguments: Mapping[str, ArrayLike]) -> Any:
        tensors = [tf.convert_to_tensor(argument) for argument in arguments.values()]
        if name not in self._functions:
            specs = [self._spec(*part) for part in zip(arguments, tensors, strict=True)]
            # Only the training steps are worth compiling: the other functions run few operations per epoch.
            xla = self.key.xla and name == "train"
            self._functions[name] = Traced(function, specs, f"{name} {self.key.label}", xla=xla)
        return self._functions[name](*tensors)

    def _spec(self, name: str, tensor: tf.Tensor) -> tf.TensorSpec:
        """Return the shape that an argument is traced for: XLA needs all of it, TensorFlow no numbers of rows or steps.

        Without XLA, tables of any length and batches of any size thus share a program.
        """
        varying = () if self.key.xla else VARYING_AXES[name]
        shape = [None if axis - tensor.ndim in varying else size for axis, size in enumerate(tensor.shape)]
        return tf.TensorSpec(shape, tensor.dtype)

    def _train(
        self,
        X: tf.Tensor,
        y: tf.Tensor,
        rows: tf.Tensor,
        weights: tf.Tensor,
        partners: tf.Tensor,
        partner_weights: tf.Tensor,
        shares: tf.Tensor,
    ) -> tf.Tensor:
        """Return the sums of all steps of a block. Runs as a traced function only; `traces` counts the traces."""
        self.traces += 1

        def step(number: tf.Tensor, totals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            mixup = None
            if "mixup" in self.key.uses:
                mixup = partners[number], partner_weights[number], shares[number]
            sums = self._step(X, y, rows[number], weights[number], mixup)
            # Without XLA, a block may have lost the number of members from the static shape.
            return number + 1, totals + tf.ensure_shape(sums, totals.shape)

        start = (0, tf.zeros((2 + len(self.metrics), self.key.members)))
        return tf.while_loop(lambda number, _: number < tf.shape(rows)[0], step, start)[1]

    def _step(
        self,
        X: tf.Tensor,
        y: tf.Tensor,
        rows: tf.Tensor,
        weights: tf.Tensor,
        mixup: tuple[tf.Tensor, tf.Tensor, tf.Tensor] | None,
    ) -> tf.Tensor:
        """Update each live member by one batch; return sums over rows of loss, metrics and weight, (2 + metrics, P)."""
        weight = tf.reduce_sum(weights, axis=1)
        live = tf.logical_and(self.active, weight[:, None, None] > 0)
        self.optimizer.live.assign(live)
        steps = self.optimizer.steps
        progress = steps / self.settings["total_steps"]
        self.optimizer.factors.assign(self.settings["plateau"] * SCHEDULES[self.key.schedule](progress))
        self.optimizer.decay_factors.assign(SCHEDULES[self.key.weight_decay_schedule](progress))
        inputs, targets = tf.gather(X, rows), tf.gather(y, rows)
        if mixup is not None:
            partners, partner_weights, share = mixup
            inputs = self._mixed(inputs, tf.gather(X, partners), share[:, :, None])
        settings = {name: variable.value() for name, variable in self.of_blocks.items()}
        own_targets, own_weights = self._for_networks(targets, weights)
        counted = tf.cast(own_weights > 0, tf.float32)[:, :, None]
        step_number = tf.cast(steps, tf.uint32)
        training_step = TrainingStep(step_number, self.seeds.value(), settings, counted, live, progress)
        smoothing = SCHEDULES[self.key.label_smoothing_schedule](progress)
        with tf.GradientTape() as tape:
            outputs = forward(self.network, self._values(), inputs, training_step)
            sums, smoothed = self._training_sums(own_targets, outputs, own_weights, smoothing)
            if mixup is not None:
                # The losses of the two rows have their own weights.
                partner = self._for_networks(tf.gather(y, partners), partner_weights)
                partner_loss = self._training_sums(partner[0], outputs, partner[1], smoothing)[1]
                smoothed = share[:, 0] * smoothed + (1.0 - share[:, 0]) * partner_loss
                weight = share[:, 0] * weight + (1.0 - share[:, 0]) * tf.reduce_sum(partner_weights, axis=1)
            objective = tf.reduce_sum(smoothed / tf.where(weight > 0, weight, 1.0) + self._penalty())
        gradients = tape.gradient(objective, [variable.value for variable in self.trainable])
        if "clip_norm" in self.key.uses:
            gradients = clipped(gradients, self.settings["clip_norm"])
        self.optimizer.apply(gradients, self.trainable)
        for name, value in training_step.updates.items():
            self.learned[name].value.assign(value)
        return sums

    def _values(self) -> dict[str, tf.Tensor]:
        return {name: variable.value for name, variable in self.learned.items()}

    def _mixed(self, inputs: tf.Tensor, others: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        """Return mixed numeric inputs, and the code with the greater share of each two categories."""
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

    def _for_networks(self, targets: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return targets and weights of the rows of all networks within a member, if they share batches."""
        networks = 1 if self.network.own_batches else self.network.networks
        if networks == 1:
            return targets, weights
        return tf.tile(targets, (1, networks, 1)), tf.tile(weights, (1, networks)) / networks

    def _training_sums(
        self, y: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor, schedule: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return sums over rows of loss, metrics and weight, (2 + metrics, P), and of the smoothed loss, (P,)."""
        smoothing = self.settings["label_smoothing"] * schedule if "label_smoothing" in self.key.uses else None
        loss, smoothed = self.loss(y, outputs, smoothing)
        return self._sums(y, loss, self.activation(outputs), weights), tf.reduce_sum(smoothed * weights, axis=1)

    def _sums(self, y: tf.Tensor, loss: tf.Tensor, predicted: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Return sums over rows of loss, metrics and weight, (2 + metrics, P)."""
        metrics = [_per_row(metric(y, predicted)) for metric in self.metrics]
        return tf.stack([tf.reduce_sum(value * weights, axis=1) for value in (loss, *metrics, tf.ones_like(loss))])

    def _evaluate(
        self, X: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        outputs, targets = forward(self.network, self._values(), tf.gather(X, rows)), tf.gather(y, rows)
        predicted = predictions(self.network, outputs)
        # The loss of the mean of several networks is that of their mean prediction, which has no logits.
        several = self.network.networks > 1
        loss = self.loss_of_predictions(targets, predicted) if several else self.loss(targets, outputs, None)[0]
        return self._sums(targets, loss, predicted, weights), predicted, targets

    def _keep(self, improved: tf.Tensor, at_start: tf.Tensor) -> None:
        improved, at_start = (tf.reshape(flags, (self.key.members, 1, 1)) for flags in (improved, at_start))
        starts = self.starts or self.best
        for best, start, variable in zip(self.best, starts, self.learned.values(), strict=True):
            value = tf.where(at_start, start, variable.value) if self.starts else variable.value
            best.assign(tf.where(improved, value, best))
            if self.starts:
                start.assign(variable.value)


def _per_row(values: tf.Tensor) -> tf.Tensor:
    """Return a metric averaged over units, (P, rows); most of Keras's functions return that already."""
    return tf.reduce_mean(values, axis=2) if len(values.shape) == 3 else values


def _column(values: ArrayLike, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Return values of P members with the shape (P, 1, 1)."""
    return np.asarray(values, dtype).reshape(-1, 1, 1)

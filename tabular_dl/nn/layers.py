"""Keras layers that hold P networks side by side.

Every weight has three axes, ``(member, in, out)``, also where one of them has length 1: a bias is ``(member, 1, out)``.
So whatever belongs to a member (a rate, a mask, a step count) has the shape ``(member, 1, 1)``, and meets every weight
by plain broadcasting. Activations are ``(member, row, feature)``; no operation here mixes two members.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tabular_dl.nn.random_numbers import MASKING_STREAM, uniform

__all__ = ["EPSILON", "MemberBatchNormalization", "MemberDense", "MemberEmbedding", "MemberLayer"]

# What batch normalisation adds to a variance, as Keras does.
EPSILON = 1e-3


class MemberLayer(keras.layers.Layer):
    """A layer for P members, whose output has the shape of its input."""

    def __init__(self, members: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members

    def _setting(self, name: str, dtype: str = "float32") -> Any:
        """Create a variable of shape (P, 1, 1) that is set, not learned."""
        shape = (self.members, 1, 1)
        return self.add_weight(shape=shape, initializer="zeros", trainable=False, dtype=dtype, name=name)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "members": self.members}


@keras.saving.register_keras_serializable("tabular_dl")
class MemberDense(MemberLayer):
    """A dense layer for each member: ``outputs[k] = inputs[k] @ kernel[k] + bias[k]``.

    Weights start at zero; the engine assigns each member's own initial weights.

    Parameters
    ----------
    members : int
        P, the number of networks.
    units : int
        Width of the output.
    use_bias : bool
        Whether to add a bias.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Notes
    -----
    Input ``(P or 1, rows, features)``, output ``(P, rows, units)``.
    Kernel ``(P, features, units)``, bias ``(P, 1, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> layer = MemberDense(members=2, units=1)
    >>> outputs = layer(np.ones((2, 3, 4), "float32"))
    >>> layer.set_weights([np.ones((2, 4, 1)), np.array([[[0.0]], [[10.0]]])])
    >>> layer(np.ones((2, 3, 4), "float32")).numpy()[:, 0, 0]
    array([ 4., 14.], dtype=float32)
    """

    def __init__(self, members: int, units: int, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.units = units
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernel and bias for inputs of this shape."""
        features = input_shape[-1]
        self.kernel = self.add_weight(shape=(self.members, features, self.units), initializer="zeros", name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.members, 1, self.units), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return each member's outputs."""
        outputs = keras.ops.matmul(inputs, self.kernel)
        return outputs + self.bias if self.use_bias else outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(P, rows, units)``."""
        return (self.members, input_shape[1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable("tabular_dl")
class MemberEmbedding(MemberLayer):
    """A learned vector for each category of a column, for each member: ``outputs[k] = table[k][codes]``.

    Code 0 is the unknown category. In training a category is hidden, coded as 0, with the member's own probability, so
    that the unknown vector is learned too (Guo & Berkhahn, 2016, arXiv:1604.06737, for embeddings of categories).

    Parameters
    ----------
    members : int
        P, the number of networks.
    categories : int
        How many codes there are, the unknown one included.
    units : int
        Length of a vector.
    index : int
        The embedding's number in its network.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Notes
    -----
    Input ``(P or 1, rows, 1)``, output ``(P, rows, units)``; the table is ``(P, categories, units)``. In training the
    lookup is a product with one-hot rows, whose gradient is a product too: a gather's is a scatter, a serial loop under
    XLA. In prediction it is a gather, which needs no memory for all categories of each row.
    """

    def __init__(self, members: int, categories: int, units: int, index: int, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.categories, self.units, self.index = categories, units, index

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the table, the members' probabilities of hiding (zero) and seeds (zero)."""
        del input_shape
        shape = (self.members, self.categories, self.units)
        self.table = self.add_weight(shape=shape, initializer="zeros", name="table")
        self.rates = self._setting("rates")
        self.seeds = self._setting("seeds", "uint32")

    def call(self, inputs: Any, steps: Any = None) -> Any:
        """Look up codes; hide some in step ``steps``, of shape (P, 1, 1) and type uint32; None is prediction."""
        if steps is None:
            numbers = tf.cast(inputs[:, :, 0], tf.int32)
            numbers = tf.broadcast_to(numbers, (self.members, tf.shape(numbers)[1]))
            return tf.gather(self.table.value, numbers, batch_dims=1)
        shape = (tf.shape(inputs)[1], 1)
        shown = uniform(self.seeds.value, MASKING_STREAM + self.index, steps, shape) >= self.rates.value
        codes = tf.where(shown, inputs, 0.0)
        return tf.matmul(tf.one_hot(tf.cast(codes[:, :, 0], tf.int32), self.categories), self.table.value)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(P, rows, units)``."""
        return (self.members, input_shape[1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "categories": self.categories, "units": self.units, "index": self.index}


@keras.saving.register_keras_serializable("tabular_dl")
class MemberBatchNormalization(MemberLayer):
    """Batch normalisation with statistics of each member's own batches (Ioffe & Szegedy, 2015, arXiv:1502.03167).

    In training over the rows of the batch that count; in prediction by moving averages. As in Keras::

        moving = momentum * moving + (1 - momentum) * batch

    Parameters
    ----------
    members : int
        P, the number of networks.
    momentum, epsilon : float
        As in `keras.layers.BatchNormalization`.
    **kwargs
        `keras.layers.Layer`'s own arguments.

    Notes
    -----
    Keras's own layer normalises one axis for all members: it cannot keep statistics for each.
    All four weights have the shape ``(P, 1, features)``.
    """

    def __init__(self, members: int, momentum: float = 0.99, epsilon: float = EPSILON, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create scale, offset and moving averages."""
        shape = (self.members, 1, input_shape[-1])
        self.gamma = self.add_weight(shape=shape, initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")
        self.mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="mean")
        self.variance = self.add_weight(shape=shape, initializer="ones", trainable=False, name="variance")

    def call(self, inputs: Any, counted: Any = None, live: Any = None) -> Any:
        """Normalise.

        Parameters
        ----------
        inputs : Tensor of shape (P, rows, features)
            What comes in.
        counted : Tensor of shape (P, rows, 1) or None
            1 for rows that count, 0 for rows that fill up the batch; None is prediction.
        live : Tensor of shape (P, 1, 1), bool
            Which members' moving averages may change.
        """
        if counted is None:
            mean, variance = self.mean.value, self.variance.value
        else:
            rows = tf.maximum(tf.reduce_sum(counted, axis=1, keepdims=True), 1.0)
            mean = tf.reduce_sum(inputs * counted, axis=1, keepdims=True) / rows
            variance = tf.reduce_sum(tf.square(inputs - mean) * counted, axis=1, keepdims=True) / rows
            for moving, batch in ((self.mean, mean), (self.variance, variance)):
                moved = moving.value * self.momentum + batch * (1.0 - self.momentum)
                moving.value.assign(tf.where(live, moved, moving.value))
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return inputs * scale + (self.beta - mean * scale)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}

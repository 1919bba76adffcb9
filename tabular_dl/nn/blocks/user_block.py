"""Block of the user: a function of a network's activations, with weights or without."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, TrainingStep, Weight
from tabular_dl.nn.blocks.dense import drawn_by_keras
from tabular_dl.nn.user_code import call_method

__all__ = ["UserBlock", "WeightLayer", "of_rows"]

# Initialisers of weights that are not drawn.
CONSTANTS = {"zeros": 0.0, "ones": 1.0}


def of_rows(function: Callable[[Any], Any], x: tf.Tensor) -> tf.Tensor:
    """Apply a function of the rows of one network, (rows, features), to those of all members.

    Parameters
    ----------
    function : callable
        Function that treats each row by itself.
    x : Tensor of shape (P, rows, features)
        Activations.

    Returns
    -------
    Tensor of shape (P, rows, outputs)
        Results.

    Examples
    --------
    >>> of_rows(lambda x: 2.0 * x[:, :1], tf.ones((3, 5, 4))).shape.as_list()
    [3, 5, 1]
    """
    values = function(tf.reshape(x, (-1, x.shape[-1])))
    return tf.reshape(values, (tf.shape(x)[0], -1, values.shape[-1]))


@keras.saving.register_keras_serializable("tabular_dl")
class WeightLayer(keras.layers.Layer):
    """Weight as the output of a Keras layer, for operations that no layer holds.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weight.
    **kwargs
        Arguments of `keras.layers.Layer`.
    """

    def __init__(self, shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape_of_weight = tuple(shape)
        self.weight = self.add_weight(shape=self.shape_of_weight, name="weight")

    def call(self, x: Any) -> Any:
        """Return the weight, whatever the input."""
        del x
        return keras.ops.convert_to_tensor(self.weight)

    def compute_output_shape(self, input_shape: Any) -> tuple[int, ...]:
        """Return the shape of the weight."""
        del input_shape
        return self.shape_of_weight

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "shape": self.shape_of_weight}


@dataclass(frozen=True)
class UserBlock(Block):
    """Function of the user, or class with the methods ``weights`` and ``forward``, after the hidden layers.

    The code sees one network: rows of shape (rows, features), and weights of the shapes that it has declared. Members
    are passed through it side by side by `tf.vectorized_map`.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    index : int
        Number among the user's blocks of the network; weights of different blocks are drawn from different seeds.
    code : callable
        Function of activations; a class if there are weights.
    outputs : int
        Number of output features.
    shapes : tuple of (name, shape, initializer)
        Weights: shapes of at most two axes; Keras's names of initialisers.

    Examples
    --------
    >>> block = UserBlock("block_0", 0, keras.ops.abs, 2)
    >>> block.forward(tf.constant([[[-1.0, 2.0]]]), {}).numpy()
    array([[[1., 2.]]], dtype=float32)
    """

    name: str
    index: int
    code: Callable[..., Any]
    outputs: int
    shapes: tuple[tuple[str, tuple[int, ...], str], ...] = ()

    @property
    def weights(self) -> dict[str, Weight]:
        """Weights as matrices; penalties are for drawn matrices only, as for kernels and not for biases."""
        weights = {}
        for name, shape, initializer in self.shapes:
            kernel = len(shape) == 2 and initializer not in CONSTANTS
            group = {"penalised": kernel, "group": "hidden" if kernel else "bias"}
            weights[name] = Weight(math.prod(shape[:-1]), math.prod(shape[-1:]), **group)  # type: ignore[arg-type]
        return weights

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw weights by Keras's initialisers."""
        number = [name for name, _, _ in self.shapes].index(weight)
        _, shape, initializer = self.shapes[number]
        matrix = (len(rows), self.weights[weight].outputs)
        if initializer in CONSTANTS:
            return [np.full(matrix, CONSTANTS[initializer], "float32")] * len(seeds)
        entropies = [[seed, 10, self.index, number] for seed in seeds]
        return [drawn.reshape(matrix) for drawn in drawn_by_keras(initializer, shape, entropies)]

    def output_features(self, features: int) -> int:
        """Return the number of output features."""
        del features
        return self.outputs

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return the outputs of the code for each member's rows."""
        del step
        if not self.shapes:
            return of_rows(self.code, x)
        stacked = (x, *(weights[name] for name, _, _ in self.shapes))
        return tf.vectorized_map(lambda own: self.of_network(*own), stacked)

    def of_network(self, x: tf.Tensor, *values: tf.Tensor) -> Any:
        """Return the outputs of the code for the rows of one network.

        Parameters
        ----------
        x : Tensor of shape (rows, features)
            Activations.
        *values : Tensor of shape (in, out)
            Weights in the order in which they were declared.
        """
        if not self.shapes:
            return self.code(x)
        weights = {name: tf.reshape(value, shape) for (name, shape, _), value in zip(self.shapes, values, strict=True)}
        return call_method(self.code, "forward", x, weights)

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply the code to symbolic tensors: its operations of Keras become those of the model."""
        if not self.shapes:
            return self.code(x), {}
        layers = {name: WeightLayer(shape) for name, shape, _ in self.shapes}
        output = call_method(self.code, "forward", x, {name: layer(x) for name, layer in layers.items()})
        return output, {name: layer.weight for name, layer in layers.items()}

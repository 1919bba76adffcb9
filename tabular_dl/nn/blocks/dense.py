"""The dense block, and initial kernels as Keras's initialisers draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, OwnInputs, TrainingStep, Weight

__all__ = ["INITIALIZERS", "Dense"]

# Fewer kernels than this are drawn one by one: to trace a loop costs as much as some ten of them.
DRAWS_THAT_PAY_FOR_A_TRACE = 40
# Keras's initialisers by name that draw a kernel from its shape and a seed.
INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
)


@dataclass(frozen=True)
class Dense(Block):
    """A dense layer for each member: ``outputs[k] = inputs[k] @ kernel[k] + bias[k]``.

    Parameters
    ----------
    name : str
        Unique in its network.
    index : int
        The layer's number in its network: seeds of its kernels differ from those of other layers.
    inputs, outputs : int
        Number of features that come in and go out.
    initializer : str
        Keras's name of the kernels' initialiser; biases start at zero.
    use_bias : bool
        Whether to add a bias.
    numeric : int or None
        Number of leading inputs that are numbers, where the layer reads the network's inputs: members may have fewer.

    Examples
    --------
    >>> dense = Dense("head", 0, inputs=4, outputs=1)
    >>> weights = {"kernel": tf.ones((2, 4, 1)), "bias": tf.constant([[[0.0]], [[10.0]]])}
    >>> dense.forward(tf.ones((2, 3, 4)), weights).numpy()[:, 0, 0]
    array([ 4., 14.], dtype=float32)
    """

    name: str
    index: int
    inputs: int
    outputs: int
    initializer: str = "glorot_uniform"
    use_bias: bool = True
    numeric: int | None = None

    @property
    def weights(self) -> dict[str, Weight]:
        """A kernel of shape (inputs, outputs), and a bias of shape (1, outputs)."""
        kernel = {"kernel": Weight(self.inputs, self.outputs, penalised=True)}
        return kernel | ({"bias": Weight(1, self.outputs)} if self.use_bias else {})

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the kernel's rows of the member's own numbers, and of the embeddings behind all numbers."""
        if self.numeric is None:
            return {}
        return {"kernel": np.concatenate([np.arange(inputs.numeric), np.arange(self.numeric, self.inputs)])}

    def draw(self, weight: str, rows: int, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw kernels as Keras's initialiser does; biases are zero."""
        if weight == "bias":
            return [np.zeros((rows, self.outputs), "float32")] * len(seeds)
        kind = type(keras.initializers.get(self.initializer))
        streams = [int(np.random.SeedSequence([seed, self.index]).generate_state(1)[0]) % 2**31 for seed in seeds]
        if len(seeds) < DRAWS_THAT_PAY_FOR_A_TRACE:
            return [np.asarray(kind(seed=stream)((rows, self.outputs))) for stream in streams]
        return list(_drawn_in_one_loop(kind(seed=0), (rows, self.outputs), streams))

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return ``(P, rows, outputs)``."""
        del step
        outputs = tf.matmul(x, weights["kernel"])
        return outputs + weights["bias"] if self.use_bias else outputs

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Dense` without activation."""
        layer = keras.layers.Dense(self.outputs, use_bias=self.use_bias)
        output = layer(x)
        return output, {"kernel": layer.kernel} | ({"bias": layer.bias} if self.use_bias else {})


def _drawn_in_one_loop(
    initializer: keras.initializers.Initializer, shape: tuple[int, int], streams: Sequence[int]
) -> np.ndarray:
    """Draw a kernel for each seed by the same operations as one by one, but pass through Keras once for all."""
    stream = _Stream()
    initializer.seed = stream

    def draw(seed: tf.Tensor) -> tf.Tensor:
        stream.seed = seed
        return initializer(shape)

    pairs = tf.constant([[seed, 0] for seed in streams], "uint32")  # what Keras makes of a whole number
    loop = tf.function(lambda seeds: tf.map_fn(draw, seeds, fn_output_signature=tf.float32))
    # Each call is of a new function, which TensorFlow would take for one that is traced again and again, and warn.
    return loop.get_concrete_function(pairs)(pairs).numpy()


class _Stream(keras.random.SeedGenerator):
    """A seed that is given."""

    def __init__(self) -> None:
        self.seed: tf.Tensor | None = None

    def next(self, ordered: bool = True) -> tf.Tensor:  # noqa: ARG002 (Keras's signature)
        return self.seed

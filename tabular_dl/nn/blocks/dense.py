"""Dense block, with initial kernels drawn by Keras's initialisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, OwnInputs, TrainingStep, Weight

__all__ = ["Dense"]

# Fewer kernels than this are drawn one by one: tracing a loop takes as long as drawing about ten.
DRAWS_THAT_PAY_FOR_A_TRACE = 40


@dataclass(frozen=True)
class Dense(Block):
    """Dense layer of each member: ``outputs[k] = inputs[k] @ kernel[k] + bias[k]``.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    index : int
        Number of the layer in the network; kernels of different layers are drawn from different seeds.
    inputs, outputs : int
        Number of input and output features.
    initializer : str, default="glorot_uniform"
        Keras's name of the kernel initialiser; biases start at zero.
    use_bias : bool, default=True
        Whether to add a bias.
    numeric : int or None
        Number of leading numeric inputs if the layer reads the network's inputs, of which members may have fewer.

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
        """Kernel of shape (inputs, outputs), and bias of shape (1, outputs)."""
        kernel = {"kernel": Weight(self.inputs, self.outputs, penalised=True)}
        return kernel | ({"bias": Weight(1, self.outputs)} if self.use_bias else {})

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the kernel's rows of the member's numeric inputs, and of the embeddings after all numeric inputs."""
        if self.numeric is None:
            return {}
        return {"kernel": np.concatenate([np.arange(inputs.numeric), np.arange(self.numeric, self.inputs)])}

    def draw(self, weight: str, rows: int, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw kernels by Keras's initialiser; biases are zero."""
        if weight == "bias":
            return [np.zeros((rows, self.outputs), "float32")] * len(seeds)
        initializer = type(keras.initializers.get(self.initializer))
        streams = [int(np.random.SeedSequence([seed, self.index]).generate_state(1)[0]) % 2**31 for seed in seeds]
        if len(seeds) < DRAWS_THAT_PAY_FOR_A_TRACE:
            return [np.asarray(initializer(seed=stream)((rows, self.outputs))) for stream in streams]
        return list(_draw_in_loop(initializer(seed=0), (rows, self.outputs), streams))

    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Return ``x @ kernel + bias``, of shape (P, rows, outputs)."""
        del step
        outputs = tf.matmul(x, weights["kernel"])
        return outputs + weights["bias"] if self.use_bias else outputs

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply a `keras.layers.Dense` without activation."""
        layer = keras.layers.Dense(self.outputs, use_bias=self.use_bias)
        output = layer(x)
        return output, {"kernel": layer.kernel} | ({"bias": layer.bias} if self.use_bias else {})


def _draw_in_loop(
    initializer: keras.initializers.Initializer, shape: tuple[int, int], streams: Sequence[int]
) -> np.ndarray:
    """Draw a kernel per seed, by the same operations as one by one, in a loop that is traced once."""
    stream = _FixedSeed()
    initializer.seed = stream

    def draw(seed: tf.Tensor) -> tf.Tensor:
        stream.seed = seed
        return initializer(shape)

    pairs = tf.constant([[seed, 0] for seed in streams], "uint32")  # Keras turns an integer seed into such a pair
    loop = tf.function(lambda seeds: tf.map_fn(draw, seeds, fn_output_signature=tf.float32))
    # Calling `loop` itself would make TensorFlow warn of retracing, as each call of this function makes a new one.
    return loop.get_concrete_function(pairs)(pairs).numpy()


class _FixedSeed(keras.random.SeedGenerator):
    """Seed generator that returns the seed assigned to it."""

    def __init__(self) -> None:
        self.seed: tf.Tensor | None = None

    def next(self, ordered: bool = True) -> tf.Tensor:  # noqa: ARG002 (Keras's signature)
        return self.seed

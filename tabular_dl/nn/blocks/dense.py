"""Dense block, with initial kernels drawn by Keras's initialisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, OwnInputs, TrainingStep, Weight
from tabular_dl.nn.blocks.scaling import own_features
from tabular_dl.nn.choices import BiasInitializer, WeightGroup

__all__ = ["Dense", "drawn_by_keras"]

# Fewer kernels than this are drawn one by one: tracing a loop takes as long as drawing about ten.
DRAWS_THAT_PAY_FOR_A_TRACE = 40
# Number of training rows that an initial bias combines, and the standard deviation below which outputs are constant.
ROWS_OF_A_BIAS, NO_VARIANCE = 5, 1e-6


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
        Keras's name of the kernel initialiser, or "unit_variance": standard normal numbers, each column divided by the
        standard deviation of its outputs on training rows, so that each output has a standard deviation of 1 (Mishkin &
        Matas, 2016, arXiv:1511.06422; in this form arXiv:2407.04491).
    use_bias : bool, default=True
        Whether to add a bias.
    parts : (int, int, int) or None
        Number of features from continuous inputs, from other numeric inputs, and from embeddings of categories, if the
        layer reads the network's inputs, of which members may have fewer.
    length : int, default=1
        Number of features of each continuous input.
    group : str, default="hidden"
        Group of the kernel: "first", "hidden" or "head".
    bias_initializer : {"zeros", "he+5"}
        Initial biases: zero, or for each output minus a random convex combination of its values, without bias, on five
        training rows, so that activations bend where rows are (Steinwart, 2019, arXiv:1903.11482; arXiv:2407.04491).
    gain : float, default=1.0
        Factor of the initial kernel.

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
    parts: tuple[int, int, int] | None = None
    length: int = 1
    group: WeightGroup = "hidden"
    bias_initializer: BiasInitializer = "zeros"
    gain: float = 1.0

    @property
    def weights(self) -> dict[str, Weight]:
        """Kernel of shape (inputs, outputs), and bias of shape (1, outputs)."""
        kernel = {"kernel": Weight(self.inputs, self.outputs, penalised=True, group=self.group)}
        return kernel | ({"bias": Weight(1, self.outputs, group="bias")} if self.use_bias else {})

    def own_rows(self, inputs: OwnInputs) -> dict[str, np.ndarray]:
        """Return the kernel's rows of the member's features."""
        return {} if self.parts is None else {"kernel": own_features(self.parts, self.length, inputs)}

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw kernels by the initialiser; biases are zero."""
        if weight == "bias":
            return [np.zeros((len(rows), self.outputs), "float32")] * len(seeds)
        if self.initializer == "unit_variance":
            shape = (len(rows), self.outputs)
            return [np.random.default_rng([seed, 5, self.index]).normal(size=shape) for seed in seeds]
        shape = (len(rows), self.outputs)
        kernels = drawn_by_keras(self.initializer, shape, [[seed, self.index] for seed in seeds])
        return kernels if self.gain == 1 else [kernel * np.float32(self.gain) for kernel in kernels]

    @property
    def learns(self) -> bool:
        """Whether an initialiser needs training rows."""
        return self.initializer == "unit_variance" or self.bias_initializer != "zeros"

    def learn(
        self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], seeds: Sequence[int]
    ) -> dict[str, tf.Tensor | np.ndarray]:
        """Return kernels of unit variance, and biases at training rows, if the initialisers ask for them."""
        learned: dict[str, tf.Tensor | np.ndarray] = {}
        kernel = weights["kernel"]
        if self.initializer == "unit_variance":
            deviation = tf.math.reduce_std(tf.matmul(x, kernel), axis=1, keepdims=True)
            # Without variance, as of a single row, columns get length 1.
            length = tf.maximum(tf.norm(kernel, axis=1, keepdims=True), NO_VARIANCE)
            kernel = self.gain * kernel / tf.where(deviation > NO_VARIANCE, deviation, length)
            learned["kernel"] = kernel
        if self.use_bias and self.bias_initializer == "he+5":
            outputs = tf.matmul(x, kernel).numpy()
            learned["bias"] = np.stack([self._at_rows(*pair) for pair in zip(outputs, seeds, strict=True)])
        return learned

    def _at_rows(self, outputs: np.ndarray, seed: int) -> np.ndarray:
        """Return minus a convex combination of outputs (rows, outputs) on five rows, drawn for each output."""
        generator = np.random.default_rng([seed, 8, self.index])
        shares = generator.exponential(size=(ROWS_OF_A_BIAS, self.outputs))
        rows = generator.integers(len(outputs), size=shares.shape)
        chosen = outputs[rows, np.arange(self.outputs)]
        return -(shares * chosen).sum(axis=0, keepdims=True) / shares.sum(axis=0, keepdims=True)

    def output_features(self, features: int) -> int:
        """Return the number of outputs."""
        del features
        return self.outputs

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


def drawn_by_keras(name: str, shape: tuple[int, ...], entropies: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Draw weights by one of Keras's initialisers.

    Parameters
    ----------
    name : str
        Keras's name of the initialiser.
    shape : tuple of int
        Shape of each weight.
    entropies : sequence of sequence of int
        Numbers that the seed of each weight is made from.

    Returns
    -------
    list of ndarray
        A weight for each entropy, which depends on that alone.
    """
    initializer = type(keras.initializers.get(name))
    streams = [int(np.random.SeedSequence(list(entropy)).generate_state(1)[0]) % 2**31 for entropy in entropies]
    if len(streams) < DRAWS_THAT_PAY_FOR_A_TRACE:
        return [np.asarray(initializer(seed=stream)(shape)) for stream in streams]
    return list(_draw_in_loop(initializer(seed=0), shape, streams))


def _draw_in_loop(
    initializer: keras.initializers.Initializer, shape: tuple[int, ...], streams: Sequence[int]
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

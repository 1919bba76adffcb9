"""Trained members as Keras models from raw features to predictions, made of standard layers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tabular_dl.estimators.network_inputs import Inputs
from tabular_dl.nn import Network, Weights, plain_outputs
from tabular_dl.problems import Coding, Labels, Logarithms, Numbers

__all__ = ["whole_model"]


def whole_model(
    network: Network, weights: Weights, members: Sequence[int], inputs: Inputs, coding: Coding
) -> keras.Model:
    """Return the mean of some members as one Keras model that takes an estimator's own features.

    Parameters
    ----------
    network : Network
        The architecture.
    weights : dict of str to ndarray of shape (P, in, out)
        By name.
    members : sequence of int
        Which members.
    inputs : Inputs
        How features become inputs.
    coding : Coding
        What outputs mean.

    Returns
    -------
    keras.Model
        Input (rows, features), output (rows, units): probabilities, or numbers in units of the target. Saved as
        ``.keras``, it loads anywhere without this package.
    """
    features = keras.Input((inputs.features,), name="features")
    x = features if inputs.plain else _encoded(inputs, features)
    outputs = [plain_outputs(network, weights, member, x) for member in members]
    if isinstance(coding, Labels) and network.outputs > 1 and network.output_activation != "softmax":
        outputs = [_summing_to_one(output) for output in outputs]
    if isinstance(coding, Logarithms):
        # The mean is one of values, not of their logarithms.
        units = keras.layers.Rescaling(coding.scale.tolist(), coding.mean.tolist(), name="logarithm")
        exponential = keras.layers.Activation("exponential", name="exponential")
        minus_one = keras.layers.Rescaling(1.0, -1.0, name="units")
        outputs = [minus_one(exponential(units(output))) for output in outputs]
    mean = keras.layers.Average()(outputs) if len(outputs) > 1 else outputs[0]
    if isinstance(coding, Numbers) and not isinstance(coding, Logarithms):
        mean = keras.layers.Rescaling(coding.scale.tolist(), coding.mean.tolist(), name="units")(mean)
    return keras.Model(features, mean)


def _summing_to_one(outputs: Any) -> Any:
    """Turn outputs of their own for each class into probabilities; where all are zero, nothing is known."""
    total = keras.ops.sum(outputs, axis=-1, keepdims=True)
    none = keras.ops.cast(total <= 0, outputs.dtype)
    return (outputs + none / outputs.shape[-1]) / (total + none)


def _encoded(inputs: Inputs, features: Any) -> Any:
    """Put normalised numbers and codes in the order of the network's inputs."""
    parts = []
    if inputs.numeric:
        numbers = keras.ops.take(features, np.array(inputs.numeric), axis=1)
        if inputs.mean is not None:
            variance = np.square(np.asarray(inputs.scale))
            numbers = keras.layers.Normalization(mean=inputs.mean, variance=variance)(numbers)
        parts.append(numbers)
    for column, known in zip(inputs.categorical, inputs.categories, strict=True):
        values = keras.ops.cast(features[:, column : column + 1], "int64")
        # A token that no category is: by default -1 stands for the unknown, and may be a category.
        unknown = int(known[0]) - 1
        codes = keras.layers.IntegerLookup(vocabulary=known.tolist(), oov_token=unknown)(values)
        parts.append(keras.ops.cast(codes, "float32"))
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]

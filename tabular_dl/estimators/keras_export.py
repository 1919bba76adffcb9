"""Trained members as Keras models of standard layers, from features to predictions."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from tabular_dl.estimators.network_inputs import CLIPPED, Inputs
from tabular_dl.nn import Network, Weights, plain_outputs
from tabular_dl.problems import Coding, LabelColumns, Labels, Logarithms, Numbers

__all__ = ["export_model"]


def export_model(
    network: Network, weights: Weights, members: Sequence[int], inputs: Inputs, coding: Coding
) -> keras.Model:
    """Return one Keras model of an estimator's features, whose output is the mean of some members.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : dict of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.
    members : sequence of int
        Numbers of the members to average.
    inputs : Inputs
        Coding of features as inputs of the network.
    coding : Coding
        Target coding.

    Returns
    -------
    keras.Model
        Model with input (rows, features) and output (rows, units): probabilities, or numbers in units of the target.
        Saved as ``.keras``, it loads without this package.
    """
    features = keras.Input((inputs.features,), name="features")
    x = features if inputs.plain else _encoded(inputs, features)
    outputs = [plain_outputs(network, weights, member, x) for member in members]
    if isinstance(coding, Labels) and network.outputs > 1 and network.output_activation != "softmax":
        outputs = [_summing_to_one(output) for output in outputs]
    if isinstance(coding, LabelColumns):
        outputs = [_summing_by_target(output, coding) for output in outputs]
    if isinstance(coding, Logarithms):
        # Members are averaged in units of the target, not as logarithms.
        units = keras.layers.Rescaling(coding.scale.tolist(), coding.mean.tolist(), name="logarithm")
        exponential = keras.layers.Activation("exponential", name="exponential")
        minus_one = keras.layers.Rescaling(1.0, -1.0, name="units")
        outputs = [minus_one(exponential(units(output))) for output in outputs]
    mean = keras.layers.Average()(outputs) if len(outputs) > 1 else outputs[0]
    if isinstance(coding, Numbers) and not isinstance(coding, Logarithms):
        mean = keras.layers.Rescaling(coding.scale.tolist(), coding.mean.tolist(), name="units")(mean)
    return keras.Model(features, mean)


def _summing_to_one(outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return outputs of classes divided by their sum, as probabilities; equal ones if all outputs are zero."""
    total = keras.ops.sum(outputs, axis=-1, keepdims=True)
    all_zero = keras.ops.cast(total <= 0, outputs.dtype)
    return (outputs + all_zero / outputs.shape[-1]) / (total + all_zero)


def _summing_by_target(outputs: keras.KerasTensor, coding: LabelColumns) -> keras.KerasTensor:
    """Return outputs of the classes of several targets, divided by the sum of each target."""
    ends = np.cumsum([len(labels) for labels in coding.classes]).tolist()
    parts = [outputs[:, start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return keras.ops.concatenate([_summing_to_one(part) for part in parts], axis=-1)


def _encoded(inputs: Inputs, features: keras.KerasTensor) -> keras.KerasTensor:
    """Return normalised numbers and codes of categories in the order of the network's inputs."""
    parts = []
    if inputs.numeric:
        numbers = keras.ops.take(features, np.array(inputs.numeric), axis=1)
        if inputs.mean is not None:
            variance = np.square(np.asarray(inputs.scale))
            numbers = keras.layers.Normalization(mean=inputs.mean, variance=variance)(numbers)
        if inputs.clip:
            numbers = numbers / keras.ops.sqrt(1.0 + keras.ops.square(numbers / CLIPPED))
        parts.append(numbers)
    for column, known in zip(inputs.categorical, inputs.categories, strict=True):
        values = keras.ops.cast(features[:, column : column + 1], "int64")
        # The default token of unknown values is -1, which may be a category.
        unknown = int(known[0]) - 1
        codes = keras.layers.IntegerLookup(vocabulary=known.tolist(), oov_token=unknown)(values)
        parts.append(keras.ops.cast(codes, "float32"))
    return keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]

"""Passes of a network: outputs and predictions of all members, and of one member as Keras layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block, Joint, TrainingStep
from tabular_dl.nn.network import Network

__all__ = ["exported", "forward", "predictions", "walk"]


def walk(blocks: Sequence[Block], x: Any, apply: Callable[[Block, Any], Any]) -> Any:
    """Return the outputs of blocks that are applied to inputs one after another.

    Parameters
    ----------
    blocks : sequence of Block
        Blocks, in the order of the pass.
    x : Any
        Inputs.
    apply : callable
        Function of a block and its inputs that returns its outputs. The inputs of a `Joint` block are a pair: the
        outputs of the block before it, and those of the earlier block that it names.

    Returns
    -------
    Any
        Outputs of the last block.
    """
    outputs = {"inputs": x}
    for block in blocks:
        x = apply(block, (x, outputs[block.earlier]) if isinstance(block, Joint) else x)
        outputs[block.name] = x
    return x


def forward(
    network: Network, weights: Mapping[str, tf.Tensor], x: tf.Tensor, step: TrainingStep | None = None
) -> tf.Tensor:
    """Pass rows through all members.

    Parameters
    ----------
    network : Network
        Architecture.
    weights : mapping of str to Tensor of shape (P, in, out)
        Weights by the names of `Network.weights`.
    x : Tensor of shape (P or 1, rows, inputs)
        Inputs of each member, or inputs that all members share.
    step : TrainingStep, optional
        Arguments of a training pass; None for a prediction pass.

    Returns
    -------
    Tensor of shape (P, rows, outputs)
        Outputs before the output activation; of members that hold several networks, those of one network after those of
        another.
    """
    return walk(network.blocks, x, lambda block, inputs: block.forward(inputs, own_part(block, weights), step))


def own_part(block: Block, weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights of a block by their names within it, from the weights of all blocks."""
    return {name: weights[f"{block.name}.{name}"] for name in block.weights}


def predictions(network: Network, outputs: tf.Tensor) -> tf.Tensor:
    """Return predictions from outputs: after the output activation, averaged over the networks within a member.

    Parameters
    ----------
    network : Network
        Architecture.
    outputs : Tensor of shape (P, networks * rows, outputs)
        Outputs as `forward` returns them.

    Returns
    -------
    Tensor of shape (P, rows, outputs)
        Predictions.
    """
    return walk(network.ending, outputs, lambda block, x: block.forward(x, {}))


def exported(network: Network, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
    """Apply one member, including the output activation, as Keras layers.

    Parameters
    ----------
    network : Network
        Architecture.
    x : KerasTensor of shape (rows, inputs)
        Inputs of the member.

    Returns
    -------
    output : KerasTensor of shape (rows, outputs)
        Predictions.
    variables : dict of str to keras.Variable
        Variables of the layers by the names of `Network.weights`, to be assigned their values.
    """
    variables: dict[str, keras.Variable] = {}

    def apply(block: Block, inputs: Any) -> keras.KerasTensor:
        output, block_variables = block.export(inputs)
        variables.update({f"{block.name}.{name}": variable for name, variable in block_variables.items()})
        return output

    return walk((*network.blocks, *network.ending), x, apply), variables

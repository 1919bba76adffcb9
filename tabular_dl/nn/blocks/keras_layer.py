"""Keras layer of one member's block, for blocks that no standard layer computes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from tabular_dl.nn.blocks.base import Block

__all__ = ["BlockLayer", "LayerBlock", "apply_as_layer"]


def _all_kinds(kind: type[Block]) -> list[type[Block]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _all_kinds(child))]


@keras.saving.register_keras_serializable("tabular_dl")
class BlockLayer(keras.layers.Layer):
    """Prediction pass of a block of one member, as a Keras layer.

    A model with such layers loads where `tabular_dl` is installed, without ``safe_mode=False``: the file names a block
    and its settings, no code.

    Parameters
    ----------
    kind : str
        Name of the block's class.
    settings : dict
        Parameters of the block.
    **kwargs
        Arguments of `keras.layers.Layer`.

    Raises
    ------
    ValueError
        If there is no such block.
    """

    def __init__(self, kind: str, settings: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        kinds = {found.__name__: found for found in _all_kinds(Block)[1:]}  # type: ignore[type-abstract]
        if kind not in kinds:
            raise ValueError(f"There is no block {kind!r}; this version of tabular_dl has {', '.join(sorted(kinds))}.")
        self.kind, self.settings = kind, settings
        # Tuples are lists in files.
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        self.block = kinds[kind](**values)
        self.values: dict[str, keras.Variable] = {}

    def build(self, input_shape: Any) -> None:
        """Create the weights of the block."""
        del input_shape
        self.values = {
            name: self.add_weight(shape=(weight.inputs, weight.outputs), name=name, trainable=weight.trained)
            for name, weight in self.block.weights.items()
        }

    def call(self, x: tf.Tensor | list[tf.Tensor]) -> tf.Tensor:
        """Return the outputs of the block, (rows, features)."""
        inputs = [part[None] for part in x] if isinstance(x, list | tuple) else x[None]
        dtype = inputs[0].dtype if isinstance(inputs, list) else inputs.dtype
        weights = {name: tf.cast(variable.value, dtype)[None] for name, variable in self.values.items()}
        return self.block.forward(inputs, weights)[0]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return the number of rows, which is not known, and of features."""
        shape = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        return None, self.block.output_features(int(shape[-1]))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "kind": self.kind, "settings": self.settings}


def apply_as_layer(
    block: Block, x: keras.KerasTensor | list[keras.KerasTensor]
) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
    """Apply a block as a `BlockLayer`.

    Parameters
    ----------
    block : Block
        Block, a frozen dataclass.
    x : KerasTensor of shape (rows, features), or list of them
        Inputs of the block.

    Returns
    -------
    output : KerasTensor of shape (rows, features)
        Outputs of the block.
    variables : dict of str to keras.Variable
        Variables of the layer by the names of the block's weights.
    """
    layer = BlockLayer(type(block).__name__, asdict(block))  # type: ignore[call-overload]
    return layer(x), layer.values


class LayerBlock(Block):
    """Block that is exported as a `BlockLayer`, as Keras has no layer for it."""

    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply the block as a Keras layer."""
        return apply_as_layer(self, x)

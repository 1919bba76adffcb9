"""The interface of a block, and what its passes are given.

Every weight is stacked: it has the axes ``(member, in, out)``, also where one of them has length 1, so a bias is
``(member, 1, out)``. Whatever belongs to a member (a rate, a mask, a step count) has the shape ``(member, 1, 1)`` and
meets every weight by plain broadcasting. Activations are ``(member, row, feature)``. No operation mixes two members.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from tabular_dl.nn.members import Members

__all__ = ["Block", "OwnInputs", "TrainingStep", "Weight"]


@dataclass(frozen=True)
class Weight:
    """A stacked weight of a block.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the two axes beside the member axis.
    trained : bool
        Whether the optimizer moves it; otherwise the block itself does.
    penalised : bool
        Whether L1 and L2 count it.
    """

    inputs: int
    outputs: int
    trained: bool = True
    penalised: bool = False


@dataclass(frozen=True)
class OwnInputs:
    """The inputs that a member has, where other members of its population have more.

    Parameters
    ----------
    numeric : int
        Number of leading numeric inputs; those behind them are zero.
    categories : tuple of int
        Number of categories of each embedding, the unknown one included.
    """

    numeric: int
    categories: tuple[int, ...] = ()


@dataclass
class TrainingStep:
    """A training pass: what it needs beside inputs and weights, and what it leaves.

    Parameters
    ----------
    steps : Tensor of shape (P, 1, 1), uint32
        Number of updates that each member has had.
    seeds : Tensor of shape (P, 1, 1), uint32
        The members' seeds of random numbers.
    settings : mapping of str to Tensor of shape (P, 1, 1)
        Settings of blocks by name, such as ``"dropout_0.rate"``.
    counted : Tensor of shape (P, rows, 1)
        1 for rows that count in batch statistics, 0 for rows that fill up a batch.
    live : Tensor of shape (P, 1, 1), bool
        Whether a member's moving averages may change.
    updates : dict of str to Tensor
        New values of weights that the optimizer does not move, by name.
    """

    steps: tf.Tensor
    seeds: tf.Tensor
    settings: Mapping[str, tf.Tensor]
    counted: tf.Tensor
    live: tf.Tensor
    updates: dict[str, tf.Tensor] = field(default_factory=dict)


class Block(ABC):
    """A part of a network, for all members of a population.

    A block has no state: weights and settings are handed in by name. A new kind of block is a subclass in a file of its
    own and a line in `tabular_dl.nn.network.Network.blocks`.

    Attributes
    ----------
    name : str
        Unique in its network; the weight ``kernel`` of the block ``dense_0`` is ``dense_0.kernel`` to all others.
    """

    name: str

    @property
    def weights(self) -> Mapping[str, Weight]:
        """The block's weights by their names within it; none by default."""
        return {}

    def own_rows(self, inputs: OwnInputs) -> Mapping[str, np.ndarray]:
        """Return the rows of each weight that belong to a member; a weight that is not named belongs to it whole."""
        del inputs
        return {}

    def draw(self, weight: str, rows: int, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw initial weights of members that have so many rows of a weight.

        Parameters
        ----------
        weight : str
            The weight's name within the block.
        rows : int
            Number of rows, at most the weight's ``inputs``.
        seeds : sequence of int
            A member's seed for each array to draw.

        Returns
        -------
        sequence of ndarray of shape (rows, outputs)
            Each depends on its own seed alone.
        """
        del rows, seeds
        raise LookupError(f"{type(self).__name__} has no weight {weight!r}")

    def settings(self, members: Members) -> Mapping[str, np.ndarray]:
        """Return the members' settings of this block by their names within it, each of shape (P,); none by default."""
        del members
        return {}

    @abstractmethod
    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Pass activations of all members through the block.

        Parameters
        ----------
        x : Tensor of shape (P or 1, rows, features)
            The activations that come in.
        weights : mapping of str to Tensor of shape (P, in, out)
            By their names within the block.
        step : TrainingStep, optional
            Makes this a training pass; None is prediction.

        Returns
        -------
        Tensor of shape (P or 1, rows, features)
        """

    @abstractmethod
    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply the prediction pass of one member as standard Keras layers.

        Parameters
        ----------
        x : KerasTensor of shape (rows, features)
            The activations that come in.

        Returns
        -------
        output : KerasTensor of shape (rows, features)
        variables : dict of str to keras.Variable
            The layers' variables by the names of the block's weights, whose values they take.
        """

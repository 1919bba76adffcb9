"""Interface of blocks, and the arguments of their passes.

Every weight is stacked along the axes ``(member, in, out)``, even if one of them has length 1: a bias is
``(member, 1, out)``. Values of a member (rate, mask, step count) have the shape ``(member, 1, 1)`` and broadcast to
every weight. Activations are ``(member, row, feature)``. No operation mixes two members.
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
    """Stacked weight of a block.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the two axes after the member axis.
    trained : bool, default=True
        Whether the optimizer updates the weight; if False, the block does.
    penalised : bool, default=False
        Whether the L1 and L2 penalties include the weight.
    """

    inputs: int
    outputs: int
    trained: bool = True
    penalised: bool = False


@dataclass(frozen=True)
class OwnInputs:
    """Inputs of a member whose population may have more.

    Parameters
    ----------
    numeric : int
        Number of leading numeric inputs; the numeric inputs after them are zero.
    categories : tuple of int
        Number of categories of each embedding, including the unknown category.
    """

    numeric: int
    categories: tuple[int, ...] = ()


@dataclass
class TrainingStep:
    """Arguments and results of a training pass, beside inputs, weights and outputs.

    Parameters
    ----------
    steps : Tensor of shape (P, 1, 1), uint32
        Number of updates of each member so far.
    seeds : Tensor of shape (P, 1, 1), uint32
        Seed of each member's random numbers.
    settings : mapping of str to Tensor of shape (P, 1, 1)
        Settings of blocks by name, such as ``"dropout_0.rate"``.
    counted : Tensor of shape (P, rows, 1)
        1 for rows that batch statistics include, 0 for rows that only fill up a batch.
    live : Tensor of shape (P, 1, 1), bool
        Whether a member's moving averages may change.
    updates : dict of str to Tensor
        New values of weights that the optimizer does not update, by name; filled by the blocks.
    """

    steps: tf.Tensor
    seeds: tf.Tensor
    settings: Mapping[str, tf.Tensor]
    counted: tf.Tensor
    live: tf.Tensor
    updates: dict[str, tf.Tensor] = field(default_factory=dict)


class Block(ABC):
    """Part of a network, for all members of a population.

    A block has no state: it receives weights and settings by name. To add a type of block, add a subclass in a file of
    its own and a line in `tabular_dl.nn.network.Network.blocks`.

    Attributes
    ----------
    name : str
        Name, unique in the network; outside the block, the weight ``kernel`` of ``dense_0`` is ``dense_0.kernel``.
    """

    name: str

    @property
    def weights(self) -> Mapping[str, Weight]:
        """Weights of the block by their names within it; none by default."""
        return {}

    def own_rows(self, inputs: OwnInputs) -> Mapping[str, np.ndarray]:
        """Return the row numbers of each weight that a member uses.

        Parameters
        ----------
        inputs : OwnInputs
            Inputs of the member.

        Returns
        -------
        mapping of str to ndarray of int
            By the weights' names within the block; a member uses all rows of a weight that is missing here.
        """
        del inputs
        return {}

    def draw(self, weight: str, rows: int, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw initial weights of members that use the same number of rows of a weight.

        Parameters
        ----------
        weight : str
            Name of the weight within the block.
        rows : int
            Number of rows, at most the weight's ``inputs``.
        seeds : sequence of int
            Seed of each array: that of a member.

        Returns
        -------
        sequence of ndarray of shape (rows, outputs)
            One array per seed, which depends on that seed alone.

        Raises
        ------
        LookupError
            If the block has no weights.
        """
        del rows, seeds
        raise LookupError(f"{type(self).__name__} has no weight {weight!r}")

    def settings(self, members: Members) -> Mapping[str, np.ndarray]:
        """Return the members' settings of this block; none by default.

        Parameters
        ----------
        members : Members
            Settings of all members.

        Returns
        -------
        mapping of str to ndarray of shape (P,)
            By the settings' names within the block.
        """
        del members
        return {}

    @abstractmethod
    def forward(self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], step: TrainingStep | None = None) -> tf.Tensor:
        """Pass activations of all members through the block.

        Parameters
        ----------
        x : Tensor of shape (P or 1, rows, features)
            Inputs of the block.
        weights : mapping of str to Tensor of shape (P, in, out)
            Weights by their names within the block.
        step : TrainingStep, optional
            Arguments of a training pass; None for a prediction pass.

        Returns
        -------
        Tensor of shape (P or 1, rows, features)
            Outputs of the block.
        """

    @abstractmethod
    def export(self, x: keras.KerasTensor) -> tuple[keras.KerasTensor, dict[str, keras.Variable]]:
        """Apply the prediction pass of one member as standard Keras layers.

        Parameters
        ----------
        x : KerasTensor of shape (rows, features)
            Inputs of the block.

        Returns
        -------
        output : KerasTensor of shape (rows, features)
            Outputs of the block.
        variables : dict of str to keras.Variable
            Variables of the layers by the names of the block's weights, to be assigned their values.
        """

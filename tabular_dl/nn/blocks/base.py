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

from tabular_dl.nn.choices import WeightGroup
from tabular_dl.nn.members import Members

__all__ = ["Block", "Joint", "OwnInputs", "TrainingStep", "Weight"]


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
    group : str, default="hidden"
        Group of weights with a factor of its own for the learning rate and for weight decay.
    """

    inputs: int
    outputs: int
    trained: bool = True
    penalised: bool = False
    group: WeightGroup = "hidden"


@dataclass(frozen=True)
class OwnInputs:
    """Inputs of a member whose population may have more.

    Parameters
    ----------
    numeric : int
        Number of numeric inputs.
    categories : tuple of int
        Number of categories of each embedding, including the unknown category.
    continuous : int, default=0
        Number of the numeric inputs that have an embedding; they come first.

    Examples
    --------
    >>> OwnInputs(3, continuous=2).columns(4).tolist()
    [0, 1, 4]
    """

    numeric: int
    categories: tuple[int, ...] = ()
    continuous: int = 0

    def columns(self, continuous: int, length: int = 1) -> np.ndarray:
        """Return the member's columns among the numeric inputs of a population; the others are zero.

        Parameters
        ----------
        continuous : int
            Number of leading inputs of the population that have an embedding.
        length : int, default=1
            Number of columns of each of them.

        Returns
        -------
        ndarray of int
            Numbers of columns.
        """
        others = self.numeric - self.continuous
        return np.concatenate([np.arange(self.continuous * length), continuous * length + np.arange(others)])


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
    progress : Tensor of shape (P, 1, 1)
        Share of each member's planned updates that is done, for schedules.
    updates : dict of str to Tensor
        New values of weights that the optimizer does not update, by name; filled by the blocks.
    """

    steps: tf.Tensor
    seeds: tf.Tensor
    settings: Mapping[str, tf.Tensor]
    counted: tf.Tensor
    live: tf.Tensor
    progress: tf.Tensor
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
    def learns(self) -> bool:
        """Whether initial weights are learned from training rows (`learn`); False by default."""
        return False

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

    def draw(self, weight: str, rows: np.ndarray, seeds: Sequence[int]) -> Sequence[np.ndarray]:
        """Draw initial weights of members that use the same rows of a weight.

        Parameters
        ----------
        weight : str
            Name of the weight within the block.
        rows : ndarray of int
            Numbers of the rows.
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

    def learn(
        self, x: tf.Tensor, weights: Mapping[str, tf.Tensor], seeds: Sequence[int]
    ) -> Mapping[str, tf.Tensor | np.ndarray]:
        """Return initial weights that are learned from training rows, in place of drawn ones; none by default.

        Parameters
        ----------
        x : Tensor of shape (P, rows, features)
            Inputs of the block: training rows of each member, passed through the blocks before.
        weights : mapping of str to Tensor of shape (P, in, out)
            Drawn weights by their names within the block.
        seeds : sequence of int, length P
            Seed of each member.

        Returns
        -------
        mapping of str to Tensor or ndarray of shape (P, in, out)
            Weights by their names within the block.
        """
        del x, weights, seeds
        return {}

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

    def output_features(self, features: int) -> int:
        """Return the number of output features for a number of input features; the same by default."""
        return features

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


class Joint(Block):
    """Block that joins its inputs with the outputs of an earlier block: its ``x`` is the pair of both.

    Attributes
    ----------
    earlier : str
        Name of the earlier block; "inputs" for the inputs of the network.
    """

    earlier: str

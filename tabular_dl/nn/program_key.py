"""Key of a compiled program: the shapes and settings that it is compiled for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tabular_dl.nn.choices import Device, Schedule
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network

__all__ = ["ProgramKey"]


@dataclass(frozen=True)
class ProgramKey:
    """Shapes and settings that a program is compiled for.

    Parameters
    ----------
    network : Network
        Architecture.
    members : int
        Number of members, P.
    loss, loss_settings, metrics, optimizer, optimizer_settings, schedule
        As in `Training`.
    weight_decay_schedule, label_smoothing_schedule
        As in `Training`.
    shapes : tuple
        Shapes of the table's blocks and of the batches; empty without XLA, whose programs take any.
    uses : frozenset of str
        Names of the members' settings that the program computes; "rate_factors" if weights have rates of their own;
        "starts" if it copies weights at the start of epochs; "unknown_targets" if rows may lack targets.
    xla : bool
        Whether XLA compiles the steps.
    device : {"cpu", "gpu"}
        Device of the variables and of the steps.
    """

    network: Network
    members: int
    loss: str | Callable[..., Any]
    loss_settings: tuple[tuple[str, float], ...]
    metrics: tuple[str, ...]
    optimizer: str
    optimizer_settings: tuple[tuple[str, Any], ...]
    schedule: Schedule
    weight_decay_schedule: Schedule
    label_smoothing_schedule: Schedule
    shapes: tuple[Any, ...]
    uses: frozenset[str]
    xla: bool
    device: Device

    @classmethod
    def of(
        cls, network: Network, members: Members, training: Training, shapes: tuple[Any, ...], xla: bool
    ) -> ProgramKey:
        """Return the key of a training.

        Parameters
        ----------
        network : Network
            Architecture.
        members : Members
            Settings of each member.
        training : Training
            Settings that all members share.
        shapes : tuple
            Shapes of the table's blocks and of the batches.
        xla : bool
            Whether XLA compiles the steps.

        Returns
        -------
        ProgramKey
            The key.
        """
        unused = {"l1": 0.0, "l2": 0.0, "label_smoothing": 0.0, "mixup": 0.0, "clip_norm": np.inf}
        uses = frozenset(name for name, value in unused.items() if np.any(getattr(members, name) != value))
        if members.weight_decay is not None:
            uses |= {"weight_decay"}
        if training.rate_factors or training.decay_factors or training.parametrization != "standard":
            uses |= {"rate_factors"}
        if not members.held_out:
            uses |= {"starts"}
        if training.unknown_targets:
            uses |= {"unknown_targets"}
        shared = (
            training.loss,
            training.loss_settings,
            training.metrics,
            training.optimizer,
            training.optimizer_settings,
            training.schedule,
            training.weight_decay_schedule,
            training.label_smoothing_schedule,
        )
        return cls(network, len(members), *shared, shapes, uses, xla, training.device)

    @property
    def label(self) -> str:
        """Text that is the same in every process for equal keys."""
        return repr([sorted(value) if isinstance(value, frozenset) else value for value in vars(self).values()])

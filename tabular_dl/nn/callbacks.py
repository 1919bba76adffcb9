"""What happens between epochs besides training: Keras callbacks, and Ctrl-C that waits for the epoch under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tabular_dl.nn.inference import ensemble_model, set_plain_weights
from tabular_dl.nn.network import Network

__all__ = ["EpochCallbacks", "Interrupt", "interrupt_after_epoch"]


class EpochCallbacks:
    """Keras callbacks at the boundaries of epochs.

    ``callback.model`` is the mean of all members as a plain Keras model, with the weights of the epoch; ``logs`` holds
    the means over the members that trained, under Keras's names. There are no batch events: an epoch is one program.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Used as they are; nothing is added to them.
    network : Network
        The architecture.
    weights : list of ndarray of shape (P, in, out)
        The initial weights.
    epochs : int
        As planned.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        network: Network,
        weights: Sequence[np.ndarray],
        epochs: int,
    ) -> None:
        self.callbacks = list(callbacks)
        if not self.callbacks:
            return
        self.model, self.members = ensemble_model(network, weights)
        self.model.stop_training = False
        self.model.optimizer = None  # callbacks look whether there is a learning rate to log
        for callback in self.callbacks:
            callback.set_params({"epochs": epochs, "verbose": 0})
            callback.set_model(self.model)
        self._tell("on_train_begin")

    def begin(self, epoch: int) -> None:
        """Tell that an epoch, counted from 1, begins; Keras counts from 0."""
        self._tell("on_epoch_begin", epoch - 1)

    def end(self, epoch: int, figures: dict[str, np.ndarray], weights: Any) -> bool:
        """Tell that an epoch has ended; return whether a callback wants to stop.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        figures : dict of str to ndarray of shape (P,)
            NaN for members that had stopped.
        weights : callable
            Returns the members' weights; asked only if there are callbacks.
        """
        if not self.callbacks:
            return False
        present = weights()
        for number, member in enumerate(self.members):
            set_plain_weights(member, present, number)
        logs = {name: float(np.nanmean(values)) for name, values in figures.items() if np.isfinite(values).any()}
        self._tell("on_epoch_end", epoch - 1, logs)
        return bool(self.model.stop_training)

    def finish(self) -> None:
        """Tell that training has ended."""
        self._tell("on_train_end")

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)


class Interrupt:
    """Whether Ctrl-C was pressed."""

    asked = False


@contextmanager
def interrupt_after_epoch() -> Iterator[Interrupt]:
    """Let the first Ctrl-C end training after the epoch under way; a second one interrupts as usual."""
    interrupt = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    # Signals reach the main thread alone, and a handler that was not set from Python could not be set again.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield interrupt
        return

    def ask(number: int, frame: Any) -> None:
        del number, frame
        interrupt.asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)

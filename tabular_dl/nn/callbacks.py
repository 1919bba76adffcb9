"""Keras callbacks between epochs, and Ctrl-C that waits for the epoch under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import keras
import numpy as np

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.nn.inference import ensemble_model
from tabular_dl.nn.network import Network, Weights

__all__ = ["EpochCallbacks", "Interrupt", "interrupt_after_epoch", "make_callbacks"]


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
    weights : dict of str to ndarray of shape (P, in, out)
        The initial weights.
    epochs : int
        As planned.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        network: Network,
        weights: Weights,
        epochs: int,
    ) -> None:
        self.callbacks = list(callbacks)
        if not self.callbacks:
            return
        self.ensemble = ensemble_model(network, weights)
        self.model, self.members = self.ensemble.model, self.ensemble.members
        self.model.stop_training = False
        self.model.optimizer = None  # callbacks look whether there is a learning rate to log
        for callback in self.callbacks:
            callback.set_params({"epochs": epochs, "verbose": 0})
            callback.set_model(self.model)
        self._notify("on_train_begin")

    def begin(self, epoch: int) -> None:
        """Notify the callbacks that an epoch, counted from 1, begins; Keras counts from 0."""
        self._notify("on_epoch_begin", epoch - 1)

    def end(self, epoch: int, figures: dict[str, np.ndarray], weights: Callable[[], Weights]) -> bool:
        """Notify the callbacks that an epoch has ended, and return whether one of them wants to stop.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        figures : dict of str to ndarray of shape (P,)
            NaN for members that had stopped.
        weights : callable
            Returns the members' weights; called only if there are callbacks.
        """
        if not self.callbacks:
            return False
        self.ensemble.assign(weights())
        for callback in self.callbacks:
            if hasattr(callback, "on_members_epoch_end"):
                callback.on_members_epoch_end(epoch - 1, figures, self.members)
        logs = {name: float(np.nanmean(values)) for name, values in figures.items() if np.isfinite(values).any()}
        self._notify("on_epoch_end", epoch - 1, logs)
        return bool(self.model.stop_training)

    def finish(self) -> None:
        """Notify the callbacks that training has ended."""
        self._notify("on_train_end")

    def _notify(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)


# Callbacks that would act on all members at once, and the setting that does their work for each member.
_REPLACED = {
    "EarlyStopping": "early_stopping",
    "ReduceLROnPlateau": "reduce_lr",
    "LearningRateScheduler": "schedule",
    "TerminateOnNaN": "nothing: a network that diverges is stopped by itself",
    "History": "history_",
    "ProgbarLogger": "verbose",
    "BackupAndRestore": "nothing: a fit cannot be taken up again",
}


def make_callbacks(wanted: Sequence[Any] | None) -> list[keras.callbacks.Callback]:
    """Make Keras callbacks from a user's list.

    Parameters
    ----------
    wanted : sequence or None
        Callbacks, of which copies are made; names of Keras's callbacks; or ``{name: {argument: value}}``.

    Raises
    ------
    SpecError
        If there is no such callback, or it does not take such arguments.

    Examples
    --------
    >>> [type(callback).__name__ for callback in make_callbacks([{"CSVLogger": {"filename": "log.csv"}}])]
    ['CSVLogger']
    """
    return [_make_callback(one) for one in wanted or ()]


def _make_callback(wanted: Any) -> keras.callbacks.Callback:
    if isinstance(wanted, keras.callbacks.Callback):
        name, arguments = type(wanted).__name__, None
    elif isinstance(wanted, str):
        name, arguments = wanted, None
    elif isinstance(wanted, Mapping) and len(wanted) == 1:
        name, arguments = next(iter(wanted.items()))
    else:
        raise SpecError(
            f"callbacks: expected a callback, its name, or {{name: {{argument: value}}}}; found {wanted!r}."
        )
    kind = type(wanted) if isinstance(wanted, keras.callbacks.Callback) else getattr(keras.callbacks, str(name), None)
    for refused, instead in _REPLACED.items():
        # A subclass stops or steers all members as well.
        if isinstance(kind, type) and issubclass(kind, getattr(keras.callbacks, refused)):
            raise SpecError(f"callbacks: {name} would act on all members at once; use {instead}.")
    if isinstance(wanted, keras.callbacks.Callback):
        return deepcopy(wanted)
    known = {
        key
        for key, value in vars(keras.callbacks).items()
        if isinstance(value, type) and key not in (*_REPLACED, "Callback")
    }
    if name not in known:
        raise SpecError(f"callbacks: Keras has no callback {name!r}. {did_you_mean(str(name), known)}")
    try:
        return getattr(keras.callbacks, name)(**(arguments or {}))
    except (TypeError, ValueError) as error:
        raise SpecError(f"callbacks: {name} does not take {arguments!r}: {error}") from None


class Interrupt:
    """Whether Ctrl-C was pressed."""

    requested = False


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
        interrupt.requested = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)

"""Keras callbacks between epochs, and Ctrl-C that waits for the end of the epoch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from types import FrameType
from typing import Any

import keras
import numpy as np

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.nn.choices import REPLACED_CALLBACKS
from tabular_dl.nn.inference import ensemble_model
from tabular_dl.nn.network import Network, Weights

__all__ = ["EpochCallbacks", "Interrupt", "interrupt_after_epoch", "make_callbacks"]


class EpochCallbacks:
    """Calls of Keras callbacks at the boundaries of epochs.

    ``callback.model`` is the mean of all members as a plain Keras model, with the weights of the epoch; ``logs`` holds
    means over the members that trained, under Keras's names. There are no batch events: an epoch is one program.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Callbacks to call; none is added.
    network : Network
        Architecture.
    weights : dict of str to ndarray of shape (P, in, out)
        Initial weights.
    epochs : int
        Planned number of epochs.
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
        self.model.optimizer = None  # callbacks read it to log its learning rate, if there is one
        for callback in self.callbacks:
            callback.set_params({"epochs": epochs, "verbose": 0})
            callback.set_model(self.model)
        self._notify("on_train_begin")

    def begin(self, epoch: int) -> None:
        """Notify the callbacks of the beginning of an epoch, counted from 1; Keras counts from 0."""
        self._notify("on_epoch_begin", epoch - 1)

    def end(self, epoch: int, figures: dict[str, np.ndarray], weights: Callable[[], Weights]) -> bool:
        """Notify the callbacks of the end of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 1.
        figures : dict of str to ndarray of shape (P,)
            Losses and metrics of the epoch; NaN for members that had stopped.
        weights : callable
            Function that returns the members' weights; called only if there are callbacks.

        Returns
        -------
        bool
            Whether a callback has requested to stop.
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
        """Notify the callbacks of the end of training."""
        self._notify("on_train_end")

    def _notify(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)


def make_callbacks(callbacks: Sequence[Any] | None) -> list[keras.callbacks.Callback]:
    """Return Keras callbacks from a user's list.

    Parameters
    ----------
    callbacks : sequence or None
        Callbacks, which are copied; names of Keras's callbacks; or ``{name: {argument: value}}``.

    Returns
    -------
    list of keras.callbacks.Callback
        One callback per item.

    Raises
    ------
    SpecError
        If there is no such callback, its arguments are wrong, or it would act on all members at once.

    Examples
    --------
    >>> [type(callback).__name__ for callback in make_callbacks([{"CSVLogger": {"filename": "log.csv"}}])]
    ['CSVLogger']
    """
    return [_make_callback(item) for item in callbacks or ()]


def _make_callback(item: object) -> keras.callbacks.Callback:
    if isinstance(item, keras.callbacks.Callback):
        name, arguments = type(item).__name__, None
    elif isinstance(item, str):
        name, arguments = item, None
    elif isinstance(item, Mapping) and len(item) == 1:
        name, arguments = next(iter(item.items()))
    else:
        raise SpecError(f"callbacks: expected a callback, its name, or {{name: {{argument: value}}}}; found {item!r}.")
    callback_class = (
        type(item) if isinstance(item, keras.callbacks.Callback) else getattr(keras.callbacks, str(name), None)
    )
    for replaced, setting in REPLACED_CALLBACKS.items():
        # Subclasses act on all members as well.
        if isinstance(callback_class, type) and issubclass(callback_class, getattr(keras.callbacks, replaced)):
            raise SpecError(f"callbacks: {name} would act on all members at once; use {setting}.")
    if isinstance(item, keras.callbacks.Callback):
        return deepcopy(item)
    names = {
        key
        for key, value in vars(keras.callbacks).items()
        if isinstance(value, type) and key not in (*REPLACED_CALLBACKS, "Callback")
    }
    if name not in names:
        raise SpecError(f"callbacks: Keras has no callback {name!r}. {did_you_mean(str(name), names)}")
    try:
        return getattr(keras.callbacks, name)(**(arguments or {}))
    except (TypeError, ValueError) as error:
        raise SpecError(f"callbacks: {name} does not take {arguments!r}: {error}") from None


class Interrupt:
    """State of an interruption: ``requested`` is whether Ctrl-C was pressed."""

    requested = False


@contextmanager
def interrupt_after_epoch() -> Iterator[Interrupt]:
    """Make the first Ctrl-C request an end after the current epoch; a second one interrupts as usual.

    Yields
    ------
    Interrupt
        Object that holds whether Ctrl-C was pressed.
    """
    interrupt = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread can handle signals, and a handler that was not set from Python cannot be restored.
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield interrupt
        return

    def request(number: int, frame: FrameType | None) -> None:
        del number, frame
        interrupt.requested = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, request)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)

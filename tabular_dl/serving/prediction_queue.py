"""Queue of requests that arrive during a prediction and are then predicted together.

A prediction of one row takes nearly as long as one of a hundred, because most of the time is overhead of the libraries.
The prediction of a row does not depend on other rows, so requests can share a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from tabular_dl.serving.request_rows import Columns, as_frame

__all__ = ["PredictionQueue"]

ROWS_A_CALL = 1024  # a larger request has a call of its own


class PredictionQueue:
    """Predictions in a thread, so that the event loop can answer other requests meanwhile.

    Parameters
    ----------
    predict : callable
        Function from a DataFrame of rows to an array with as many predictions.
    """

    def __init__(self, predict: Callable[[pd.DataFrame], np.ndarray]) -> None:
        self._call = predict
        self._waiting: list[tuple[Columns, asyncio.Future[np.ndarray]]] = []
        self._thread = ThreadPoolExecutor(1, "predictions")
        self._task: asyncio.Task[None] | None = None

    async def predict(self, columns: Columns) -> np.ndarray:
        """Return the predictions of one request's rows.

        Parameters
        ----------
        columns : dict of str to list
            Values by column; all requests have the same columns.

        Returns
        -------
        ndarray of shape (rows, ...)
            Predictions.

        Raises
        ------
        Exception
            The error of predicting these rows alone.
        """
        result: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()
        self._waiting.append((columns, result))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await result

    def close(self) -> None:
        """Wait for the call under way, and end the thread."""
        self._thread.shutdown()

    async def _work(self) -> None:
        """Predict until no request waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next_batch()
            outcomes = await loop.run_in_executor(self._thread, self._predict, [columns for columns, _ in batch])
            for (_, result), outcome in zip(batch, outcomes, strict=True):
                if result.done():  # the client has disconnected
                    continue
                if isinstance(outcome, Exception):
                    result.set_exception(outcome)
                else:
                    result.set_result(outcome)
        self._task = None

    def _next_batch(self) -> list[tuple[Columns, asyncio.Future[np.ndarray]]]:
        """Take the first requests that wait, up to `ROWS_A_CALL` rows, and at least one."""
        self._waiting = [(columns, result) for columns, result in self._waiting if not result.done()]
        rows = np.cumsum([_rows(columns) for columns, _ in self._waiting])
        taken = max(1, int(np.searchsorted(rows, ROWS_A_CALL, side="right")))
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _predict(self, requests: Sequence[Columns]) -> list[np.ndarray | Exception]:
        """Return each request's predictions or error. If the rows of one are refused, each is predicted alone."""
        if len(requests) > 1:
            joined = {name: [value for columns in requests for value in columns[name]] for name in requests[0]}
            outcome = self._outcome(joined)
            if not isinstance(outcome, Exception):
                return [*np.split(outcome, np.cumsum([_rows(columns) for columns in requests])[:-1])]
        return [self._outcome(columns) for columns in requests]

    def _outcome(self, columns: Columns) -> np.ndarray | Exception:
        try:
            return self._call(as_frame(columns))
        except Exception as error:  # noqa: BLE001 (raised again where the request is answered)
            return error


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))

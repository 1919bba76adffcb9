"""Requests that arrive together are predicted together, and an invalid one does not affect the others."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.serving import prediction_queue
from tabular_dl.serving.prediction_queue import PredictionQueue
from tabular_dl.serving.request_rows import Columns


def outcomes(requests: list[Columns], sizes: list[int] | None = None, cancelled: tuple[int, ...] = ()) -> list[Any]:
    """Return predictions or errors of requests that arrive while the first is predicted; note the sizes of calls."""
    started, go_on = threading.Event(), threading.Event()

    def predict(rows: pd.DataFrame) -> np.ndarray:
        started.set()
        assert go_on.wait(60)
        if sizes is not None:
            sizes.append(len(rows))
        if rows["a"].dtype == object:
            raise ValueError(f"text in one of {len(rows)} rows")
        return np.column_stack([rows["a"], -rows["a"]])

    async def all_of_them() -> list[Any]:
        queue = PredictionQueue(predict)
        first = asyncio.create_task(queue.predict(requests[0]))
        assert await asyncio.to_thread(started.wait, 60)
        others = [asyncio.create_task(queue.predict(columns)) for columns in requests[1:]]
        await asyncio.sleep(0)
        for number in cancelled:
            others[number - 1].cancel()
        go_on.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
        queue.close()
        return answers

    return asyncio.run(all_of_them())


def test_requests_that_wait_share_a_call_and_each_gets_its_own_rows() -> None:
    sizes: list[int] = []
    answers = outcomes([{"a": [1]}, {"a": [2, None]}, {"a": [3]}, {"a": [4.5, 5, 6]}], sizes)
    assert sizes == [1, 6]
    np.testing.assert_array_equal(answers[0], [[1, -1]])
    np.testing.assert_array_equal(answers[1], [[2, -2], [np.nan, np.nan]])
    np.testing.assert_array_equal(answers[2], [[3, -3]])
    np.testing.assert_array_equal(answers[3], [[4.5, -4.5], [5, -5], [6, -6]])


def test_a_faulty_request_is_refused_alone() -> None:
    answers = outcomes([{"a": [1]}, {"a": [2]}, {"a": ["x", 1]}, {"a": [3]}])
    assert [values.tolist() for values in (answers[0], answers[1], answers[3])] == [[[1, -1]], [[2, -2]], [[3, -3]]]
    assert str(answers[2]) == "text in one of 2 rows"


def test_a_client_that_goes_away_is_not_waited_for() -> None:
    sizes: list[int] = []
    answers = outcomes([{"a": [1]}, {"a": [2]}, {"a": [3]}], sizes, cancelled=(1,))
    assert isinstance(answers[1], asyncio.CancelledError)
    assert answers[2].tolist() == [[3, -3]]
    assert sizes == [1, 1]


def test_a_call_has_so_many_rows_at_most_unless_one_request_has_more() -> None:
    most = prediction_queue.ROWS_A_CALL
    sizes: list[int] = []
    answers = outcomes([{"a": [0]}, {"a": [1] * (most + 5)}, {"a": [2] * most}, {"a": [3]}], sizes)
    assert sizes == [1, most + 5, most, 1]
    assert [len(values) for values in answers] == [1, most + 5, most, 1]

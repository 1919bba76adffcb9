"""Rows of a request, in every format; any other body is refused with a message that says what to send."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.serving.request_rows import RequestError, as_frame, check_size, read_request

JSON = "application/json"
WANTED = {"Age": [22, None, 1.5], "Name": ["Ed", "Éva", None]}
FORMATS = {
    "split": {"dataframe_split": {"columns": ["Name", "Age"], "data": [["Ed", 22], ["Éva", None], [None, 1.5]]}},
    "split with an index": {
        "dataframe_split": {
            "columns": ["Age", "Name"],
            "index": [3, 4, 5],
            "data": [[22, "Ed"], [None, "Éva"], [1.5, None]],
        }
    },
    "records": {
        "dataframe_records": [{"Age": 22, "Name": "Ed", "Fare": 1}, {"Name": "Éva"}, {"Age": 1.5, "Name": None}]
    },
    "instances": {"instances": [{"Age": 22, "Name": "Ed"}, {"Age": None, "Name": "Éva"}, {"Age": 1.5}]},
    "inputs": {"inputs": WANTED, "params": {}},
}


def refused(body: Any, kind: str = JSON) -> tuple[int, str]:
    """Return status and message of the error for a body that wants the columns Age and Name."""
    with pytest.raises(RequestError) as error:
        read_request(body if isinstance(body, bytes) else json.dumps(body).encode(), kind, ["Age", "Name"])
    return error.value.status, str(error.value)


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_are_the_same_rows(name: str) -> None:
    body = json.dumps(FORMATS[name]).encode()
    assert read_request(body, JSON, ["Age", "Name"]) == WANTED
    assert read_request(body, "Application/JSON; charset=UTF-8", ["Name"]) == {"Name": WANTED["Name"]}


def test_csv_is_read_as_tables_are() -> None:
    body = "Name,Age\nEd,22\nÉva,\n,1.5\n".encode()
    assert read_request(body, "text/csv", ["Age", "Name"]) == WANTED


@pytest.mark.parametrize(
    ("body", "status", "parts"),
    [
        (b"\xff\xfe\x00", 400, ["not valid JSON"]),
        (b'{"inputs": {"Age": [1}', 400, ["not valid JSON", "delimiter"]),
        (b"[" * 100_000, 400, ["nested too deep"]),
        (b'{"inputs":' + b'{"a":' * 100_000, 400, ["nested too deep"]),
        (b'{"inputs": {"Age": [' + b"1" * 5000 + b"]}}", 400, ["4300 digits"]),
        (b'{"inputs": {"Age": [' + b"1" * 400 + b'], "Name": [""]}}', 400, ["'Age'", "row 1", "too large"]),
        (b'{"inputs": {"Age": [1, 1e999], "Name": ["", ""]}}', 400, ["'Age'", "row 2", "too large"]),
        (b'{"inputs": {"Age": [NaN], "Name": [""]}}', 400, ["NaN", "null"]),
        (b'{"inputs": {"Age": [-Infinity], "Name": [""]}}', 400, ["-Infinity"]),
        ({"inputs": {"Age": [1], "Name": [["Ed"]]}}, 400, ["'Name'", "row 1", "found a list"]),
        ({"inputs": {"Age": [1], "Name": [{}]}}, 400, ["'Name'", "row 1", "found a dict"]),
        ([], 400, ["exactly one of", "dataframe_split"]),
        ({}, 400, ["exactly one of", "found none"]),
        ({"inputs": {}, "instances": []}, 400, ["exactly one of", "found instances, inputs"]),
        ({"inputs": {}}, 400, ["inputs:", "lists of the same length"]),
        ({"inputs": {"Age": [1], "Name": ["a", "b"]}}, 400, ["inputs:", "the same length"]),
        ({"inputs": {"Age": 1, "Name": "abc"}}, 400, ["inputs:", "lists"]),
        ({"inputs": {"Age": [], "Name": []}}, 400, ["inputs:", "no rows"]),
        ({"instances": [[1, "Ed"]]}, 400, ["instances:", '"name"']),
        ({"dataframe_records": "Ed"}, 400, ["dataframe_records:", '"name"']),
        ({"dataframe_split": {"data": [[1]]}}, 400, ["dataframe_split:", '"columns"']),
        ({"dataframe_split": {"columns": ["Age", 1], "data": [[1, 2]]}}, 400, ["dataframe_split:", '"columns"']),
        ({"dataframe_split": {"columns": ["Age", "Age"], "data": [[1, 2]]}}, 400, ["same name twice"]),
        ({"dataframe_split": {"columns": ["Age"], "data": [[1], [1, 2]]}}, 400, ["row 2", "1 values", "found 2"]),
        ({"dataframe_split": {"columns": ["Age"], "data": [1]}}, 400, ["row 1", "found a int"]),
        ({"inputs": {"age": [1], "Name": ["Ed"]}}, 400, ["lack", "Age", "Did you mean 'age'?"]),
        ({"inputs": {"Age": [1] * 10_001, "Name": ["Ed"] * 10_001}}, 413, ["10,001 rows", "10,000", "--limits 2"]),
    ],
)
def test_what_is_no_table_is_refused(body: Any, status: int, parts: list[str]) -> None:
    found, message = refused(body)
    assert found == status
    assert not [part for part in parts if part not in message], message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("body", "kind", "status", "part"),
    [
        (b"Age,Name\n", "text/csv", 400, "no rows"),
        (b"", "text/csv", 400, "empty"),
        (b"\x1f\x8b" + bytes(10), "text/csv", 400, "compressed"),
        (b"PAR1", "text/csv", 400, "compressed"),
        (b"Age,Name\n" + b"1,a\n" * 10_001, "text/csv", 413, "10,001 rows"),
        (b"{}", "", 415, "found 'none'"),
        (b"{}", "application/vnd.apache.parquet", 415, "parquet"),
        (b"{}", "application/json; charset=latin-1", 415, "latin-1"),
    ],
)
def test_other_types_of_content_are_refused(body: bytes, kind: str, status: int, part: str) -> None:
    found, message = refused(body, kind)
    assert found == status
    assert part in message


def test_the_limits_are_raised_by_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"inputs": {"Age": [1] * 10_001}}).encode()
    with pytest.raises(RequestError, match="--limits 2") as error:
        check_size(16_000_001)
    assert error.value.status == 413
    monkeypatch.setenv("TABULAR_DL_LIMITS", "2")
    check_size(16_000_001)
    assert len(read_request(body, JSON, ["Age"])["Age"]) == 10_001


VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5)


@given(st.lists(VALUES, min_size=1), st.lists(VALUES, min_size=1))
def test_a_frame_keeps_values_whatever_stands_beside_them(first: list[Any], second: list[Any]) -> None:
    frame = as_frame({"a": first + second})
    assert frame.index.tolist() == list(range(1, len(first + second) + 1))
    for found, value in zip(frame["a"], first + second, strict=True):
        if value is None:
            assert found is None or math.isnan(found)
        else:
            assert found == value
            assert isinstance(found, bool) == isinstance(value, bool)

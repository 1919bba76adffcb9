"""Rows of a request, in the formats of MLflow's model server: JSON of four shapes, or CSV.

Requests are not trusted: any body gives either rows or a `RequestError` with the HTTP status of the answer.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, UserError, did_you_mean, listed
from tabular_dl.limits import limit, raised_by
from tabular_dl.tables import read_table_file

__all__ = ["MOST_BYTES", "MOST_ROWS", "Columns", "RequestError", "as_frame", "check_size", "read_request"]

MOST_BYTES = 16_000_000
MOST_ROWS = 10_000
_LARGEST_INTEGER = 2**53  # larger integers are not all representable as floats
_LARGEST_EXPONENT = 1023  # of a float64
# First bytes of compressed files and Parquet: small ones may unpack to more than the memory.
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"PAR1")

# Values by column, with None for missing ones. Rows of several requests are joined in this form: joined DataFrames
# would change the types of their columns.
Columns = dict[str, list[Any]]


class RequestError(UserError):
    """Error in a request.

    Parameters
    ----------
    message : str
        What is wrong, and what to send instead.
    status : int, default=400
        HTTP status of the answer.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def read_request(body: bytes, content_type: str, needed: Sequence[str]) -> Columns:
    r"""Return the columns that a model needs from the body of a request.

    Parameters
    ----------
    body : bytes
        Body of the request.
    content_type : str
        Header ``Content-Type``.
    needed : sequence of str
        Names of the columns; others are left out.

    Returns
    -------
    dict of str to list
        Values of each column: texts, numbers, booleans, and None for missing values.

    Raises
    ------
    RequestError
        With status 415 for another content type, 413 for too many rows, and 400 for anything else.

    Examples
    --------
    >>> read_request(b'{"dataframe_records": [{"Age": 22, "Name": "Ed"}]}', "application/json", ["Age"])
    {'Age': [22]}
    >>> read_request(b"Age,Name\n22,Ed\n,Eva\n", "text/csv", ["Age", "Name"])
    {'Age': [22.0, None], 'Name': ['Ed', 'Eva']}
    """
    kind, *settings = (part.strip().lower() for part in content_type.split(";"))
    if any(setting not in ("charset=utf-8", 'charset="utf-8"') for setting in settings):
        raise RequestError(f"Content-Type: expected charset=utf-8 or none, found {content_type[:80]!r}.", 415)
    if kind == "application/json":
        columns = _from_json(body)
    elif kind == "text/csv":
        columns = _from_csv(body)
    else:
        raise RequestError(
            f"Content-Type: expected application/json or text/csv, found {content_type[:80] or 'none'!r}.", 415
        )
    missing = [name for name in needed if name not in columns]
    if missing:
        hint = did_you_mean(missing[0], [name[:80] for name in columns])
        raise RequestError(f"The rows lack columns of the model: {listed(missing)}. {missing[0]!r}: {hint}")
    return {name: [_checked(name, row, value) for row, value in enumerate(columns[name], 1)] for name in needed}


def as_frame(columns: Mapping[str, list[Any]]) -> pd.DataFrame:
    """Return rows as a DataFrame in which the value of a cell does not depend on the other rows.

    Columns of numbers are float64, all others keep their values as objects. The index counts from 1.

    Parameters
    ----------
    columns : dict of str to list
        Values by column.

    Returns
    -------
    DataFrame of shape (rows, columns)
        The rows.

    Examples
    --------
    >>> as_frame({"Age": [22, None], "Sex": ["male", None]})
        Age   Sex
    1  22.0  male
    2   NaN  None
    """
    index = pd.RangeIndex(1, len(next(iter(columns.values()))) + 1)
    arrays = {name: _array(values) for name, values in columns.items()}
    # The type is given, because pandas would convert a column of only texts.
    series = {name: pd.Series(array, index, array.dtype, copy=False) for name, array in arrays.items()}
    return pd.DataFrame(series, index=index, copy=False)


def check_size(size: int) -> None:
    """Raise a `RequestError` with status 413 if a body has more bytes than the limit."""
    if size > limit(MOST_BYTES):
        raise RequestError(
            f"The body has more than {limit(MOST_BYTES):,} bytes: send several requests, or start the server "
            f"with a higher limit. {raised_by(size, MOST_BYTES)}",
            413,
        )


def _array(values: list[Any]) -> np.ndarray[Any, Any]:
    types = {*map(type, values)}
    if types <= {int, float, type(None)} and not any(type(v) is int and abs(v) > _LARGEST_INTEGER for v in values):
        return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _checked(name: str, row: int, value: Any) -> Any:
    """Return the value of a cell; raise an error for a value that no table has."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and value.bit_length() <= _LARGEST_EXPONENT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    kind = "too large a number" if isinstance(value, int | float) else f"a {type(value).__name__}"
    raise RequestError(f"column {name!r}, row {row}: expected a number, a text, true, false or null, found {kind}.")


def _check_rows(count: int) -> None:
    if count > limit(MOST_ROWS):
        raise RequestError(
            f"The request has {count:,} rows, the limit is {limit(MOST_ROWS):,}: send several requests, or "
            f"start the server with a higher one. {raised_by(count, MOST_ROWS)}",
            413,
        )
    if not count:
        raise RequestError("The request has no rows.")


def _from_csv(body: bytes) -> Columns:
    if body.startswith(_PACKED):
        raise RequestError("The body is a compressed file: send it as plain CSV.")
    try:
        frame = read_table_file(Path("the body"), content=body).frame
    except DataError as error:
        raise RequestError(str(error)) from None
    _check_rows(len(frame))
    values = frame.astype(object).where(frame.notna(), None)
    return {str(name): values[name].tolist() for name in values}


def _from_json(body: bytes) -> Columns:
    """Return all columns of a JSON object in one of the four formats."""
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise RequestError("The body is not valid JSON for rows: it is nested too deep.") from None
    except RequestError:
        raise
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"The body is not valid JSON: {str(error)[:200]}.") from None
    except ValueError:  # Python's limit of digits of an integer
        digits = sys.get_int_max_str_digits()
        raise RequestError(f"The body has a number of more than {digits} digits: no cell holds one.") from None
    formats = [name for name in _FORMATS if isinstance(content, dict) and name in content]
    if len(formats) != 1:
        raise RequestError(
            f"The body must be a JSON object with exactly one of {', '.join(_FORMATS)}, found "
            f"{listed(formats) or 'none of them'}."
        )
    try:
        return _FORMATS[formats[0]](content[formats[0]])
    except RequestError as error:
        raise RequestError(f"{formats[0]}: {error}", error.status) from None


def _refuse_constant(name: str) -> None:
    raise RequestError(f"{name} is not valid JSON: write null for a missing value.")


def _from_split(content: Any) -> Columns:
    names, rows = (content.get("columns"), content.get("data")) if isinstance(content, dict) else (None, None)
    if not isinstance(names, list) or not isinstance(rows, list) or not all(isinstance(name, str) for name in names):
        raise RequestError('expected {"columns": ["name", ...], "data": [[value, ...], ...]}.')
    _check_rows(len(rows))
    if len({*names}) < len(names):
        raise RequestError("expected different names of columns, found the same name twice.")
    for row, values in enumerate(rows, 1):
        if not isinstance(values, list) or len(values) != len(names):
            size = f"{len(values)} values" if isinstance(values, list) else f"a {type(values).__name__}"
            raise RequestError(f"data, row {row}: expected a list of {len(names)} values, found {size}.")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _from_records(content: Any) -> Columns:
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise RequestError('expected [{"name": value, ...}, ...].')
    _check_rows(len(content))
    # A name in any record is a column: rows without it miss its value.
    names = dict.fromkeys(name for record in content for name in record)
    if len(names) * len(content) > limit(MOST_BYTES):
        raise RequestError("too many different names in the records: send rows with the same names.", 413)
    return {name: [record.get(name) for record in content] for name in names}


def _from_inputs(content: Any) -> Columns:
    """Return the columns of ``inputs`` or ``instances``: records, or a list of values for each name."""
    if not isinstance(content, dict):
        return _from_records(content)
    lengths = {len(values) if isinstance(values, list) else -1 for values in content.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise RequestError('expected {"name": [value, ...], ...} with lists of the same length.')
    _check_rows(lengths.pop())
    return dict(content)


_FORMATS: dict[str, Callable[[Any], Columns]] = {
    "dataframe_split": _from_split,
    "dataframe_records": _from_records,
    "instances": _from_inputs,
    "inputs": _from_inputs,
}

"""Learned tables as arrays, the form in which models are stored.

skops stores each value of a dict or list as a node of a JSON file, of about 500 bytes, and each array as bytes. Tables
with a row for each category are therefore arrays in a stored model if they are long, and dicts and lists in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tabular_dl.errors import DataError

__all__ = [
    "StoresCategories",
    "pack_arrays",
    "pack_table",
    "pack_texts",
    "unpack_arrays",
    "unpack_table",
    "unpack_texts",
]

# Tables up to this size are stored as they are: an array is a file of the archive, which takes as long to read.
SHORT = 20
# Length that stands for a missing value among texts.
MISSING = -1

Arrays = dict[str, np.ndarray[Any, Any]]


def pack_texts(texts: Sequence[object]) -> Arrays | Sequence[object]:
    """Return long lists of texts as two arrays: all characters in UTF-8, and the number of characters of each text.

    Parameters
    ----------
    texts : sequence of str or NaN
        Texts; any characters, also NUL, which arrays of texts lose at the end.

    Returns
    -------
    dict of str to ndarray, or sequence
        ``characters``, uint8, and ``lengths``, int64, -1 for NaN; the sequence itself if it is short, or has values of
        other types.

    Examples
    --------
    >>> packed = pack_texts(["Mr", "Mrs"] * 20)
    >>> packed["characters"].shape, packed["lengths"][:4]
    ((100,), array([2, 3, 2, 3]))
    """
    values = list(texts)
    if len(values) <= SHORT or not all(type(value) is str or _is_nan(value) for value in values):
        return texts
    joined = "".join(value for value in values if isinstance(value, str))
    # Half of a surrogate pair, which a table may contain, is no valid UTF-8.
    characters = np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8)
    lengths = [len(value) if isinstance(value, str) else MISSING for value in values]
    return {"characters": characters, "lengths": np.array(lengths, dtype=np.int64)}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and np.isnan(value)


def unpack_texts(stored: Arrays | Sequence[Any]) -> Sequence[Any]:
    """Return the texts that `pack_texts` has packed.

    Parameters
    ----------
    stored : dict of str to ndarray, or sequence
        Result of `pack_texts`.

    Returns
    -------
    sequence of str or NaN
        Texts.

    Raises
    ------
    DataError
        If the arrays do not fit each other.

    Examples
    --------
    >>> unpack_texts({"characters": np.frombuffer(b"MrMrs", np.uint8), "lengths": np.array([2, 3])})
    ['Mr', 'Mrs']
    """
    if not isinstance(stored, Mapping):
        return stored
    characters, lengths = stored["characters"], stored["lengths"]
    if characters.dtype != np.uint8 or lengths.dtype != np.int64 or characters.ndim != 1 or lengths.ndim != 1:
        raise DataError("a table of texts consists of other arrays than characters and lengths")
    joined = characters.tobytes().decode("utf-8", "surrogatepass")
    sizes = np.maximum(lengths, 0)
    if (lengths < MISSING).any() or (sizes > len(joined)).any() or sizes.sum() != len(joined):
        raise DataError(f"a table of texts has {len(joined)} characters, and lengths with another sum")
    ends = np.cumsum(sizes)
    starts = ends - sizes
    bounds = zip(starts.tolist(), ends.tolist(), lengths.tolist(), strict=True)
    return [joined[start:end] if length != MISSING else np.nan for start, end, length in bounds]


def pack_table(table: dict[str, Any]) -> dict[str, Any]:
    """Return a long dict of texts to numbers as arrays: those of `pack_texts`, and ``values``.

    Parameters
    ----------
    table : dict of str to int, or of str to float
        Table.

    Returns
    -------
    dict of str to ndarray, or dict of str to numbers
        Arrays, in the order of the table; the table itself if it is short.

    Examples
    --------
    >>> pack_table({str(number): number / 10 for number in range(30)})["values"][:4]
    array([0. , 0.1, 0.2, 0.3])
    """
    keys = pack_texts(list(table))
    return {**keys, "values": np.array(list(table.values()))} if isinstance(keys, Mapping) else table


def unpack_table(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the dict that `pack_table` has packed.

    Parameters
    ----------
    stored : dict
        Result of `pack_table`.

    Returns
    -------
    dict of str to int, or of str to float
        Table.

    Raises
    ------
    DataError
        If the arrays do not fit each other.

    Examples
    --------
    >>> table = {str(number): number for number in range(30)}
    >>> unpack_table(pack_table(table)) == table
    True
    """
    if not isinstance(stored.get("characters"), np.ndarray):
        return stored
    keys, values = unpack_texts(stored), stored["values"]
    if values.dtype.kind not in "if" or values.shape != (len(keys),):
        raise DataError(f"a table of {len(keys)} categories has values of shape {values.shape} and type {values.dtype}")
    return dict(zip(keys, values.tolist(), strict=True))


def pack_arrays(arrays: Sequence[np.ndarray[Any, Any]]) -> Arrays:
    """Return the numbers of several arrays as two arrays: all numbers, and how many each array has.

    Parameters
    ----------
    arrays : sequence of ndarray of float64, each of one axis
        Arrays.

    Returns
    -------
    dict of str to ndarray
        ``numbers``, float64, and ``sizes``, int64.

    Examples
    --------
    >>> pack_arrays([np.array([0.5, 2.0]), np.array([]), np.array([3.0])])
    {'numbers': array([0.5, 2. , 3. ]), 'sizes': array([2, 0, 1])}
    """
    sizes = np.array([len(array) for array in arrays], dtype=np.int64)
    return {"numbers": np.concatenate([*arrays, np.empty(0)]), "sizes": sizes}


def unpack_arrays(stored: Arrays) -> list[np.ndarray[Any, Any]]:
    """Return the arrays that `pack_arrays` has packed.

    Parameters
    ----------
    stored : dict of str to ndarray
        Result of `pack_arrays`.

    Returns
    -------
    list of ndarray of float64
        Arrays.

    Raises
    ------
    DataError
        If the two arrays do not fit each other.

    Examples
    --------
    >>> unpack_arrays({"numbers": np.array([0.5, 2.0, 3.0]), "sizes": np.array([2, 0, 1])})
    [array([0.5, 2. ]), array([], dtype=float64), array([3.])]
    """
    numbers, sizes = stored["numbers"], stored["sizes"]
    if numbers.dtype != np.float64 or sizes.dtype != np.int64 or numbers.ndim != 1 or sizes.ndim != 1:
        raise DataError("a table of numbers consists of other arrays than numbers and sizes")
    if (sizes < 0).any() or (sizes > len(numbers)).any() or sizes.sum() != len(numbers):
        raise DataError(f"a table of {len(numbers)} numbers has sizes with another sum")
    ends = np.cumsum(sizes)
    return [numbers[end - size : end] for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)]


class StoresCategories:
    """Mixin of scikit-learn's encoders that stores the categories of each column as arrays."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with texts of ``categories_`` as arrays."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]  # of the transformer beside this mixin
        if "categories_" in state:
            state["categories_"] = [_packed(categories) for categories in state["categories_"]]
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state, in the present form or as older versions stored it."""
        state = dict(state)
        if "categories_" in state:
            state["categories_"] = [_unpacked(categories) for categories in state["categories_"]]
        super().__setstate__(state)  # type: ignore[misc]  # as above


def _packed(categories: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | Arrays:
    packed = pack_texts(categories.tolist()) if categories.dtype == object else categories
    return packed if isinstance(packed, dict) else categories


def _unpacked(categories: np.ndarray[Any, Any] | Arrays) -> np.ndarray[Any, Any]:
    if not isinstance(categories, Mapping):
        return categories
    texts = unpack_texts(categories)
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    return values

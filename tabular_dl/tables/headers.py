"""Headers of tables: names without blanks around them, and first lines that are data instead of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, listed
from tabular_dl.tables.number_parsing import read_number

__all__ = ["free_name", "refuse_data_as_header", "refuse_twice", "trimmed_names"]

MOST_LISTED = 8  # names listed by one message
FEWEST_NUMBERS = 3  # columns of numbers from which on names that are numbers are judged by their order
IN_RANGE = 0.8  # share of such names that lie in the range of their own columns


def free_name(name: str, taken: Container[str]) -> str:
    """Return a name for a new column, with underscores at its end while other columns have it.

    Examples
    --------
    >>> free_name("day", ["day", "day_"]), free_name("day", [])
    ('day__', 'day')
    """
    while name in taken:
        name += "_"
    return name


def trimmed_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names without blanks around them, and a remark that quotes those that had some.

    Parameters
    ----------
    names : sequence of str
        Names as in the file.

    Returns
    -------
    names : list of str
        Trimmed names, except those that would then be equal; empty ones are named as pandas does.
    remarks : list of str
        At most one remark.

    Examples
    --------
    >>> trimmed_names(["Id", " living area "])
    (['Id', 'living area'], ["the names of columns have blanks around them, which are left out: ' living area '"])
    """
    counts = Counter(name.strip() for name in names)
    trimmed = [name.strip() if counts[name.strip()] == 1 else name for name in names]
    with_blanks = [repr(name) for name, short in zip(names, trimmed, strict=True) if name != short]
    trimmed = [name or f"Unnamed: {place}" for place, name in enumerate(trimmed)]
    subject = "the names of columns have blanks around them, which are left out"
    return trimmed, [f"{subject}: {listed(with_blanks, MOST_LISTED)}"] * bool(with_blanks)


def refuse_data_as_header(path: Path, names: Sequence[str], frame: pd.DataFrame) -> None:
    """Raise an error if the first line of a table seems to be a row of data, so that there is no header.

    It seems to be one if the names of all columns of numbers are numbers, and a column of text has its own name among
    its values. In a table of numbers alone, if the names neither rise nor count the columns, and most of them lie in
    the ranges of their columns.

    Parameters
    ----------
    path : Path
        File, for messages.
    names : sequence of str, of length columns
        First line.
    frame : DataFrame of shape (rows, columns)
        Other lines.

    Raises
    ------
    DataError
        If it seems so; the message says what to add to the file.

    Examples
    --------
    >>> flowers = pd.DataFrame([[4.9, 3.0, "setosa"], [6.3, 3.3, "virginica"]])
    >>> refuse_data_as_header(Path("iris.csv"), ["length", "width", "setosa"], flowers)
    >>> refuse_data_as_header(Path("iris.csv"), ["5.1", "3.5", "setosa"], flowers)
    Traceback (most recent call last):
    ...
    tabular_dl.errors.DataError: iris.csv seems to have no header: its first line is data (5.1, 3.5, setosa). Add a
    first line with the names of the 3 columns, such as x1,x2,x3. If these are names, write a letter before the numbers.
    """
    kinds = [dtype.kind for dtype in frame.dtypes]
    numeric = [place for place, kind in enumerate(kinds) if kind in "iuf" and names[place].strip()]
    numbers = [read_number(names[place]) for place in numeric]
    if not numbers or None in numbers:
        return
    texts = [place for place, kind in enumerate(kinds) if kind == "O"]
    if texts:
        is_data = any((frame.iloc[:, place].astype(object) == names[place]).any() for place in texts)
    else:
        is_data = _is_row(np.array(numbers, dtype=np.float64), frame.iloc[:, numeric])
    if is_data:
        example = ",".join(f"x{place}" for place in range(1, min(len(names), MOST_LISTED) + 1))
        raise DataError(
            f"{path} seems to have no header: its first line is data ({listed(list(names), MOST_LISTED)}). Add a first "
            f"line with the names of the {len(names)} columns, such as {example}{',...' * (len(names) > MOST_LISTED)}. "
            "If these are names, write a letter before the numbers."
        )


def refuse_twice(path: Path, names: list[str]) -> None:
    """Raise an error if a header contains a name twice.

    Raises
    ------
    DataError
        If a name is repeated; the message names the file and the column.
    """
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataError(f"{path}: the header has the column {name!r} twice. Rename or remove one of the two.")
        seen.add(name)


def _is_row(numbers: np.ndarray, columns: pd.DataFrame) -> bool:
    """Whether numbers above columns of numbers are a row of them, and not a scale or a count of the columns."""
    counted = np.array_equal(np.sort(numbers), np.arange(len(numbers)) + numbers.min())
    if len(numbers) < FEWEST_NUMBERS or counted or (np.diff(numbers) > 0).all():
        return False
    low, high = columns.min().to_numpy(np.float64), columns.max().to_numpy(np.float64)
    return bool(((low <= numbers) & (numbers <= high)).mean() >= IN_RANGE)

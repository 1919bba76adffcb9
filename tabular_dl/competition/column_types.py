"""Types of columns that differ between the training and the test table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tabular_dl.tables import TableFile, category_text, read_number

__all__ = ["spelled_alike", "type_notes"]


def type_notes(train: pd.DataFrame, test: pd.DataFrame, train_file: Path, test_file: Path) -> list[str]:
    """Return a note for each column whose type differs between train and test."""
    notes = []
    for name in [name for name in train if name in test and train[name].dtype != test[name].dtype]:
        columns = {train_file.name: train[name], test_file.name: test[name]}
        types = {file: _type_name(column) for file, column in columns.items() if column.notna().any()}
        if len(set(types.values())) < 2:
            continue
        parts = [f"{type_name} in {file}{_example(columns[file])}" for file, type_name in types.items()]
        notes.append(f"The column {name} is {', and '.join(parts)}. Make both alike, or encode it as a category")
    return notes


def spelled_alike(train: pd.DataFrame, test: pd.DataFrame, read: Callable[[list[str]], TableFile]) -> pd.DataFrame:
    """Return the test table with each category spelled as in train.

    A single text in a column makes all of it text, so 1.0 may be "1.0" in one table and the number 1 in the other.
    ``read`` parses the test table with some columns as text.
    """
    is_text = [{str(name): dtype == "str" for name, dtype in table.dtypes.items()} for table in (train, test)]
    differing = [name for name, text in is_text[0].items() if is_text[1].get(name, text) != text]
    shared = [name for name in differing if train[name].notna().any() and test[name].notna().any()]
    texts = [name for name in shared if is_text[0][name]]
    changed = {}
    if texts:
        as_text = read(texts).frame
        changed = {name: as_text[name].where(test[name].notna()) for name in texts}
    for name in shared:
        if name not in texts:
            spelling = _boolean_text if train[name].dtype.kind in "bO" else _number_text
            changed[name] = test[name].map(spelling, na_action="ignore").astype("str")
    return test.assign(**changed)


def _boolean_text(text: str) -> str:
    return text.capitalize() if text.lower() in ("true", "false") else text


def _number_text(text: str) -> str:
    number = read_number(text)
    return text if number is None else category_text(number)


def _type_name(column: pd.Series) -> str:
    if column.dtype == "str":
        return "text"
    return "true and false" if column.dtype.kind in "bO" else "numbers"


def _example(column: pd.Series) -> str:
    """Return the first text that is not a number, with its row, in parentheses."""
    odd = column[pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()]
    return f" (row {odd.index[0]} has {odd.tolist()[0]!r})" if column.dtype == "str" and len(odd) else ""

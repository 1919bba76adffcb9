"""Parameters that features learn from their training rows, and how they are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.preprocessing.group_statistics import learn_statistics, statistics_of
from tabular_dl.preprocessing.history import History, past_values
from tabular_dl.preprocessing.stored_tables import pack_table, pack_texts, unpack_table, unpack_texts
from tabular_dl.preprocessing.time_steps import learn_steps, steps_of
from tabular_dl.tables import read_categories, read_numbers

RARE = "rare"

PAST = "Correct the value, or write `map: {...}` that makes numbers of texts: lags and rolling statistics need numbers."

__all__ = ["apply_learned", "apply_past", "learn", "learn_past", "packed", "subject", "time_steps", "unpacked"]


def learn(name: str, feature: Mapping[str, Any], values: pd.Series, keys: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Learn a feature's parameters from its training rows.

    Parameters
    ----------
    name : str
        Name of the feature, for messages.
    feature : mapping
        Its operations.
    values : Series of shape (rows,)
        Values after all operations that learn nothing.
    keys : ndarray of shape (rows,)
        Group of each row, for a statistic.

    Returns
    -------
    dict of str to object
        Parameters, for `apply_learned`.
    """
    learned: dict[str, Any] = {"text": not _is_numeric(values)}
    if "rare" in feature:
        sizes = _group_sizes(read_categories(values))
        learned["kept"] = [text for text, size in sizes.items() if size >= feature["rare"]]
    if feature.get("count"):
        learned["counts"] = _group_sizes(_with_rare(values, learned))
    if "statistic" in feature:
        advice = "Correct the value, or use `count`: a statistic needs numbers."
        numbers = read_numbers(values, subject(name, feature), advice)
        learned["statistics"] = learn_statistics(numbers, keys, feature["statistic"])
    return learned


def learn_past(
    name: str,
    feature: Mapping[str, Any],
    values: pd.Series,
    keys: np.ndarray[Any, Any],
    time: pd.Series,
    others: Iterable[History] = (),
) -> tuple[dict[str, Any], pd.Series]:
    """Learn the history of a column from training rows, and return the feature of these rows.

    Parameters
    ----------
    name, feature, values, keys
        As for `learn`.
    time : Series of shape (rows,)
        Time of each row.
    others : iterable of History, default=()
        Histories of other features, of which an equal one is taken instead of a copy.

    Returns
    -------
    tuple of dict and Series of shape (rows,)
        Parameters, for `apply_past`, and values.
    """
    steps = learn_steps(time, feature.get("unit"), feature.get("format"), _time_subject(name, feature))
    at = steps_of(time, steps, _time_subject(name, feature))
    history = History(keys, at, read_numbers(values, subject(name, feature), PAST))
    result = past_values(feature, history, keys, at, rows=steps["unit"] == "row")
    history = next((other for other in others if other.equals(history)), history)
    return {"steps": steps, "history": history}, pd.Series(result, index=time.index)


def apply_past(
    name: str,
    feature: Mapping[str, Any],
    values: pd.Series | None,
    keys: np.ndarray[Any, Any],
    time: pd.Series,
    learned: Mapping[str, Any],
) -> pd.Series:
    """Return the values of a feature of earlier rows.

    Parameters
    ----------
    name, feature, keys, time
        As for `learn_past`.
    values : Series of shape (rows,) or None
        Values of the rows, which are part of the history of later ones; None for those of the target.
    learned : mapping of str to object
        Parameters that `learn_past` has returned.

    Returns
    -------
    Series of shape (rows,)
        Values.
    """
    at = time_steps(name, feature, time, learned)
    history = learned["history"]
    if values is not None:
        history = history.with_rows(keys, at, read_numbers(values, subject(name, feature), PAST))
    return pd.Series(past_values(feature, history, keys, at, rows=learned["steps"]["unit"] == "row"), index=time.index)


def time_steps(
    name: str, feature: Mapping[str, Any], time: pd.Series, learned: Mapping[str, Any]
) -> np.ndarray[Any, Any]:
    """Return the step of each row, (rows,), in the unit that `learn_past` has learned."""
    return steps_of(time, learned["steps"], _time_subject(name, feature))


def packed(learned: Mapping[str, Any]) -> dict[str, Any]:
    """Return learned parameters with tables as arrays, in which they are stored: they may have a million groups."""
    converted = _converted(learned, pack_texts, pack_table)
    return converted | ({"history": learned["history"].state} if "history" in learned else {})


def unpacked(learned: Mapping[str, Any]) -> dict[str, Any]:
    """Return learned parameters with tables as dicts and lists, as `learn` returns them."""
    converted = _converted(learned, unpack_texts, unpack_table)
    return converted | ({"history": History.stored(learned["history"])} if "history" in learned else {})


def _converted(learned: Mapping[str, Any], texts: Callable[[Any], Any], table: Callable[[Any], Any]) -> dict[str, Any]:
    """Return learned parameters with each list of texts and each table converted."""
    converted = dict(learned)
    if "kept" in learned:
        converted["kept"] = texts(learned["kept"])
    if "counts" in learned:
        converted["counts"] = table(learned["counts"])
    if "statistics" in learned:
        converted["statistics"] = {**learned["statistics"], "groups": table(learned["statistics"]["groups"])}
    return converted


def _group_sizes(texts: Iterable[object]) -> dict[str, int]:
    return dict(Counter(text for text in texts if isinstance(text, str)))


def _with_rare(values: pd.Series, learned: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    texts = read_categories(values)
    if "kept" in learned:
        kept = {*learned["kept"]}
        texts = np.array([RARE if isinstance(t, str) and t not in kept else t for t in texts], dtype=object)
    return texts


def apply_learned(
    feature: Mapping[str, Any], values: pd.Series, keys: np.ndarray[Any, Any], learned: Mapping[str, Any]
) -> pd.Series:
    """Return the values of a feature.

    Parameters
    ----------
    feature, values, keys
        As for `learn`.
    learned : mapping of str to object
        Parameters that `learn` has returned.

    Returns
    -------
    Series of shape (rows,)
        Values; a group that was not among the training rows counts as one of a single row.
    """
    if "statistic" in feature:
        return pd.Series(statistics_of(keys, learned["statistics"]), index=values.index)
    if feature.get("count"):
        sizes = [learned["counts"].get(t, 1) if isinstance(t, str) else 0 for t in _with_rare(values, learned)]
        return pd.Series(sizes, index=values.index, dtype=np.float64)
    # Texts where training rows had numbers are kept, so that the error of the preprocessing can name the row.
    if learned["text"] or "kept" in learned or not _is_numeric(values):
        return pd.Series(_with_rare(values, learned), index=values.index, dtype="str")
    return values.astype(object).where(values.notna(), np.nan).astype(np.float64)


def _is_numeric(values: pd.Series) -> bool:
    present = values.dropna()
    return present.empty or present.astype(object).infer_objects().dtype.kind in "biuf"


def _time_subject(name: str, feature: Mapping[str, Any]) -> str:
    return f"feature {name!r}, column {feature['time']!r}"


def subject(name: str, feature: Mapping[str, Any]) -> str:
    """Return the beginning of error messages about a feature."""
    return f"feature {name!r}" + (f", column {feature['from']!r}" if "from" in feature else "")

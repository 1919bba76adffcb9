"""Fitted transformers of several folds side by side, as one transformer.

What a scaler, an imputer or an encoder has learned is a list or an array with a place for each column. Transformers of
the same class are therefore stacked, and taken apart again, along these places::

    StandardScaler(mean_=[1, 2]), StandardScaler(mean_=[3, 4]) <-> StandardScaler(mean_=[1, 2, 3, 4])
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from tabular_dl.preprocessing.encoders import (
    FrequencyEncoder,
    HashedCategories,
    OneHotEncoder,
    OrdinalEncoder,
    RareCategories,
)
from tabular_dl.preprocessing.piecewise import PiecewiseEncoder
from tabular_dl.preprocessing.scalers import ConstantScaler, NormalQuantiles, QuantileClipper

__all__ = ["STACKED", "columns_alike", "of_columns", "stacked"]

# What each class has learned of every column. Not here: `TargetEncoder`, which has learned the mean of the target too.
STACKED: dict[type, tuple[str, ...]] = {
    ConstantScaler: (),
    FrequencyEncoder: ("shares_", "missing_"),
    HashedCategories: (),
    MinMaxScaler: ("min_", "scale_"),
    NormalQuantiles: ("quantiles_",),
    OneHotEncoder: ("categories_", "_n_features_outs", "_infrequent_indices", "_default_to_infrequent_mappings"),
    OrdinalEncoder: ("categories_", "_missing_indices", "_infrequent_indices", "_default_to_infrequent_mappings"),
    PiecewiseEncoder: ("edges_",),
    PowerTransformer: ("lambdas_", "_scaler"),
    QuantileClipper: ("low_", "high_"),
    RareCategories: ("kept_", "folded_"),
    RobustScaler: ("center_", "scale_"),
    SimpleImputer: ("statistics_",),
    StandardScaler: ("mean_", "scale_"),
}
# Attributes that transforming does not read.
_UNREAD = ("data_max_", "data_min_", "data_range_", "feature_names_in_", "n_samples_seen_", "var_")


def stacked(parts: Sequence[Any]) -> Any:
    """Return a transformer of the columns of several transformers side by side.

    Parameters
    ----------
    parts : sequence of transformers
        Fitted transformers.

    Returns
    -------
    transformer or None
        None if the class is not in `STACKED`, or the transformers differ in more than what each has learned of its
        columns.

    Examples
    --------
    >>> first, second = StandardScaler().fit([[0.0], [2.0]]), StandardScaler().fit([[10.0], [30.0]])
    >>> stacked([first, second]).transform([[2.0, 30.0]])
    array([[1., 1.]])
    """
    step_class = type(parts[0])
    if step_class not in STACKED or any(type(part) is not step_class for part in parts):
        return None
    result = copy(parts[0])
    for name, first in vars(parts[0]).items():
        if name in _UNREAD:
            vars(result).pop(name)
        elif name == "n_features_in_":
            result.n_features_in_ = sum(part.n_features_in_ for part in parts)
        elif name in STACKED[step_class] and first is not None:
            joined = _joined([getattr(part, name) for part in parts], [part.n_features_in_ for part in parts])
            if joined is None:
                return None
            setattr(result, name, joined)
        elif not all(_equal(first, getattr(part, name, None)) for part in parts[1:]):
            return None
    return result


def of_columns(transformer: Any, numbers: Sequence[int]) -> Any:
    """Return a transformer of some of the columns of a fitted transformer.

    Parameters
    ----------
    transformer : transformer
        Fitted transformer of a class in `STACKED`.
    numbers : sequence of int
        Numbers of the columns.

    Returns
    -------
    transformer
        Copy for these columns, in this order.

    Examples
    --------
    >>> of_columns(StandardScaler().fit([[0.0, 10.0], [2.0, 30.0]]), [1]).transform([[30.0]])
    array([[1.]])
    """
    result = copy(transformer)
    for name, value in vars(transformer).items():
        if name in _UNREAD:
            vars(result).pop(name)
        elif name == "n_features_in_":
            result.n_features_in_ = len(numbers)
        elif name in STACKED[type(transformer)] and value is not None:
            setattr(result, name, _items(value, numbers))
    return result


def columns_alike(transformer: Any, first: int, second: int) -> bool:
    """Return whether a fitted transformer of a class in `STACKED` has learned the same of two columns."""
    one, other = of_columns(transformer, [first]), of_columns(transformer, [second])
    return all(_equal(getattr(one, name), getattr(other, name)) for name in STACKED[type(one)] if hasattr(one, name))


def _joined(values: list[Any], columns: list[int]) -> Any:
    """Return what several transformers have learned, as one with all their columns has it; None if it cannot be."""
    first = values[0]
    if any(type(value) is not type(first) for value in values):
        return None
    if isinstance(first, np.ndarray):
        alike = len({(value.shape[:-1], value.dtype) for value in values}) == 1
        return np.concatenate(values, axis=-1) if alike else None
    if isinstance(first, list):
        return [item for value in values for item in value]
    if isinstance(first, dict):  # by number of the column
        starts = np.cumsum([0, *columns[:-1]]).tolist()
        return {start + key: item for start, value in zip(starts, values, strict=True) for key, item in value.items()}
    return stacked(values)


def _items(value: Any, numbers: Sequence[int]) -> Any:
    if isinstance(value, np.ndarray):
        return value[..., list(numbers)]
    if isinstance(value, list):
        return [value[number] for number in numbers]
    if isinstance(value, dict):
        return {place: value[number] for place, number in enumerate(numbers) if number in value}
    return of_columns(value, numbers)


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if type(a) in STACKED:
        return all(_equal(getattr(a, name, None), getattr(b, name, None)) for name in STACKED[type(a)])
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, np.ndarray):  # as lists: categories are objects, with NaN among them
        return a.dtype == b.dtype and a.shape == b.shape and repr(a.tolist()) == repr(b.tolist())
    return bool(a == b) or repr(a) == repr(b)

"""Transformation of a rule's columns by a class of the user."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing.python_source import PythonSource
from tabular_dl.preprocessing.python_step import PythonStep
from tabular_dl.tables import read_table

__all__ = ["PythonTransformer"]


class PythonTransformer(PythonStep):
    """Transform the columns of a rule by a class of the user with scikit-learn's methods ``fit`` and ``transform``.

    ``fit`` is given the columns as a DataFrame, and the target if it takes a second argument. If the class has a
    ``fit_transform``, it is called for training rows.

    Parameters
    ----------
    source : PythonSource
        Text of the user's file.
    name : str
        Class in it.
    parameters : dict, optional
        Arguments of the class.
    signature : str, default=""
        Result of `tabular_dl.preprocessing.approve`.

    Attributes
    ----------
    state_ : dict
        Attributes of the fitted object.
    names_ : list of str
        Names of the features.

    Raises
    ------
    DataError
        If the code raises an exception, or returns anything but finite numbers in as many rows.
    SpecError
        In `fit`, if the file has no such class, it has no such parameter, or what it has learned cannot be stored.

    Examples
    --------
    >>> from tabular_dl.preprocessing.python_trust import approve
    >>> text = '''class Length:
    ...     def fit(self, X):
    ...         pass
    ...     def transform(self, X):
    ...         return X.apply(lambda column: column.str.len())
    ... '''
    >>> source = PythonSource("my_steps.py", text)
    >>> step = PythonTransformer(source, "Length", {}, approve(source, "Length", {}))
    >>> step.fit_transform(pd.DataFrame({"Name": ["Ed", "Eva"]})).tolist()
    [[2.0], [3.0]]
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(
        self, source: PythonSource, name: str, parameters: dict[str, Any] | None = None, signature: str = ""
    ) -> None:
        self.source = source
        self.name = name
        self.parameters = parameters
        self.signature = signature

    def fit(self, X: pd.DataFrame, y: object = None) -> PythonTransformer:
        """Fit an object of the class to columns of shape ``(rows, columns)``."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None, **parameters: Any) -> np.ndarray:  # noqa: ARG002
        """Fit an object of the class, and return its numbers for the training rows, (rows, features)."""
        table = read_table(self, X, reset=True)
        definition = self._definition()
        if not inspect.isclass(definition):
            raise SpecError(
                f"{self._subject}: expected a class with fit and transform, found {type(definition).__name__}."
            )
        instance = self._made(definition)
        if _has_own_fit_transform(definition):
            arguments = (table.copy(), y) if _takes_target(instance.fit_transform) else (table.copy(),)
            result = self._call(instance.fit_transform, f"{self.name}.fit_transform", *arguments)
        else:
            arguments = (table.copy(), y) if _takes_target(instance.fit) else (table.copy(),)
            self._call(instance.fit, f"{self.name}.fit", *arguments)
            result = self._call(instance.transform, f"{self.name}.transform", table.copy())
        matrix = self._numbers(result, table)
        self.names_ = self._names(instance, matrix.shape[1], [str(name) for name in table])
        self._keep(instance)
        return matrix

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return the numbers of the fitted object, (rows, features)."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        matrix = self._numbers(self._call(self._ready().transform, f"{self.name}.transform", table.copy()), table)
        if matrix.shape[1] != len(self.names_):
            raise DataError(
                f"{self._subject} returned {matrix.shape[1]:,} columns for these rows, and {len(self.names_):,} for "
                "the training rows: return as many for all rows."
            )
        return matrix

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray[Any, Any]:  # noqa: ARG002
        """Return the names of the features."""
        check_is_fitted(self)
        return np.array(self.names_, dtype=object)

    def _numbers(self, result: Any, table: pd.DataFrame) -> np.ndarray:
        """Return what the class has returned as a matrix, checked."""
        matrix = result.toarray() if issparse(result) else np.asarray(result)
        if matrix.ndim != 2 or len(matrix) != len(table):
            raise DataError(
                f"{self._subject} returned shape {matrix.shape}: expected numbers of shape ({len(table):,} rows, "
                "features)."
            )
        if matrix.dtype.kind not in "biuf":
            try:
                matrix = matrix.astype(np.float64)
            except (TypeError, ValueError):
                value = next((value for value in matrix.ravel().tolist() if not _is_number(value)), matrix.dtype)
                raise DataError(f"{self._subject} returned {value!r}: expected numbers.") from None
        if matrix.dtype.kind != "f":
            matrix = matrix.astype(np.float64)
        infinite = np.isinf(matrix).any(axis=1)
        if infinite.any():
            row = table.index[np.flatnonzero(infinite)[0]]
            raise DataError(f"{self._subject}, row {row}: expected a finite number, found an infinite one.")
        return matrix

    def _names(self, instance: Any, width: int, columns: list[str]) -> list[str]:
        """Return the names that the object gives its features, or numbered ones."""
        given = getattr(instance, "get_feature_names_out", None)
        names = [str(name) for name in self._call(given, f"{self.name}.get_feature_names_out")] if given else []
        if len({*names}) == width == len(names):
            return names
        return columns if len(columns) == width else [f"{columns[0]}_{number}" for number in range(width)]


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _has_own_fit_transform(kind: type) -> bool:
    """Whether a class has a ``fit_transform`` other than scikit-learn's default, which calls its two methods."""
    owner = next((base for base in kind.__mro__ if "fit_transform" in vars(base)), TransformerMixin)
    return owner is not TransformerMixin


def _takes_target(method: Callable[..., Any]) -> bool:
    """Whether a method takes a second argument: the target."""
    parameters = list(inspect.signature(method).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 1 or any(p.kind is p.VAR_POSITIONAL for p in parameters)

"""Fit of the preprocessing of column rules to rows of a map, without reading more than a column at a time.

Columns of numbers are fitted one by one, by the steps themselves, and what the steps have learned is put together: the
result is exact, quantiles included. Encoders of categories learn from a small table that has each category as often as
they can tell apart: once, or up to the number of rows below which it is rare.

The steps are ordinary fitted ones, which transform raw rows.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags, NumericColumns
from tabular_dl.preprocessing.encoders import HashedCategories, OneHotEncoder, OrdinalEncoder, RareCategories
from tabular_dl.preprocessing.mapped_levels import Levels, levels_of
from tabular_dl.preprocessing.scalers import ConstantScaler, NormalQuantiles, QuantileClipper

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

    from tabular_dl.tables import RowMap

__all__ = ["check_mappable", "fit_mapped"]

NUMERIC = (
    NumericColumns,
    QuantileClipper,
    SimpleImputer,
    MinMaxScaler,
    StandardScaler,
    RobustScaler,
    PowerTransformer,
    NormalQuantiles,
    ConstantScaler,
)
# Of those after an encoder, the ones that learn the same from each category once as from all rows.
CATEGORIES = (
    CategoryColumns,
    SimpleImputer,
    RareCategories,
    HashedCategories,
    OneHotEncoder,
    OrdinalEncoder,
    MinMaxScaler,
    ConstantScaler,
)
FEWEST_ROWS = 50  # of the small table, so that steps for numbers can be fitted to it
ADVICE = "encode: target, frequency, piecewise and text, and scalers other than minmax of codes, need all rows at once"


def check_mappable(transformer: ColumnTransformer) -> None:
    """Check that a transformer can be fitted to a map.

    Parameters
    ----------
    transformer : ColumnTransformer
        Transformer of `build_preprocessing`.

    Raises
    ------
    SpecError
        If a step of it needs all rows at once; the message names the rule.

    Examples
    --------
    >>> from tabular_dl.preprocessing.column_transformer import build_preprocessing
    >>> check_mappable(build_preprocessing([{"columns": ["Deck"], "encode": "target"}]))
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: columns, rule 1: the step TargetEncoder cannot be fitted to a table that is larger ...
    """
    for name, branch, _ in transformer.transformers:
        if isinstance(branch, MissingFlags):
            continue
        steps = [step for _, step in branch.steps]
        allowed = NUMERIC if isinstance(steps[0], NumericColumns) else CATEGORIES
        wrong = next((step for step in steps if not isinstance(step, allowed)), None)
        if wrong is not None:
            raise SpecError(
                f"columns, rule {name.split('_')[1]}: the step {type(wrong).__name__} cannot be fitted to a table "
                f"that is larger than memory ({ADVICE}): write encode: onehot, hash or label, or scale: standard."
            )


def fit_mapped(transformer: ColumnTransformer, table: RowMap, rows: np.ndarray[Any, Any]) -> ColumnTransformer:
    """Return a transformer fitted to rows of a map.

    Parameters
    ----------
    transformer : ColumnTransformer
        Unfitted transformer of `build_preprocessing`.
    table : RowMap
        Map.
    rows : ndarray of int
        Numbers of the training rows.

    Returns
    -------
    ColumnTransformer
        The transformer as its own `fit` would make it from these rows.

    Raises
    ------
    SpecError
        If a step of it needs all rows at once.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from tabular_dl.preprocessing.column_transformer import build_preprocessing
    >>> from tabular_dl.tables import write_row_map
    >>> people = pd.DataFrame({"age": [20.0, np.nan, 40.0, 90.0]})
    >>> rules = [{"columns": ["age"], "scale": "minmax"}]
    >>> with TemporaryDirectory() as folder:
    ...     table = write_row_map(Path(folder) / "map", [people], {"age": "number"}, 4)
    ...     fitted = fit_mapped(build_preprocessing(rules), table, np.array([0, 1, 2]))
    >>> fitted.transform(people).ravel().tolist()
    [0.0, 0.5, 1.0, 3.5]
    """
    check_mappable(transformer)
    names = [str(name) for name in table.columns]
    columns = {name: _named(selected, table) for name, _, selected in transformer.transformers}
    fitted = clone(transformer)
    fitted.transformers = transformer.transformers  # it fits clones of these: stored models share them
    small = _small_table(transformer, columns, table, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about numbers of the small table, whose fit is replaced
        fitted.fit(small[names])
    for name, branch, _ in transformer.transformers:
        if isinstance(branch, Pipeline) and isinstance(branch[0], NumericColumns):
            parts = [_fit_column(branch, _column(table, column, rows)) for column in columns[name]]
            for place, (_, step) in enumerate(fitted.named_transformers_[name].steps):
                _join(step, [part[place] for part in parts])
    return fitted


def _named(selected: Any, table: RowMap) -> list[str]:
    """Return the columns of a branch, which may be a selection by patterns."""
    return list(selected(pd.DataFrame(columns=table.columns)) if callable(selected) else selected)


def _column(table: RowMap, name: str, rows: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Return a column for steps that read numbers, to which true and false are 1 and 0."""
    text = table.kinds[name] == "text"
    return pd.DataFrame({name: table.cells(name, rows) if text else table.codes(name, rows)})


def _fit_column(branch: Pipeline, column: pd.DataFrame) -> Pipeline:
    """Return the steps of a branch, fitted to one column."""
    fitted = clone(branch)
    X: Any = column
    for _, step in fitted.steps:
        # The imputer sorts all numbers for a median, which takes fifteen times as long as finding it.
        median = isinstance(step, SimpleImputer) and step.strategy == "median"
        X = step.fit(_median(X) if median else X).transform(X)
    return fitted


def _median(X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the median of the numbers of a column that are there, as a column of one row."""
    present = X[~np.isnan(X)]
    return np.array([[np.median(present) if len(present) else np.nan]])


def _join(step: BaseEstimator, parts: list[BaseEstimator]) -> None:
    """Set what a step for several columns would have learned from what steps for each of them have."""
    for name in [name for name in vars(step) if name not in ("n_features_in_", "feature_names_in_")]:
        values = [vars(part)[name] for part in parts]
        if isinstance(values[0], BaseEstimator):  # such as the scaler in a power transformer
            _join(vars(step)[name], values)
        elif name.endswith("_"):
            arrays = [np.asarray(value) for value in values]
            axes = [axis for axis, size in enumerate(arrays[0].shape) if size == 1]
            setattr(step, name, np.concatenate(arrays, axis=axes[-1]) if axes else values[0])


def _small_table(
    transformer: ColumnTransformer, columns: dict[str, list[str]], table: RowMap, rows: np.ndarray[Any, Any]
) -> pd.DataFrame:
    """Return a table from which encoders learn the same categories as from the training rows."""
    repeats: dict[str, int] = {}
    for name, branch, _ in transformer.transformers:
        if isinstance(branch, Pipeline) and isinstance(branch[0], CategoryColumns):
            repeats |= {column: max(_repeats(branch), repeats.get(column, 1)) for column in columns[name]}
    lists = {name: _categories(levels_of(table, name), rows, most) for name, most in repeats.items()}
    length = max([FEWEST_ROWS, *(len(values) + repeats[name] for name, (values, _) in lists.items())])
    small: dict[str, Any] = {}
    for name in map(str, table.columns):
        if name in lists:
            values, filler = lists[name]
            small[name] = np.array([*values, *[filler] * (length - len(values))], dtype=object)
        else:
            small[name] = np.resize(table.cells(name, rows[:length]), length)
    return pd.DataFrame(small)


def _repeats(branch: Pipeline) -> int:
    """Return the number of rows from which on the steps of a branch do not tell how frequent a category is."""
    rare = [getattr(step, "min_rows", None) or getattr(step, "min_frequency", None) or 1 for _, step in branch.steps]
    return max(rare)


def _categories(levels: Levels, rows: np.ndarray[Any, Any], most: int) -> tuple[list[Any], Any]:
    """Return each category up to a number of times, and the most frequent one, to fill a table with."""
    counts, missing = levels.counts(rows)
    values = [value for value, count in zip(levels.known, counts, strict=True) for _ in range(min(count, most))]
    values += [np.nan] * min(missing, most)
    if not counts.any():
        return values, np.nan
    texts = levels.texts
    frequent = np.flatnonzero(counts == counts.max())
    filler = min(frequent, key=texts.__getitem__)  # of several, the imputer takes the first
    if counts[filler] < most:
        raise SpecError(
            f"columns: rare: {most} would join all categories of {levels.name} in a fold's training rows: write a "
            "smaller number."
        )
    return values, levels.known[filler]

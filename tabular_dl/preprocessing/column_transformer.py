"""Preprocessing of a table by column rules, as scikit-learn's `ColumnTransformer` with one branch per rule.

The branches begin with this package's column readers, whose errors name the row of a value that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn.preprocessing
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from tabular_dl.errors import DataError, SpecError, nearest
from tabular_dl.preprocessing import encoders, piecewise, scalers, text_encoder
from tabular_dl.preprocessing.column_patterns import ColumnSelection, has_pattern, missing_names, resolve
from tabular_dl.preprocessing.column_readers import ADVICE, CategoryColumns, MissingFlags, NumericColumns, kinds_of
from tabular_dl.preprocessing.column_rules import (
    BIN_STRATEGIES,
    BINS,
    BUCKETS,
    CODES,
    COMPONENTS,
    ENCODERS,
    SCALERS,
    ColumnRule,
    Rest,
    read_rules,
)
from tabular_dl.preprocessing.encoders import EncodingFolds, HashedCategories, RareCategories
from tabular_dl.preprocessing.python_transformer import PythonTransformer
from tabular_dl.preprocessing.scalers import ConstantScaler, QuantileClipper
from tabular_dl.tables import category_text, read_numbers, require_table

__all__ = ["ColumnFault", "build_preprocessing", "column_faults"]

# Arguments by class name.
Settings = dict[str, dict[str, Any]]


def build_preprocessing(
    rules: Sequence[ColumnRule | Mapping[str, Any]],
    never: Sequence[str | None] = (),
    *,
    classification: bool = True,
    random_state: int | None = None,
    python: Callable[[ColumnRule], PythonTransformer] | None = None,
) -> ColumnTransformer:
    """Return the unfitted transformer that column rules describe.

    It transforms a DataFrame of shape ``(rows, columns)`` to a dense array of shape ``(rows, features)``. The array is
    float64, or float32 or 8-bit integers if all columns are and no step needs more. Every rule reads the columns of the
    table itself, so that two rules may use the same column. Columns that no rule names are left out; `column_faults`
    reports them.

    Numbers are clipped, then imputed, then scaled or encoded by bins; categories are imputed, then rare ones joined or
    all hashed, then encoded, then scaled. Missing flags are computed from the columns of the table.

    For a category without training rows, ``onehot`` returns zeros (with ``rare``, the rare category, if training rows
    had any); ``label``, ``embedding`` and ``native`` return -1, ``target`` the mean of the target, ``frequency`` 0.
    The first three return -2 for missing values, or -1 if training rows had none. ``minmax`` and ``symmetric`` do not
    clip: values outside the training range are scaled outside the target range. ``quantile`` and ``power`` replace
    them by the end of the training range, as does ``piecewise``, which makes no column of a constant one.

    ``target`` is scikit-learn's `TargetEncoder` (https://doi.org/10.1145/507533.507538): the category's mean target, or
    its share of each class, one column per class, for three or more classes. It is shrunk towards the mean of all rows,
    more so for categories with few rows. ``fit_transform`` encodes each training row by the targets of other rows only;
    ``fit`` followed by ``transform`` of the same rows would leak their targets.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        Entries of ``columns`` in a pipeline file. Patterns are resolved when the transformer is fitted.
    never : sequence of str, default=()
        Columns that patterns do not select: the target and the id.
    classification : bool, default=True
        Whether the target consists of labels, for ``encode: target`` and ``bin_strategy: tree``.
    random_state : int or None, default=None
        Seed of the rows that ``quantile`` draws if there are more than 10,000, ``text`` if there are more than 50,000
        and ``tree`` if there are more than 100,000, of the folds of ``target``, and of the components of ``text``.
    python : callable, optional
        Function that returns the unfitted step of a rule with ``transformer``, for rules that have one.

    Returns
    -------
    ColumnTransformer
        The transformer. Output columns have the names of the input columns, prefixed by the branch if two rules may
        share a column. Columns of ``encode: embedding`` and ``native`` come first, so that their positions do not
        depend on the rows; others are in the order of the rules.

    Raises
    ------
    SpecError
        If a rule is invalid, or has a transformer without `python`.

    Examples
    --------
    >>> people = pd.DataFrame({"Age": [20.0, None, 40.0], "Sex": ["male", "female", "male"]})
    >>> preprocessing = build_preprocessing([
    ...     {"columns": ["Age"], "missing_flag": True, "scale": "symmetric"},
    ...     {"columns": ["Sex"], "encode": "onehot"},
    ... ])
    >>> preprocessing.fit_transform(people)
    array([[-1.,  0.,  0.,  1.],
           [ 0.,  1.,  1.,  0.],
           [ 1.,  0.,  0.,  1.]])
    >>> preprocessing.get_feature_names_out().tolist()
    ['Age', 'Age_missing', 'Sex_female', 'Sex_male']
    """
    validated = read_rules(rules)
    target_type = "auto" if classification else "continuous"
    # Arguments that do not come from a rule.
    settings: Settings = {
        "TargetEncoder": {
            "target_type": target_type,
            "cv": EncodingFolds(classification, random_state),
        },
        "NormalQuantiles": {"random_state": random_state},
        "PiecewiseEncoder": {"target_type": target_type, "random_state": random_state},
        "TextEncoder": {"random_state": random_state},
    }
    excluded = [name for name in never if name is not None]
    numbered = sorted(enumerate(validated, start=1), key=lambda pair: pair[1].encode not in CODES)
    branches = [branch for number, rule in numbered for branch in _branches(number, rule, settings, excluded, python)]
    names = [column for rule in validated for column in rule.columns]
    shared = len(set(names)) < len(names) or (len(validated) > 1 and has_pattern(names))
    # A class may name its features as it likes.
    shared = shared or any(rule.transformer is not None or isinstance(rule.smoothing, tuple) for rule in validated)
    return ColumnTransformer(
        branches,
        remainder="drop",
        sparse_threshold=0,
        verbose_feature_names_out=shared,
    )


def _branches(
    number: int,
    rule: ColumnRule,
    settings: Settings,
    never: list[str],
    python: Callable[[ColumnRule], PythonTransformer] | None,
) -> list[tuple[str, BaseEstimator, list[str] | ColumnSelection]]:
    names = list(rule.columns)
    columns = ColumnSelection(names, never) if has_pattern(names) else names
    if rule.transformer is not None and python is None:
        raise SpecError(f"columns, rule {number}, transformer: there is no folder to read {rule.transformer} from.")
    name = f"{'number' if rule.encode == 'none' else rule.encode}_{number}"
    if rule.transformer is not None and python is not None:
        branches = [(f"python_{number}", make_pipeline(python(rule), *_scaling(rule, settings)), columns)]
    elif isinstance(rule.smoothing, tuple):
        branches = [
            (f"{name}_{smoothing:g}", make_pipeline(*_steps(rule, settings, smoothing)), columns)
            for smoothing in rule.smoothing
        ]
    else:
        branches = [(name, make_pipeline(*_steps(rule, settings, rule.smoothing)), columns)]
    if rule.missing_flag:
        branches.append((f"missing_{number}", MissingFlags(), columns))
    return branches


def _steps(rule: ColumnRule, settings: Settings, smoothing: float | None) -> list[BaseEstimator]:
    """Return the steps of a rule without a transformer."""
    steps: list[BaseEstimator] = [NumericColumns() if rule.numeric else CategoryColumns()]
    if rule.clip:
        steps.append(QuantileClipper(rule.clip))
    if rule.impute != "none":
        # A column without any value in a fold's training rows is kept: the number of features must not depend on rows.
        constant = _constant(rule)
        steps.append(SimpleImputer(strategy=rule.impute, fill_value=constant, keep_empty_features=True))
    if rule.encode != "none":
        steps += _encoding(rule, settings, smoothing)
    return steps + _scaling(rule, settings)


def _scaling(rule: ColumnRule, settings: Settings) -> list[BaseEstimator]:
    steps: list[BaseEstimator] = []
    if rule.scale == "power":
        # Outside the training range powers may become huge.
        steps.append(QuantileClipper(0.0))
    if rule.scale in SCALERS:
        steps.append(_make(SCALERS[rule.scale], settings))
    if rule.divisor is not None:
        steps.append(ConstantScaler(rule.divisor))
    return steps


def _encoding(rule: ColumnRule, settings: Settings, smoothing: float | None) -> list[BaseEstimator]:
    encoder = _make(ENCODERS[rule.encode], settings)
    if smoothing is not None:
        encoder.set_params(smooth=smoothing)
    if rule.encode == "piecewise":
        return [encoder.set_params(bins=rule.bins or BINS, strategy=rule.bin_strategy or BIN_STRATEGIES[0])]
    if rule.encode == "text":
        return [encoder.set_params(components=rule.components or COMPONENTS)]
    if rule.encode == "hash" or rule.buckets is not None:
        return [HashedCategories(rule.buckets or BUCKETS), encoder]
    if rule.rare == 1:
        return [encoder]
    if rule.encode == "onehot":
        return [encoder.set_params(min_frequency=rule.rare, handle_unknown="infrequent_if_exist")]
    return [RareCategories(rule.rare), encoder]


_MODULES = (encoders, piecewise, scalers, text_encoder, sklearn.preprocessing)


def _make(entry: tuple[str, Mapping[str, Any]], settings: Settings) -> BaseEstimator:
    name, arguments = entry
    module = next(module for module in _MODULES if hasattr(module, name))
    return getattr(module, name)(**arguments, **settings.get(name, {}))


def _constant(rule: ColumnRule) -> float | str | None:
    if rule.fill_value is None:
        return None
    return float(rule.fill_value) if rule.numeric else category_text(rule.fill_value)


@dataclass(frozen=True)
class ColumnFault:
    """Reason why column rules cannot be applied to a table.

    Attributes
    ----------
    message : str
        Table, column, row and value, what was expected and what to do.
    columns : tuple of str
        Columns concerned; for missing columns and patterns, the names in the rule.
    rule : int or None
        Index of the rule, from 0; None for columns that no rule names.
    """

    message: str
    columns: tuple[str, ...]
    rule: int | None


def column_faults(
    rules: Sequence[ColumnRule | Mapping[str, Any]],
    rest: Rest,
    frame: pd.DataFrame,
    where: str = "the table",
    ignore: Collection[str] = (),
    never: Collection[str | None] = (),
    *,
    missing: bool = False,
) -> Iterator[ColumnFault]:
    """Yield the reasons why column rules cannot be applied to a table, without fitting anything.

    There is one fault per rule that names missing columns, and one for all columns that no rule names. There is one per
    numeric column that contains text or infinite values, or missing values while its rule has ``impute: none``.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        Entries of ``columns`` in a pipeline file.
    rest : {"error", "drop"}
        Treatment of columns that no rule names.
    frame : DataFrame of shape (rows, columns)
        Table with its derived features.
    where : str, default="the table"
        Name of the table in messages, such as ``train.csv``.
    ignore : collection of str, default=()
        Columns that need no rule: the target, the id, and the columns that features are derived from.
    never : collection of str, default=()
        Columns that patterns do not select: the target and the id.
    missing : bool, default=False
        Whether the model reads missing numbers, so that ``impute: none`` may leave them.

    Yields
    ------
    ColumnFault
        Fault.

    Raises
    ------
    DataError
        If the frame is not a DataFrame with distinct column names.
    SpecError
        If a rule is invalid.

    Examples
    --------
    >>> people = pd.DataFrame({"Age": [20.0, 40.0], "Name": ["Ed", "Eva"]})
    >>> list(column_faults([{"columns": ["Age"]}], "error", people, where="train.csv", ignore=["Name"]))
    []
    >>> for fault in column_faults([{"columns": ["age"]}, {"columns": ["Name"]}], "drop", people, where="train.csv"):
    ...     print(fault.rule, fault.message.partition(". ")[0])
    0 train.csv lacks columns that the rules name
    1 train.csv, column 'Name', row 0: expected a finite number, found 'Ed' (and 1 more such rows)
    """
    validated = read_rules(rules)
    require_table(frame)
    mistyped: set[str | None] = set()
    for index, rule in enumerate(validated):
        absent = missing_names(rule.columns, frame.columns, never)
        mistyped |= {nearest(name, frame.columns) for name in absent}
        if absent:
            message = f"{where} lacks columns that the rules name. {' '.join(absent.values())}"
            yield ColumnFault(message, tuple(absent), index)
    columns = [resolve(rule.columns, frame.columns, never) for rule in validated]
    # The column that a mistyped name stands for is not reported again as unnamed.
    known = {*ignore, *mistyped}.union(*columns)
    unnamed = tuple(str(name) for name in frame if name not in known)
    if rest == "error" and unnamed:
        message = (
            f"{where}: no rule names the column(s) {', '.join(unnamed)}. Name each in a rule under `columns`, "
            "or write `rest: drop` to leave them out."
        )
        yield ColumnFault(message, unnamed, None)
    for index, (rule, names) in enumerate(zip(validated, columns, strict=True)):
        for name in _to_check(frame, names) if rule.numeric else ():
            reason = _number_fault(frame[name], rule, f"{where}, column {name!r}", missing=missing)
            if reason:
                yield ColumnFault(reason, (name,), index)


def _to_check(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Return the columns except those of integers and booleans, whose values are never missing or infinite."""
    kinds = dict(zip(frame.columns, kinds_of(frame), strict=True))
    return [name for name in columns if kinds[name] not in "biu"]


def _number_fault(column: pd.Series[Any], rule: ColumnRule, subject: str, *, missing: bool) -> str | None:
    """Return the reason why a column cannot be read by its rule, or None."""
    try:
        rows = np.flatnonzero(np.isnan(read_numbers(column, subject, ADVICE)))
    except DataError as error:
        return str(error)
    # Quantiles, powers and bins of missing values are not defined.
    kept = missing and not rule.clip and rule.encode == "none" and rule.scale != "power"
    if rule.impute != "none" or not len(rows) or kept:
        return None
    return (
        f"{subject}, row {column.index[rows[0]]}: the value is missing, and its rule says `impute: none`. "
        "Write `impute: median`, or fill in the value."
    )

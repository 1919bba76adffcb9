"""Preprocessing of a table by column rules, as scikit-learn's `ColumnTransformer` with one branch per rule.

The branches begin with this package's column readers, whose errors name the row of a value that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sklearn.preprocessing
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from tabular_dl.errors import SpecError
from tabular_dl.preprocessing import encoders, piecewise, scalers, text_encoder
from tabular_dl.preprocessing.column_patterns import ColumnSelection, has_pattern
from tabular_dl.preprocessing.column_readers import CategoryColumns, MissingFlags, NumericColumns
from tabular_dl.preprocessing.column_rules import (
    BIN_STRATEGIES,
    BINS,
    BUCKETS,
    CODES,
    COMPONENTS,
    ENCODERS,
    SCALERS,
    ColumnRule,
    read_rules,
)
from tabular_dl.preprocessing.encoders import EncodingFolds, HashedCategories, RareCategories
from tabular_dl.preprocessing.python_transformer import PythonTransformer
from tabular_dl.preprocessing.scalers import ConstantScaler, QuantileClipper
from tabular_dl.tables import category_text

__all__ = ["build_preprocessing"]

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
    >>> import pandas as pd
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

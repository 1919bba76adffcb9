"""From the columns of a table to the numbers that a network reads.

The rules of a pipeline file become one scikit-learn `ColumnTransformer`, each rule a branch of it. Only the ends are
our own: reading a column as numbers or as categories, which names the row of a value that cannot be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn.preprocessing
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from tabular_dl.errors import DataError, nearest
from tabular_dl.preprocessing import encoders, scalers
from tabular_dl.preprocessing.column_patterns import ColumnSelection, has_pattern, missing_names, resolve
from tabular_dl.preprocessing.column_readers import ADVICE, CategoryColumns, MissingFlags, NumericColumns, kinds_of
from tabular_dl.preprocessing.column_rules import ENCODERS, SCALERS, ColumnRule, Rest, read_rules
from tabular_dl.preprocessing.encoders import EncodingFolds, RareCategories
from tabular_dl.preprocessing.scalers import ConstantScaler, QuantileClipper
from tabular_dl.tables import category_text, read_numbers, require_table

__all__ = ["ColumnFault", "build_preprocessing", "column_faults"]

# Arguments by the name of a class.
Settings = dict[str, dict[str, Any]]


def build_preprocessing(
    rules: Sequence[ColumnRule | Mapping[str, Any]],
    never: Sequence[str | None] = (),
    *,
    classification: bool = True,
    random_state: int | None = None,
) -> ColumnTransformer:
    """Build the transformer that column rules describe, not fitted.

    It maps a DataFrame of n rows to an array of shape ``(n, features)``, dense: float64, or float32 or 8-bit integers
    where a table has nothing else and no step needs more. Every rule reads the columns of the
    table itself, so two rules may use one column in two ways. Columns that no rule names are left out;
    `column_faults` is where they are found.

    Numbers are clipped, then imputed, then scaled; categories are imputed, then rare ones joined, then encoded, then
    scaled. Missing flags see the columns as they are.

    At prediction, ``onehot`` turns a category that training did not have into zeros (with ``rare``, into the rare one,
    if training had rare ones). ``label`` turns it into -1, and missing into -2 (into -1 if training had no missing
    value: then missing is one more unknown category); ``embedding`` codes categories in the same way. ``target`` turns
    it into the mean of the target, ``frequency`` into 0. ``minmax`` and ``symmetric`` do not clip: values beyond the
    training range go beyond the target range. ``quantile`` and ``power`` take them as the end of that range.

    ``target`` is scikit-learn's `TargetEncoder` (https://doi.org/10.1145/507533.507538): the category's mean target, or
    its share of each class, a column a class, if there are three or more; shrunk towards the mean of all rows, the more
    so the fewer rows it has. ``fit_transform`` encodes each training row by the targets of other rows alone; ``fit``
    and then ``transform`` of the same rows would leak their targets.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        As under ``columns`` in a pipeline file. Patterns are resolved when the transformer is fitted.
    never : sequence of str
        Columns that a pattern does not mean: the target and the id.
    classification : bool
        Whether the target is made of labels, for ``encode: target``.
    random_state : int or None, default=None
        Fixes what is drawn: the rows that ``quantile`` looks at if they are more than 10,000, and the folds of
        ``target``.

    Returns
    -------
    ColumnTransformer
        Its output columns are named as the input columns; prefixed by branch if two rules may share a column. Columns
        of ``encode: embedding`` come first, so their places do not depend on the rows; others are in the rules' order.

    Raises
    ------
    SpecError
        For a rule that cannot be.

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
    checked = read_rules(rules)
    # What the classes take beyond what a rule says.
    beyond: Settings = {
        "TargetEncoder": {
            "target_type": "auto" if classification else "continuous",
            "cv": EncodingFolds(classification, random_state),
        },
        "NormalQuantiles": {"random_state": random_state},
    }
    kept = [name for name in never if name is not None]
    placed = sorted(enumerate(checked, start=1), key=lambda pair: pair[1].encode != "embedding")
    branches = [branch for place, rule in placed for branch in _branches(place, rule, beyond, kept)]
    named = [column for rule in checked for column in rule.columns]
    shared = len(set(named)) < len(named) or (len(checked) > 1 and has_pattern(named))
    return ColumnTransformer(
        branches,
        remainder="drop",
        sparse_threshold=0,
        verbose_feature_names_out=shared,
    )


def _branches(place: int, rule: ColumnRule, beyond: Settings, never: list[str]) -> list[tuple[str, Any, Any]]:
    names = list(rule.columns)
    columns = ColumnSelection(names, never) if has_pattern(names) else names
    steps: list[Any] = [NumericColumns() if rule.numeric else CategoryColumns()]
    if rule.clip:
        steps.append(QuantileClipper(rule.clip))
    if rule.impute != "none":
        # A column that is missing in every training row of a fold stays: the width must not depend on the rows.
        constant = _constant(rule)
        steps.append(SimpleImputer(strategy=rule.impute, fill_value=constant, keep_empty_features=True))
    if not rule.numeric:
        steps += _encoding(rule, beyond)
    if rule.scale == "power":
        # Beyond the training rows a power runs away.
        steps.append(QuantileClipper(0.0))
    if rule.scale in SCALERS:
        steps.append(_make(SCALERS[rule.scale], beyond))
    if rule.divisor is not None:
        steps.append(ConstantScaler(rule.divisor))
    what = "number" if rule.numeric else rule.encode
    branches = [(f"{what}_{place}", make_pipeline(*steps), columns)]
    if rule.missing_flag:
        branches.append((f"missing_{place}", MissingFlags(), columns))
    return branches


def _encoding(rule: ColumnRule, beyond: Settings) -> list[Any]:
    encoder = _make(ENCODERS[rule.encode], beyond)
    if rule.rare == 1:
        return [encoder]
    if rule.encode == "onehot":
        return [encoder.set_params(min_frequency=rule.rare, handle_unknown="infrequent_if_exist")]
    return [RareCategories(rule.rare), encoder]


def _make(entry: tuple[str, Mapping[str, Any]], beyond: Settings) -> Any:
    name, arguments = entry
    home = next(module for module in (encoders, scalers, sklearn.preprocessing) if hasattr(module, name))
    return getattr(home, name)(**arguments, **beyond.get(name, {}))


def _constant(rule: ColumnRule) -> float | str | None:
    if rule.fill_value is None:
        return None
    return float(rule.fill_value) if rule.numeric else category_text(rule.fill_value)


@dataclass(frozen=True)
class ColumnFault:
    """One thing that keeps column rules from being applied to a table.

    Attributes
    ----------
    message : str
        Table, column, row and value, what was expected and what to do.
    columns : tuple of str
        The columns that it is about; patterns and lacking columns as the rule names them.
    rule : int or None
        The rule's place in the list, from 0; None for columns that no rule names.
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
) -> Iterator[ColumnFault]:
    """Yield each reason why the rules cannot be applied to a table, before anything is fitted or predicted.

    These are columns that are missing, a fault a rule; columns that no rule names, together in one; text or infinite
    values in a column of numbers, and values missing from one whose rule says ``impute: none``, a fault a column.

    Parameters
    ----------
    rules : sequence of ColumnRule or mapping
        As under ``columns`` in a pipeline file.
    rest : {"error", "drop"}
        What to do about columns that no rule names.
    frame : DataFrame
        The table, with its derived features, of shape ``(n, columns)``.
    where : str
        The table's name in messages, such as ``train.csv``.
    ignore : collection of str
        Columns that need no rule: the target, the id, and what the features were made from.
    never : collection of str
        Columns that a pattern does not mean: the target and the id.

    Raises
    ------
    DataError
        If the frame is no DataFrame with columns of distinct names.
    SpecError
        For a rule that cannot be.

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
    checked = read_rules(rules)
    require_table(frame)
    mistyped: set[str | None] = set()
    for place, rule in enumerate(checked):
        missing = missing_names(rule.columns, frame.columns, never)
        mistyped |= {nearest(name, frame.columns) for name in missing}
        if missing:
            message = f"{where} lacks columns that the rules name. {' '.join(missing.values())}"
            yield ColumnFault(message, tuple(missing), place)
    columns = [resolve(rule.columns, frame.columns, never) for rule in checked]
    # A column that a mistyped name means is no second fault.
    known = {*ignore, *mistyped}.union(*columns)
    unnamed = tuple(str(name) for name in frame if name not in known)
    if rest == "error" and unnamed:
        message = (
            f"{where}: no rule names the column(s) {', '.join(unnamed)}. Name each in a rule under `columns`, "
            "or write `rest: drop` to leave them out."
        )
        yield ColumnFault(message, unnamed, None)
    for place, (rule, names) in enumerate(zip(checked, columns, strict=True)):
        for name in _doubtful(frame, names) if rule.numeric else ():
            fault = _number_fault(frame[name], rule, f"{where}, column {name!r}")
            if fault:
                yield ColumnFault(fault, (name,), place)


def _doubtful(frame: pd.DataFrame, columns: list[str]) -> list[str]:
    """Leave out the columns of whole numbers and of truth values, in which nothing is missing or infinite."""
    kinds = dict(zip(frame.columns, kinds_of(frame), strict=True))
    return [name for name in columns if kinds[name] not in "biu"]


def _number_fault(column: pd.Series[Any], rule: ColumnRule, subject: str) -> str | None:
    """Return why a column cannot be read as its rule says; None if it can."""
    try:
        missing = np.flatnonzero(np.isnan(read_numbers(column, subject, ADVICE)))
    except DataError as error:
        return str(error)
    if rule.impute != "none" or not len(missing):
        return None
    return (
        f"{subject}, row {column.index[missing[0]]}: the value is missing, and its rule says `impute: none`. "
        "Write `impute: median`, or fill in the value."
    )

"""Columns derived from other columns, as a pipeline file declares them.

Whatever is learned (which values are rare, how large the groups are) is learned from the rows given to ``fit``,
so that a cross-validation which fits the features inside each fold leaks nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.preprocessing.dates import date_part, learn_dates
from tabular_dl.preprocessing.expressions import evaluate, parse
from tabular_dl.preprocessing.feature_rules import check_features, columns_read, group_columns
from tabular_dl.preprocessing.group_statistics import group_keys, learn_statistics, statistics_of
from tabular_dl.tables import category_text, read_categories, read_numbers, read_table

__all__ = ["DerivedFeatures"]

RARE = "rare"

Table = dict[str, pd.Series]


class DerivedFeatures(TransformerMixin, BaseEstimator):
    r"""Add columns that are computed from other columns, as declared.

    Each feature is one source and some operations, always in the order of `tabular_dl.preprocessing.feature_rules`:
    ``from`` or
    ``eval``, then ``extract``, ``date``, ``text``, ``map``, ``fill``, ``rare``, ``count``, ``statistic``. Features
    are computed in the order declared, so a later one may read an earlier one; one that has the name of a column
    replaces it.

    Parameters
    ----------
    features : dict of str to dict
        Name of the new column -> its declaration. Empty: the table passes through.

    Attributes
    ----------
    learned_ : dict of str to dict
        For each feature: ``text``, whether its values are text; ``kept``, the values that are not rare;
        ``counts``, the number of training rows with each value; ``dates``, how dates are written, and the earliest;
        ``statistics``, those of groups and of all training rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Raises
    ------
    SpecError
        At ``fit``, for a declaration that no table could satisfy.
    DataError
        At ``fit`` and ``transform``, for a column that is missing, or holds text where a number is needed, or
        something else than a date, or dates in several formats.

    Notes
    -----
    ``count`` is the size of a row's group among the training rows. A training row belongs to its own group, so
    there its least value is 1; a value never seen in training therefore counts 1, a group of its own, and not a 0
    that the network never met. A missing value belongs to no group and counts 0, in training and later.

    The result has the rows and index of the input; the columns of the input are unchanged. A feature of numbers is
    float64, any other is text of dtype ``str``, as it was in training; missing is NaN.

    Examples
    --------
    >>> people = pd.DataFrame({"Name": ["Ryan, Mr. Ed", "Sage, Mlle. Eva"], "SibSp": [0, 8], "Parch": [0, 2]})
    >>> features = DerivedFeatures({
    ...     "Title": {"from": "Name", "extract": r", ([^.]+)\.", "map": {"Mlle": "Miss"}},
    ...     "Family": {"eval": "SibSp + Parch + 1"},
    ... })
    >>> features.fit_transform(people)[["Title", "Family"]]
      Title  Family
    0    Mr     1.0
    1  Miss    11.0
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    def __init__(self, features: dict[str, dict[str, Any]]) -> None:
        self.features = features

    def fit(self, X: pd.DataFrame, y: object = None) -> DerivedFeatures:  # noqa: ARG002
        """Learn the rare values and the group sizes of a table of shape ``(n, columns)``."""
        self._learn(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None, **parameters: Any) -> pd.DataFrame:  # noqa: ARG002
        """Learn from a table of shape ``(n, columns)``, and return it with the derived columns.

        The result is that of `fit` and then `transform`, with each feature computed once.
        """
        table = self._learn(X)
        if not isinstance(X, pd.DataFrame) or not self.features:
            return self.transform(X)
        return pd.DataFrame(table, index=X.index)

    def _learn(self, X: pd.DataFrame) -> Table:
        """Learn what features need; return all columns, empty where there are no features."""
        check_features(self.features)
        frame = read_table(self, X, reset=True)
        self.columns_in_ = [str(name) for name in frame.columns]
        table = _columns_of(frame) if self.features else {}
        self.learned_: dict[str, dict[str, Any]] = {}
        for name, feature in self.features.items():
            source = _source(name, feature, table)
            dates = learn_dates(source, feature.get("format")) if "date" in feature else None
            values = _compute(name, feature, source, dates)
            keys = _groups(name, feature, table)
            self.learned_[name] = _learn(name, feature, values, keys) | ({"dates": dates} if dates else {})
            table[name] = _apply_learned(feature, values, keys, self.learned_[name])
        return table

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that were there in ``fit``, with the derived ones, for any rows.

        Columns that ``fit`` did not see are left out, and the order of ``fit`` is restored.
        """
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame):
            table = _columns_of(read_table(self, X, reset=False))
            return self._with_features(table, None).to_numpy()
        _require_columns(self.columns_in_, X, self.features)
        if not self.features:
            # Nothing to add: a wide table is not taken apart and put together again.
            return X.copy(deep=False) if list(X.columns) == self.columns_in_ else X[self.columns_in_]
        return self._with_features(_columns_of(X[self.columns_in_]), X.index)

    def _with_features(self, table: Table, index: Any) -> pd.DataFrame:
        for name, feature in self.features.items():
            learned = self.learned_[name]
            values = _compute(name, feature, _source(name, feature, table), learned.get("dates"))
            table[name] = _apply_learned(feature, values, _groups(name, feature, table), learned)
        return pd.DataFrame(table, index=index)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that values may be missing, and text."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray[Any, Any]:  # noqa: ARG002
        """Return the names of the columns that ``transform`` returns."""
        check_is_fitted(self)
        return np.array(list(dict.fromkeys([*self.columns_in_, *self.features])), dtype=object)


def _columns_of(frame: pd.DataFrame) -> Table:
    # A dict of columns: adding a hundred columns to a DataFrame one by one fragments it.
    return {str(name): column for name, column in frame.items()}


def _require_columns(expected: Iterable[str], frame: pd.DataFrame, features: Mapping[str, Any]) -> None:
    missing = [name for name in expected if name not in frame]
    if missing:
        readers = [name for name, feature in features.items() if missing[0] in columns_read({name: feature})]
        use = f" (feature {readers[0]!r} reads it)" if readers else ""
        raise DataError(
            f"the table lacks {len(missing)} column(s) that training had: {', '.join(missing)}{use}. "
            f"{missing[0]!r}: {did_you_mean(missing[0], frame.columns)}"
        )


def _compute(name: str, feature: Mapping[str, Any], values: pd.Series, dates: Mapping[str, Any] | None) -> pd.Series:
    """Compute what is done to each value by itself: ``date``, ``text``, ``map`` and ``fill``."""
    if dates is not None:
        values = date_part(values, feature["date"], dates, _subject(name, feature))
    if "text" in feature:
        values = text_size(values, feature["text"])
    if "map" in feature:
        replacements = {category_text(old): new for old, new in feature["map"].items()}
        pairs = zip(read_categories(values), values, strict=True)
        replaced = [replacements.get(text, value) for text, value in pairs]
        values = pd.Series(replaced, index=values.index, dtype=object)
    if "fill" in feature:
        values = values.astype(object).where(values.notna(), feature["fill"])
    return values


def _source(name: str, feature: Mapping[str, Any], table: Table) -> pd.Series:
    """Return the values that a feature starts from: a column or an expression, and what ``extract`` leaves of it."""

    def numbers(source: str) -> np.ndarray[Any, Any]:
        advice = "Correct the value, or compare text as in Sex == 'female'."
        return read_numbers(_column(name, source, table), f"feature {name!r}, column {source!r}", advice)

    def texts(source: str) -> np.ndarray[Any, Any]:
        return read_categories(_column(name, source, table))

    if "from" in feature:
        values = _column(name, feature["from"], table)
    else:
        evaluated = evaluate(parse(feature["eval"]), numbers, texts)
        values = pd.Series(evaluated, index=next(iter(table.values())).index)
    if "extract" in feature:
        pattern = re.compile(feature["extract"])
        found = [_first_group(pattern, text) for text in read_categories(values)]
        values = pd.Series(found, index=values.index, dtype="str")
    return values


def _column(name: str, source: str, table: Table) -> pd.Series:
    if source not in table:
        raise DataError(
            f"feature {name!r} reads column {source!r}, which the table does not have. {did_you_mean(source, table)}"
        )
    return table[source]


def _subject(name: str, feature: Mapping[str, Any]) -> str:
    """Say what a message is about."""
    return f"feature {name!r}" + (f", column {feature['from']!r}" if "from" in feature else "")


def _groups(name: str, feature: Mapping[str, Any], table: Table) -> np.ndarray[Any, Any]:
    """Return the group of each row, for a statistic."""
    return group_keys([_column(name, source, table) for source in group_columns(feature)])


def text_size(values: pd.Series, unit: str) -> pd.Series:
    """Count the characters (``length``) or the words (``words``, what white space parts) of texts; missing is missing.

    Examples
    --------
    >>> text_size(pd.Series(["two words", "", None]), "words").tolist()
    [2.0, 0.0, nan]
    """
    texts = read_categories(values)
    sizes = [
        (len(text) if unit == "length" else len(text.split())) if isinstance(text, str) else np.nan for text in texts
    ]
    return pd.Series(sizes, index=values.index, dtype=np.float64)


def _first_group(pattern: re.Pattern[str], text: object) -> object:
    match = pattern.search(text) if isinstance(text, str) else None
    if match is None:
        return np.nan
    group = match.group(1) if pattern.groups else match.group()
    return np.nan if group is None else group


def _learn(name: str, feature: Mapping[str, Any], values: pd.Series, keys: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Learn the tables of a feature from its training rows, in plain Python types so that skops stores them."""
    learned: dict[str, Any] = {"text": not _is_numeric(values)}
    if "rare" in feature:
        sizes = _group_sizes(read_categories(values))
        learned["kept"] = [text for text, size in sizes.items() if size >= feature["rare"]]
    if feature.get("count"):
        learned["counts"] = _group_sizes(_with_rare(values, learned))
    if "statistic" in feature:
        advice = "Correct the value, or take `count`: a statistic is of numbers."
        numbers = read_numbers(values, _subject(name, feature), advice)
        learned["statistics"] = learn_statistics(numbers, keys, feature["statistic"])
    return learned


def _group_sizes(texts: Iterable[object]) -> dict[str, int]:
    return dict(Counter(text for text in texts if isinstance(text, str)))


def _with_rare(values: pd.Series, learned: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    texts = read_categories(values)
    if "kept" in learned:
        folded = {*learned["kept"]}
        texts = np.array([RARE if isinstance(t, str) and t not in folded else t for t in texts], dtype=object)
    return texts


def _apply_learned(
    feature: Mapping[str, Any], values: pd.Series, keys: np.ndarray[Any, Any], learned: Mapping[str, Any]
) -> pd.Series:
    if "statistic" in feature:
        return pd.Series(statistics_of(keys, learned["statistics"]), index=values.index)
    if feature.get("count"):
        sizes = [learned["counts"].get(t, 1) if isinstance(t, str) else 0 for t in _with_rare(values, learned)]
        return pd.Series(sizes, index=values.index, dtype=np.float64)
    # Text among values that were numbers in training stays text: preprocessing names the row if it minds.
    if learned["text"] or "kept" in learned or not _is_numeric(values):
        return pd.Series(_with_rare(values, learned), index=values.index, dtype="str")
    return values.astype(object).where(values.notna(), np.nan).astype(np.float64)


def _is_numeric(values: pd.Series) -> bool:
    known = values.dropna()
    return known.empty or known.astype(object).infer_objects().dtype.kind in "biuf"

"""Features derived from other columns, as declared in a pipeline file.

Rare values, group sizes, dates, statistics and the history of each group are learned from the rows given to ``fit``. A
cross-validation that fits the features inside each fold therefore leaks nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tabular_dl.errors import DataError, did_you_mean
from tabular_dl.preprocessing.dates import learn_dates
from tabular_dl.preprocessing.expressions import evaluate, parse
from tabular_dl.preprocessing.feature_rules import check_features, columns_read, group_columns, reads_history
from tabular_dl.preprocessing.group_statistics import crossed, group_keys
from tabular_dl.preprocessing.learned_features import (
    apply_learned,
    apply_past,
    learn,
    learn_past,
    packed,
    time_steps,
    unpacked,
)
from tabular_dl.preprocessing.single_values import single_values
from tabular_dl.preprocessing.text_patterns import first_groups
from tabular_dl.tables import read_categories, read_numbers, read_table, read_unit_numbers

if TYPE_CHECKING:
    from sklearn.utils import Tags

__all__ = ["DerivedFeatures", "derive_together"]

Table = dict[str, pd.Series]


class DerivedFeatures(TransformerMixin, BaseEstimator):
    r"""Add columns that are computed from other columns.

    Each feature has one source and any number of operations, applied in the order of
    `tabular_dl.preprocessing.feature_rules`: ``from``, ``eval`` or ``cross``, then ``extract``, ``number``, ``date``,
    ``cyclic``, ``text``, ``map``, ``fill``, ``rare``, ``count``, ``statistic``, or ``lag`` and ``rolling``. They are
    computed in the order of declaration and may read earlier ones. A feature with the name of a column replaces the
    column.

    Parameters
    ----------
    features : dict of str to dict
        Declarations by name of the new column. If empty, the table is returned unchanged.
    target : str or None, default=None
        Name of the target. Features with ``lag`` or ``rolling`` may be made from it: of the training rows that are
        strictly earlier, so never from that of a row itself, and never from that of rows that are predicted.

    Attributes
    ----------
    learned_ : dict of str to dict
        For each feature: ``text``, whether its values are texts; ``kept``, the values that are not rare; ``counts``,
        the number of training rows with each value; ``dates``, the format of the dates and the earliest one;
        ``statistics``, of the groups and of all training rows; ``steps``, the unit of time, and ``history``, the values
        of the training rows by group and step.
    n_features_in_ : int
        Number of columns in ``fit``.
    feature_names_in_ : ndarray of str
        Names of the columns in ``fit``.

    Raises
    ------
    SpecError
        In `fit`, if a declaration is invalid.
    DataError
        In `fit` and `transform`, if a column is missing, or contains texts instead of numbers, values that are not
        dates, or dates in several formats.

    Notes
    -----
    ``count`` is the number of training rows with the row's value. It is at least 1 in training, because a row counts
    itself. Values without training rows therefore also count 1 rather than 0, which the network was not trained on.
    Missing values count 0, in training and later.

    The result has the rows and the index of the input, and its columns are unchanged. Numeric features are float64,
    others are texts of dtype ``str``, as in training; missing values are NaN.

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

    def __init__(self, features: dict[str, dict[str, Any]], target: str | None = None) -> None:
        self.features = features
        self.target = target

    def fit(self, X: pd.DataFrame, y: object = None) -> DerivedFeatures:
        """Learn from a table of shape ``(rows, columns)``, and from the target for features that are made from it."""
        self._learn(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None, **parameters: Any) -> pd.DataFrame:  # noqa: ARG002
        """Learn from a table of shape ``(rows, columns)``, and return it with the derived columns.

        The result equals that of `fit` followed by `transform`, but each feature is computed only once.
        """
        table = self._learn(X, y)
        if not isinstance(X, pd.DataFrame) or not self.features:
            return self.transform(X)
        return pd.DataFrame(table, index=X.index)

    def _learn(self, X: pd.DataFrame, y: object) -> Table:
        """Learn the parameters of the features; return all columns, or none if there are no features."""
        check_features(self.features)
        frame = read_table(self, X, reset=True)
        self.columns_in_ = [str(name) for name in frame.columns]
        table = _columns_of(frame) if self.features else {}
        self.learned_: dict[str, dict[str, Any]] = {}
        for name, feature in self.features.items():
            readable = dict(table)
            if self.target is not None and reads_history(feature, self.target):
                readable[self.target] = _target(name, y, frame.index)
            source = _source(name, feature, readable)
            dates = learn_dates(source, feature.get("format")) if "date" in feature else None
            values = single_values(name, feature, source, dates)
            keys = _groups(name, feature, table)
            if reads_history(feature):
                time = _column(name, feature["time"], table)
                earlier = [other["history"] for other in self.learned_.values() if "history" in other]
                learned, table[name] = learn_past(name, feature, values, keys, time, earlier)
                self.learned_[name] = learned | ({"dates": dates} if dates else {})
                continue
            self.learned_[name] = learn(name, feature, values, keys) | ({"dates": dates} if dates else {})
            table[name] = apply_learned(feature, values, keys, self.learned_[name])
        return table

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the columns of the training table, in its order, and the derived ones. Other columns are dropped."""
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame):
            table = _columns_of(read_table(self, X, reset=False))
            return self._with_features(table, None).to_numpy()
        _require_columns(self.columns_in_, X, self.features)
        if not self.features:
            # Rebuilding a wide table would be slow.
            return X.copy(deep=False) if list(X.columns) == self.columns_in_ else X[self.columns_in_]
        return self._with_features(_columns_of(X[self.columns_in_]), X.index)

    def _with_features(self, table: Table, index: pd.Index[Any] | None) -> pd.DataFrame:
        for name, feature in self.features.items():
            learned = self.learned_[name]
            if reads_history(feature):
                table[name] = self._past(name, table)
                continue
            values = single_values(name, feature, _source(name, feature, table), learned.get("dates"))
            table[name] = apply_learned(feature, values, _groups(name, feature, table), learned)
        return pd.DataFrame(table, index=index)

    def _past(self, name: str, table: Table) -> pd.Series:
        """Return the values of a feature of earlier rows; of the target, only training rows have any."""
        feature, learned = self.features[name], self.learned_[name]
        values = None
        if self.target is None or not reads_history(feature, self.target):
            values = single_values(name, feature, _source(name, feature, table), learned.get("dates"))
        time = _column(name, feature["time"], table)
        return apply_past(name, feature, values, _groups(name, feature, table), time, learned)

    def steps_ahead(self, table: pd.DataFrame) -> dict[str, tuple[int, str]]:
        """Return the number of steps by which rows are later than all known targets, for features of earlier targets.

        Parameters
        ----------
        table : DataFrame of shape (rows, columns)
            Rows with the columns and features that are times.

        Returns
        -------
        dict of str to (int, str)
            Number of steps, and their unit, by the name of the feature; without features that count rows, and those
            for which no row is later.
        """
        check_is_fitted(self)
        ahead = {}
        for name, feature in self.features.items():
            learned = self.learned_[name]
            if self.target is None or not reads_history(feature, self.target) or learned["steps"]["unit"] == "row":
                continue
            steps = time_steps(name, feature, table[feature["time"]], learned)
            known_steps = learned["history"].steps
            if len(known_steps) and np.nanmax(steps, initial=-np.inf) > known_steps.max():
                ahead[name] = int(np.ceil(np.nanmax(steps) - known_steps.max())), learned["steps"]["unit"]
        return ahead

    def __getstate__(self) -> dict[str, Any]:
        """Return the state with learned tables as arrays."""
        state = dict(super().__getstate__())
        if "learned_" in state:
            state["learned_"] = {name: packed(learned) for name, learned in state["learned_"].items()}
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore a state, in the present form or as older versions stored it."""
        state = {"target": None, **state}
        if "learned_" in state:
            state["learned_"] = {name: unpacked(learned) for name, learned in state["learned_"].items()}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: missing values and texts are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray[Any, Any]:  # noqa: ARG002
        """Return the names of the columns that `transform` returns."""
        check_is_fitted(self)
        return np.array(list(dict.fromkeys([*self.columns_in_, *self.features])), dtype=object)


def derive_together(fitted: Sequence[DerivedFeatures], X: pd.DataFrame) -> list[Table]:
    """Return the columns of `DerivedFeatures.transform` for several transformers with the same declarations.

    What does not depend on learned parameters, or only on equal ones, is computed once.

    Parameters
    ----------
    fitted : sequence of F `DerivedFeatures`
        Fitted transformers.
    X : DataFrame of shape (rows, columns)
        Rows with the columns of ``fit``.

    Returns
    -------
    list of F dict of str to Series
        Columns by name; equal ones are one object.
    """
    columns = _columns_of(X[fitted[0].columns_in_])
    tables = [dict(columns) for _ in fitted]
    for name, feature in fitted[0].features.items():
        if reads_history(feature):
            for part, table in zip(fitted, tables, strict=True):
                table[name] = part._past(name, table)
            continue
        sources = [*columns_read({name: feature})]
        # Columns read, dates learned, values and keys; and values, learned parameters and the resulting feature.
        computed: list[tuple[list[pd.Series], Any, pd.Series, Any]] = []
        applied: list[tuple[pd.Series, Any, pd.Series]] = []
        for table, learned in zip(tables, [part.learned_[name] for part in fitted], strict=True):
            read, dates = [table[source] for source in sources], learned.get("dates")
            alike = (entry for entry in computed if entry[1] == dates and all(map(operator.is_, entry[0], read)))
            shared = next(alike, None)
            if shared is None:
                values = single_values(name, feature, _source(name, feature, table), dates)
                shared = read, dates, values, _groups(name, feature, table)
                computed.append(shared)
            _, _, values, keys = shared
            same = (result for before, other, result in applied if before is values and other == learned)
            table[name] = result = (
                apply_learned(feature, values, keys, learned) if (equal := next(same, None)) is None else equal
            )
            applied.append((values, learned, result))
    return tables


def _columns_of(frame: pd.DataFrame) -> Table:
    # A dict, because adding a hundred columns to a DataFrame one by one fragments it.
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


def _source(name: str, feature: Mapping[str, Any], table: Table) -> pd.Series:
    """Return the values of ``from``, ``eval`` or ``cross``, after ``extract`` and ``number``."""

    def numbers(source: str) -> np.ndarray[Any, Any]:
        advice = "Correct the value, or compare text as in Sex == 'female'."
        return read_numbers(_column(name, source, table), f"feature {name!r}, column {source!r}", advice)

    def texts(source: str) -> np.ndarray[Any, Any]:
        return read_categories(_column(name, source, table))

    if "from" in feature:
        values = _column(name, feature["from"], table)
    elif "cross" in feature:
        values = crossed([_column(name, source, table) for source in feature["cross"]])
    else:
        evaluated = evaluate(parse(feature["eval"]), numbers, texts)
        values = pd.Series(evaluated, index=next(iter(table.values())).index)
    if "extract" in feature:
        matches = first_groups(feature["extract"], read_categories(values), f"feature {name!r}, key 'extract'")
        values = pd.Series(matches, index=values.index, dtype="str")
    if "number" in feature:
        values = read_unit_numbers(values, feature["number"], feature.get("decimal", "."))
    return values


def _column(name: str, source: str, table: Table) -> pd.Series:
    if source not in table:
        raise DataError(
            f"feature {name!r} reads column {source!r}, which the table does not have. {did_you_mean(source, table)}"
        )
    return table[source]


def _target(name: str, y: object, index: pd.Index[Any]) -> pd.Series:
    """Return the target of the training rows as a column."""
    values = None if y is None else np.asarray(y)
    if values is None or values.ndim != 1:
        raise DataError(f"feature {name!r} is made from the earlier targets of training rows: it needs one target.")
    return pd.Series(values, index=index)


def _groups(name: str, feature: Mapping[str, Any], table: Table) -> np.ndarray[Any, Any]:
    """Return each row's group, for ``statistic``, ``lag`` and ``rolling``; without ``by`` all rows are one."""
    if reads_history(feature) and "by" not in feature:
        return np.full(len(next(iter(table.values()))), "", dtype=object)
    return group_keys([_column(name, source, table) for source in group_columns(feature)])

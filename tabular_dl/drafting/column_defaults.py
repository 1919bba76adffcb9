"""Default features and column rules for each kind of column, with the reasons.

================  ==================================================================================================
kind              features and rules
================  ==================================================================================================
with a unit       a feature of the numbers, then as below; the unit as a category where there are several
numeric           imputed by the median, with a flag if more than 1 % are missing; scaled by ``standard``, or if the
                  tails are heavy by ``quantile``, or by ``clip`` and ``standard`` if many rows have the same value.
                  Infinite ones become missing
boolean           0 and 1; with missing values one column each for yes, no and missing
low_cardinality   one column per category, with rare ones joined; whole numbers also as numbers
high_cardinality  mean of the target in the category (``target``) and frequency of the category; in large tables and
                  with many classes an ``embedding``. The letters before the first digit of codes such as C85 are
                  further categories
date              parts that differ between rows, in both tables alike (`tabular_dl.drafting.date_parts`)
text              numbers of characters and words; the words and letters of prose (``text``); of other texts, such as
                  names of persons, a word shared with many rows
id                none, except for the letters of codes
others            none
================  ==================================================================================================

Redundant columns and features are left out: those that repeat another, those with one value, and categories that most
test rows do not have.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from tabular_dl.drafting.abbreviations import abbreviated
from tabular_dl.drafting.date_parts import useful_parts
from tabular_dl.drafting.redundant import redundant_names
from tabular_dl.drafting.words import frequent_words, is_prose
from tabular_dl.preprocessing import COMPONENTS, ColumnRule
from tabular_dl.profiling import ColumnKind
from tabular_dl.tables import NumberForm, free_name

__all__ = ["Treatments", "treat"]

MISSING_FLAG = 0.01  # share of missing values above which a flag is added
SPIKE = 0.05  # share of rows with the same value from which on ranks would have a gap
RARE = 10  # categories with fewer training rows are joined
EMBEDDING_ROWS = 20_000  # rows from which on embeddings of categories can be learned
MOST_TARGET_CLASSES = 10  # most classes for target encoding, which makes one column per class
MOST_PREFIXES = 20
ROWS_A_COMPONENT = 40  # training rows for each component of texts
SAMPLE_ROWS = 20_000  # rows in which words and letters are looked for
MOSTLY_NEW = "most test rows have categories that no training row has"
NEARLY_UNIQUE = "nearly all values are different"

_PREFIX = re.compile(r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)")


@dataclass
class Treatments:
    """Features and rules of a pipeline file, and the columns that are left out.

    Attributes
    ----------
    features : dict of str to dict
        Derived features, by their names.
    feature_reasons : dict of str to str
        Reason for the first feature of each column, by the feature's name.
    rules : list of dict
        Column rules.
    rule_reasons : list of str
        Reason for each rule.
    dropped : dict of str to list of str
        Columns that are left out, by the reason.
    used : dict of str to str
        Description of the use of each column.
    """

    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    feature_reasons: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    rule_reasons: list[str] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)


def treat(
    kinds: Iterable[ColumnKind],
    rows: pd.DataFrame,
    classes: int | None,
    test: pd.DataFrame | None = None,
    *,
    several: bool = False,
) -> Treatments:
    """Return features and column rules for columns of known kinds.

    Parameters
    ----------
    kinds : iterable of ColumnKind
        Kinds of the columns.
    rows : DataFrame
        Training rows, in which words and letters are looked for.
    classes : int or None
        Number of classes of the target; None if the target is a number.
    test : DataFrame, optional
        Test rows, in which new categories, missing values and parts of dates are looked for.
    several : bool, default=False
        Whether there are several targets, for which no category is encoded by the target.

    Returns
    -------
    Treatments
        Features and rules, with reasons.

    Examples
    --------
    >>> from tabular_dl.profiling.column_kinds import column_kinds
    >>> people = pd.DataFrame({"Age": [22.5, 38.1, None, 17.0], "Sex": ["m", "f", "f", "m"]})
    >>> for rule in treat(column_kinds(people), people, 2).rules:
    ...     print(rule)
    {'columns': ['Age'], 'impute': 'median', 'missing_flag': True, 'scale': 'standard'}
    {'columns': ['Sex'], 'encode': 'onehot'}
    """
    plan = _Plan(rows, classes, test, several=several)
    for kind in kinds:
        plan.add(kind)
    return plan.finish()


class _Plan:
    """Collector of the columns that share a rule."""

    def __init__(
        self, rows: pd.DataFrame, classes: int | None, test: pd.DataFrame | None, *, several: bool = False
    ) -> None:
        self.rows, self.classes, self.test, self.several = rows, classes, test, several
        self.result = Treatments()
        self.reasons: dict[str, str] = {}  # of the features of each column
        # Reason and columns of each rule, by the JSON of the rule without its columns.
        self.groups: dict[str, tuple[str, list[str]]] = {}

    def add(self, kind: ColumnKind) -> None:
        """Add a column to the rules for its kind."""
        if kind.trouble:
            self._drop(kind, f"{kind.reason}, but {kind.trouble}; correct it, then add a rule for it")
        elif kind.kind in ("missing", "constant"):
            self._drop(kind, kind.reason)
        elif kind.number_form is not None:
            self._unit(kind, kind.number_form)
        elif kind.infinite and kind.kind != "id":
            name = self._feature(kind, "finite", map={"inf": None, "-inf": None})
            getattr(self, f"_{kind.kind}")(replace(kind, name=name))
            self.result.used[kind.name] = f"{self.result.used.pop(name)}, finite"
        else:
            getattr(self, f"_{kind.kind}")(kind)

    def finish(self) -> Treatments:
        """Return the collected features and rules."""
        self._leave_out_redundant()
        for name, feature in self.result.features.items():
            if feature["from"] in self.reasons:
                self.result.feature_reasons[name] = self.reasons.pop(feature["from"])
        # Rules for numbers first, then encodings in the order of the columns.
        for rule, (reason, columns) in sorted(self.groups.items(), key=lambda group: "encode" in json.loads(group[0])):
            patterns = abbreviated(columns, [*map(str, self.rows.columns), *self.result.features])
            self.result.rules.append({"columns": patterns, **json.loads(rule)})
            self.result.rule_reasons.append(reason)
        return self.result

    def _leave_out_redundant(self) -> None:
        """Take redundant columns and features out of the rules."""
        numeric: dict[str, bool] = {}
        for rule, (_, columns) in self.groups.items():
            read_as_numbers = ColumnRule(columns=tuple(columns), **json.loads(rule)).numeric
            numeric |= {name: read_as_numbers or numeric.get(name, False) for name in columns}
        features = self.result.features
        sources = {name: feature["from"] for name, feature in features.items()}
        redundant = redundant_names(numeric, features, self.rows)
        for rule, (reason, columns) in list(self.groups.items()):
            self.groups[rule] = reason, [name for name in columns if name not in redundant]
            if not self.groups[rule][1]:
                del self.groups[rule]
        for name in redundant:
            features.pop(name, None)
        used = {name for _, columns in self.groups.values() for name in columns}
        used |= {feature["from"] for feature in features.values()}
        for name, other in redundant.items():
            column = sources.get(name, name)
            if column not in used and self.result.used.pop(column, None) is not None:
                reason = "one value" if other is None else f"the same as {sources.get(other, other)}"
                self.result.dropped.setdefault(f"{reason} in every row", []).append(column)

    def _drop(self, kind: ColumnKind, reason: str) -> None:
        self.result.dropped.setdefault(reason, []).append(kind.name)

    def _rule(self, column: str, reason: str, **rule: Any) -> None:
        self.groups.setdefault(json.dumps(rule), (reason, []))[1].append(column)

    def _feature(self, kind: ColumnKind, suffix: str, **feature: Any) -> str:
        """Add a feature of a column under a unique name; return the name."""
        name = free_name(f"{kind.name}_{suffix}", {*self.rows.columns, *self.result.features})
        self.reasons.setdefault(kind.name, f"{kind.name}: {kind.reason}.")
        self.result.features[name] = {"from": kind.name, **feature}
        return name

    def _unit(self, kind: ColumnKind, form: NumberForm) -> None:
        """Add the numbers in a column of text, and their units if they cannot be converted into each other."""
        decimal = {} if form.decimal == "." else {"decimal": form.decimal}
        unit = [*form.unit] if isinstance(form.unit, tuple) else form.unit
        suffix = unit if isinstance(unit, str) and unit.isalnum() else "number"
        name = self._feature(kind, suffix, number=unit, **decimal)
        if form.spellings:
            pattern = f"({'|'.join(map(re.escape, form.spellings))})"
            self._rule(self._feature(kind, "unit", extract=pattern), "Categories: one column each.", encode="onehot")
        getattr(self, f"_{kind.kind}")(replace(kind, name=name, number_form=None))
        del self.result.used[name]
        self.result.used[kind.name] = form.in_words

    def _numeric(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "a number"
        if not kind.heavy_tailed:
            self._number(kind.name, missing=kind.missing)
            return
        reason = "Numbers with heavy tails"
        if kind.commonest < SPIKE:
            reason = f"{reason}: ranks on the scale of a normal distribution"
            self._number(kind.name, reason, kind.missing, "quantile")
        else:
            # Ranks would put a common value, such as the zeros of amounts, far from all others.
            reason = f"{reason}, and one value in many rows: clipped to the quantiles from 1 % to 99 %"
            self._number(kind.name, reason, kind.missing, "standard", clip=0.01)

    def _number(
        self, column: str, reason: str = "Numbers", missing: float = 0.0, scale: str = "standard", **keys: Any
    ) -> None:
        flag = {"missing_flag": True} if missing > MISSING_FLAG else {}
        reason = f"{reason}. Missing values may be informative." if flag else f"{reason}."
        self._rule(column, reason, impute="median", **flag, **keys, scale=scale)

    def _boolean(self, kind: ColumnKind) -> None:
        self.result.used[kind.name] = "yes or no"
        if kind.missing:
            self._categories(kind)
        else:
            self._rule(kind.name, "Yes or no.", **_filled(kind), encode="label")

    def _low_cardinality(self, kind: ColumnKind) -> None:
        if kind.new_categories == "most" and not kind.ordered:
            self._drop(kind, MOSTLY_NEW)
            return
        self.result.used[kind.name] = f"{kind.distinct} categories"
        if kind.new_categories != "most":
            self._categories(kind)
        if kind.ordered:
            self._number(kind.name, missing=kind.missing)

    def _categories(self, kind: ColumnKind) -> None:
        rare = kind.rarest < RARE <= len(self.rows) / 10 and kind.distinct > 2
        if rare or kind.new_categories != "none":
            reason = f"Categories; those with fewer than {RARE} training rows are joined."
            self._rule(kind.name, reason, **_filled(kind), encode="onehot", rare=RARE)
        else:
            self._rule(kind.name, "Categories: one column each.", **_filled(kind), encode="onehot")

    def _high_cardinality(self, kind: ColumnKind) -> None:
        if kind.new_categories == "most" or kind.nearly_unique:
            if not self._prefix(kind):
                self._drop(kind, MOSTLY_NEW if kind.new_categories == "most" else NEARLY_UNIQUE)
            return
        self._prefix(kind)
        if self.several or len(self.rows) >= EMBEDDING_ROWS or (self.classes or 0) > MOST_TARGET_CLASSES:
            self.result.used[kind.name] = f"{kind.distinct} categories, embedded"
            self._rule(
                kind.name, "Many categories: one learned vector each.", **_filled(kind), encode="embedding", rare=RARE
            )
            return
        self.result.used[kind.name] = f"{kind.distinct} categories, by target, frequency"
        reason = "Many categories: mean of the target in each, from other training rows."
        self._rule(kind.name, reason, **_filled(kind), encode="target", scale="standard")
        self._rule(kind.name, "Frequency of the category.", encode="frequency", scale="standard")

    def _id(self, kind: ColumnKind) -> None:
        if not self._prefix(kind):
            self._drop(kind, kind.reason)

    def _prefix(self, kind: ColumnKind) -> bool:
        """Add categories of the letters before the first digit of codes; return whether there are any."""
        texts = self.rows[kind.name].dropna().head(SAMPLE_ROWS)
        counts = Counter(match.group(1) for text in texts if isinstance(text, str) and (match := _PREFIX.match(text)))
        common = [letters for letters, count in counts.items() if count >= RARE]
        if not 2 <= len(common) <= MOST_PREFIXES:
            return False
        name = self._feature(kind, "letters", extract=r"^\s*([^\W\d_]{1,6})(?=[\s./_-]*\d)", rare=RARE)
        self._rule(name, "Categories: one column each.", encode="onehot")
        self.result.used[kind.name] = "letters of codes"
        return True

    def _date(self, kind: ColumnKind) -> None:
        test = None if self.test is None else self.test[kind.name]
        # The format is fixed, since the rows of a fold may not suffice to distinguish days from months.
        date_format = {"format": kind.date_format} if kind.date_format not in (None, "ISO8601") else {}
        parts = dict(useful_parts(self.rows[kind.name], test, kind.date_format))
        for part, use in parts.items():
            if use == "circle":
                for function in ("sin", "cos"):
                    name = self._feature(kind, f"{part}_{function}", date=part, cyclic=function, **date_format)
                    self._number(name, missing=kind.missing)
                continue
            name = self._feature(kind, part, date=part, **date_format)
            if use == "categories":
                self._rule(name, "Categories: one column each.", **_filled(kind), encode="onehot")
            else:
                self._number(name, missing=kind.missing)
        self.result.used[kind.name] = f"date: {', '.join(parts)}"

    def _text(self, kind: ColumnKind) -> None:
        for measure in ("length", "words"):
            self._number(self._feature(kind, measure, text=measure), missing=kind.missing)
        texts = self.rows[kind.name].dropna().head(SAMPLE_ROWS)
        if is_prose(texts):
            components = int(min(COMPONENTS, max(5, len(self.rows) // ROWS_A_COMPONENT)))
            self.result.used[kind.name] = "text: words and letters, length"
            reason = f"Texts: weights of their words and letters (TF-IDF), reduced to {components} numbers."
            self._rule(kind.name, reason, encode="text", components=components, scale="standard")
            return
        self.result.used[kind.name] = "text: length, words, a shared word"
        words = frequent_words(texts, fewest=RARE)
        if len(words) >= 2:
            choice = "|".join(map(re.escape, words))
            # Not enclosed by word characters.
            name = self._feature(kind, "word", extract=rf"(?<!\w)({choice})(?!\w)")
            self._rule(name, "Categories: one column each.", encode="onehot")


def _filled(kind: ColumnKind) -> dict[str, Any]:
    """Return the keys of a rule for categories that are missing in test rows only."""
    return {"impute": "most_frequent"} if kind.newly_missing else {}
